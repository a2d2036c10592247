"""Decisions of reviewers: an append-only log in SQLite; nothing that was decided is ever lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from mixednoise.errors import ConfigError, RunError

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
    undone   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS log_by_sample ON log (id, reviewer);
"""
_COLUMNS = "number, id, reviewer, action, label, note, source, at, undone"


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
                expected="decisions on the samples and given labels of this audit",
                found="those of a data set with other samples or labels",
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
    ) -> Decision:
        """Keep a decision; it takes the place of the reviewer's earlier one on that sample.

        Raises:
            ConfigError: no such action, no reviewer, or a label where there should be none.
            RunError: the disk is full or read-only.
        """
        _check(reviewer, action, label)
        with self._connection() as connection:
            row = connection.execute(
                "INSERT INTO log (id, reviewer, action, label, note, source, at) "  # noqa: S608
                f"VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING {_COLUMNS}",
                (sample, reviewer.strip(), action, label, note, source, _now()),
            ).fetchone()
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
                "INSERT INTO log (id, reviewer, action, label, note, source, at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?)",
                rows,
            )
        return len(rows)

    def undo(self, reviewer: str, sample: str | None = None) -> Decision | None:
        """Take back the reviewer's newest decision that stands (on one sample).

        What it had replaced stands again.

        Returns:
            What was taken back; None where there is nothing.
        """
        where = "reviewer = ? AND undone = ''" + ("" if sample is None else " AND id = ?")
        values = (reviewer.strip(),) if sample is None else (reviewer.strip(), sample)
        with self._connection() as connection:
            row = connection.execute(
                f"UPDATE log SET undone = ? WHERE number = (SELECT max(number) FROM log "  # noqa: S608
                f"WHERE {where}) RETURNING {_COLUMNS}",
                (_now(), *values),
            ).fetchone()
        return None if row is None else Decision(*row)

    def standing(self, reviewer: str | None = None) -> list[Decision]:
        """Newest decision of each reviewer on each sample that was not taken back, in order."""
        who = "" if reviewer is None else " AND reviewer = ?"
        with self._connection() as connection:
            rows = connection.execute(
                f"SELECT {_COLUMNS} FROM log WHERE number IN (SELECT max(number) FROM log "  # noqa: S608
                f"WHERE undone = ''{who} GROUP BY id, reviewer) ORDER BY number",
                () if reviewer is None else (reviewer.strip(),),
            ).fetchall()
        return [Decision(*row) for row in rows]

    def log(self) -> list[Decision]:
        """Everything that was ever decided, what was taken back included, in order."""
        with self._connection() as connection:
            rows = connection.execute(f"SELECT {_COLUMNS} FROM log ORDER BY number").fetchall()  # noqa: S608
        return [Decision(*row) for row in rows]

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        """A transaction: kept when the block ends, undone when it fails."""
        try:
            if self.read_only:
                connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)
            else:
                connection = sqlite3.connect(self.path, timeout=30)
            try:
                if not self.read_only:
                    # Readers never wait for a writer, and a commit is on the disk.
                    connection.execute("PRAGMA journal_mode = WAL")
                    connection.execute("PRAGMA synchronous = FULL")
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.Error as error:
            raise RunError(
                f"decisions can't be kept in {self.path}",
                expected="an SQLite file as `mixednoise review` makes it, on a writable disk",
                found=str(error),
                fix="free space or make the folder writable; decisions kept before are untouched",
            ) from error


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
