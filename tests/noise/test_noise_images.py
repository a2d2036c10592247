"""Degraded images: identity at 0, more damage with more severity, alike at every size."""

from __future__ import annotations

from itertools import pairwise

import cv2
import numpy as np
import pytest

from mixednoise.errors import ConfigError, DataError
from mixednoise.noise import DEGRADATIONS, degrade, degrade_randomly

LADDER = (0.0, 0.1, 0.25, 0.5, 0.75, 1.0)


def textured(height: int, width: int) -> np.ndarray:
    """The same scene at any size: waves of several lengths in three colours."""
    y = (np.arange(height)[:, None] + 0.5) / min(height, width)
    x = (np.arange(width)[None, :] + 0.5) / min(height, width)
    channels = [
        128 + 50 * np.sin(7 * x + phase) * np.cos(9 * y) + 45 * np.sin(40 * x + 31 * y + phase)
        for phase in (0.0, 1.0, 2.0)
    ]
    return np.clip(np.stack(channels, axis=2), 0, 255).astype(np.uint8)


def fundus(side: int) -> np.ndarray:
    """Texture inside a disc on black."""
    centre = (np.arange(side) + 0.5) / side - 0.5
    disc = centre[:, None] ** 2 + centre[None, :] ** 2 < 0.45**2
    return textured(side, side) * disc[:, :, None].astype(np.uint8)


def damage(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean((a.astype(float) - b.astype(float)) ** 2))


def apply(kind: str, image: np.ndarray, severity: float, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if kind == "random":
        return degrade_randomly(image, severity, rng)
    return degrade(image, kind, severity, rng)


EVERY_KIND = pytest.mark.parametrize("kind", [*DEGRADATIONS, "random"])


@EVERY_KIND
@pytest.mark.parametrize("shape", [(1, 1), (2, 7), (28, 28), (150, 200), (90, 31)])
def test_any_size_comes_back_as_it_was_at_severity_0(kind, shape):
    image = textured(*shape)
    before = image.copy()
    for severity in (0.0, 0.7, 1.0):
        out = apply(kind, image, severity)
        assert out.shape == image.shape
        assert out.dtype == np.uint8
        assert (out == before).all() or severity > 0
        assert not np.shares_memory(out, image)
    assert (image == before).all()


@EVERY_KIND
@pytest.mark.parametrize("image", [textured(28, 28), textured(120, 160), fundus(64)])
def test_more_severity_is_more_damage(kind, image):
    for seed in range(2):
        steps = [damage(apply(kind, image, severity, seed), image) for severity in LADDER]
        assert steps[0] == 0
        # Where next to nothing is left to damage, the distance to the original stays the same:
        # what one kind has darkened another one lights up.
        assert all(a <= (1.1 if kind == "random" else 1.02) * b for a, b in pairwise(steps)), steps
        assert steps[0] < steps[2] < steps[-1], steps
        assert steps[1] < 0.25 * steps[-1], steps


@EVERY_KIND
def test_chance_is_in_the_generator_alone(kind):
    image = textured(40, 40)
    first = apply(kind, image, 0.8, 3)
    np.random.seed(1)  # noqa: NPY002 - the global generator must not matter
    assert (apply(kind, image, 0.8, 3) == first).all()
    if kind != "blur":
        assert (apply(kind, image, 0.8, 4) != first).any()


@EVERY_KIND
@pytest.mark.parametrize("severity", [0.3, 0.9])
def test_the_same_severity_takes_the_same_share_of_detail_at_every_size(kind, severity):
    """Degrade a large image, then shrink it; or shrink it, then degrade: alike on average."""
    large = textured(256, 256)
    small = cv2.resize(large, (32, 32), interpolation=cv2.INTER_AREA)

    def lost(image: np.ndarray) -> float:
        errors = []
        for seed in range(6):
            out = apply(kind, image, severity, seed)
            out = cv2.resize(out, (32, 32), interpolation=cv2.INTER_AREA)
            errors.append(damage(out, small))
        return float(np.mean(errors))

    assert lost(large) == pytest.approx(lost(small), rel=0.4)


def test_blur_is_a_gaussian_whose_width_follows_the_shorter_side():
    image = np.zeros((64, 96, 3), np.uint8)
    image[:, 48:] = 255
    # severity 0.5: half of a tenth of 64 px
    edge = degrade(image, "blur", 0.5, np.random.default_rng(0))[32, :, 0].astype(float)
    slope = np.diff(edge)
    place = np.arange(len(slope)) - (len(slope) - 1) / 2
    sigma = np.sqrt((slope * place**2).sum() / slope.sum())
    assert sigma == pytest.approx(3.2, rel=0.05)


def test_wide_blur_made_on_a_smaller_copy_is_the_same_blur():
    image = textured(300, 300)
    ours = degrade(
        image, "blur", 1.0, np.random.default_rng(0)
    )  # 30 px, on a copy 7.5 times smaller
    exact = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 30, borderType=cv2.BORDER_REFLECT)
    assert np.abs(ours - exact).max() < 4


