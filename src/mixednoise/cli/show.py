"""Answers on stdout: tables for people, JSON for machines."""

from __future__ import annotations

import json
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from mixednoise.io import plain

GROUP_WORDS = {
    "correct": "label as it was",
    "mis_h": "readable image, wrong label",
    "mis_l": "degraded image, random label",
}
COLUMNS = {"qwk": "QWK", "accuracy": "acc", "macro_f1": "macro-F1", "macro_auc": "AUC"}


def answer(value: Any, tables: list[Table], *, as_json: bool) -> None:
    """Print JSON, or the tables."""
    if as_json:
        Console(soft_wrap=True, highlight=False).print_json(json.dumps(plain(value)))
        return
    console = Console()
    for table in tables:
        if table.row_count:
            console.print(table)


def noise_table(summary: dict[str, Any]) -> Table:
    """What ``corrupt`` has made: images per split and noise group.

    Args:
        summary: the content of ``corruption.json``.
    """
    table = Table(title="images", title_justify="left")
    table.add_column("split", no_wrap=True)
    for group in GROUP_WORDS:
        table.add_column(group, justify="right", no_wrap=True)
    table.add_column("all", justify="right", no_wrap=True)
    for split, count in summary["images"].items():
        groups = summary["train_groups"] if split == "train" else {"correct": count}
        cells = (groups.get(group, 0) for group in GROUP_WORDS)
        table.add_row(split, *(f"{n:,}" if n else "" for n in cells), f"{count:,}")
    table.caption = "\n".join(f"{group}: {words}" for group, words in GROUP_WORDS.items())
    table.caption_justify = "left"
    return table


def metrics_table(by_method: dict[str, dict[str, Any]]) -> Table:
    """Last and best epoch of each method, and how well the groups were found.

    No row for what could not be measured: without a test and a validation split there is none.
    """
    first = next(iter(by_method.values()))
    table = Table(
        title=f"{first['split']} split",
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=0,
    )
    table.add_column("method, epoch", no_wrap=True)
    # What no method has a number for, such as QWK of classes without an order, is not shown.
    measured = [m[which] for m in by_method.values() for which in ("last", "best") if m[which]]
    columns = {k: title for k, title in COLUMNS.items() if any(number(v[k]) for v in measured)}
    for title in columns.values():
        table.add_column(title, justify="right", no_wrap=True)
    known = any(metrics["separation"] for metrics in by_method.values())
    if known:
        table.add_column("correct*", justify="right", no_wrap=True)
        table.add_column("mis_l*", justify="right", no_wrap=True)
        table.caption = "* AUROC of that group against the rest, training samples, last epoch"
        table.caption_justify = "left"
    table.add_column("s", justify="right", no_wrap=True)
    for method, metrics in by_method.items():
        for which in ("last", "best"):
            values = metrics[which]
            # Without validation there is no best epoch.
            if values is None or (which == "best" and not metrics["best_epoch"]):
                continue
            epoch = metrics["epochs"] if which == "last" else metrics["best_epoch"]
            cells = [f"{method}, {which} ({epoch})", *(number(values[n]) for n in columns)]
            if known:
                found = (metrics["separation"] or {}) if which == "last" else {}
                cells += [number(found.get(f"{key}_auroc")) for key in ("correct", "mis_l")]
            cells.append(f"{metrics['seconds']:.0f}" if which == "last" else "")
            table.add_row(*cells)
    return table


def quality_tables(summary: dict[str, Any]) -> list[Table]:
    """How often each reason was given, and the worst images.

    Args:
        summary: of :func:`mixednoise.jobs.quality.quality_to_csv`.
    """
    counts = Table(title=f"{summary['images']:,} images", title_justify="left", box=SIMPLE_HEAD)
    counts.add_column("reason")
    counts.add_column("images", justify="right")
    for reason, count in summary["reasons"].items():
        counts.add_row(escape(reason), f"{count:,}")
    worst = Table(title="worst first", title_justify="left", box=SIMPLE_HEAD)
    for name in ("quality", "image", "reasons"):
        worst.add_column(name, overflow="fold")
    for row in summary["worst"]:
        worst.add_row(number(row["quality"]), escape(row["id"]), escape(row["reasons"]))
    return [counts, worst]


def audit_tables(summary: dict[str, Any]) -> list[Table]:
    """Samples per group, and the most suspicious ones.

    Args:
        summary: of :func:`mixednoise.jobs.audit.summary_of`.
    """
    what = "samples" if summary["groups"] else "masks"
    counts = Table(box=SIMPLE_HEAD, pad_edge=False)
    counts.add_column(f"of {summary['images']:,} {what}")
    counts.add_column("", justify="right")
    rows = {f"{name}: {GROUP_WORDS[name]}": count for name, count in summary["groups"].items()}
    rows |= (
        {
            "not judged (validation, test)": summary["images"] - summary["judged"],
            "label issues": summary["label_issues"],
            "come again with another label": summary["other_label"],
        }
        if summary["groups"]
        else {"with suspected pixels": summary["label_issues"]}
    )
    rows["set aside, can't be used"] = summary["set_aside"]
    for name, count in rows.items():
        counts.add_row(name, f"{count:,}")
    worst = Table(title="look at these first", title_justify="left", box=SIMPLE_HEAD)
    for name in ("quality", "id", "given", "suggested", "reasons"):
        worst.add_column(name, overflow="fold")
    for row in summary["worst"]:
        cells = (row["id"], row["given_label"], row["suggested_label"], row["reasons"])
        worst.add_row(number(row["label_quality"]), *map(escape, cells))
    return [counts, worst]


def number(value: float | None) -> str:
    """Three decimals; nothing where there is no number."""
    return "" if value is None or value != value else f"{value:.3f}"
