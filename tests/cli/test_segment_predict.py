"""``mixednoise segment predict`` and ``evaluate``."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import cv2
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from segment_data import CASES, QUICK, SPLIT, read

import mixednoise
from mixednoise.cli import run
from mixednoise.io import plain
from mixednoise.jobs.segment_model import Segmented
from mixednoise.jobs.segment_predict import encoded_masks, list_images
from mixednoise.segmentation.case_file import read_case_file
from mixednoise.segmentation.cases import read_mask

AFFINE = np.array([[-1.5, 0, 0, 5], [0, 0, 3, -7], [0, 1.5, 0, 9], [0, 0, 0, 1.0]])


def predict(folder, images, out, *more):
    command = ["segment", "predict", str(folder / "run"), str(images), "--out", str(out)]
    return run([*command, *map(str, more)])


def test_masks_as_the_python_class_predicts_them(segmented, tmp_path, capsys):
    images, out = segmented / "data" / "images", tmp_path / "out"
    assert predict(segmented, images, out, "--probabilities", "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["images"] == CASES
    assert "per second" in told.err
    model = mixednoise.load_segmentation(segmented / "run")
    files = sorted(images.iterdir())
    expected = list(model.predict_proba([read(path)[None] for path in files]))
    table = pd.read_csv(out / "predictions.csv").set_index("name")
    for path, probabilities in zip(files, expected, strict=True):
        stored = np.load(out / "probabilities" / f"{path.stem}.npy")
        assert stored.dtype == np.float16
        np.testing.assert_allclose(stored, probabilities, atol=2e-3)
        mask = read(out / "masks" / path.name)
        np.testing.assert_array_equal(mask, probabilities.argmax(0) * 255)
        assert table.loc[path.stem, "pixels_foreground"] == np.count_nonzero(mask)


def test_what_cannot_be_read_never_stops_it(segmented, tmp_path, capsys):
    images = tmp_path / "images"
    (images / "below").mkdir(parents=True)
    rng = np.random.default_rng(0)
    cv2.imwrite(str(images / "below" / "big.jpg"), rng.integers(0, 255, (70, 41), dtype=np.uint8))
    cv2.imwrite(str(images / "colour.png"), rng.integers(0, 255, (40, 40, 3), dtype=np.uint8))
    (images / "broken.png").write_bytes(b"no image at all")
    assert predict(segmented, images, tmp_path / "out") == 0
    assert "2 images can't be segmented" in capsys.readouterr().err
    listed = pd.read_csv(tmp_path / "out" / "unreadable.csv").set_index("name")["reason"]
    assert set(listed.index) == {"colour", "broken"}
    assert "channels: 3, the network takes 1" in listed["colour"]
    assert read(tmp_path / "out" / "masks" / "big.png").shape == (70, 41)


def test_nifti_keeps_its_affine(segmented, tmp_path):
    volume = np.random.default_rng(1).normal(100, 30, (32, 40, 3)).astype(np.float32)
    image = tmp_path / "scan.nii.gz"
    nib.save(nib.Nifti1Image(volume, AFFINE), image)
    assert predict(segmented, image, tmp_path / "out", "--quiet") == 0
    found = nib.load(tmp_path / "out" / "masks" / "scan.nii.gz")
    np.testing.assert_allclose(found.affine, AFFINE)
    assert found.shape == volume.shape
    assert set(np.unique(np.asanyarray(found.dataobj))) <= {0, 255}


def test_a_folder_per_class_where_training_had_one(tmp_path):
    """Read back as the masks of training are, the prediction is the same again."""
    for name in ("lung", "heart"):
        (tmp_path / "train" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "train" / name / "a.png"), np.zeros((8, 8), np.uint8))
    (tmp_path / "images").mkdir()
    cv2.imwrite(str(tmp_path / "images" / "a.png"), np.zeros((8, 8), np.uint8))
    trained = mixednoise.read_cases(
        tmp_path / "images", tmp_path / "train", class_names=["lung", "heart"]
    )
    mask = np.random.default_rng(0).integers(0, 3, (8, 8)).astype(np.uint8)
    for path, data in encoded_masks(trained, Segmented(trained.cases[0]), mask):
        (tmp_path / "out" / path.parent).mkdir(parents=True)
        (tmp_path / "out" / path).write_bytes(data)
    assert set(np.unique(read(tmp_path / "out" / "heart" / "a.png"))) == {0, 255}
    again = mixednoise.read_cases(
        tmp_path / "images", tmp_path / "out", class_names=["lung", "heart"]
    )
    np.testing.assert_array_equal(read_mask(again, again.cases[0]), mask)


def test_files_of_channels_as_nnunet_names_them(segmented, tmp_path):
    trained = read_case_file(segmented / "run" / "cases.json")
    told = replace(trained, layout="nnunet", channel_names=("T1", "T2"))
    for name in ("a_0000", "a_0001", "b_0000", "b_0001"):
        (tmp_path / f"{name}.nii.gz").write_bytes(b"")
    cases = list_images([tmp_path], told)
    assert [case.name for case in cases] == ["a", "b"]
    assert [path.name for path in cases[1].images] == ["b_0000.nii.gz", "b_0001.nii.gz"]
    (tmp_path / "b_0001.nii.gz").unlink()
    with pytest.raises(mixednoise.DataError, match="without some channel"):
        list_images([tmp_path], told)


def test_a_run_whose_training_images_have_moved_still_predicts(segmented, tmp_path):
    moved = tmp_path / "run"
    shutil.copytree(segmented / "run", moved)
    told = json.loads((moved / "cases.json").read_text())
    for case in told["cases"]:
        case["images"] = ["/nowhere/" + case["name"]]
    (moved / "cases.json").write_text(json.dumps(told))
    assert predict(tmp_path, segmented / "data" / "images", tmp_path / "out", "--quiet") == 0


def test_overwriting_leaves_nothing_of_the_earlier_result(segmented, tmp_path, capsys):
    images, out = segmented / "data" / "images", tmp_path / "out"
    assert predict(segmented, images, out, "--probabilities", "--quiet") == 0
    assert predict(segmented, images, out) == 2
    assert "exists already" in capsys.readouterr().err
    assert predict(segmented, images / "c00.png", out, "--overwrite", "--quiet") == 0
    assert [path.name for path in (out / "masks").iterdir()] == ["c00.png"]
    assert not list((out / "probabilities").iterdir())


@pytest.mark.parametrize(
    ("table", "found"),
    [
        ("id,predicted_label,entropy,p_a\nc00.png,a,0.1,1\n", "none of this command"),
        ("name,image,confidence\nc01,x,0.5\n", "c00.png"),
    ],
)
def test_masks_that_somebody_has_drawn_are_not_replaced(segmented, tmp_path, capsys, table, found):
    out = tmp_path / "work"
    (out / "masks").mkdir(parents=True)
    (out / "masks" / "c00.png").write_bytes(b"drawn by hand")
    (out / "predictions.csv").write_text(table)
    assert predict(segmented, segmented / "data" / "images", out, "--overwrite") == 2
    assert found in " ".join(capsys.readouterr().err.split())
    assert (out / "masks" / "c00.png").read_bytes() == b"drawn by hand"


def evaluate(folder, *more):
    data = folder / "data"
    command = ["segment", "evaluate", str(folder / "run"), "--images", str(data / "images"),
               "--masks", str(data / "truth"), "--groups", str(data / "patients.csv")]  # fmt: skip
    return run([*command, *map(str, more)])


def test_the_scores_of_training_again(segmented, tmp_path, capsys):
    """The same test cases, segmented from their files: the same figures."""
    out = tmp_path / "metrics.json"
    split = ["--splits", segmented / "run" / "cases.csv", "--split", "test"]
    assert evaluate(segmented, *split, "--out", out, "--json") == 0
    told = capsys.readouterr()
    assert "has learned from" not in told.err
    result = json.loads(told.out)
    assert result == json.loads(out.read_text())
    metrics = json.loads((segmented / "run" / "metrics.json").read_text())
    for which in ("last", "best"):
        assert result[which]["macro"] == plain(metrics[which]["macro"])
        assert result[which]["intervals"] == metrics[which]["intervals"]


def test_training_cases_are_told(segmented, capsys):
    assert evaluate(segmented) == 0
    told = capsys.readouterr()
    learned = pd.read_csv(segmented / "run" / "folds.csv")
    assert f"{len(learned)} images of {CASES} the run has learned from" in told.err
    assert "Dice" in told.out
    assert "foreground" in told.out


def test_cases_without_a_mask_are_left_out_and_told(segmented, tmp_path, capsys):
    masks = tmp_path / "masks"
    masks.mkdir()
    for name in ("c00.png", "c01.png"):
        shutil.copy(segmented / "data" / "truth" / name, masks / name)
    command = ["segment", "evaluate", str(segmented / "run"), "--images",
               str(segmented / "data" / "images"), "--masks", str(masks), "--json"]  # fmt: skip
    assert run(command) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["cases"] == 2
    assert len(json.loads(told.out)["set_aside"]) == CASES - 2
    assert "have no mask" in told.err


def test_what_values_of_label_maps_mean_for_a_run_of_files_per_class(segmented, tmp_path, capsys):
    data = segmented / "data"
    (tmp_path / "maps").mkdir()
    for path in sorted((data / "truth").iterdir()):
        whole = read(path)
        right = whole * (np.arange(whole.shape[1]) >= 16)
        for name, mask in (("left", whole - right), ("right", right)):
            (tmp_path / "masks" / name).mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(tmp_path / "masks" / name / path.name), mask)
        classes = (whole > 0).astype(np.uint8) + (right > 0)
        cv2.imwrite(str(tmp_path / "maps" / path.name), classes)
    out = str(tmp_path / "run")
    masks = [f"--masks={tmp_path / 'masks' / name}" for name in ("left", "right")]
    images = ["--images", str(data / "images")]
    training = ["--out", out, "--method", "cross_entropy", *QUICK, *SPLIT, "--epochs", "1"]
    assert run(["segment", "train", *images, *masks, *training, "--quiet"]) == 0
    command = ["segment", "evaluate", out, *images, "--masks", str(tmp_path / "maps")]
    assert run(command) == 0
    assert "are taken as 0 background, 1 left, 2 right" in " ".join(capsys.readouterr().err.split())
    assert run([*command, "--label-values", "0,2,1"]) == 0
    assert "are taken as" not in capsys.readouterr().err


def test_a_run_without_validation_has_no_best_epoch(segmented, tmp_path, capsys):
    shutil.copytree(segmented / "run", tmp_path / "run")
    (tmp_path / "run" / "student_best.safetensors").unlink()
    images = segmented / "data" / "images"
    assert predict(tmp_path, images, tmp_path / "out", "--weights", "best") == 2
    assert "has no best epoch" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("weights", ["last", "best"])
def test_either_network_can_be_chosen(segmented, tmp_path, weights):
    shutil.copytree(segmented / "run", tmp_path / "run")
    names = {"last": "student.safetensors", "best": "student_best.safetensors"}
    other = names.pop(weights)
    # The other one is no network: it must not be touched.
    (tmp_path / "run" / next(iter(names.values()))).write_bytes(b"nothing")
    image = segmented / "data" / "images" / "c00.png"
    assert (tmp_path / "run" / other).stat().st_size > 1000
    assert predict(tmp_path, image, tmp_path / "out", "--weights", weights, "--quiet") == 0
