"""Corrected masks, hard and soft."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from case_fixtures import AFFINE, grey, square, write_image, write_nifti, write_pairs
from PIL import Image

from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.segmentation.cases import read_cases, read_mask
from mixednoise.segmentation.export import Correction, soft_targets, write_corrected, write_soft
from mixednoise.segmentation.labels import IGNORE


def finding(case_set, **changes):
    """For each case: its first two rows are suspected, and the other class is proposed."""
    for case in case_set.cases:
        mask = read_mask(case_set, case)
        flagged = np.zeros(mask.shape, bool)
        flagged[:2] = True
        yield (case.name, mask, flagged, np.asarray(1 - mask, np.uint8))


@pytest.fixture
def pairs(tmp_path):
    write_pairs(tmp_path)
    return read_cases(tmp_path / "images", tmp_path / "masks")


def test_hard_corrections_look_like_the_masks(pairs, tmp_path):
    out = tmp_path / "out"
    summary = write_corrected(pairs, finding(pairs), out)
    expected = square()
    expected[:2] = 255 - expected[:2]
    for name in "abc":
        assert np.array_equal(np.asarray(Image.open(out / "masks" / f"{name}.png")), expected)
    assert (summary.cases, summary.pixels, summary.flagged) == (3, 3 * 54, 3 * 18)
    table = pd.read_csv(out / "corrections.csv")
    assert table.to_dict("list") == {
        "name": ["a", "b", "c"], "pixels": [54] * 3, "flagged": [18] * 3, "changed": [18] * 3,
    }  # fmt: skip
    again = read_cases(tmp_path / "images", out / "masks")
    assert again.label_values == (0, 255)


def test_pixels_to_ignore_stay_and_agreement_is_no_change():
    mask = np.array([[0, 1, IGNORE]], np.uint8)
    correction = Correction("a", mask, np.ones((1, 3), bool), np.array([[1, 1, 0]], np.uint8))
    assert correction.corrected.tolist() == [[1, 1, IGNORE]]
    assert correction.suspected.tolist() == [[True, True, False]]


def test_class_files_keep_what_is_not_suspected(tmp_path):
    write_image(tmp_path / "i" / "a.png", grey(0, 1, 5))
    write_image(tmp_path / "m" / "lung" / "a.png", np.array([[9, 9, 9, 0, 0]], np.uint8))
    write_image(tmp_path / "m" / "heart" / "a_mask.png", np.array([[0, 0, 255, 255, 0]], np.uint8))
    case_set = read_cases(tmp_path / "i", tmp_path / "m", class_names=["lung", "heart"])
    mask = read_mask(case_set, case_set.cases[0])
    flagged = np.array([[True, False, False, True, True]])
    proposed = np.array([[0, 0, 0, 1, 2]], np.uint8)
    write_corrected(case_set, [("a", mask, flagged, proposed)], tmp_path / "out")
    lung = np.asarray(Image.open(tmp_path / "out" / "masks" / "lung" / "a.png"))
    heart = np.asarray(Image.open(tmp_path / "out" / "masks" / "heart" / "a.png"))
    assert lung.tolist() == [[0, 9, 9, 9, 0]]  # the third pixel overlaps, as it did
    assert heart.tolist() == [[0, 0, 255, 0, 255]]
    back = read_cases(tmp_path / "i", tmp_path / "out" / "masks", class_names=["lung", "heart"])
    assert read_mask(back, back.cases[0]).tolist() == [[0, 1, 2, 1, 2]]


def test_nothing_is_overwritten(pairs, tmp_path):
    out = tmp_path / "out"
    write_corrected(pairs, finding(pairs), out)
    (out / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="exists already"):
        write_corrected(pairs, finding(pairs), out)
    (tmp_path / "corrections.csv").write_text("")
    with pytest.raises(ConfigError, match="holds the data itself"):
        write_corrected(pairs, finding(pairs), tmp_path, overwrite=True)
    write_corrected(pairs, [next(finding(pairs))], out, overwrite=True)
    assert sorted(path.name for path in (out / "masks").iterdir()) == ["a.png"]
    assert (out / "notes.txt").read_text() == "mine"


def broken(mask, flagged, proposed):
    return {
        "two error maps": [("a", mask, flagged, proposed)] * 2,
        "which is no case": [("z", mask, flagged, proposed)],
        "does not fit": [("a", mask[:3], flagged, proposed)],
        "2 proposed": [("a", mask, flagged, proposed + np.uint8(2))],
        "error map uint8": [("a", mask, flagged.astype(np.uint8), proposed)],
        "nothing to export": [],
        "probabilities": [("a", mask, flagged, proposed, np.zeros((3, 6, 9)))],
    }


@pytest.mark.parametrize("message", list(broken(*[np.zeros((6, 9), np.uint8)] * 3)))
def test_what_does_not_fit_leaves_nothing(pairs, tmp_path, message):
    mask = read_mask(pairs, pairs.cases[0])
    given = broken(mask, mask == 1, mask * 0)[message]
    with pytest.raises(DataError, match=message):
        write_corrected(pairs, given, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["images", "masks"]


def test_soft_targets_by_hand():
    mask = np.array([[0, 1, 2, 1, IGNORE]], np.uint8)
    flagged = np.array([[False, True, True, True, True]])
    proposed = np.array([[2, 2, 0, 1, 0]], np.uint8)
    probabilities = np.tile(np.array([0.2, 0.3, 0.5])[:, None, None], (1, 1, 5))
    correction = Correction("a", mask, flagged, proposed, probabilities)
    targets = soft_targets(correction, 3, 0.8)
    assert targets.dtype == np.float32
    assert np.allclose(
        targets[:, 0].T, [[1, 0, 0], [0, 0.2, 0.8], [0.8, 0, 0.2], [0, 1, 0], [0, 0, 0]]
    )
    soft = soft_targets(correction, 3, 0.5, use_probabilities=True)[:, 0].T
    assert np.allclose(
        soft, [[1, 0, 0], [0.1, 0.65, 0.25], [0.1, 0.15, 0.75], [0.1, 0.65, 0.25], [0, 0, 0]]
    )


def test_soft_files(pairs, tmp_path):
    write_soft(pairs, finding(pairs), tmp_path / "f", epsilon=0.8)
    targets = np.load(tmp_path / "f" / "targets" / "a.npy")
    assert targets.shape == (2, 6, 9)
    assert np.allclose(targets.sum(axis=0), 1)
    foreground = np.where(square() > 0, 1, 0).astype(float)
    foreground[:2] = np.where(foreground[:2] > 0, 0.2, 0.8)
    assert np.allclose(targets[1], foreground)
    assert json.loads((tmp_path / "f" / "targets.json").read_text())["epsilon"] == 0.8
    for form, scale in (("uint8", 255), ("uint16", 65535)):
        write_soft(pairs, finding(pairs), tmp_path / form, epsilon=0.8, form=form)
        image = np.asarray(Image.open(tmp_path / form / "targets" / "a.png"))
        assert np.array_equal(image, np.rint(foreground * scale))


def test_soft_volumes_keep_the_affine(tmp_path):
    volume = np.random.default_rng(0).integers(0, 3, (3, 4, 5)).astype(np.uint8)
    write_nifti(tmp_path / "i" / "a.nii.gz", volume)
    write_nifti(tmp_path / "m" / "a.nii.gz", volume)
    case_set = read_cases(tmp_path / "i", tmp_path / "m")
    mask = read_mask(case_set, case_set.cases[0])
    write_soft(case_set, [("a", mask, mask < 0, mask)], tmp_path / "o", epsilon=0.5)
    image = nib.load(tmp_path / "o" / "targets" / "a.nii.gz")
    assert np.array_equal(image.affine, AFFINE)
    assert image.get_data_dtype() == np.float32
    assert np.array_equal(np.asarray(image.dataobj), np.eye(3, dtype=np.float32)[volume])
    with pytest.raises(ConfigError, match="one class beside the background"):
        write_soft(case_set, [], tmp_path / "p", epsilon=0.5, form="uint8")


def test_soft_options_are_checked(pairs, tmp_path):
    with pytest.raises(ConfigError, match="epsilon"):
        write_soft(pairs, finding(pairs), tmp_path / "o", epsilon=1.5)
    with pytest.raises(DataError, match="no probabilities for a"):
        write_soft(pairs, finding(pairs), tmp_path / "o", epsilon=1, use_probabilities=True)
    assert not (tmp_path / "o").exists()
