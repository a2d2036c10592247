"""What confident learning asks of a cross-validation: probabilities of plain cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.methods.base import FloatArray, IntArray
from mixednoise.methods.config import TrainingConfig
from mixednoise.methods.cross_entropy import CrossEntropySingleConfig, CrossEntropySingleMethod
from mixednoise.progress import Progress
from mixednoise.workflow.fold_training import FoldTraining, seed_of_fold, train_folds
from mixednoise.workflow.prepare import Prepared


@dataclass(frozen=True)
class OutOfFold:
    """What cross-validation says of the training samples.

    Attributes:
        probabilities: float64 (N, C), rows in the order of the training samples.
        seconds: of training all folds.
    """

    probabilities: FloatArray
    seconds: float


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

    Args:
        prepared: data; the training split counts.
        config: backbone, views, optimiser and seed are taken from it.
        fold: of every training sample (:func:`folds_of`).
        epochs: of each.
        fabric, run, progress: as :func:`train_folds` takes them.

    Raises:
        DataError: sample weights that leave nothing to learn from beside a fold.
    """
    classes = prepared.dataset.num_classes
    found = train_folds(
        prepared,
        fold,
        FoldTraining(
            CrossEntropySingleMethod,
            lambda number: _config(config, epochs, number),
            lambda loop, rows: loop.evaluator.probabilities(rows, classes),
        ),
        fabric=fabric,
        run=run,
        progress=progress,
    )
    probabilities = np.zeros((len(fold), classes))
    for number, values in enumerate(found.judged):
        probabilities[fold == number] = values
    return OutOfFold(probabilities, found.seconds)


def _config(config: TrainingConfig, epochs: int, number: int) -> CrossEntropySingleConfig:
    shared = {name: getattr(config, name) for name in TrainingConfig.model_fields}
    return CrossEntropySingleConfig(
        **{**shared, "epochs": epochs, "seed": seed_of_fold(config, number)}
    )