def test_full_severity_leaves_no_structure_to_be_read():
    """What is left of the scene in the damaged image, as correlation of fine detail."""
    image = textured(128, 128)

    def detail(picture: np.ndarray) -> np.ndarray:
        grey = picture.astype(np.float32).mean(axis=2)
        return (grey - cv2.GaussianBlur(grey, (0, 0), 8)).ravel()

    found = [
        np.corrcoef(detail(degrade_randomly(image, 1.0, np.random.default_rng(s))), detail(image))
        for s in range(12)
    ]
    assert np.mean([abs(c[0, 1]) for c in found]) < 0.15


@pytest.mark.parametrize("kind", ["haze", "spots"])
def test_dirt_and_haze_stay_inside_the_field_of_view(kind):
    image = fundus(96)
    out = degrade(image, kind, 1.0, np.random.default_rng(0))
    corner = np.s_[:8, :8]
    assert out[corner].max() <= 2
    assert damage(out[40:56, 40:56], image[40:56, 40:56]) > 100


def test_an_image_that_is_dark_all_over_is_still_degraded():
    image = np.full((40, 40, 3), 9, np.uint8)
    assert damage(degrade(image, "haze", 1.0, np.random.default_rng(0)), image) > 100


def test_uneven_light_darkens_most_and_overexposes_a_part():
    image = np.full((64, 64, 3), 120, np.uint8)
    out = degrade(image, "uneven_light", 1.0, np.random.default_rng(0)).max(axis=2)
    assert (out < 40).mean() > 0.3
    assert (out > 180).mean() > 0.01


def test_the_random_combination_differs_from_image_to_image():
    image = textured(48, 48)
    results = {degrade_randomly(image, 0.9, np.random.default_rng(s)).tobytes() for s in range(8)}
    assert len(results) == 8


@pytest.mark.parametrize("severity", [-0.1, 1.01, float("nan")])
def test_severity_out_of_range_is_refused(severity):
    with pytest.raises(ConfigError, match="severity"):
        degrade(textured(8, 8), "blur", severity, np.random.default_rng(0))
    with pytest.raises(ConfigError, match="severity"):
        degrade_randomly(textured(8, 8), severity, np.random.default_rng(0))


def test_unknown_kinds_and_other_arrays_are_refused():
    with pytest.raises(ConfigError, match="uneven_light, blur"):
        degrade(textured(8, 8), "rain", 0.5, np.random.default_rng(0))
    for image in (np.zeros((8, 8), np.uint8), np.zeros((8, 8, 3)), np.zeros((0, 8, 3), np.uint8)):
        with pytest.raises(DataError, match="uint8 RGB"):
            degrade(image, "blur", 0.5, np.random.default_rng(0))
