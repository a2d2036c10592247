"""nnU-Net raw data with suspected pixels as ``ignore``, against the documented format."""

from __future__ import annotations

import json
import re
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from case_fixtures import AFFINE, grey, square, write_image, write_nifti, write_pairs
from PIL import Image

from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.segmentation.cases import check_cases, read_cases, read_mask, read_nnunet
from mixednoise.segmentation.export import write_nnunet
from mixednoise.segmentation.labels import IGNORE
from nnunet_library import accepted, needs_nnunet


def load(path: Path) -> np.ndarray:
    if path.name.endswith(".nii.gz"):
        return np.asarray(nib.load(path).dataobj)
    return np.asarray(Image.open(path))


def verify(root: Path) -> dict:
    """The documented rules: what nnU-Net's integrity check asks."""
    assert re.fullmatch(r"Dataset\d{3}_[\w-]+", root.name)
    described = json.loads((root / "dataset.json").read_text())
    assert {"channel_names", "labels", "numTraining", "file_ending"} <= described.keys()
    labels, ending = described["labels"], described["file_ending"]
    assert labels["background"] == 0
    assert sorted(labels.values()) == list(range(len(labels)))
    assert labels["ignore"] == max(labels.values())
    channels = sorted(described["channel_names"], key=int)
    assert channels == [str(i) for i in range(len(channels))]
    names = {path.name.removesuffix(ending) for path in (root / "labelsTr").iterdir()}
    assert len(names) == described["numTraining"]
    for name in names:
        label = load(root / "labelsTr" / f"{name}{ending}")
        assert label.dtype == np.uint8
        assert set(np.unique(label)) <= set(labels.values())
        files = sorted((root / "imagesTr").glob(f"{name}_[0-9][0-9][0-9][0-9]{ending}"))
        assert files[0].name == f"{name}_0000{ending}"
        images = [load(path) for path in files]
        # A natural image in colour is the one exception from one file per channel.
        colour = images[0].ndim == 3 and ending != ".nii.gz"
        assert len(channels) == (3 if colour else len(files))
        for image in images:
            assert image.shape[: label.ndim] == label.shape
    count = len(list((root / "imagesTr").iterdir()))
    assert count == len(names) * (1 if colour else len(channels))
    return described


def finding(case_set, names=None):
    """The first row of each case is suspected."""
    for case in case_set.cases:
        if names is None or case.name in names:
            mask = read_mask(case_set, case)
            flagged = np.zeros(mask.shape, bool)
            flagged[0] = True
            yield case.name, mask, flagged, mask


