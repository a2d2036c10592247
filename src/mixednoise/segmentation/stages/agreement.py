"""How far a network agrees with masks that it does not learn from, while it learns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pandas as pd

from mixednoise.evaluation.mask_metrics import MaskEvaluator
from mixednoise.models.segmenters import Segmenter
from mixednoise.segmentation.calibration import CalibrationFit
from mixednoise.segmentation.labels import Probabilities
from mixednoise.segmentation.stages.context import Stage

#: Of :func:`ranked_agreement`: cases looked at, their probabilities in memory, the draw of pixels.
MOST_CASES, MOST_BYTES, SEED = 100, 256 << 20, 203


def agreement_scores(stage: Stage, said: Iterable[tuple[int, Probabilities]]) -> pd.Series[float]:
    """Mean foreground Dice with the given mask of each case, at the size that networks see.

    Args:
        stage: of the cases.
        said: (case, its probabilities (K, *S)): the most probable classes are compared.

    Returns:
        By name of the case; NaN where no class is in either mask.
    """
    scores = MaskEvaluator(stage.prepared.cases.class_names, surface=False)
    names = []
    for row, probabilities in said:
        names.append(stage.prepared.cases.names[row])
        scores.add(names[-1], probabilities.argmax(axis=0).astype(np.uint8), stage.store.mask(row))
    return scores.scores().reindex(names)


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
        said = stage.predictor(segmenter).predict(stage.store, rows)
        return float(agreement_scores(stage, said).mean())

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
        common = ((row, shares.apply(kept)) for row, kept in said)
        return float(agreement_scores(stage, common).mean()) or math.nan

    return dice
