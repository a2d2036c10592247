"""Decisions out of Label Studio: its JSON export, and the shorter JSON-MIN."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mixednoise.data.report import examples
from mixednoise.errors import ConfigError, DataError
from mixednoise.exchange.incoming import Incoming, Reading
from mixednoise.exchange.label_studio_annotations import Annotation, annotations_of
from mixednoise.exchange.label_studio_config import (
    DECISION,
    LABEL_DECISIONS,
    LEAVE_OUT,
    MASK_DECISIONS,
    UNSURE,
)
from mixednoise.exchange.looks_like import read_json, wrong_file
from mixednoise.review.decisions import Action

_EXPECTED = "an export of Label Studio: JSON, or JSON-MIN"
_FIX = "in Label Studio choose Export, JSON; and say with --from what the file is"


def read(
    path: Path, *, given: Mapping[str, str], masks: bool, reviewer: str | None = None
) -> Reading:
    """Read every annotation.

    The annotator is the reviewer. The given label is ``keep``, another one ``relabel``, a skipped
    task ``unsure``. What was exported as decided, and never touched, is no decision.

    Args:
        path: the file.
        given: id -> given label.
        masks: masks were audited: what counts is the decision, not what was drawn.
        reviewer: who annotated, in the place of the name or number in the file.

    Raises:
        DataError: another file, tasks that were not exported from an audit, several labels for one
            image.
        ConfigError: a reviewer for the annotations of several annotators.
    """
    content = read_json(path, _EXPECTED, _FIX)
    tasks = content if isinstance(content, list) else [content]
    if not tasks or not all(isinstance(task, dict) for task in tasks):
        raise wrong_file(path, _EXPECTED, _FIX, content)
    if not ({"data", "annotations"} <= tasks[0].keys() or "annotation_id" in tasks[0]):
        raise wrong_file(path, _EXPECTED, _FIX, content)
    reading = Reading()
    people: set[str] = set()  # who decided; not who imported the tasks
    for annotation in annotations_of(path, tasks):
        reading.audits.add(annotation.audit)
        decision = _decision(path, annotation, given, masks)
        if isinstance(decision, str):
            reading.skipped[decision] += 1
        else:
            people.add(annotation.who)
            action, label = decision
            who = reviewer or annotation.who
            found = Incoming(annotation.sample, who, action, label, annotation.note, annotation.at)
            reading.decisions.append(found)
    if reviewer is not None and len(people) > 1:
        raise ConfigError(
            f"{path} holds the work of several annotators",
            expected="one, for --reviewer to name",
            found=examples(sorted(people), 8),
            fix="leave --reviewer away: each keeps the name that Label Studio knows",
        )
    return reading


def _decision(
    path: Path, annotation: Annotation, given: Mapping[str, str], masks: bool
) -> tuple[Action, str] | str:
    """What was decided, or why it is no decision."""
    words = annotation.choices.get(DECISION, [])
    labels = [
        name
        for control, names in annotation.choices.items()
        if control != DECISION
        for name in names
    ]
    if not masks and len(labels) > 1:
        raise DataError(
            f"{path} has several labels for {annotation.sample}",
            expected="one label per image",
            found=examples(labels, 5),
            fix="leave one of them in Label Studio, and export again; nothing was recorded",
        )
    action: Action
    if annotation.skipped:
        said, action, label = UNSURE, "unsure", ""
    elif words:
        said, action, label = words[0], _action(path, words[0], masks), ""
    elif labels and not masks:
        said, label = labels[0], labels[0]
        action = "keep" if label == given.get(annotation.sample) else "relabel"
        label = "" if action == "keep" else label
    else:
        return "nothing chosen"
    return "as it was exported" if annotation.is_ours(said) else (action, label)


def _action(path: Path, words: str, masks: bool) -> Action:
    known = MASK_DECISIONS if masks else LABEL_DECISIONS
    if words not in known:
        raise DataError(
            f"{path} has a decision that there is not",
            expected=examples(known, 5),
            found=words,
            fix=f"use the labeling configuration of the export; {LEAVE_OUT!r} leaves images out",
        )
    return known[words]
