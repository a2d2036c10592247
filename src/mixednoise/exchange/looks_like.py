"""What a file is that is not what it should be: for messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mixednoise.data.report import examples
from mixednoise.errors import DataError

_START = 64


def read_json(path: Path, expected: str, fix: str) -> Any:
    """The content of a JSON file.

    Raises:
        DataError: it is not there, or something else; the message says what it looks like.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise DataError(
            f"{path} is not there", expected=expected, found="no such file", fix="correct the path"
        ) from error
    except OSError as error:
        raise DataError(
            f"{path} can't be read", expected=expected, found=error.strerror or str(error), fix=fix
        ) from error
    except ValueError as error:
        raise wrong_file(path, expected, fix) from error


def wrong_file(path: Path, expected: str, fix: str, content: Any = None) -> DataError:
    """The error for a file of another kind.

    Args:
        path: the file.
        expected: what it should be.
        fix: what to do.
        content: what is in it, where it is JSON.
    """
    found = looks_like(path) if content is None else _json_like(content)
    return DataError(f"{path} is of another format", expected=expected, found=found, fix=fix)


def looks_like(path: Path) -> str:
    """In words."""
    if path.is_dir():
        return f"a folder with {examples(sorted(entry.name for entry in path.iterdir()), 4)}"
    with path.open("rb") as file:
        start = file.read(4096)
    if not start:
        return "an empty file"
    if start.startswith(b"SQLite format 3\0"):
        return "an SQLite database"
    if start.startswith((b"PK\x03\x04", b"\x1f\x8b")):
        return "a compressed file: unpack it first"
    try:
        text = start.decode("utf-8")
    except UnicodeDecodeError:
        return "no text"
    text = text.lstrip("\ufeff \t\r\n")
    if text.startswith("<"):
        return f"XML or HTML: {text[:_START].splitlines()[0]}"
    if text.startswith(("{", "[")):
        return "JSON that is damaged or cut off"
    first = text.splitlines()[0] if text else ""
    for separator in (",", "\t", ";"):
        if separator in first:
            return f"a table with the columns {examples(first.split(separator), 6)}"
    return f"text: {first[:_START]}"


def _json_like(content: Any) -> str:
    if isinstance(content, list):
        first = content[0] if content else None
        if isinstance(first, dict):
            known = {"data", "annotations"} <= first.keys() or "annotator" in first
            name = "a Label Studio export" if known else "a JSON list"
            return f"{name} whose entries have {examples(sorted(map(str, first)), 6)}"
        return "an empty JSON list" if not content else "a JSON list of other things"
    if isinstance(content, dict):
        if {"images", "annotations", "categories"} <= content.keys():
            return "COCO annotations"
        if "samples" in content:
            return "samples of FiftyOne"
        if {"classes", "labels"} <= content.keys():
            return "labels of FiftyOne"
        return f"JSON with {examples(sorted(map(str, content)), 6)}"
    return f"JSON: {json.dumps(content)[:_START]}"
