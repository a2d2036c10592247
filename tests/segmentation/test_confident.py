"""Rules of confident learning on masks: against cleanlab, by hand, and by slow loops."""

import warnings
from functools import partial

import numpy as np
import pytest
from cleanlab.count import compute_confident_joint, estimate_joint, get_confident_thresholds
from cleanlab.filter import find_label_issues
from mask_helpers import flatten, random_set, slow_guess

from mixednoise.errors import ConfigError
from mixednoise.progress import Silent
from mixednoise.segmentation import estimation, stratum
from mixednoise.segmentation.confident import (
    ArraySource,
    ErrorSettings,
    estimate,
    find_mask_errors,
    iter_errors,
)

CLEANLAB = {
    "C": "confident_learning",
    "Q": "prune_by_class",
    "PBNR": "prune_by_noise_rate",
    "both": "both",
    "argmax": "predicted_neq_given",
}


def by_cleanlab(masks, probabilities, rule, rows=slice(None)):
    """Flags of the pixels ``rows`` by cleanlab, estimated from them alone; flat."""
    labels, flat = flatten(masks, probabilities)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it warns of absent classes
        return find_label_issues(labels[rows], flat[rows], filter_by=CLEANLAB[rule], n_jobs=1)


@pytest.mark.parametrize("rule", CLEANLAB)
@pytest.mark.parametrize(("classes", "absent"), [(2, None), (3, None), (3, 1), (5, None), (5, 4)])
def test_flags_equal_cleanlab(rule, classes, absent):
    rng = np.random.default_rng(classes)
    masks, probabilities = random_set(rng, classes=classes, absent=absent)
    ours = find_mask_errors(masks, probabilities, rule)
    assert ours.dtype == bool
    assert 0 < ours.sum() < ours.size / 2
    np.testing.assert_array_equal(ours.ravel(), by_cleanlab(masks, probabilities, rule))


@pytest.mark.parametrize("rule", ["Q", "PBNR", "both"])
def test_flags_equal_cleanlab_in_single_precision_and_on_volumes(rule):
    rng = np.random.default_rng(3)
    masks, probabilities = random_set(rng, classes=4, images=3, shape=(5, 6, 7), dtype=np.float32)
    ours = find_mask_errors(masks, probabilities, rule)
    assert ours.shape == (3, 5, 6, 7)
    np.testing.assert_array_equal(ours.ravel(), by_cleanlab(masks, probabilities, rule))


@pytest.mark.parametrize("absent", [None, 2])
def test_estimate_equals_cleanlab(absent):
    masks, probabilities = random_set(np.random.default_rng(0), classes=4, absent=absent)
    found = estimate(ArraySource(masks, probabilities), ErrorSettings())
    labels, flat = flatten(masks, probabilities)
    present = [k for k in range(4) if k != absent]
    theirs = get_confident_thresholds(labels, flat)
    np.testing.assert_allclose(found.thresholds[present], theirs[present], rtol=1e-12)
    raw = compute_confident_joint(labels, flat, calibrate=False)
    np.testing.assert_array_equal(found.counts, raw)
    np.testing.assert_array_equal(found.calibrated, compute_confident_joint(labels, flat))
    joint = estimate_joint(labels, flat, confident_joint=compute_confident_joint(labels, flat))
    np.testing.assert_allclose(found.joint, joint, atol=1e-12)
    # The definition of each derived number, class by class.
    for k in present:
        row = found.calibrated[k]
        assert found.error_rate[k] == pytest.approx(1 - row[k] / row.sum())
        np.testing.assert_allclose(found.transition[k], row / row.sum())
    assert found.expected_errors == sum(
        found.calibrated[i, j] for i in range(4) for j in range(4) if i != j
    )
    if absent is not None:
        assert found.thresholds[absent] == np.inf
        assert np.isnan(found.error_rate[absent])
        assert found.to_json()["thresholds"][absent] is None
        assert "class 2 occurs in no mask" in found.report.text()


