"""Everything that a new user gets wrong: one clear message, exit status 2, nothing left behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import yaml
from bad_data import (
    CLASSES,
    SIZE,
    TINY,
    everything_in,
    half_a_jpeg,
    png_of,
    refused,
    write_data,
)

from mixednoise.cli import run
from mixednoise.data.readers import read_dataset
from mixednoise.methods import QMixMethod
from mixednoise.progress import Silent
from mixednoise.workflow.prepare import prepare


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    write_data(folder)
    return folder


@pytest.fixture
def finished(trained, tmp_path):
    """A copy of the run, to be spoilt."""
    return Path(shutil.copytree(trained / "run", tmp_path / "copy"))


def edit(folder: Path, change) -> None:
    table = pd.read_csv(folder / "labels.csv")
    (change(table) if callable(change) else table.assign(**change)).to_csv(
        folder / "labels.csv", index=False
    )


def typo(table):
    table.loc[15, "label"] = "redd"
    return table


def patients_and_splits(table):
    return table.assign(
        patient=[f"p{i // 3}" for i in range(len(table))],
        split=(["train"] * 2 + ["test"]) * (len(table) // 3),
        label=np.array(CLASSES)[np.arange(len(table)) // 3 % 3],
    )


def two_verdicts(table):
    return pd.concat([table, table.assign(label=[*table.label[1:], "red"])])


TABLES = {
    "one class": ({"label": "red"}, [], ["all of one class", "red"]),
    "label typo": (typo, [], ["misspelt", "'redd' in labels.csv, line 17", "'red'"]),
    "no such column": ({}, ["--label-column", "labell"], ["no column 'labell'", "'label'"]),
    "no image column": (
        lambda t: t.rename(columns={"image": "picture"}), [], ["picture, label", "--image-column"],
    ),
    "a patient in two splits": (
        patients_and_splits, ["--group-column", "patient"],
        ["10 groups (patients)", "p0 in train and test", "correct the split column"],
    ),
    "unknown split": ({"split": ["train"] * 29 + ["tset"]}, [], ["'tset'", "line 31", "'test'"]),
    "nothing to train on": ({"split": "test"}, [], ["no images to train on", "found: test"]),
    "images that are folders": ({"image": "images"}, [], ["is a folder, no image file"]),
    "missing files": (
        {"image": [f"x{i}.png" for i in range(SIZE)]}, [], ["30 of the 30", "--image-root"],
    ),
    "two labels for one image": (
        two_verdicts, [], ["30 images named twice", "'red' in labels.csv, line 2", "and 25 more"],
    ),
    "a class without training images": (
        {"split": ["train", "train", "test"] * 10}, [], ["without an image to train on", "blue"],
    ),
    "a label that --classes lacks": (
        {}, ["--classes", "red,green"], ["outside the set", "'blue' in labels.csv, line 4"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "options", "words"), TABLES.values(), ids=TABLES)
def test_tables_that_can_not_be_trained_on(data, tmp_path, capsys, change, options, words):
    edit(data, change)
    before = everything_in(tmp_path)
    refused(capsys, ["train", data, "--out", tmp_path / "run", *TINY, *options], *words)
    assert everything_in(tmp_path) == before, "nothing is left of a run that never started"


def test_all_problems_are_told_at_once_and_warnings_in_short(data, tmp_path, capsys):
    edit(data, lambda t: patients_and_splits(t).assign(label=t.label))
    said = refused(
        capsys,
        ["train", data, "--out", tmp_path / "run", "--group-column", "patient", *TINY],
        "error: the data has 2 problems to solve first",
        "\n1. 10 groups (patients)",
        "\n2. 1 class without an image to train on",
        "\nalso noticed: the test split lacks 2 classes",
    )
    assert said.count("what to do: ") == 2


def no_images(folder):
    (folder / "a").mkdir(parents=True)
    (folder / "a" / "notes.docx").write_bytes(b"words")


FILES = {
    "nothing": (lambda p: None, ["does not exist"]),
    "an empty folder": (lambda p: p.mkdir(), ["is empty", "one folder of images per class"]),
    "a folder without images": (no_images, ["no images", "1 .docx"]),
    "a spreadsheet": (lambda p: p.with_suffix(".xlsx").write_bytes(b"PK"), ["a .xlsx file", "CSV"]),
    "an empty table": (lambda p: p.with_suffix(".csv").write_text(""), ["is empty"]),
    "a header alone": (lambda p: p.with_suffix(".csv").write_text("image,label\n"), ["no rows"]),
    "latin-1": (
        lambda p: p.with_suffix(".csv").write_bytes("image,label\na,ü\n".encode("latin-1")),
        ["line 2 is not UTF-8", "iconv -f WINDOWS-1252 -t UTF-8"],
    ),
    "binary": (lambda p: p.with_suffix(".csv").write_bytes(b"a\0b"), ["binary data"]),
}


@pytest.mark.parametrize(("make", "words"), FILES.values(), ids=FILES)
def test_things_that_are_no_data(tmp_path, capsys, make, words):
    make(tmp_path / "thing")
    path = next(iter(tmp_path.glob("thing*")), tmp_path / "thing")
    refused(capsys, ["train", path, "--out", tmp_path / "run", *TINY], *words)
    assert not (tmp_path / "run").exists()


def test_images_that_can_not_be_read_never_end_a_run(data, tmp_path, capsys):
    images = data / "images"
    (images / "im000.png").rename(images / "text.jpg")
    (images / "text.jpg").write_text("no image")
    (images / "half.jpg").write_bytes(half_a_jpeg())
    (images / "im002.png").write_bytes(b"")
    (images / "im003.png").write_bytes(png_of(20_000, 20_000))
    (images / "im004.png").unlink()
    (images / "im005.png").unlink()
    (images / "im005.png").mkdir()
    table = pd.read_csv(data / "labels.csv")
    table.loc[[0, 1], "image"] = ["text.jpg", "half.jpg"]
    table = pd.concat([table, table.iloc[6:26], table.iloc[6:26]])  # rows that say nothing new
    table.to_csv(data / "labels.csv", index=False)
    out = tmp_path / "run"
    assert run(["train", str(data), "--out", str(out), *TINY]) == 0
    said = capsys.readouterr().err
    assert "Problem(" not in said
    assert said.count("text.jpg: not an image: a text file") == 1
    assert said.count("20000 x 20000 pixels would take 1.2 GB") == 1
    assert "\nnote: 40 rows set aside: repeats another row\n" in said
    assert re.search(rf"\n24 images, 3 classes: .*; 46 set aside, listed in {out}", said)
    aside = pd.read_csv(out / "set_aside.csv").set_index("id")["reason"]
    alone = aside[~aside.str.startswith("repeats")]
    assert {name: reason.split(":")[0] for name, reason in alone.items()} == {
        "text.jpg": "not an image",
        "half.jpg": "truncated JPEG",
        "im002.png": "empty file (0 bytes)",
        "im003.png": "20000 x 20000 pixels would take 1.2 GB; the limit is 0.6 GB",
        "im004.png": "image file not found",
        "im005.png": "image file not found",
    }
    assert aside["im006.png"].tolist() == ["repeats labels.csv, line 8"] * 2


def test_two_images_per_class_train_and_say_what_is_lacking(tmp_path, capsys):
    write_data(tmp_path / "data", 6)
    command = ["train", str(tmp_path / "data"), "--out", str(tmp_path / "run"), "--resume", *TINY]
    assert run(command) == 0
    captured = capsys.readouterr()
    assert "no finished epoch to go on from" in captured.err, "there was no run to resume"
    assert captured.err.count("warning: there is no validation split") == 1
    assert "(1)" in captured.out  # the last epoch
    assert "best" not in captured.out, "without validation no epoch is the best one"


def test_what_setting_aside_changes_is_told_once(data):
    """Of splits only what is true in the end: the last green test image can't be read."""
    edit(data, {"split": ["train"] * (SIZE - 2) + ["test"] * 2})  # a green one and a blue one
    (data / "images" / f"im{SIZE - 2:03d}.png").write_text("no image")
    prepared = prepare(read_dataset(data), QMixMethod.Config(), 28, Silent())
    told = [p for p in prepared.report.problems if "the test split lacks" in p.what]
    assert [(p.what, p.found) for p in told] == [("the test split lacks 2 classes", "green, red")]


