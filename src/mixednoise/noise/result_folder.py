"""A result folder that is whole or not there: made beside its place, then moved into it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mixednoise.errors import ConfigError, RunError, TrainingError
from mixednoise.io import must_be_new, must_be_writable


def check_target(
    out: Path, names: Sequence[str], *, overwrite: bool, sources: Iterable[str]
) -> None:
    """Refuse a folder in which something of the user's would be lost.

    Args:
        out: the folder to be.
        names: what will be written into it; the last one marks a whole result.
        overwrite: an earlier result may be replaced. Other things in the folder stay.
        sources: files that are read; none of them may be replaced.

    Raises:
        RunError: a file of that name, a folder with something in it and no ``overwrite``, or with
            entries of the same names that are no earlier result; or it can't be made there.
        ConfigError: the result would replace its own source.
    """
    must_be_new(out, overwrite=overwrite)
    must_be_writable(out)  # the folder is made beside its place
    there = sorted(entry.name for entry in out.iterdir()) if out.is_dir() else []
    clash = sorted(set(there) & set(names))
    if clash and names[-1] not in there:
        raise RunError(
            f"{out} holds something that is not a result of this command",
            expected=f"an earlier result with its {names[-1]}, which --overwrite replaces",
            found=", ".join(clash) + f" without {names[-1]}",
            fix="choose another --out, or move these away",
        )
    doomed = [out.resolve() / name for name in clash]
    inside = next((s for s in sources if s and _is_below(Path(s), doomed)), None)
    if inside is not None:
        raise ConfigError(
            f"{out} holds the data itself",
            expected="a folder apart from the source, which is never changed",
            found=inside,
            fix="choose another --out",
        )


def _is_below(path: Path, doomed: Sequence[Path]) -> bool:
    path = path.resolve()
    return any(path == place or place in path.parents for place in doomed)


@contextmanager
def new_result(out: Path, names: Sequence[str]) -> Iterator[Path]:
    """Yield an empty folder beside ``out``; on success its entries ``names`` are moved to ``out``.

    On any failure or interruption ``out`` is as it was before, and nothing is left beside it.

    Raises:
        TrainingError: the disk is full or can't be written to.
    """
    work: Path | None = None
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
        umask = os.umask(0)
        os.umask(umask)
        work.chmod(0o777 & ~umask)  # mkdtemp's folder is private; a result is not
        yield work
        if out.exists():
            _move_into(work, out, names)
        else:
            work.rename(out)
    except OSError as error:
        raise TrainingError(
            f"can't write {out}",
            expected="a writable folder with free space",
            found=error.strerror or str(error),
            fix="free some space or choose another --out; nothing was changed",
        ) from error
    finally:
        if work is not None:
            shutil.rmtree(work, ignore_errors=True)


def _move_into(work: Path, out: Path, names: Sequence[str]) -> None:
    """Swap the entries one by one; put everything back if one of them can't be moved."""
    earlier = work / ".earlier"
    earlier.mkdir()
    done: list[tuple[Path, Path]] = []

    def move(source: Path, target: Path) -> None:
        source.rename(target)
        done.append((source, target))

    try:
        # The mark of a whole result goes first and comes last.
        for name in reversed(names):
            if (out / name).exists() or (out / name).is_symlink():
                move(out / name, earlier / name)
        for name in names:
            move(work / name, out / name)
    except BaseException:
        for source, target in reversed(done):
            target.rename(source)
        raise
