"""Decisions made in other tools, into the log of an audit."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from mixednoise.audit.folder import AuditFolder
from mixednoise.errors import ConfigError
from mixednoise.exchange.incoming import Reading, check_reading, new_ones
from mixednoise.review.decisions import Decisions
from mixednoise.review.reviewer_names import checked_name

if TYPE_CHECKING:
    from collections.abc import Callable

#: Tool -> what reads its files.
READERS = {"label-studio": "label_studio_reading", "fiftyone": "fiftyone_reading"}


def import_decisions(
    audit: Path, file: Path, source: str, *, reviewer: str | None = None, again: bool = False
) -> dict[str, Any]:
    """Record what was decided in another tool; all of it, or nothing.

    A file that was imported before adds nothing, and no decision takes the place of a later one.

    Args:
        audit: folder of the audit that the tool was given.
        file: what the tool has exported.
        source: the tool, one of :data:`READERS`.
        reviewer: who decided, where the tool does not tell, or by another name.
        again: record also what was imported before and has been taken back since.

    Returns:
        ``source, found`` (decisions in the file), ``new``, ``skipped`` (why -> number),
        ``reviewers`` (of the new ones).

    Raises:
        ConfigError: no such tool; a reviewer is missing, or is one too many.
        RunError: no audit, decisions on another one, or the log can't be written.
        DataError: a file of another format, labels that are no class, contradictions.
    """
    if source not in READERS:
        raise ConfigError(
            f"decisions can't be imported from {source!r}",
            expected=", ".join(READERS),
            found=source,
            fix="choose one of these with --from",
        )
    if reviewer is not None:
        reviewer = checked_name(reviewer)  # as the log keeps it, or nothing is found again
    folder, file = AuditFolder(Path(audit)), Path(file)
    manifest = folder.read_manifest()
    table = folder.read_table()
    module = import_module(f"mixednoise.exchange.{READERS[source]}")
    given = dict(zip(table["id"].tolist(), table["given_label"].tolist(), strict=True))
    reading = cast("Callable[..., Reading]", module.read)(
        file, given=given, masks=manifest.kind == "segmentation", reviewer=reviewer
    )
    check_reading(
        reading, file, fingerprint=manifest.fingerprint, ids=given, classes=manifest.classes
    )
    found = len(reading.decisions)
    if not found:  # nothing to record: no log is made for it
        return _summary(source, reading, found, [])
    decisions = Decisions(folder.decisions, manifest.fingerprint)
    new, skipped = new_ones(reading.decisions, decisions.log(), source, again=again)
    reading.skipped.update(skipped)
    if new:
        decisions.record_many(new)
    return _summary(source, reading, found, sorted({one.reviewer for one in new}), len(new))


def _summary(
    source: str, reading: Reading, found: int, reviewers: list[str], new: int = 0
) -> dict[str, Any]:
    return {
        "source": source,
        "found": found,
        "new": new,
        "skipped": dict(reading.skipped),
        "reviewers": reviewers,
    }
