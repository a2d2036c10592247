"""What stands decided, in memory, kept up with the file that other servers write to as well."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixednoise.review.decisions import ACTIONS, Decision, Decisions
from mixednoise.review.outcome import outcomes
from mixednoise.review.server.samples import Samples

#: Numbers of the actions in the arrays of :class:`Board`; 0 = nothing decided.
CODES = {action: code for code, action in enumerate(ACTIONS, 1)}


class Board:
    """Standing decisions by row. Several threads may use it.

    Args:
        decisions: the log.
        samples: N rows; decisions on other samples are left alone.

    Attributes:
        revision: of the log, as far as it was read.
    """

    def __init__(self, decisions: Decisions, samples: Samples) -> None:
        self._decisions, self._samples = decisions, samples
        self._lock = threading.RLock()
        self.revision = 0
        self._entries: dict[int, dict[str, list[Decision]]] = {}
        self._own: dict[str, list[Decision]] = {}
        n = len(samples)
        self._touched: NDArray[np.int64] = np.zeros(n, np.int64)
        self._by: dict[str, NDArray[np.int8]] = {}
        self._changed_by: dict[str, NDArray[np.int64]] = {}
        self._differ: NDArray[np.bool_] = np.zeros(n, np.bool_)
        self.refresh()

    def refresh(self) -> int:
        """Read what is new in the log, from whichever process; the revision it is at then."""
        with self._lock:
            rows = set()
            for entry in self._decisions.since(self.revision):
                self.revision = max(self.revision, entry.revision)
                row = self._samples.rows.get(entry.id)
                if row is not None:
                    _take(self._entries.setdefault(row, {}).setdefault(entry.reviewer, []), entry)
                    _take(self._own.setdefault(entry.reviewer, []), entry)
                    self._touched[row] = entry.revision
                    if entry.reviewer not in self._changed_by:
                        n = len(self._samples)
                        self._changed_by[entry.reviewer] = np.zeros(n, np.int64)
                        self._by[entry.reviewer] = np.zeros(n, np.int8)
                    self._changed_by[entry.reviewer][row] = entry.revision
                    rows.add(row)
            for row in rows:
                self._update(row)
            return self.revision

    def standing(self, row: int) -> list[Decision]:
        """Newest decision of each reviewer on a sample, in order."""
        with self._lock:
            newest = [some[-1] for some in self._entries.get(row, {}).values() if some]
            return sorted(newest, key=lambda entry: entry.number)

    def last(self, reviewer: str) -> Decision | None:
        """The reviewer's newest decision that stands: what undo would take back."""
        with self._lock:
            some = self._own.get(reviewer)
            return some[-1] if some else None

    def changed_since(self, revision: int) -> list[int]:
        """Rows on which something was decided or taken back after that revision."""
        with self._lock:
            return [int(row) for row in np.flatnonzero(self._touched > revision)]

    def changed_by(self, reviewer: str, revision: int) -> NDArray[np.bool_]:
        """Rows on which the reviewer decided, or took back, after that revision, bool (N,)."""
        with self._lock:
            found = self._changed_by.get(reviewer)
            if found is None:
                return np.zeros(len(self._samples), np.bool_)
            return np.asarray(found > revision)

    def codes(self, reviewer: str) -> NDArray[np.int8]:
        """What the reviewer decided, as :data:`CODES`, int8 (N,)."""
        with self._lock:
            mine = self._by.get(reviewer)
            return np.zeros(len(self._samples), np.int8) if mine is None else mine.copy()

    def decided(self) -> NDArray[np.bool_]:
        """Rows on which anybody has decided, bool (N,)."""
        with self._lock:
            found = np.zeros(len(self._samples), np.bool_)
            for codes in self._by.values():
                found |= codes > 0
            return found

    def differing(self) -> NDArray[np.bool_]:
        """Rows on which reviewers want different things, bool (N,)."""
        with self._lock:
            return self._differ.copy()

    def differs(self, row: int) -> bool:
        """Whether reviewers want different things of that sample."""
        with self._lock:
            return bool(self._differ[row])

    def progress(self, among: NDArray[np.bool_], reviewer: str) -> dict[str, Any]:
        """How far everybody is, among these rows."""
        with self._lock:
            counts = {name: int(np.count_nonzero(codes[among])) for name, codes in self._by.items()}
            return {
                "total": int(np.count_nonzero(among)),
                "mine": counts.get(reviewer, 0),
                "anybody": int(np.count_nonzero(self.decided() & among)),
                "differing": int(np.count_nonzero(self._differ & among)),
                "reviewers": [
                    {"name": name, "decided": count} for name, count in counts.items() if count
                ],
            }

    def _update(self, row: int) -> None:
        standing = self.standing(row)
        for name in self._entries[row]:
            self._by[name][row] = 0
        for entry in standing:
            self._by[entry.reviewer][row] = CODES[entry.action]
        sample = self._samples.ids[row]
        found = outcomes(
            standing,
            given={sample: self._samples.text("given_label", row)},
            suggested={sample: self._samples.text("suggested_label", row)},
        )
        self._differ[row] = sample in found and found[sample].kind == "disagreement"


def _take(entries: list[Decision], entry: Decision) -> None:
    """Add a decision in the order of numbers, or take out one that was taken back."""
    if not entry.undone:
        entries.append(entry)
        if len(entries) > 1 and entries[-2].number > entry.number:
            entries.sort(key=lambda one: one.number)
        return
    for place in range(len(entries) - 1, -1, -1):
        if entries[place].number == entry.number:
            del entries[place]
            return
