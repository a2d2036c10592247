"""Names under which decisions are kept."""

from __future__ import annotations

from mixednoise.errors import ConfigError

LONGEST_NAME = 60


def checked_name(name: str) -> str:
    """A reviewer's name without spaces around it.

    Raises:
        ConfigError: nothing, too much, or what can't be printed.
    """
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise ConfigError(
            "this is no name of a reviewer",
            expected=f"1 to {LONGEST_NAME} letters",
            found=repr(name[: LONGEST_NAME + 1]) if name else "nothing",
            fix="give the name that decisions shall be kept under",
        )
    return name
