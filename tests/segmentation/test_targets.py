"""Targets: what a student learns from suspected pixels, by formulas written out by hand."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.targets import TARGET_MODES, make_targets


def u8(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.uint8).view(1, 1, -1)


def flags(*values: int) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.bool).view(1, 1, -1)


@pytest.mark.parametrize("epsilon", [0.0, 0.25, 0.8, 1.0])
def test_two_classes_are_smoothed_by_the_published_formula(epsilon: float) -> None:
    mask, flagged = u8(0, 1, 0, 1), flags(1, 1, 0, 0)
    targets = make_targets(mask, flagged, num_classes=2, mode="slsr", epsilon=epsilon)
    foreground = [epsilon, 1 - epsilon, 0, 1]  # y + 1[flagged] (-1)^y eps
    np.testing.assert_allclose(targets.soft[0, 1, 0], foreground, atol=1e-7)
    np.testing.assert_allclose(targets.soft[0, 0, 0], [1 - f for f in foreground], atol=1e-7)
    assert targets.weight.tolist() == [[[1, 1, 1, 1]]]


def test_full_strength_flips_both_ways() -> None:
    """Editing labels in place, class by class, made every flagged pixel background."""
    mask = u8(0, 1)
    targets = make_targets(mask, flags(1, 1), num_classes=2, mode="slsr", epsilon=1.0)
    assert targets.soft.argmax(dim=1).tolist() == [[[1, 0]]]


@pytest.mark.parametrize("mode", TARGET_MODES)
@pytest.mark.parametrize("num_classes", [2, 3, 7])
def test_nothing_passed_in_is_changed_and_rows_sum_to_one(mode: str, num_classes: int) -> None:
    rng = np.random.default_rng(0)
    mask = torch.from_numpy(rng.integers(0, num_classes, (2, 6, 5), dtype=np.uint8))
    mask[0, :2] = IGNORE
    flagged = torch.from_numpy(rng.random((2, 6, 5)) < 0.5)
    p = torch.from_numpy(rng.dirichlet(np.ones(num_classes), (2, 6, 5))).movedim(-1, 1).float()
    inputs = (mask, flagged, p)
    before = [tensor.clone() for tensor in inputs]
    targets = make_targets(*inputs, num_classes=num_classes, mode=mode, epsilon=0.8)
    for tensor, copy in zip(inputs, before, strict=True):
        assert torch.equal(tensor, copy)
    assert targets.soft.dtype == targets.weight.dtype == torch.float32
    assert targets.soft.shape == (2, num_classes, 6, 5)
    torch.testing.assert_close(targets.soft.sum(dim=1), torch.ones(2, 6, 5))
    assert torch.all(targets.soft >= 0)
    assert torch.all(targets.weight[0, :2] == 0)
    unsuspected = ~flagged & (mask != IGNORE)
    assert torch.equal(targets.soft.argmax(dim=1)[unsuspected], mask[unsuspected].long())
    assert torch.all(targets.weight[unsuspected] == 1)


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 4, 2)])
def test_any_number_of_classes_against_a_slow_loop(shape: tuple[int, ...]) -> None:
    rng, classes, eps = np.random.default_rng(1), 4, 0.3
    mask = rng.integers(0, classes, shape, dtype=np.uint8)
    mask[rng.random(shape) < 0.1] = IGNORE
    flagged = rng.random(shape) < 0.4
    p = rng.dirichlet(np.ones(classes), shape).astype(np.float32)
    proposed = p.argmax(axis=-1).astype(np.uint8)
    smoothed, corrected, towards_p = (np.zeros((*shape, classes)) for _ in range(3))
    for x in np.ndindex(shape):
        y = mask[x] if mask[x] != IGNORE else None
        if y is None:
            continue
        for k in range(classes):
            given, other = float(k == y), float(k == proposed[x])
            hit = flagged[x]
            smoothed[*x, k] = (1 - eps) * given + eps * other if hit else given
            corrected[*x, k] = other if hit else given
            towards_p[*x, k] = (1 - eps) * given + eps * p[(*x, k)] if hit else given
    given, suspected, soft_p = map(torch.from_numpy, (mask, flagged, np.moveaxis(p, -1, 1)))
    known = torch.from_numpy(mask != IGNORE)
    for mode, expected, guess in (
        ("slsr", smoothed, torch.from_numpy(proposed)),
        ("slsr", smoothed, soft_p),
        ("hard", corrected, torch.from_numpy(proposed)),
        ("soft", towards_p, soft_p),
    ):
        found = make_targets(
            given, suspected, guess, num_classes=classes, mode=mode, epsilon=eps
        ).soft
        found = found.movedim(1, -1)[known].numpy()
        np.testing.assert_allclose(found, expected[known.numpy()], atol=1e-6, err_msg=mode)


def test_suspected_pixels_can_be_ignored_or_count_less() -> None:
    mask, flagged = u8(0, 2, 1, IGNORE), flags(1, 1, 0, 1)
    ignored = make_targets(mask, flagged, num_classes=3, mode="ignore", epsilon=0.8)
    weighted = make_targets(mask, flagged, num_classes=3, mode="weight", epsilon=0.8)
    noisy = make_targets(mask, flagged, num_classes=3, mode="noisy")
    assert ignored.weight.tolist() == [[[0, 0, 1, 0]]]
    np.testing.assert_allclose(weighted.weight, [[[0.2, 0.2, 1, 0]]], atol=1e-7)
    assert noisy.weight.tolist() == [[[1, 1, 1, 0]]]
    for targets in (ignored, weighted, noisy):
        assert targets.soft[..., :3].argmax(dim=1).tolist() == [[[0, 2, 1]]]


def test_only_suspected_pixels_look_at_what_is_proposed() -> None:
    mask, flagged = u8(0, 1), flags(0, 1)
    soft = torch.tensor([[[[float("nan"), 0.25]], [[float("nan"), 0.5]], [[float("nan"), 0.25]]]])
    targets = make_targets(mask, flagged, soft, num_classes=3, mode="soft", epsilon=1.0)
    assert targets.soft[0, :, 0].T.tolist() == [[1, 0, 0], [0.25, 0.5, 0.25]]
    hard = make_targets(mask, flagged, u8(IGNORE, 2), num_classes=3, mode="hard")
    assert hard.soft[0, :, 0].T.tolist() == [[1, 0, 0], [0, 0, 1]]


def test_error_maps_may_be_bytes() -> None:
    targets = make_targets(
        u8(0, 1, IGNORE), u8(255, 0, IGNORE), num_classes=2, mode="slsr", epsilon=0.5
    )
    assert targets.soft[0, 1, 0, :2].tolist() == [0.5, 1]
    assert targets.weight.tolist() == [[[1, 1, 0]]]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"epsilon": 1.2}, ConfigError, "between 0 and 1"),
        ({"epsilon": -0.1}, ConfigError, "between 0 and 1"),
        ({"epsilon": float("nan")}, ConfigError, "between 0 and 1"),
        ({"mode": "flip"}, ConfigError, "slsr"),
        ({"num_classes": 1}, ConfigError, "2 to 254"),
        ({"flagged": None}, ConfigError, "an error map"),
        ({"proposed": None}, ConfigError, "the proposed class"),
        ({"mode": "soft"}, ConfigError, "probabilities"),
        ({"mask": u8(0, 3)}, DataError, "3 in 1 pixels"),
        ({"proposed": u8(IGNORE, 1)}, DataError, "255 in 1 pixels"),
        ({"mask": u8(0, 1).int()}, DataError, "don't go together"),
        ({"flagged": flags(1, 0, 0)}, DataError, "don't go together"),
        ({"flagged": flags(1, 0).float()}, DataError, "don't go together"),
        ({"proposed": torch.rand(1, 2, 1, 2)}, DataError, "don't go together"),
    ],
)
def test_what_cannot_be_is_refused(
    change: dict[str, object], error: type[Exception], message: str
) -> None:
    right = {
        "mask": u8(0, 1),
        "flagged": flags(1, 0),
        "proposed": u8(1, 1),
        "num_classes": 3,
        "mode": "slsr",
        "epsilon": 0.8,
    }
    make_targets(**right)
    with pytest.raises(error, match=message):
        make_targets(**{**right, **change})
