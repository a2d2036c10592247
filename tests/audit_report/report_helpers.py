"""Reports of audits made by hand, and what is on them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from audit_folders import write_audit
from html_page import Page
from mixednoise.audit.folder import AuditFolder, read_text_table
from mixednoise.audit.report import write_report
from mixednoise.io import write_csv

CLASSES = ("normal", "cataract", "glaucoma")


def report_of(folder: AuditFolder, **manifest: Any) -> Page:
    """Write the report, with the manifest changed, and read it."""
    write_report(folder, folder.read_manifest().model_copy(update=manifest))
    return Page(folder.report.read_text(encoding="utf-8"))


def audit_with(path: Path, change: Any, **options: Any) -> AuditFolder:
    """An audit whose table was changed in place by a function."""
    folder = write_audit(path, **({"n": 24, "classes": CLASSES, "truth": True} | options))
    table = read_text_table(folder.table)
    changed = change(table)
    write_csv(folder.table, table if changed is None else changed)
    return folder


def headings(page: Page) -> set[str]:
    """The ids of all headings and sections that can be linked to."""
    return {str(a["id"]) for name, a in page.tags if name in ("h2", "h3", "header") and "id" in a}


def points_of(page: Page) -> dict[str, Any]:
    """The data of the plane."""
    return dict(json.loads(page.scripts[-1]))


def cards(page: Page, gallery: str) -> list[dict[str, str | None]]:
    """The cards of one gallery, in order."""
    return [a for a in page.all("li") if (a.get("id") or "").startswith(f"{gallery}-")]


def empty(table: pd.DataFrame, *columns: str) -> None:
    """Make columns of numbers NaN, and others empty."""
    for column in columns:
        table[column] = float("nan") if table[column].dtype.kind == "f" else ""
