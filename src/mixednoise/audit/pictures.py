"""What an audit says of the images themselves: where they are, how good, which are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mixednoise.data.store import PixelStore
from mixednoise.data.table import Dataset
from mixednoise.quality.assess import SCORES
from mixednoise.quality.reasons import join_reasons, same_image, split_reasons, without_same_image

Integers = NDArray[np.int64]
#: A reason that is said of more than this share of the images is left out.
MOST = 0.5
#: Columns of image quality in ``audit.csv``.
QUALITY_COLUMNS = ("image_quality", *SCORES[1:], "field_of_view", "same_as", "hash")


def image_table(dataset: Dataset, store: PixelStore) -> pd.DataFrame:
    """``images.csv``: id, path, array_index, bytes, digest; rows as in the data set."""
    sizes = []
    for path, row in zip(dataset.table["path"], dataset.table["array_index"], strict=True):
        if dataset.arrays is not None and row >= 0:
            sizes.append(int(dataset.arrays[row].nbytes))
        else:
            try:
                sizes.append(Path(path).stat().st_size)
            except OSError:
                sizes.append(0)
    return pd.DataFrame(
        {
            "id": dataset.table["id"],
            "path": dataset.table["path"],
            "array_index": dataset.table["array_index"],
            "bytes": sizes,
            "digest": store.content_hash,
        }
    )


def quality_columns(quality: pd.DataFrame) -> pd.DataFrame:
    """The columns of a table of :func:`mixednoise.quality.assess_dataset` that an audit keeps."""
    return quality.rename(columns={"quality": "image_quality"})[list(QUALITY_COLUMNS)]


def quality_reasons(quality: pd.DataFrame) -> tuple[list[str], list[str]]:
    """What is said against each image, but for duplicates, which an audit tells of itself.

    What is said of most images (thumbnails are all small) says nothing of any one of them.

    Args:
        quality: of :func:`mixednoise.quality.assess_dataset`.

    Returns:
        N lines, and the reasons that were left out of them all.
    """
    texts = [
        without_same_image(text, original)
        for text, original in zip(quality["reasons"], quality["same_as"], strict=True)
    ]
    # The reason of an unreadable file may hold anything; it stays as it is.
    words = [
        split_reasons(text) if ok else [text]
        for text, ok in zip(texts, _read(quality), strict=True)
    ]
    counts = Counter(word for said in words for word in said if word)
    common = [word for word, count in counts.most_common() if count > MOST * len(texts)]
    return [join_reasons(word for word in said if word not in common) for said in words], common


def _read(quality: pd.DataFrame) -> list[bool]:
    """Whether each image could be read."""
    read: list[bool] = quality["exposure"].notna().tolist()
    return read


class Duplicates(NamedTuple):
    """What is said of images that come more than once.

    Attributes:
        reasons: N lines, '' = comes once, or is the first of its kind.
        identical: bool (N,): the very same content has another label elsewhere.
        similar: bool (N,): what looks the same has another label elsewhere.
    """

    reasons: list[str]
    identical: NDArray[np.bool_]
    similar: NDArray[np.bool_]


def find_duplicates(
    ids: Sequence[str],
    given: Sequence[str],
    same_as: Sequence[str],
    digests: Sequence[str],
) -> Duplicates:
    """What is said of each image, arguments as of :func:`same_images`; ``given``: labels."""
    content, group = same_images(ids, same_as, digests)
    reasons = [""] * len(ids)
    for rows in rows_together(group):
        for row in rows:
            reasons[row] = _told(row, rows, ids, given)
    return Duplicates(reasons, many_labels(content, given), many_labels(group, given))


def same_images(
    ids: Sequence[str], same_as: Sequence[str], digests: Sequence[str]
) -> tuple[Integers, Integers]:
    """Put together what is the same, and what looks the same, too.

    Args:
        ids: N, all different.
        same_as: id of the first image that looks the same; '' or no such id = none.
        digests: of the content, '' = not known; or none at all.

    Returns:
        Group of each row by content, and by content and look, int (N,) each.
    """
    n = len(ids)
    row_of = {name: row for row, name in enumerate(ids)}
    first = np.array([row_of.get(s, row) if s else row for row, s in enumerate(same_as)], np.int64)
    known = [digest or f"row {row}" for row, digest in enumerate(digests or [""] * n)]
    content, _ = pd.factorize(np.array(known, object))
    links = (np.r_[np.arange(n), np.arange(n)], np.r_[first, n + content])
    graph = coo_array((np.ones(2 * n, np.int8), links), shape=(2 * n, 2 * n))
    return content, connected_components(graph, directed=False)[1][:n]


def rows_together(group: Integers) -> list[list[int]]:
    """The rows of each group of two or more, ascending."""
    rows = np.flatnonzero(pd.Series(group).duplicated(keep=False))
    together: list[list[int]] = pd.Series(rows).groupby(group[rows]).agg(list).tolist()
    return together


def many_labels(group: Integers, labels: Sequence[str]) -> NDArray[np.bool_]:
    """Whether the group of each row has more than one label, bool (N,)."""
    many: NDArray[np.bool_] = pd.Series(labels).groupby(group).transform("nunique").to_numpy() > 1
    return many


def _told(row: int, rows: list[int], ids: Sequence[str], given: Sequence[str]) -> str:
    """``same image as 1043 with another label (cataract)``; the earliest such image is named."""
    other = [one for one in rows if given[one] != given[row]]
    if not other:
        return "" if row == rows[0] else same_image(ids[rows[0]])
    told = f"{same_image(ids[other[0]])} with another label ({given[other[0]]})"
    return told + (f" and {len(other) - 1} more such" if len(other) > 1 else "")