OPTIONS = {
    "too small": (["--image-size", "8"], ["image_size", "16", "found: 8"]),
    "too large": (["--image-size", "100000"], ["image_size", "2048", "found: 100000"]),
    "no such preset": (["--preset", "papper"], ["'papper'"]),
    "no such layout": (["--layout", "kagle_dr"], ["did you mean 'kaggle_dr'?"]),
    "image root": (["--image-root", "nowhere"], ["nowhere is not a folder"]),
    "one class name": (["--classes", "red"], ["two or more different names"]),
    "no value": (["--set", "epochs"], ["KEY=VALUE"]),
    "no weights": (["--weights", "none.pt"], ["no weights file none.pt"]),
    "other weights": (["--weights", "data/labels.csv"], ["can't be read"]),
    "class weights of another method": (["--set", "class_balance=weights"], ["class_balance"]),
}


@pytest.mark.parametrize(("options", "words"), OPTIONS.values(), ids=OPTIONS)
def test_options_that_can_not_be(data, tmp_path, capsys, monkeypatch, options, words):
    monkeypatch.chdir(tmp_path)
    refused(capsys, ["train", "data", "--out", "run", *TINY, *options], *words)
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "x", "--out", "y", "--bathc-size", "8"], "--batch-size"),
        (["train", "x", "--out", "y", "--epochs", "three"], "--epochs"),
        (["train", "x"], "--out"),
        (["traain", "x"], "train"),
        (["corrupt", "x", "--out", "y", "--mis-h", "1.5"], "--mis-h"),
        (["corrupt", "x", "--out", "y", "--kind", "simmetric"], "symmetric"),
    ],
)
def test_the_parser_says_what_it_wanted(capsys, monkeypatch, arguments, words):
    monkeypatch.setenv("COLUMNS", "200")
    assert run(arguments) == 2
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_dicom_without_pydicom(tmp_path, capsys, monkeypatch, trained):
    folder = tmp_path / "dicom"
    for name in ("a", "b"):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.dcm").write_bytes(bytes(128) + b"DICM" + bytes(64))
    monkeypatch.setitem(sys.modules, "pydicom", None)
    install = 'what to do: pip install "mixednoise[dicom]"'
    for command in (["train", folder, *TINY], ["predict", trained / "run", folder]):
        refused(capsys, [*command, "--out", tmp_path / "x"], "a/a.dcm: DICOM", install)
    assert {path.name for path in tmp_path.iterdir()} == {"dicom"}


