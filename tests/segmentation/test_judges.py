"""Which model judged which image: told, checked, and used."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from mask_helpers import random_set

from mixednoise.errors import DataError
from mixednoise.segmentation.calibrated_source import FEWEST_IMAGES, calibrated
from mixednoise.segmentation.case_probabilities import CaseProbabilities
from mixednoise.segmentation.cases import read_cases
from mixednoise.segmentation.confident import (
    ArraySource,
    ErrorSettings,
    FolderSource,
    estimate,
    find_mask_errors,
)

SIDE = 48
WHOLE = ErrorSettings(rule="whole_masks")


def unequal_models(count=60, off=3):
    """Discs, what two models say of every other one, of which the second is off, and who it was."""
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:SIDE, :SIDE]

    def disc(centre, radius):
        return (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 <= radius**2

    masks, said = [], []
    for number in range(count):
        centre, radius = rng.uniform(16, 32, 2), rng.uniform(7, 11)
        masks.append(disc(centre, radius))
        seen = disc(centre + rng.normal(0, 0.7, 2) + off * (number % 2), radius)
        p = cv2.GaussianBlur(seen.astype(np.float32), (5, 5), 0) * 0.9 + 0.03
        said.append(np.stack([1 - p, p]))
    return np.array(masks).astype(np.uint8), np.array(said), np.arange(count) % 2


@pytest.fixture
def folders(tmp_path):
    """Six masks of three classes with probabilities, and a mask without."""
    masks, values = random_set(np.random.default_rng(0), images=6)
    for name in ("masks", "values", "images"):
        (tmp_path / name).mkdir()
    for name, mask, p in zip("abcdef", masks, values, strict=True):
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), mask)
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), mask * 9)
        np.save(tmp_path / "values" / f"{name}.npy", p)
    for kind in ("masks", "images"):
        cv2.imwrite(str(tmp_path / kind / "lonely.png"), masks[0])
    return tmp_path


def of_folders(folder, judges):
    return FolderSource(folder / "masks", folder / "values", judges=judges)


def of_cases(folder, judges):
    cases = read_cases(folder / "images", folder / "masks", label_values=(0, 1, 2))
    files = {path.stem: path for path in (folder / "values").iterdir()}
    return CaseProbabilities(cases, files, judges=judges)


def table(folder, *lines, header="name,judge"):
    path = folder / "judges.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return path


def refusal(work):
    with pytest.raises(DataError) as caught:
        work()
    text = str(caught.value)
    assert all(part in text for part in ("expected:", "found:", "what to do:")), text
    return text


def test_an_unequal_model_is_not_taken_for_wrong_masks():
    masks, said, judge = unequal_models()
    blind = estimate(ArraySource(masks, said), WHOLE)
    assert blind.whole_masks.several_kinds, "the worse model's masks look wrong"
    assert blind.judges is None
    told = estimate(ArraySource(masks, said, judges=judge), WHOLE)
    assert not told.whole_masks.several_kinds
    assert told.to_json()["judges"] == 2
    names = np.array(["good", "off"])[judge]
    flagged = find_mask_errors(masks, said, "whole_masks", judges=names)
    np.testing.assert_array_equal(flagged, find_mask_errors(masks, said, "Q"))
    assert (flagged != find_mask_errors(masks, said, "whole_masks")).any()


def test_calibration_hands_the_judges_on():
    masks, said, judge = unequal_models()
    source = calibrated(ArraySource(masks, said, judges=judge), "temperature")
    assert source.judges == judge.tolist()
    assert not estimate(source, WHOLE).whole_masks.several_kinds


def test_every_model_is_given_the_shares_of_all_masks():
    masks, said = random_set(np.random.default_rng(3), images=12, classes=2)
    said[::2, 1] *= 0.3  # the first model overlooks class 1
    said[:, 0] = 1 - said[:, 1]
    judge = np.arange(12) % 2
    wanted = (masks == 1).mean()

    def named(judges):
        source = calibrated(ArraySource(masks, said, judges=judges), "shares")
        found = np.array([source.read(index)[1].argmax(axis=0) for index in range(12)])
        return [found[judge == number].mean() for number in (0, 1)]

    pixels = masks[::2].size
    np.testing.assert_allclose(named(judge), wanted, atol=1.5 / pixels)
    together = named(None)
    assert together[0] < wanted - 0.1
    assert together[1] > wanted + 0.1
    flagged = find_mask_errors(masks, said, "argmax", calibrate="shares", judges=judge)
    assert (flagged != find_mask_errors(masks, said, "argmax", calibrate="shares")).any()


def test_models_that_judged_too_few_images_are_calibrated_together():
    masks, said = random_set(np.random.default_rng(4), images=2 * FEWEST_IMAGES)
    plain = calibrated(ArraySource(masks, said), "shares").read(0)[1]
    for first, same in ((FEWEST_IMAGES, False), (FEWEST_IMAGES - 1, True)):
        judges = ["a"] * first + ["b"] * (2 * FEWEST_IMAGES - first)
        apart = calibrated(ArraySource(masks, said, judges=judges), "shares").read(0)[1]
        assert np.array_equal(apart, plain) == same


@pytest.mark.parametrize("source", [of_folders, of_cases])
def test_a_table_in_any_order(folders, source):
    lines = ["f.png,2", "a, 1", "b,1", "c,2", "lonely,2", "d.npy,1", "e.npz,3"]
    found = source(folders, table(folders, *lines))
    assert found.names == list("abcdef")
    assert [found.models[number] for number in found.judges] == ["1", "1", "2", "1", "3", "2"]
    same = source(folders, dict(zip("abcdef", [1, 1, 2, 1, 3, 2], strict=True)))
    assert (same.judges, same.models) == (found.judges, found.models)
    assert source(folders, None).judges is None
    # The table of folds that a run of ours leaves.
    folds = table(folders, *(f"{name},{n % 2}" for n, name in enumerate("abcdef")),
                  header="name,fold")  # fmt: skip
    assert source(folders, folds).judges == [0, 1, 0, 1, 0, 1]


@pytest.mark.parametrize("source", [of_folders, of_cases])
def test_tables_that_do_not_fit(folders, source):
    rows = [f"{name},1" for name in "abcdef"]
    text = refusal(lambda: source(folders, table(folders, *rows[2:], "x,1")))
    assert "names no judge for 2 cases of 6" in text
    assert "nothing of a, b" in text
    assert "1 case that there is not" in text
    assert "x (judges.csv, line 6)" in text
    text = refusal(lambda: source(folders, {"a": 1, "y": 2}))
    assert "nothing of b, c, d, e, f" in text
    assert "y" in text
    text = refusal(lambda: source(folders, table(folders, *rows, "b.png,2")))
    assert "b: 1 (judges.csv, line 3) and 2 (judges.csv, line 8)" in text
    text = refusal(lambda: source(folders, table(folders, *rows, "b,1")))
    assert "1 case more than once" in text, "also where both rows say the same"
    text = refusal(lambda: source(folders, table(folders, *rows[1:], "a,")))
    assert "judges.csv, line 7" in text
    assert "has no column judge" in refusal(
        lambda: source(folders, table(folders, *rows, header="name,who"))
    )
    assert "nothing of that name" in refusal(lambda: source(folders, folders / "none.csv"))


def test_judges_of_arrays_that_do_not_fit():
    masks, said = random_set(np.random.default_rng(0), images=3)
    text = refusal(lambda: find_mask_errors(masks, said, judges=[0, 1]))
    assert "each of 3 masks" in text
    assert "2 of them" in text
    for nobody in (None, float("nan"), " "):
        text = refusal(lambda nobody=nobody: find_mask_errors(masks, said, judges=[0, nobody, 1]))
        assert f"{nobody!r} at 1" in text


def test_images_that_can_not_be_read_have_no_judge(folders):
    whole = (folders / "masks" / "c.png").read_bytes()
    (folders / "masks" / "c.png").write_bytes(whole[: len(whole) // 2])
    judges = dict(zip("abcdef", [0, 0, 7, 1, 1, 1], strict=True))
    assert estimate(of_folders(folders, judges), ErrorSettings()).judges == 2
