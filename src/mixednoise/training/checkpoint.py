"""Checkpoints: whole or not there, loaded without running anybody's code."""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mixednoise.errors import RunError
from mixednoise.io import atomic_write

#: Raised when a checkpoint of this version can't be read by older code, or the other way round.
FORMAT = 3
LAST = "last.ckpt"


def fingerprint(*parts: Any) -> str:
    """Short hash of plain values and arrays: tells whether two runs saw the same data."""
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        if isinstance(part, np.ndarray):
            digest.update(np.ascontiguousarray(part).tobytes())
        else:
            digest.update(json.dumps(part, sort_keys=True, default=str).encode())
    return digest.hexdigest()


def save_checkpoint(folder: Path, state: dict[str, Any]) -> None:
    """Write ``folder/last.ckpt`` under a temporary name and rename it."""
    with atomic_write(folder / LAST) as temporary:
        torch.save({"format": FORMAT, **_with_tensors(state)}, temporary)


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """Read ``folder/last.ckpt``; None when there is none yet.

    Raises:
        RunError: damaged, or written by an incompatible version.
    """
    path = folder / LAST
    if not path.exists():
        return None
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise RunError(
            f"the checkpoint {path} can't be read",
            expected="a checkpoint written by mixednoise",
            found=_fault(path),
            fix="delete the checkpoints folder to start this run again, or use another --out",
        ) from error
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        found = state.get("format") if isinstance(state, dict) else type(state).__name__
        raise RunError(
            f"the checkpoint {path} is of another version",
            expected=f"checkpoint format {FORMAT}",
            found=str(found),
            fix="resume with the version that wrote it (see config.yaml), or use another --out",
        )
    plain: dict[str, Any] = _with_arrays(state)
    return plain


def _fault(path: Path) -> str:
    """Why torch could not load a file, in plain words; its own are for programmers."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            begins_well = file.read(4) == b"PK\x03\x04"
        whole = zipfile.is_zipfile(path)
    except OSError as error:
        return error.strerror or str(error)
    if not size:
        return "an empty file"
    if not begins_well:
        return f"a file of another kind ({size:,} bytes)"
    if not whole:
        return f"a file that was cut short ({size:,} bytes are there)"
    return "a file that is damaged inside, or that another program wrote"


def _with_tensors(value: Any) -> Any:
    """Arrays become tensors, so that the file can be loaded with ``weights_only``."""
    if isinstance(value, dict):
        return {k: _with_tensors(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_with_tensors(v) for v in value]
    if isinstance(value, np.ndarray):
        return {"__array__": torch.from_numpy(np.ascontiguousarray(value))}
    if isinstance(value, np.generic):
        return value.item()
    return value


def _with_arrays(value: Any) -> Any:
    if isinstance(value, dict):
        if set(value) == {"__array__"}:
            return value["__array__"].numpy()
        return {k: _with_arrays(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_with_arrays(v) for v in value]
    return value
