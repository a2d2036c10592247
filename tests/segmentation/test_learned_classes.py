"""Classes that nobody can learn are told before anything is trained."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from discs import TINY, make_discs

from mixednoise.errors import DataError
from mixednoise.progress import Silent
from mixednoise.segmentation.cases import read_cases
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.folds import Folds
from mixednoise.segmentation.learned_classes import unseen_by_teachers
from mixednoise.segmentation.pipeline import run_stages

CONFIG = SegmentationConfig(**TINY, epochs=1, folds=2, rounds=1, seed=3)


@pytest.fixture
def cases(tmp_path, monkeypatch):
    """Ten discs of class 1; a square of class 2 in the last one."""
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(tmp_path / "cache"))
    images, masks = make_discs(tmp_path, 10)
    for path in sorted(masks.iterdir()):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED) // 255
        if path.stem == "c09":
            mask[:6, :6] = 2
        cv2.imwrite(str(path), mask)
    return read_cases(images, masks, groups=tmp_path / "patients.csv")


def test_a_class_of_test_masks_alone_stops_before_training(cases, tmp_path):
    splits = ["train"] * 8 + ["test"] * 2
    told = replace(
        cases,
        cases=tuple(replace(c, split=s) for c, s in zip(cases.cases, splits, strict=True)),
    )
    with pytest.raises(DataError, match="class_2 in none of 8 training masks") as error:
        run_stages(told, CONFIG, tmp_path / "run", progress=Silent())
    assert "--splits" in str(error.value)
    assert not (tmp_path / "run").exists()


def test_a_class_of_one_patient_is_told(cases, tmp_path):
    heard = []
    progress = Silent()
    progress.warning = heard.append
    run_stages(cases, CONFIG, tmp_path / "run", until="teachers", progress=progress)
    told = [line for line in heard if "learns nothing of class_2" in line]
    assert len(told) == 1
    assert "judges 1 mask with it" in told[0]


def test_only_what_a_teacher_judges_counts():
    present = np.array([[1, 1, 0], [1, 0, 1], [1, 1, 1], [1, 1, 0]], bool)
    folds = Folds(("a", "b", "c", "d"), ("a", "b", "c", "d"), np.array([0, 1, 1, 0]), 2)
    names = ("background", "organ", "vessel")
    # Teacher 2 judges b and c, which have vessels, and learns from a and d, which have none.
    (problem,) = unseen_by_teachers(present, folds, names)
    assert problem.what.startswith("teacher 2 of 2 learns nothing of vessel and judges 2 masks")
    assert not unseen_by_teachers(present[:, :2], folds, names[:2])
