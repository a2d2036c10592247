"""``mixednoise segment errors``: from folders, and from the probabilities of a run."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pandas as pd
import pytest
from segment_data import calibrated, read
from sklearn.metrics import precision_recall_fscore_support

import mixednoise
from mixednoise.cli import run


@pytest.fixture
def folders(tmp_path):
    """Twelve masks with made-up probabilities of three classes, and true masks."""
    rng = np.random.default_rng(2)
    arrays = []
    for name in ("masks", "probabilities", "truth", "images"):
        (tmp_path / name).mkdir()
    for number in range(6):
        truth = rng.integers(0, 3, (20, 24)).astype(np.uint8)
        mask = np.where(rng.random(truth.shape) < 0.2, rng.integers(0, 3, truth.shape), truth)
        logits = rng.normal(0, 1, (3, 20, 24)) + 2.5 * np.eye(3)[truth].transpose(2, 0, 1)
        values = (np.exp(logits) / np.exp(logits).sum(0)).astype(np.float32)
        cv2.imwrite(str(tmp_path / "masks" / f"m{number}.png"), mask.astype(np.uint8))
        cv2.imwrite(str(tmp_path / "truth" / f"m{number}.png"), truth)
        cv2.imwrite(str(tmp_path / "images" / f"m{number}.png"), truth * 100)
        np.save(tmp_path / "probabilities" / f"m{number}.npy", values)
        arrays.append((mask.astype(np.uint8), values, truth))
    return tmp_path, [np.stack(part) for part in zip(*arrays, strict=True)]


def errors(folder, out, *more):
    paths = ["--masks", str(folder / "masks"), "--probabilities", str(folder / "probabilities")]
    return run(["segment", "errors", *paths, "--out", str(out), *map(str, more)])


@pytest.mark.parametrize("rule", ["Q", "C", "argmax"])
def test_maps_are_those_of_the_python_function(folders, tmp_path, rule):
    folder, (masks, probabilities, _) = folders
    out = tmp_path / "out"
    assert errors(folder, out, "--rule", rule, "--quiet") == 0
    expected = mixednoise.find_mask_errors(masks, probabilities, rule=rule)
    found = np.stack([read(out / f"m{number}.png") for number in range(6)])
    np.testing.assert_array_equal(found == 255, expected)
    assert set(np.unique(found)) == {0, 255}
    table = pd.read_csv(out / "images.csv")
    assert table["flagged_pixels"].sum() == expected.sum()
    assert table["quality"].is_monotonic_increasing, "the worst mask first"
    parts = pd.read_csv(out / "components.csv").groupby("name")["pixels"]
    assert parts.sum().to_dict() == dict(zip(table["name"], table["flagged_pixels"], strict=True))
    assert parts.size().to_dict() == dict(zip(table["name"], table["components"], strict=True))
    assert "Suspected regions, one by one" in (out / "report.html").read_text()


@pytest.mark.parametrize("calibrate", ["none", "shares"])
def test_everything_that_was_noticed_is_said_once(folders, tmp_path, capsys, calibrate):
    folder, (masks, _, _) = folders
    cv2.imwrite(str(folder / "masks" / "lonely.png"), masks[0])
    cv2.imwrite(str(folder / "masks" / "m3.png"), np.zeros_like(masks[3]))
    out = tmp_path / "out"
    assert errors(folder, out, "--calibrate", calibrate) == 0
    said = " ".join(capsys.readouterr().err.split())
    assert said.count("1 mask has no probabilities: set aside") == 1
    assert said.count("1 mask holds background alone") == 1
    notices = json.loads((out / "summary.json").read_text())["notices"]
    assert sum("no probabilities" in line for line in notices) == 1
    assert sum("background alone" in line for line in notices) == 1


def test_what_was_found_is_no_data_set(folders, tmp_path, capsys):
    folder, _ = folders
    found = tmp_path / "found"
    assert errors(folder, found, "--quiet") == 0
    assert run(["audit", str(found), "--out", str(tmp_path / "audit")]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "segment errors" in told
    assert "segment export" in told


def test_figures_where_the_truth_is_known(folders, tmp_path, capsys):
    folder, (masks, probabilities, truth) = folders
    names = ["--class-names", "air,fat,bone", "--truth", folder / "truth"]
    images = ["--images", folder / "images"]
    assert errors(folder, tmp_path / "out", *names, *images, "--json", "--quiet") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == json.loads((tmp_path / "out" / "summary.json").read_text())
    assert answer["class_names"] == ["air", "fat", "bone"]
    flagged = {
        "Q": mixednoise.find_mask_errors(masks, probabilities),
        "argmax": probabilities.argmax(1) != masks,
    }
    for rule, found in flagged.items():
        precision, recall, f1, _ = precision_recall_fscore_support(
            (masks != truth).ravel(), found.ravel(), average="binary"
        )
        scores = answer["identification"][rule]
        got = [scores[key] for key in ("precision", "recall", "f1")]
        assert got == pytest.approx([precision, recall, f1])
    page = (tmp_path / "out" / "report.html").read_text()
    assert page.count("data:image/") >= 6, "a picture of each mask"
    assert "bone" in page


def test_the_report_goes_on_without_images_that_can_not_be_read(folders, tmp_path, capsys):
    folder, _ = folders
    (folder / "images" / "m1.png").write_bytes(b"no image")
    assert errors(folder, tmp_path / "out", "--images", folder / "images") == 0
    said = capsys.readouterr().err
    assert "m1 (not an image" in said
    assert (tmp_path / "out" / "report.html").exists()


def test_a_run_tried_again_with_its_own_rule_and_with_another(decoded, tmp_path):
    trained = decoded / "run"
    command = ["segment", "errors", "--run", str(trained), "--quiet"]
    assert run([*command, "--out", str(tmp_path / "same")]) == 0
    maps = sorted((trained / "error_maps").glob("*.png"))
    assert maps
    for path in maps:
        np.testing.assert_array_equal(read(path), read(tmp_path / "same" / path.name))
    assert run([*command, "--rule", "argmax", "--out", str(tmp_path / "plain")]) == 0
    for path in maps:
        probabilities = calibrated(trained, path.stem)
        given = read(decoded / "data" / "masks" / path.name) // 255
        own = np.where(given, probabilities[1], probabilities[0])
        found = read(tmp_path / "plain" / path.name) > 0
        # The given class stays where it is as probable as another one.
        np.testing.assert_array_equal(found, own < probabilities.max(0) - 1e-6)
    summary = json.loads((tmp_path / "plain" / "summary.json").read_text())
    assert set(summary["identification"]) == {"argmax (shares)", "argmax"}, "the truth is known"
    plain = [*command, "--rule", "argmax", "--calibrate", "none", "--out", str(tmp_path / "raw")]
    assert run(plain) == 0
    for path in maps:
        said = np.load(trained / "probabilities" / f"{path.stem}.npy")
        given = read(decoded / "data" / "masks" / path.name) // 255
        own = np.where(given, said[1], said[0])
        np.testing.assert_array_equal(read(tmp_path / "raw" / path.name) > 0, own < said.max(0))


@pytest.mark.parametrize(("rule", "calibrate"), [("argmax", "shares"), ("Q", "temperature")])
def test_probabilities_of_folders_are_calibrated_on_request(folders, tmp_path, rule, calibrate):
    folder, (masks, probabilities, _) = folders
    out = tmp_path / "out"
    assert errors(folder, out, "--rule", rule, "--calibrate", calibrate, "--quiet") == 0
    found = np.stack([read(out / f"m{number}.png") for number in range(6)]) == 255
    expected = mixednoise.find_mask_errors(masks, probabilities, rule, calibrate=calibrate)
    np.testing.assert_array_equal(found, expected)
    assert (found != mixednoise.find_mask_errors(masks, probabilities, rule)).any()


def test_the_band_that_fits_the_structures(folders, decoded, tmp_path):
    folder, (masks, probabilities, _) = folders
    told = {}
    for name in ("auto", "none", "2.5"):
        assert errors(folder, tmp_path / name, "--band", name, "--quiet") == 0
        told[name] = json.loads((tmp_path / name / "summary.json").read_text())["settings"]["band"]
    assert told == {"auto": 1.0, "none": None, "2.5": 2.5}, "specks: hardly any inside"
    found = np.stack([read(tmp_path / "auto" / f"m{number}.png") for number in range(6)]) == 255
    expected = mixednoise.find_mask_errors(masks, probabilities, band="auto")
    np.testing.assert_array_equal(found, expected)
    # Discs of a radius of 6 to 12 pixels, the outer half of which is three quarters of the area.
    command = ["segment", "errors", "--run", str(decoded / "run"), "--quiet"]
    assert run([*command, "--out", str(tmp_path / "run")]) == 0
    settings = json.loads((tmp_path / "run" / "summary.json").read_text())["settings"]
    assert 3 <= settings["band"] <= 6
    assert errors(folder, tmp_path / "wide", "--band", "wide") == 2


def test_an_earlier_result_is_replaced_only_when_asked(folders, tmp_path, capsys):
    folder, _ = folders
    out = tmp_path / "out"
    assert errors(folder, out, "--quiet") == 0
    before = (out / "m0.png").read_bytes()
    assert errors(folder, out, "--rule", "argmax") == 2
    assert "--overwrite" in capsys.readouterr().err
    assert (out / "m0.png").read_bytes() == before
    assert errors(folder, out, "--rule", "argmax", "--overwrite", "--quiet") == 0
    assert (out / "m0.png").read_bytes() != before
