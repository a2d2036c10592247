"""``segment errors``: masks that don't lie on their images, and true masks that can't be used."""

from __future__ import annotations

import json
import shutil

import cv2
import nibabel as nib
import numpy as np
import pytest
from bad_data import everything_in, refused
from segment_data import read

from mixednoise.cli import run

NAMES = ["v0", "v1", "v2"]
SHAPE = (2, 12, 10)  # D, H, W
AFFINE = np.diag([1.0, 1, 3, 1])


def nifti(path, array, affine=AFFINE):
    nib.save(nib.Nifti1Image(array.T, affine), path)


def moved():
    affine = AFFINE.copy()
    affine[0, 3] = 12
    return affine


@pytest.fixture
def volumes(tmp_path):
    """Three volumes as nnU-Net's raw data and as flat folders, with probabilities."""
    raw = tmp_path / "Dataset004_Blocks"
    flat = [tmp_path / kind for kind in ("masks", "values", "images")]
    for folder in (raw / "imagesTr", raw / "labelsTr", *flat):
        folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for name in NAMES:
        mask = np.zeros(SHAPE, np.uint8)
        mask[:, 3:8, 2:7] = 1
        p = np.clip(0.8 * mask + 0.1 + rng.normal(0, 0.1, SHAPE), 0.01, 0.99).astype(np.float32)
        np.save(flat[1] / f"{name}.npy", np.stack([1 - p, p]))
        for folder in (raw / "labelsTr", flat[0]):
            nifti(folder / f"{name}.nii.gz", mask)
        nifti(raw / "imagesTr" / f"{name}_0000.nii.gz", mask.astype(np.float32))
        nifti(flat[2] / f"{name}.nii.gz", mask.astype(np.float32))
    described = {"channel_names": {"0": "CT"}, "numTraining": len(NAMES), "file_ending": ".nii.gz",
                 "labels": {"background": 0, "block": 1}}  # fmt: skip
    (raw / "dataset.json").write_text(json.dumps(described))
    return tmp_path


def errors(folder, given, *more):
    if given == "nnunet":
        masks = ["--nnunet", folder / "Dataset004_Blocks"]
    else:
        masks = ["--masks", folder / "masks", "--images", folder / "images"]
    command = ["segment", "errors", *masks, "--probabilities", folder / "values"]
    return [*map(str, [*command, "--out", folder / "found", *more])]


def mask_of(folder, given, name):
    where = folder / "Dataset004_Blocks" / "labelsTr" if given == "nnunet" else folder / "masks"
    return where / f"{name}.nii.gz"


def image_of(folder, given, name):
    if given == "nnunet":
        return folder / "Dataset004_Blocks" / "imagesTr" / f"{name}_0000.nii.gz"
    return folder / "images" / f"{name}.nii.gz"


@pytest.mark.parametrize("given", ["nnunet", "folders"])
def test_masks_that_do_not_lie_on_their_images(volumes, capsys, given):
    assert run(errors(volumes, given, "--quiet")) == 0
    shutil.rmtree(volumes / "found")
    path = mask_of(volumes, given, "v1")
    before = everything_in(volumes)
    nifti(path, np.asarray(nib.load(path).dataobj).T, moved())
    words = "1 image with a mask that lies elsewhere: affines differ", "v1.nii.gz [1 0 0 12"
    said = refused(capsys, errors(volumes, given), *words)
    assert "v0" not in said
    image = image_of(volumes, given, "v2")
    nifti(image, np.zeros((2, 12, 9), np.float32))
    words = "1 image with a mask of another size", f"{image.name} 2 x 12 x 9, v2.nii.gz 2 x 12 x 10"
    refused(capsys, errors(volumes, given), *words, "affines differ")
    assert everything_in(volumes).keys() == before.keys(), "nothing is written"


def test_true_masks_that_do_not_lie_on_the_masks(volumes, capsys):
    shutil.copytree(volumes / "masks", volumes / "truth")
    command = errors(volumes, "folders", "--truth", volumes / "truth")
    assert run([*command, "--quiet"]) == 0
    shutil.rmtree(volumes / "found")
    path = volumes / "truth" / "v1.nii.gz"
    nifti(path, np.asarray(nib.load(path).dataobj).T, moved())
    words = "1 mask with a true mask that lies elsewhere: affines differ", f"{path} [1 0 0 12"
    assert "v0" not in refused(capsys, command, *words)
    assert not (volumes / "found").exists()


def test_masks_nobody_judged_may_lie_anywhere(volumes):
    path = mask_of(volumes, "nnunet", "v1")
    nifti(path, np.zeros(SHAPE, np.uint8), moved())
    (volumes / "values" / "v1.npy").unlink()
    assert run(errors(volumes, "nnunet", "--quiet")) == 0


