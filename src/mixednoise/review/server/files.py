"""The files of the page: a fixed list, read once; nothing is looked up by what a client says."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True)
class StaticFile:
    """A file of the page."""

    data: bytes
    media_type: str


def static_files() -> dict[str, StaticFile]:
    """Name -> content of everything in ``review/static``."""
    return {
        entry.name: StaticFile(entry.read_bytes(), _TYPES[_ending(entry.name)])
        for entry in (files("mixednoise.review") / "static").iterdir()
        if _ending(entry.name) in _TYPES
    }


def _ending(name: str) -> str:
    return "." + name.rpartition(".")[2]
