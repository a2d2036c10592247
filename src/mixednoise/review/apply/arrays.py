"""Corrected labels of an ``.npz`` file: pixels and labels in one file, as they came."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.table import SPLITS, Dataset
from mixednoise.errors import ConfigError
from mixednoise.io import atomic_write
from mixednoise.review.apply.labels import splits_of
from mixednoise.review.apply.log import changes_file
from mixednoise.review.apply.plan import Ruling


def write_arrays(
    source: Path,
    out: Path,
    dataset: Dataset,
    rulings: Mapping[str, Ruling],
    changes: pd.DataFrame,
) -> None:
    """Write ``out`` in the layout of ``source``, and the change log beside it.

    ``SPLIT_images`` and ``SPLIT_labels`` as the reader takes them, of the types that they had;
    ``SPLIT_ids`` and ``SPLIT_original_labels`` tell the image of the source that each row is: its
    own number is another one where images were left out, or went to another split.

    Args:
        source: the .npz file.
        out: the file to be.
        dataset: what was read of it.
        rulings: id -> ruling.
        changes: the change log.

    Raises:
        ConfigError: a new class, for which there is no number.
        TrainingError: the disk is full or read-only.
    """
    with source.open("rb") as file:
        compressed = any(part.compress_type for part in zipfile.ZipFile(file).infolist())
    with np.load(source, allow_pickle=False) as archive:
        there = [split for split in SPLITS if f"{split}_images" in archive.files]
        pixels = np.concatenate([archive[f"{split}_images"] for split in there])
        given = np.concatenate([archive[f"{split}_labels"].reshape(-1) for split in there])
        shape = archive["train_labels"].shape[1:]
    rows = dataset.table["array_index"].to_numpy(np.int64)
    ids = dataset.table["id"].tolist()
    own = [rulings.get(name) for name in ids]
    labels = given.copy()
    code_of = _codes(dataset, given[rows])
    for row, one in zip(rows, own, strict=True):
        if one is not None and one.action == "relabel":
            labels[row] = _code(code_of, one.label)
    kept = np.array([one is None or one.action != "exclude" for one in own], dtype=bool)
    split = np.array(splits_of(dataset, own), dtype=object)
    parts: dict[str, Any] = {}
    for name in SPLITS:
        chosen = kept & (split == name)
        if chosen.any():
            parts[f"{name}_images"] = pixels[rows[chosen]]
            parts[f"{name}_labels"] = labels[rows[chosen]].reshape(-1, *shape)
            parts[f"{name}_ids"] = np.array(ids)[chosen]
            parts[f"{name}_original_labels"] = given[rows[chosen]].reshape(-1, *shape)
    with atomic_write(changes_file(out)) as log:
        changes.to_csv(log, index=False)
        with atomic_write(out) as file_:
            (np.savez_compressed if compressed else np.savez)(file_, **parts)


def _codes(dataset: Dataset, given: np.ndarray[Any, Any]) -> dict[str, int]:
    """The number of each class in the file: as it occurs there, else its place in the order."""
    numbers = {int(code): int(value) for code, value in zip(dataset.labels, given, strict=True)}
    numbers_taken = set(numbers.values())
    found = {}
    for code, name in enumerate(dataset.class_names):
        value = numbers.get(code, code)
        if code in numbers or value not in numbers_taken:
            found[name] = value
    return found


def _code(codes: Mapping[str, int], name: str) -> int:
    if name in codes:
        return codes[name]
    raise ConfigError(
        f"the class {name!r} has no number",
        expected=f"a class of the .npz file: {', '.join(codes)}",
        found=name,
        fix="decide for one of these",
    )
