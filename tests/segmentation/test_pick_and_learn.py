"""Pick-and-Learn: weights of a batch, and a loss that uses them once."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.pick_and_learn import QualityNetwork, pick_and_learn_loss
from mixednoise.segmentation.targets import make_targets


def small(**options: float) -> QualityNetwork:
    torch.manual_seed(0)
    return QualityNetwork(1, 2, **{"width": 0.05, **options})


def batch(count: int = 4, side: int = 32) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    images = torch.rand(count, 1, side, side, generator=generator)
    return images, (images[:, 0] > 0.7).to(torch.uint8)


def test_the_quality_network_is_vgg16_with_batch_normalisation() -> None:
    # torchvision's vgg16_bn has 138,365,992 parameters, its three linear layers 123,642,856.
    network = QualityNetwork(1, 3)  # one channel and two foreground classes: three, as in RGB
    assert sum(p.numel() for p in network.parameters()) == 138_365_992 - 123_642_856


@pytest.mark.parametrize("dims", [2, 3])
def test_weights_of_a_batch_sum_to_one_and_stay_within_their_bounds(dims: int) -> None:
    torch.manual_seed(0)
    network = QualityNetwork(2, 3, width=0.03, spatial_dims=dims)
    mask = torch.randint(0, 3, (3, *[32] * dims), dtype=torch.uint8)
    weights = network(torch.randn(3, 2, *[32] * dims) * 100, mask)
    assert weights.shape == (3,)
    assert weights.sum().item() == pytest.approx(1)
    assert weights.max() / weights.min() <= math.exp(4) + 1e-3


def test_the_weight_is_the_softmax_of_the_squashed_mean_of_the_features() -> None:
    network, (images, mask) = small().eval(), batch()
    with torch.no_grad():
        scores = []
        for image, drawn in zip(images, mask, strict=True):
            stacked = torch.stack([image[0], drawn.float()])[None]
            scores.append(2 * math.tanh(network.features(stacked).mean().item()))
        total = sum(math.exp(score) for score in scores)
        expected = [math.exp(score) / total for score in scores]
        assert network(images, mask).tolist() == pytest.approx(expected, rel=1e-5)


def test_the_mask_is_judged_and_unlabelled_pixels_are_background() -> None:
    network, (images, mask) = small().eval(), batch()
    with torch.no_grad():
        scores = network.scores(images, mask)
        assert not torch.allclose(scores, network.scores(images, 1 - mask))
        unlabelled = mask.masked_fill(mask == 0, IGNORE)
        torch.testing.assert_close(scores, network.scores(images, unlabelled))


def test_the_loss_is_the_weighted_sum_of_each_images_cross_entropy() -> None:
    _, mask = batch()
    mask[0, :4] = IGNORE
    logits = torch.randn(4, 2, 32, 32, generator=torch.Generator().manual_seed(0))
    weights = torch.tensor([0.1, 0.2, 0.3, 0.4])
    expected = sum(
        w * F.cross_entropy(logits[b][None], mask[b][None].long(), ignore_index=IGNORE)
        for b, w in enumerate(weights.tolist())
    )
    targets = make_targets(mask, num_classes=2, mode="noisy")
    torch.testing.assert_close(pick_and_learn_loss(logits, targets, weights), expected)


def test_equal_weights_are_plain_cross_entropy() -> None:
    """Neither divided by the batch size once more, nor softmax applied twice."""
    _, mask = batch()
    logits = torch.randn(4, 2, 32, 32, generator=torch.Generator().manual_seed(0)) * 5
    targets = make_targets(mask, num_classes=2, mode="noisy")
    found = pick_and_learn_loss(logits, targets, torch.full((4,), 0.25))
    torch.testing.assert_close(found, F.cross_entropy(logits, mask.long()))


def test_training_shifts_weight_away_from_the_worst_fit() -> None:
    network, (images, mask) = small(), batch()
    mask[0] = 1 - mask[0]  # the network below is right about all masks but this one
    logits = torch.stack([0.7 - images[:, 0], images[:, 0] - 0.7], dim=1) * 20
    targets = make_targets(mask, num_classes=2, mode="noisy")
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-3)
    for _ in range(12):
        optimiser.zero_grad()
        pick_and_learn_loss(logits, targets, network(images, mask)).backward()
        optimiser.step()
    weights = network(images, mask)
    assert weights.argmin() == 0
    assert weights[0] < 0.2


def test_what_cannot_be_judged_is_refused() -> None:
    images, mask = batch(2, 32)
    with pytest.raises(DataError, match="at least 32"):
        small()(images[..., :16], mask[..., :16])
    with pytest.raises(DataError, match="can't judge"):
        small()(images, mask[:1])
    targets = make_targets(mask, num_classes=2, mode="noisy")
    with pytest.raises(DataError, match="another batch"):
        pick_and_learn_loss(torch.zeros(2, 2, 32, 32), targets, torch.ones(3) / 3)
    for options in ({"width": 0.0}, {"alpha": -1.0}, {"spatial_dims": 1}):
        with pytest.raises(ConfigError):
            small(**options)
