"""Decisions of reviewers: an append-only log in SQLite; nothing that was decided is ever lost."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from mixednoise.errors import ConfigError, RunError
from mixednoise.review.log_file import transaction

#: agree: as suggested (a new label, or left out where none is suggested); keep: the given label is
#: right; relabel: another one; exclude: leave the sample out; unsure: no change, seen.
Action = Literal["agree", "keep", "relabel", "exclude", "unsure"]
ACTIONS: tuple[Action, ...] = get_args(Action)
_FORMAT = 1
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS about (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS log (
    number   INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT NOT NULL,
    reviewer TEXT NOT NULL,
    action   TEXT NOT NULL CHECK (action IN ({", ".join(f"'{name}'" for name in ACTIONS)})),
    label    TEXT NOT NULL DEFAULT '',
    note     TEXT NOT NULL DEFAULT '',
    source   TEXT NOT NULL DEFAULT 'review',
    at       TEXT NOT NULL,
    undone   TEXT NOT NULL DEFAULT '',
    revision INTEGER NOT NULL
);
CREATE INDEX IF NOT EXISTS log_by_sample ON log (id, reviewer);
CREATE UNIQUE INDEX IF NOT EXISTS log_by_revision ON log (revision);
"""
_COLUMNS = "number, id, reviewer, action, label, note, source, at, undone, revision"
#: Decisions and what is taken back are counted together: "what is new since" is one number.
_NEXT = "(SELECT coalesce(max(revision), 0) + 1 FROM log)"
#: The reviewer's decision on a sample that stands, 0 = none.
_STANDS = "(SELECT coalesce(max(number), 0) FROM log WHERE id = ? AND reviewer = ? AND undone = '')"


@dataclass(frozen=True)
class Decision:
    """What one reviewer decided on one sample.

    Attributes:
        number: in order of arrival, from 1.
        id: of the sample.
        reviewer: name.
        action: see :data:`Action`.
        label: class name, with ``relabel`` alone.
        note: the reviewer's own words.
        source: where it was decided: ``review``, or the tool that it was imported from.
        at: when, ISO 8601, UTC.
        undone: when it was taken back, ISO 8601, UTC; '' = it stands.
        revision: of the log when it was made or, later, taken back; see :meth:`Decisions.since`.
    """

    number: int
    id: str
    reviewer: str
    action: Action
    label: str
    note: str
    source: str
    at: str
    undone: str
    revision: int = 0


class OvertakenError(RunError):
    """The reviewer has decided meanwhile, in another window; nothing was changed."""

    def __init__(self, sample: str, reviewer: str) -> None:
        super().__init__(
            f"{reviewer} has decided on {sample} in another window meanwhile",
            expected="the decision that is shown",
            found="a newer one",
            fix="look at the newer one, then decide again",
        )