def test_four_pixels_by_hand():
    # p_1 = (.9, .8, .3, .2), given (1, 0, 0, 1): t_1 = .55, t_0 = .45, C = [[1, 1], [1, 1]].
    p1 = np.array([[[0.9, 0.8], [0.3, 0.2]]])
    probabilities = np.stack([1 - p1, p1], axis=1)
    masks = np.array([[[1, 0], [0, 1]]], np.uint8)
    found = estimate(ArraySource(masks, probabilities), ErrorSettings())
    np.testing.assert_allclose(found.thresholds, [0.45, 0.55])
    np.testing.assert_array_equal(found.counts, [[1, 1], [1, 1]])
    np.testing.assert_array_equal(found.calibrated, [[1, 1], [1, 1]])
    np.testing.assert_allclose(found.joint, 0.25)
    for rule in ("C", "Q", "PBNR", "both", "intersection", "union", "argmax"):
        flagged = find_mask_errors(masks, probabilities, rule)
        np.testing.assert_array_equal(flagged, [[[False, True], [False, True]]])


def test_two_classes_know_one_way_to_prune_and_three_know_more():
    masks, probabilities = random_set(np.random.default_rng(1), classes=2)
    maps = [find_mask_errors(masks, probabilities, rule) for rule in ("Q", "PBNR", "both")]
    assert maps[0].any()
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])
    masks, probabilities = random_set(np.random.default_rng(1), classes=3)
    by_class, by_rate, both = (
        find_mask_errors(masks, probabilities, rule) for rule in ("Q", "PBNR", "both")
    )
    assert (by_class != by_rate).any()
    np.testing.assert_array_equal(both, by_class & by_rate)


def test_rule_c_by_the_definition_and_its_combinations():
    masks, probabilities = random_set(np.random.default_rng(2), classes=3, images=2)
    labels, flat = flatten(masks, probabilities)
    thresholds = [flat[labels == k, k].mean() for k in range(3)]
    expected = np.zeros(len(labels), bool)
    for i, (y, p) in enumerate(zip(labels, flat, strict=True)):
        guess = slow_guess(p, thresholds)
        expected[i] = guess is not None and guess != y and p.argmax() != y
    c = find_mask_errors(masks, probabilities, "C")
    q = find_mask_errors(masks, probabilities, "Q")
    np.testing.assert_array_equal(c.ravel(), expected)
    assert (c != q).any()
    found = [find_mask_errors(masks, probabilities, r) for r in ("intersection", "union")]
    np.testing.assert_array_equal(found[0], c & q)
    np.testing.assert_array_equal(found[1], c | q)


@pytest.mark.parametrize("rule", ["C", "Q", "PBNR"])
def test_ignored_pixels_are_as_if_they_were_not_there(rule):
    rng = np.random.default_rng(4)
    masks, probabilities = random_set(rng, classes=3)
    left_out = rng.random(masks.shape) < 0.3
    marked = np.where(left_out, 9, masks).astype(np.int64)
    ours = find_mask_errors(marked, probabilities, rule, ignore_label=9)
    theirs = by_cleanlab(masks, probabilities, rule, rows=~left_out.ravel())
    assert not ours[left_out].any()
    np.testing.assert_array_equal(ours[~left_out], theirs)


def test_each_image_by_itself():
    masks, probabilities = random_set(np.random.default_rng(5), classes=3, images=4)
    ours = find_mask_errors(masks, probabilities, pool="image")
    for index in range(4):
        one = slice(index, index + 1)
        theirs = by_cleanlab(masks[one], probabilities[one], "Q")
        np.testing.assert_array_equal(ours[index].ravel(), theirs)
    assert (ours != find_mask_errors(masks, probabilities)).any()


@pytest.mark.parametrize("rule", ["Q", "both"])
def test_band_and_interior_are_estimated_apart(rule):
    # Two halves: the band of width 2 is two columns on either side of the boundary.
    rng = np.random.default_rng(6)
    _, probabilities = random_set(rng, classes=3, images=5, shape=(10, 16))
    masks = np.zeros((5, 10, 16), np.uint8)
    masks[:, :, 8:] = 1
    masks[:3, :, 8:] = 2
    band = np.zeros(masks.shape, bool)
    band[:, :, 6:10] = True
    ours = find_mask_errors(masks, probabilities, rule, band=2)
    for part in (band, ~band):
        theirs = by_cleanlab(masks, probabilities, rule, rows=part.ravel())
        np.testing.assert_array_equal(ours[part], theirs)
    found = estimate(ArraySource(masks, probabilities), ErrorSettings(band=2))
    assert [s.name for s in found.strata] == ["interior", "band"]
    assert found.strata[1].class_counts.sum() == band.sum()
    assert found.pixels == masks.size


