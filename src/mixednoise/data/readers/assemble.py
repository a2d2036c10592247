"""From rows as text to a :class:`Dataset`: the one way that every layout goes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pandas as pd

from mixednoise.data.checks import check_groups
from mixednoise.data.class_names import are_grades, canonical, is_blank, sort_names
from mixednoise.data.image_files import AMBIGUOUS, NOT_FOUND
from mixednoise.data.readers.options import ReadOptions
from mixednoise.data.readers.problems import (
    class_problems,
    label_problems,
    many_missing,
    none_usable,
    repeated_rows,
    unknown_cells,
)
from mixednoise.data.readers.raw_rows import RawRows
from mixednoise.data.readers.split_names import SPLIT_NAMES, split_of
from mixednoise.data.readers.weights import read_weights
from mixednoise.data.report import Report
from mixednoise.data.table import GROUPS, Dataset, make_table
from mixednoise.io import as_text

NO_IMAGE, NO_LABEL = "no image name", "no label"
NO_TEXT = "its name is not UTF-8: rename it"


def assemble(raw: RawRows, options: ReadOptions) -> Dataset:
    """Turn rows of text into a data set; rows that can't be used are set aside with a reason.

    Args:
        raw: what the layout has read.
        options: of the caller; the classes in order (None = those that occur), and whether they
            are grades (None = judge).

    Raises:
        DataError: everything that is wrong, in one message: labels outside the set or misspelt,
            unknown splits or noise groups, one image with two labels, most images missing, a
            patient in two splits.
    """
    raw = _as_text(raw)
    class_names = options.class_names
    keep = (*class_names, *raw.classes) if class_names else raw.classes
    labels = _clean(raw.labels, keep)
    true_labels = None if raw.true_label is None else _clean(raw.true_label, keep)
    reasons = [
        NO_IMAGE if not name.strip() else NO_LABEL if not label and not reason else reason
        for name, label, reason in zip(raw.ids, labels, raw.reasons, strict=True)
    ]
    # A row without a file still tells which classes there are, and may hold a slip.
    told = [not reason or reason in (NOT_FOUND, AMBIGUOUS) for reason in reasons]
    counts = pd.Series([label for label, ok in zip(labels, told, strict=True) if ok]).value_counts()
    per_class = {str(name): int(n) for name, n in counts.items()} | {
        name: int(counts.get(name, 0)) for name in raw.classes
    }
    names = class_names or sort_names({*per_class, *(true_labels or [])} - {""})
    codes = {canonical(name): code for code, name in enumerate(names)}

    repeated, problems = repeated_rows(raw.ids, labels, reasons, raw.where)
    reasons = [again or reason for again, reason in zip(repeated, reasons, strict=True)]
    usable = [not reason for reason in reasons]
    problems += (raw.problems + many_missing(raw, reasons)) or none_usable(raw, reasons)
    allowed = class_names or raw.allowed
    if allowed is not None:
        of = options.classes_of
        problems += label_problems(labels, told, raw, allowed, f"a label ({raw.label_of})", of)
    else:
        problems += class_problems(per_class, labels, told, raw)
    if true_labels is not None and allowed is not None:
        problems += label_problems(true_labels, told, raw, allowed, "a true label", of)
    problems += unknown_cells(raw.split, told, raw.where, "split", SPLIT_NAMES)
    problems += unknown_cells(raw.noise_group, told, raw.where, "noise group", GROUPS)
    weights, wrong = read_weights(raw, usable)
    problems += wrong

    rows = [
        row
        for row, (label, ok) in enumerate(zip(labels, usable, strict=True))
        if ok and label in codes
    ]
    dataset = Dataset(
        table=_table(raw, rows, labels, true_labels, codes, weights),
        class_names=tuple(names),
        source=raw.source,
        arrays=raw.arrays,
        set_aside=_set_aside(raw, reasons),
        ordinal=_ordinal(options.ordinal, raw.ordinal, names),
        group_column=raw.group_column,
        weight_column=raw.weight_column,
    )
    report = Report(problems)
    if report.stopped or raw.leak_fix:
        (report + _leaks(dataset, raw)).raise_if_stopped()
    return dataset


def _leaks(dataset: Dataset, raw: RawRows) -> Report:
    """Groups in two splits, with the layout's own advice where it has one."""
    found = check_groups(dataset).problems
    return Report([replace(leak, fix=raw.leak_fix or leak.fix) for leak in found])


def _as_text(raw: RawRows) -> RawRows:
    """Set aside files whose names (old archives have such) no table could hold."""
    odd = [row for row, path in enumerate(raw.paths) if as_text(path) != path]
    if not odd:
        return raw
    ids, labels, paths, reasons = (
        list(cells) for cells in (raw.ids, raw.labels, raw.paths, raw.reasons)
    )
    for row in odd:
        ids[row], labels[row] = as_text(ids[row]), as_text(labels[row])
        paths[row], reasons[row] = "", reasons[row] or NO_TEXT
    names = tuple(map(as_text, raw.classes))
    return replace(raw, ids=ids, labels=labels, paths=paths, reasons=reasons, classes=names)


def _clean(cells: Sequence[str], class_names: Sequence[str]) -> list[str]:
    """Labels in canonical form; blank cells become '' unless a class bears that very name."""
    known = {canonical(name) for name in class_names}
    form = {
        cell: "" if is_blank(cell) and canonical(cell) not in known else canonical(cell)
        for cell in set(cells)
    }
    return [form[cell] for cell in cells]


def _table(
    raw: RawRows,
    rows: Sequence[int],
    labels: Sequence[str],
    true_labels: Sequence[str] | None,
    codes: dict[str, int],
    weights: Sequence[float] | None,
) -> pd.DataFrame:
    def pick(cells: Sequence[str] | None, known: Callable[[str], Any]) -> list[Any] | None:
        if cells is None:
            return None
        values = {cell: known(cell) for cell in set(cells)}
        return [values[cells[row]] for row in rows]

    def text(cell: str) -> Any:
        return pd.NA if is_blank(cell) else canonical(cell)

    def noise_group_of(cell: str) -> Any:
        name = cell.strip().casefold()
        return name if name in GROUPS else pd.NA

    return make_table(
        [raw.ids[row] for row in rows],
        [codes[labels[row]] for row in rows],
        path=[raw.paths[row] for row in rows],
        array_index=None if raw.arrays is None else list(rows),
        split=pick(raw.split, lambda cell: split_of(cell) or pd.NA),
        group=pick(raw.group, text),
        quality=pick(raw.quality, text),
        true_label=pick(true_labels, lambda cell: codes.get(cell, -1)),
        noise_group=pick(raw.noise_group, noise_group_of),
        weight=None if weights is None else [weights[row] for row in rows],
    )


def _set_aside(raw: RawRows, reasons: Sequence[str]) -> pd.DataFrame:
    aside = [row for row, reason in enumerate(reasons) if reason]
    return pd.DataFrame(
        {
            "id": [raw.ids[row] for row in aside] + [name for name, _ in raw.nowhere],
            "path": [raw.paths[row] for row in aside] + [""] * len(raw.nowhere),
            "reason": [reasons[row] for row in aside] + [reason for _, reason in raw.nowhere],
        },
        dtype="str",
    )


def _ordinal(wanted: bool | None, known: bool | None, names: Sequence[str]) -> bool:
    """The user's word, else the layout's, else whether the names are consecutive integers."""
    if wanted is not None:
        return wanted
    return are_grades(names) if known is None else known
