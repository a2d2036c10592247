"""The report of an audit of masks: the page that every run of masks has, with the way onwards."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.audit.commands import next_commands
from mixednoise.audit.folder import AuditFolder, Manifest, read_text_table
from mixednoise.errors import MixedNoiseError
from mixednoise.segmentation.pipeline import reopen
from mixednoise.segmentation.report import ReportInput, write_report
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.segmentation.stages.reporting import report_input

#: Columns of the audit, and what the page calls them.
_COLUMNS = {
    "id": "name",
    "label_quality": "quality",
    "suspected_pixels": "flagged_pixels",
    "suspected_share": "flagged_share",
    "regions": "components",
    "largest_region": "largest_component",
}


def write_masks_report(folder: AuditFolder, manifest: Manifest) -> None:
    """Write the page: numbers from the audit, pictures and estimates from its run.

    A run that has moved leaves a page of numbers, which says so.

    Raises:
        RunError: the table of the audit is missing or damaged.
        TrainingError: the disk is full or the folder can't be written.
    """
    table = read_text_table(folder.table).rename(columns=_COLUMNS)
    try:
        given = _of_run(Path(manifest.run))
    except (MixedNoiseError, OSError, ValueError) as error:
        problem = error.problem if isinstance(error, MixedNoiseError) else str(error)
        note = f"Pictures and estimates are left out: {problem}."
        given = ReportInput(title="", summary={}, images=table, notes=[note])
    page = replace(
        given,
        title=f"Audit of the masks of {'/'.join(Path(manifest.data).parts[-2:])}",
        images=_complete(table),
        class_names=manifest.classes,
        listed_in=folder.table.name,
        commands=next_commands(folder.path.absolute(), manifest),
    )
    write_report(page, folder.report, overwrite=True)


def _of_run(path: Path) -> ReportInput:
    """What the run tells; its images need not be where they were: their cards say so."""
    stage = reopen(path, pixels=False)
    file = SegmentationRun(path).metrics
    metrics: dict[str, Any] = {}
    if file.exists():
        metrics = json.loads(file.read_text(encoding="utf-8"))
    return report_input(stage, metrics)


def _complete(table: pd.DataFrame) -> pd.DataFrame:
    """The columns that the page needs; empty where the audit has none."""
    return table.reindex(columns=[*_COLUMNS.values()])
