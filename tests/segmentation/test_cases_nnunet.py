"""Raw data of nnU-Net v2."""

from __future__ import annotations

import json

import numpy as np
import pytest
from case_fixtures import grey, square, write_image, write_nifti

from mixednoise.errors import DataError
from mixednoise.segmentation.cases import check_cases, read_image, read_mask, read_nnunet
from mixednoise.segmentation.labels import IGNORE


def describe(root, **changes):
    described = {
        "channel_names": {"0": "T2", "1": "ADC"},
        "labels": {"background": 0, "PZ": 1, "ignore": 2},
        "numTraining": 2,
        "file_ending": ".nii.gz",
    }
    root.mkdir(exist_ok=True)
    (root / "dataset.json").write_text(json.dumps({**described, **changes}))
    return root


@pytest.fixture
def prostate(tmp_path):
    root = describe(tmp_path / "Dataset001_Prostate")
    volume = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    for part, names in (("Tr", ("p_0001", "q")), ("Ts", ("t", "u"))):
        for name in names:
            for channel in (0, 1):
                path = root / f"images{part}" / f"{name}_{channel:04d}.nii.gz"
                write_nifti(path, volume + channel)
            if name != "u":
                label = (volume % 3).astype(np.uint8)
                write_nifti(root / f"labels{part}" / f"{name}.nii.gz", label)
    return root


def test_channels_labels_and_ignore(prostate):
    case_set = read_nnunet(prostate)
    assert case_set.names == ("p_0001", "q", "t")  # u has no label
    assert [case.split for case in case_set.cases] == ["train", "train", "test"]
    assert case_set.class_names == ("background", "PZ")
    assert (case_set.label_values, case_set.ignore_value) == ((0, 1), 2)
    assert case_set.channel_names == ("T2", "ADC")
    array = read_image(case_set.cases[0]).array
    assert np.array_equal(array[1] - array[0], np.ones((4, 3, 2)))
    mask = read_mask(case_set, case_set.cases[0])
    assert mask[0, 0, 0] == 0
    assert np.count_nonzero(mask == IGNORE) == 8
    assert not check_cases(case_set).stopped


def test_a_channel_is_missing(prostate):
    (prostate / "imagesTr" / "q_0001.nii.gz").unlink()
    assert "q has 0000" in read_nnunet(prostate).findings.of("stop")[0].found


def test_colour_images_are_one_file(tmp_path):
    names = {"0": "R", "1": "G", "2": "B"}
    labels = {"background": 0, "road": 1}
    root = describe(
        tmp_path / "d", channel_names=names, labels=labels, file_ending=".png", numTraining=9
    )
    write_image(root / "imagesTr" / "a_0000.png", np.dstack([grey(0)] * 3))
    write_image(root / "labelsTr" / "a.png", square(value=1))
    case_set = read_nnunet(root)
    assert read_image(case_set.cases[0]).array.shape == (3, 6, 9)
    assert [problem.severity for problem in case_set.findings.problems] == ["warn"]  # numTraining


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"labels": {"background": 0, "whole": [1, 2], "core": 2}}, "regions"),
        ({"labels": {"background": 0, "a": 2}}, "does not allow"),
        ({"labels": {"background": 0, "a": 2, "ignore": 1}}, "does not allow"),
        ({"labels": {"0": "background"}}, "labels that are none"),
        ({"file_ending": ".mha"}, "file format"),
    ],
)
def test_what_is_refused(prostate, changes, message):
    with pytest.raises(DataError, match=message):
        read_nnunet(describe(prostate, **changes))


def test_no_or_old_dataset_json(tmp_path):
    with pytest.raises(DataError, match="no raw data of nnU-Net"):
        read_nnunet(tmp_path)
    (tmp_path / "dataset.json").write_text('{"modality": {"0": "CT"}, "labels": {}}')
    with pytest.raises(DataError, match="version 1"):
        read_nnunet(tmp_path)
