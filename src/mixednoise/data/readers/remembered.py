"""A data set remembers how it was read, so that a later command can read it again."""

from __future__ import annotations

import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec

from mixednoise.data.table import Dataset

P = ParamSpec("P")


def remembers_reading(read: Callable[P, Dataset]) -> Callable[P, Dataset]:
    """Fill :attr:`.Dataset.reading` with the keyword arguments that are not at their defaults.

    Plain values alone: paths become absolute strings, sequences lists. The first argument is the
    source, which the data set knows by itself.
    """
    signature = inspect.signature(read)

    @functools.wraps(read)
    def reading(*args: P.args, **kwargs: P.kwargs) -> Dataset:
        dataset = read(*args, **kwargs)
        given = signature.bind(*args, **kwargs).arguments
        told = {}
        for name, value in given.items():
            parameter = signature.parameters[name]
            if parameter.kind is parameter.KEYWORD_ONLY and value is not parameter.default:
                told[name] = _plain(name, value)
        return replace(dataset, reading=told)

    return reading


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, os.PathLike) or name == "image_root":
        return str(Path(value).expanduser().absolute())
    return value if isinstance(value, str | bool | int) else [str(item) for item in value]
