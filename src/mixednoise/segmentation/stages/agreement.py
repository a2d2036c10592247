"""How far a network agrees with masks that it does not learn from, while it learns."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mixednoise.evaluation.mask_metrics import MaskEvaluator
from mixednoise.models.segmenters import Segmenter
from mixednoise.segmentation.stages.context import Stage


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
