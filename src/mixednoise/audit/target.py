"""The folder that an audit is written into: what is replaced, and what never is."""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from pathlib import Path

from mixednoise.audit.folder import AuditFolder
from mixednoise.errors import RunError
from mixednoise.io import must_be_writable, must_not_be_a_file, new_folder
from mixednoise.workflow.run_folder import CONFIG


def check_audit_folder(
    folder: AuditFolder,
    *,
    run: Path | None,
    resume: bool = False,
    overwrite: bool = False,
    set_decisions_aside: bool = False,
) -> None:
    """Refuse, before any work, a folder in which something would be lost. Writes nothing.

    Args:
        folder: to be written.
        run: the run that is audited; None = it is trained in the folder.
        resume: go on with the training in it.
        overwrite: an earlier audit may be replaced, our own files alone.
        set_decisions_aside: so may one on which reviewers have decided; their decisions stay in a
            file of another name.

    Raises:
        RunError: the folder holds something; says what to do.
    """
    path = folder.path
    must_not_be_a_file(path)
    names = sorted(entry.name for entry in path.iterdir()) if path.is_dir() else []
    if folder.manifest.exists():
        if not overwrite:
            raise RunError(
                f"{path} holds a finished audit",
                expected="a new or empty folder",
                found=f"{folder.manifest.name} in it",
                fix=f"look at {folder.report}, go on with `mixednoise review {path}`, choose "
                "another --out, or pass --overwrite",
            )
    elif names:
        begun = (folder.run / CONFIG).exists() or {*names} <= {p.name for p in folder.files}
        own_run = run is not None and names == [folder.run.name] and _same(run, folder.run)
        if not begun or not (resume or overwrite or own_run):
            raise RunError(
                f"{path} exists already",
                expected="a new or empty folder"
                + (", or an earlier audit" if overwrite or resume else ""),
                found="an audit that was interrupted" if begun else ", ".join(names[:5]),
                fix="go on with it by --resume, choose another --out, or pass --overwrite to "
                "begin anew"
                if begun
                else "choose another --out",
            )
    if folder.decisions.exists() and not set_decisions_aside:
        raise RunError(
            f"reviewers have decided on the audit in {path}",
            expected="a folder without decisions: these were made on the verdicts of that audit",
            found=folder.decisions.name,
            fix=f"use them first (mixednoise apply {path}), choose another --out, or pass "
            "--set-decisions-aside to keep them in a file of another name",
        )
    must_be_writable(folder.manifest if path.is_dir() else path)


def _same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def open_audit_folder(folder: AuditFolder) -> str:
    """Make the folder, or clear it of the files of an earlier audit; ``run/`` stays.

    Decisions are moved to ``decisions-DATE.sqlite``.

    Returns:
        Name of the file that decisions were moved to, '' = there were none.
    """
    new_folder(folder.path, overwrite=True)
    kept = _set_aside(folder.decisions) if folder.decisions.exists() else ""
    # The manifest first: from now on this is no finished audit.
    for path in folder.files:
        path.unlink(missing_ok=True)
    return kept


def _set_aside(decisions: Path) -> str:
    """Copy the log, with what is still in its journal, and remove it under its own name."""
    now = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    target = decisions.with_name(f"{decisions.stem}-{now}{decisions.suffix}")
    try:
        with closing(sqlite3.connect(decisions)) as source, closing(sqlite3.connect(target)) as to:
            source.backup(to)
    except sqlite3.Error as error:
        with suppress(OSError):
            target.unlink(missing_ok=True)
        raise RunError(
            f"the decisions in {decisions} can't be set aside",
            expected="an SQLite file as `mixednoise review` makes it, on a writable disk",
            found=str(error),
            fix="move the file away by hand; nothing was changed",
        ) from error
    for name in (decisions.name, f"{decisions.name}-wal", f"{decisions.name}-shm"):
        decisions.with_name(name).unlink(missing_ok=True)
    return target.name
