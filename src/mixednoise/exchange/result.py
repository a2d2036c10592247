"""The folder of an export: whole or not there, nothing of the user's replaced."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mixednoise.errors import RunError
from mixednoise.io import write_json
from mixednoise.noise.result_folder import check_target, new_result
from mixednoise.segmentation.cases.apart import must_be_apart
from mixednoise.version import __version__

#: Written last: a folder with it is a whole export.
MARK = "export.json"
ENTRIES = "entries"


@contextmanager
def result_folder(
    out: Path,
    names: Sequence[str],
    told: dict[str, Any],
    *,
    overwrite: bool,
    sources: Iterable[str],
) -> Iterator[Path]:
    """Yield an empty folder; on success its entries ``names`` and ``export.json`` are in ``out``.

    With ``overwrite`` an earlier export goes, of whatever format; anything else in ``out`` stays.

    Args:
        out: the folder to be.
        names: the entries that the block makes, all of them.
        told: what ``export.json`` says; read when the block ends.
        overwrite: replace an earlier export.
        sources: files that are read; none of them may be replaced.

    Raises:
        RunError: something else is there; or it can't be made there.
        ConfigError: the export would replace its own source.
        TrainingError: the disk is full or can't be written to; nothing was changed.
    """
    earlier = earlier_entries(out)
    check_target(out, (*names, *sorted(earlier), MARK), overwrite=overwrite, sources=sources)
    with new_result(out, (*names, MARK)) as work:
        yield work
        write_json(work / MARK, {"version": __version__, **told, ENTRIES: list(names)})
    for stale in sorted(earlier - set(names)):
        place = out / stale
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)


def earlier_entries(out: Path) -> set[str]:
    """The entries of an export that is in a folder already; none where there is no whole one."""
    try:
        told = json.loads((out / MARK).read_text(encoding="utf-8"))
        names = {str(name) for name in told[ENTRIES]}
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    # Of a file that somebody has edited nothing outside of the folder may be believed.
    return {name for name in names if Path(name).name == name and (out / name).exists()}


def must_be_apart_from_data(out: Path, data: Path, files: Iterable[Path]) -> None:
    """Refuse a place where results would be read as data.

    Args:
        out: to be written.
        data: what was audited: a file, or a folder that is read as a whole.
        files: the images.

    Raises:
        RunError: ``out`` lies among them.
    """
    folders = sorted({path.parent for path in files})
    if data.is_dir():
        folders.insert(0, data)
    must_be_apart(out, folders)
    if out.resolve() == data.resolve():
        raise RunError(
            f"{out} is the data set itself",
            expected="a new place",
            found=str(data),
            fix="choose another --out",
        )
