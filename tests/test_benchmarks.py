"""The scripts in benchmarks/ run: their numbers are another matter."""

import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

SCRIPTS = Path(__file__).parents[1] / "benchmarks"


@pytest.mark.parametrize("method", ["qmix", "sscl"])
def test_epoch_overhead(method, monkeypatch, capsys):
    small = ["--images", "24", "--size", "28", "--rounds", "1", "--backbone", "resnet10_tiny"]
    monkeypatch.setattr(sys, "argv", ["epoch_overhead.py", "--method", method, *small])
    runpy.run_path(str(SCRIPTS / "epoch_overhead.py"), run_name="__main__")
    assert "median ratio" in capsys.readouterr().out


@pytest.mark.parametrize("script", sorted(SCRIPTS.glob("*.py")), ids=lambda path: path.name)
def test_every_script_can_be_loaded(script, monkeypatch):
    """Names that a script takes from the package are still there."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    runpy.run_path(str(script), run_name="not_main")


@pytest.fixture
def script(monkeypatch):
    """The names that a script defines."""
    monkeypatch.syspath_prepend(str(SCRIPTS))
    return lambda name: runpy.run_path(str(SCRIPTS / name), run_name="not_main")


def test_limit_of_networks_that_know_everything_and_nothing(script):
    names = script("separation_limit.py")
    true = np.arange(300) % 3
    noise = np.full((3, 3), 0.2) + 0.4 * np.eye(3)
    knows, guesses = np.eye(3)[true], np.full((300, 3), 1 / 3)
    assert names["told_apart"](knows, true, noise, np.random.default_rng(0)) == 1
    assert names["told_apart"](guesses, true, noise, np.random.default_rng(0)) == 0.5


def test_label_noise_of_the_limit_counts_readable_training_images(script):
    columns = ["split", "true_label", "given_label", "noise_group"]
    rows = [("train", "a", "a", "correct")] * 3 + [("train", "a", "b", "mis_h")]
    rows += [("train", "b", "b", "correct"), ("train", "b", "a", "mis_l"), ("val", "b", "a", None)]
    samples = pd.DataFrame(rows, columns=columns)
    noise = script("separation_limit.py")["label_noise"](samples, ["a", "b"])
    assert noise.tolist() == [[0.75, 0.25], [0, 1]]


@pytest.mark.parametrize("name", ["class_recall.py", "separation_limit.py", "separation_rivals.py"])
def test_a_benchmark_whose_rows_came_from_elsewhere_has_no_runs_to_read(name, tmp_path):
    told = ["--data", "odir3", "--class-name", "cataract"] if name == "class_recall.py" else []
    command = [sys.executable, SCRIPTS / name, tmp_path, *told]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "--rows" in done.stderr
    assert "Traceback" not in done.stderr


def test_share_of_a_class_that_is_thrown_away(script, tmp_path):
    columns = ["split", "true_label", "given_label", "noise_group", "group"]
    rows = [
        ("train", "cataract", "cataract", "correct", "mis_l"),
        ("train", "cataract", "normal", "mis_h", "correct"),
        ("train", "cataract", "normal", "mis_l", "mis_l"),  # rightly thrown away
        ("train", "normal", "normal", "correct", "correct"),
        ("val", "cataract", "cataract", None, None),
    ]
    pd.DataFrame(rows, columns=columns).to_csv(tmp_path / "samples.csv")
    thrown_away = script("class_recall.py")["thrown_away"]
    assert thrown_away(tmp_path, "cataract") == (0.5, 0)
    unknown = pd.DataFrame(rows, columns=columns)[["split", "given_label", "group"]]
    unknown.to_csv(tmp_path / "samples.csv")  # no noise put in: labels count as true
    assert thrown_away(tmp_path, "normal") == (pytest.approx(1 / 3), 1)


def test_first_separation_is_that_after_the_warm_up(script, tmp_path):
    after_warm_up = script("separation_rivals.py")["after_warm_up"]
    history = pd.DataFrame({"phase": ["warmup", "main", "main"]})
    history.to_csv(tmp_path / "history.csv")
    assert after_warm_up(tmp_path) is None
    history["correct_auroc"], history["mis_l_auroc"] = [None, 0.7, 0.8], [None, 0.9, 0.95]
    history.to_csv(tmp_path / "history.csv")
    assert after_warm_up(tmp_path) == (0.7, 0.9)


def test_photographs_with_a_human_grade_all_learn(script, tmp_path):
    graded = [(f"{n}_{eye}.jpg", str(n), "0", "0" if n < 4 else None) for n in range(60)
              for eye in "lr"]  # fmt: skip
    graded.append(("x.jpg", "x", None, None))  # no label: not used
    table = pd.DataFrame(graded, columns=["image", "patient", "dr_grade", "eyeq_quality"])
    table.to_csv(tmp_path / "labels.csv", index=False)
    split = script("human_quality.py")["split_by_patient"](tmp_path, tmp_path / "out" / "read.csv")
    assert len(split) == 120
    assert set(split.loc[split["eyeq_quality"].notna(), "split"]) == {"train"}
    assert split.groupby("patient")["split"].nunique().max() == 1
    assert (split["split"] == "val").sum() == 16
    assert "eyeq_quality" not in pd.read_csv(tmp_path / "out" / "read.csv")


def test_how_often_what_is_sure_is_right(script):
    p = np.array([[0.05, 0.95, 0.0], [0.02, 0.98, 0.0], [0.9, 0.05, 0.05], [0.3, 0.2, 0.5]])
    told = script("verdict_calibration.py")["row_of"](p, np.array([1, 0, 0, 2]))
    assert told["sure"] == 0.5
    assert told["said"] == pytest.approx(0.965)
    assert told["right"] == 0.5
    assert told["Brier"] == pytest.approx((0.05**2 + 0.98**2 + 0.1**2 + 0.3**2) / 4)
    assert told["log loss"] == pytest.approx(-np.log([0.95, 0.02, 0.9, 0.5]).mean())
