"""A trained run that tests share; whoever spoils it spoils a copy."""

from __future__ import annotations

from pathlib import Path

import pytest
from bad_data import TINY, write_data

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
