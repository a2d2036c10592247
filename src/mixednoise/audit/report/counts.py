"""How many of what: groups, confusions, patients."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixednoise.audit.report.verdicts import NOT_JUDGED, UNREADABLE, WRONG, Flags, Verdicts
from mixednoise.pages.heat import busiest, confusions, most_frequent, opacities

#: Pairs of classes that are spelled out.
MOST_PAIRS = 8
#: Patients that are listed.
MOST_PATIENTS = 6
#: Ids that are listed for each of them.
_MOST_IDS = 6


@dataclass(frozen=True)
class Tally:
    """Images of one class, or of all.

    Attributes:
        name: of the class.
        counts: of labels that look right, that look wrong, and of images that can't be read.
        not_judged: images that nothing is said about.
    """

    name: str
    counts: tuple[int, int, int]
    not_judged: int

    @property
    def judged(self) -> int:
        """Images that something is said about."""
        return sum(self.counts)

    @property
    def shares(self) -> tuple[float, ...]:
        """The counts as shares of what was judged; NaN where nothing was."""
        return tuple(n / self.judged if self.judged else float("nan") for n in self.counts)


def tally(verdicts: Verdicts, rows: Flags | None = None, name: str = "all classes") -> Tally:
    """Count some rows, or all.

    Args:
        verdicts: N rows.
        rows: bool (N,); None = all.
        name: of what is counted.
    """
    state = verdicts.state if rows is None else verdicts.state[rows]
    right, wrong, unreadable = (int((state == code).sum()) for code in (0, 1, 2))
    return Tally(name, (right, wrong, unreadable), int((state == NOT_JUDGED).sum()))


def tallies(verdicts: Verdicts) -> list[Tally]:
    """One per given class that has images, in class order."""
    found = [
        tally(verdicts, verdicts.given == code, name) for code, name in enumerate(verdicts.classes)
    ]
    return [one for one in found if one.judged]


@dataclass(frozen=True)
class HeatCell:
    """One pair of classes: how many, and how strongly the cell is coloured."""

    count: int
    opacity: float
    diagonal: bool
    row: int
    column: int


@dataclass(frozen=True)
class Confusions:
    """What was given (rows) and what is suggested instead (columns).

    Attributes:
        names: classes shown, in class order.
        left_out: how many classes are not shown.
        cells: counts.
        pairs: ``(given, suggested, count)`` as class codes, the most frequent first.
        classes: all class names.
        total: labels with another one suggested.
    """

    names: list[str]
    left_out: int
    cells: list[list[HeatCell]]
    pairs: list[tuple[int, int, int]]
    classes: list[str]
    total: int


def heat_cells(counts: np.ndarray, kept: list[int]) -> list[list[HeatCell]]:
    """A table of counts (K, K), the classes of ``kept`` alone, coloured off the diagonal."""
    heat = opacities(confusions(counts))
    return [
        [HeatCell(int(counts[i, j]), float(heat[i, j]), i == j, i, j) for j in kept] for i in kept
    ]


def suggested_changes(verdicts: Verdicts) -> Confusions | None:
    """Labels that look wrong, by what is given and what is suggested; None where there are none."""
    k = len(verdicts.classes)
    rows = (verdicts.state == WRONG) & (verdicts.given >= 0) & (verdicts.suggested >= 0)
    pairs = verdicts.given[rows] * k + verdicts.suggested[rows]
    counts = confusions(np.bincount(pairs, minlength=k * k).reshape(k, k))
    if not counts.sum():
        return None
    kept = [c for c in busiest(counts) if counts[c].sum() + counts[:, c].sum()]
    involved = int(((counts.sum(axis=0) + counts.sum(axis=1)) > 0).sum())
    return Confusions(
        names=[verdicts.classes[c] for c in kept],
        left_out=involved - len(kept),
        cells=heat_cells(counts, kept),
        pairs=[(i, j, int(n)) for i, j, n in most_frequent(counts, MOST_PAIRS)],
        classes=verdicts.classes,
        total=int(counts.sum()),
    )


@dataclass(frozen=True)
class PatientRow:
    """One patient (or lesion) with several issues.

    Attributes:
        name: of the patient.
        images: judged ones.
        wrong: labels that look wrong.
        unreadable: images that can't be read.
        ids: of the images with issues, the first few.
        more: how many ids are not listed.
    """

    name: str
    images: int
    wrong: int
    unreadable: int
    ids: list[str]
    more: int


def patients_with_issues(verdicts: Verdicts) -> tuple[list[PatientRow], int]:
    """Patients with two or more issues: those with most of them, and how many there are."""
    names = verdicts.text("patient")
    suspect = (verdicts.state == WRONG) | (verdicts.state == UNREADABLE)
    of: dict[str, list[int]] = {}
    for row in np.flatnonzero((verdicts.state != NOT_JUDGED) & (names != "")):
        of.setdefault(names[row], []).append(int(row))
    found = []
    for name, rows in of.items():
        bad = [row for row in rows if suspect[row]]
        if len(bad) >= 2:
            state = verdicts.state[bad]
            ids = [str(verdicts.ids[row]) for row in bad[:_MOST_IDS]]
            wrong = int((state == WRONG).sum())
            found.append(
                PatientRow(name, len(rows), wrong, len(bad) - wrong, ids, len(bad) - len(ids))
            )
    found.sort(key=lambda row: (-(row.wrong + row.unreadable), row.images))
    return found[:MOST_PATIENTS], len(found)
