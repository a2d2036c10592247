"""The data set of an audit, read again and compared with what was audited."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.audit.compared import changed_values, given_names, lost_samples, new_samples
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
    then, groups = table.set_index("id"), dataset.table.set_index("id")["group"].fillna("")
    differences = [
        *_gone(then.index, dataset),
        *_other("label", then["given_label"], given_names(dataset)),
        *(_other("patient", then["patient"], groups) if "patient" in then else ()),
    ]
    if differences:
        raise DataError(
            f"{source} is not what was audited",
            expected=f"the {counted(len(table), 'image')} of the audit, with their labels",
            found="; ".join(differences),
            fix="put back what was audited, or audit the data as they are now; decisions are kept",
        )
    # Those that the audit had to set aside are known.
    aside = read_text_table(folder.set_aside) if folder.set_aside.is_file() else None
    unknown = new_samples(dataset, then.index, aside)
    if unknown:
        progress.warning(
            f"{counted(len(unknown), 'image')} new since the audit, taken over as they are: "
            f"{examples(sorted(unknown), 3)}"
        )
    return dataset


def _gone(names: Iterable[str], dataset: Dataset) -> list[str]:
    lost = sorted(lost_samples(names, dataset).items())
    told = (f"{name}: {why}" if why else name for name, why in lost)
    return [f"{counted(len(lost), 'image')} gone: {examples(told, 3)}"] if lost else []


def _other(what: str, then: pd.Series, now: pd.Series) -> list[str]:
    others = changed_values(then, now)
    told = (f"{name} was {before!r}, is {after!r}" for name, before, after in others)
    return [f"{counted(len(others), what)} changed: {examples(told, 3)}"] if others else []