def by_stable_order(masks, probabilities, rule, calibrated):
    """Flags with ties broken by position, by sorting all pixels; given the calibrated joint."""
    labels, flat = flatten(masks, probabilities)
    chosen = np.zeros(len(labels), bool)
    for i in range(flat.shape[1]):
        mine = np.flatnonzero(labels == i)
        if rule == "Q":
            order = np.argsort(flat[mine, i], kind="stable")
            chosen[mine[order[: len(mine) - calibrated[i, i]]]] = True
            continue
        for j in set(range(flat.shape[1])) - {i}:
            order = np.argsort(flat[mine, i] - flat[mine, j], kind="stable")
            chosen[mine[order[: calibrated[i, j]]]] = True
    own = flat[np.arange(len(labels)), labels]
    return chosen & (flat.max(axis=1) > own)


@pytest.mark.parametrize("rule", ["Q", "PBNR"])
@pytest.mark.parametrize("buffer_size", [1 << 20, 40])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_ties_are_broken_by_position_however_little_is_kept(rule, buffer_size, dtype, monkeypatch):
    rng = np.random.default_rng(8)
    shares = rng.multinomial(16, [0.5, 0.3, 0.2], (8, 20, 11)) / 16  # hardly 150 different ones
    probabilities = np.moveaxis(shares, -1, 1).astype(dtype)
    masks = np.where(rng.random((8, 20, 11)) < 0.7, shares.argmax(axis=-1), 0).astype(np.uint8)
    limited = partial(stratum.StratumEstimator, buffer_size=buffer_size)
    monkeypatch.setattr(estimation, "StratumEstimator", limited)
    found = estimate(ArraySource(masks, probabilities), ErrorSettings())
    assert found.calibrated.diagonal().min() >= 1
    ours = find_mask_errors(masks, probabilities, rule)
    expected = by_stable_order(masks, probabilities, rule, found.calibrated)
    assert expected.any()
    np.testing.assert_array_equal(ours.ravel(), expected)


@pytest.mark.parametrize("rule", ["PBNR", "both"])
@pytest.mark.parametrize("reach", [-0.9, -0.1, 0.51])
def test_margins_are_ranked_as_far_as_the_joint_wants(rule, reach, monkeypatch):
    # From -0.9 no pair has enough, from 0.51 all have.
    masks, probabilities = random_set(np.random.default_rng(15), classes=4)
    monkeypatch.setattr(stratum, "_FIRST_REACH", reach)
    ours = find_mask_errors(masks, probabilities, rule)
    assert ours.any()
    np.testing.assert_array_equal(ours.ravel(), by_cleanlab(masks, probabilities, rule))


def test_blocks_of_any_size_give_the_same(monkeypatch):
    masks, probabilities = random_set(np.random.default_rng(9), shape=(70, 80), images=2)
    whole = find_mask_errors(masks, probabilities, "both")
    monkeypatch.setattr("mixednoise.segmentation.pixel_blocks.BLOCK_VALUES", 1)  # 4096 pixels
    np.testing.assert_array_equal(find_mask_errors(masks, probabilities, "both"), whole)


def test_images_of_different_sizes_are_pooled():
    masks, probabilities = random_set(np.random.default_rng(10), images=1, shape=(40, 10))
    cuts = [slice(0, 7), slice(7, 8), slice(8, 40)]
    parts = find_mask_errors(
        [masks[0, c] for c in cuts], [probabilities[0, :, c] for c in cuts], "PBNR"
    )
    assert [part.shape for part in parts] == [(7, 10), (1, 10), (32, 10)]
    whole = find_mask_errors(masks, probabilities, "PBNR")
    np.testing.assert_array_equal(np.concatenate(parts), whole[0])


def test_temperature_is_a_softmax_of_scaled_logarithms():
    masks, probabilities = random_set(np.random.default_rng(11))
    powers = probabilities ** (1 / 2.5)
    softened = powers / powers.sum(axis=1, keepdims=True)
    np.testing.assert_array_equal(
        find_mask_errors(masks, probabilities, temperature=2.5), find_mask_errors(masks, softened)
    )
    sure = np.zeros((1, 2, 2, 2))
    sure[:, 0] = 1  # the logarithm of zero must not spoil it
    assert not find_mask_errors(np.zeros((1, 2, 2), np.uint8), sure, temperature=3).any()