def test_some_dicom_without_pydicom_among_other_images(
    data, trained, tmp_path, capsys, monkeypatch
):
    """Set aside like any other image that can't be read; noise is not put beside it unseen."""
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(sys.modules, "pydicom", None)
    (data / "images" / "im004.png").write_bytes(bytes(128) + b"DICM" + bytes(64))
    assert run(["train", str(data), "--out", str(tmp_path / "run"), *TINY]) == 0
    said = capsys.readouterr().err
    assert "1 image of 30 can't be read" in said
    assert 'set aside; to use them, pip install "mixednoise[dicom]"' in said
    aside = pd.read_csv(tmp_path / "run" / "set_aside.csv")
    assert aside["id"].tolist() == ["im004.png"]
    assert "pydicom is not installed" in aside["reason"][0]

    out = tmp_path / "p.csv"
    assert run(["predict", str(trained / "run"), str(data / "images"), "--out", str(out)]) == 0
    assert len(pd.read_csv(out)) == SIZE - 1
    assert pd.read_csv(tmp_path / "p.unreadable.csv")["id"].tolist() == ["im004.png"]
    corrupt = ["corrupt", data, "--out", tmp_path / "noisy", "--mis-h", "0", "--mis-l", "1"]
    edit(data, {"split": "train"})
    refused(capsys, corrupt, "im004.png", 'pip install "mixednoise[dicom]"')
    assert not (tmp_path / "noisy").exists()


# ---- run folders ---------------------------------------------------------------------------------


def test_the_folder_is_judged_before_an_image_is_decoded(trained, tmp_path, capsys, monkeypatch):
    def decode(*_, **__):
        raise AssertionError("no image is decoded for a run that can't be")

    monkeypatch.setattr("mixednoise.workflow.prepare.PixelStore.build", decode)
    train = ["train", trained / "data", *TINY]
    file = tmp_path / "thesis.txt"
    file.write_text("years of work")
    before = everything_in(trained / "run")
    refused(capsys, [*train, "--out", trained / "run"], "exists already", "an earlier run")
    refused(capsys, [*train, "--out", file], "exists already", "a file of that name")
    refused(capsys, [*train, "--out", file / "run"], f"{file} is a file")
    refused(capsys, [*train, "--out", tmp_path, "--resume"], "can't be resumed")
    refused(capsys, [*train, "--out", tmp_path, "--overwrite"], "is not a run folder")
    options = ["--resume", "--set", "label_smoothing=0.2"]
    refused(capsys, [*train, "--out", trained / "run", *options], "was 0.0, now 0.2")
    assert everything_in(trained / "run") == before
    assert everything_in(tmp_path) == {"thesis.txt": b"years of work"}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write all")
