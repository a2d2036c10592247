"""Train a segmenter through suspected masks: cases in, run folder out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mixednoise.errors import ConfigError
from mixednoise.jobs.segment_cases import CaseSource
from mixednoise.progress import Progress
from mixednoise.segmentation.cases.apart import must_be_apart
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.pipeline import Until, check_until, run_stages
from mixednoise.segmentation.run import SegmentationRun


def train_segmenter(
    source: CaseSource,
    out: Path,
    *,
    preset: str = "default",
    options: dict[str, Any],
    until: Until = "report",
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress,
) -> dict[str, Any]:
    """Do all stages, or those up to ``until``.

    Args:
        source: where images and masks are.
        out: run folder.
        preset: settings to start from.
        options: of :class:`~mixednoise.segmentation.config.SegmentationConfig`.
        until: the last stage to do.
        resume: go on with the run in ``out``.
        overwrite: replace an earlier run in ``out``.
        progress: bars and lines.

    Returns:
        ``run``; ``until``; ``metrics``: the content of ``metrics.json``, None before the student
        is evaluated; ``errors``: that of ``error_maps/summary.json``, None where nothing was
        judged.

    Raises:
        ConfigError, DataError, RunError: wrong input; nothing was begun.
        TrainingError: the loss is no longer a number, or memory or disk is full.
    """
    config = SegmentationConfig.from_options(preset, **options)
    if until in ("teachers", "errors") and config.method != "confident":
        raise ConfigError(
            f"{config.method} has no {until}",
            expected="method confident, or all stages at once",
            found=f"method {config.method} until {until}",
            fix="leave --until away",
        )
    check_until(until)
    must_be_apart(out, source.folders)
    cases = source.read(progress)
    _, metrics = run_stages(
        cases,
        config,
        out,
        preset=preset,
        until=until,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
    )
    summary = out / "error_maps" / "summary.json"
    judged = until != "teachers" and config.method == "confident" and summary.exists()
    return {
        "run": str(out),
        "until": until,
        "metrics": metrics,
        "errors": json.loads(summary.read_text(encoding="utf-8")) if judged else None,
    }


class Begun:
    """Whether a run has begun in a folder since this was made.

    Args:
        out: run folder.
        resume: a run that is there is ours.
    """

    def __init__(self, out: Path, *, resume: bool) -> None:
        self._config, self._resume = SegmentationRun(out).config, resume
        self._before = self._stamp()

    def __bool__(self) -> bool:
        now = self._stamp()
        return now is not None and (self._resume or now != self._before)

    def _stamp(self) -> tuple[int, int] | None:
        try:
            status = self._config.stat()
        except OSError:
            return None
        return status.st_mtime_ns, status.st_ino
