"""Judgement: what teachers say of the cases that they never saw, and the error maps made of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.io import write_json
from mixednoise.segmentation.bands import band_rows, typical_band
from mixednoise.segmentation.calibration import Calibrate, Calibration, CalibrationFit, settled
from mixednoise.segmentation.cases import write_like
from mixednoise.segmentation.cases.writing import encode, write_bytes
from mixednoise.segmentation.confident import ErrorSettings, Summary, write_errors
from mixednoise.segmentation.error_settings import MOST_DOUBT
from mixednoise.segmentation.labels import Mask
from mixednoise.segmentation.stages.context import Stage
from mixednoise.segmentation.stages.judged import (
    STATE,
    JudgedSource,
    probability_file,
    read_state,
    run_calibrated_by,
    stored_probabilities,
)
from mixednoise.segmentation.stages.teachers import load_teacher
from mixednoise.segmentation.whole_masks import in_words
from mixednoise.segmentation.write_errors import SUMMARY
from mixednoise.training.batches import derived_seed
from mixednoise.training.checkpoint import fingerprint

#: Doubt up to which masks are judged as a whole where that will be tried: a mask known with 80 %.
DOUBT_ON_TRIAL = 0.5


def judge(stage: Stage) -> None:
    """Write ``probabilities/NAME.npy``, float16 (K, *S) at the size that networks see.

    Goes on where it was stopped; files of other teachers are made anew.
    """
    folds = stage.made_folds
    folder = stage.probabilities
    teachers = [stage.teacher(fold) for fold in range(folds.count)]
    made_by = fingerprint(stage.prepared.fingerprint, [_digest(path) for path in teachers])
    state = read_state(folder)
    if state.get("made_by") != made_by:
        state = {"made_by": made_by, "calibration": {}}
        if stage.is_first:
            for old in folder.glob("*.npy") if folder.is_dir() else ():
                old.unlink()
            write_json(folder / STATE, state)
        stage.fabric.barrier()
    for fold in range(folds.count):
        rows = stage.train[folds.judged_by(fold)].tolist()
        missing = [row for row in rows if not probability_file(stage, row).exists()]
        mine = missing[stage.fabric.global_rank :: stage.fabric.world_size]
        if mine:
            predictor = stage.predictor(load_teacher(stage, fold))
            found = predictor.predict(stage.store, mine)
            bar = f"teacher {fold + 1}/{folds.count} judges"
            for row, probabilities in stage.progress.track(found, bar, total=len(mine)):
                data = encode(probabilities.astype(np.float16), ".npy")
                write_bytes(probability_file(stage, row), data)
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
        "probabilities": read_state(stage.probabilities)["made_by"],
    }


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
        most_doubt=most_doubt(stage),
    )


def most_doubt(stage: Stage) -> float:
    """Up to which doubt masks are judged as a whole.

    Where a second round of teachers will show whether the first ones' corrections are any good,
    much; where there is none (any more), little.
    """
    on_trial = stage.config.rounds == "auto" and stage.rounds > 1
    return DOUBT_ON_TRIAL if on_trial else MOST_DOUBT


def _sample(stage: Stage) -> Iterator[tuple[Mask, float]]:
    """Masks at the size that networks see, evenly spaced over the set, and their reduction."""
    rows = stage.train.tolist()
    for row in (rows[index] for index in band_rows(len(rows))):
        seen, native = stage.store.shape(row), stage.store.native_shape(row)
        yield stage.store.mask(row), native[-1] / seen[-1]


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
