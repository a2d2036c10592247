"""Decisions that were made in another tool, on their way into the log of an audit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from mixednoise.data.report import counted, examples
from mixednoise.errors import DataError, RunError
from mixednoise.review.decisions import Action, Decision

#: Why a decision is skipped that somebody did not want here.
TAKEN_BACK = "taken back here since they were imported (--again records them once more)"


@dataclass(frozen=True)
class Incoming:
    """One decision, as another tool tells it.

    Attributes:
        id: of the sample.
        reviewer: name.
        action: see :data:`.Action`.
        label: class name, with ``relabel`` alone.
        note: the reviewer's words.
        at: when, ISO 8601, UTC; '' = not told.
    """

    id: str
    reviewer: str
    action: Action
    label: str = ""
    note: str = ""
    at: str = ""


@dataclass
class Reading:
    """What a file says.

    Attributes:
        decisions: in the order of the file.
        audits: fingerprints of the audits that its samples came from.
        skipped: why -> how many entries say nothing new.
    """

    decisions: list[Incoming] = field(default_factory=list)
    audits: set[str] = field(default_factory=set)
    skipped: Counter[str] = field(default_factory=Counter)


def check_reading(
    reading: Reading, path: Path, *, fingerprint: str, ids: Iterable[str], classes: Sequence[str]
) -> None:
    """Refuse a file that is about something else.

    Raises:
        RunError: decisions on another audit, or on samples that this one does not have.
        DataError: labels that are no class.
    """
    known = set(ids)
    unknown = list(dict.fromkeys(one.id for one in reading.decisions if one.id not in known))
    if unknown:
        raise RunError(
            f"{path} decides on samples that the audit does not have",
            expected=f"ids of the audit, such as {examples(sorted(known), 2)}",
            found=f"{counted(len(unknown), 'other id')}: {examples(unknown, 5)}",
            fix="import it into the audit that it was exported from; nothing was recorded",
        )
    if reading.audits - {fingerprint, ""}:
        raise RunError(
            f"{path} comes from another audit",
            expected="decisions on the samples and given labels of this audit",
            found="those of a data set with other samples or labels",
            fix="import it into the audit that it was exported from; nothing was recorded",
        )
    strange = Counter(one.label for one in reading.decisions if one.label)
    for name in classes:
        strange.pop(name, None)
    if strange:
        raise DataError(
            f"{path} has labels that are no class",
            expected=examples(classes, 12),
            found=examples((f"{name} ({counted(n, 'time')})" for name, n in strange.items()), 5),
            fix="correct them there and export again; nothing was recorded",
        )


def new_ones(
    incoming: Iterable[Incoming], log: Sequence[Decision], source: str, *, again: bool = False
) -> tuple[list[Decision], Counter[str]]:
    """Leave out what was imported before, and what the reviewer has thought better of since.

    Args:
        incoming: from a file.
        log: everything decided so far, in order.
        source: the tool, see :attr:`.Decision.source`.
        again: what was imported before and taken back since is new once more.

    Returns:
        What is new, and why -> how many of the others.
    """
    imported: dict[tuple[str, str], Decision] = {}
    standing: dict[tuple[str, str], Decision] = {}
    for entry in log:
        key = (entry.id, entry.reviewer)
        if entry.source == source:
            imported[key] = entry
        if not entry.undone:
            standing[key] = entry
    found: list[Decision] = []
    skipped: Counter[str] = Counter()
    every = list(incoming)
    last = newest(every)
    if len(every) > len(last):
        skipped["replaced later in the file"] = len(every) - len(last)
    for one in last.values():
        key = (one.id, one.reviewer)
        before = imported.get(key)
        taken_back = before is not None and bool(before.undone)
        if _was_imported(one, before) and not (taken_back and again):
            skipped[TAKEN_BACK if taken_back else "imported before"] += 1
        elif one.at and key in standing and standing[key].at >= one.at:
            skipped["older than what the same reviewer decided here"] += 1
        else:
            said = (one.action, one.label, one.note, source, one.at)
            found.append(Decision(0, one.id, one.reviewer, *said, ""))
    return found, skipped


def newest(incoming: Iterable[Incoming]) -> Mapping[tuple[str, str], Incoming]:
    """The last word of each reviewer on each sample; what has no time counts in its order."""
    found: dict[tuple[str, str], Incoming] = {}
    for one in incoming:
        key = (one.id, one.reviewer)
        if key not in found or not one.at or one.at >= found[key].at:
            found[key] = one
    return found


def utc(told: object) -> str:
    """A time as other tools write it, as the log has it; '' where it is none."""
    try:
        time = datetime.fromisoformat(str(told))
    except ValueError:
        return ""
    time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    return time.isoformat(timespec="milliseconds")


def _was_imported(one: Incoming, before: Decision | None) -> bool:
    if before is None:
        return False
    same = (one.action, one.label, one.note) == (before.action, before.label, before.note)
    return same or bool(one.at and before.at >= one.at)
