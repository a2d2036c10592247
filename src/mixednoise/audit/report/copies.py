"""The same picture more than once, with labels that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixednoise.audit.report.verdicts import Verdicts


@dataclass(frozen=True)
class Copies:
    """Images that show the same.

    Attributes:
        rows: of the audit table, two or more, with different given labels.
        identical: whether any with different labels have the very same content.
    """

    rows: list[int]
    identical: bool


def contradicting_copies(verdicts: Verdicts, digests: Sequence[str] = ()) -> list[Copies]:
    """Groups of rows that show the same image and have different given labels.

    Args:
        verdicts: N rows.
        digests: N, of the content of each image, '' = not known; or none at all.

    Returns:
        Groups in the order of their worst row in the review, rows in the order of the table.
    """
    given = verdicts.text("given_label").tolist()
    groups: dict[int, list[int]] = {}
    for row, first in enumerate(_first_of_each(verdicts, digests)):
        groups.setdefault(first, []).append(row)
    rank = np.empty(len(verdicts), dtype=np.int64)
    rank[verdicts.order] = np.arange(len(verdicts))
    found = [
        Copies(rows, _identical(rows, given, digests))
        for rows in groups.values()
        if len({given[row] for row in rows}) > 1
    ]
    return sorted(found, key=lambda one: int(rank[one.rows].min()))


def _first_of_each(verdicts: Verdicts, digests: Sequence[str]) -> list[int]:
    """The first row of each row's group: of what looks the same, and of what is the same."""
    row_of = {name: row for row, name in enumerate(verdicts.ids)}
    first = list(range(len(verdicts)))

    def root(row: int) -> int:
        while first[row] != row:
            first[row] = first[first[row]]
            row = first[row]
        return row

    def join(row: int, other: int) -> None:
        low, high = sorted((root(row), root(other)))
        first[high] = low

    for row, name in enumerate(verdicts.text("same_as")):
        if name in row_of:
            join(row, row_of[name])
    seen: dict[str, int] = {}
    for row, digest in enumerate(digests):
        if digest:
            join(row, seen.setdefault(digest, row))
    return [root(row) for row in range(len(verdicts))]


def _identical(rows: Sequence[int], given: Sequence[str], digests: Sequence[str]) -> bool:
    """Whether one content has several labels."""
    labels: dict[str, set[str]] = {}
    for row in rows if len(digests) else ():
        if digests[row]:
            labels.setdefault(digests[row], set()).add(given[row])
    return any(len(names) > 1 for names in labels.values())
