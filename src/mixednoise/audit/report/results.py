"""How good the trained network is, where there were labels to measure it with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixednoise.audit.report.counts import HeatCell, heat_cells
from mixednoise.evaluation.colours import METRIC_TITLES
from mixednoise.evaluation.metrics import CLASS_METRICS, SCALAR_METRICS
from mixednoise.pages.heat import MOST_CLASSES, busiest, confusions
from mixednoise.pages.numbers import NOTHING, decimal, defined, share, whole
from mixednoise.pages.tables import Grid

#: What the two measured states of the network are called.
_WHICH = {"last": "last epoch", "best": "best epoch"}


@dataclass(frozen=True)
class ConfusionTable:
    """True (rows) and predicted (columns) classes.

    Attributes:
        names: classes shown, in class order.
        left_out: how many are not shown.
        cells: counts.
        totals: images of each class shown.
        sentence: how many are right.
    """

    names: list[str]
    left_out: int
    cells: list[list[HeatCell]]
    totals: list[int]
    sentence: str


@dataclass(frozen=True)
class Results:
    """What ``metrics.json`` tells; a part is None where it isn't there.

    Attributes:
        split: that was measured.
        images: of it; NaN = not known.
        overall: metrics over all classes, last and best epoch.
        per_class: metrics of each class, last epoch.
        confusion: of the last epoch.
    """

    split: str
    images: float
    overall: Grid | None
    per_class: Grid | None
    confusion: ConfusionTable | None


def results_of(metrics: Mapping[str, Any], classes: list[str]) -> Results | None:
    """Make the tables; None where nothing was measured."""
    last = metrics.get("last") or {}
    found = Results(
        split=str(metrics.get("split") or "test"),
        images=last.get("n", float("nan")),
        overall=_overall(metrics),
        per_class=_per_class(metrics),
        confusion=_confusion((metrics.get("confusion") or {}).get("last"), classes),
    )
    parts = (found.overall, found.per_class, found.confusion)
    return found if any(part is not None for part in parts) else None


def _overall(metrics: Mapping[str, Any]) -> Grid | None:
    which = {key: words for key, words in _WHICH.items() if metrics.get(key)}
    # Without a validation split there is no best epoch: "best" is the last one again.
    if not metrics.get("best_epoch"):
        which.pop("best", None)
    intervals = metrics.get("intervals") or {}
    rows = []
    for metric in SCALAR_METRICS:
        if any(defined(metrics[key].get(metric)) for key in which):
            cells = [
                _with_interval(metrics[key].get(metric), (intervals.get(key) or {}).get(metric))
                for key in which
            ]
            rows.append([METRIC_TITLES[metric], *cells])
    return Grid(["", *which.values()], rows) if rows else None


def _per_class(metrics: Mapping[str, Any]) -> Grid | None:
    classes = (metrics.get("per_class") or {}).get("last") or {}
    intervals = ((metrics.get("intervals") or {}).get("last") or {}).get("per_class") or {}
    if not classes:
        return None
    rows = [
        [
            name,
            whole(scores.get("support")),
            *(
                _with_interval(scores.get(metric), (intervals.get(name) or {}).get(metric))
                for metric in CLASS_METRICS
            ),
        ]
        for name, scores in classes.items()
    ]
    return Grid(["class", "images", *(METRIC_TITLES[name] for name in CLASS_METRICS)], rows)


def _confusion(counts: Any, classes: list[str]) -> ConfusionTable | None:
    if not counts:
        return None
    matrix = np.asarray(counts, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.sum():
        return None
    names = classes if len(classes) == len(matrix) else [f"class {k}" for k in range(len(matrix))]
    kept = busiest(confusions(matrix), MOST_CLASSES)
    right, total = int(np.trace(matrix)), int(matrix.sum())
    return ConfusionTable(
        names=[names[k] for k in kept],
        left_out=len(matrix) - len(kept),
        cells=heat_cells(matrix, kept),
        totals=[int(matrix[k].sum()) for k in kept],
        sentence=f"{right:,} of {total:,} predictions are right ({share(right / total)}).",
    )


def _with_interval(value: Any, interval: Any) -> str:
    """``0.600 (0.537–0.658)``."""
    if not defined(value):
        return NOTHING
    low, high = interval if interval is not None else (None, None)
    if not defined(low) or not defined(high):
        return decimal(value)
    # A narrow page breaks the line here, a wide one takes it for a space.
    return f"{decimal(value)}\n({decimal(low)}–{decimal(high)})"
