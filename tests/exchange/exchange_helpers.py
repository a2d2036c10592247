"""Audits with decisions on their way to other tools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from audit_folders import write_audit
from mask_audits import write_mask_audit
from mixednoise.audit.folder import AuditFolder
from mixednoise.jobs.export import export_audit
from mixednoise.progress import Silent
from mixednoise.review.decisions import Decisions

CLASSES = ("normal", "cataract", "mild AMD")
#: What ann and bob decide on the images of :func:`decided_audit`, and the labels that come of it.
#: Suggested are: im001 cataract, im003 nothing, im006 cataract, im008 mild AMD.
DECIDED = (
    ("ann", "im001.png", "agree", ""),
    ("ann", "im002.png", "keep", ""),
    ("ann", "im003.png", "exclude", ""),
    ("ann", "im004.png", "relabel", "normal"),
    ("ann", "im006.png", "unsure", ""),
    ("ann", "im008.png", "agree", ""),
    ("bob", "im008.png", "keep", ""),
    ("bob", "im005.png", "relabel", "cataract"),
)
#: im005 is of the test split, on im008 ann and bob differ.
CORRECTED = {"im001.png": "cataract", "im004.png": "normal"}
EXCLUDED = "im003.png"


def log_of(folder: AuditFolder) -> Decisions:
    return Decisions(folder.decisions, folder.read_manifest().fingerprint)


def decide(folder: AuditFolder, *decisions: tuple[str, str, str, str]) -> None:
    """Record (reviewer, id, action, label)."""
    for who, sample, action, label in decisions:
        log_of(folder).record(sample, who, action, label=label)


def decided_audit(path: Path, **options: Any) -> AuditFolder:
    """Twelve images in three classes, with :data:`DECIDED`."""
    folder = write_audit(path, classes=CLASSES, **options)
    decide(folder, *DECIDED)
    return folder


def decided_masks(path: Path, **options: Any) -> AuditFolder:
    """Six masks: c00 agreed, c01 kept, c02 left out, c03 unsure, c04 and c05 not looked at.

    Even ones have suspected pixels.
    """
    folder = write_mask_audit(path, n=6, **options)
    said = {"c00": "agree", "c01": "keep", "c02": "exclude", "c03": "unsure"}
    decide(folder, *(("ann", name, action, "") for name, action in said.items()))
    return folder


def add_unjudged(folder: AuditFolder, name: str, split: str) -> None:
    """One more case of the run, of validation or test: nobody has judged it."""
    file = Path(folder.read_manifest().run) / "cases.json"
    content = json.loads(file.read_text())
    extra = dict(content["cases"][0], name=name, split=split)
    for kind in ("image", "mask"):
        old = Path(extra["images"][0] if kind == "image" else extra["mask"])
        new = old.with_name(old.name.replace("c00", name))
        new.write_bytes(old.read_bytes())
        extra["images" if kind == "image" else "mask"] = [str(new)] if kind == "image" else str(new)
    content["cases"].append(extra)
    file.write_text(json.dumps(content))


def export(folder: AuditFolder, to: str, out: Path, **options: Any) -> dict[str, Any]:
    """``mixednoise export`` without its command line; ``warnings`` are those that were shown."""
    progress = Silent()
    told = export_audit(folder.path, to, out, progress=progress, **options)
    return told | {"warnings": progress.warnings}


def given_labels(folder: AuditFolder) -> dict[str, str]:
    table = folder.read_table()
    return dict(zip(table["id"], table["given_label"], strict=True))


def expected_labels(folder: AuditFolder) -> dict[str, str]:
    """id -> label after :data:`DECIDED`, of what is not left out."""
    labels = given_labels(folder) | CORRECTED
    del labels[EXCLUDED]
    return labels


def original(folder: AuditFolder, name: str) -> Path:
    """The file that was audited."""
    images = folder.read_images().set_index("id")
    return Path(images.loc[name, "path"])


def listed(out: Path, name: str = "images.csv") -> pd.DataFrame:
    return pd.read_csv(out / name, dtype=str, keep_default_na=False)


def pixels(path: Path) -> np.ndarray:
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found is not None, path
    return found