@pytest.mark.parametrize("given", ["nnunet", "folders"])
def test_images_that_can_not_be_read_are_only_pictures(volumes, capsys, given):
    image_of(volumes, given, "v0").write_bytes(b"no image")
    if given == "folders":
        image_of(volumes, given, "v2").unlink()
    assert run(errors(volumes, given)) == 0
    said = capsys.readouterr().err
    assert "v0 (no NIfTI file, or a damaged one)" in said
    assert (volumes / "found" / "report.html").exists()


def test_a_stray_value_in_raw_data_of_nnunet(volumes, capsys):
    path = mask_of(volumes, "nnunet", "v1")
    mask = np.asarray(nib.load(path).dataobj).T.copy()
    mask[0, 0, 0] = 7
    nifti(path, mask)
    words = "values that no class has", "found: 7 in 1 pixel\n", "labels in dataset.json"
    assert "--label-values" not in refused(capsys, errors(volumes, "nnunet"), *words)


@pytest.fixture
def pictures(tmp_path):
    """Four pictures with masks of 0 and 255, true masks and probabilities of two classes."""
    for kind in ("masks", "truth", "images", "values"):
        (tmp_path / kind).mkdir()
    rng = np.random.default_rng(1)
    for name in ("c00", "c01", "c02", "c03"):
        truth = np.zeros((16, 20), np.uint8)
        truth[4:11, 5:14] = 1
        mask = np.roll(truth, 1, axis=1)
        p = np.clip(0.8 * truth + 0.1 + rng.normal(0, 0.1, truth.shape), 0.01, 0.99)
        np.save(tmp_path / "values" / f"{name}.npy", np.stack([1 - p, p]).astype(np.float32))
        colours = rng.integers(0, 256, (16, 20, 3), dtype=np.uint8)
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), colours)
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), mask * 255)
        cv2.imwrite(str(tmp_path / "truth" / f"{name}.png"), truth * 255)
    return tmp_path


@pytest.mark.parametrize("ending", [".png", ".jpg", ".npy"])
def test_pictures_of_another_size(pictures, capsys, ending):
    (pictures / "images" / "c01.png").unlink()
    path = pictures / "images" / f"c01{ending}"
    for shape in ((16, 20), (9, 9)):
        grey = np.full(shape, 7, np.uint8)
        if ending == ".npy":
            np.save(path, np.stack([grey] * 2))
        else:
            cv2.imwrite(str(path), grey)
        if shape == (16, 20):
            assert run(errors(pictures, "folders", "--quiet")) == 0
            shutil.rmtree(pictures / "found")
    words = "1 image with a mask of another size", f"c01{ending} 9 x 9, c01.png 16 x 20"
    refused(capsys, errors(pictures, "folders"), *words)
    assert not (pictures / "found").exists()


def test_true_masks_are_looked_through_before_the_search(pictures, capsys, monkeypatch):
    with_truth = errors(pictures, "folders", "--truth", pictures / "truth")
    path = pictures / "truth" / "c03.png"
    whole = read(path)
    assert run([*with_truth, "--json", "--quiet"]) == 0
    assert json.loads(capsys.readouterr().out)["identification"]["Q"]["recall"] > 0
    shutil.rmtree(pictures / "found")

    def search(*_, **__):
        raise AssertionError("the search has begun")

    monkeypatch.setattr("mixednoise.jobs.segment_errors.write_errors", search)
    stray = whole.copy()
    stray[0, 0] = 7
    cv2.imwrite(str(path), stray)
    refused(capsys, with_truth, "1 true mask with values that no class has", f"{path}: 7, 255")
    cv2.imwrite(str(path), whole[:9])
    words = "1 mask with a true mask of another size", f"{path} 9 x 20", "masks/c03.png 16 x 20"
    said = refused(capsys, with_truth, *words)
    assert "resize" not in said
    cv2.imwrite(str(path), whole // 255)
    refused(capsys, with_truth, "some true masks mark the structure by 1, others by 255")
    for file in (pictures / "truth").iterdir():
        file.rename(file.with_stem(f"other_{file.stem}"))
    refused(capsys, with_truth, "no true mask belongs to a mask", "other_c00")
    assert not (pictures / "found").exists()


def test_a_true_mask_that_can_not_be_read_is_left_out(pictures, capsys):
    path = pictures / "truth" / "c03.png"
    path.write_bytes(path.read_bytes()[:60])
    assert run(errors(pictures, "folders", "--truth", pictures / "truth")) == 0
    said = capsys.readouterr().err
    assert "1 true mask can't be read" in said
    assert "left out of the figures: 1 mask without a true mask" in said
    summary = json.loads((pictures / "found" / "summary.json").read_text())
    assert summary["identification"]["Q"]["recall"] > 0
