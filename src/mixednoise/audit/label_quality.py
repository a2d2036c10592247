"""One number to rank labels by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

#: Doubt in the verdict of the separation: pseudo-votes for either side, in units of its own vote.
_DOUBT = 0.2
#: Probabilities nearer to 0 or 1 say no more than this.
_LEAST = 1e-6


def label_quality(p_correct: Floats, self_confidence: Floats) -> Floats:
    """The mean of both log-odds, as a probability.

    A logarithmic opinion pool (Genest and Zidek 1986): both witnesses see the same network, and
    neither is enough alone. The posterior of a mixture is often exactly 0 or 1, which can't be
    ranked, and no mixture deserves to be believed that far; so some doubt is mixed into it.

    Args:
        p_correct: (N,), in [0, 1], posterior of the separation; NaN = not judged.
        self_confidence: (N,), in [0, 1], the model's probability of the given label; NaN = not
            scored.

    Returns:
        (N,), in [0, 1], 1 = surely right; the one of the two that is there, NaN where neither is.
    """
    verdict = (p_correct + _DOUBT) / (1 + 2 * _DOUBT)
    odds = np.stack([_log_odds(verdict), _log_odds(self_confidence)])
    pooled = 1 / (1 + np.exp(-odds.mean(axis=0)))
    single = np.where(np.isnan(p_correct), self_confidence, p_correct)
    return np.clip(np.where(np.isnan(pooled), single, pooled), 0.0, 1.0)


def _log_odds(p: Floats) -> Floats:
    held = np.clip(p, _LEAST, 1 - _LEAST)
    return np.asarray(np.log(held / (1 - held)))
