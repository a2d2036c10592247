"""What is known of each mask when it is exported, and the checks that it must pass."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from mixednoise.data.report import counted, examples
from mixednoise.errors import DataError
from mixednoise.noise.result_folder import check_target
from mixednoise.segmentation.cases.case import Case, CaseSet
from mixednoise.segmentation.cases.picture import size_text
from mixednoise.segmentation.labels import IGNORE, ErrorMap, Mask, Probabilities

#: The table of every export, one row per case; written last of all but ``dataset.json``.
TABLE = "corrections.csv"


class Correction(NamedTuple):
    """One mask and what was found wrong with it; a plain tuple in this order will do.

    Attributes:
        name: of the case.
        mask: uint8 (*S), class index or IGNORE: as it was given, at its native size.
        flagged: bool (*S), the suspected pixels.
        proposed: uint8 (*S), the class proposed for each of them.
        probabilities: (K, *S), or None.
    """

    name: str
    mask: Mask
    flagged: ErrorMap
    proposed: Mask
    probabilities: Probabilities | None = None

    @classmethod
    def untouched(cls, name: str, mask: Mask) -> Correction:
        """Of a mask in which nothing is suspected: nobody has judged it, or it is kept."""
        return cls(name, mask, np.zeros(mask.shape, bool), mask)

    @property
    def suspected(self) -> ErrorMap:
        """bool (*S): flagged, and not to be ignored anyway."""
        return np.asarray(self.flagged & (self.mask != IGNORE))

    @property
    def corrected(self) -> Mask:
        """uint8 (*S): the mask with the proposal at the suspected pixels."""
        return np.asarray(np.where(self.suspected, self.proposed, self.mask), np.uint8)


#: What every export takes, read once and one at a time.
Corrections = Iterable[
    Correction | tuple[str, Mask, ErrorMap, Mask] | tuple[str, Mask, ErrorMap, Mask, Any]
]


@dataclass(frozen=True)
class ExportSummary:
    """What was written.

    Attributes:
        folder: the result.
        cases: number of masks.
        pixels: labelled pixels in them.
        flagged: of these, suspected ones.
        changed: of these, ones whose proposal differs from their label.
    """

    folder: Path
    cases: int
    pixels: int
    flagged: int
    changed: int


class Tally:
    """The rows of ``corrections.csv``."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def add(self, correction: Correction) -> None:
        """Count one mask."""
        suspected = correction.suspected
        differs = suspected & (correction.proposed != correction.mask)
        self.rows.append(
            {
                "name": correction.name,
                "pixels": int(np.count_nonzero(correction.mask != IGNORE)),
                "flagged": int(np.count_nonzero(suspected)),
                "changed": int(np.count_nonzero(differs)),
            }
        )

    def write(self, folder: Path) -> None:
        """Write the table."""
        import pandas as pd

        from mixednoise.io import write_csv

        columns = ["name", "pixels", "flagged", "changed"]
        write_csv(folder / TABLE, pd.DataFrame(self.rows, columns=columns))

    def summary(self, folder: Path) -> ExportSummary:
        """The sums."""
        totals = [sum(row[name] for row in self.rows) for name in ("pixels", "flagged", "changed")]
        return ExportSummary(folder, len(self.rows), *totals)


def checked(case_set: CaseSet, corrections: Corrections) -> Iterator[tuple[Case, Correction]]:
    """Yield each correction with its case, once it is known to fit.

    Raises:
        DataError: a name that is no case or comes twice, arrays of different sizes or of the wrong
            type, a proposal that is no class; after the last: nothing came at all.
    """
    cases = {case.name: case for case in case_set.cases}
    seen: set[str] = set()
    for given in corrections:
        correction = Correction(*given)
        case = cases.get(correction.name)
        if case is None or correction.name in seen:
            raise DataError(
                f"an error map for {correction.name!r}, which is no case"
                if case is None
                else f"two error maps for {correction.name}",
                expected="one error map per case",
                found=f"{counted(len(cases), 'case')}: {examples(cases)}",
                fix="find the errors again with these masks",
            )
        seen.add(correction.name)
        _check_arrays(case_set, correction)
        yield case, correction
    if not seen:
        raise DataError(
            "nothing to export",
            expected="at least one mask with its error map",
            found="none",
            fix="find errors first",
        )


def _check_arrays(case_set: CaseSet, correction: Correction) -> None:
    name, mask, flagged, proposed, probabilities = correction
    number = case_set.num_classes
    expected = "mask and proposal uint8, error map bool, all of the mask's size"
    found = ""
    for what, array, kind in (
        ("mask", mask, np.uint8),
        ("error map", flagged, np.bool_),
        ("proposal", proposed, np.uint8),
    ):
        if array.dtype != kind or array.shape != mask.shape:
            found = f"{what} {array.dtype} {size_text(array.shape)}"
            break
    else:
        classes = mask[mask != IGNORE]
        suggested = proposed[correction.suspected]
        if classes.size and int(classes.max()) >= number:
            expected, found = f"classes 0 to {number - 1}", f"{int(classes.max())} in the mask"
        elif suggested.size and int(suggested.max()) >= number:
            expected, found = f"classes 0 to {number - 1}", f"{int(suggested.max())} proposed"
        elif probabilities is not None and probabilities.shape != (number, *mask.shape):
            expected = f"probabilities {size_text((number, *mask.shape))}"
            found = size_text(probabilities.shape)
    if found:
        raise DataError(
            f"what was found for {name} does not fit",
            expected=expected,
            found=found,
            fix="export maps at the size of the masks, found with these classes",
        )


def refuse_overwriting(
    case_set: CaseSet, out: Path, names: Sequence[str], *, overwrite: bool
) -> None:
    """Refuse a folder in which something of the user's, or the data itself, would be lost.

    Raises:
        RunError, ConfigError: see :func:`mixednoise.noise.result_folder.check_target`.
    """
    files: list[str] = []
    for case in case_set.cases:
        files += map(str, case.images)
        for mask in (case.mask, case.truth):
            files += map(str, mask.paths if mask is not None else ())
    check_target(out, names, overwrite=overwrite, sources=files)
