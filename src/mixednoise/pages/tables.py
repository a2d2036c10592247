"""Tables ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Grid:
    """A table ready to be shown: headings, and rows of text whose first cell names the row."""

    headings: list[str]
    rows: list[list[str]]


def settings_rows(settings: Mapping[str, Any], above: Sequence[str] = ()) -> list[tuple[str, str]]:
    """``(name, value)`` of each setting; what is nested becomes ``outer.inner``."""
    rows = []
    for name, value in settings.items():
        path = (*above, str(name))
        if isinstance(value, Mapping):
            rows += settings_rows(value, path)
        else:
            rows.append((".".join(path), "none" if value is None else str(value)))
    return rows
