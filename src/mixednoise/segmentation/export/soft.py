"""Soft masks: for each pixel the weight of each class, suspected pixels being smoothed."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import numpy as np

from mixednoise.errors import ConfigError, DataError
from mixednoise.io import write_json
from mixednoise.noise.result_folder import new_result
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.cases.case import Case, CaseSet
from mixednoise.segmentation.cases.formats import NIFTI_ENDINGS, ending_of
from mixednoise.segmentation.cases.writing import encode, write_bytes
from mixednoise.segmentation.export.corrections import (
    TABLE,
    Correction,
    Corrections,
    ExportSummary,
    Tally,
    checked,
    refuse_overwriting,
)
from mixednoise.segmentation.labels import IGNORE

#: ``float`` float32 for every class; ``uint8`` and ``uint16`` the foreground of two classes as PNG.
Form = Literal["float", "uint8", "uint16"]
TARGETS, DESCRIPTION = "targets", "targets.json"
_SCALES: dict[str, int] = {"uint8": 255, "uint16": 65535}


def write_soft(
    case_set: CaseSet,
    corrections: Corrections,
    out: Path | str,
    *,
    epsilon: float,
    use_probabilities: bool = False,
    form: Form = "float",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ExportSummary:
    """Write the targets of spatial label smoothing; see :func:`soft_targets`.

    ``out/targets/NAME.nii.gz`` (X, Y, Z, K) with the affine where the case is NIfTI, else
    ``NAME.npy`` (K, *S); or ``NAME.png`` with the foreground's weight. ``out/targets.json`` says
    what they are, ``out/corrections.csv`` counts the pixels.

    Args:
        case_set: the cases.
        corrections: see :class:`.corrections.Correction`; read once, one at a time.
        out: the folder of the result.
        epsilon: 0 (the label as given) to 1 (the proposal).
        use_probabilities: smooth towards the probabilities in place of the proposed class.
        form: ``float``, or for two classes and 2-D images ``uint8`` (weight * 255) or ``uint16``
            (weight * 65535).
        overwrite: replace an earlier result in it.
        progress: a bar over the masks.

    Raises:
        ConfigError: epsilon outside 0 to 1, or integers for more than two classes.
        RunError: the folder has something in it already.
        DataError: a correction does not fit its case, has no probabilities, or (as PNG) is a volume
            or has pixels to ignore, for which integers have no value.
        TrainingError: the disk is full or can't be written to; nothing was changed.
    """
    _check_options(case_set, epsilon, form)
    folder = Path(out)
    names = (TARGETS, DESCRIPTION, TABLE)
    refuse_overwriting(case_set, folder, names, overwrite=overwrite)
    tally = Tally()
    with new_result(folder, names) as work:
        passed = (progress or Silent()).track(checked(case_set, corrections), "writing targets")
        for case, correction in passed:
            targets = _targets(case_set, correction, epsilon, use_probabilities)
            _write(case, correction, targets, work / TARGETS, form)
            tally.add(correction)
        write_json(
            work / DESCRIPTION,
            {
                "class_names": list(case_set.class_names),
                "epsilon": epsilon,
                "towards": "probabilities" if use_probabilities else "proposed class",
                "values": "weight of each class, class axis first in npy and last in NIfTI; "
                "all 0 where the mask is to be ignored"
                if form == "float"
                else f"weight of {case_set.class_names[1]} times {_SCALES[form]}",
            },
        )
        tally.write(work)
    return tally.summary(folder)


def soft_targets(
    correction: Correction, num_classes: int, epsilon: float, *, use_probabilities: bool = False
) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Spatial label smoothing (section 7 of the method), for any number of classes.

    The one-hot label where nothing is suspected; ``(1 - epsilon) * label + epsilon * proposal``
    where something is, the proposal being one-hot or, with ``use_probabilities``, the probabilities
    of the teacher.

    Args:
        correction: mask, error map, proposal.
        num_classes: K.
        epsilon: 0 to 1.
        use_probabilities: see above.

    Returns:
        float32 (K, *S), summing to 1 over the classes; all 0 at pixels to ignore.
    """
    mask, suspected = correction.mask, correction.suspected
    targets = np.zeros((num_classes, *mask.shape), np.float32)
    for index in range(num_classes):
        plane = targets[index]
        plane[mask == index] = 1
        if use_probabilities and correction.probabilities is not None:
            towards = correction.probabilities[index][suspected].astype(np.float32)
        else:
            towards = (correction.proposed[suspected] == index).astype(np.float32)
        plane[suspected] = (1 - epsilon) * plane[suspected] + epsilon * towards
    return targets


def _targets(
    case_set: CaseSet, correction: Correction, epsilon: float, use_probabilities: bool
) -> np.ndarray[Any, np.dtype[np.float32]]:
    if use_probabilities and correction.probabilities is None:
        raise DataError(
            f"no probabilities for {correction.name}",
            expected="the probabilities of every class in every pixel",
            found="the proposed class alone",
            fix="keep the probabilities when errors are found, or smooth towards the proposal",
        )
    return soft_targets(
        correction, case_set.num_classes, epsilon, use_probabilities=use_probabilities
    )


def _write(
    case: Case,
    correction: Correction,
    targets: np.ndarray[Any, np.dtype[np.float32]],
    folder: Path,
    form: Form,
) -> None:
    if form == "float":
        files = (*(case.mask.paths if case.mask is not None else ()), *case.images)
        grid = next((path for path in files if ending_of(path) in NIFTI_ENDINGS), None)
        ending = ".npy" if grid is None else ".nii.gz"
        write_bytes(folder / f"{case.name}{ending}", encode(targets, ending, grid))
        return
    if correction.mask.ndim != 2 or (correction.mask == IGNORE).any():
        volume = correction.mask.ndim != 2
        raise DataError(
            f"the target of {case.name} can't be stored as PNG",
            expected="a 2-D mask without pixels to ignore",
            found="a volume" if volume else "pixels to ignore",
            fix="write floating-point targets",
        )
    scaled = np.rint(targets[1].astype(np.float64) * _SCALES[form]).astype(form)
    write_bytes(folder / f"{case.name}.png", encode(scaled, ".png"))


def _check_options(case_set: CaseSet, epsilon: float, form: Form) -> None:
    if not 0 <= epsilon <= 1:
        raise ConfigError(
            "epsilon can't be used",
            expected="0 (keep the label) to 1 (take the proposal)",
            found=f"{epsilon:g}",
            fix="choose --epsilon from this range; 0.8 is usual",
        )
    if form not in ("float", *_SCALES):
        raise ConfigError(
            "unknown form of targets",
            expected=" or ".join(("float", *_SCALES)),
            found=str(form),
            fix="choose one of these",
        )
    if form != "float" and case_set.num_classes != 2:
        raise ConfigError(
            f"{form} targets hold one class beside the background",
            expected="2 classes",
            found=str(case_set.num_classes),
            fix="write floating-point targets",
        )
