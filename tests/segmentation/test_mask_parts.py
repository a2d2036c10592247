"""Quality scores, boundary bands, connected components: against references and slow loops."""

import numpy as np
import pytest
from cleanlab.segmentation.rank import get_label_quality_scores
from mask_helpers import random_set
from scipy import ndimage

from mixednoise.segmentation.bands import boundary_band, typical_band
from mixednoise.segmentation.confident import ArraySource, ErrorSettings, estimate, iter_errors
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.quality import label_quality
from mixednoise.segmentation.regions import drop_small


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_quality_equals_cleanlab(dtype):
    masks, probabilities = random_set(np.random.default_rng(0), dtype=dtype)
    theirs, _ = get_label_quality_scores(masks, probabilities, verbose=False)
    source, settings = ArraySource(masks, probabilities), ErrorSettings(rule="argmax")
    ours = [image.quality for image in iter_errors(source, estimate(source, settings), settings)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_quality_of_certain_and_of_no_pixels():
    assert label_quality(np.ones((4, 4), np.float32)) == 1
    assert label_quality(np.zeros((4, 4), np.float32)) == 0
    assert label_quality(np.zeros(0)) == 1


def slow_band(mask, width):
    """Pixels with one of another class within the width, by looking at all pairs."""
    places = np.argwhere(mask != 255)
    band = np.zeros(mask.shape, bool)
    for here in places:
        for there in places:
            if mask[tuple(here)] != mask[tuple(there)] and ((here - there) ** 2).sum() <= width**2:
                band[tuple(here)] = True
    return band


@pytest.mark.parametrize("shape", [(9, 11), (5, 6, 4)])
@pytest.mark.parametrize("width", [1, 2.3])
def test_band_holds_the_pixels_near_another_class(shape, width):
    rng = np.random.default_rng(1)
    mask = np.zeros(shape, np.uint8)
    mask[: shape[0] // 3] = 1
    mask[..., -1] = 2
    mask[rng.random(shape) < 0.05] = 255
    band = boundary_band(mask, width)
    assert 0 < band.sum() < band.size
    np.testing.assert_array_equal(band, slow_band(mask, width))


@pytest.mark.parametrize("width", [1, 5, 9.9, 10, 10.1, 25])
def test_bands_by_discs_and_by_distances_are_the_same(width):
    mask = np.kron(np.random.default_rng(2).integers(0, 3, (5, 4)), np.ones((23, 31))).astype(
        np.uint8
    )
    apart = [ndimage.distance_transform_edt(mask == k) for k in range(3)]
    near = np.select([mask == k for k in range(3)], apart) <= width
    np.testing.assert_array_equal(boundary_band(mask, width), near)


@pytest.mark.parametrize("value", [0, 255])
def test_no_boundary_no_band(value):
    assert not boundary_band(np.full((4, 5), value, np.uint8), 3).any()


@pytest.mark.parametrize("slices", [0, 3])
def test_components_connect_at_corners(slices):
    flagged = np.zeros((4, 7), bool)
    flagged[0, 0] = flagged[1, 1] = flagged[2, 1] = True  # one of three pixels
    flagged[0, 5] = True
    if slices:
        flagged = np.stack([flagged] + [np.zeros_like(flagged)] * (slices - 1))
        flagged[1, 3, 2] = True  # touches the first one at a corner
    size = 4 if slices else 3
    kept = drop_small(flagged, 0)
    assert (sorted(kept.sizes), kept.largest) == ([1, size], size)
    np.testing.assert_array_equal(kept.flagged, flagged)
    kept = drop_small(flagged, 2)
    assert (kept.flagged.sum(), list(kept.sizes), kept.largest) == (size, [size], size)
    assert flagged.sum() == size + 1
    kept = drop_small(flagged, 9)
    assert (kept.flagged.sum(), len(kept.sizes), kept.largest) == (0, 0, 0)


def disc(radius, shape=(128, 128)):
    rows, columns = np.indices(shape)
    return ((rows - 64) ** 2 + (columns - 64) ** 2 <= radius**2).astype(np.uint8)


@pytest.mark.parametrize("radius", [12, 24, 40])
def test_the_typical_band_holds_three_quarters_of_a_structure(radius):
    """The outer half of a disc's radius is three quarters of its area."""
    assert typical_band([(disc(radius), 1.0)]) == pytest.approx(radius / 2, abs=1)
    assert typical_band([(disc(radius), 3.0)]) == pytest.approx(3 * radius / 2, abs=3)


def test_the_typical_band_is_that_of_all_structures():
    small, large = disc(10), disc(40)
    both = np.where(disc(10), 2, disc(40)).astype(np.uint8)
    assert typical_band([(small, 1.0)] * 3 + [(large, 1.0)]) == pytest.approx(18, abs=2)
    # Nobody's pixels make no boundary, and background has no band of its own.
    hidden = np.where(disc(60) > disc(40), IGNORE, disc(40)).astype(np.uint8)
    assert typical_band([(hidden, 1.0)]) > 25
    assert typical_band([(both, 1.0)]) < 20
    assert typical_band([]) is None
    assert typical_band([(np.zeros((9, 9), np.uint8), 1.0)]) is None
    thin = np.zeros((9, 9), np.uint8)
    thin[4] = 1
    assert typical_band([(thin, 0.1)]) == 1.0
