"""Wrong labels of images by confident learning (Northcutt et al., JAIR 2021)."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixednoise.segmentation.confident import find_mask_errors
from mixednoise.segmentation.labels import Rule


def find_label_issues(
    labels: np.ndarray[Any, Any], probabilities: np.ndarray[Any, Any], rule: Rule = "PBNR"
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Which labels are wrong, by the engine that finds wrong mask pixels: an image is a pixel.

    Equal to cleanlab's ``filter.find_label_issues`` wherever there are no ties.

    Args:
        labels: given classes, integers (N,).
        probabilities: (N, C), rows sum to 1, of networks that never saw the image.
        rule: ``PBNR`` (prune by noise rate, cleanlab's default), ``Q`` (prune by class), ``both``,
            ``C`` (confident learning), ``intersection``, ``union`` or ``argmax``.

    Returns:
        bool (N,).

    Raises:
        DataError: shapes that don't fit, values that are no classes or no probabilities.
    """
    as_row = np.asarray(probabilities, np.float64).T[None, :, None, :]
    found = find_mask_errors(np.asarray(labels)[None, None, :], as_row, rule)
    return np.asarray(found[0, 0], bool)
