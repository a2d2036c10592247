"""What a corrupted data set says of itself: the table to train on, the summary, the data set."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.table import GROUPS, SPLITS, Dataset, make_table
from mixednoise.noise.mixed import MixedNoise
from mixednoise.noise.naming import Place
from mixednoise.version import __version__


def noisy_table(
    ds: Dataset, train: np.ndarray[Any, np.dtype[np.int64]], noise: MixedNoise
) -> pd.DataFrame:
    """The data set's table with given labels, truth and noise group; train rows as in ``noise``."""
    given = ds.labels.copy()
    group = np.full(len(ds), "correct", dtype=object)
    given[train], group[train] = noise.given_label, noise.noise_group
    return ds.table.assign(
        label=given, true_label=ds.labels, noise_group=pd.Series(group, dtype="string")
    )


def labels_table(
    table: pd.DataFrame,
    places: Sequence[Place],
    class_names: Sequence[str],
    group_column: str = "",
    weight_column: str = "",
) -> pd.DataFrame:
    """Columns ``image,label,split,true_label,noise_group``, labels by name.

    Known groups stand in ``group``, and once more under the name that they have in the user's own
    table: what is said of the clean data (``--group-column patient``) is true of this one, too.
    Sample weights bear the name of the user's column.
    """
    names = np.array(class_names, dtype=object)
    labels = pd.DataFrame(
        {
            "image": [place.value for place in places],
            "label": names[table["label"]],
            "split": table["split"],
            "true_label": names[table["true_label"]],
            "noise_group": table["noise_group"],
        }
    )
    if table["group"].notna().any():
        labels["group"] = table["group"]
        # A name of ours keeps the meaning that it has here.
        if group_column and group_column not in labels:
            labels[group_column] = table["group"]
    if weight_column:
        labels["sample_weight" if weight_column in labels else weight_column] = table["weight"]
    return labels


def summary(
    ds: Dataset,
    table: pd.DataFrame,
    noise: MixedNoise,
    options: dict[str, Any],
    places: Sequence[Place],
    unreadable: Sequence[str],
) -> dict[str, Any]:
    """The content of ``corruption.json``: plain numbers, strings, lists and dictionaries.

    ``train_labels_true_by_given``: rows are true classes, columns given ones, mis_l included.
    ``renamed``: image value in the table -> image value in the source, where they differ.
    """
    train_groups = {g: noise.noise_group == g for g in GROUPS}
    transitions = np.zeros((ds.num_classes, ds.num_classes), dtype=np.int64)
    np.add.at(transitions, (noise.true_label, noise.given_label), 1)
    ids = [str(value) for value in ds.table["id"]]
    return {
        "version": __version__,
        "source": str(ds.source),
        **options,
        "class_names": list(ds.class_names),
        "ordinal": ds.ordinal,
        "images": {split: int((table["split"] == split).sum()) for split in SPLITS},
        "train_groups": {g: int(members.sum()) for g, members in train_groups.items()},
        "train_groups_per_true_class": {
            name: {g: int((m & (noise.true_label == c)).sum()) for g, m in train_groups.items()}
            for c, name in enumerate(ds.class_names)
        },
        "train_labels_true_by_given": transitions.tolist(),
        "renamed": {p.value: i for p, i in zip(places, ids, strict=True) if p.value != i},
        "not_degraded_because_unreadable": list(unreadable),
        "set_aside": len(ds.set_aside),
    }


def result_dataset(
    ds: Dataset, table: pd.DataFrame, places: Sequence[Place], out: Path, labels_file: str
) -> Dataset:
    """The written folder as a data set, without reading it again."""
    folder = out.absolute()
    return Dataset(
        table=make_table(
            [place.value for place in places],
            table["label"].tolist(),
            path=[str(folder / place.file) for place in places],
            split=table["split"].tolist(),
            group=table["group"].tolist(),
            true_label=table["true_label"].tolist(),
            noise_group=table["noise_group"].tolist(),
            weight=table["weight"].tolist(),
        ),
        class_names=ds.class_names,
        source=folder / labels_file,
        ordinal=ds.ordinal,
        group_column=ds.group_column,
        weight_column=ds.weight_column,
    )
