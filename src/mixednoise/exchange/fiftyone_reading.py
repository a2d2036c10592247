"""Decisions out of FiftyOne: tags and labels of an exported data set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field

from mixednoise.data.report import examples
from mixednoise.errors import ConfigError, DataError
from mixednoise.exchange.entries import Entry, checked
from mixednoise.exchange.fiftyone import AUDIT, AUDIT_ID, EXPORTED, SAMPLES, SUGGESTION, TRUTH
from mixednoise.exchange.incoming import Incoming, Reading
from mixednoise.exchange.looks_like import read_json, wrong_file
from mixednoise.review.decisions import ACTIONS, Action

#: A tag of this form gives another label.
RELABEL = "relabel:"
LABELS_FILE = "labels.json"
TOOL = "FiftyOne"
_EXPECTED = "an export of FiftyOne: a FiftyOneDataset, or a FiftyOneImageClassificationDataset"
_FIX = (
    "in FiftyOne: dataset.export(export_dir=..., dataset_type=fo.types.FiftyOneDataset, "
    "export_media=False)"
)


def read(
    path: Path, *, given: Mapping[str, str], masks: bool, reviewer: str | None = None
) -> Reading:
    """Read tags and edited labels.

    A tag ``agree``, ``keep``, ``exclude``, ``unsure`` or ``relabel:CLASS``, of a sample or of its
    label, decides. Without one, a label of ``ground_truth`` that is not what was exported decides:
    ``keep`` where it is the given one, else ``relabel``. Everything else is no decision.

    Args:
        path: the exported folder, or the JSON file in it.
        given: id -> given label.
        masks: masks were audited: tags alone decide.
        reviewer: who worked in FiftyOne, which does not know it.

    Raises:
        ConfigError: no reviewer.
        DataError: another file, samples that were not exported from an audit, tags that contradict
            each other.
    """
    if reviewer is None or not reviewer.strip():
        raise ConfigError(
            "FiftyOne does not tell who decided",
            expected="--reviewer NAME",
            found="none",
            fix="say whose decisions these are",
        )
    file = _file(path)
    content = read_json(file, _EXPECTED, _FIX)
    reading = Reading()
    for sample in _samples(file, content):
        reading.audits.add(sample.audit)
        decision = _decision(file, sample, given, masks)
        if decision is None:
            reading.skipped["nothing decided"] += 1
        else:
            reading.decisions.append(Incoming(sample.id, reviewer.strip(), *decision))
    return reading


def _file(path: Path) -> Path:
    if not path.is_dir():
        return path
    found = [path / name for name in (SAMPLES, LABELS_FILE) if (path / name).is_file()]
    if not found:
        raise wrong_file(path, _EXPECTED, _FIX)
    return found[0]


class _Origin(Entry):
    """By what an entry is found again; every form of the file has it elsewhere."""

    id: str | None = Field(None, alias=AUDIT_ID)
    audit: str | None = Field(None, alias=AUDIT)
    exported: str | None = Field(None, alias=EXPORTED)


class _Label(_Origin):
    label: str | None = None
    tags: list[str] | None = None


class _Sample(_Origin):
    """A sample of a FiftyOneDataset."""

    tags: list[str] | None = None
    truth: _Label | None = Field(None, alias=TRUTH)
    suggestion: _Label | None = Field(None, alias=SUGGESTION)


class _Classified(Entry):
    """A label of a FiftyOneImageClassificationDataset."""

    label: str | None = None
    attributes: _Origin | None = None


@dataclass(frozen=True)
class _Found:
    """What both forms tell of a sample; ``exported`` is the label that went out."""

    id: str
    audit: str
    tags: list[str]
    label: str | None
    exported: str | None


def _samples(path: Path, content: Any) -> Iterator[_Found]:
    if isinstance(content, dict) and isinstance(content.get("samples"), list):
        for number, told in enumerate(content["samples"], 1):
            where = f"sample {number}"
            sample = checked(_Sample, told, path, where, TOOL)
            if not sample.id:
                raise _not_ours(path, where, sorted(map(str, told)))
            truth = sample.truth or _Label()
            tags = [sample.tags, truth.tags, (sample.suggestion or _Label()).tags]
            yield _Found(
                sample.id,
                sample.audit or "",
                [tag for some in tags for tag in some or []],
                truth.label,
                truth.exported,
            )
    elif isinstance(content, dict) and isinstance(content.get("labels"), dict):
        for name, told in content["labels"].items():
            where = f"the label of {name}"
            if not isinstance(told, dict):  # a name alone: exported without attributes
                raise _not_ours(path, where, [])
            label = checked(_Classified, told, path, where, TOOL)
            known = label.attributes or _Origin()
            if not known.id:
                raise _not_ours(path, where, sorted(map(str, told.get("attributes") or {})))
            yield _Found(known.id, known.audit or "", [], label.label, known.exported)
    else:
        raise wrong_file(path, _EXPECTED, _FIX, content)


def _decision(
    path: Path, sample: _Found, given: Mapping[str, str], masks: bool
) -> tuple[Action, str] | None:
    name, label = sample.id, sample.label
    found: set[tuple[Action, str]] = set()
    for tag in map(str.strip, sample.tags):
        if tag.casefold().startswith(RELABEL):
            wanted = tag[len(RELABEL) :].strip()
            same = wanted == given.get(name)
            found.add(("keep", "") if same else ("relabel", wanted))
        decided = (action for action in ACTIONS if action == tag.casefold())
        found |= {(action, "") for action in decided if action != "relabel"}
    if masks and any(action == "relabel" for action, _ in found):
        raise DataError(
            f"{path} has a label for the mask of {name}",
            expected="a tag agree, keep, exclude or unsure",
            found=examples(sample.tags, 5),
            fix="correct the tag in FiftyOne, and export again; nothing was recorded",
        )
    if len(found) > 1:
        raise DataError(
            f"{path} has tags for {name} that contradict each other",
            expected="one decision per image",
            found=examples(sorted(f"{action} {label}".strip() for action, label in found), 5),
            fix="take one of them away in FiftyOne, and export again; nothing was recorded",
        )
    if found:
        return found.pop()
    if masks or not label or sample.exported is None or label == sample.exported:
        return None
    return ("keep", "") if label == given.get(name) else ("relabel", label)


def _not_ours(path: Path, what: str, there: list[str]) -> DataError:
    return DataError(
        f"{what} in {path} was not exported from an audit",
        expected=f"a field {AUDIT_ID}, as mixednoise export --to fiftyone writes it",
        found=examples(there, 6) or "no such field",
        fix="export the data set that came from the audit, as a FiftyOneDataset, or its labels "
        "with include_attributes=True",
    )
