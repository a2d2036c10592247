"""The many names of train, val and test."""

from __future__ import annotations

import re

from mixednoise.data.table import Split

SPLIT_NAMES: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "dev": "val",
    "test": "test",
    "testing": "test",
}


def split_of(name: str) -> Split | None:
    """The split that a folder or a cell names, in any letter case, or None."""
    return SPLIT_NAMES.get(name.strip().casefold())


def split_of_file(stem: str) -> Split | None:
    """The split in a file's name: its last word, as in ``Label_EyeQ_train`` or ``test``."""
    words = re.split(r"[\W_]+", stem.strip())
    return split_of(words[-1]) if words else None
