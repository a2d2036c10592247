"""Results never land among images and masks."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mixednoise.errors import RunError
from mixednoise.segmentation.cases.case import CaseSet


def must_be_apart(out: Path, folders: Iterable[Path]) -> None:
    """Refuse to write among the user's files: there, results would be read as data.

    Raises:
        RunError: ``out`` is one of the folders or lies in one.
    """
    place = out.resolve()
    for folder in folders:
        home = folder.resolve()
        if place == home or home in place.parents:
            raise RunError(
                f"{out} lies inside the data",
                expected=f"a place outside of {folder}: what is written there would be read as "
                "data the next time",
                found=str(place),
                fix="choose another --out",
            )


def folders_of(cases: CaseSet) -> tuple[Path, ...]:
    """The folders in which the files of these cases lie."""
    files = [path for case in cases.cases for path in case.images]
    for case in cases.cases:
        files += [path for mask in (case.mask, case.truth) if mask for path in mask.paths]
    return tuple(sorted({path.parent for path in files}))
