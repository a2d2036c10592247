"""Masks of a case set, such as raw data of nnU-Net, with files of probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mixednoise.jobs.judged.judged import Judged, files_origin, true_masks, write_map
from mixednoise.progress import Progress
from mixednoise.segmentation.calibrated_source import calibrated, calibrated_by
from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.case_probabilities import CaseProbabilities
from mixednoise.segmentation.cases import CaseSet, read_image
from mixednoise.segmentation.cases.apart import folders_of
from mixednoise.segmentation.cases.writing import template_ending


def judged_cases(
    cases: CaseSet,
    probabilities: Mapping[str, Path],
    *,
    calibrate: Calibrate = "none",
    progress: Progress,
) -> Judged:
    """Masks of a case set, with probabilities of a model that never saw them.

    Args:
        cases: with masks and images.
        probabilities: a file for each case, by its name; see
            :func:`.case_probabilities.files_below`.
        calibrate: what is fitted to the probabilities.
        progress: warnings go there.

    Raises:
        DataError: see :class:`.case_probabilities.CaseProbabilities`.
    """
    source = CaseProbabilities(cases, probabilities)
    by_name = {case.name: case for case in cases.cases}
    fitted = calibrated(source, calibrate, progress)
    settled = calibrated_by(fitted)
    folders = {path.parent for path in source.files.values()}
    return Judged(
        fitted,
        source,
        settled,
        f"Masks of {cases.source}",
        cases.class_names,
        cases=lambda: cases,
        origin=files_origin(source.files, settled),
        writer=lambda folder, name, picture: write_map(folder, by_name[name], picture),
        endings={name: template_ending(by_name[name]) for name in source.names},
        image=lambda name: read_image(by_name[name]).array if by_name[name].images else None,
        truth=true_masks(cases, source.names),
        folders=(*folders_of(cases), *sorted(folders)),
    )
