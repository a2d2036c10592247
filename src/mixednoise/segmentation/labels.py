"""What masks are made of, and the names of the rules."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

#: Mask value of pixels that nobody has labelled: never counted, never flagged, never learned.
IGNORE = 255
#: More classes would meet :data:`IGNORE`.
MAX_CLASSES = 254

#: How suspected samples are chosen (equation 5 of the method), each by itself.
SampleRule = Literal["C", "Q", "PBNR", "both", "intersection", "union", "argmax"]
#: How suspected pixels are chosen; ``whole_masks`` looks at all pixels of a mask together.
Rule = Literal[SampleRule, "whole_masks"]
RULES: tuple[Rule, ...] = get_args(Rule)

Mask = np.ndarray[Any, np.dtype[np.uint8]]
Probabilities = np.ndarray[Any, np.dtype[np.floating[Any]]]
ErrorMap = np.ndarray[Any, np.dtype[np.bool_]]
