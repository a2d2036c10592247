"""Tables of the segment commands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table

from mixednoise.cli.show import number
from mixednoise.segmentation.whole_masks import in_words

ALL = "all classes"
_TITLES = {"dice": "Dice", "hd95": "HD95", "assd": "ASSD"}
#: Decimals that are told: so many fit into 80 columns, with intervals.
_DIGITS = {"dice": 3, "hd95": 1, "assd": 2}


def train_tables(result: Mapping[str, Any]) -> list[Table]:
    """What ``segment train`` has found and reached."""
    tables = []
    if result["errors"] is not None:
        tables.append(errors_table(result["errors"]))
    metrics = result["metrics"]
    if metrics is None:
        return tables
    if metrics["identification"]:
        tables.append(identification_table(metrics["identification"]))
    networks = {name: metrics[name] for name in ("last", "best") if metrics[name]}
    if networks:
        title = f"{metrics['split']} cases against their {metrics['truth']}, mean [95 %]"
        tables.append(scores_table(title, networks))
    return tables


def scores_table(title: str, networks: Mapping[str, Mapping[str, Any]]) -> Table:
    """Dice, HD95 and ASSD per class.

    Args:
        title: of the table.
        networks: name -> summary of a
            :class:`~mixednoise.evaluation.mask_metrics.MaskEvaluator` with ``intervals``.
    """
    table = _table(title)
    table.add_column("student", no_wrap=True)
    table.add_column("class", min_width=10)
    for words in _TITLES.values():
        table.add_column(words, justify="right", no_wrap=True)
    left_out = False
    for name, scores in networks.items():
        classes = dict(scores["per_class"])
        if len(classes) > 1:
            classes[ALL] = scores["macro"]
        for row, (class_name, numbers) in enumerate(classes.items()):
            intervals = scores.get("intervals", {}).get(class_name, {})
            cells = [
                _cell(numbers[metric], intervals.get(metric), digits)
                for metric, digits in _DIGITS.items()
            ]
            left_out |= any(numbers[metric]["left_out"] for metric in _TITLES)
            table.add_row(name if row == 0 else "", class_name, *cells)
    if left_out:
        table.caption = "(n): cases where the number is defined: a class that is in neither mask,"
        table.caption += " or a distance to nothing, is not"
        table.caption_justify = "left"
    return table


def identification_table(found: Mapping[str, Mapping[str, Any]]) -> Table:
    """How well wrong pixels were found, where the truth is known."""
    table = _table("wrong pixels found, against the true masks")
    table.add_column("rule", no_wrap=True)
    for title in ("precision", "recall", "F1", "suspected", "wrong", "pixels"):
        table.add_column(title, justify="right", no_wrap=True)
    for rule, scores in found.items():
        counts = (f"{scores[name]:,}" for name in ("flagged", "wrong", "pixels"))
        shares = (number(scores[name]) for name in ("precision", "recall", "f1"))
        table.add_row(rule, *shares, *counts)
    return table


def errors_table(summary: Mapping[str, Any]) -> Table:
    """What is suspected, per class of the given masks.

    Args:
        summary: the content of ``summary.json``.
    """
    table = _table(
        f"suspected: {summary['flagged_share']:.2%} of the pixels, in "
        f"{summary['images_flagged']:,} of {summary['images']:,} masks"
    )
    table.add_column("given class")
    for title in ("pixels", "expected wrong", "suspected"):
        table.add_column(title, justify="right", no_wrap=True)
    flagged = summary["flagged_per_class"]
    for name, pixels, rate in zip(
        summary["class_names"], summary["class_counts"], summary["error_rate"], strict=True
    ):
        own = f"{flagged[name] / pixels:.2%}" if pixels else ""
        table.add_row(name, f"{pixels:,}", "" if rate is None else f"{rate:.2%}", own)
    table.caption = in_words(summary.get("whole_masks"), summary["images"]) or None
    table.caption_justify = "left"
    return table


def comparison_tables(rows: list[dict[Any, Any]], paired: list[dict[Any, Any]]) -> list[Table]:
    """Methods side by side, and each against plain cross-entropy."""
    table = _table("test cases, mean (standard deviation)")
    table.add_column("method, epoch", no_wrap=True)
    table.add_column("class", min_width=10)
    for words in (*_TITLES.values(), "s"):
        table.add_column(words, justify="right", no_wrap=True)
    classes = {row["class"] for row in rows}
    for row in rows:
        if row["class"] == "all" and len(classes) == 2:
            continue  # the only class has told it
        cells = [_with_spread(row[m], row[f"{m}_sd"], digits) for m, digits in _DIGITS.items()]
        table.add_row(f"{row['method']}, {row['epoch']}", row["class"], *cells,
                      f"{row['seconds']:.0f}")  # fmt: skip
    tables = [table]
    if paired:
        second = _table(
            f"Dice points more than {paired[0]['baseline']}, the same cases, last epoch"
        )
        for title in ("method", "difference", "95 %", "cases"):
            second.add_column(title, justify="left" if title == "method" else "right")
        for row in paired:
            known = row["low"] == row["low"] and row["low"] is not None
            interval = f"{100 * row['low']:+.1f} to {100 * row['high']:+.1f}" if known else ""
            second.add_row(row["method"], f"{100 * row['difference']:+.1f}", interval,
                           f"{row['cases']:,}")  # fmt: skip
        tables.append(second)
    return tables


def _table(title: str) -> Table:
    # A title is broken where its table ends: a narrow table must not tear it.
    width = min(len(title), 78)
    return Table(
        title=title,
        title_justify="left",
        box=SIMPLE_HEAD,
        pad_edge=False,
        padding=0,
        min_width=width,
    )


def _cell(numbers: Mapping[str, Any], interval: Any, digits: int) -> str:
    mean = numbers["mean"]
    if mean is None or mean != mean:
        return ""
    text = f"{mean:.{digits}f}"
    if interval and all(end is not None and end == end for end in interval):
        low, high = (f"{end:.{digits}f}" for end in interval)
        text += f" [{low}, {high}]"
    return text + (f" ({numbers['n']})" if numbers["left_out"] else "")


def _with_spread(mean: Any, deviation: Any, digits: int) -> str:
    if mean is None or mean != mean:
        return ""
    text = f"{mean:.{digits}f}"
    known = deviation is not None and deviation == deviation
    return text + (f" ({deviation:.{digits}f})" if known else "")
