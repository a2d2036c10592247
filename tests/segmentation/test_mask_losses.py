"""Losses against PyTorch's and MONAI's where these exist, and against the formulas elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.losses import (
    case_cross_entropy,
    cross_entropy,
    dice_loss,
    segmentation_loss,
)
from mixednoise.segmentation.targets import Targets, make_targets


def case(
    classes: int = 3, shape: tuple[int, ...] = (3, 5, 4), seed: int = 0
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits, mask, error map, proposed mask."""
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.normal(0, 2, (shape[0], classes, *shape[1:])))
    mask, proposed = (
        torch.from_numpy(rng.integers(0, classes, shape, dtype=np.uint8)) for _ in range(2)
    )
    return logits, mask, torch.from_numpy(rng.random(shape) < 0.4), proposed


@pytest.mark.parametrize("classes", [2, 5])
def test_epsilon_0_is_plain_cross_entropy_and_1_that_of_corrected_labels(classes: int) -> None:
    logits, mask, flagged, proposed = case(classes)
    if classes == 2:
        proposed = 1 - mask
    for epsilon, labels in ((0.0, mask), (1.0, torch.where(flagged, proposed, mask))):
        targets = make_targets(
            mask, flagged, proposed, num_classes=classes, mode="slsr", epsilon=epsilon
        )
        expected = F.cross_entropy(logits, labels.long())
        torch.testing.assert_close(segmentation_loss(logits, targets), expected, rtol=0, atol=1e-7)


def test_smoothed_cross_entropy_against_a_slow_loop() -> None:
    logits, mask, flagged, _ = case(2)
    mask[0, 0] = IGNORE
    eps, total, count = 0.8, 0.0, 0
    for b, i, j in np.ndindex(3, 5, 4):
        if mask[b, i, j] == IGNORE:
            continue
        z = logits[b, :, i, j].tolist()
        y = int(mask[b, i, j]) + bool(flagged[b, i, j]) * (-1) ** int(mask[b, i, j]) * eps
        log_sum = math.log(math.exp(z[0]) + math.exp(z[1]))
        total -= (1 - y) * (z[0] - log_sum) + y * (z[1] - log_sum)
        count += 1
    targets = make_targets(mask, flagged, num_classes=2, mode="slsr", epsilon=eps)
    assert cross_entropy(logits, targets).item() == pytest.approx(total / count, rel=1e-6)


@pytest.mark.parametrize("shape", [(2, 6, 5), (2, 3, 4, 3)])
def test_ignored_pixels_are_out_of_the_mean(shape: tuple[int, ...]) -> None:
    logits, mask, flagged, _ = case(3, shape)
    mask[0, 0] = IGNORE
    targets = make_targets(mask, flagged, num_classes=3, mode="ignore")
    labels = mask.long().masked_fill(flagged, IGNORE)
    expected = F.cross_entropy(logits, labels, ignore_index=IGNORE)
    torch.testing.assert_close(cross_entropy(logits, targets), expected)


def test_weighted_pixels_count_less() -> None:
    logits, mask, flagged, _ = case(3)
    targets = make_targets(mask, flagged, num_classes=3, mode="weight", epsilon=0.75)
    pixels = F.cross_entropy(logits, mask.long(), reduction="none").numpy()
    weight = np.where(flagged, 0.25, 1.0)
    found = cross_entropy(logits, targets).item()
    assert found == pytest.approx(np.average(pixels, weights=weight), rel=1e-6)


def test_each_image_on_its_own() -> None:
    logits, mask, *_ = case(3)
    mask[0, 1:] = IGNORE
    mask[2] = IGNORE
    found = case_cross_entropy(logits, make_targets(mask, num_classes=3, mode="noisy"))
    for b in (0, 1):
        one = F.cross_entropy(logits[b : b + 1], mask[b : b + 1].long(), ignore_index=IGNORE)
        assert found[b].item() == pytest.approx(one.item(), rel=1e-6)
    assert found[2] == 0


