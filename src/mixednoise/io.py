"""Files that are whole or not there: written to a temporary name, then renamed."""

from __future__ import annotations

import errno
import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.errors import RunError, TrainingError


@contextmanager
def atomic_write(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path; on success it becomes ``path``, on any failure ``path`` is untouched.

    Raises:
        TrainingError: the disk is full or the folder can't be written; nothing that was there
            before is lost.
    """
    target = Path(path)
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(
            dir=target.parent, prefix=f".{target.stem}.", suffix=target.suffix
        )
        os.close(handle)
        temporary = Path(name)
        yield temporary
        # mkstemp makes private files, and so do some writers that replace it; a result is as
        # readable as any file of the user's.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        temporary.replace(target)
    except OSError as error:
        raise _cant_write(target, error) from error
    except RuntimeError as error:
        # torch.save tells of a full disk as an error of its own, in its own words.
        refusal = None if temporary is None else _refusal(temporary)
        if refusal is None:
            raise
        raise _cant_write(target, refusal) from error
    finally:
        if temporary is not None:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def _refusal(file: Path) -> OSError | None:
    """Why a file can't grow any more, or None when it can."""
    try:
        with file.open("ab") as handle:
            handle.write(bytes(1 << 20))
            handle.flush()
            os.fsync(handle.fileno())
    except OSError as error:
        return error
    return None


def _cant_write(target: Path, error: OSError) -> TrainingError:
    return TrainingError(
        f"can't write {target}",
        expected="a writable folder with free space",
        found=error.strerror or str(error),
        fix="free some space or choose another --out; files written before are untouched",
    )


def write_text(path: Path | str, text: str) -> None:
    """Write UTF-8 text atomically."""
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: Any) -> None:
    """Write JSON atomically; NaN becomes null, since JSON has none."""
    write_text(path, json.dumps(plain(value), indent=2, allow_nan=False) + "\n")


def write_csv(path: Path | str, table: pd.DataFrame) -> None:
    """Write a table as CSV atomically, without the index."""
    with atomic_write(path) as temporary:
        table.to_csv(temporary, index=False)


def must_not_be_a_file(path: Path | str) -> None:
    """Refuse a folder for results where a file is.

    Raises:
        RunError: a file of that name.
    """
    folder = Path(path)
    if folder.exists() and not folder.is_dir():
        raise RunError(
            f"{folder} is a file",
            expected="a folder to write into",
            found="a file of that name",
            fix="choose another --out",
        )


def must_be_new(path: Path | str, *, overwrite: bool = False) -> None:
    """Refuse a folder for results that holds something already.

    Raises:
        RunError: a file of that name; or the folder is not empty, and ``overwrite`` is not set.
    """
    folder = Path(path)
    must_not_be_a_file(folder)
    entries = sum(1 for _ in folder.iterdir()) if folder.is_dir() else 0
    if entries and not overwrite:
        raise RunError(
            f"{folder} exists already",
            expected="a new or empty folder",
            found=f"{entries:,} {'entry' if entries == 1 else 'entries'} in it",
            fix="choose another --out, or pass --overwrite to replace the results in it",
        )


def new_folder(path: Path | str, *, overwrite: bool = False) -> Path:
    """Make a folder for results; refuse one that holds something already.

    Raises:
        RunError: as :func:`must_be_new`, or it can't be made.
    """
    folder = Path(path)
    must_be_new(folder, overwrite=overwrite)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"can't make the folder {folder}",
            expected="a place that can be written to",
            found=error.strerror or str(error),
            fix="choose another --out",
        ) from error
    return folder


def plain(value: Any) -> Any:
    """Turn numpy scalars, paths and NaN into what JSON knows."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    if isinstance(value, Path):
        return str(value)
    return value


def as_text(name: str) -> str:
    r"""A file name as text that every file can hold: bytes that are no UTF-8 become ``\xff``."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def must_not_exist(path: Path | str, *, overwrite: bool) -> None:
    """Refuse to replace a result file.

    Raises:
        RunError: the file exists and ``overwrite`` is not set.
    """
    target = Path(path)
    if target.is_dir():
        raise RunError(
            f"{target} is a folder",
            expected="a file to write",
            found="a folder of that name",
            fix="choose another --out",
        )
    if target.exists() and not overwrite:
        raise RunError(
            f"{target} exists already",
            expected="a new file",
            found=f"{target.stat().st_size:,} bytes",
            fix="choose another --out, or pass --overwrite",
        )
    must_be_writable(target)


def must_be_writable(path: Path | str) -> None:
    """Refuse, before the work, a place in which its result could not be written.

    Args:
        path: the file or folder to be; what is lacking of the folders above it can be made later.

    Raises:
        RunError: a file is in the way, or the nearest folder that exists takes no new files.
    """
    target = Path(path).absolute()
    above = next(parent for parent in target.parents if os.path.lexists(parent))
    if not above.is_dir():
        raise RunError(
            f"{target} can't be made",
            expected="a place below a folder",
            found=f"{above} is a file",
            fix="choose another --out",
        )
    try:
        # Only trying tells: permissions, read-only disks, network shares and quotas all differ.
        with tempfile.TemporaryFile(dir=above):
            pass
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _cant_write(target, error) from error
        raise RunError(
            f"{target} can't be written",
            expected="a folder that takes new files",
            found=f"{above}: {error.strerror or error}",
            fix="choose another --out",
        ) from error
