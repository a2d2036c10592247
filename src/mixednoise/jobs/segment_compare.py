"""Baselines and students side by side, with a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mixednoise.data.report import counted, examples
from mixednoise.errors import ConfigError, RunError
from mixednoise.io import must_be_new
from mixednoise.jobs.segment_cases import CaseSource
from mixednoise.progress import Progress
from mixednoise.segmentation.case_file import with_masks_of_truth
from mixednoise.segmentation.cases import CaseSet
from mixednoise.segmentation.cases.apart import must_be_apart
from mixednoise.segmentation.compare import METHODS, USUAL, Comparison, check_methods, compare
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.pipeline import reopen
from mixednoise.segmentation.report import write_report
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.segmentation.stages.judged import was_judged
from mixednoise.segmentation.stages.reporting import report_input


def compare_methods(
    source: CaseSource,
    out: Path,
    *,
    methods: Sequence[str] | None = None,
    preset: str = "default",
    options: dict[str, Any],
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress,
) -> Comparison:
    """Train every method on the same cases and score all on the same test cases.

    Args:
        source: images, masks and, for ``clean`` and for honest scores, true masks.
        out: folder for a run per method, ``comparison.csv``, ``paired.csv``, ``comparison.json``
            and, where masks were judged, ``report.html``.
        methods: names of :data:`.compare.METHODS`; None = the usual ones.
        preset, options: as for training.
        resume: go on with the comparison in ``out``.
        overwrite: replace an earlier one.
        progress: bars and lines.

    Raises:
        ConfigError: an unknown method, options that can't be, or no cases to score on.
        DataError, RunError: wrong input; nothing was begun.
        TrainingError: the loss is no longer a number, or memory or disk is full.
    """
    methods = USUAL if methods is None else methods
    check_methods(methods)
    config = SegmentationConfig.from_options(preset, **options)
    must_be_apart(out, source.folders)
    must_be_new(out, overwrite=overwrite or resume)
    _must_be_ours(out)
    cases = source.read(progress)
    _can_be_compared(cases, config, methods)
    if any(case.truth is None for case in cases.cases):
        progress.warning(
            "cases without a true mask: scores against masks that may be wrong themselves say "
            "little about which method is better (--truth)"
        )
    result = compare(
        cases,
        config,
        out,
        methods=methods,
        preset=preset,
        resume=resume,
        overwrite=overwrite,
        progress=progress,
    )
    _report(out, methods, result, progress)
    return result


def _must_be_ours(out: Path) -> None:
    """Whatever is in the folder must be an earlier comparison."""
    there = [path.name for path in out.iterdir()] if out.is_dir() else []
    ours = any(SegmentationRun(out / name).config.exists() for name in METHODS)
    if there and not ours:
        raise RunError(
            f"{out} holds no comparison",
            expected="an earlier comparison, or a new or empty folder",
            found=f"{counted(len(there), 'entry', 'entries')}: {examples(sorted(there))}",
            fix="choose another --out",
        )


def _can_be_compared(cases: CaseSet, config: SegmentationConfig, methods: Sequence[str]) -> None:
    """Find out before the first method is trained that the last one can't be."""
    splits = {case.split for case in cases.cases}
    if not splits & {"test", "val"} and not config.test_fraction and not config.val_fraction:
        raise ConfigError(
            "there are no cases to compare the methods on",
            expected="test cases",
            found=f"{len(cases)} cases, all of them to be learned from",
            fix="add --test-fraction 0.2, or give a split with --splits",
        )
    if "clean" in methods:
        with_masks_of_truth(cases)


def _report(
    out: Path, methods: Sequence[str], result: Comparison, progress: Progress
) -> Path | None:
    """The report of the first run that judged its masks, with the scores of all methods."""
    judge = next((name for name in methods if METHODS[name]["method"] == "confident"), None)
    if judge is None:
        return None
    stage = reopen(out / judge, progress=progress)
    if not was_judged(stage):
        return None
    scored = {
        f"{name}, {epoch}": found[epoch]
        for name, found in result.metrics.items()
        for epoch in ("last", "best")
        if found.get(epoch)
    }
    given = replace(
        report_input(stage, result.metrics[judge]),
        title=f"Methods on {stage.prepared.cases.source}",
        masks=scored,
        paired=result.paired,
    )
    path = out / "report.html"
    write_report(given, path, overwrite=True, progress=progress)
    return path
