"""Teachers: one per fold, each learns from all other folds."""

from __future__ import annotations

import math
from typing import Any

from mixednoise.models.segmenters import Segmenter, load_segmenter, save_segmenter
from mixednoise.segmentation.folds import (
    Folds,
    make_folds,
    must_be_unseen,
    names_digest,
    read_folds,
)
from mixednoise.segmentation.learner import MaskLearner
from mixednoise.segmentation.loop import SegmentationLoop
from mixednoise.segmentation.stages.agreement import ranked_agreement
from mixednoise.segmentation.stages.context import Judged, Stage
from mixednoise.training.batches import derived_seed
from mixednoise.training.checkpoint import fingerprint

#: Validations in the training of a teacher, and the share of the old weights in the running mean
#: over epochs: mean Dice of single epochs goes up and down by .05.
VALIDATIONS, AVERAGE = 40, 0.85


def folds_of(stage: Stage) -> Folds:
    """The fold table of the run: read where it is there, else made and written."""
    cases = [stage.prepared.cases.cases[row] for row in stage.train]
    names = [case.name for case in cases]
    path = stage.judged_in.folds
    groups = [case.group for case in cases]
    if path.exists():
        return read_folds(path, names, groups)
    folds = make_folds(names, groups, stage.config.folds, seed=stage.config.seed)
    if stage.is_first:
        folds.write(path)
    return folds


def train_teachers(stage: Stage, judged: Judged | None = None) -> None:
    """Train the teachers of a round that are not there yet.

    Args:
        stage: with its folds and its round.
        judged: maps of the round before; None = learn from the masks as they were given.
    """
    folds, config, round_ = stage.made_folds, stage.config, stage.number
    for fold in range(folds.count):
        path = stage.teacher(fold)
        if path.exists():
            load_teacher(stage, fold)
            continue
        rows = stage.train[folds.learned_by(fold)]
        own = config.model_copy(
            update={
                "epochs": config.teacher_epochs
                or passes(config.epochs, len(stage.train), len(rows)),
                "seed": derived_seed(config.seed, 101, round_, fold) % 2**31,
            }
        )
        learner = MaskLearner(
            stage.segmenter(1000 + 100 * round_ + fold),
            # Whatever the student will learn from: students are compared on one judgement.
            mode="noisy" if judged is None else "slsr",
            epsilon=config.epsilon,
            loss=config.loss,
        )
        folder = path.parent / f"fold_{fold}"
        loop = SegmentationLoop(
            stage.fabric,
            learner,
            stage.learning_set(rows, judged),
            own,
            run=folder,
            progress=stage.progress,
            fingerprint=fingerprint(stage.prepared.fingerprint, rows, round_),
            name=f"teacher {fold + 1}/{folds.count}",
            **_stopping(stage, fold, own.epochs),
        )
        loop.resume()
        loop.fit()
        loop.load_best()
        if stage.is_first:
            learned = names_digest(folds.names[i] for i in folds.learned_by(fold))
            save_segmenter(
                path, learner.segmenter, stage.metadata(fold=fold, learned=learned, round=round_)
            )
        stage.fabric.barrier()


def _stopping(stage: Stage, fold: int, epochs: int) -> dict[str, Any]:
    """How a teacher is judged on its way, so that its best epoch is what is kept of it.

    Networks learn what many masks have in common before they learn single wrong ones by heart. How
    far a teacher agrees with the masks that it will judge, wrong as some are, falls again when it
    begins to. Of these masks it learns one number in a few epochs, nothing of any single one.
    """
    if stage.config.teacher_stop == "last":
        return {}
    rows = stage.train[stage.made_folds.judged_by(fold)].tolist()
    return {
        "validate": ranked_agreement(stage, rows),
        "validate_every": math.ceil(epochs / VALIDATIONS),
        "average": AVERAGE,
    }


def passes(epochs: int, cases: int, learned: int) -> int:
    """Passes over some of the cases that are as many steps as ``epochs`` passes over all.

    A teacher that sees half of the cases in as many passes takes half of the steps: it draws small
    structures far too small, or not at all, and what it says of masks is worth little.

    Args:
        epochs: passes over all cases.
        cases: all of them.
        learned: those that are learned from, at least 1.
    """
    return math.ceil(epochs * cases / learned)


def load_teacher(stage: Stage, fold: int) -> Segmenter:
    """The network that judges a fold, after it was checked that it never saw it.

    Raises:
        RunError: no whole teacher, or one that learned from other cases than its fold table says.
    """
    path = stage.teacher(fold)
    segmenter, metadata = load_segmenter(path)
    must_be_unseen(stage.made_folds, fold, str(metadata.get("learned")), source=str(path))
    segmenter.to(stage.fabric.device)
    return segmenter
