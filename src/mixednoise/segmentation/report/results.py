"""Tables for sets whose truth is known: wrong pixels found, and methods against a baseline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from mixednoise.pages.numbers import NOTHING, decimal, defined, points, share, whole
from mixednoise.pages.tables import Grid


def identification_grid(results: Mapping[str, Mapping[str, Any]]) -> Grid | None:
    """Precision, recall and F1 of error maps, pooled over the pixels; None without results."""
    if not results:
        return None
    headings = ["method", "precision", "recall", "F1", "suspected", "really wrong", "found"]
    split = any("boundary" in result for result in results.values())
    if split:
        headings += ["F1 near boundaries", "F1 elsewhere"]
    rows = []
    for method, result in results.items():
        scores = [decimal(result.get(key)) for key in ("precision", "recall", "f1")]
        counts = [whole(result.get(key)) for key in ("flagged", "wrong", "hits")]
        row = [str(method), *scores, *counts]
        if split:
            row += [decimal(result.get(k, {}).get("f1")) for k in ("boundary", "interior")]
        rows.append(row)
    return Grid(headings, rows)


def masks_grid(results: Mapping[str, Mapping[str, Any]]) -> Grid | None:
    """Dice over all and per foreground class, HD95 and ASSD over all; None without results."""
    if not results:
        return None
    classes = list(dict.fromkeys(k for result in results.values() for k in result["per_class"]))
    several = len(classes) > 1
    distances = [
        (metric, title)
        for metric, title in (("hd95", "HD95"), ("assd", "ASSD"))
        if any(metric in result["macro"] for result in results.values())
    ]
    headings = ["method", "masks", "Dice, all classes" if several else "Dice"]
    headings += [f"Dice, {name}" for name in classes] if several else []
    headings += [title for _, title in distances]
    rows = []
    for method, result in results.items():
        row = [str(method), whole(result.get("cases")), _spread(result["macro"].get("dice"))]
        if several:
            row += [_spread(result["per_class"].get(name, {}).get("dice")) for name in classes]
        row += [_spread(result["macro"].get(metric), 2) for metric, _ in distances]
        rows.append(row)
    return Grid(headings, rows)


def paired_grid(table: pd.DataFrame | None) -> Grid | None:
    """Differences in Dice points with their intervals; None without comparisons."""
    if table is None or not len(table):
        return None
    headings = ["method", "compared with", "masks", "difference in Dice points"]
    headings += ["95% interval", "better in so many resamples"]
    rows = []
    for row in table.to_dict("records"):
        interval = NOTHING
        if defined(row["low"]) and defined(row["high"]):
            interval = f"{points(row['low'])} to {points(row['high'])}"
        rows.append(
            [
                str(row["method"]),
                str(row["baseline"]),
                whole(row["cases"]),
                points(row["difference"]),
                interval,
                share(row["share_above_zero"]),
            ]
        )
    return Grid(headings, rows)


def _spread(numbers: Mapping[str, Any] | None, digits: int = 3) -> str:
    """``0.871 ± 0.032``; with a note where cases are left out."""
    if numbers is None or not defined(numbers.get("mean")):
        return NOTHING
    text = decimal(numbers["mean"], digits)
    if defined(numbers.get("sd")):
        text += f" ± {decimal(numbers['sd'], digits)}"
    if numbers.get("left_out"):
        text += f" (n = {whole(numbers['n'])})"
    return text
