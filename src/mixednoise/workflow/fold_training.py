"""Cross-validation: every sample judged by networks that never saw it or its patient."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.splits import make_folds
from mixednoise.errors import DataError
from mixednoise.io import write_csv
from mixednoise.methods.base import IntArray, Method
from mixednoise.methods.confident_learning import FEWEST
from mixednoise.methods.config import TrainingConfig
from mixednoise.progress import Progress
from mixednoise.training.batches import derived_seed
from mixednoise.training.checkpoint import fingerprint
from mixednoise.training.data import Part, TrainingData
from mixednoise.training.loop import Loop
from mixednoise.workflow.building import make_loop
from mixednoise.workflow.fold_files import read_judged, write_judged
from mixednoise.workflow.prepare import Prepared

SEED = 71
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class FoldTraining:
    """What is trained in every fold, and what is asked of it.

    Attributes:
        method: of the training.
        config: its options for a fold's number, ``auto`` resolved.
        judge: what the trained loop says of rows (n,) of the pixel store, an array (n, ...).
        finished: called with the trained loop and the fold's folder (where there is one) before
            the judgement counts as made.
    """

    method: type[Method[Any]]
    config: Callable[[int], TrainingConfig]
    judge: Callable[[Loop, IntArray], Array]
    finished: Callable[[Loop, Path], None] | None = None


@dataclass(frozen=True)
class Folds:
    """What the networks of every fold say.

    Attributes:
        judged: per fold what was said of its own samples, in their order, then of ``others``.
        seconds: of training all folds.
    """

    judged: list[Array]
    seconds: float


def folds_of(prepared: Prepared, count: int, seed: int) -> IntArray:
    """A fold for every training sample, int64 (N,); patients and identical images stay together.

    Raises:
        ConfigError: more folds than patients.
    """
    rows = prepared.dataset.rows("train")
    hashes = np.asarray(prepared.store.content_hash)[prepared.store_rows[rows]]
    return make_folds(prepared.dataset.subset(rows), count, seed=seed, content_hash=hashes)


def seed_of_fold(config: TrainingConfig, number: int) -> int:
    """A seed of its own for the training of every fold."""
    return derived_seed(config.seed, SEED, number) % 2**31


def train_folds(
    prepared: Prepared,
    fold: IntArray,
    training: FoldTraining,
    *,
    others: IntArray | None = None,
    fabric: Any,
    run: Path | None,
    progress: Progress,
) -> Folds:
    """Train on all folds but one, and judge that one, for each fold in turn.

    Finished folds are not trained again; an unfinished one goes on after its last epoch.

    Args:
        prepared: data; the training split counts.
        fold: of every training sample (:func:`folds_of`).
        training: what is trained.
        others: further rows of the data set that every fold judges; none of them is learned from.
        fabric: devices, precision, processes.
        run: folder for ``folds.csv`` and ``folds/``; None keeps nothing.
        progress: bars and lines.

    Raises:
        DataError: sample weights that leave nothing to learn from beside a fold.
    """
    data = prepared.training_data()
    folds = int(fold.max()) + 1
    if run is not None and fabric.global_rank == 0:
        ids = prepared.dataset.table["id"].iloc[prepared.dataset.rows("train")]
        write_csv(run / "folds.csv", pd.DataFrame({"id": ids.to_numpy(), "fold": fold}))
    more = np.zeros(0, np.int64) if others is None else prepared.store_rows[others]
    judged, seconds = [], 0.0
    for number in range(folds):
        own = training.config(number)
        part = _without(data, fold, number)
        asked = np.concatenate([data.train.store_rows[fold == number], more])
        folder = None if run is None else run / "folds" / f"fold_{number}"
        options = own.model_dump(mode="json", exclude={"device"})
        # Methods share the names of their options.
        key = fingerprint(part.fingerprint, options, training.method.name)
        known = None if folder is None else read_judged(folder, key, len(asked))
        if known is None:
            progress.message(f"fold {number + 1} of {folds}: learning from the others")
            loop = make_loop(
                training.method, own, part, fabric=fabric, run=folder, progress=progress
            )
            loop.resume()
            loop.fit()
            found = training.judge(loop, asked)
            known = found, loop.state.seconds
            if folder is not None and fabric.global_rank == 0:
                if training.finished is not None:
                    training.finished(loop, folder)
                write_judged(folder, key, found, loop.state.seconds)
            fabric.barrier()
        judged.append(known[0])
        seconds += known[1]
    return Folds(judged, seconds)


def _without(data: TrainingData, fold: IntArray, number: int) -> TrainingData:
    """The training samples of the other folds; nothing to validate on, the last epoch counts."""
    kept = fold != number
    nothing = np.zeros(0, np.int64)
    weights = None if data.train.weights is None else data.train.weights[kept]
    if weights is not None and weights.sum() < FEWEST:
        raise DataError(
            f"beside fold {number + 1} there is nothing to learn from",
            expected=f"sample weights that come to {FEWEST} or more in the other folds",
            found=f"{weights.sum():g}",
            fix="choose fewer folds, or give more images a weight above 0",
        )
    return replace(
        data,
        train=Part(data.train.store_rows[kept], data.train.labels[kept], weights),
        val=Part(nothing, nothing),
        noise_group=None,
        fingerprint=fingerprint(data.fingerprint, kept),
    )
