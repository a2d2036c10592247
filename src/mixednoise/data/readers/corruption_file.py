"""``corruption.json`` beside a table that ``corrupt`` wrote: which classes there are, in order.

A CSV file holds names alone; that none, mild, severe is an order, only this file remembers.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from mixednoise.data.readers.options import ReadOptions
from mixednoise.errors import DataError

CORRUPTION_FILE = "corruption.json"
#: The table that the file describes; other tables in its folder are the user's.
LABELS_FILE = "labels.csv"


def with_known_classes(options: ReadOptions, table: Path) -> ReadOptions:
    """The options, with the class names and the order that ``corrupt`` wrote down for a table.

    What the caller says of classes or order stands.

    Raises:
        DataError: the file is damaged.
    """
    path = table.parent / CORRUPTION_FILE
    if options.class_names is not None or table.name != LABELS_FILE or not path.is_file():
        return options
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(path, (str(error).splitlines() or [type(error).__name__])[0]) from error
    names = content.get("class_names") if isinstance(content, dict) else None
    ordinal = content.get("ordinal") if isinstance(content, dict) else None
    if (
        not isinstance(names, list)
        or not all(isinstance(name, str) for name in names)
        or len(set(names)) != len(names)
        or len(names) < 2
        or not isinstance(ordinal, bool)
    ):
        raise _damaged(path, "no class_names, or no ordinal, in it")
    return replace(
        options,
        class_names=tuple(names),
        ordinal=ordinal if options.ordinal is None else options.ordinal,
        classes_of=f"the classes in {CORRUPTION_FILE}",
    )


def _damaged(path: Path, found: str) -> DataError:
    return DataError(
        f"{path} can't be read",
        expected="the classes in order, as `mixednoise corrupt` writes them",
        found=found,
        fix="corrupt the data again, or name the classes in order with --classes",
    )
