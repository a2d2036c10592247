"""The report of a run, made again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mixednoise.errors import RunError
from mixednoise.io import must_not_exist
from mixednoise.progress import Progress
from mixednoise.segmentation.pipeline import reopen
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.segmentation.stages.judged import how_to_judge, was_judged
from mixednoise.segmentation.stages.reporting import report


def report_run(
    run: Path, out: Path | None = None, *, overwrite: bool = False, progress: Progress
) -> Path:
    """Write the report of a run from its error maps and metrics as they are now.

    Args:
        run: run folder.
        out: file; None = ``report.html`` in the run folder.
        overwrite: replace the file.
        progress: a bar over the pictures.

    Returns:
        The file.

    Raises:
        RunError: no such run, or one without error maps; or the file exists.
        DataError: the images of the run have moved.
    """
    target = out or SegmentationRun(run).html
    stage = reopen(run, progress=progress)
    if not was_judged(stage):
        raise RunError(
            f"{run} has nothing to report on yet",
            expected="a run of method confident that got past its error maps",
            found="no error maps",
            fix=how_to_judge(stage.config.method),
        )
    must_not_exist(target, overwrite=overwrite)
    metrics: dict[str, Any] = {}
    if stage.run.metrics.exists():
        metrics = json.loads(stage.run.metrics.read_text(encoding="utf-8"))
    report(stage, metrics, target)
    return target
