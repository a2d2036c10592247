"""Masks of a run of ``segment train``, with what its teachers say."""

from __future__ import annotations

from pathlib import Path

from mixednoise.errors import RunError
from mixednoise.jobs.judged.judged import Judged, judged_as
from mixednoise.progress import Progress
from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.pipeline import reopen
from mixednoise.segmentation.stages.judged import JudgedSource, how_to_judge, run_calibrated_by
from mixednoise.segmentation.stages.judging import error_settings, fit_calibrations


def judged_run(run: Path, *, calibrate: Calibrate | None = None, progress: Progress) -> Judged:
    """The masks of a run, with what teachers that never saw them say.

    Args:
        run: its folder.
        calibrate: what is fitted to each teacher's probabilities; None = as in the run.
        progress: messages go there.

    Raises:
        RunError: no such run, or its masks were not judged yet.
        DataError: its images have moved.
    """
    stage = reopen(run, progress=progress)
    cases = stage.prepared.cases
    files = [stage.probabilities / f"{cases.names[row]}.npy" for row in stage.train]
    there = sum(file.exists() for file in files)
    if stage.folds is None or there < len(files):
        raise RunError(
            f"{run} holds no judgement of its masks",
            expected="a run of method confident that got past its teachers",
            found=f"method {stage.config.method}, probabilities of {there} of {len(files)} masks",
            fix=how_to_judge(stage.config.method),
        )
    anew = None if calibrate is None else fit_calibrations(stage, calibrate)
    return judged_as(
        cases,
        JudgedSource(stage, anew),
        JudgedSource(stage, {}),
        calibrate=run_calibrated_by(stage, anew),
        origin={"calibrate": calibrate, "run": str(run.resolve())},
        settings=error_settings(stage).model_dump(),
    )
