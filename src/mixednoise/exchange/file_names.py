"""Names of files that every file system takes, none of them twice."""

from __future__ import annotations

import re

#: Not allowed in names on one system or another, or no text at all.
_ILLEGAL = re.compile(r'[\x00-\x1f<>:"/\\|?*\x7f\ud800-\udfff]')
#: Bytes: room is left for a number and an ending.
_LONGEST = 180


def plain_name(name: str) -> str:
    """A name without what some systems can't hold; never empty, never hidden."""
    plain = _ILLEGAL.sub("_", name).strip().lstrip(".").rstrip(". ")
    return plain or "_"


def safe_stem(name: str) -> str:
    """The name of a file without its folders and ending, as :func:`plain_name`, not too long."""
    last = re.split(r"[/\\]", name.rstrip("/\\"))[-1]
    stem, dot, ending = last.rpartition(".")
    # Endings are short: the dots of "1.2.840.113619" are part of the name.
    if not (dot and stem and 1 <= len(ending) <= 5 and not ending.isdigit()):
        stem = last
    return plain_name(plain_name(stem).encode()[:_LONGEST].decode(errors="ignore"))


class UniqueNames:
    """Gives out names, each once, even where ``A`` and ``a`` are the same file."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._next: dict[str, int] = {}

    def take(self, stem: str, ending: str = "") -> str:
        """``stem + ending``, or ``stem-2`` and so on where that is taken."""
        name, key = f"{stem}{ending}", f"{stem}{ending}".casefold()
        number = self._next.get(key, 2)
        while name.casefold() in self._taken:
            name = f"{stem}-{number}{ending}"
            number += 1
        self._next[key] = number
        self._taken.add(name.casefold())
        return name
