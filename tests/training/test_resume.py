"""A run that is killed and resumed ends with the same weights as one that was never killed."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file

import mixednoise
from mixednoise.progress import Silent
from tiny_data import FAST, coloured_dataset

CHILD = Path(__file__).parent / "kill_child.py"


def model(method="QMix"):
    return getattr(mixednoise, method)(**FAST, epochs=4, warmup_epochs=2, seed=7)


@pytest.fixture(scope="module")
def unbroken_runs(tmp_path_factory):
    """Gives the unbroken run of a method, made when it is first asked for."""
    folder, runs = tmp_path_factory.mktemp("unbroken"), {}

    def run(method):
        if method not in runs:
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("MIXEDNOISE_CACHE", str(folder / "cache"))
                model(method).fit(coloured_dataset(), out=folder / method, progress=Silent())
            runs[method] = folder / method
        return runs[method]

    return run


@pytest.fixture
def unbroken(unbroken_runs):
    return unbroken_runs("QMix")


def killed(out, epoch, how="SIGKILL", method="QMix"):
    return subprocess.run(
        [sys.executable, str(CHILD), str(out), str(epoch), how, method],
        env=os.environ | {"PYTHONWARNINGS": "ignore"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize(
    ("method", "epoch"),
    [("QMix", 0), ("QMix", 3), ("SSCL", 3)],
    ids=["before any checkpoint", "in the main phase", "SSCL, in the main phase"],
)
def test_killed_and_resumed_equals_unbroken(unbroken_runs, tmp_path, method, epoch):
    unbroken, out = unbroken_runs(method), tmp_path / "run"
    assert killed(out, epoch, method=method).returncode == -signal.SIGKILL
    assert not (out / "model.safetensors").exists()
    model(method).fit(coloured_dataset(), out=out, resume=True, progress=Silent())

    expected, got = load_file(unbroken / "model.safetensors"), load_file(out / "model.safetensors")
    assert expected.keys() == got.keys()
    assert all(torch.equal(expected[k], got[k]) for k in expected)
    best = [load_file(run / "model_best.safetensors") for run in (unbroken, out)]
    assert all(torch.equal(best[0][k], best[1][k]) for k in best[0])
    pd.testing.assert_frame_equal(
        pd.read_csv(unbroken / "samples.csv"), pd.read_csv(out / "samples.csv")
    )
    history = [pd.read_csv(run / "history.csv").drop(columns="seconds") for run in (unbroken, out)]
    pd.testing.assert_frame_equal(*history)


def test_resuming_a_finished_run_changes_nothing(unbroken):
    before = (unbroken / "samples.csv").read_bytes()
    model().fit(coloured_dataset(), out=unbroken, resume=True, progress=Silent())
    assert (unbroken / "samples.csv").read_bytes() == before


def test_ctrl_c_leaves_a_resumable_run(tmp_path):
    out = tmp_path / "run"
    done = killed(out, 1, "SIGINT")
    assert "KeyboardInterrupt" in done.stderr
    assert (out / "checkpoints" / "last.ckpt").exists()
    assert not list(out.rglob(".*")), "no half-written file is left behind"
    with pytest.raises(mixednoise.RunError, match="--resume"):
        mixednoise.load(out)


def test_resume_without_a_run_starts_one(tmp_path):
    quick = mixednoise.CrossEntropySingle(**FAST, epochs=1)
    quick.fit(coloured_dataset(60), out=tmp_path / "new", resume=True, progress=Silent())
    assert (tmp_path / "new" / "model.safetensors").exists()
