"""Cross-validation: every training sample judged by networks that never saw it or its patient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.splits import make_folds
from mixednoise.io import write_csv
from mixednoise.methods.base import FloatArray, IntArray
from mixednoise.methods.config import TrainingConfig
from mixednoise.methods.cross_entropy import CrossEntropySingleConfig, CrossEntropySingleMethod
from mixednoise.progress import Progress
from mixednoise.training.batches import derived_seed
from mixednoise.training.checkpoint import fingerprint
from mixednoise.training.data import Part, TrainingData
from mixednoise.workflow.building import make_loop
from mixednoise.workflow.fold_files import read_judged, write_judged
from mixednoise.workflow.prepare import Prepared

SEED = 71


@dataclass(frozen=True)
class OutOfFold:
    """What cross-validation says of the training samples.

    Attributes:
        probabilities: float64 (N, C), rows in the order of the training samples.
        seconds: of training all folds.
    """

    probabilities: FloatArray
    seconds: float


def folds_of(prepared: Prepared, count: int, seed: int) -> IntArray:
    """A fold for every training sample, int64 (N,); patients and identical images stay together.

    Raises:
        ConfigError: more folds than patients.
    """
    rows = prepared.dataset.rows("train")
    hashes = np.asarray(prepared.store.content_hash)[prepared.store_rows[rows]]
    return make_folds(prepared.dataset.subset(rows), count, seed=seed, content_hash=hashes)


def out_of_fold(
    prepared: Prepared,
    config: TrainingConfig,
    *,
    fold: IntArray,
    epochs: int,
    fabric: Any,
    run: Path | None,
    progress: Progress,
) -> OutOfFold:
    """Train one network of cross-entropy per fold on all other folds, and ask it for its own.

    Finished folds are not trained again; an unfinished one goes on after its last epoch.

    Args:
        prepared: data; the training split counts.
        config: backbone, views, optimiser and seed are taken from it.
        fold: of every training sample (:func:`folds_of`).
        epochs: of each.
        fabric: devices, precision, processes.
        run: folder for ``folds.csv`` and ``folds/``; None keeps nothing.
        progress: bars and lines.
    """
    data = prepared.training_data()
    classes, folds = len(data.class_names), int(fold.max()) + 1
    if run is not None and fabric.global_rank == 0:
        ids = prepared.dataset.table["id"].iloc[prepared.dataset.rows("train")]
        write_csv(run / "folds.csv", pd.DataFrame({"id": ids.to_numpy(), "fold": fold}))
    probabilities = np.zeros((len(fold), classes))
    seconds = 0.0
    for number in range(folds):
        own = _config(config, epochs, number)
        part, held = _without(data, fold, number), np.flatnonzero(fold == number)
        folder = None if run is None else run / "folds" / f"fold_{number}"
        key = fingerprint(part.fingerprint, own.model_dump(mode="json", exclude={"device"}))
        known = None if folder is None else read_judged(folder, key, (len(held), classes))
        if known is None:
            progress.message(f"fold {number + 1} of {folds}: learning from the others")
            loop = make_loop(
                CrossEntropySingleMethod, own, part, fabric=fabric, run=folder, progress=progress
            )
            loop.resume()
            loop.fit()
            found = loop.evaluator.probabilities(data.train.store_rows[held], classes)
            known = found, loop.state.seconds
            if folder is not None and fabric.global_rank == 0:
                write_judged(folder, key, found, loop.state.seconds)
            fabric.barrier()
        probabilities[held] = known[0]
        seconds += known[1]
    return OutOfFold(probabilities, seconds)


def _config(config: TrainingConfig, epochs: int, number: int) -> CrossEntropySingleConfig:
    shared = {name: getattr(config, name) for name in TrainingConfig.model_fields}
    seed = derived_seed(config.seed, SEED, number) % 2**31
    return CrossEntropySingleConfig(**{**shared, "epochs": epochs, "seed": seed})


def _without(data: TrainingData, fold: IntArray, number: int) -> TrainingData:
    """The training samples of the other folds; nothing to validate on, the last epoch counts."""
    kept = fold != number
    nothing = np.zeros(0, np.int64)
    return replace(
        data,
        train=Part(data.train.store_rows[kept], data.train.labels[kept]),
        val=Part(nothing, nothing),
        noise_group=None,
        fingerprint=fingerprint(data.fingerprint, kept),
    )
