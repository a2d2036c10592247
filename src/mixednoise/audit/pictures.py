"""What an audit says of the images themselves: where they are, how good, which are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from mixednoise.data.store import PixelStore
from mixednoise.data.table import Dataset
from mixednoise.quality.assess import SCORES

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
        text.removesuffix(f"same image as {original}").removesuffix("; ") if original else text
        for text, original in zip(quality["reasons"], quality["same_as"], strict=True)
    ]
    # The reason of an unreadable file may hold anything; it stays as it is.
    words = [
        text.split("; ") if ok else [text] for text, ok in zip(texts, _read(quality), strict=True)
    ]
    counts = Counter(word for said in words for word in said if word)
    common = [word for word, count in counts.most_common() if count > MOST * len(texts)]
    return ["; ".join(word for word in said if word not in common) for said in words], common


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
    """Put together what looks the same and what is the same.

    Args:
        ids: N, all different.
        given: labels.
        same_as: id of the first image that looks the same, '' = none.
        digests: of the content, '' = not known.
    """
    n = len(ids)
    row_of = {name: row for row, name in enumerate(ids)}
    first = np.array([row_of[s] if s else row for row, s in enumerate(same_as)], np.int64)
    content, _ = pd.factorize(np.array([d or f"row {i}" for i, d in enumerate(digests)], object))
    links = (np.r_[np.arange(n), np.arange(n)], np.r_[first, n + content])
    graph = coo_array((np.ones(2 * n, np.int8), links), shape=(2 * n, 2 * n))
    group: Any = connected_components(graph, directed=False)[1][:n]
    labels, names = pd.factorize(np.asarray(given, object))
    reasons = [""] * n
    for rows in pd.Series(np.arange(n)).groupby(group).agg(list):
        if len(rows) > 1:
            for row in rows:
                reasons[row] = _told(row, rows, ids, labels.tolist(), names)
    return Duplicates(reasons, _many_labels(content, labels), _many_labels(group, labels))


def _told(row: int, rows: list[int], ids: Sequence[str], labels: list[int], names: Any) -> str:
    """``same image as 1043 with another label (cataract)``; the earliest such image is named."""
    other = [one for one in rows if labels[one] != labels[row]]
    if not other:
        return "" if row == rows[0] else f"same image as {ids[rows[0]]}"
    told = f"same image as {ids[other[0]]} with another label ({names[labels[other[0]]]})"
    return told + (f" and {len(other) - 1} more such" if len(other) > 1 else "")


def _many_labels(group: Any, labels: Any) -> NDArray[np.bool_]:
    """Whether the group of each row has more than one label."""
    count = pd.Series(labels).groupby(np.asarray(group)).transform("nunique")
    many: NDArray[np.bool_] = count.to_numpy() > 1
    return many
