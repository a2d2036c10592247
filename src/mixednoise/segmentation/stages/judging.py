"""Judgement: what teachers say of the cases that they never saw, and the error maps made of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.errors import RunError
from mixednoise.io import write_json
from mixednoise.segmentation.bands import band_rows, typical_band
from mixednoise.segmentation.calibration import Calibrate, Calibration, CalibrationFit, settled
from mixednoise.segmentation.cases import read_mask, resize_mask, write_like
from mixednoise.segmentation.cases.masks import read_values
from mixednoise.segmentation.cases.writing import encode, template_ending, write_bytes
from mixednoise.segmentation.confident import ErrorSettings, Summary, write_errors
from mixednoise.segmentation.export.corrections import Correction
from mixednoise.segmentation.inference import resized_probabilities
from mixednoise.segmentation.labels import ErrorMap, Mask, Probabilities
from mixednoise.segmentation.stages.context import Stage
from mixednoise.segmentation.stages.teachers import load_teacher
from mixednoise.segmentation.whole_masks import in_words
from mixednoise.segmentation.write_errors import SUMMARY
from mixednoise.training.batches import derived_seed
from mixednoise.training.checkpoint import fingerprint

Array = np.ndarray[Any, Any]
STATE = "state.json"


def judge(stage: Stage) -> None:
    """Write ``probabilities/NAME.npy``, float16 (K, *S) at the size that networks see.

    Goes on where it was stopped; files of other teachers are made anew.
    """
    folds = stage.folds
    assert folds is not None  # noqa: S101 - the teachers came first
    folder = stage.probabilities
    teachers = [stage.teacher(fold) for fold in range(folds.count)]
    made_by = fingerprint(stage.prepared.fingerprint, [_digest(path) for path in teachers])
    state = _read_state(folder)
    if state.get("made_by") != made_by:
        state = {"made_by": made_by, "calibration": {}}
        if stage.is_first:
            for old in folder.glob("*.npy") if folder.is_dir() else ():
                old.unlink()
            write_json(folder / STATE, state)
        stage.fabric.barrier()
    for fold in range(folds.count):
        rows = stage.train[folds.judged_by(fold)].tolist()
        missing = [row for row in rows if not _file(stage, row).exists()]
        mine = missing[stage.fabric.global_rank :: stage.fabric.world_size]
        if mine:
            predictor = stage.predictor(load_teacher(stage, fold))
            found = predictor.predict(stage.store, mine)
            bar = f"teacher {fold + 1}/{folds.count} judges"
            for row, probabilities in stage.progress.track(found, bar, total=len(mine)):
                data = encode(probabilities.astype(np.float16), ".npy")
                write_bytes(_file(stage, row), data)
        stage.fabric.barrier()
    fitted = state["calibration"].get(stage.config.calibrate)
    if fitted is None:
        found_ones = fit_calibrations(stage, stage.config.calibrate)
        fitted = {str(fold): one.to_json() for fold, one in found_ones.items()}
        state["calibration"][stage.config.calibrate] = fitted
        if stage.is_first:
            write_json(folder / STATE, state)
        for fold, one in found_ones.items():
            stage.progress.message(f"teacher {fold + 1}: {one}")
        if not found_ones and stage.config.calibrate == "auto":
            stage.progress.message("teachers see every class: their probabilities stay as they are")


def fit_calibrations(stage: Stage, kind: Calibrate) -> dict[int, Calibration]:
    """What becomes of each teacher's probabilities, by fold; {} where nothing does."""
    folds = stage.folds
    if kind == "none" or folds is None:
        return {}
    fits = []
    for fold in range(folds.count):
        rows = stage.train[folds.judged_by(fold)].tolist()
        seed = derived_seed(stage.config.seed, 202, fold)
        fits.append(CalibrationFit(len(rows), rng=np.random.default_rng(seed)))
        for row in rows:
            fits[-1].add(stage.store.mask(row), stored_probabilities(stage, row))
    # A fold may by chance hold more masks that are too large than another one: the shares of the
    # classes are those of all folds together.
    pixels = np.sum([fit.pixels for fit in fits], axis=0)
    kind = settled(kind, fits)
    return {} if kind == "none" else {f: fit.fit(kind, pixels) for f, fit in enumerate(fits)}


