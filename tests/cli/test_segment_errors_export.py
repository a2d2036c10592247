"""``segment errors`` of somebody else's probabilities, and ``segment export`` of what it found."""

from __future__ import annotations

import json

import cv2
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
from segment_data import calibrated as calibrated_by_run
from segment_data import read

import mixednoise
from mixednoise import read_nnunet
from mixednoise.cli import run
from mixednoise.progress import Silent
from mixednoise.segmentation.calibrated_source import calibrated
from mixednoise.segmentation.confident import ArraySource

AFFINE = np.array([[-2.0, 0, 0, 5], [0, 0, 3, -7], [0, 1.5, 0, 9], [0, 0, 0, 1]])
K = 3


def sets(count=5, shape=(20, 24), sharp=2.5):
    """Masks with a fifth of their pixels at random, and probabilities that know better."""
    rng = np.random.default_rng(2)
    for number in range(count):
        truth = rng.integers(0, K, shape).astype(np.uint8)
        mask = np.where(rng.random(shape) < 0.2, rng.integers(0, K, shape), truth)
        logits = rng.normal(0, 1, (K, *shape)) + sharp * np.moveaxis(np.eye(K)[truth], -1, 0)
        values = (np.exp(logits) / np.exp(logits).sum(0)).astype(np.float32)
        yield f"m{number}", mask.astype(np.uint8), values, truth


@pytest.fixture
def folders(tmp_path):
    for name in ("masks", "probabilities", "images"):
        (tmp_path / name).mkdir()
    made = list(sets())
    for name, mask, values, truth in made:
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), mask)
        cv2.imwrite(str(tmp_path / "images" / f"{name}.png"), truth * 100)
        np.save(tmp_path / "probabilities" / f"{name}.npy", values)
    return tmp_path, made


@pytest.fixture
def raw(tmp_path):
    """Raw data of nnU-Net, and the folder of a model that it was cross-validated with."""
    root = tmp_path / "Dataset004_Grain"
    for part in ("imagesTr", "labelsTr"):
        (root / part).mkdir(parents=True)
    made = list(sets())
    for number, (name, mask, values, truth) in enumerate(made):
        cv2.imwrite(str(root / "imagesTr" / f"{name}_0000.png"), truth * 100)
        cv2.imwrite(str(root / "labelsTr" / f"{name}.png"), mask)
        place = tmp_path / "model" / f"fold_{number % 2}" / "validation"
        place.mkdir(parents=True, exist_ok=True)
        # As nnU-Net writes it with --npz: pictures have a depth of one.
        np.savez_compressed(place / f"{name}.npz", probabilities=values[:, None])
    described = {"channel_names": {"0": "grey"}, "numTraining": len(made), "file_ending": ".png",
                 "labels": {"background": 0, "fat": 1, "bone": 2}}  # fmt: skip
    (root / "dataset.json").write_text(json.dumps(described))
    return root, tmp_path / "model", made


def errors(out, *more):
    return run(["segment", "errors", "--out", str(out), "--quiet", *map(str, more)])


def of_folders(folder):
    return ["--masks", folder / "masks", "--probabilities", folder / "probabilities"]


def export(found, to, out, *more):
    command = ["segment", "export", str(found), "--to", to, "--out", str(out), "--quiet"]
    return run([*command, *map(str, more)])


@pytest.mark.parametrize("calibrate", ["none", "shares"])
def test_corrected_masks_of_folders(folders, tmp_path, calibrate):
    folder, made = folders
    found, out = tmp_path / "found", tmp_path / "out"
    assert errors(found, *of_folders(folder), "--calibrate", calibrate) == 0
    assert export(found, "masks", out) == 0
    masks, values = (np.stack([one[i] for one in made]) for i in (1, 2))
    source = calibrated(ArraySource(masks, values), calibrate, Silent())
    changed = 0
    for row, (name, mask, _, _) in enumerate(made):
        flagged = read(found / f"{name}.png") > 0
        proposed = source.read(row)[1].argmax(0)
        corrected = read(out / "masks" / f"{name}.png")
        np.testing.assert_array_equal(corrected, np.where(flagged, proposed, mask))
        changed += (corrected != mask).sum()
    assert changed > 100


