"""Finding the files of images and masks, and which mask belongs to which image."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mixednoise.errors import DataError
from mixednoise.segmentation.cases.formats import ENDINGS, split_ending, without_mask_suffix


@dataclass(frozen=True)
class Entry:
    """A file that may be an image or a mask.

    Attributes:
        parent: the folders between the given one and the file, with ``/``; '' = none.
        stem: the name without its ending.
        path: the file.
    """

    parent: str
    stem: str
    path: Path

    @property
    def key(self) -> str:
        """``parent/stem``."""
        return f"{self.parent}/{self.stem}" if self.parent else self.stem


def list_entries(folder: Path) -> list[Entry]:
    """Every file of a known format in a folder and below it, in the order of their keys.

    Hidden files and folders are left out.

    Raises:
        DataError: the folder doesn't exist, can't be read, or holds no such file.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder} is no folder" if folder.exists() else f"there is no folder {folder}",
            expected="a folder of images or masks",
            found="a file" if folder.exists() else "nothing of that name",
            fix="correct the path",
        )
    entries = []
    for place, folders, names in os.walk(folder, followlinks=True, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        parent = Path(place).relative_to(folder).as_posix()
        for name in names:
            stem, ending = split_ending(name)
            if ending and not name.startswith("."):
                found = Entry("" if parent == "." else parent, stem, Path(place) / name)
                entries.append(found)
    if not entries:
        raise DataError(
            f"no image or mask in {folder}",
            expected="files ending in " + ", ".join(ENDINGS),
            found="none, in its sub-folders neither",
            fix="correct the path",
        )
    return sorted(entries, key=lambda entry: (entry.key, entry.path.name))


def _refuse(error: OSError) -> None:
    raise DataError(
        f"can't read the folder {error.filename}",
        expected="a folder that you may read",
        found=error.strerror or str(error),
        fix="check its permissions",
    ) from error


def first_folders(entries: Iterable[Entry]) -> set[str]:
    """The sub-folders directly below the listed one; '' for files that lie in it."""
    return {entry.parent.split("/")[0] for entry in entries}


def case_names(entries: Sequence[Entry]) -> list[str]:
    """A name for each image: its stem, or where stems repeat in sub-folders, path and stem."""
    stems = Counter(entry.stem for entry in entries)
    if all(number == 1 for number in stems.values()) or len({e.parent for e in entries}) == 1:
        return [entry.stem for entry in entries]
    return [entry.key.replace("/", "_") for entry in entries]


@dataclass(frozen=True)
class Matched:
    """Which mask file belongs to which image.

    Attributes:
        files: index of the image -> file.
        several: index of the image -> files, where more than one claims it.
        unclaimed: files that belong to no image.
    """

    files: Mapping[int, Path]
    several: Mapping[int, tuple[Path, ...]]
    unclaimed: tuple[Path, ...]


def match(images: Sequence[Entry], masks: Sequence[Entry], class_name: str = "") -> Matched:
    """Find the image of each mask.

    In this order: the same sub-folder and stem; the same after a suffix such as ``_mask`` or
    ``_segmentation`` (or the class's name) is taken off; the same stem in another sub-folder,
    where only one image has it. A mask that matches exactly wins over one with a suffix.
    """
    by_key: dict[str, int] = {}
    by_stem: dict[str, int | None] = {}
    for index, image in enumerate(images):
        by_key.setdefault(image.key, index)
        by_stem[image.stem] = None if image.stem in by_stem else index
    claims: dict[int, dict[int, list[Path]]] = {}
    unclaimed = []
    for mask in masks:
        found = _find(mask, class_name, by_key, by_stem)
        if found is None:
            unclaimed.append(mask.path)
        else:
            claims.setdefault(found[0], {}).setdefault(found[1], []).append(mask.path)
    files: dict[int, Path] = {}
    several: dict[int, tuple[Path, ...]] = {}
    for index, ranked in claims.items():
        best = ranked[min(ranked)]
        files[index] = best[0]
        if len(best) > 1:
            several[index] = tuple(best)
    return Matched(files, several, tuple(unclaimed))


def _find(
    mask: Entry, class_name: str, by_key: Mapping[str, int], by_stem: Mapping[str, int | None]
) -> tuple[int, int] | None:
    """(index of the image, how indirect the match is) or None."""
    shorter = without_mask_suffix(mask.stem, class_name)
    stems = [mask.stem] if shorter is None else [mask.stem, shorter]
    for rank, stem in enumerate(stems):
        index = by_key.get(f"{mask.parent}/{stem}" if mask.parent else stem)
        if index is not None:
            return index, rank
    for rank, stem in enumerate(stems, 2):
        there = by_stem.get(stem)
        if there is not None:
            return there, rank
    return None


def separate_masks(entries: Sequence[Entry]) -> tuple[list[Entry], list[Entry]]:
    """Images and masks of one folder that holds both: ``x.png`` and ``x_mask.png``."""
    keys = {entry.key for entry in entries}
    images: list[Entry] = []
    masks: list[Entry] = []
    for entry in entries:
        stem = without_mask_suffix(entry.stem)
        key = f"{entry.parent}/{stem}" if entry.parent else stem
        (masks if stem is not None and key in keys else images).append(entry)
    return images, masks
