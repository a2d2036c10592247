"""Mask noise on arrays: definitions by hand and by slow loops, label maps, guard, chance."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from mixednoise.errors import ConfigError, DataError
from mixednoise.noise.mask_checks import MASK_NOISES
from mixednoise.noise.mask_combine import combine
from mixednoise.noise.mask_discs import dilate, disc, erode
from mixednoise.noise.mask_regions import distort_edge, drop, merge, shift
from mixednoise.noise.masks import corrupt_mask, corrupt_mask_recorded


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def blobs(shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Smooth random regions that touch the border."""
    return ndimage.gaussian_filter(rng(seed).standard_normal(shape), 3) > 0.02


def ellipse(height: int = 64, width: int = 80, radii: tuple[int, int] = (20, 26)) -> np.ndarray:
    y, x = np.ogrid[:height, :width]
    inside = ((y - height // 2) / radii[0]) ** 2 + ((x - width // 2) / radii[1]) ** 2 <= 1
    return inside.astype(np.uint8)


def test_the_disc_of_radius_1_is_the_plus_of_5_pixels():
    assert disc(1).astype(int).tolist() == [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    assert disc(0).tolist() == [[True]]
    assert disc(2)[0].tolist() == [False, False, True, False, False]
    assert disc(2).sum() == 13
    assert disc(1, ndim=3).sum() == 7


@pytest.mark.parametrize("radius", [1, 2, 5, 12, 31])
def test_dilation_and_erosion_equal_scipy_pixel_by_pixel(radius):
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    structure = y**2 + x**2 <= radius**2
    for shape, seed in (((60, 77), 1), ((33, 200), 2)):
        region = blobs(shape, seed)
        grown = ndimage.binary_dilation(region, structure)
        assert (dilate(region, radius) == grown).all()
        # Behind the image's border nothing is known to be outside.
        shrunk = ndimage.binary_erosion(region, structure, border_value=1)
        assert (erode(region, radius) == shrunk).all()


@pytest.mark.parametrize("volume", [False, True])
def test_in_three_dimensions_discs_by_slice_or_balls(volume):
    region = blobs((9, 30, 31), 3)
    region[4] = False  # a slice without the structure
    y, x = np.mgrid[-3:4, -3:4]
    structure = np.zeros((7, 7, 7), dtype=bool)
    structure[3] = y**2 + x**2 <= 9
    if volume:
        z, y, x = np.mgrid[-3:4, -3:4, -3:4]
        structure = z**2 + y**2 + x**2 <= 9
    assert (dilate(region, 3, volume=volume) == ndimage.binary_dilation(region, structure)).all()
    shrunk = ndimage.binary_erosion(region, structure, border_value=1)
    assert (erode(region, 3, volume=volume) == shrunk).all()


def test_full_and_empty_regions():
    full, empty = np.ones((5, 6), dtype=bool), np.zeros((5, 6), dtype=bool)
    for operation in (dilate, erode):
        assert operation(full, 3).all()
        assert not operation(empty, 3).any()
    for kind in (distort_edge, shift, drop, merge):
        assert not kind(empty, 2, rng()).any()


def test_dilation_grows_and_erosion_shrinks_with_the_radius():
    mask = ellipse()
    areas = {}
    for kind in ("dilate", "erode"):
        results = [corrupt_mask(mask, kind, radius, rng()) for radius in (1, 2, 4, 8, 16)]
        areas[kind] = [int(result.sum()) for result in results]
        for result in results:
            larger, smaller = (result, mask) if kind == "dilate" else (mask, result)
            assert (larger >= smaller).all()
    assert areas["dilate"] == sorted(set(areas["dilate"]))
    assert areas["erode"] == sorted(set(areas["erode"]), reverse=True)
    assert areas["erode"][0] < mask.sum() < areas["dilate"][0]


def test_edge_distortion_is_the_specification_pixel_by_pixel():
    """An independent double loop over the same draws: Canny, p 0.5, discs, raster order."""
    region = ellipse(40, 48, (13, 17)).astype(bool)
    radius = 7
    edge = np.argwhere(cv2.Canny(region.astype(np.uint8) * 255, 64, 200))
    draws = rng(5)
    edge = edge[draws.random(len(edge)) < 0.5]
    radii = draws.integers(0, radius, size=len(edge))
    foreground = draws.random(len(edge)) < 0.5
    expected = region.copy()
    for (cy, cx), r, colour in zip(edge, radii, foreground, strict=True):
        for y in range(40):
            for x in range(cx - radius, cx + radius):
                if (y - cy) ** 2 + (x - cx) ** 2 <= r**2:
                    expected[y, x] = colour
    found = distort_edge(region, radius, rng(5))
    assert (found == expected).all()
    assert (found != region).any()
    # Nothing beyond the largest disc from the edge.
    far = ndimage.distance_transform_edt(~np.isin(np.arange(region.size).reshape(region.shape),
        np.ravel_multi_index(tuple(edge.T), region.shape))) > radius - 1  # fmt: skip
    assert (found == region)[far].all()


def test_edge_distortion_works_slice_by_slice_or_with_balls():
    region = np.repeat(ellipse(30, 30, (9, 9))[None], 5, axis=0).astype(bool)
    region[0] = region[4] = False
    by_slice = distort_edge(region, 5, rng(1), volume=False)
    assert not by_slice[[0, 4]].any()
    balls = distort_edge(region, 5, rng(1), volume=True)
    assert balls[[0, 4]].any()


@pytest.mark.parametrize("seed", range(8))
def test_shift_is_a_translation_by_the_radius(seed):
    region = np.zeros((40, 50), dtype=bool)
    region[15:22, 20:24] = True
    moved = shift(region, 9, rng(seed))
    offset = np.argwhere(moved).min(axis=0) - np.argwhere(region).min(axis=0)
    assert abs(np.hypot(*offset) - 9) <= np.sqrt(0.5)
    assert (np.roll(region, offset, axis=(0, 1)) == moved).all()
    assert not shift(region, 500, rng(seed)).any()
    volume = np.repeat(region[None], 3, axis=0)
    assert (shift(volume, 9, rng(seed)) == moved).all()


def squares() -> np.ndarray:
    """Four squares of 16 pixels; the first two are 5 columns apart, the last touches a corner."""
    region = np.zeros((40, 40), dtype=bool)
    region[2:6, 2:6] = region[2:6, 10:14] = region[20:24, 30:34] = region[24:28, 34:38] = True
    return region


@pytest.mark.parametrize("seed", range(6))
def test_dropping_removes_whole_components_but_never_all(seed):
    region = squares()
    components, count = ndimage.label(region, structure=np.ones((3, 3)))
    assert count == 3
    left = drop(region, 3, rng(seed))
    stay = [bool(left[components == c].any()) for c in (1, 2, 3)]
    assert all(left[components == c].all() == stay[c - 1] for c in (1, 2, 3))
    assert 1 <= sum(stay) <= 2
    assert not left[~region].any()


def test_of_a_single_component_a_disc_is_dropped():
    region = ellipse().astype(bool)
    gone = region & ~drop(region, 4, rng(2))
    matches = [
        centre
        for centre in np.argwhere(region)
        if (gone == (region & dilate_point(region.shape, centre, 4))).all()
    ]
    assert len(matches) == 1
    volume = np.repeat(region[None], 3, axis=0)
    assert (drop(volume, 4, rng(2))[0] == drop(volume, 4, rng(2))[2]).all()


def dilate_point(shape: tuple[int, int], centre: np.ndarray, radius: int) -> np.ndarray:
    y, x = np.ogrid[: shape[0], : shape[1]]
    return (y - centre[0]) ** 2 + (x - centre[1]) ** 2 <= radius**2


@pytest.mark.parametrize("seed", range(4))
def test_merging_bridges_a_component_and_its_nearest_neighbour(seed):
    region = squares()
    merged = merge(region, 1, rng(seed))
    assert merged[region].all()
    assert ndimage.label(merged, structure=np.ones((3, 3)))[1] == 2
    components = ndimage.label(merged, structure=np.ones((3, 3)))[0]
    # The two squares above are each other's nearest; the nearest of the third one is the second.
    assert components[2, 10] in (components[2, 2], components[20, 30])
    one = ellipse().astype(bool)
    assert (merge(one, 5, rng(seed)) == one).all()


def test_the_gap_of_a_bridge_is_filled_to_its_half_width():
    region = np.zeros((11, 20), dtype=bool)
    region[5, 2] = region[5, 12] = True
    expected = region.copy()
    expected[5, 1:14] = expected[4, 2:13] = expected[6, 2:13] = True
    assert (merge(region, 1, rng()) == expected).all()


def test_mixed_draws_its_kinds_with_their_probabilities():
    mask = np.zeros((6, 6), dtype=np.uint8)
    mask[2:4, 2:4] = 1
    generator = rng(0)
    kinds = [
        corrupt_mask_recorded(mask, "mixed", 1, generator).records[0].kind for _ in range(1500)
    ]
    shares = [kinds.count(kind) / len(kinds) for kind in ("dilate", "erode", "edge")]
    assert shares == pytest.approx([0.33, 0.33, 0.34], abs=0.04)
    assert sum(shares) == pytest.approx(1.0)


def test_a_range_of_radii_is_drawn_with_both_ends():
    mask = ellipse()
    generator = rng(0)
    drawn = {
        corrupt_mask_recorded(mask, "dilate", (3, 5), generator).records[0].radius
        for _ in range(40)
    }
    assert drawn == {3, 4, 5}


@pytest.mark.parametrize("kind", MASK_NOISES)
def test_equal_seeds_equal_results_and_the_input_stays(kind):
    mask = ellipse()
    mask[:8, :8] = 1
    mask[50:58, 2:20] = 2
    mask[30, :] = 255
    before = mask.copy()
    first, again = (corrupt_mask(mask, kind, (4, 9), rng(7)) for _ in range(2))
    assert (first == again).all()
    assert (mask == before).all()
    assert not np.shares_memory(first, mask)
    assert first.dtype == np.uint8
    assert ((first == 255) == (before == 255)).all()
    assert set(np.unique(first)) <= {0, 1, 2, 255}
    others = [corrupt_mask(mask, kind, (4, 9), rng(seed)) for seed in range(10, 16)]
    assert any((other != first).any() for other in others)


# Label maps -------------------------------------------------------------------------------------


def test_overlaps_go_to_the_smaller_structure_and_vacated_pixels_to_the_nearest_label():
    clean = np.array([[1, 1, 1, 1, 2, 2, 0, 0, 3, 0, 255]], dtype=np.uint8)
    everything = np.ones(clean.shape, dtype=bool)
    # All claim all: 3 has the fewest pixels.
    assert combine(clean, dict.fromkeys((1, 2, 3), everything)).tolist() == [[3] * 10 + [255]]
    # 1 grows into all: 2 and 3 have no noise, and fewer pixels.
    assert combine(clean, {1: everything}).tolist() == [[1, 1, 1, 1, 2, 2, 1, 1, 3, 1, 255]]
    # 2 vanishes: one pixel is nearest to 1, one to the background. 1 has no background near it.
    nothing = ~everything
    assert combine(clean, {2: nothing}).tolist() == [[1, 1, 1, 1, 1, 0, 0, 0, 3, 0, 255]]
    assert combine(clean, {1: nothing}).tolist() == [[2, 2, 2, 2, 2, 2, 0, 0, 3, 0, 255]]
    # Among equals the higher index wins.
    equals = np.array([[1, 0, 2]], dtype=np.uint8)
    whole = np.ones((1, 3), dtype=bool)
    assert combine(equals, {1: whole, 2: whole}).tolist() == [[2, 2, 2]]


def test_an_eroded_core_leaves_its_rim_to_the_structure_around_it():
    y, x = np.ogrid[:60, :60]
    distance = (y - 30) ** 2 + (x - 30) ** 2
    mask = ((distance <= 400).astype(np.uint8) + (distance <= 100)).astype(np.uint8)
    noisy = corrupt_mask(mask, "erode", 4, rng(), classes=[2])
    assert ((noisy > 0) == (mask > 0)).all()
    expected = ndimage.binary_erosion(mask == 2, disc(4))
    assert ((noisy == 2) == expected).all()


def test_only_the_chosen_classes_get_noise_and_each_its_own_radius():
    mask = np.zeros((60, 60), dtype=np.uint8)
    mask[5:15, 5:15], mask[30:40, 30:45] = 1, 2
    noisy = corrupt_mask_recorded(mask, "dilate", {2: 3}, rng(), classes=[2])
    assert [record.label for record in noisy.records] == [2]
    assert ((noisy.mask == 1) == (mask == 1)).all()
    assert ((noisy.mask == 2) == ndimage.binary_dilation(mask == 2, disc(3))).all()
    radii = {1: 1, 2: (4, 4)}
    records = corrupt_mask_recorded(mask, "erode", radii, rng()).records
    assert [(r.label, r.radius, r.noisy_pixels) for r in records] == [(1, 1, 64), (2, 4, 14)]


def test_the_record_counts_what_has_changed():
    mask = np.zeros((20, 20), dtype=np.uint8)
    mask[10, 10] = 1
    changed, absent = corrupt_mask_recorded(mask, "dilate", 1, rng(), classes=[1, 2]).records
    assert (changed.clean_pixels, changed.noisy_pixels, changed.flipped_pixels) == (1, 5, 4)
    assert changed.dice == pytest.approx(2 * 1 / (1 + 5))
    assert changed.outcome == "changed"
    assert (absent.outcome, absent.kind, absent.flipped_pixels, absent.dice) == ("absent", "", 0, 1)
    (same,) = corrupt_mask_recorded(mask, "merge", 2, rng()).records
    assert (same.outcome, same.flipped_pixels, same.dice) == ("unchanged", 0, 1.0)


# The guard --------------------------------------------------------------------------------------


def test_a_structure_that_erosion_deletes():
    mask = np.zeros((30, 30), dtype=np.uint8)
    mask[10:14, 10:14] = 1
    allowed = corrupt_mask_recorded(mask, "erode", 5, rng())
    assert not allowed.mask.any()
    assert allowed.records[0].outcome == "emptied"
    assert allowed.records[0].dice == 0.0
    for on_empty in ("keep", "resample"):
        kept = corrupt_mask_recorded(mask, "erode", 5, rng(), on_empty=on_empty)
        assert (kept.mask == mask).all()
        assert kept.records[0].outcome == "kept"
        assert kept.records[0].draws == 1  # nothing in it is left to chance


def test_resampling_finds_noise_that_leaves_something():
    mask = np.zeros((30, 30), dtype=np.uint8)
    mask[10:14, 10:14] = 1
    redrawn = 0
    for seed in range(20):
        noisy = corrupt_mask_recorded(mask, "mixed", 5, rng(seed), on_empty="resample")
        (record,) = noisy.records
        assert noisy.mask.any()
        assert record.outcome == "changed"
        assert record.kind != "erode"
        redrawn += record.draws > 1
    assert redrawn > 2
    ranged = [
        corrupt_mask_recorded(mask, "erode", (1, 9), rng(s), on_empty="resample").records[0]
        for s in range(10)
    ]
    assert {r.radius for r in ranged if r.outcome == "changed"} == {1}
    assert {r.outcome for r in ranged if r.radius > 1} == {"kept"}
    assert {r.draws for r in ranged if r.outcome == "kept"} == {10}


def test_a_class_that_others_would_bury_brings_the_clean_mask_back():
    mask = np.zeros((9, 9), dtype=np.uint8)
    mask[4, 3:6] = 1
    mask[4, 6] = 2
    buried = corrupt_mask_recorded(mask, "dilate", {1: 1, 2: 6}, rng(), on_empty="allow")
    assert buried.records[0].outcome == "emptied"
    kept = corrupt_mask_recorded(mask, "dilate", {1: 1, 2: 6}, rng(), on_empty="keep")
    assert (kept.mask == mask).all()
    assert [record.outcome for record in kept.records] == ["kept", "kept"]


# Bad input --------------------------------------------------------------------------------------


@pytest.mark.parametrize("radius", [0, -3, 2.5, (5, 2), (0, 4), (1, 2, 3), True])
def test_radii_that_can_t_be_used(radius):
    with pytest.raises(ConfigError, match="radius"):
        corrupt_mask(ellipse(), "dilate", radius, rng())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "gaussian"}, "dilate, erode, edge"),
        ({"on_empty": "never"}, "keep, resample, allow"),
        ({"classes": [0]}, "background"),
        ({"classes": [255]}, "1 to 254"),
        ({"radius": {1: 3}, "classes": [1, 2]}, "none for class 2"),
    ],
)
def test_options_that_can_t_be_used(options, message):
    with pytest.raises(ConfigError, match=message):
        corrupt_mask(ellipse(), **{"kind": "dilate", "radius": 3, "rng": rng(), **options})


@pytest.mark.parametrize(
    "mask",
    [
        np.zeros((4, 4), dtype=np.int64),
        np.zeros((4, 4), dtype=bool),
        np.zeros(5, dtype=np.uint8),
        np.zeros((0, 4), dtype=np.uint8),
        np.zeros((1, 1, 4, 4), dtype=np.uint8),
    ],
)
def test_arrays_that_are_no_masks(mask):
    with pytest.raises(DataError, match="uint8 class indices"):
        corrupt_mask(mask, "dilate", 3, rng())