def test_nnunet_with_ignored_pixels_needs_images(folders, tmp_path, capsys):
    folder, made = folders
    assert errors(tmp_path / "blind", *of_folders(folder)) == 0
    assert export(tmp_path / "blind", "nnunet", tmp_path / "raw") == 2
    assert "--images FOLDER" in capsys.readouterr().err
    assert not (tmp_path / "raw").exists()
    found = tmp_path / "found"
    more = ["--images", folder / "images", "--class-names", "air,fat,bone"]
    assert errors(found, *of_folders(folder), *more) == 0
    assert export(found, "nnunet", tmp_path / "raw", "--dataset-number", 3) == 0
    root = tmp_path / "raw" / "Dataset003_Corrected"
    data = read_nnunet(root)
    assert (data.class_names, data.ignore_value) == (("background", "fat", "bone"), K)
    for name, mask, _, _ in made:
        flagged = read(found / f"{name}.png") > 0
        label = read(root / "labelsTr" / f"{name}.png")
        np.testing.assert_array_equal(label, np.where(flagged, K, mask))


def test_from_nnunet_to_nnunet(raw, tmp_path, capsys):
    """What its own cross-validation says, and its own format again."""
    root, model, made = raw
    found = tmp_path / "found"
    (model / "fold_0" / "validation" / "m0.npz").unlink()
    command = ["segment", "errors", "--nnunet", str(root), "--probabilities", str(model)]
    assert run([*command, "--out", str(found)]) == 0
    assert "1 mask has no probabilities: set aside" in capsys.readouterr().err
    masks, values = (np.stack([one[i] for one in made[1:]]) for i in (1, 2))
    expected = mixednoise.find_mask_errors(masks, values, rule="Q")
    maps = [read(found / f"{name}.png") > 0 for name, *_ in made[1:]]
    np.testing.assert_array_equal(maps, expected)
    told = json.loads((found / "summary.json").read_text())
    assert told["class_names"] == ["background", "fat", "bone"]
    assert export(found, "nnunet", tmp_path / "again") == 0
    labels = tmp_path / "again" / "Dataset001_Corrected" / "labelsTr"
    assert {path.stem for path in labels.iterdir()} == {name for name, *_ in made[1:]}
    for flagged, (name, mask, _, _) in zip(maps, made[1:], strict=True):
        np.testing.assert_array_equal(read(labels / f"{name}.png"), np.where(flagged, K, mask))


@pytest.mark.parametrize("ending", [".nii.gz", ".tif"])
def test_masks_of_other_formats(tmp_path, ending):
    volumes = ending == ".nii.gz"
    made = list(sets(shape=(4, 6, 8) if volumes else (20, 24)))
    for folder in ("masks", "probabilities"):
        (tmp_path / folder).mkdir()
    for name, mask, values, _ in made:
        np.save(tmp_path / "probabilities" / f"{name}.npy", values)
        if volumes:
            image = nib.Nifti1Image(mask.transpose(2, 1, 0), AFFINE)
            nib.save(image, tmp_path / "masks" / f"{name}{ending}")
        else:
            cv2.imwrite(str(tmp_path / "masks" / f"{name}{ending}"), mask)
    found, out = tmp_path / "found", tmp_path / "out"
    assert errors(found, *of_folders(tmp_path)) == 0
    assert export(found, "masks", out) == 0
    masks, values = (np.stack([one[i] for one in made]) for i in (1, 2))
    flagged = mixednoise.find_mask_errors(masks, values, rule="Q")
    for row, (name, mask, own, _) in enumerate(made):
        expected = np.where(flagged[row], own.argmax(0), mask)
        path = out / "masks" / f"{name}{ending}"
        if not volumes:
            np.testing.assert_array_equal(read(found / f"{name}.png") > 0, flagged[row])
            np.testing.assert_array_equal(read(path), expected)
            continue
        for file, wanted in ((path, expected), (found / path.name, 255 * flagged[row])):
            image = nib.load(file)
            np.testing.assert_array_equal(np.asarray(image.dataobj).transpose(2, 1, 0), wanted)
            np.testing.assert_array_equal(image.affine, AFFINE)


