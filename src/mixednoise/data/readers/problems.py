"""What can be wrong with rows as text, found for all rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pandas as pd

from mixednoise.data.class_names import canonical, did_you_mean, find_slips, is_blank, is_integer
from mixednoise.data.image_files import AMBIGUOUS, NOT_FOUND
from mixednoise.data.readers.options import MODEL, USER
from mixednoise.data.readers.raw_rows import RawRows
from mixednoise.data.report import Problem, counted, examples

_SHOWN = 5  # values that one message names before it says how many more there are


def label_problems(
    labels: Sequence[str],
    told: Sequence[bool],
    raw: RawRows,
    names: Sequence[str],
    what: str,
    classes_of: str = USER,
) -> list[Problem]:
    """Labels outside a fixed set, each with its place and the nearest name.

    Args:
        labels: of all rows.
        told: which rows to look at.
        raw: where they come from.
        names: the classes that there are.
        what: which label it is.
        classes_of: who says so, in words.
    """
    known = {canonical(name) for name in names}
    wrong = _rows_by_value(labels, told, lambda label: label not in known)
    if not wrong:
        return []
    rows = sum(map(len, wrong.values()))
    return [
        Problem(
            "stop",
            f"{counted(rows, 'row')} of {raw.source} with {what} that the model does not know"
            if classes_of == MODEL
            else f"{counted(rows, 'row')} of {raw.source} with {what} outside the set of classes",
            expected=", ".join(names) + (f" ({classes_of})" if classes_of else ""),
            found=_places(wrong, raw.where, lambda value: did_you_mean(value, names)),
            fix="correct the labels, leave these rows out, or train a model on all classes"
            if classes_of == MODEL
            else "correct the file, or name every class with --classes",
        )
    ]


def class_problems(
    counts: Mapping[str, int], labels: Sequence[str], told: Sequence[bool], raw: RawRows
) -> list[Problem]:
    """Classes that are misspelt, that mean "no label", or that are no classes at all."""
    filled = {name: count for name, count in counts.items() if count}
    total = sum(filled.values())
    if total >= 20 and 2 * len(filled) > total:
        return [
            Problem(
                "stop",
                f"{raw.label_of} of {raw.source} holds nearly as many different labels as rows",
                expected="a few classes with many images each",
                found=f"{len(filled):,} different labels in {total:,} rows: {examples(filled)}",
                fix="name the column of the class with --label-column",
            )
        ]
    problems = []
    negative = [name for name in filled if is_integer(name) and int(name) < 0]
    if negative:
        rows = _rows_by_value(labels, told, lambda label: label in negative)
        problems.append(
            Problem(
                "stop",
                f"negative labels in {raw.source}: they usually mean that there is no label",
                expected="a class per row, or a blank cell where nobody gave a label",
                found=_places(rows, raw.where, lambda _: ""),
                fix="blank these cells; if they are a class, name every class with --classes",
            )
        )
    slips = {slip.name: slip.why for slip in find_slips(filled, rare=1)}
    if slips:
        rows = _rows_by_value(labels, told, lambda label: label in slips)
        problems.append(
            Problem(
                "stop",
                f"{counted(len(slips), 'class', 'classes')} in {raw.source} looks misspelt"
                if len(slips) == 1
                else f"{len(slips)} classes in {raw.source} look misspelt",
                expected="one spelling per class",
                found=_places(rows, raw.where, lambda value: f" ({slips[value]})"),
                fix="correct the labels; if they are right, name every class with --classes",
            )
        )
    return problems


def unknown_cells(
    cells: Sequence[str] | None,
    told: Sequence[bool],
    where: Callable[[int], str],
    what: str,
    known: Iterable[str],
) -> list[Problem]:
    """Cells of a column that can hold a few words only, and hold another one."""
    if cells is None:
        return []
    words = list(known)
    wrong = _rows_by_value(
        cells, told, lambda cell: not is_blank(cell) and cell.strip().casefold() not in words
    )
    if not wrong:
        return []
    return [
        Problem(
            "stop",
            f"unknown {what} in {counted(sum(map(len, wrong.values())), 'row')}",
            expected=f"{', '.join(words)}, or a blank cell",
            found=_places(wrong, where, lambda value: did_you_mean(value, words)),
            fix=f"correct the cells, or name another column with --{what.replace(' ', '-')}-column"
            if what == "split"
            else "correct the cells",
        )
    ]


def repeated_rows(
    ids: Sequence[str],
    labels: Sequence[str],
    reasons: Sequence[str],
    where: Callable[[int], str],
) -> tuple[list[str], list[Problem]]:
    """Rows that name an image again.

    Returns:
        For each row the reason to set it aside ('' = keep): with the same label it says nothing
        new. And a problem for images that have two labels in one table: which one counts?
    """
    series = pd.Series(list(ids), dtype="object")
    usable = pd.Series([not reason for reason in reasons])
    again = series[usable][series[usable].duplicated(keep=False)]
    repeated = [""] * len(ids)
    conflicts = []
    for value, rows in again.groupby(again).groups.items():
        first, *others = [int(row) for row in rows]
        if len({labels[row] for row in (first, *others)}) == 1:
            for row in others:
                repeated[row] = f"repeats {where(first)}"
        else:
            told = ", ".join(f"{labels[row]!r} in {where(row)}" for row in (first, *others))
            conflicts.append(f"{value}: {told}")
    if not conflicts:
        return repeated, []
    return repeated, [
        Problem(
            "stop",
            f"{counted(len(conflicts), 'image')} named twice with different labels",
            expected="one row per image",
            found="; ".join(conflicts[:_SHOWN]) + _more(len(conflicts)),
            fix="keep the row with the label to train on",
        )
    ]


def many_missing(raw: RawRows, reasons: Sequence[str]) -> list[Problem]:
    """Stop when more than half of the images can't be found: the folder is probably wrong."""
    missing = [row for row, reason in enumerate(reasons) if reason in (NOT_FOUND, AMBIGUOUS)]
    if not missing or 2 * len(missing) <= len(reasons):
        return []
    places = dict.fromkeys(map(str, raw.looked_in))
    names = examples((raw.ids[row] for row in missing), 3)
    ambiguous = sum(reasons[row] == AMBIGUOUS for row in missing)
    found = f"nothing for {names}; looked in {', '.join(places)}"
    named = [place / raw.ids[missing[0]] for place in raw.looked_in if raw.ids[missing[0]]]
    if folder := next((path for path in named if path.is_dir()), None):
        found = f"{folder} is a folder, no image file"
    if ambiguous:
        found += f"; {AMBIGUOUS} for {ambiguous:,} of them"
    return [
        Problem(
            "stop",
            f"{len(missing):,} of the {len(reasons):,} images named in {raw.source} are missing",
            expected="image files beside the table, in images/ beside it, or under the image root",
            found=found,
            fix="name the folder with --image-root, or the right column with --image-column",
        )
    ]