def test_a_place_that_may_not_be_written_to(trained, tmp_path, capsys):
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    train = ["train", trained / "data", "--out", locked / "run", *TINY]
    refused(capsys, train, "can't be written", "Permission denied")


def test_a_place_in_which_no_file_can_be_made(trained, tmp_path, capsys, monkeypatch):
    def refuse(**_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("mixednoise.io.tempfile.TemporaryFile", refuse)
    words = (f"{tmp_path / 'out'} can't be written", "Permission denied", "choose another --out")
    model, data = trained / "run", trained / "data"
    for command in (["train", data, *TINY], ["predict", model, data], ["corrupt", data],
                    ["evaluate", model, data]):  # fmt: skip
        refused(capsys, [*command, "--out", tmp_path / "out"], *words)
    assert not list(tmp_path.iterdir())


def test_results_never_become_a_class_of_the_data(tmp_path, capsys):
    folder = tmp_path / "data"
    write_data(tmp_path / "table", 12)
    for i, path in enumerate(sorted((tmp_path / "table" / "images").iterdir())):
        (folder / CLASSES[i % 3]).mkdir(parents=True, exist_ok=True)
        shutil.copy(path, folder / CLASSES[i % 3])
    for command in (["train", folder, *TINY], ["corrupt", folder]):
        refused(capsys, [*command, "--out", folder / "new" / "result"], "lies inside the data")
    assert {path.name for path in folder.iterdir()} == set(CLASSES)
    # A table says what is data: its folder has room for more.
    inside = ["corrupt", str(tmp_path / "table"), "--out", str(tmp_path / "table" / "noisy")]
    assert run([*inside, "--quiet"]) == 0


def spoil_version(run_folder):
    config = yaml.safe_load((run_folder / "config.yaml").read_text())
    (run_folder / "config.yaml").write_text(yaml.safe_dump(config | {"format": 7}))


SPOILT = {
    "another version": (spoil_version, ["another version", "format 7"]),
    "no config": (lambda r: (r / "config.yaml").unlink(), ["no run folder"]),
    "damaged config": (lambda r: (r / "config.yaml").write_text(": : ["), ["config.yaml"]),
    "no model": (lambda r: (r / "model.safetensors").unlink(), ["interrupted", "--resume"]),
    "damaged model": (lambda r: (r / "model.safetensors").write_bytes(b"\0" * 99), ["damaged"]),
    "no samples": (lambda r: (r / "samples.csv").unlink(), ["no samples.csv", "--resume"]),
    "damaged metrics": (lambda r: (r / "metrics.json").write_text("{"), ["can't be read"]),
    "empty history": (lambda r: (r / "history.csv").write_text(""), ["can't be read"]),
    "not there": (shutil.rmtree, ["does not exist"]),
}


@pytest.mark.parametrize(("spoil", "words"), SPOILT.values(), ids=SPOILT)
def test_runs_that_can_not_be_used(finished, trained, tmp_path, capsys, spoil, words):
    spoil(finished)
    out = tmp_path / "p.csv"
    refused(capsys, ["predict", finished, trained / "data", "--out", out], *words)
    refused(capsys, ["evaluate", finished, trained / "data"], *words)
    assert not out.exists()


# ---- evaluate, predict, corrupt ------------------------------------------------------------------


def test_evaluate_on_labels_that_the_model_does_not_know(trained, data, capsys):
    edit(data, lambda t: t.replace("blue", "violet").assign(split="test"))
    said = refused(
        capsys, ["evaluate", trained / "run", data], "the model does not know",
        "expected: blue, green, red (the classes of the model)", "'violet' in labels.csv, line 4",
    )  # fmt: skip
    assert "--classes" not in said, "evaluate has no such option"


def test_evaluate_tells_once_what_it_leaves_out(trained, data, capsys):
    edit(data, {"split": "test"})
    (data / "images" / "im000.png").write_text("no image")
    (data / "images" / "im001.png").unlink()
    assert run(["evaluate", str(trained / "run"), str(data), "--json"]) == 0
    captured = capsys.readouterr()
    result = json.loads(captured.out)
    assert result["images"] == SIZE - 2
    assert [row["id"] for row in result["unreadable"]] == ["im000.png"]
    assert [row["id"] for row in result["set_aside"]] == ["im001.png"]
    assert captured.err.count("warning: ") == 2
    assert captured.err.count("im000.png") == captured.err.count("im001.png") == 1


def test_evaluate_asks_for_what_is_there(trained, data, tmp_path, capsys):
    evaluate = ["evaluate", trained / "run", data]
    refused(capsys, [*evaluate, "--split", "tset"], "no split 'tset'", "train, val, test or all")
    edit(data, {"split": "train"})
    refused(capsys, [*evaluate, "--split", "test"], "no image is in split 'test'", "found: train")
    (tmp_path / "metrics.json").write_text("mine")
    refused(capsys, [*evaluate, "--out", tmp_path / "metrics.json"], "exists already")
    for path in (data / "images").iterdir():
        path.write_text("no image")
    refused(capsys, [*evaluate, "--split", "all"], "30 images of 30 can't be read")
    assert (tmp_path / "metrics.json").read_text() == "mine"


def test_predict_what_can_be_read_and_list_the_rest(trained, data, tmp_path, capsys):
    (data / "images" / "broken.png").write_bytes(half_a_jpeg())
    names = tmp_path / "names.txt"
    names.write_text("data/images/im000.png\nnowhere.png\ndata/images/broken.png\n")
    out = tmp_path / "p.csv"
    predict = ["predict", str(trained / "run"), str(names), "--out", str(out)]
    assert run(predict) == 0
    said = capsys.readouterr().err
    assert "1 image in" in said
    assert "2 images can't be read" in said
    assert "nowhere.png: file not found" in said
    assert pd.read_csv(out)["id"].tolist() == ["data/images/im000.png"]
    listed = pd.read_csv(tmp_path / "p.unreadable.csv")
    assert listed["id"].tolist() == ["nowhere.png", "data/images/broken.png"]
    # the same command twice; and a list of the user's is not overwritten either
    before = everything_in(tmp_path)
    refused(capsys, predict, f"{out} exists already", "--overwrite")
    out.unlink()
    refused(capsys, predict, "p.unreadable.csv exists already")
    assert everything_in(tmp_path) == {k: v for k, v in before.items() if k != "p.csv"}
    names.write_text("data/images/im000.png\n")
    assert run([*predict, "--overwrite", "--quiet"]) == 0
    assert not (tmp_path / "p.unreadable.csv").exists(), "the list of the earlier result is gone"


def test_predict_passes_over_what_is_no_image(trained, tmp_path):
    """What macOS leaves beside every file on a foreign disk, and hidden folders."""
    image = next((trained / "data" / "images").iterdir())
    for name in ("b.PNG", "deep/a.png", "._b.PNG", "deep/._a.png", ".trash/c.png", "notes.txt"):
        (tmp_path / "images" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(image, tmp_path / "images" / name)
    out = tmp_path / "p.csv"
    predict = ["predict", str(trained / "run"), str(tmp_path / "images"), "--out", str(out)]
    assert run([*predict, "--quiet"]) == 0
    assert pd.read_csv(out)["id"].tolist() == ["b.PNG", "deep/a.png"]
    assert not (tmp_path / "p.unreadable.csv").exists()


def test_a_file_name_that_is_no_text(trained, tmp_path, capsys):
    """Old archives leave such names; tables can't hold them."""
    odd = os.fsencode(tmp_path) + b"/red/M\xfcller.png"
    images = sorted((trained / "data" / "images").iterdir())
    for name, path in zip(("red/a.png", "green/b.png", "green/c.png"), images, strict=False):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(path, tmp_path / name)
    try:
        shutil.copy(images[3], odd)
    except OSError:
        pytest.skip("this file system knows UTF-8 alone")
    dataset = read_dataset(tmp_path)
    assert dataset.set_aside[["id", "reason"]].to_numpy().tolist() == [
        ["red/M\\xfcller.png", "its name is not UTF-8: rename it"]
    ]
    assert dataset.table["id"].tolist() == ["green/b.png", "green/c.png", "red/a.png"]
    out = tmp_path / "p.csv"
    assert run(["predict", str(trained / "run"), str(tmp_path / "red"), "--out", str(out)]) == 0
    assert pd.read_csv(out)["id"].tolist() == ["M\\xfcller.png", "a.png"]


def test_predict_nothing(trained, tmp_path, capsys):
    folder = tmp_path / "images"
    folder.mkdir()
    out = tmp_path / "p.csv"
    predict = ["predict", trained / "run", folder, "--out", out]
    refused(capsys, predict, "no images in")
    (folder / "a.png").write_text("no image")
    refused(capsys, predict, "none of the images", "a.png: not an image: a text file")
    refused(capsys, [*predict, "--weights", "lst"], "'lst'", "last or best")
    refused(capsys, [*predict, "--device", "gpu"], "no device 'gpu'", "cpu")
    (tmp_path / "list.csv").write_text("picture\na.png\n")
    refused(capsys, ["predict", trained / "run", tmp_path / "list.csv", "--out", out], "picture")
    (tmp_path / "list.txt").write_text("\n")
    refused(capsys, ["predict", trained / "run", tmp_path / "list.txt", "--out", out], "no image")
    assert not list(tmp_path.glob("*p.*csv"))


CORRUPTIONS = {
    "more noise than images": (["--mis-h", "0.8", "--mis-l", "0.4"], ["0.8 + 0.4 = 1.2"]),
    "no such class": (
        ["--kind", "class_map", "--class-map", "red=purple"], ["unknown: purple", "green"],
    ),
    "half a pair": (["--kind", "class_map", "--class-map", "red"], ["FROM=TO"]),
    "no map": (["--kind", "class_map"], ["--class-map FROM=TO"]),
    "a map too many": (["--class-map", "red=blue"], ["--kind class_map"]),
}  # fmt: skip


@pytest.mark.parametrize(("options", "words"), CORRUPTIONS.values(), ids=CORRUPTIONS)
def test_noise_that_can_not_be(data, tmp_path, capsys, options, words):
    before = everything_in(tmp_path)
    refused(capsys, ["corrupt", data, "--out", tmp_path / "noisy", *options], *words)
    assert everything_in(tmp_path) == before


def test_corrupt_says_what_it_did_and_does_it_once(data, tmp_path, capsys):
    (data / "images" / "im001.png").unlink()
    noisy = tmp_path / "noisy"
    assert run(["corrupt", str(data), "--out", str(noisy)]) == 0
    captured = capsys.readouterr()
    told = json.loads((noisy / "corruption.json").read_text())
    (row,) = (line for line in captured.out.splitlines() if "train" in line)
    numbers = [int(cell) for cell in row.replace("│", " ").split()[1:]]
    groups = told["train_groups"]
    assert numbers == [groups["correct"], groups["mis_h"], groups["mis_l"], sum(groups.values())]
    assert captured.err.count("im001.png") == 1
    assert f"next: mixednoise train {noisy / 'labels.csv'}" in captured.err
    before = everything_in(tmp_path)
    refused(capsys, ["corrupt", data, "--out", noisy], "exists already", "3 entries")
    refused(capsys, ["corrupt", data, "--out", data, "--overwrite"], "not a result")
    refused(capsys, ["corrupt", noisy, "--out", tmp_path / "more"], "known noise in it already")
    assert everything_in(tmp_path) == before


def test_corrupt_refuses_a_patient_in_two_splits(data, tmp_path, capsys):
    edit(data, patients_and_splits)
    command = ["corrupt", data, "--out", tmp_path / "noisy", "--group-column", "patient"]
    refused(capsys, command, "10 groups (patients)")
    assert not (tmp_path / "noisy").exists()


def test_an_unreadable_source_is_not_taken_for_a_full_disk(data, tmp_path, capsys, monkeypatch):
    def refuse(source, target):
        raise PermissionError(13, "Permission denied", str(source))

    monkeypatch.setattr("mixednoise.noise.corrupt_images.shutil.copyfile", refuse)
    monkeypatch.setattr(
        "mixednoise.noise.corrupt_images.os.access", lambda path, _: Path(path).suffix != ".png"
    )
    before = everything_in(tmp_path)
    command = ["corrupt", data, "--out", tmp_path / "noisy", "--mis-l", "0"]
    refused(capsys, command, "can't read", "im0", "Permission denied")
    assert everything_in(tmp_path) == before


def test_a_table_with_thousands_of_rows(tmp_path, capsys):
    """The message stays short, whatever the number of rows that are wrong."""
    folder = tmp_path / "data"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.zeros((8, 8, 3), np.uint8))
    rows = "".join(f"im{i}.png,{'abc'[i % 3]}\n" for i in range(5000))
    (folder / "labels.csv").write_text("image,label\na.png,a\n" + rows + rows)
    said = refused(
        capsys, ["train", folder, "--out", tmp_path / "run", *TINY],
        "10,000 of the 10,001 images", "and 9997 more",
    )  # fmt: skip
    assert len(said) < 1000
