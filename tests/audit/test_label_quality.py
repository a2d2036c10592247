"""The number that orders what a person looks at."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from mixednoise.audit.label_quality import label_quality

Floats = NDArray[np.float64]


def quality(p_correct: list[float], self_confidence: list[float]) -> Floats:
    return label_quality(np.array(p_correct), np.array(self_confidence))


def test_witnesses_that_cancel_out_leave_the_label_open() -> None:
    verdict = 0.9
    shrunk = (verdict + 0.2) / 1.4
    assert quality([verdict, 0.5], [1 - shrunk, 0.5]) == pytest.approx([0.5, 0.5])


def test_rises_with_either_witness_even_where_the_other_is_sure() -> None:
    steps = [0.0, 1e-4, 0.2, 0.5, 0.9, 0.9999, 1.0]
    for other in (0.0, 0.3, 1.0):
        assert (np.diff(quality(steps, [other] * len(steps))) > 0).all()
        assert (np.diff(quality([other] * len(steps), steps)) > 0).all()


def test_is_a_probability_at_the_ends() -> None:
    ends = quality([0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0])
    assert ((ends > 0) & (ends < 1)).all()
    # Nothing is as bad as two sure witnesses against, or as good as two in favour.
    assert ends.argmin() == 0
    assert ends.argmax() == 3


def test_a_sure_mixture_does_not_drown_the_model() -> None:
    """Both rows have posterior 0 or nearly so: what the model says decides."""
    surprising, plausible = quality([0.004, 0.0], [0.001, 0.4])
    assert surprising < plausible


def test_one_witness_is_taken_as_it_is() -> None:
    nan = np.nan
    assert quality([0.3, nan], [nan, 0.001]) == pytest.approx([0.3, 0.001])
    assert np.isnan(quality([nan], [nan])).all()
