"""The page that a person looks at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.segmentation.cases import read_image
from mixednoise.segmentation.report import OverlayCase, ReportInput, overview, write_report
from mixednoise.segmentation.stages.context import Stage
from mixednoise.segmentation.stages.judged import JudgedSource, summary_of, was_judged
from mixednoise.segmentation.stages.trial import Trial
from mixednoise.segmentation.write_errors import COMPONENTS, TABLE


def report(stage: Stage, metrics: dict[str, Any], path: Path | None = None) -> None:
    """Write the report of a run, if its masks were judged.

    Args:
        stage: with its error maps.
        metrics: ``metrics.json``; {} before there is a student.
        path: where to; None = ``report.html`` in the run folder.
    """
    if stage.is_first and was_judged(stage):
        given = report_input(stage, metrics)
        write_report(given, path or stage.run.html, overwrite=True, progress=stage.progress)


def report_input(stage: Stage, metrics: dict[str, Any]) -> ReportInput:
    """What the page shows: the worst masks with pictures, error rates, what to do next."""
    folder = stage.error_maps
    source = JudgedSource(stage)

    def case(name: str) -> OverlayCase:
        found = source.correction(source.place[name])
        image = read_image(stage.prepared.cases.named(name)).array
        return OverlayCase(image, found.mask, found.flagged, found.proposed)

    run = stage.run.path
    commands = [
        ("look at the worst masks and correct them in your own tool, from the error maps",
         f"ls {folder}"),
        ("corrected masks", f"mixednoise segment export {run} --to masks --out corrected"),
        ("nnU-Net that does not learn from suspected pixels",
         f"mixednoise segment export {run} --to nnunet --out nnUNet_raw"),
        ("segment new images", f"mixednoise segment predict {run} IMAGES --out predicted"),
    ]  # fmt: skip
    scored = {
        name: metrics[key]
        for key, name in (("last", "student, last epoch"), ("best", "student, best epoch"))
        if metrics.get(key)
    }
    return ReportInput(
        title=f"Masks of {stage.prepared.cases.source}",
        summary=summary_of(stage),
        images=pd.read_csv(folder / TABLE, dtype={"name": str}),
        components=overview(folder / COMPONENTS),
        class_names=stage.prepared.cases.class_names,
        case=case,
        identification=metrics.get("identification") or {},
        masks=scored,
        settings=stage.config.model_dump(mode="json", exclude={"device", "threads"}),
        notes=_notes(metrics),
        commands=commands,
    )


def _notes(metrics: dict[str, Any]) -> list[str]:
    """What came of the trial of the corrections."""
    told = metrics.get("corrections")
    return [] if told is None else [f"{Trial.from_json(told)}."]
