"""Real folders of masks, with the numbers of their publishers."""

from __future__ import annotations

import numpy as np
import pytest

from mixednoise.segmentation.cases import (
    CaseStore,
    check_cases,
    read_cases,
    read_mask,
    read_split_folders,
)

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(("organ", "share"), [("lung", 0.301), ("heart", 0.087)])
def test_chest_radiographs(real_data, organ, share):
    case_set = read_split_folders(real_data / "jsrt", masks=organ)
    splits = [case.split for case in case_set.cases]
    assert (splits.count("train"), splits.count("val")) == (197, 50)
    assert case_set.label_values == (0, 255)
    assert check_cases(case_set).problems == []
    store = CaseStore.build(case_set, image_size=64)
    assert store.image(0).shape == (1, 64, 64)
    shares = [store.mask(i).mean() for i in range(len(store))]
    assert np.mean(shares) == pytest.approx(share, abs=0.02)


def test_all_organs_at_once(real_data):
    organs = ("lung", "heart", "clavicle")
    case_set = read_split_folders(real_data / "jsrt", masks=organs)
    assert case_set.class_names == ("background", *organs)
    report = check_cases(case_set)
    assert not report.stopped
    assert "belong to more than one class" in report.text()
    assert set(np.unique(read_mask(case_set, case_set.cases[0]))) == {0, 1, 2, 3}


def test_skin_lesions(real_data):
    folder = real_data / "ham10000"
    case_set = read_cases(
        folder / "images",
        folder / "masks",
        groups=folder / "HAM10000_metadata.csv",
        label_values=[0, 255],
    )
    assert len(case_set) == 10015
    assert len({case.group for case in case_set.cases}) == 7470
    assert all(case.mask is not None for case in case_set.cases)
    assert not case_set.findings.problems
    assert not check_cases(case_set.subset(range(0, 10015, 50))).stopped
