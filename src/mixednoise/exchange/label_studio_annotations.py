"""Annotations in an export of Label Studio, whichever of its two forms it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import Field

from mixednoise.data.report import examples
from mixednoise.errors import DataError
from mixednoise.exchange.entries import Entry, checked
from mixednoise.exchange.incoming import utc
from mixednoise.exchange.label_studio_config import DECISION, LABEL, NOTE, mark_of

TOOL = "Label Studio"


class Annotation:
    """One annotation, wherever it stands.

    Args:
        data: of the task.
        who: the annotator.
        choices: control -> what was chosen.
        note: words.
        at: when.
        skipped: nothing was chosen on purpose.
        marks: ids of regions, None where they are not told.
    """

    def __init__(
        self,
        data: Mapping[str, Any],
        who: str,
        choices: dict[str, list[str]],
        note: str,
        at: str,
        *,
        skipped: bool = False,
        marks: set[str] | None = None,
    ) -> None:
        self.sample, self.audit = str(data.get("sample", "")), str(data.get("audit", ""))
        self.decided = str(data.get("decided", ""))
        self.who, self.choices, self.note, self.at = who, choices, note, at
        self.skipped, self.marks = skipped, marks

    def is_ours(self, said: str) -> bool:
        """Whether it only repeats what was exported."""
        if self.marks:
            return mark_of(self.sample, said) in self.marks
        return bool(said) and said == self.decided


def annotations_of(path: Path, tasks: list[dict[str, Any]]) -> Iterator[Annotation]:
    """Every annotation of every task.

    Args:
        path: the file, for messages.
        tasks: with their annotations, or (JSON-MIN) an annotation each.

    Raises:
        DataError: a task that was not exported from an audit, or is damaged.
    """
    for number, task in enumerate(tasks, 1):
        short = "annotations" not in task
        where = f"task {number}"
        data = task if short else task.get("data") or {}
        found = [task] if short else checked(_Task, task, path, where, TOOL).annotations or []
        if not isinstance(data, dict) or (found and "sample" not in data):
            raise DataError(
                f"{where} of {path} was not exported from an audit",
                expected="the id of an image in its data, as `sample`",
                found=examples(sorted(map(str, data)), 6) or "no data",
                fix="annotate tasks that mixednoise export --to label-studio has written",
            )
        for one in found:
            if isinstance(one, _Full):
                yield _full(data, one)
            else:
                yield _short(data, checked(_Short, one, path, where, TOOL))


class _Value(Entry):
    choices: list[str] | None = None
    text: Any = None  # words in our note, anything elsewhere


class _Result(Entry):
    id: str | None = None
    from_name: str | None = None
    value: _Value | None = None


class _Who(Entry):
    email: str | None = None
    username: str | None = None
    id: str | None = None


class _Full(Entry):
    """An annotation of a task in the JSON export."""

    result: list[_Result] | None = None
    completed_by: _Who | str | None = None
    updated_at: str | None = None
    created_at: str | None = None
    was_cancelled: bool | None = None
    skipped: bool | None = None


class _Task(Entry):
    annotations: list[_Full] | None


class _Choices(Entry):
    choices: list[str] | None = None


#: One choice is told as text, several as a dictionary or a list.
_Chosen = str | list[str] | _Choices | None


class _Short(Entry):
    """An entry of JSON-MIN: a task and one annotation in one."""

    decision: _Chosen = Field(None, alias=DECISION)
    label: _Chosen = Field(None, alias=LABEL)
    note: list[str] | str | None = Field(None, alias=NOTE)
    annotator: _Who | str | None = None
    updated_at: str | None = None
    created_at: str | None = None


def _full(data: dict[str, Any], told: _Full) -> Annotation:
    choices: dict[str, list[str]] = {}
    notes: list[str] = []
    results = told.result or []
    for result in results:
        value = result.value or _Value()
        if value.choices is not None:
            choices.setdefault(str(result.from_name), []).extend(value.choices)
        if result.from_name == NOTE:
            notes += [value.text] if isinstance(value.text, str) else map(str, value.text or [])
    return Annotation(
        data,
        _name(told.completed_by),
        choices,
        " ".join(notes),
        utc(told.updated_at or told.created_at),
        skipped=bool(told.was_cancelled or told.skipped),
        marks={str(result.id) for result in results},
    )


def _short(data: dict[str, Any], told: _Short) -> Annotation:
    choices = {DECISION: _chosen(told.decision), LABEL: _chosen(told.label)}
    note = told.note or ""
    return Annotation(
        data,
        _name(told.annotator),
        {control: names for control, names in choices.items() if names},
        note if isinstance(note, str) else " ".join(note),
        utc(told.updated_at or told.created_at),
    )


def _chosen(told: _Chosen) -> list[str]:
    if isinstance(told, _Choices):
        told = told.choices
    return [told] if isinstance(told, str) else told or []


def _name(told: _Who | str | None) -> str:
    """An address where there is one; else the number that Label Studio knows its user by."""
    if isinstance(told, _Who):
        told = told.email or told.username or told.id
    if not told:
        return "label-studio"
    return f"label-studio user {told}" if told.isdigit() else told
