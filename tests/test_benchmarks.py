"""The scripts in benchmarks/ run: their numbers are another matter."""

import runpy
import sys
from pathlib import Path

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