@pytest.mark.parametrize("kind", ["ce", "dice_ce"])
def test_a_batch_without_any_label_has_no_gradient_and_no_nan(kind: str) -> None:
    logits, mask, *_ = case(3)
    logits.requires_grad_()
    targets = make_targets(torch.full_like(mask, IGNORE), num_classes=3, mode="noisy")
    loss = segmentation_loss(logits, targets, kind)
    loss.backward()
    assert loss.item() == 0
    assert torch.all(logits.grad == 0)


@pytest.mark.parametrize("shape", [(3, 8, 6), (2, 4, 4, 3)])
@pytest.mark.parametrize("background", [True, False])
@pytest.mark.parametrize("over_batch", [True, False])
def test_dice_of_hard_targets_is_monais(
    shape: tuple[int, ...], background: bool, over_batch: bool
) -> None:
    from monai.losses.dice import DiceLoss

    logits, mask, *_ = case(4, shape)
    mask[0].masked_fill_(mask[0] == 2, 0)  # a class that one image lacks
    reference = DiceLoss(
        include_background=background, to_onehot_y=True, softmax=True, batch=over_batch
    )
    targets = make_targets(mask, num_classes=4, mode="noisy")
    found = dice_loss(logits, targets, include_background=background, over_batch=over_batch)
    torch.testing.assert_close(found, reference(logits, mask.unsqueeze(1).double()))


def test_dice_and_cross_entropy_together_are_monais() -> None:
    from monai.losses.dice import DiceCELoss

    logits, mask, *_ = case(3)
    reference = DiceCELoss(include_background=False, to_onehot_y=True, softmax=True, batch=True)
    targets = make_targets(mask, num_classes=3, mode="noisy")
    torch.testing.assert_close(
        segmentation_loss(logits, targets, "dice_ce"), reference(logits, mask.unsqueeze(1).double())
    )


def test_dice_does_not_see_pixels_without_weight() -> None:
    logits, mask, *_ = case(3)
    known = dice_loss(logits[:, :, :3], make_targets(mask[:, :3], num_classes=3, mode="noisy"))
    mask[:, 3:] = IGNORE
    hidden = dice_loss(logits, make_targets(mask, num_classes=3, mode="noisy"))
    torch.testing.assert_close(hidden, known)


def test_dice_of_smoothed_targets_is_smallest_at_the_targets() -> None:
    """The usual soft Dice would be smaller at probabilities of 0 and 1."""
    _, mask, flagged, proposed = case(3)
    targets = make_targets(mask, flagged, proposed, num_classes=3, mode="slsr", epsilon=0.3)
    at_targets = targets.soft.clamp_min(1e-30).log()
    assert dice_loss(at_targets, targets).item() == pytest.approx(0, abs=1e-6)
    for sharper in (0.5, 2.0, 20.0):
        assert dice_loss(at_targets * sharper, targets).item() > 0.01


@pytest.mark.parametrize("kind", ["ce", "dice_ce"])
@pytest.mark.parametrize("mode", ["slsr", "weight", "soft"])
def test_gradients_are_those_of_finite_differences(kind: str, mode: str) -> None:
    logits, mask, flagged, _ = case(3, (2, 3, 3))
    mask[0, 0, 0] = IGNORE
    p = torch.softmax(logits.flip(0), dim=1)
    targets = make_targets(mask, flagged, p, num_classes=3, mode=mode, epsilon=0.6)
    exact = Targets(targets.soft.double(), targets.weight.double())
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: segmentation_loss(z, exact, kind), (logits,))


def test_half_precision_logits_are_summed_in_single_precision() -> None:
    logits, mask, *_ = case(2, (2, 64, 64))
    targets = make_targets(mask, num_classes=2, mode="noisy")
    rounded = logits.to(torch.bfloat16)
    for kind in ("ce", "dice_ce"):
        found = segmentation_loss(rounded, targets, kind)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found, segmentation_loss(rounded.float(), targets, kind))


def test_another_loss_or_shape_is_refused() -> None:
    logits, mask, *_ = case(3)
    targets = make_targets(mask, num_classes=3, mode="noisy")
    with pytest.raises(ConfigError, match="dice_ce"):
        segmentation_loss(logits, targets, "dice")
    for wrong in (logits[:, :2], logits[..., :2], logits[:2]):
        with pytest.raises(DataError, match="different shapes"):
            segmentation_loss(wrong, targets)
