"""Masks of a run of ``segment train``, with what its teachers say."""

from __future__ import annotations

from pathlib import Path

from mixednoise.errors import RunError
from mixednoise.jobs.judged.judged import Judged, true_masks, write_map
from mixednoise.progress import Progress
from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.cases import read_image
from mixednoise.segmentation.cases.apart import folders_of
from mixednoise.segmentation.cases.writing import template_ending
from mixednoise.segmentation.pipeline import reopen
from mixednoise.segmentation.stages.judged import JudgedSource, run_calibrated_by
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
            fix="go on with the same `mixednoise segment train` command and --resume",
        )
    by_name = {case.name: case for case in cases.cases}
    anew = None if calibrate is None else fit_calibrations(stage, calibrate)
    source = JudgedSource(stage, anew)
    return Judged(
        source,
        JudgedSource(stage, {}),
        run_calibrated_by(stage, anew),
        f"Masks of {cases.source}",
        cases.class_names,
        cases=lambda: cases,
        origin={"calibrate": calibrate, "run": str(run.resolve())},
        writer=lambda folder, name, picture: write_map(folder, by_name[name], picture),
        endings={name: template_ending(by_name[name]) for name in source.names},
        image=lambda name: read_image(by_name[name]).array,
        truth=true_masks(cases, source.names),
        folders=folders_of(cases),
        settings=error_settings(stage).model_dump(),
    )