def find_errors(stage: Stage) -> None:
    """Write the error maps, ``images.csv`` and ``summary.json`` from the probabilities."""
    out = stage.error_maps
    settings = error_settings(stage)
    wanted = made_from(stage, settings)
    key = fingerprint(wanted)
    mark = out / "made_from.json"
    done = (out / SUMMARY).exists() and mark.exists()
    if done and json.loads(mark.read_text(encoding="utf-8")).get("key") == key:
        return
    if stage.is_first:
        mark.unlink(missing_ok=True)
        cases = {case.name: case for case in stage.prepared.cases.cases}

        def writer(name: str, picture: Mask) -> None:
            write_like(stage.prepared.cases, cases[name], picture > 0, out / name)

        summary = write_errors(
            JudgedSource(stage),
            out,
            settings,
            writer=writer,
            class_names=stage.prepared.cases.class_names,
            overwrite=True,
            progress=stage.progress,
        )
        write_json(mark, {"key": key, **wanted})
        _tell(stage, summary)
    stage.fabric.barrier()


def made_from(stage: Stage, settings: ErrorSettings) -> dict[str, Any]:
    """What the error maps depend on; others are made anew."""
    return {
        "settings": settings.model_dump(),
        "calibrate": stage.config.calibrate,
        "probabilities": _read_state(stage.probabilities)["made_by"],
    }


def found_wrong_masks(stage: Stage) -> bool:
    """Whether error maps come from masks that were found to be wrong as a whole."""
    whole = summary_of(stage)["whole_masks"]
    return bool(whole and whole["several_kinds"])


def summary_of(stage: Stage) -> dict[str, Any]:
    """``summary.json`` of the error maps of a round."""
    found: dict[str, Any] = json.loads((stage.error_maps / SUMMARY).read_text(encoding="utf-8"))
    return found


def was_judged(stage: Stage) -> bool:
    """Whether the run has error maps."""
    return stage.folds is not None and (stage.error_maps / SUMMARY).exists()


def error_settings(stage: Stage) -> ErrorSettings:
    """The part of the options that decides the error maps."""
    config = stage.config
    band = config.band
    if band == "auto":
        band = None if config.rule == "argmax" else typical_band(_sample(stage))
    return ErrorSettings(
        rule=config.rule,
        pool=config.pool,
        band=band,
        keep_shares=run_calibrated_by(stage) == "shares",
        min_region=config.min_region,
    )


def _sample(stage: Stage) -> Iterator[tuple[Mask, float]]:
    """Masks at the size that networks see, evenly spaced over the set, and their reduction."""
    rows = stage.train.tolist()
    for row in (rows[index] for index in band_rows(len(rows))):
        seen, native = stage.store.shape(row), stage.store.native_shape(row)
        yield stage.store.mask(row), native[-1] / seen[-1]


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
        self.judges = [] if stage.folds is None else stage.folds.fold.tolist()
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
        stored = np.load(_file(self._stage, self._rows[index]), allow_pickle=False)
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


def calibrations_of(
    stage: Stage, by_fold: Mapping[int, Calibration] | None = None
) -> dict[int, Calibration]:
    """What becomes of the probabilities of each training case, by row.

    Args:
        stage: of which the probabilities are there.
        by_fold: of the teachers; None = what the run has fitted.
    """
    assert stage.folds is not None  # noqa: S101 - the teachers came first
    by_fold = _fitted(stage) if by_fold is None else by_fold
    folds = stage.folds.fold.tolist()
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
    known = _read_state(stage.probabilities)["calibration"].get(stage.config.calibrate, {})
    return {int(fold): Calibration.from_json(values) for fold, values in known.items()}


def stored_probabilities(stage: Stage, row: int) -> Array:
    """Of one case, float16 (K, *S) as networks see it, mapped into memory."""
    mapped: Array = np.load(_file(stage, row), mmap_mode="r", allow_pickle=False)
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


def _file(stage: Stage, row: int) -> Path:
    return stage.probabilities / f"{stage.prepared.cases.names[row]}.npy"


def _read_state(folder: Path) -> dict[str, Any]:
    path = folder / STATE
    if not path.exists():
        return {"made_by": None, "calibration": {}}
    state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {"calibration": {}} | state


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tell(stage: Stage, summary: Summary) -> None:
    stage.progress.message(
        f"suspected: {summary.flagged_share:.1%} of the pixels, in {summary.images_flagged} of "
        f"{summary.images} masks"
    )
    whole = summary.estimate.whole_masks
    if whole is not None:
        stage.progress.message(in_words(whole.to_json(), summary.images))
