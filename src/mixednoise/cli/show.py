"""Answers on stdout: tables for people, JSON for machines."""

from __future__ import annotations

import json
from typing import Any

from rich.console import Console
from rich.table import Table

from mixednoise.io import plain

COLUMNS = {"qwk": "QWK", "accuracy": "accuracy", "macro_f1": "macro-F1", "macro_auc": "AUC"}


def answer(value: Any, tables: list[Table], *, as_json: bool) -> None:
    """Print JSON, or the tables."""
    if as_json:
        Console(soft_wrap=True, highlight=False).print_json(json.dumps(plain(value)))
        return
    console = Console()
    for table in tables:
        console.print(table)


def metrics_table(by_method: dict[str, dict[str, Any]]) -> Table:
    """Last and best epoch of each method, and how well the groups were found."""
    first = next(iter(by_method.values()))
    table = Table(title=f"{first['split']} split", title_justify="left")
    table.add_column("method, epoch", no_wrap=True)
    for title in COLUMNS.values():
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
            if values is None:
                continue
            epoch = metrics["epochs"] if which == "last" else metrics["best_epoch"]
            cells = [f"{method}, {which} ({epoch})", *(number(values[n]) for n in COLUMNS)]
            if known:
                found = (metrics["separation"] or {}) if which == "last" else {}
                cells += [number(found.get(f"{key}_auroc")) for key in ("correct", "mis_l")]
            cells.append(f"{metrics['seconds']:.0f}" if which == "last" else "")
            table.add_row(*cells)
    return table


def number(value: float | None) -> str:
    """Three decimals; nothing where there is no number."""
    return "" if value is None or value != value else f"{value:.3f}"
