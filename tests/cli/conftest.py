"""A trained run that tests share; whoever spoils it spoils a copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_data import TINY, write_data
from segment_data import QUICK, SPLIT, given, write_discs

from mixednoise.cli import run


@pytest.fixture(scope="session")
def trained(tmp_path_factory) -> Path:
    """Folder with ``data/``, ``run/`` (one epoch on it) and ``cache/`` (its images, decoded)."""
    folder = tmp_path_factory.mktemp("trained")
    write_data(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEDNOISE_CACHE", str(folder / "cache"))
        command = ["train", str(folder / "data"), "--out", str(folder / "run"), "--quiet"]
        assert run([*command, *TINY]) == 0
    return folder


@pytest.fixture(scope="session")
def segmented(tmp_path_factory) -> Path:
    """Folder with ``data/`` (discs and their masks), ``run/`` (two epochs) and ``cache/``."""
    folder = tmp_path_factory.mktemp("segmented")
    write_discs(folder / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEDNOISE_CACHE", str(folder / "cache"))
        truth = ["--truth", str(folder / "data" / "truth")]
        command = ["segment", "train", *given(folder / "data"), *truth, *QUICK, *SPLIT, "--quiet"]
        assert run([*command, "--out", str(folder / "run")]) == 0
    return folder


@pytest.fixture
def decoded(segmented, monkeypatch) -> Path:
    """The same, whose images need not be decoded again."""
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(segmented / "cache"))
    return segmented
