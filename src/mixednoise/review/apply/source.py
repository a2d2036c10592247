"""The data set of an audit, read again and compared with what was audited."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.audit.folder import AuditFolder, Manifest, read_text_table
from mixednoise.data.readers import read_dataset
from mixednoise.data.report import counted, examples
from mixednoise.data.table import Dataset
from mixednoise.errors import DataError, RunError
from mixednoise.progress import Progress


def reading_of(
    manifest: Manifest, data: Path | None = None, image_root: Path | None = None
) -> tuple[Path, dict[str, Any]]:
    """Where the data set is, and how it is read.

    Args:
        manifest: of the audit.
        data: where it is now, if it has moved.
        image_root: where its images are now.
    """
    reading = dict(manifest.reading)
    if image_root is not None:
        reading["image_root"] = str(image_root)
    return (Path(manifest.data) if data is None else data).expanduser(), reading


def reread(
    folder: AuditFolder,
    table: pd.DataFrame,
    source: Path,
    reading: dict[str, Any],
    progress: Progress,
) -> Dataset:
    """Read the data set again: all samples of the audit, and maybe some that it could not judge.

    Args:
        folder: the audit.
        table: its table.
        source: the data set.
        reading: keyword arguments with which it is read.
        progress: is told of samples that are new since.

    Raises:
        RunError: it is not where it was.
        DataError: samples of the audit are gone, or have other labels or patients; what reading
            finds.
    """
    if not source.exists():
        raise RunError(
            "the data set of this audit is not where it was",
            expected=str(source),
            found="nothing of that name",
            fix="say where it is now: --data PATH (and --image-root FOLDER, if its images have "
            "moved as well)",
        )
    dataset = read_dataset(source, **reading)
    names = np.array(dataset.class_names, dtype=object)
    now = pd.DataFrame(
        {
            "label": names[dataset.labels],
            "group": dataset.table["group"].fillna("").to_numpy(object),
        },
        index=dataset.table["id"].to_numpy(object),
    )
    then = table.set_index("id")
    differences = [
        *_gone(then.index.difference(now.index), dataset),
        *_other("label", then["given_label"], now["label"]),
        *(_other("patient", then["patient"], now["group"]) if "patient" in then else ()),
    ]
    if differences:
        raise DataError(
            f"{source} is not what was audited",
            expected=f"the {counted(len(table), 'image')} of the audit, with their labels",
            found="; ".join(differences),
            fix="put back what was audited, or audit the data as they are now; decisions are kept",
        )
    new = _new(now.index.difference(then.index), folder)
    if new:
        progress.warning(
            f"{counted(len(new), 'image')} new since the audit, taken over as they are: "
            f"{examples(new, 3)}"
        )
    return dataset


def _gone(names: Iterable[str], dataset: Dataset) -> list[str]:
    gone = list(names)
    if not gone:
        return []
    reasons = dict(zip(dataset.set_aside["id"], dataset.set_aside["reason"], strict=True))
    told = [f"{name}: {reasons[name]}" if name in reasons else name for name in gone]
    return [f"{counted(len(gone), 'image')} gone: {examples(told, 3)}"]


def _other(what: str, then: pd.Series, now: pd.Series) -> list[str]:
    both = then.index.intersection(now.index)
    before, after = then[both].to_numpy(object), now[both].to_numpy(object)
    rows = np.flatnonzero(before != after)
    if not len(rows):
        return []
    told = (f"{both[row]} was {before[row]!r}, is {after[row]!r}" for row in rows.tolist())
    return [f"{counted(len(rows), what)} changed: {examples(told, 3)}"]


def _new(names: Iterable[str], folder: AuditFolder) -> list[str]:
    """Images that the audit has never seen; those that it had to set aside are known."""
    known: set[str] = set()
    if folder.set_aside.is_file():
        known = set(read_text_table(folder.set_aside)["id"])
    return [name for name in names if name not in known]
