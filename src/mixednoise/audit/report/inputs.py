"""What the report is made from: read once, what is missing left empty."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from mixednoise.audit.folder import AuditFolder, Manifest, read_text_table
from mixednoise.audit.report.verdicts import Verdicts
from mixednoise.data.report import examples
from mixednoise.errors import RunError
from mixednoise.workflow.run_folder import RunFolder


@dataclass(frozen=True)
class ReportInput:
    """Everything on the page but the pictures.

    Attributes:
        folder: of the audit.
        manifest: what was audited.
        verdicts: the table.
        digests: of the content of each image, '' = not known; [] = none is.
        set_aside: ``(reason, count, examples)`` of what could not be used.
        history: ``history.csv`` of the run; no rows = none.
        metrics: ``metrics.json`` of the run; {} = none.
        settings: options of the run; {} = none.
    """

    folder: AuditFolder
    manifest: Manifest
    verdicts: Verdicts
    digests: list[str]
    set_aside: list[tuple[str, int, str]]
    history: pd.DataFrame
    metrics: dict[str, Any]
    settings: dict[str, Any]


def read_input(folder: AuditFolder, manifest: Manifest) -> ReportInput:
    """Read the table, and of the run what is there.

    Raises:
        RunError: the table of the audit is not there or damaged. A run that has moved is no error.
    """
    verdicts = Verdicts.of(read_text_table(folder.table), manifest)
    run = RunFolder(Path(manifest.run)) if manifest.run else None
    return ReportInput(
        folder=folder,
        manifest=manifest,
        verdicts=verdicts,
        digests=_digests(folder, len(verdicts)),
        set_aside=_set_aside(folder.set_aside),
        history=_history(run),
        metrics=_mapping(run.metrics if run else None),
        settings=_mapping(run.config if run else None),
    )


def _digests(folder: AuditFolder, count: int) -> list[str]:
    try:
        found = [str(digest) for digest in folder.read_images()["digest"]]
    except (RunError, KeyError):
        return []
    return found if len(found) == count else []


def _set_aside(path: Path) -> list[tuple[str, int, str]]:
    """Reasons, the most frequent first."""
    try:
        table = read_text_table(path)
    except RunError:
        return []
    if not len(table) or "reason" not in table:
        return []
    # "repeats labels.csv, line 3" is one reason, whatever the line.
    reasons = (
        table["reason"]
        .astype("string")
        .str.replace(r"^repeats .*", "repeats another row", regex=True)
    )
    names = table["id"] if "id" in table else table.iloc[:, 0]
    found = [
        (str(reason), len(rows), examples(names.loc[rows]))
        for reason, rows in reasons.groupby(reasons).groups.items()
    ]
    return sorted(found, key=lambda one: -one[1])


def _history(run: RunFolder | None) -> pd.DataFrame:
    if run is None:
        return pd.DataFrame()
    try:
        return pd.read_csv(run.history)
    except (OSError, ValueError):
        return pd.DataFrame()


def _mapping(path: Path | None) -> dict[str, Any]:
    """A file of the run; nothing where it is missing, or no longer what was written."""
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return found if isinstance(found, dict) else {}
