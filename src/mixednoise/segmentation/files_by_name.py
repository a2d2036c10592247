"""The files of a folder by the name of the image that they belong to."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from mixednoise.data.report import counted
from mixednoise.errors import DataError
from mixednoise.segmentation.cases.formats import split_ending


def files_by_name(
    folder: Path,
    suffixes: tuple[str, ...],
    what: str,
    *,
    below: bool = False,
    hint: str = "",
    without: Collection[Path] = (),
) -> dict[str, Path]:
    """Files by stem.

    Args:
        folder: where they are.
        suffixes: in lower case.
        what: for messages: masks, probabilities.
        below: those in folders inside as well.
        hint: for messages: where such files come from.
        without: folders below that are passed over.

    Raises:
        DataError: no folder, no such file, or two of one stem.
    """
    if not folder.is_dir():
        raise DataError(
            f"no folder of {what}",
            expected=f"a folder with files {' or '.join(suffixes)}",
            found=f"{folder} is {'a file' if folder.exists() else 'not there'}",
            fix="check the path",
        )
    entries = sorted(folder.rglob("*") if below else folder.iterdir())
    found: dict[str, Path] = {}
    for path in entries:
        if any(path.is_relative_to(other) for other in without):
            continue
        stem, ending = split_ending(path.name)
        if not ending:
            stem, ending = path.stem, path.suffix.lower()
        if ending in suffixes and not path.name.startswith(".") and path.is_file():
            if stem in found:
                raise DataError(
                    f"two files of {what} have the same name",
                    expected="one file per image",
                    found=f"{found[stem]}, {path}",
                    fix="name a folder that holds one of them" if below else "remove one of them",
                )
            found[stem] = path
    if not found:
        raise DataError(
            f"no {what} in {folder}",
            expected=f"files NAME{' or NAME'.join(suffixes)}{hint}",
            found=f"{counted(len(entries), 'entry', 'entries')} of other kinds",
            fix="check the path",
        )
    return found
