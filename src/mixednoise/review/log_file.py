"""The SQLite file below the decisions: how it is opened, and what its errors mean."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mixednoise.errors import RunError


@contextmanager
def transaction(path: Path, *, read_only: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection of its own: what was done is kept when the block ends, undone when it fails.

    Args:
        path: the file; made when it is not there.
        read_only: refuse to make or change it.

    Raises:
        RunError: no such file, a damaged one, or a disk that is full or read-only.
    """
    try:
        connection = _reader(path) if read_only else sqlite3.connect(path, timeout=30)
        try:
            if not read_only:
                # Readers never wait for a writer, and a commit is on the disk.
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = FULL")
            with connection:
                yield connection
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise RunError(
            f"decisions can't be kept in {path}",
            expected="an SQLite file as `mixednoise review` makes it, on a writable disk",
            found=str(error),
            fix=_fix(error),
        ) from error


def _reader(path: Path) -> sqlite3.Connection:
    """A connection that writes nothing, not even beside the file where that can be."""
    address = f"{path.absolute().as_uri()}?mode=ro"
    connection = sqlite3.connect(address, uri=True, timeout=30)
    try:
        connection.execute("SELECT 1 FROM sqlite_master")
    except sqlite3.OperationalError:
        connection.close()
        if path.with_name(f"{path.name}-wal").exists():
            raise
        # On a read-only disk SQLite can't make its lock file, and nobody else can write.
        return sqlite3.connect(f"{address}&immutable=1", uri=True)
    return connection


def _fix(error: sqlite3.Error) -> str:
    if isinstance(error, sqlite3.OperationalError):
        return "free space or make the folder writable; decisions kept before are untouched"
    return "put back a whole copy, or move this file away to begin anew; nothing was changed"
