"""Entries of files that other tools have written, held against what they should look like."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from mixednoise.errors import DataError

_LONGEST = 60


class Entry(BaseModel):
    """What is read of an entry; other tools may write more, which is passed over."""

    model_config = ConfigDict(extra="ignore", coerce_numbers_to_str=True)


_Entry = TypeVar("_Entry", bound=Entry)


def checked(kind: type[_Entry], value: Any, path: Path, where: str, tool: str) -> _Entry:
    """The entry, or an error that says where it is not as the tool writes it.

    Args:
        kind: of entry.
        value: what the file has.
        path: the file.
        where: in it, such as ``task 3``.
        tool: that should have written it.

    Raises:
        DataError: the value has another form.
    """
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        found = repr(first["input"])
        found = found if len(found) <= _LONGEST else f"{found[:_LONGEST]}..."
        raise DataError(
            f"{where} of {path} is not as {tool} writes it",
            expected=first["msg"],
            found=f"{place}: {found}" if place else found,
            fix=f"take the file as {tool} has exported it; nothing was recorded",
        ) from error
