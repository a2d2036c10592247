"""All stages in order: folds, teachers, judgement, error maps, student, evaluation, report."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast, get_args

from mixednoise.data.report import Problem, Report
from mixednoise.errors import ConfigError, RunError
from mixednoise.memory import memory_told
from mixednoise.progress import Progress, default_progress
from mixednoise.segmentation.case_file import read_case_file
from mixednoise.segmentation.cases import CaseSet, CaseStore
from mixednoise.segmentation.cases.apart import folders_of, must_be_apart
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.folds import make_folds
from mixednoise.segmentation.learned_classes import (
    Presence,
    must_be_learned,
    unseen_by_teachers,
)
from mixednoise.segmentation.prepare import (
    PreparedCases,
    count_by_split,
    prepare_cases,
    resolve_segmentation,
)
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.segmentation.stages.context import Stage
from mixednoise.segmentation.stages.evaluation import evaluate
from mixednoise.segmentation.stages.reporting import report
from mixednoise.segmentation.stages.rounds import judge_in_rounds
from mixednoise.segmentation.stages.student import train_student
from mixednoise.segmentation.stages.teachers import folds_of
from mixednoise.segmentation.stages.trial import try_corrections
from mixednoise.training.devices import make_fabric
from mixednoise.workflow.run_folder import check_run_folder, read_config, start_run

#: Where a run may stop; the next call with ``resume`` goes on from there.
Until = Literal["teachers", "errors", "student", "report"]
UNTIL: tuple[Until, ...] = get_args(Until)


def run_stages(
    cases: CaseSet,
    config: SegmentationConfig,
    out: Path,
    *,
    preset: str = "default",
    until: Until = "report",
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
    judgement: SegmentationRun | None = None,
) -> tuple[Stage, dict[str, Any] | None]:
    """Do every stage that is not done yet.

    Args:
        cases: from the readers.
        config: options; ``auto`` is resolved here.
        out: run folder.
        preset: name of the preset that the options came from, for the record.
        until: the last stage to do.
        resume: go on with the run in ``out``.
        overwrite: replace an earlier run in ``out``.
        progress: bars and lines; None shows them on stderr.
        judgement: a finished run of the same cases whose error maps are used.

    Returns:
        The stage as it was left, and the metrics (None when stopped before).

    Raises:
        DataError: the cases can't be learned from as they are.
        RunError: ``out`` holds something else.
        TrainingError: the loss is no longer a number, memory or disk is full.
    """
    check_until(until)
    progress = progress or default_progress()
    if int(os.environ.get("RANK", "0")) > 0:
        progress = default_progress(quiet=True)  # torchrun: the first process speaks for all
    config = resolve_segmentation(config, cases, progress)
    run = SegmentationRun(Path(out))
    record = {
        "method": f"segmentation/{config.method}",
        "preset": preset,
        "data": cases.source,
        "classes": list(cases.class_names),
        "options": config.model_dump(mode="json"),
    }
    must_be_apart(run.path, folders_of(cases))
    check_run_folder(run, record, resume=resume, overwrite=overwrite)
    with memory_told():
        prepared = prepare_cases(cases, config, progress)
        present = must_be_learned(prepared)
        if config.method == "confident" and judgement is None:
            Report(_unseen(prepared, config, present)).tell(progress)
        _tell(prepared, run, progress)
        _warn_of_mirrors(config, prepared.cases.class_names, progress)
        fabric = make_fabric(config)
        if fabric.global_rank == 0:
            start_run(run, record, resume=resume, overwrite=overwrite)
            prepared.write(run)
        fabric.barrier()
        rounds = (judgement or run).rounds or config.most_rounds
        stage = Stage(run, prepared, config, fabric, progress, judgement=judgement, rounds=rounds)
        return _stages(stage, until)


def check_until(until: str) -> None:
    """Refuse the name of a stage that there is not.

    Raises:
        ConfigError: it is none of :data:`UNTIL`.
    """
    if until not in UNTIL:
        raise ConfigError(
            f"there is no stage {until!r}",
            expected=", ".join(UNTIL),
            found=until,
            fix="choose one of these with --until, or leave it away for all",
        )


def reopen(
    path: Path, *, device: str = "auto", pixels: bool = True, progress: Progress | None = None
) -> Stage:
    """A run of which at least the error maps are there, as its last stage left it.

    Args:
        path: run folder.
        device: where networks run.
        pixels: decode the images, or find them decoded; False for whoever reads masks, error maps
            and probabilities alone: neither ``store`` nor ``fabric`` is there then, and images
            that have moved are no error.
        progress: bars and lines.

    Raises:
        RunError: no such run, damaged, of another version, or without error maps.
        DataError: its images have moved.
    """
    run = SegmentationRun(Path(path))
    record = read_config(run.path, run.command)
    config = SegmentationConfig.from_record(record["options"] | {"device": device})
    cases = read_case_file(run.case_file, must_exist=pixels)
    progress = progress or default_progress(quiet=True)
    store = (
        CaseStore.build(cases, image_size=int(config.image_size), progress=progress)
        if pixels
        else cast("CaseStore", None)
    )
    splits = tuple(case.split or "train" for case in cases.cases)
    prepared = PreparedCases(cases, store, splits, Report(), {})
    fabric = make_fabric(config) if pixels else None
    rounds = run.rounds or config.most_rounds
    stage = Stage(run, prepared, config, fabric, progress, rounds=rounds)
    if config.method != "confident":
        return stage
    if not run.folds.exists():
        raise RunError(
            f"{path} has no teachers yet",
            expected="a run whose masks were judged",
            found="no folds.csv",
            fix="go on with the same `mixednoise segment train` command and --resume",
        )
    return replace(stage, folds=folds_of(stage))


def _stages(stage: Stage, until: Until) -> tuple[Stage, dict[str, Any] | None]:
    if stage.config.method == "confident":
        stage = replace(stage, folds=folds_of(stage))
        if stage.judgement is None:
            judged = judge_in_rounds(stage, only_teachers=until == "teachers")
            if judged is None:
                return stage, None
            stage = judged
    if until in ("teachers", "errors"):
        if stage.config.method == "confident":
            report(stage, {})
        return stage, None
    trial = None
    if stage.config.method == "confident" and stage.config.corrections == "proven":
        trial = try_corrections(stage)
        stage.progress.message(str(trial))
    trained = train_student(stage, corrected=trial is None or trial.used)
    if until == "student":
        return stage, None
    told = {"corrections": None if trial is None else trial.to_json()}
    metrics = evaluate(stage, trained | told)
    report(stage, metrics)
    return stage, metrics


def _unseen(
    prepared: PreparedCases, config: SegmentationConfig, present: Presence
) -> list[Problem]:
    """Make the folds on trial: numbers that can't be are refused before a run is replaced."""
    learned = [prepared.cases.cases[row] for row in prepared.rows("train")]
    names, groups = ([getattr(case, key) for case in learned] for key in ("name", "group"))
    folds = make_folds(names, groups, config.folds, seed=config.seed)
    return unseen_by_teachers(present, folds, prepared.cases.class_names)


def _warn_of_mirrors(
    config: SegmentationConfig, class_names: Sequence[str], progress: Progress
) -> None:
    """A mirrored left lung is a right one: the network would be taught that it is a left one."""
    sided = [n for n in class_names if {"left", "right"} & set(re.split(r"[^a-z]+", n.lower()))]
    if sided and config.patches.augment and config.patches.flip != "none":
        progress.warning(
            f"classes that name a side ({', '.join(sided)}), and images are mirrored in training; "
            "what to do: --set patches.flip=none"
        )


def _tell(prepared: PreparedCases, run: SegmentationRun, progress: Progress) -> None:
    prepared.report.tell(progress)
    aside = len(prepared.aside)
    progress.message(
        f"{len(prepared.cases)} cases, classes {', '.join(prepared.cases.class_names)}: "
        + count_by_split(prepared.splits)
        + (f"; {aside} set aside, listed in {run.set_aside}" if aside else "")
    )
