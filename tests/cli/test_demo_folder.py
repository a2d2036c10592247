"""Where the demonstration writes, and what it never touches. (That it works: ``make demo``.)"""

from __future__ import annotations

import pytest
from bad_data import everything_in, refused

from mixednoise.cli import run

DEMO = ["demo", "--quiet", "--out"]


@pytest.fixture(autouse=True)
def no_training(monkeypatch):
    """The demonstration gets no further than to its data."""

    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("mixednoise.jobs.demo.corrupt_dataset", stop)


def earlier(folder):
    for name in ("data/corruption.json", "qmix/config.yaml", "metrics.json", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("earlier")


def test_an_earlier_demonstration_is_replaced_when_asked(tmp_path, capsys):
    earlier(tmp_path)
    before = everything_in(tmp_path)
    refused(capsys, [*DEMO, tmp_path], "exists already", "--overwrite")
    assert everything_in(tmp_path) == before
    assert run([*DEMO, str(tmp_path), "--overwrite"]) == 130
    assert "is not complete; the same command with --overwrite" in capsys.readouterr().err
    assert everything_in(tmp_path) == {"notes.txt": b"earlier"}


@pytest.mark.parametrize("name", ["data/labels.csv", "metrics.json", "qmix/thesis.txt"])
def test_the_users_own_things_are_never_taken_for_it(tmp_path, capsys, name):
    if name != "metrics.json":
        earlier(tmp_path)
        for mark in ("data/corruption.json", "qmix/config.yaml"):
            if mark.startswith(name.split("/")[0]):
                (tmp_path / mark).unlink()
    (tmp_path / name).write_text("years of work")
    before = everything_in(tmp_path)
    refused(capsys, [*DEMO, tmp_path, "--overwrite"], "no demonstration", name.split("/")[0])
    assert everything_in(tmp_path) == before


def test_nothing_is_made_for_what_can_not_start(tmp_path, capsys):
    noise = ["--mis-h", "0.8", "--mis-l", "0.5"]
    refused(capsys, [*DEMO, tmp_path / "demo", *noise], "more noise than images")
    (tmp_path / "file").write_text("mine")
    refused(capsys, [*DEMO, tmp_path / "file" / "demo"], "is a file")
    assert everything_in(tmp_path) == {"file": b"mine"}
