"""Runs the public commands, as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path


def call(*words: str | Path) -> None:
    """Run one command in a process of its own, on one thread, its words shown."""
    print("mixednoise", *words, flush=True)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "mixednoise", *map(str, words)]
    subprocess.run(command, check=True, env=environment)
