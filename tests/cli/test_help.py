"""``--help`` says everything that there is, whatever the width of the terminal."""

from __future__ import annotations

import re

import pytest
import typer

from mixednoise.cli import run
from mixednoise.cli.app import app
from mixednoise.methods import QMixMethod

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def shown(capsys, monkeypatch, width: int, *arguments: str) -> str:
    monkeypatch.setenv("COLUMNS", str(width))
    assert run([*arguments, "--help"]) == 0
    return capsys.readouterr().out


@pytest.mark.parametrize("width", [80, 100])
@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_option_is_shown_whole_and_explained(capsys, monkeypatch, name, width):
    text = shown(capsys, monkeypatch, width, name)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text, "something did not fit"
    assert "Example: mixednoise" in " ".join(text.split())
    for parameter in COMMANDS[name].params:
        assert parameter.help, f"{parameter.name} is not explained"
        for option in parameter.opts:
            if option.startswith("--"):
                assert re.search(rf"{option}\s", text), option


def test_defaults_told_are_those_that_hold():
    """Options that a preset may change have no default of their own: the text tells it."""
    defaults = QMixMethod.Config()
    told = {p.name: p.help or "" for p in COMMANDS["train"].params}
    for name in ("epochs", "warmup_epochs", "batch_size", "lr"):
        (number,) = re.findall(r"Default: ([\d.]+\d|\d)\.", told[name])
        assert float(number) == getattr(defaults, name), name
    for name in ("crop", "device"):
        assert f"Default: {getattr(defaults, name)}." in told[name]


def test_a_start_for_who_knows_nothing(capsys, monkeypatch):
    text = shown(capsys, monkeypatch, 80)
    assert "Start with: mixednoise demo" in text
    assert all(name in text for name in COMMANDS)
