"""What teachers said of the cases that they never saw, read back beside the given masks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.errors import RunError
from mixednoise.segmentation.calibration import Calibrate, Calibration
from mixednoise.segmentation.cases import read_mask, resize_mask
from mixednoise.segmentation.cases.masks import read_values
from mixednoise.segmentation.cases.writing import template_ending
from mixednoise.segmentation.export.corrections import Correction
from mixednoise.segmentation.inference import resized_probabilities
from mixednoise.segmentation.labels import ErrorMap, Mask, Probabilities
from mixednoise.segmentation.stages.context import Stage
from mixednoise.segmentation.write_errors import SUMMARY

Array = np.ndarray[Any, Any]
#: Beside the probabilities: which teachers made them, and their calibrations.
STATE = "state.json"


class JudgedSource:
    """Given masks at their own size, with the probabilities of teachers that never saw them.

    Args:
        stage: of which the probabilities are there.
        calibrations: of the teachers, by fold; {} = probabilities as teachers say them; None = what
            the run has fitted.

    Attributes:
        names: of the training cases.
        place: name -> index.
        judges: the fold of each, whose teacher has judged it.
        num_classes: K.
    """

    def __init__(self, stage: Stage, calibrations: Mapping[int, Calibration] | None = None) -> None:
        self._stage = stage
        self._rows = stage.train.tolist()
        self.names = [stage.prepared.cases.names[row] for row in self._rows]
        self.place = {name: index for index, name in enumerate(self.names)}
        self.judges = stage.made_folds.fold.tolist()
        self.num_classes = stage.prepared.cases.num_classes
        self._calibrations = calibrations_of(stage, calibrations)

    def __len__(self) -> int:
        return len(self._rows)

    def read(self, index: int) -> tuple[Mask, Probabilities]:
        """Mask uint8 (*S) as in its file, probabilities float32 (K, *S)."""
        cases, row = self._stage.prepared.cases, self._rows[index]
        mask = read_mask(cases, cases.cases[row])
        return mask, self.probabilities(index, mask.shape)

    def probabilities(self, index: int, shape: tuple[int, ...]) -> Probabilities:
        """Probabilities at that size, float32 (K, *shape)."""
        stored = np.load(probability_file(self._stage, self._rows[index]), allow_pickle=False)
        values = self._calibrations[self._rows[index]].apply(stored)
        return resized_probabilities(values, shape)

    def correction(self, index: int, *, probabilities: bool = False) -> Correction:
        """Mask, suspected pixels and proposal, at the mask's size; the probabilities if wanted.

        Raises:
            UnreadableCaseError: the mask or its error map can't be read.
            RunError: there is no error map.
        """
        mask, values = self.read(index)
        flagged = flagged_map(self._stage, self._rows[index], native=True)
        proposed = values.argmax(axis=0).astype(np.uint8)
        kept = values if probabilities else None
        return Correction(self.names[index], mask, flagged, proposed, kept)


def found_wrong_masks(stage: Stage) -> bool:
    """Whether error maps come from masks that were found to be wrong as a whole."""
    whole = summary_of(stage)["whole_masks"]
    return bool(whole and whole["several_kinds"])


def doubt_about_masks(stage: Stage) -> float:
    """Mean entropy of right or wrong, nats, of the masks that were judged as a whole."""
    return float(summary_of(stage)["whole_masks"]["doubt"])


def summary_of(stage: Stage) -> dict[str, Any]:
    """``summary.json`` of the error maps of a round."""
    found: dict[str, Any] = json.loads((stage.error_maps / SUMMARY).read_text(encoding="utf-8"))
    return found


def how_to_judge(method: str) -> str:
    """For a message: what gives a run of that method the error maps that it lacks."""
    if method == "confident":
        return "go on with the same `mixednoise segment train` command and --resume"
    return "train with --method confident, into another --out: no other method judges masks"


def was_judged(stage: Stage) -> bool:
    """Whether the run has error maps."""
    return stage.folds is not None and (stage.error_maps / SUMMARY).exists()


def calibrations_of(
    stage: Stage, by_fold: Mapping[int, Calibration] | None = None
) -> dict[int, Calibration]:
    """What becomes of the probabilities of each training case, by row.

    Args:
        stage: of which the probabilities are there.
        by_fold: of the teachers; None = what the run has fitted.
    """
    by_fold = _fitted(stage) if by_fold is None else by_fold
    folds = stage.made_folds.fold.tolist()
    return {
        row: by_fold.get(fold, Calibration())
        for row, fold in zip(stage.train.tolist(), folds, strict=True)
    }


def run_calibrated_by(stage: Stage, by_fold: Mapping[int, Calibration] | None = None) -> Calibrate:
    """What ``calibrate`` comes to: never ``auto``; arguments as of :func:`calibrations_of`."""
    if by_fold is None and stage.config.calibrate != "auto":
        return stage.config.calibrate
    fitted = _fitted(stage) if by_fold is None else by_fold
    return next((one.kind for one in fitted.values()), "none")


def _fitted(stage: Stage) -> dict[int, Calibration]:
    known = read_state(stage.probabilities)["calibration"].get(stage.config.calibrate, {})
    return {int(fold): Calibration.from_json(values) for fold, values in known.items()}


def stored_probabilities(stage: Stage, row: int) -> Array:
    """Of one case, float16 (K, *S) as networks see it, mapped into memory."""
    mapped: Array = np.load(probability_file(stage, row), mmap_mode="r", allow_pickle=False)
    return mapped


def flagged_map(stage: Stage, row: int, *, native: bool = False) -> ErrorMap:
    """The error map of one case, bool (*S).

    Args:
        stage: of which the maps are there.
        row: the case.
        native: at the mask's own size; else at the size that networks see.

    Raises:
        RunError: it is not there.
    """
    case = stage.prepared.cases.cases[row]
    path = stage.error_maps / f"{case.name}{template_ending(case)}"
    if not path.exists():
        raise RunError(
            f"there is no error map of {case.name}",
            expected=str(path),
            found="none",
            fix="find the errors again: delete the folder and go on with --resume",
        )
    found = (read_values(path)[0] > 0).astype(np.uint8)
    if not native:
        shape = stage.store.shape(row)
        if found.shape != shape:
            found = resize_mask(found, (shape[-2], shape[-1]))
    result: ErrorMap = found.astype(bool)
    return result


def probability_file(stage: Stage, row: int) -> Path:
    """Of one case; written by :func:`~mixednoise.segmentation.stages.judging.judge`."""
    return stage.probabilities / f"{stage.prepared.cases.names[row]}.npy"


def read_state(folder: Path) -> dict[str, Any]:
    """Which teachers made the probabilities of a folder, and their calibrations."""
    path = folder / STATE
    if not path.exists():
        return {"made_by": None, "calibration": {}}
    state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {"calibration": {}} | state
