"""Templates to one HTML file that needs nothing outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from mixednoise.io import atomic_write
from mixednoise.pages.numbers import decimal, defined, share, whole


@cache
def environment(package: str) -> jinja2.Environment:
    """Templates of a package, then those that all pages share; every text is escaped.

    Args:
        package: with a folder ``templates``.
    """
    made = jinja2.Environment(
        loader=jinja2.ChoiceLoader(
            [
                jinja2.PackageLoader(package, "templates"),
                jinja2.PackageLoader("mixednoise.pages", "templates"),
            ]
        ),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(whole=whole, share=share, decimal=decimal)
    made.tests["known"] = defined
    return made


def write_page(template: jinja2.Template, values: Mapping[str, Any], path: Path | str) -> None:
    """Render to a file piece by piece: what iterators in ``values`` yield is not kept.

    Raises:
        TrainingError: the disk is full or the folder can't be written; an earlier file stays.
    """
    # A path that is no UTF-8 (in a title, a setting, a command) must not be what fails.
    with (
        atomic_write(path) as temporary,
        temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
    ):
        for piece in template.generate(values):
            file.write(piece)
