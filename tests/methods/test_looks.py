"""Who is trusted: exact ids, quotas of the noisy classes, and cleanlab's ranking as the oracle."""

import numpy as np
import pytest
import torch

from mixednoise.methods.looks import Looks, chance_of_right, trusted

rng = np.random.default_rng(0)
given = rng.choice(3, 100, p=[0.7, 0.2, 0.1])
sureness = rng.random(100)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_the_most_confident_of_every_given_class(share):
    kappa = trusted(given, sureness, np.full(3, share))
    for c in range(3):
        rows = np.flatnonzero(given == c)
        quota = int(np.floor(round((1 - share) * len(rows), 6)))
        best = sorted(rows, key=lambda i: -sureness[i])[:quota]
        assert set(np.flatnonzero(kappa & (given == c))) == set(best)


def test_every_class_has_a_share_of_its_own():
    kappa = trusted(given, sureness, np.array([0.0, 0.5, 1.0]))
    sizes = np.bincount(given)
    assert np.bincount(given[kappa], minlength=3).tolist() == [sizes[0], sizes[1] // 2, 0]


def test_equal_confidence_is_decided_by_row():
    kappa = trusted(np.zeros(4, int), np.full(4, 0.5), np.array([0.5]))
    assert kappa.tolist() == [True, True, False, False]


def test_a_class_without_samples_is_no_problem():
    kappa = trusted(np.array([0, 2]), np.array([0.1, 0.9]), np.zeros(3))
    assert kappa.all()


def test_the_untrusted_are_those_that_cleanlab_would_prune_by_class():
    filtering = pytest.importorskip("cleanlab.filter")
    rng = np.random.default_rng(4)
    labels = rng.integers(0, 3, 600)
    p = rng.dirichlet(np.ones(3), 600)
    kappa = trusted(labels, p[np.arange(600), labels], np.full(3, 0.3))
    removed = [int((~kappa & (labels == c)).sum()) for c in range(3)]
    issues = filtering.find_label_issues(
        labels, p, filter_by="prune_by_class", num_to_remove_per_class=removed
    )
    # cleanlab never flags a sample whose label is the most probable class
    assert np.array_equal(issues, ~kappa & (p.argmax(axis=1) != labels))


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_chances_agree_with_the_verdict_and_keep_the_order(share):
    kappa = trusted(given, sureness, np.full(3, share))
    chance = chance_of_right(given, sureness, kappa)
    assert np.array_equal(chance > 0.5, kappa)
    assert ((chance > 0) & (chance < 1)).all()
    for c in range(3):
        mine = given == c
        assert np.array_equal(np.argsort(chance[mine]), np.argsort(sureness[mine]))


def test_chances_agree_with_the_verdict_where_the_cut_lies_between_equals():
    kappa = np.array([True, True, False])
    chance = chance_of_right(np.zeros(3, int), np.array([1.0, 0.5, 0.5]), kappa)
    assert (chance > 0.5).tolist() == kappa.tolist()


def test_looks_are_averaged_and_counted():
    looks = Looks(np.array([0, 1, 1]), 2, memory=0.75)
    assert looks.self_confidence.tolist() == [1.0, 1.0, 1.0]  # trusted until seen
    looks.add(torch.tensor([0, 2]), torch.tensor([[0.2, 0.8], [0.4, 0.6]]))
    assert looks.self_confidence.tolist() == pytest.approx([0.2, 1.0, 0.6])
    looks.add(torch.tensor([0]), torch.tensor([[0.6, 0.4]]))
    assert looks.self_confidence.tolist() == pytest.approx([0.75 * 0.2 + 0.25 * 0.6, 1.0, 0.6])
    assert looks.total.tolist() == [2, 0, 1]
    assert looks.agreed.tolist() == [1, 0, 1]


def test_without_memory_the_last_look_stands():
    looks = Looks(np.array([0]), 2, memory=0.0)
    for p in (0.9, 0.3):
        looks.add(torch.tensor([0]), torch.tensor([[p, 1 - p]]))
    assert looks.self_confidence.tolist() == pytest.approx([0.3])


def test_looks_can_be_kept():
    looks, copy = Looks(np.array([0, 1]), 2, 0.5), Looks(np.array([0, 1]), 2, 0.5)
    looks.add(torch.tensor([1]), torch.tensor([[0.2, 0.8]]))
    copy.load_state_dict(looks.state_dict())
    assert torch.equal(copy.p, looks.p)
    assert copy.total.tolist() == [0, 1]