def test_small_regions_are_dropped():
    # Three wrong pixels together and one alone, in a mask of zeros.
    p1 = np.full((1, 9, 9), 0.05)
    p1[0, 1, 1:4], p1[0, 6, 6] = 0.95, 0.96
    p1[0, 8, :] = 0.9
    masks = np.zeros((1, 9, 9), np.uint8)
    masks[0, 8] = 1
    probabilities = np.stack([1 - p1, p1], axis=1)
    everything = find_mask_errors(masks, probabilities, "argmax")
    assert everything.sum() == 4
    large = find_mask_errors(masks, probabilities, "argmax", min_region=3)
    np.testing.assert_array_equal(np.argwhere(large[0]), [[1, 1], [1, 2], [1, 3]])


def test_image_errors_hold_what_was_found():
    masks, probabilities = random_set(np.random.default_rng(12), images=3, dtype=np.float32)
    masks[2] = 255
    source, settings = ArraySource(masks, probabilities, names=["a", "b", "c"]), ErrorSettings()
    images = list(iter_errors(source, estimate(source, settings), settings))
    flagged = find_mask_errors(masks, probabilities, ignore_label=255)
    assert [image.name for image in images] == ["a", "b", "c"]
    for image, mask, p, expected in zip(images, masks, probabilities, flagged, strict=True):
        np.testing.assert_array_equal(image.flagged, expected)
        np.testing.assert_array_equal(image.proposed, p.argmax(axis=0))
        assert image.flagged_per_class.tolist() == [
            int((expected & (mask == k)).sum()) for k in range(3)
        ]
        assert image.row()["flagged_pixels"] == image.flagged_pixels == expected.sum()
    assert images[2].quality == 1
    assert images[2].row(["x", "y", "z"])["flagged_z"] == 0


def test_proposed_keeps_the_given_class_where_it_is_as_good():
    probabilities = np.full((1, 2, 1, 2), 0.5, np.float32)
    source = ArraySource(np.array([[[0, 1]]], np.uint8), probabilities)
    settings = ErrorSettings(rule="argmax")
    (image,) = iter_errors(source, estimate(source, settings), settings)
    np.testing.assert_array_equal(image.proposed, [[0, 1]])
    assert not image.flagged.any()


def test_an_estimate_for_another_rule_is_refused():
    source = ArraySource(*random_set(np.random.default_rng(13)))
    found = estimate(source, ErrorSettings(rule="C"))
    with pytest.raises(ConfigError, match="other settings"):
        iter_errors(source, found, ErrorSettings(rule="Q"))
    assert list(iter_errors(source, found, ErrorSettings(rule="C", min_region=2)))


@pytest.mark.parametrize("option", [{"rule": "X"}, {"band": 0}, {"temperature": 0}, {"pool": "x"}])
def test_options_that_can_not_be(option):
    with pytest.raises(ConfigError, match=next(iter(option))):
        find_mask_errors(*random_set(np.random.default_rng(0)), **option)


def test_warnings_go_to_the_progress():
    progress = Silent()
    masks, probabilities = random_set(np.random.default_rng(0), absent=2)
    find_mask_errors(masks, probabilities, progress=progress)
    assert len(progress.warnings) == 1
    assert "no mask" in progress.warnings[0]


def test_wrong_boundaries_are_found():
    # Discs whose masks are 3 pixels too large, judged by probabilities of the blurred truth.
    y, x = np.mgrid[:48, :48]
    radii = np.linspace(8, 16, 10)[:, None, None]
    distance = radii - np.hypot(y - 24, x - 24)
    p1 = 1 / (1 + np.exp(-2 * distance))
    p1 += np.random.default_rng(14).uniform(0, 1e-3, p1.shape) * (0.5 - p1)
    given = distance > np.where(np.arange(10) < 5, -3, 0)[:, None, None]
    wrong = given != (distance > 0)
    probabilities = np.stack([1 - p1, p1], axis=1)
    pooled, banded = (find_mask_errors(given, probabilities, band=band) for band in (None, 3))
    assert wrong[pooled].mean() > 0.99
    assert wrong[banded].mean() > 0.99
    # Few pixels near a boundary are as sure as the mean of all pixels; the band finds more.
    assert banded[wrong].mean() > 0.5 > pooled[wrong].mean() > 0.2