def test_grey_pngs_are_linked_and_suspects_ignored(tmp_path):
    write_pairs(tmp_path)
    write_image(tmp_path / "masks" / "a_segmentation.png", square(value=7))
    case_set = read_cases(
        tmp_path / "images", tmp_path / "masks", label_values=[0, 255], ignore_value=7
    )
    summary = write_nnunet(case_set, finding(case_set), tmp_path / "raw", number=7, name="Lungs")
    root = tmp_path / "raw" / "Dataset007_Lungs"
    assert summary.folder == root
    described = verify(root)
    assert described["labels"] == {"background": 0, "foreground": 1, "ignore": 2}
    assert described["channel_names"] == {"0": "image"}
    assert described["file_ending"] == ".png"
    for name, inside in (("a", 2), ("b", 1)):
        expected = square(value=inside)
        expected[0] = 2
        assert np.array_equal(load(root / "labelsTr" / f"{name}.png"), expected)
    assert (root / "imagesTr" / "a_0000.png").samefile(tmp_path / "images" / "a.png")
    back = read_nnunet(root)
    assert (back.class_names, back.ignore_value) == (("background", "foreground"), 2)
    assert not check_cases(back).stopped
    assert np.array_equal(
        read_mask(back, back.cases[1]),
        np.where(np.arange(6)[:, None] == 0, IGNORE, square() // 255),
    )


def test_mixed_formats_become_one(tmp_path):
    rgb = np.dstack([grey(i) for i in range(3)])
    write_image(tmp_path / "i" / "a.jpg", rgb)
    write_image(tmp_path / "i" / "b.png", np.dstack([rgb, grey(3)]))  # with alpha
    write_image(tmp_path / "i" / "c.bmp", rgb)
    write_image(tmp_path / "i" / "d.png", rgb)
    for name in "abcd":
        write_image(tmp_path / "m" / f"{name}.png", square())
    case_set = read_cases(tmp_path / "i", tmp_path / "m")
    write_nnunet(case_set, finding(case_set), tmp_path / "raw", number=1, name="Skin", link=False)
    root = tmp_path / "raw" / "Dataset001_Skin"
    assert verify(root)["channel_names"] == {"0": "R", "1": "G", "2": "B"}
    for name in "bcd":
        assert np.array_equal(load(root / "imagesTr" / f"{name}_0000.png"), rgb)
    assert np.array_equal(
        load(root / "imagesTr" / "a_0000.png"), np.asarray(Image.open(tmp_path / "i" / "a.jpg"))
    )
    assert not (root / "imagesTr" / "d_0000.png").samefile(tmp_path / "i" / "d.png")


def test_floating_point_images_become_tif(tmp_path):
    image = np.random.default_rng(0).normal(size=(6, 9)).astype(np.float32)
    write_image(tmp_path / "i" / "a.npy", image)
    write_image(tmp_path / "m" / "a.npy", square(value=1))
    case_set = read_cases(tmp_path / "i", tmp_path / "m")
    write_nnunet(case_set, finding(case_set), tmp_path / "raw", number=1, name="F")
    root = tmp_path / "raw" / "Dataset001_F"
    assert verify(root)["file_ending"] == ".tif"
    assert np.array_equal(load(root / "imagesTr" / "a_0000.tif"), image)


def test_volumes_keep_their_grid_and_channels_are_taken_apart(tmp_path):
    volume = np.random.default_rng(0).integers(-9, 9, (3, 4, 5)).astype(np.int16)
    write_nifti(tmp_path / "i" / "a.nii", volume)
    write_nifti(tmp_path / "j" / "a.nii.gz", np.stack([volume, -volume], axis=3))
    write_nifti(tmp_path / "m" / "a.nii.gz", (volume > 0).astype(np.uint8))
    for number, folder, channels in ((1, "i", [volume]), (2, "j", [volume, -volume])):
        case_set = read_cases(tmp_path / folder, tmp_path / "m")
        names = ["CT", "PET"][: len(channels)]
        write_nnunet(
            case_set, finding(case_set), tmp_path / "raw", number=number, name="V",
            channel_names=names,
        )  # fmt: skip
        root = tmp_path / "raw" / f"Dataset{number:03d}_V"
        assert list(verify(root)["channel_names"].values()) == names
        for index, channel in enumerate(channels):
            image = nib.load(root / "imagesTr" / f"a_{index:04d}.nii.gz")
            assert np.array_equal(np.asarray(image.dataobj), channel)
            assert np.array_equal(image.affine, AFFINE)
        label = nib.load(root / "labelsTr" / "a.nii.gz")
        expected = (volume > 0).astype(np.uint8)
        expected[:, :, 0] = 2  # the first row in memory is the file's last axis
        assert np.array_equal(np.asarray(label.dataobj), expected)
        assert np.array_equal(label.affine, AFFINE)


class TestNnunetItself:
    """Its integrity check and its reader, over every format that is written."""

    pytestmark = needs_nnunet

    @pytest.mark.parametrize("channels", [1, 3])
    def test_pictures(self, tmp_path, channels):
        image = grey(0) if channels == 1 else np.dstack([grey(i) for i in range(3)])
        for name in "ab":
            write_image(tmp_path / "i" / f"{name}.png", image)
            write_image(tmp_path / "m" / f"{name}.png", square())
        self.check(tmp_path, square() // 255)

    def test_floating_point(self, tmp_path):
        image = np.random.default_rng(0).normal(size=(6, 9)).astype(np.float32)
        for name in "ab":
            write_image(tmp_path / "i" / f"{name}.npy", image)
            write_image(tmp_path / "m" / f"{name}.npy", square(value=1))
        self.check(tmp_path, square(value=1))

    @pytest.mark.parametrize("channels", [1, 2])
    def test_volumes(self, tmp_path, channels):
        volume = np.random.default_rng(0).integers(-9, 9, (3, 4, 5)).astype(np.int16)
        image = volume if channels == 1 else np.stack([volume, -volume], axis=3)
        for name in "ab":
            write_nifti(tmp_path / "i" / f"{name}.nii.gz", image)
            write_nifti(tmp_path / "m" / f"{name}.nii.gz", (volume > 0).astype(np.uint8))
        # SimpleITK's first axis is the file's last, as in the masks that are read here.
        self.check(tmp_path, (volume > 0).transpose(2, 1, 0))

    def check(self, folder, mask):
        case_set = read_cases(folder / "i", folder / "m")
        write_nnunet(case_set, finding(case_set), folder / "raw", number=1, name="X")
        expected = mask.astype(np.uint8)
        expected[0] = 2
        found = accepted(folder / "raw" / "Dataset001_X")
        assert set(found) == {"a", "b"}
        for label in found.values():
            np.testing.assert_array_equal(label, expected)


def test_test_cases_go_where_they_belong(tmp_path):
    for split, name in (("train", "a"), ("test", "b")):
        write_image(tmp_path / "i" / split / f"{name}.png", grey(0))
        write_image(tmp_path / "m" / split / f"{name}.png", square())
    case_set = read_cases(tmp_path / "i", tmp_path / "m")
    write_nnunet(case_set, finding(case_set, "a"), tmp_path / "raw", number=1, name="S")
    root = tmp_path / "raw" / "Dataset001_S"
    assert verify(root)["numTraining"] == 1
    assert [path.name for path in (root / "imagesTs").iterdir()] == ["b_0000.png"]
    assert np.array_equal(load(root / "labelsTs" / "b.png"), square(value=1))
    assert [case.split for case in read_nnunet(root).cases] == ["train", "test"]


def test_refusals_leave_nothing(tmp_path):
    write_pairs(tmp_path)
    case_set = read_cases(tmp_path / "images", tmp_path / "masks")
    raw = tmp_path / "raw"
    (raw / "Dataset005_Other").mkdir(parents=True)
    named = read_cases(
        tmp_path / "images", tmp_path / "masks", class_names=["background", "ignore"]
    )
    small = [("a", *(np.zeros((2, 2), kind) for kind in (np.uint8, bool, np.uint8)))]
    for error, message, given, options in [
        (RunError, "is taken", case_set, {"number": 5, "name": "X"}),
        (ConfigError, "no number or name", case_set, {"number": 0, "name": "X"}),
        (ConfigError, "no number or name", case_set, {"number": 1, "name": "../X"}),
        (ConfigError, "keeps for itself", named, {"number": 1, "name": "X"}),
        (ConfigError, "fit together", case_set,
         {"number": 1, "name": "X", "channel_names": ["R", "G"]}),
    ]:  # fmt: skip
        with pytest.raises(error, match=message):
            write_nnunet(given, finding(given), raw, **options)
    with pytest.raises(DataError, match="differ in size"):
        write_nnunet(case_set, small, raw, number=1, name="X")
    assert [path.name for path in raw.iterdir()] == ["Dataset005_Other"]
    write_nnunet(case_set, finding(case_set), raw, number=1, name="X")
    with pytest.raises(RunError, match="exists already"):
        write_nnunet(case_set, finding(case_set), raw, number=1, name="X")
    write_nnunet(case_set, finding(case_set, "ab"), raw, number=1, name="X", overwrite=True)
    assert verify(raw / "Dataset001_X")["numTraining"] == 2
