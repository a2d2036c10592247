"""What stands in the image column of a labels file, so that a reader finds the image from there."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mixednoise.data.image_files import find_images


def image_values(ids: Sequence[str], paths: Sequence[str], folder: Path) -> list[str]:
    """The user's image values where they lead to the same files from ``folder``, else paths.

    One kind for all: a file in which some rows are names and some are paths would be a puzzle.
    Paths are relative to ``folder`` for images below it, so that both can be moved together, and
    absolute for others, so that the labels file can be moved alone.

    Args:
        ids: image value of each row in the user's own file.
        paths: absolute path of each image.
        folder: of the labels file to be.
    """
    here = folder.absolute()
    found, _ = find_images(ids, [here, here / "images"])
    if all(map(_same, found, paths)):
        return list(ids)
    return [_path_from(here, path) for path in paths]


def _same(first: str, second: str) -> bool:
    return first == second or (bool(first) and os.path.realpath(first) == os.path.realpath(second))


def _path_from(folder: Path, path: str) -> str:
    below = os.path.relpath(path, folder)
    outside = below == os.pardir or below.startswith(os.pardir + os.sep)
    return path if outside else below.replace(os.sep, "/")