def none_usable(raw: RawRows, reasons: Sequence[str]) -> list[Problem]:
    """Stop when no row is left to learn from."""
    if not all(reasons):
        return []
    counts = pd.Series(list(reasons)).value_counts()
    return [
        Problem(
            "stop",
            f"no row of {raw.source} can be used",
            expected="images with a label each",
            found="; ".join(f"{counted(n, 'row')}: {reason}" for reason, n in counts.items()),
            fix="name the right columns with --image-column and --label-column",
        )
    ]


def _rows_by_value(
    values: Sequence[str], told: Sequence[bool], wrong: Callable[[str], bool]
) -> dict[str, list[int]]:
    """The rows of each value that is wrong."""
    bad = {value for value in set(values) if value and wrong(value)}
    rows: dict[str, list[int]] = {}
    if bad:
        for row, (value, ok) in enumerate(zip(values, told, strict=True)):
            if ok and value in bad:
                rows.setdefault(value, []).append(row)
    return rows


def _places(
    rows: Mapping[str, Sequence[int]], where: Callable[[int], str], hint: Callable[[str], str]
) -> str:
    parts = [
        f"{value!r} in {examples((where(row) for row in at), 3)}{hint(value)}"
        for value, at in list(rows.items())[:_SHOWN]
    ]
    return "; ".join(parts) + _more(len(rows))


def _more(number: int) -> str:
    return f"; and {number - _SHOWN} more" if number > _SHOWN else ""
