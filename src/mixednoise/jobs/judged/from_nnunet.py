"""Masks of nnU-Net's raw data, with what its own cross-validation says of them."""

from __future__ import annotations

from pathlib import Path

from mixednoise.data.report import Problem, Report, examples
from mixednoise.jobs.judged.from_cases import judged_cases
from mixednoise.jobs.judged.judged import Judged
from mixednoise.progress import Progress
from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.case_probabilities import CaseProbabilities, files_below
from mixednoise.segmentation.cases import read_nnunet
from mixednoise.segmentation.cases.headers import check_geometry
from mixednoise.segmentation.nnunet_folds import fold_judges, superfluous
from mixednoise.segmentation.provenance import Provenance, check_out_of_sample


def judged_nnunet(
    data_set: Path,
    probabilities: Path,
    *,
    told: Provenance,
    calibrate: Calibrate = "none",
    progress: Progress,
) -> Judged:
    """The masks of a raw data set, with the probabilities in a folder and those inside.

    In a folder of nnU-Net's results every case was judged by its fold; ``fold_all``, which has
    learned from every case, is passed over where there are others.

    Args:
        data_set: ``DatasetXXX_NAME``.
        probabilities: the folder of ``fold_0``, ``fold_1``, ..., or any with a file per case.
        told: what is known of the models; judges that are told go before the folds.
        calibrate: what is fitted to the probabilities.
        progress: bars and warnings.

    Raises:
        DataError: the data set or the probabilities can't be used, masks that don't lie on their
            images, or models have learned from what
            they judge (:func:`.provenance.check_out_of_sample`).
    """
    cases = read_nnunet(data_set)
    cases.findings.raise_if_stopped()
    cases.findings.tell(progress)
    without = superfluous(probabilities)
    files = files_below(probabilities, without)
    judges = fold_judges(files) if told.judges is None else told.judges
    source = CaseProbabilities(cases, files, judges=judges)
    judged = set(source.names)
    check_geometry([c for c in cases.cases if c.name in judged], progress).raise_if_stopped()
    checked = check_out_of_sample(source, source.files, told)
    source.report += checked.report
    if without:
        source.report += Report([_passed_over(without)])
    return judged_cases(
        cases,
        source,
        calibrate=calibrate,
        out_of_sample=checked.complete,
        progress=progress,
    )


def _passed_over(folders: list[Path]) -> Problem:
    return Problem(
        "info",
        "fold_all has learned from every case: passed over, the other folds judge",
        found=examples(folders),
    )
