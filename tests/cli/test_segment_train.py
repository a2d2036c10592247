"""``mixednoise segment train``: what it leaves, stage by stage, stopped and gone on with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
import yaml
from safetensors.torch import load_file
from segment_data import CASES, QUICK, SPLIT, given, read

from mixednoise.cli import run
from mixednoise.jobs.segment_cases import CaseSource
from mixednoise.progress import Silent


def train(folder: Path, out: Path, *more: str) -> int:
    truth = ["--truth", str(folder / "data" / "truth")]
    command = ["segment", "train", *given(folder / "data"), *truth, "--out", str(out)]
    return run([*command, *QUICK, *SPLIT, *more])


def test_what_a_run_leaves(segmented):
    out = segmented / "run"
    for name in ("student.safetensors", "report.html", "metrics.json", "config.yaml", "cases.csv"):
        assert (out / name).stat().st_size > 0, name
    folds = pd.read_csv(out / "folds.csv")
    splits = pd.read_csv(out / "cases.csv")
    assert set(folds["name"]) == set(splits["name"][splits["split"] == "train"])
    assert splits.groupby("group")["split"].nunique().max() == 1, "patients stay together"
    assert folds.groupby("group")["fold"].nunique().max() == 1
    assert {p.stem for p in (out / "error_maps").glob("*.png")} == set(folds["name"])


def test_the_answer_tables_and_the_next_command(decoded, tmp_path, capsys):
    """A finished run, asked again: nothing is trained, everything is told."""
    before = (decoded / "run" / "student.safetensors").read_bytes()
    assert train(decoded, decoded / "run", "--resume", "--json") == 0
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert answer["metrics"] == json.loads((decoded / "run" / "metrics.json").read_text())
    errors = json.loads((decoded / "run" / "error_maps" / "summary.json").read_text())
    assert answer["errors"] == errors
    assert f"mixednoise segment predict {decoded / 'run'} IMAGES" in told.err
    assert train(decoded, decoded / "run", "--resume", "--quiet") == 0
    told = capsys.readouterr()
    assert told.err == ""
    share = errors["flagged_share"]
    for words in (f"suspected: {share:.2%}", "argmax", "precision", "HD95", "foreground"):
        assert words in told.out
    assert (decoded / "run" / "student.safetensors").read_bytes() == before


def test_one_stage_after_the_other(decoded, tmp_path, capsys):
    out = tmp_path / "run"
    assert train(decoded, out, "--until", "teachers", "--json") == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["errors"] is None
    assert "--resume --until errors" in told.err
    assert not (out / "error_maps").exists()
    assert train(decoded, out, "--until", "errors", "--resume") == 0
    told = capsys.readouterr()
    assert "suspected" in told.out
    assert "the same command with --resume" in told.err
    assert (out / "report.html").exists()
    assert not (out / "student.safetensors").exists()
    assert train(decoded, out, "--resume") == 0
    whole, parts = (load_file(r / "student.safetensors") for r in (decoded / "run", out))
    assert all(torch.equal(whole[key], parts[key]) for key in whole)


def press_ctrl_c(*_, **__):
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
    raise AssertionError("Ctrl-C was not noticed")


def test_ctrl_c_says_how_to_go_on(decoded, tmp_path, capsys, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("mixednoise.segmentation.prepare.CaseStore.build", press_ctrl_c)
        assert train(decoded, tmp_path / "run") == 130
        assert "interrupted: training had not begun" in capsys.readouterr().err
        assert not (tmp_path / "run").exists()
    monkeypatch.setattr("mixednoise.segmentation.loop.SegmentationLoop.train_epoch", press_ctrl_c)
    assert train(decoded, tmp_path / "run") == 130
    said = capsys.readouterr().err
    assert f"{tmp_path / 'run'} keeps every finished epoch" in said
    assert "--resume" in said


def test_options_reach_the_run_and_set_names_any_other(decoded, tmp_path):
    out = tmp_path / "run"
    more = ["--set", "patches.rotation=5", "--set", "normalise=range", "--band", "2", "--calibrate",
            "temperature", "--corrections", "proven", "--epochs", "1", "--until", "errors",
            "--quiet", "--seed", "4"]  # fmt: skip
    assert train(decoded, out, *more) == 0
    options = yaml.safe_load((out / "config.yaml").read_text())["options"]
    assert options["patches"]["rotation"] == 5
    assert options["normalise"] == "range"
    assert (options["band"], options["calibrate"], options["seed"]) == (2, "temperature", 4)
    assert options["corrections"] == "proven"
    summary = json.loads((out / "error_maps" / "summary.json").read_text())
    assert {part["name"] for part in summary["strata"]} == {"interior", "band"}


def test_a_baseline_judges_nothing(decoded, tmp_path, capsys):
    out = tmp_path / "run"
    assert train(decoded, out, "--method", "cross_entropy", "--json", "--quiet") == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["errors"] is None
    assert answer["metrics"]["identification"] is None
    assert not (out / "error_maps").exists()


def class_folders(data: Path, root: Path) -> list[Path]:
    """The discs' left and right halves as a folder of masks per class."""
    for name, columns in (("left", slice(0, 16)), ("right", slice(16, 32))):
        (root / name).mkdir(parents=True)
        for path in sorted((data / "masks").iterdir()):
            half = np.zeros_like(read(path))
            half[:, columns] = read(path)[:, columns]
            cv2.imwrite(str(root / name / path.name), half)
    return [root / "left", root / "right"]


def test_masks_as_one_folder_or_several(segmented, tmp_path):
    data = segmented / "data"
    halves = class_folders(data, tmp_path / "masks")
    images = (data / "images",)
    together = CaseSource(images, (tmp_path / "masks",)).read(Silent())
    each = CaseSource(images, tuple(reversed(halves))).read(Silent())
    assert together.class_names == ("background", "left", "right")
    assert each.class_names == ("background", "right", "left"), "in the order given"
    assert together.names == each.names
    assert len(together) == CASES


def test_a_folder_per_split(segmented, tmp_path):
    data = segmented / "data"
    for number, path in enumerate(sorted((data / "images").iterdir())):
        split = tmp_path / ("validation" if number < 4 else "training")
        for kind, name in (("images", "images"), ("masks", "lung")):
            (split / name).mkdir(parents=True, exist_ok=True)
            (split / name / path.name).write_bytes((data / kind / path.name).read_bytes())
    cases = CaseSource(masks=(Path("lung"),), split_folders=tmp_path).read(Silent())
    assert [case.split for case in cases.cases] == ["val"] * 4 + ["train"] * (CASES - 4)


def test_files_that_were_touched_or_are_named_otherwise_do_not_stop_it(
    decoded, tmp_path, monkeypatch
):
    """A hard link (nnU-Net's export makes some) changes the times of a file, not its content."""
    out = tmp_path / "run"
    shutil.copytree(decoded / "run", out)
    os.link(decoded / "data" / "images" / "c00.png", tmp_path / "link.png")
    monkeypatch.chdir(decoded)
    options = ["--truth", "data/truth", "--out", str(out), *QUICK, *SPLIT, "--resume", "--quiet"]
    before = (out / "student.safetensors").stat().st_mtime_ns
    assert run(["segment", "train", *given(Path("data")), *options]) == 0
    assert (out / "student.safetensors").stat().st_mtime_ns == before


@pytest.mark.parametrize("more", [["--until", "errors"], ["--until", "teachers"]])
def test_a_baseline_has_no_such_stage(decoded, tmp_path, capsys, more):
    assert train(decoded, tmp_path / "run", "--method", "cross_entropy", *more) == 2
    assert "leave --until away" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()
