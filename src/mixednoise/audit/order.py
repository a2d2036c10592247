"""In which order a person should look at samples; the same in report, review and export."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def review_order(is_label_issue: ArrayLike, label_quality: ArrayLike) -> NDArray[np.int64]:
    """Rows of an audit table, the one to look at first at the front.

    Label issues come first, then the rest; both by ascending label quality, what has none at the
    end; rows that are equal in all of that stay in their order.

    Args:
        is_label_issue: bool (N,).
        label_quality: float (N,), NaN = not known.

    Returns:
        int64 (N,): a permutation of 0..N-1.
    """
    issue = np.asarray(is_label_issue, dtype=bool)
    # NaN sorts behind every number.
    quality = np.asarray(label_quality, dtype=np.float64)
    return np.lexsort((quality, ~issue)).astype(np.int64)
