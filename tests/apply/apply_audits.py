"""Audits with decisions, and what an apply leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.audit.folder import AuditFolder, Manifest, fingerprint_of
from mixednoise.audit.located import digest_of_files
from mixednoise.audit.table import audit_table
from mixednoise.data.readers import read_dataset
from mixednoise.io import write_csv
from mixednoise.jobs.apply import apply_decisions
from mixednoise.progress import Silent
from mixednoise.review.apply.wishes import Wishes
from mixednoise.review.decisions import Decisions


def log_of(folder: AuditFolder) -> Decisions:
    """The log of an audit."""
    return Decisions(folder.decisions, folder.read_manifest().fingerprint)


def decide(folder: AuditFolder, *decisions: tuple[str, ...], who: str = "ann") -> None:
    """Record (id, action) or (id, action, label); ids are row numbers of ``write_audit``."""
    log = log_of(folder)
    for sample, action, *label in decisions:
        log.record(image(sample), who, action, label="".join(label))


def image(name: str | int) -> str:
    """``im007.png`` of 7."""
    return f"im{int(name):03d}.png" if str(name).isdigit() else str(name)


def apply(audit: AuditFolder | Path, out: Path | None, **wishes: Any) -> dict[str, Any]:
    """``mixednoise apply`` without its command line; ``warnings`` are those that were shown."""
    progress = Silent()
    path = audit.path if isinstance(audit, AuditFolder) else audit
    told = apply_decisions(path, out, Wishes(**wishes), progress)
    return told | {"warnings": list(progress.warnings)}


def rows(path: Path) -> pd.DataFrame:
    """A CSV as text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def labels_of(path: Path, **reading: Any) -> dict[str, str]:
    """id -> label of a data set as it is read."""
    dataset = read_dataset(path, **reading)
    names = np.array(dataset.class_names, dtype=object)[dataset.labels]
    return dict(zip(dataset.table["id"], names, strict=True))


def change_manifest(folder: AuditFolder, **changes: Any) -> None:
    """Say something else of the audit."""
    manifest = folder.read_manifest()
    folder.write_manifest(manifest.model_copy(update=changes))


def audit_of(
    path: Path, source: Path, split: list[str] | None = None, **reading: Any
) -> AuditFolder:
    """An audit of any data set: every label doubted, the next class suggested."""
    folder = AuditFolder(path)
    dataset = read_dataset(source, **reading)
    if split is not None:
        dataset = replace(
            dataset, table=dataset.table.assign(split=pd.Series(split, dtype="string"))
        )
    n, classes = len(dataset), dataset.num_classes
    proba = np.full((n, classes), 0.1 / (classes - 1))
    proba[np.arange(n), (dataset.labels + 1) % classes] = 0.9
    p = np.tile([0.1, 0.8, 0.1], (n, 1))
    table = audit_table(
        dataset, p=p, loss=np.full(n, 3.0), entropy=np.full(n, 0.3), probabilities=proba
    )
    if dataset.table["group"].notna().any():
        table["patient"] = dataset.table["group"].fillna("")
    images = dataset.table[["id", "path", "array_index"]].assign(bytes=0, digest="")
    for row, name in enumerate(dataset.table["path"]):
        if name:
            images.loc[row, ["digest", "bytes"]] = digest_of_files([Path(name)])
    folder.path.mkdir(parents=True)
    write_csv(folder.table, table)
    write_csv(folder.images, images)
    folder.write_manifest(
        Manifest(
            data=str(source.absolute()),
            reading=reading,
            method="qmix",
            classes=list(dataset.class_names),
            ordinal=dataset.ordinal,
            group_column=dataset.group_column,
            images=n,
            fingerprint=fingerprint_of(table, dataset.class_names),
        )
    )
    return folder
