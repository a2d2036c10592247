"""How far a network agrees with masks that it does not learn from, while it learns."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from mixednoise.evaluation.mask_metrics import MaskEvaluator
from mixednoise.models.segmenters import Segmenter
from mixednoise.segmentation.calibration import CalibrationFit
from mixednoise.segmentation.stages.context import Stage

#: Of :func:`ranked_agreement`: cases looked at, their probabilities in memory, the draw of pixels.
MOST_CASES, MOST_BYTES, SEED = 100, 256 << 20, 203


def mask_agreement(stage: Stage, rows: Sequence[int]) -> Callable[[Segmenter], float] | None:
    """Mean foreground Dice with the given masks of some cases, at the size that networks see.

    Args:
        stage: of the cases.
        rows: cases that the network does not learn from; those without a mask are passed over.

    Returns:
        To be called with the network; None where no case has a mask.
    """
    rows = [row for row in rows if stage.store.has_mask(row)]
    if not rows:
        return None

    def dice(segmenter: Segmenter) -> float:
        scores = MaskEvaluator(stage.prepared.cases.class_names, surface=False)
        for row, probabilities in stage.predictor(segmenter).predict(stage.store, rows):
            predicted = probabilities.argmax(axis=0).astype(np.uint8)
            scores.add(str(row), predicted, stage.store.mask(row))
        return float(scores.scores().mean())

    return dice


def ranked_agreement(stage: Stage, rows: Sequence[int]) -> Callable[[Segmenter], float]:
    """The same for a network whose probabilities are looked at rather than its classes.

    Where most masks of a small structure are wrong, or corrected softly, a good network gives it
    less than one half: it names the background everywhere, and knows very well where the structure
    is. So each class is the most probable one of as many pixels as it has in the given masks
    (:mod:`mixednoise.segmentation.calibration`, ``shares``) before they are compared.

    Args:
        stage: of the cases.
        rows: cases with a mask that the network does not learn from, evenly spaced ones of which
            are looked at: at most :data:`MOST_CASES`, and as many as memory allows.

    Returns:
        To be called with the network; gives NaN where it names one class everywhere.
    """
    bytes_each = 2 * stage.prepared.cases.num_classes * math.prod(stage.store.shape(rows[0]))
    some = rows[:: math.ceil(len(rows) / max(1, min(MOST_CASES, MOST_BYTES // bytes_each)))]

    def dice(segmenter: Segmenter) -> float:
        fit = CalibrationFit(len(some), rng=np.random.default_rng(SEED))
        said = []
        for row, probabilities in stage.predictor(segmenter).predict(stage.store, some):
            fit.add(stage.store.mask(row), probabilities)
            said.append((row, probabilities.astype(np.float16)))
        shares = fit.fit("shares")
        scores = MaskEvaluator(stage.prepared.cases.class_names, surface=False)
        for row, kept in said:
            classes = shares.apply(kept).argmax(axis=0).astype(np.uint8)
            scores.add(str(row), classes, stage.store.mask(row))
        return float(scores.scores().mean()) or math.nan

    return dice
