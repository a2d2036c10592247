"""The same picture more than once, with labels that contradict each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixednoise.audit.pictures import many_labels, rows_together, same_images
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
    ids, same_as = verdicts.ids.tolist(), verdicts.text("same_as").tolist()
    content, group = same_images(ids, same_as, digests)
    contradicting, identical = many_labels(group, given), many_labels(content, given)
    rank = np.empty(len(verdicts), dtype=np.int64)
    rank[verdicts.order] = np.arange(len(verdicts))
    found = [
        Copies(rows, bool(identical[rows].any()))
        for rows in rows_together(group)
        if contradicting[rows[0]]
    ]
    return sorted(found, key=lambda one: int(rank[one.rows].min()))
