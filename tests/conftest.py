"""Threads for a shared machine, and a place of its own for everything that tests write."""

from __future__ import annotations

import os
import signal
from pathlib import Path

# Before torch is imported: tests share the machine, and two spinning threads would starve it.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Started in the background by a script, Ctrl-C is ignored, in all that we start as well: the tests
# of it would test nothing.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

import pytest

from tiny_data import FAST


@pytest.fixture(autouse=True)
def private_cache(tmp_path_factory, monkeypatch):
    """No test sees, or leaves anything in, the user's cache."""
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def real_data() -> Path:
    """The folder of the real data sets; a test that needs it is skipped where there is none."""
    name = os.environ.get("MIXEDNOISE_DATA", "")
    if not name or not Path(name).is_dir():
        pytest.skip(f"no real data: MIXEDNOISE_DATA names the folder (now {name!r})")
    return Path(name)


@pytest.fixture
def fast() -> dict[str, object]:
    """Options with which a fit takes a second or two."""
    return dict(FAST)
