"""From the image value in a user's table to the file, listing each folder once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

#: Known image formats; where two files share a stem, the first format wins.
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".tif", ".tiff", ".bmp", ".dcm", ".dicom")
NOT_FOUND = "image file not found"
AMBIGUOUS = "several images of that name under the image root"


def is_image(name: str) -> bool:
    """Whether a file name ends as images do; hidden files are not images."""
    return name.lower().endswith(IMAGE_SUFFIXES) and not name.startswith(".")


def images_below(folder: Path) -> Iterator[str]:
    """Paths of the images at any depth, folder by folder; hidden files and folders are skipped."""
    for place, below, names in os.walk(folder):
        below[:] = sorted(name for name in below if not name.startswith("."))
        for name in sorted(filter(is_image, names)):
            yield f"{place}{os.sep}{name}"


def _split_suffix(name: str) -> tuple[str, str]:
    """``('x', '.jpg')`` for ``x.JPG``; the suffix is '' where it is not an image's."""
    lower = name.lower()
    for suffix in IMAGE_SUFFIXES:
        if lower.endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)], suffix
    return name, ""


@dataclass
class _Listing:
    """The files of one folder (or tree), findable by name or by stem."""

    exact: dict[str, str] = field(default_factory=dict)
    any_case: dict[tuple[str, str], str] = field(default_factory=dict)
    stems: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, name: str, path: str) -> None:
        self.exact[name] = path
        stem, suffix = _split_suffix(name)
        if suffix:
            self.any_case[(stem, suffix)] = path
            rank = IMAGE_SUFFIXES.index(suffix)
            if stem not in self.stems or rank < self.stems[stem][0]:
                self.stems[stem] = (rank, path)

    def find(self, name: str) -> str | None:
        """By full name, by stem where the suffix is missing, then whatever the suffix's case."""
        if name in self.exact:
            return self.exact[name]
        if name in self.stems:
            return self.stems[name][1]
        return self.any_case.get(_split_suffix(name))


def _list_folder(folder: Path) -> _Listing:
    listing = _Listing()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file():
                    listing.add(entry.name, f"{folder}{os.sep}{entry.name}")
    except (OSError, ValueError):  # not a folder, not readable, or a name that no folder can have
        return listing
    return listing


def _list_tree(folder: Path) -> tuple[_Listing, frozenset[str]]:
    """Every image below a folder, and the names and stems that occur in more than one place."""
    listing = _Listing()
    home: dict[str, str] = {}
    ambiguous: set[str] = set()
    for place, _, names in os.walk(folder):
        for name in filter(is_image, names):
            for key in (name, _split_suffix(name)[0]):
                if home.setdefault(key, place) != place:
                    ambiguous.add(key)
            listing.add(name, f"{place}{os.sep}{name}")
    return listing, frozenset(ambiguous)


def find_images(
    values: Sequence[str], folders: Iterable[Path], image_root: Path | None = None
) -> tuple[list[str], list[str]]:
    """Find the file of each image value.

    A value may hold folders (``left/12.png``) or be absolute; a missing suffix is completed, in
    any letter case. ``folders`` are tried in order, then ``image_root``, then, for values without
    a folder, every folder below ``image_root``.

    Args:
        values: N image values as the user's table gives them; '' is never found.
        folders: where to look first.
        image_root: where to look last, also deeper.

    Returns:
        N absolute paths ('' = not found) and N reasons ('' = found).
    """
    split = [value.replace("\\", "/").rpartition("/") for value in values]
    heads = [head + slash if head == "" else head for head, slash, _ in split]
    tails = [tail for _, _, tail in split]
    paths = [""] * len(values)
    pending = [row for row, tail in enumerate(tails) if tail]
    bases = [*folders, *([image_root] if image_root is not None else [])]
    for base in dict.fromkeys(place.absolute() for place in bases):
        listings = {head: _list_folder(base / head) for head in {heads[row] for row in pending}}
        for row in pending:
            paths[row] = listings[heads[row]].find(tails[row]) or ""
        pending = [row for row in pending if not paths[row]]
        if not pending:
            break
    reasons = ["" if path else NOT_FOUND for path in paths]
    deeper = [row for row in pending if not heads[row]]
    if image_root is not None and deeper:
        listing, ambiguous = _list_tree(image_root.absolute())
        for row in deeper:
            if tails[row] in ambiguous:
                reasons[row] = AMBIGUOUS
            else:
                paths[row] = listing.find(tails[row]) or ""
                reasons[row] = "" if paths[row] else NOT_FOUND
    return paths, reasons