class Decisions:
    """The log of one audit. Several processes and threads may use one file at the same time.

    Every call is a transaction of its own on a connection of its own: a decision that
    :meth:`record` has returned survives ``kill -9`` and a loss of power.

    Args:
        path: ``decisions.sqlite``; made when it is not there.
        fingerprint: of the audit (:attr:`.Manifest.fingerprint`).
        read_only: refuse to make or change the file.

    Raises:
        RunError: the file belongs to another audit, is no such file, or can't be written.
    """

    def __init__(self, path: Path, fingerprint: str, *, read_only: bool = False) -> None:
        self.path = path
        self.read_only = read_only
        if read_only and not path.is_file():
            raise RunError(
                f"there is nothing decided in {path.parent}",
                expected=f"{path.name}, as `mixednoise review` makes it",
                found="no such file",
                fix=f"decide first: mixednoise review {path.parent}",
            )
        with self._connection() as connection:
            tables = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            names = {name for (name,) in tables}
            if names and "about" not in names:
                # Some other program's database: nothing of ours may be added to it.
                raise sqlite3.DatabaseError(f"file of something else, with {', '.join(names)}")
            if not read_only:
                connection.executescript(_SCHEMA)
                connection.executemany(
                    "INSERT OR IGNORE INTO about VALUES (?, ?)",
                    [("format", str(_FORMAT)), ("fingerprint", fingerprint)],
                )
            about = dict(connection.execute("SELECT key, value FROM about"))
        if about.get("format") != str(_FORMAT):
            raise RunError(
                f"{path} was made by another version",
                expected=f"decisions of format {_FORMAT}",
                found=f"format {about.get('format', 'unknown')}",
                fix="use the version that made it; nothing was changed",
            )
        if about.get("fingerprint") != fingerprint:
            raise RunError(
                f"{path} belongs to another audit",
                expected="decisions on the samples, labels and suggestions of this audit",
                found="those of an audit with others",
                fix="put back the file that belongs here, or move this one away; nothing was "
                "changed",
            )

    def record(
        self,
        sample: str,
        reviewer: str,
        action: Action,
        *,
        label: str = "",
        note: str = "",
        source: str = "review",
        replaces: int | None = None,
    ) -> Decision:
        """Keep a decision; it takes the place of the reviewer's earlier one on that sample.

        Args:
            sample, reviewer, action, label, note, source: see :class:`Decision`.
            replaces: number of the reviewer's earlier one as far as is known, 0 = none; where
                another one stands by now, nothing is kept. None = whichever it is.

        Raises:
            ConfigError: no such action, no reviewer, or a label where there should be none.
            OvertakenError: another decision stands than ``replaces``.
            RunError: the disk is full or read-only.
        """
        _check(reviewer, action, label)
        who = reviewer.strip()
        with self._connection() as connection:
            row = connection.execute(
                "INSERT INTO log (id, reviewer, action, label, note, source, at, revision) "
                f"SELECT ?, ?, ?, ?, ?, ?, ?, {_NEXT} "
                f"WHERE ? IS NULL OR ? = {_STANDS} RETURNING {_COLUMNS}",
                (
                    *(sample, who, action, label, note, source, _now()),
                    *(replaces, replaces, sample, who),
                ),
            ).fetchone()
        if row is None:
            raise OvertakenError(sample, who)
        return Decision(*row)

    def record_many(self, decisions: Iterable[Decision]) -> int:
        """Keep many, all or none; ``number`` and ``undone`` of the given ones don't count.

        Raises:
            ConfigError, RunError: as :meth:`record`.
        """
        rows = []
        for given in decisions:
            _check(given.reviewer, given.action, given.label)
            rows.append(
                (
                    *(given.id, given.reviewer.strip(), given.action, given.label, given.note),
                    *(given.source, given.at or _now()),
                )
            )
        with self._connection() as connection:
            connection.executemany(
                "INSERT INTO log (id, reviewer, action, label, note, source, at, revision) "  # noqa: S608
                f"VALUES (?, ?, ?, ?, ?, ?, ?, {_NEXT})",
                rows,
            )
        return len(rows)

    def undo(
        self, reviewer: str, sample: str | None = None, *, number: int | None = None
    ) -> Decision | None:
        """Take back the reviewer's newest decision that stands (on one sample).

        What it had replaced stands again.

        Args:
            reviewer: whose.
            sample: on which; None = any.
            number: the newest one as far as is known; where it is another one, nothing is taken
                back. None = whichever it is.

        Returns:
            What was taken back; None where there is nothing, or another one than ``number``.
        """
        where = "reviewer = ? AND undone = ''" + ("" if sample is None else " AND id = ?")
        values = (reviewer.strip(),) if sample is None else (reviewer.strip(), sample)
        with self._connection() as connection:
            row = connection.execute(
                f"UPDATE log SET undone = ?, revision = {_NEXT} WHERE number = "  # noqa: S608
                f"(SELECT max(number) FROM log WHERE {where}) AND (? IS NULL OR number = ?) "
                f"RETURNING {_COLUMNS}",
                (_now(), *values, number, number),
            ).fetchone()
        return None if row is None else Decision(*row)

    def take_back(self, numbers: Iterable[int]) -> list[Decision]:
        """Take back decisions by their numbers, all or none; those taken back before stay so.

        Returns:
            What was taken back now, in order.
        """
        now, rows = _now(), []
        with self._connection() as connection:
            for number in sorted(numbers):
                rows += connection.execute(
                    f"UPDATE log SET undone = ?, revision = {_NEXT} "  # noqa: S608
                    f"WHERE number = ? AND undone = '' RETURNING {_COLUMNS}",
                    (now, number),
                ).fetchall()
        return [Decision(*row) for row in rows]

    def standing(
        self, reviewer: str | None = None, *, without: Iterable[int] = ()
    ) -> list[Decision]:
        """Newest decision of each reviewer on each sample that was not taken back, in order.

        Args:
            reviewer: whose; None = everybody's.
            without: numbers of decisions that count as if they had been taken back.
        """
        who = "" if reviewer is None else " AND reviewer = ?"
        with self._connection() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM log WHERE number IN (SELECT max(number) FROM log "  # noqa: S608
                "WHERE undone = '' AND number NOT IN (SELECT value FROM json_each(?))"
                f"{who} GROUP BY id, reviewer) ORDER BY number",
                (json.dumps(list(without)), *(() if reviewer is None else (reviewer.strip(),))),
            ).fetchall()
        return [Decision(*row) for row in rows]

    def since(self, revision: int) -> list[Decision]:
        """What was decided, or taken back, after that revision of the log (0 = everything).

        The highest ``revision`` in the answer is what to ask with the next time.
        """
        with self._connection() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM log WHERE revision > ? ORDER BY revision",  # noqa: S608
                (revision,),
            ).fetchall()
        return [Decision(*row) for row in rows]

    def log(self) -> list[Decision]:
        """Everything that was ever decided, what was taken back included, in order."""
        with self._connection() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM log ORDER BY number").fetchall()  # noqa: S608
        return [Decision(*row) for row in rows]

    def _connection(self) -> AbstractContextManager[sqlite3.Connection]:
        """A transaction: kept when the block ends, undone when it fails."""
        return transaction(self.path, read_only=self.read_only)


def _check(reviewer: str, action: str, label: str) -> None:
    if action not in ACTIONS:
        raise ConfigError(
            f"there is no decision {action!r}",
            expected=", ".join(ACTIONS),
            found=action,
            fix="use one of these",
        )
    if not reviewer.strip():
        raise ConfigError(
            "a decision needs a reviewer",
            expected="a name",
            found="none",
            fix="say who decides",
        )
    if (action == "relabel") != bool(label):
        raise ConfigError(
            f"{action} goes with {'a' if action == 'relabel' else 'no'} label",
            expected="a label with relabel, and none with the others",
            found=label or "no label",
            fix="choose the label, or another decision",
        )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
