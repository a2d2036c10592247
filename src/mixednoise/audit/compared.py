"""What has become of the samples of a data set since they were written down."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mixednoise.data.table import Dataset


def given_names(dataset: Dataset) -> pd.Series[str]:
    """The class name of each sample's given label, indexed by id."""
    names = np.array(dataset.class_names, dtype=object)
    return pd.Series(names[dataset.labels], index=dataset.table["id"].to_numpy(object))


def lost_samples(ids: Iterable[str], dataset: Dataset) -> dict[str, str]:
    """Samples of then that are no longer there, in their order, each with why; '' = unknown."""
    there = set(dataset.table["id"])
    reasons = dict(zip(dataset.set_aside["id"], dataset.set_aside["reason"], strict=True))
    return {name: reasons.get(name, "") for name in ids if name not in there}


def new_samples(dataset: Dataset, ids: Iterable[str], set_aside: pd.DataFrame | None) -> list[str]:
    """Samples that were neither there (``ids``) nor set aside then, in the order of now."""
    known = {*ids, *(() if set_aside is None else set_aside["id"])}
    return [name for name in dataset.table["id"] if name not in known]


def changed_values(then: pd.Series[str], now: pd.Series[str]) -> list[tuple[str, str, str]]:
    """(id, before, after) of the samples that are in both and have another value now.

    Args:
        then, now: values by id; the order is that of ``then``.
    """
    both = then.index.intersection(now.index)
    rows = zip(both, then[both], now[both], strict=True)
    return [(name, before, after) for name, before, after in rows if before != after]