def test_another_rule_for_a_run(decoded, tmp_path):
    found = tmp_path / "found"
    assert errors(found, "--run", decoded / "run", "--rule", "argmax") == 0
    assert export(found, "masks", tmp_path / "out") == 0
    for path in (tmp_path / "out" / "masks").iterdir():
        values = calibrated_by_run(decoded / "run", path.stem)
        mask = read(decoded / "data" / "masks" / path.name) // 255
        # Float32 may see a tie otherwise.
        clear = np.abs(values[0] - values[1]) > 1e-4
        flagged = read(found / path.name) > 0
        np.testing.assert_array_equal(flagged[clear], (values.argmax(0) != mask)[clear])
        np.testing.assert_array_equal(read(path) // 255, np.where(flagged, 1 - mask, mask))


def test_soft_targets_of_folders(folders, tmp_path):
    folder, made = folders
    assert errors(tmp_path / "found", *of_folders(folder)) == 0
    more = ["--towards", "probabilities", "--epsilon", 1]
    assert export(tmp_path / "found", "soft", tmp_path / "out", *more) == 0
    for name, mask, values, _ in made:
        flagged = read(tmp_path / "found" / f"{name}.png") > 0
        own = np.moveaxis(np.eye(K, dtype=np.float32)[mask], -1, 0)
        targets = np.load(tmp_path / "out" / "targets" / f"{name}.npy")
        np.testing.assert_allclose(targets, np.where(flagged, values, own), atol=1e-3)


class TestBadInput:
    def test_what_moved_since(self, folders, tmp_path, capsys):
        folder, _ = folders
        assert errors(tmp_path / "found", *of_folders(folder)) == 0
        (folder / "probabilities" / "m3.npy").unlink()
        assert export(tmp_path / "found", "masks", tmp_path / "out") == 2
        assert "m3.npy" in capsys.readouterr().err
        assert not (tmp_path / "out").exists()

    def test_a_map_that_is_gone(self, folders, tmp_path, capsys):
        folder, _ = folders
        assert errors(tmp_path / "found", *of_folders(folder)) == 0
        (tmp_path / "found" / "m3.png").unlink()
        assert export(tmp_path / "found", "masks", tmp_path / "out") == 2
        assert "no error map of m3" in capsys.readouterr().err

    def test_a_mask_that_could_not_be_read_is_left_out(self, folders, tmp_path):
        folder, _ = folders
        path = folder / "masks" / "m3.png"
        path.write_bytes(path.read_bytes()[:60])
        assert errors(tmp_path / "found", *of_folders(folder)) == 0
        assert export(tmp_path / "found", "masks", tmp_path / "out") == 0
        names = set(pd.read_csv(tmp_path / "out" / "corrections.csv")["name"])
        assert names == {"m0", "m1", "m2", "m4"}

    def test_a_class_to_ignore(self, folders, tmp_path, capsys):
        folder, _ = folders
        assert errors(tmp_path / "found", *of_folders(folder), "--ignore-value", 2) == 2
        assert "another one than 0 to 2" in capsys.readouterr().err

    @pytest.mark.parametrize(
        ("more", "words"),
        [
            (["--masks", "x"], "--nnunet leaves no room for --masks"),
            (["--truth", "x"], "--nnunet leaves no room for --truth"),
        ],
    )
    def test_too_much(self, raw, tmp_path, capsys, more, words):
        root, model, _ = raw
        given = ["--nnunet", root, "--probabilities", model, *more]
        assert errors(tmp_path / "found", *given) == 2
        assert words in capsys.readouterr().err

    def test_probabilities_of_other_classes(self, raw, tmp_path, capsys):
        root, model, made = raw
        for number, (name, _, values, _) in enumerate(made):
            place = model / f"fold_{number % 2}" / "validation" / f"{name}.npz"
            np.savez_compressed(place, probabilities=values[:2, None])
        assert errors(tmp_path / "found", "--nnunet", root, "--probabilities", model) == 2
        told = capsys.readouterr().err
        assert "different classes" in told
        assert "background, fat, bone" in told

    def test_two_models_at_once(self, raw, tmp_path, capsys):
        root, model, _ = raw
        other = model / "fold_1" / "again"
        other.mkdir()
        (other / "m0.npz").write_bytes((model / "fold_0/validation/m0.npz").read_bytes())
        assert errors(tmp_path / "found", "--nnunet", root, "--probabilities", model) == 2
        assert "two files of probabilities have the same name" in capsys.readouterr().err

    @pytest.mark.parametrize("content", ["[]", '{"calibrate": "none", "judges": [1]}'])
    def test_a_damaged_result(self, folders, tmp_path, capsys, content):
        folder, _ = folders
        assert errors(tmp_path / "found", *of_folders(folder)) == 0
        (tmp_path / "found" / "origin.json").write_text(content)
        assert export(tmp_path / "found", "masks", tmp_path / "out") == 2
        assert "find the errors again" in capsys.readouterr().err
