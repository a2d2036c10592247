"""Annotations in an export of Label Studio, whichever of its two forms it has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mixednoise.data.report import examples
from mixednoise.errors import DataError
from mixednoise.exchange.incoming import utc
from mixednoise.exchange.label_studio_config import DECISION, LABEL, NOTE, mark_of


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
        DataError: a task that was not exported from an audit.
    """
    for number, task in enumerate(tasks, 1):
        short = "annotations" not in task
        data = task if short else task.get("data") or {}
        found = [task] if short else task["annotations"] or []
        if not isinstance(data, dict) or (found and "sample" not in data):
            raise DataError(
                f"task {number} of {path} was not exported from an audit",
                expected="the id of an image in its data, as `sample`",
                found=examples(sorted(map(str, data)), 6) or "no data",
                fix="annotate tasks that mixednoise export --to label-studio has written",
            )
        for one in found:
            yield _short(one) if short else _full(data, one)


def _full(data: dict[str, Any], told: dict[str, Any]) -> Annotation:
    choices: dict[str, list[str]] = {}
    notes: list[str] = []
    results = [result for result in told.get("result") or [] if isinstance(result, dict)]
    for result in results:
        value = result.get("value") or {}
        if "choices" in value:
            choices.setdefault(str(result.get("from_name")), []).extend(map(str, value["choices"]))
        if result.get("from_name") == NOTE:
            notes += map(str, value.get("text") or [])
    return Annotation(
        data,
        _name(told.get("completed_by")),
        choices,
        " ".join(notes),
        utc(told.get("updated_at") or told.get("created_at")),
        skipped=bool(told.get("was_cancelled") or told.get("skipped")),
        marks={str(result.get("id")) for result in results},
    )


def _short(told: dict[str, Any]) -> Annotation:
    choices = {name: _chosen(told[name]) for name in (DECISION, LABEL) if name in told}
    note = told.get(NOTE) or ""
    return Annotation(
        told,
        _name(told.get("annotator")),
        choices,
        " ".join(map(str, note)) if isinstance(note, list) else str(note),
        utc(told.get("updated_at") or told.get("created_at")),
    )


def _chosen(value: Any) -> list[str]:
    """One choice is told as text, several as a dictionary."""
    if isinstance(value, dict):
        value = value.get("choices") or []
    return [value] if isinstance(value, str) else [str(name) for name in value or []]


def _name(told: Any) -> str:
    """An address where there is one; else the number that Label Studio knows its user by."""
    if isinstance(told, dict):
        names = (told.get("email"), told.get("username"), told.get("id"))
        told = next((name for name in names if name), None)
    if told is None:
        return "label-studio"
    return str(told) if not str(told).isdigit() else f"label-studio user {told}"
