"""Masks of a case set, such as raw data of nnU-Net, with files of probabilities."""

from __future__ import annotations

from mixednoise.jobs.judged.judged import Judged, files_origin, judged_as
from mixednoise.progress import Progress
from mixednoise.segmentation.calibrated_source import calibrated, calibrated_by
from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.case_probabilities import CaseProbabilities
from mixednoise.segmentation.cases import CaseSet


def judged_cases(
    cases: CaseSet,
    source: CaseProbabilities,
    *,
    calibrate: Calibrate = "none",
    out_of_sample: bool = False,
    progress: Progress,
) -> Judged:
    """Masks of a case set, with probabilities of a model that never saw them.

    Args:
        cases: with masks and images.
        source: those that have probabilities.
        calibrate: what is fitted to the probabilities.
        out_of_sample: whether it was checked what the models have learned from.
        progress: warnings go there.

    Raises:
        DataError: values that are no classes or no probabilities.
    """
    fitted = calibrated(source, calibrate, progress)
    settled = calibrated_by(fitted)
    folders = {path.parent for path in source.files.values()}
    return judged_as(
        cases,
        fitted,
        source,
        calibrate=settled,
        origin=files_origin(source.files, settled, source),
        folders=tuple(sorted(folders)),
        out_of_sample=out_of_sample,
    )
