"""What a benchmark writes beside the folders that its commands make: by which command each came."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mixednoise.benchmark.cells import PROGRAM, Cell
from mixednoise.io import write_json
from mixednoise.version import __version__

DONE = "benchmark.json"
#: The word after one of these is a path.
_BEFORE_PATHS = ("corrupt", "train", "--out", "--image-root")
Note = Mapping[str, Any]


def is_done(cell: Cell) -> bool:
    """Whether the cell has been run to its end, whatever its command was."""
    return (cell.run / DONE).exists() and (cell.run / "metrics.json").exists()


def is_current(cell: Cell) -> bool:
    """Whether it has been run to its end by the command that the matrix has for it now."""
    return is_done(cell) and _made_by(read_json(cell.run / DONE), cell.command, cell)


def other_folders(cell: Cell) -> dict[Path, tuple[str, str]]:
    """Folders of the cell that came of another command: folder -> that command, and today's."""
    found = {}
    if (note := run_note(cell)) is not None and not _made_by(note, cell.command, cell):
        found[cell.run] = (str(note.get("command")), cell.command)
    made, noisy = data_note(cell), cell.noisy
    if made is not None and noisy is not None and not _made_by(made, cell.corrupt_command, cell):
        found[noisy] = (str(made.get("command")), cell.corrupt_command)
    return found


def run_note(cell: Cell) -> Note | None:
    """How the run that is there was made, or begun; None where there is none, or nobody knows."""
    if is_done(cell):
        return read_json(cell.run / DONE)
    begun = _begun(cell)
    return read_json(begun) if cell.run.exists() and begun.exists() else None


def data_note(cell: Cell) -> Note | None:
    """How the noisy data that is there was made; None where there is none yet."""
    note = None if cell.noisy is None else cell.noisy / DONE
    return read_json(note) if note is not None and note.exists() else None


def mark_data(cell: Cell) -> None:
    """Note that the noisy data of the cell is whole."""
    if cell.noisy is not None:
        write_json(cell.noisy / DONE, _note(cell, cell.corrupt_command))


def mark_begun(cell: Cell) -> None:
    """Note which command the run is begun with."""
    begun = _begun(cell)
    begun.parent.mkdir(parents=True, exist_ok=True)
    write_json(begun, _note(cell, cell.command))


def mark_done(cell: Cell, peak_memory_mb: float) -> None:
    """Note what the run folder itself can't tell."""
    more = {"peak_memory_mb": round(peak_memory_mb, 1), "version": __version__}
    write_json(cell.run / DONE, _note(cell, cell.command) | more)


def read_json(file: Path) -> dict[str, Any]:
    """The values in a file that a command or a benchmark has written."""
    values: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return values


def _begun(cell: Cell) -> Path:
    # Not in the run folder: that is for `train` to make.
    return cell.out / "logs" / f"{cell.file_name}.json"


def _note(cell: Cell, command: str) -> dict[str, Any]:
    """A command, and where it was given: relative paths mean nothing without that."""
    return {"command": command, "where": str(Path.cwd()), "out": str(cell.out.resolve())}


def _made_by(note: Note, command: str, cell: Cell) -> bool:
    """Whether the command would do now what was noted, however paths were written then."""
    noted = str(note.get("command"))
    if noted == command or "where" not in note:
        return noted == command
    then = _with_places(noted, Path(note["where"]), Path(note["out"]))
    return then == _with_places(command, Path.cwd(), cell.out.resolve())


def _with_places(command: str, where: Path, out: Path) -> list[str]:
    """The words of a command, its paths from the root, or from the benchmark's folder."""
    words, before = [], ""
    for word in shlex.split(command):
        told = word
        if before in _BEFORE_PATHS and word != PROGRAM:
            path = (where / word).resolve()
            told = f"OUT/{path.relative_to(out)}" if path.is_relative_to(out) else str(path)
        words.append(told)
        before = word
    return words
