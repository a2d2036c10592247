"""MixUp of a batch."""

import pytest
import torch

from mixednoise.methods.mixing import Mix, draw_mix


def drawn(seed, count=6, alpha=1.0):
    generator = torch.Generator().manual_seed(seed)
    return draw_mix(count, alpha, generator, torch.device("cpu"))


def test_mixing_keeps_the_main_part():
    views = torch.arange(4.0)[:, None, None, None].expand(4, 3, 2, 2)
    mix = drawn(0, 4)
    assert 0.5 <= mix.share <= 1
    expected = mix.share * views + (1 - mix.share) * views[mix.partner]
    torch.testing.assert_close(mix.of(views), expected)


def test_by_hand():
    mix = Mix(0.75, torch.tensor([1, 0]))
    assert mix.of(torch.tensor([0.0, 4.0])).tolist() == [1.0, 3.0]


def test_everybody_is_a_partner_once_and_the_seed_decides():
    first, again, other = drawn(1), drawn(1), drawn(2)
    assert sorted(first.partner.tolist()) == list(range(6))
    assert (first.share, first.partner.tolist()) == (again.share, again.partner.tolist())
    assert first.share != other.share


@pytest.mark.parametrize(
    ("alpha", "low", "high"), [(0.1, 0.9, 1.0), (1.0, 0.7, 0.8), (8.0, 0.5, 0.62)]
)
def test_alpha_says_how_much_is_mixed(alpha, low, high):
    """max(lambda, 1 - lambda) of Beta(1, 1) is uniform on [.5, 1]: .75 on average."""
    mean = sum(drawn(seed, 2, alpha).share for seed in range(400)) / 400
    assert low < mean < high
