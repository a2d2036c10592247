"""What all model files have in common: tensors, a header of strings, and what is said of a bad one.

Safetensors, whose header holds strings only: what is more goes in as JSON. Reading runs no code.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from mixednoise.errors import ConfigError, RunError
from mixednoise.io import atomic_write


def metadata_text(metadata: Mapping[str, Any] | None) -> str:
    """The caller's metadata as JSON.

    Raises:
        ConfigError: JSON can't hold it.
    """
    try:
        return json.dumps(dict(metadata or {}), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            "the metadata of a model must be JSON",
            expected="dict, list, str, int, finite float, bool or None",
            found=str(error),
            fix="turn other values into these first, for example str(path) or array.tolist()",
        ) from error


def write_tensors(
    path: Path | str, tensors: Mapping[str, Tensor], header: Mapping[str, str]
) -> None:
    """Write tensors, from any device, and a header; the file is whole or not there.

    Raises:
        TrainingError: the folder can't be written or the disk is full; a file that was there stays.
    """
    # A clone each: safetensors takes neither channels-last nor shared memory.
    copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
    with atomic_write(path) as temporary:
        try:
            save_file(copies, temporary, metadata=dict(header))
        except SafetensorError as error:
            # A full disk arrives as this class; atomic_write turns OSError into our message.
            raise OSError(str(error)) from error


def must_be_a_file(path: Path, expected: str) -> None:
    """Refuse a path where no file is.

    Raises:
        RunError: nothing is there, or a folder.
    """
    if not path.is_file():
        raise RunError(
            f"there is no model file {path}",
            expected=expected,
            found="a folder" if path.is_dir() else "nothing of that name",
            fix="check the path; a run that was stopped early has no model yet",
        )


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """A safetensors file (``safe_open``), for reading.

    Raises:
        RunError: it is damaged, seen now or while it is read.
    """
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError) as error:
        raise damaged(path, str(error)) from error


def damaged(path: Path, found: str) -> RunError:
    """The error for a file that can't be what it should be."""
    return RunError(
        f"the model file {path} is damaged or no model",
        expected="a whole .safetensors file written by mixednoise",
        found=found,
        fix="copy it again from where it came from, or train again",
    )
