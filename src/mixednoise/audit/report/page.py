"""The report of an audit of image labels: one HTML file that needs nothing outside of it."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from markupsafe import Markup

from mixednoise.audit.commands import next_commands
from mixednoise.audit.report import charts
from mixednoise.audit.report.copies import Copies, contradicting_copies
from mixednoise.audit.report.counts import (
    patients_with_issues,
    suggested_changes,
    tallies,
    tally,
)
from mixednoise.audit.report.galleries import MOST_COPIES, MOST_GROUPS, Gallery, galleries
from mixednoise.audit.report.history import history_charts
from mixednoise.audit.report.image_quality import image_quality_part
from mixednoise.audit.report.inputs import ReportInput
from mixednoise.audit.report.pictures import Pictures
from mixednoise.audit.report.plane import embedded_json, plane_points
from mixednoise.audit.report.results import results_of
from mixednoise.audit.report.truth import truth_part
from mixednoise.audit.report.verdicts import RIGHT, Verdicts
from mixednoise.audit.report.words import explanation, findings, headline, judges, not_judged
from mixednoise.evaluation.colours import GROUP_COLOURS, GROUP_PLAIN, GROUP_TITLES
from mixednoise.pages.page import environment, write_page
from mixednoise.pages.tables import settings_rows
from mixednoise.version import __version__

_PACKAGE = "mixednoise.audit.report"


def write_labels_report(given: ReportInput, path: Path) -> None:
    """Write the page; pictures are read, put in and forgotten one by one.

    Raises:
        TrainingError: the disk is full or the folder can't be written.
    """
    made = environment(_PACKAGE)
    script = made.get_template("report.js").render()
    values = _values(given) | {
        # Not escaped: our own script; and only what has this hash may run on the page.
        "script": Markup(script),  # noqa: S704
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }
    write_page(made.get_template("report.html"), values, path)


def _values(given: ReportInput) -> dict[str, Any]:
    """What the template shows."""
    verdicts, manifest = given.verdicts, given.manifest
    pictures = Pictures(given.folder, given.manifest)
    everything, classes = tally(verdicts), tallies(verdicts)
    contradicted = int((verdicts.issue & (verdicts.state == RIGHT)).sum())
    changes, copies = suggested_changes(verdicts), contradicting_copies(verdicts, given.digests)
    shown = galleries(verdicts, pictures)
    quality = image_quality_part(verdicts, pictures)
    patients, patient_count = patients_with_issues(verdicts)
    points = plane_points(verdicts, _card_keys([*shown, *([quality.gallery] if quality else [])]))
    best = given.metrics.get("best_epoch")
    return {
        "title": f"Audit of {_name(manifest.data)}",
        "manifest": manifest,
        "version": __version__,
        "headline": headline(everything, contradicted),
        "explanation": explanation(everything, contradicted),
        "findings": findings(verdicts, classes, changes, copies),
        "all": everything,
        "tiles": list(zip(GROUP_PLAIN.values(), everything.counts, everything.shares, strict=True)),
        "not_judged": not_judged(verdicts) if everything.judged else "",
        "judges": judges(manifest.folds, verdicts) if everything.judged else "",
        "set_aside": given.set_aside,
        "set_aside_count": sum(count for _, count, _ in given.set_aside),
        "commands": next_commands(given.folder.path.absolute(), manifest),
        "classes": classes,
        "changes": changes,
        "patients": patients,
        "patient_count": patient_count,
        "galleries": shown,
        "copies": [_shown_copies(one, verdicts, pictures) for one in copies[:MOST_GROUPS]],
        "copies_total": len(copies),
        "points": points,
        "points_json": embedded_json(points) if points else "",
        "quality": quality,
        "charts": history_charts(given.history, int(best) if best else None),
        "best_epoch": best,
        "results": results_of(given.metrics, manifest.classes),
        "truth": truth_part(verdicts),
        "settings": _settings(given),
        "chart_size": {
            "width": charts.WIDTH,
            "height": charts.HEIGHT,
            "left": charts.LEFT,
            "top": charts.TOP,
            "right": charts.RIGHT,
            "bottom": charts.BOTTOM,
        },
        "group_words": list(GROUP_PLAIN.values()),
        "group_names": list(GROUP_TITLES),
        "group_colours": list(GROUP_COLOURS.values()),
    }


def _name(data: str) -> str:
    """The end of a path: ``labels.csv`` alone tells nothing."""
    return "/".join(Path(data).parts[-2:]) or data


def _shown_copies(copies: Copies, verdicts: Verdicts, pictures: Pictures) -> Gallery:
    title = "The very same picture" if copies.identical else "Look the same"
    rows = copies.rows
    return Gallery("copy", title, "", rows[:MOST_COPIES], len(rows), verdicts, pictures)


def _card_keys(shown: list[Gallery]) -> dict[int, str]:
    """Row -> key of its first card."""
    keys: dict[int, str] = {}
    for gallery in shown:
        for row in gallery.rows:
            keys.setdefault(row, f"{gallery.key}-{row}")
    return keys


def _settings(given: ReportInput) -> list[tuple[str, str]]:
    manifest = given.manifest
    about = {
        "data": manifest.data,
        "images": f"{manifest.images:,}",
        "classes": ", ".join(manifest.classes),
        "method": manifest.method,
        "run": manifest.run or None,
        "folds": manifest.folds or None,
        "column of patients": manifest.group_column or None,
        "fingerprint": manifest.fingerprint,
    }
    options = given.settings.get("options")
    rows = settings_rows({k: v for k, v in about.items() if v is not None})
    return rows + (settings_rows(options) if isinstance(options, dict) else [])
