"""Masks that are wrong as a whole."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mixednoise.errors import ConfigError
from mixednoise.segmentation.confident import (
    ArraySource,
    ErrorSettings,
    estimate,
    find_mask_errors,
    iter_errors,
    write_errors,
)
from mixednoise.segmentation.error_settings import MOST_DOUBT
from mixednoise.segmentation.image_errors import MapMaker
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.whole_masks import (
    MaskAgreement,
    doubt,
    in_words,
    mean_dice,
    probability_wrong,
)

Array = np.ndarray
SIDE = 48


def disc(centre: Array, size: float) -> Array:
    """Pixels (H, W) at most ``size`` from the centre."""
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= size**2


def discs(count: int, seed: int = 0, classes: int = 2) -> tuple[Array, Array]:
    """True masks (N, H, W), and what a good model says: the truth, moved and blurred a little."""
    rng = np.random.default_rng(seed)
    truth = np.zeros((count, SIDE, SIDE), np.uint8)
    said = np.zeros((count, classes, SIDE, SIDE), np.float32)
    for mask, p in zip(truth, said, strict=True):
        for k in range(1, classes):
            centre, size = rng.uniform(16, 32, 2), rng.uniform(7, 11)
            mask[disc(centre, size)] = k
            seen = disc(centre + rng.normal(0, 0.7, 2), size + rng.normal(0, 0.7))
            p[k] = cv2.GaussianBlur(seen.astype(np.float32), (5, 5), 0) * 0.9 + 0.03
        p[1:] *= 0.97 / np.maximum(p[1:].sum(axis=0), 0.97)
        p[0] = 1 - p[1:].sum(axis=0)
    return truth, said


def spoiled(truth: Array, share: float) -> tuple[Array, Array]:
    """Masks of which a share is drawn too wide, too narrow or not at all; which ones."""
    given = truth.copy()
    wrong = np.arange(len(truth)) < share * len(truth)
    pen = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    for number in np.flatnonzero(wrong):
        way = (cv2.dilate, cv2.erode, None)[number % 3]
        given[number] = 0 if way is None else way(truth[number], pen)
    return given, wrong


@pytest.mark.parametrize("share", [0.2, 0.5, 0.7])
@pytest.mark.parametrize("classes", [2, 3])
def test_wrong_masks_are_told_from_right_ones(share: float, classes: int) -> None:
    truth, said = discs(60, classes=classes)
    given, wrong = spoiled(truth, share)
    flagged = find_mask_errors(given, said, "whole_masks")
    touched = flagged.reshape(60, -1).any(axis=1)
    assert (touched == wrong).mean() > 0.95
    plain = find_mask_errors(given, said, "argmax")
    assert np.array_equal(flagged[touched], plain[touched]), "all of it in wrong masks"

    def f1(found: Array) -> float:
        errors = given != truth
        return 2 * (found & errors).sum() / (found.sum() + errors.sum())

    assert f1(flagged) > f1(plain) + 0.01
    assert f1(flagged) > f1(find_mask_errors(given, said, "Q")) + 0.01


@pytest.mark.parametrize("seed", range(5))
def test_masks_of_one_kind_are_judged_by_their_pixels(seed: int) -> None:
    truth, said = discs(60, seed)
    found = estimate(ArraySource(truth, said), ErrorSettings(rule="whole_masks"))
    assert found.whole_masks is not None
    assert not found.whole_masks.several_kinds
    ours = find_mask_errors(truth, said, "whole_masks", band=2.0)
    assert np.array_equal(ours, find_mask_errors(truth, said, "Q", band=2.0))


def test_few_masks_are_judged_by_their_pixels() -> None:
    truth, said = discs(19)
    given, _ = spoiled(truth, 0.5)
    ours = find_mask_errors(given, said, "whole_masks")
    assert np.array_equal(ours, find_mask_errors(given, said, "Q"))
    truth, said = discs(30)
    given, wrong = spoiled(truth, 0.5)
    flagged = find_mask_errors(given, said, "whole_masks")
    assert (flagged.reshape(30, -1).any(axis=1) == wrong).mean() > 0.9


def test_masks_that_hardly_ever_meet_the_model_are_judged_by_their_pixels() -> None:
    """Too few have anything in common with it: that they are all right must not follow."""
    truth, said = discs(40)
    given = np.where(np.arange(40)[:, None, None] < 15, truth, 0)
    given[15:, 2:6, 2:6] = 1
    found = estimate(ArraySource(given, said), ErrorSettings(rule="whole_masks"))
    assert found.whole_masks is not None
    assert found.whole_masks.evidence > 10
    assert not found.whole_masks.several_kinds
    ours = find_mask_errors(given, said, "whole_masks")
    assert np.array_equal(ours, find_mask_errors(given, said, "Q"))


def test_order_and_unlabelled_pixels_change_nothing() -> None:
    truth, said = discs(40)
    given, _ = spoiled(truth, 0.5)
    flagged = find_mask_errors(given, said, "whole_masks")
    order = np.random.default_rng(1).permutation(40)
    again = find_mask_errors(given[order], said[order], "whole_masks")
    assert np.array_equal(again, flagged[order])
    # Left out is left out: columns that nobody has labelled, whatever is said of them.
    wide = np.concatenate([given, np.full((40, SIDE, 7), IGNORE, np.uint8)], axis=2)
    nonsense = np.broadcast_to(np.float32([0, 1])[:, None, None], (40, 2, SIDE, 7))
    more = find_mask_errors(
        wide, np.concatenate([said, nonsense], axis=3), "whole_masks", ignore_label=IGNORE
    )
    assert np.array_equal(more[..., :SIDE], flagged)
    assert not more[..., SIDE:].any()


def test_volumes_thresholds_per_image_and_small_regions() -> None:
    truth, said = discs(40)
    given, wrong = spoiled(truth, 0.5)
    flat = find_mask_errors(given, said, "whole_masks")
    deep = find_mask_errors(given[:, None], said[:, :, None], "whole_masks")
    assert np.array_equal(deep[:, 0], flat)
    assert np.array_equal(find_mask_errors(given, said, "whole_masks", pool="image"), flat)
    large = find_mask_errors(given, said, "whole_masks", min_region=150)
    assert large.sum() < flat.sum()
    assert wrong.any()


def test_an_image_without_labels_is_neither() -> None:
    truth, said = discs(40)
    given, _ = spoiled(truth, 0.5)
    given[3] = IGNORE
    source = ArraySource(given, said, ignore_label=IGNORE)
    settings = ErrorSettings(rule="whole_masks")
    found = estimate(source, settings)
    images = list(iter_errors(source, found, settings))
    assert [image.name for image in images if image.p_wrong is None] == ["3"]
    assert images[3].flagged_pixels == 0


def test_the_table_tells_how_sure_it_is(tmp_path: Path) -> None:
    truth, said = discs(40)
    given, wrong = spoiled(truth, 0.5)
    summary = write_errors(
        ArraySource(given, said), tmp_path / "out", ErrorSettings(rule="whole_masks")
    )
    table = pd.read_csv(tmp_path / "out" / "images.csv").set_index("name").sort_index()
    assert table["p_wrong_mask"].between(0, 1).all()
    assert ((table["p_wrong_mask"] > 0.5) == wrong).mean() > 0.95
    told = summary.to_json()["whole_masks"]
    assert told["several_kinds"]
    assert told["evidence"] > 10
    assert told["wrong"] == (table["p_wrong_mask"] > 0.5).sum()
    assert f"{told['wrong']} of 40 masks are wrong as a whole" in in_words(told, 40)
    plain = write_errors(ArraySource(given, said), tmp_path / "plain", ErrorSettings(rule="Q"))
    assert plain.to_json()["whole_masks"] is None
    assert in_words(None, 40) == ""
    assert "p_wrong_mask" not in pd.read_csv(tmp_path / "plain" / "images.csv")


def test_dice_by_hand() -> None:
    # Given 4 and proposed 3 pixels of class 1, 2 of them the same; nobody has class 2.
    confusion = np.array([[10, 1, 0], [2, 2, 0], [0, 0, 0]])
    assert mean_dice(confusion) == pytest.approx(2 * 2 / (4 + 3))
    assert mean_dice(np.array([[5, 0], [0, 0]])) == 1.0, "both empty: agreed"
    assert mean_dice(np.array([[5, 0], [3, 0]])) == 0.0


def test_identical_masks_are_of_one_kind() -> None:
    kinds = probability_wrong(np.full((30, 2), 0.1))
    assert kinds.evidence == 0
    assert not kinds.p_wrong.any()


def test_two_heaps_of_numbers() -> None:
    rng = np.random.default_rng(0)
    good = np.exp(rng.normal((-3.0, -4.0), 0.2, (50, 2)))
    bad = np.exp(rng.normal((-1.0, -2.0), 0.4, (30, 2)))
    p_wrong, evidence, unsure = probability_wrong(np.concatenate([good, bad]))
    assert evidence > 100
    assert unsure < 0.05
    assert (p_wrong[:50] < 0.5).all()
    assert (p_wrong[50:] > 0.5).all()


def test_hard_images_that_shade_off_into_easy_ones_are_no_wrong_masks() -> None:
    """A heavy tail is no Gaussian, so several explain it better; but it is one kind of masks."""
    rng = np.random.default_rng(0)
    hard = rng.standard_exponential((1500, 1))
    mismatch = np.exp(np.array([-3.0, -2.5]) + hard + rng.normal(0, 0.3, (1500, 2)))
    _, evidence, unsure = probability_wrong(mismatch)
    assert evidence > 10
    assert unsure > MOST_DOUBT
    agreement = MaskAgreement()
    truth, said = discs(60)
    for number, (mask, p) in enumerate(zip(*map(np.copy, (truth, said)), strict=True)):
        sure = 0.05 + 0.9 * number / 60  # the model knows less and less
        agreement.add(str(number), mask, 0.5 + (p - 0.5) * sure, np.dtype(np.float32))
    assert not agreement.judge().several_kinds


def test_models_of_unequal_skill_are_not_taken_for_kinds_of_masks() -> None:
    rng = np.random.default_rng(0)
    skill = np.repeat([0, 1], 50)
    one_kind = np.exp(rng.normal((-2.0, -3.0), 0.15, (100, 2)) + 1.2 * skill[:, None])
    assert probability_wrong(one_kind).evidence > 100, "they look like two kinds"
    assert probability_wrong(one_kind, skill).evidence < 10
    wrong = np.arange(100) % 2 == 0
    two_kinds = one_kind * np.where(wrong, 5.0, 1.0)[:, None]
    told = probability_wrong(two_kinds, skill)
    assert told.evidence > 10
    assert ((told.p_wrong > 0.5) == wrong).all()


def test_doubt_by_hand() -> None:
    assert doubt(np.array([0.0, 1.0])) == 0
    assert doubt(np.array([0.5, 0.5])) == pytest.approx(np.log(2))


def test_maps_need_the_estimate_of_their_rule() -> None:
    truth, said = discs(20)
    source = ArraySource(truth, said)
    with pytest.raises(ConfigError, match="other settings"):
        MapMaker(ErrorSettings(rule="whole_masks", pool="image"), None)
    with pytest.raises(ConfigError, match="other settings"):
        MapMaker(ErrorSettings(rule="whole_masks"), estimate(source, ErrorSettings(rule="Q")))
