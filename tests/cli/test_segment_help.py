"""The help of the segment commands: complete, true, and there at once."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
import typer

from mixednoise.cli import run
from mixednoise.cli.app import app
from mixednoise.segmentation.config import SegmentationConfig

SEGMENT = typer.main.get_command(app).commands["segment"]  # type: ignore[attr-defined]
COMMANDS = SEGMENT.commands


def shown(capsys, monkeypatch, width: int, *arguments: str) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    assert run(["segment", *arguments, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_is_shown_whole_and_explained(capsys, monkeypatch, name, width):
    text = shown(capsys, monkeypatch, width, name)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text, "something did not fit"
    assert f"Example: mixednoise segment {name} " in " ".join(text.split())
    for parameter in COMMANDS[name].params:
        assert parameter.help, f"{parameter.name} is not explained"
        for option in parameter.opts:
            if option.startswith("--"):
                assert re.search(rf"{option}\s", text), option


def test_the_group_names_its_commands(capsys, monkeypatch):
    text = shown(capsys, monkeypatch, 80)
    assert all(re.search(rf"│ {name} ", text) for name in COMMANDS)
    assert "without training" in " ".join(text.lower().split())


@pytest.mark.parametrize("name", ["train", "compare"])
def test_defaults_told_are_those_that_hold(name):
    defaults = SegmentationConfig()
    told = {p.name: p.help or "" for p in COMMANDS[name].params}
    checked = 0
    for option, field in SegmentationConfig.model_fields.items():
        match = re.search(r"Default: ([\w.]+?)\.(?:\s|$)", told.get(option, ""))
        value = getattr(defaults, option)
        if match is None or field.default in ("auto", None) or isinstance(value, bool):
            continue
        assert match[1] == (f"{value:g}" if isinstance(value, float) else str(value)), option
        checked += 1
    assert checked >= 12
    assert "Default: auto." in told["band"]
    assert defaults.band == "auto"


def test_help_imports_nothing_heavy():
    """No clock here (a busy machine would decide): what makes it slow is not imported."""
    code = (
        "import sys; from mixednoise.cli import run; run(['segment', 'train', '--help']);"
        "sys.exit(', '.join({'torch','pandas','numpy','monai','cv2','yaml'} & set(sys.modules))"
        " or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
