"""Which samples are looked at, and the page of the list around one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from mixednoise.review.server.board import CODES, Board
from mixednoise.review.server.samples import FACETS, Samples

Scope = Literal["issues", "all"]
#: open: not decided by the reviewer; untouched: by nobody; mine: by the reviewer; unsure: by the
#: reviewer, as unsure; differing: reviewers disagree.
Status = Literal["all", "open", "untouched", "mine", "unsure", "differing"]


@dataclass(frozen=True)
class Filter:
    """What a reviewer wants to see; None = anything.

    Attributes:
        scope: label issues, or all samples.
        status: see :data:`Status`.
        facets: column of :data:`.samples.FACETS` -> value.
        fault: of the image, see :meth:`.Samples.having_fault`.
        words: all of them in id, patient or reasons.
        since: a revision of the log: on what the reviewer has decided after it stays in the list,
            whatever its status is by now, so that there is a way back; None = nothing does.
    """

    scope: Scope = "all"
    status: Status = "all"
    facets: tuple[tuple[str, str], ...] = ()
    fault: str | None = None
    words: str = ""
    since: int | None = None

    def among(self, samples: Samples) -> NDArray[np.bool_]:
        """Rows that it is about whatever was decided, bool (N,)."""
        mask: NDArray[np.bool_] = (
            samples.is_issue.copy() if self.scope == "issues" else np.ones(len(samples), np.bool_)
        )
        for name, value in self.facets:
            if name in FACETS:
                mask &= samples.equal(name, value)
        if self.fault is not None:
            mask &= samples.having_fault(self.fault)
        if self.words.strip():
            mask &= samples.saying(self.words)
        return mask

    def listed(self, samples: Samples, board: Board, reviewer: str) -> NDArray[np.bool_]:
        """Rows of the list, bool (N,)."""
        among = self.among(samples)
        if self.status == "all":
            return among
        wanted = self._having_status(board, reviewer)
        if self.since is not None:
            wanted = wanted | board.changed_by(reviewer, self.since)
        return among & wanted

    def _having_status(self, board: Board, reviewer: str) -> NDArray[np.bool_]:
        if self.status == "differing":
            return board.differing()
        if self.status == "untouched":
            return ~board.decided()
        codes = board.codes(reviewer)
        if self.status == "open":
            return np.asarray(codes == 0)
        return np.asarray(codes == CODES["unsure"] if self.status == "unsure" else codes > 0)


@dataclass(frozen=True)
class Window:
    """A stretch of the list.

    Attributes:
        rows: in order.
        first: how many of the list come before them.
        total: length of the list.
        at: how many of the list come before the row that was asked for.
        listed: whether that row is in the list itself.
    """

    rows: list[int]
    first: int
    total: int
    at: int
    listed: bool


def window(
    samples: Samples,
    mask: NDArray[np.bool_],
    *,
    around: int | None = None,
    before: int = 10,
    after: int = 40,
) -> Window:
    """The list of all rows of a mask, in order, around one row.

    Args:
        samples: say what the order is.
        mask: bool (N,), the rows of the list.
        around: a row, in the list or not; None = the start.
        before: so many rows of the list before it.
        after: so many after it.
    """
    places = np.flatnonzero(mask[samples.order])
    place = -1 if around is None else int(samples.place[around])
    at = int(np.searchsorted(places, place))
    listed = at < len(places) and int(places[at]) == place
    first, end = max(0, at - before), min(len(places), at + after + int(listed))
    rows = [int(row) for row in samples.order[places[first:end]]]
    return Window(rows, first, len(places), at, listed)
