"""Corrected masks: the given ones with the proposed class at every suspected pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mixednoise.noise.result_folder import new_result
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.cases.case import Case, CaseSet
from mixednoise.segmentation.cases.formats import ending_of
from mixednoise.segmentation.cases.masks import count_values, read_values
from mixednoise.segmentation.cases.writing import encode, write_bytes, write_like
from mixednoise.segmentation.export.corrections import (
    TABLE,
    Correction,
    Corrections,
    ExportSummary,
    Tally,
    checked,
    refuse_overwriting,
)

#: The folder of the masks in the result.
MASKS = "masks"


def write_corrected(
    case_set: CaseSet,
    corrections: Corrections,
    out: Path | str,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ExportSummary:
    """Write hard corrections, each in the format, with the values and on the grid of its mask.

    ``out/masks/NAME.ext``, or ``out/masks/CLASS/NAME.ext`` where the masks came as files of single
    classes (pixels that are not suspected stay as they were in each of these, overlaps included),
    and ``out/corrections.csv``: per case its labelled, suspected and changed pixels.

    Args:
        case_set: the cases.
        corrections: see :class:`.corrections.Correction`; read once, one at a time.
        out: the folder of the result.
        overwrite: replace an earlier result in it.
        progress: a bar over the masks.

    Raises:
        RunError: the folder has something in it already.
        DataError: a correction does not fit its case.
        TrainingError: the disk is full or can't be written to; nothing was changed.
    """
    folder = Path(out)
    names = (MASKS, TABLE)
    refuse_overwriting(case_set, folder, names, overwrite=overwrite)
    with new_result(folder, names) as work:
        tally = write_masks(case_set, corrections, work / MASKS, progress or Silent())
        tally.write(work)
    return tally.summary(folder)


def write_masks(
    case_set: CaseSet, corrections: Corrections, folder: Path, progress: Progress
) -> Tally:
    """Write the masks alone, as :func:`write_corrected` does; what was counted on the way."""
    tally = Tally()
    for case, correction in progress.track(checked(case_set, corrections), "writing masks"):
        if case.mask is not None and case.mask.classes:
            _write_classes(case_set, case, correction, folder)
        else:
            write_like(case_set, case, correction.corrected, folder / case.name)
        tally.add(correction)
    return tally


def _write_classes(case_set: CaseSet, case: Case, correction: Correction, folder: Path) -> None:
    files = dict(case.mask.classes) if case.mask is not None else {}
    template = next(iter(files.values()))
    suspected = correction.suspected
    for index, name in enumerate(case_set.class_names[1:], 1):
        inside = correction.proposed == index
        path = files.get(name)
        if path is None:
            # Every class gets its file, so that the result is read as the data was.
            path = template
            raw = np.zeros(correction.mask.shape, np.uint8)
            value = 255
        else:
            raw, _ = read_values(path)
            counts = count_values(raw)
            for other in (0, case_set.ignore_value):
                counts.pop(other if other is not None else 0, 0)
            value = max(counts, key=lambda one: (counts[one], one), default=255)
        changed = np.where(suspected, np.where(inside, value, 0), raw).astype(raw.dtype)
        ending = ending_of(path)
        write_bytes(folder / name / f"{case.name}{ending}", encode(changed, ending, path))
