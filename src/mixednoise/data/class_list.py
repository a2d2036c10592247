"""Names of classes in one text, as ``--classes`` has them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable


def join_names(names: Iterable[str]) -> str:
    """``A,B``; as in a line of CSV a name with a comma in it stands in double quotes."""
    line = io.StringIO()
    csv.writer(line, lineterminator="").writerow(names)
    return line.getvalue()


def split_names(text: str) -> list[str]:
    """The names in what :func:`join_names` has made, or a person has typed; ``[""]`` of ``""``."""
    names = next(csv.reader([text], skipinitialspace=True), [""])
    return [name.strip() for name in names]
