"""True masks in a folder, each looked through before hours of searching."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.errors import DataError
from mixednoise.progress import Progress
from mixednoise.segmentation.array_files import array_header
from mixednoise.segmentation.cases import UnreadableCaseError
from mixednoise.segmentation.cases.formats import NIFTI_ENDINGS, ending_of
from mixednoise.segmentation.cases.geometry import AFFINE_TOLERANCE, affines_text
from mixednoise.segmentation.cases.inspection import differ
from mixednoise.segmentation.cases.masks import read_values
from mixednoise.segmentation.cases.nifti import nifti_grid
from mixednoise.segmentation.cases.picture import size_text
from mixednoise.segmentation.files_by_name import files_by_name
from mixednoise.segmentation.folder_source import FolderSource, mask_endings
from mixednoise.segmentation.labels import IGNORE, Mask
from mixednoise.segmentation.sources import as_classes
from mixednoise.segmentation.two_levels import structure_value

Array = np.ndarray[Any, Any]
CHECKING = "checking true masks"


def true_masks(
    folder: Path, source: FolderSource, ignore_value: int | None, progress: Progress
) -> dict[str, Callable[[], Mask]]:
    """Read every true mask of a source's masks once.

    Their values mean what they mean in the masks: 0 and 255 are two classes where there are two and
    255 is not to be ignored.

    Args:
        folder: with ``NAME.png`` and the like, as the masks have it.
        source: the masks.
        ignore_value: mask value of pixels to leave out.
        progress: a bar, and a warning of files that can't be read.

    Returns:
        name -> reads its true mask: uint8 (H, W) or (D, H, W), 255 = pixels to leave out. Masks
        without one, or with one that can't be read, are not in it.

    Raises:
        DataError: no true mask of any mask, or true masks of another size, that lie elsewhere, or
            with values that no class has, all in one message.
    """
    endings = mask_endings(folder, {path.parent for path in source.files})
    files = files_by_name(folder, endings, "true masks")
    found = {name: files[name] for name in source.names if name in files}
    if not found:
        raise DataError(
            "no true mask belongs to a mask",
            expected="files of the same name in both folders",
            found=f"masks {examples(source.names)}; true masks {examples(sorted(files))}",
            fix="rename the files, or leave --truth away",
        )
    said = dict(zip(source.names, source.files, strict=True))
    given = dict(zip(source.names, source.masks, strict=True))
    known: dict[str, Callable[[], Mask]] = {}
    sizes: list[str] = []
    places: list[str] = []
    strange: list[str] = []
    unreadable: list[str] = []
    levels: dict[int, Path] = {}
    for name, path in progress.track(list(found.items()), CHECKING, total=len(found)):
        try:
            raw, affine = _read(path, source.num_classes, ignore_value, levels)
            own = _affine(given[name])
            shape = array_header(said[name])[0][1:]
        except UnreadableCaseError as error:
            unreadable.append(f"{error.path}: {error.reason}")
            continue
        if raw.shape != shape:
            sizes.append(f"{path} {size_text(raw.shape)}, {given[name]} {size_text(shape)}")
        elif affine is not None and own is not None and differ(own, affine, AFFINE_TOLERANCE):
            places.append(affines_text(given[name].name, own, str(path), affine))
        values = set(np.unique(raw).tolist()) - {*range(source.num_classes), ignore_value}
        if values:
            strange.append(f"{path}: {examples(sorted(values), 8)}")
        known[name] = _reader(name, path, source.num_classes, ignore_value)
    Report(list(_problems(sizes, places, strange, levels, source, ignore_value))).raise_if_stopped()
    if unreadable:
        number = counted(len(unreadable), "true mask")
        progress.warning(f"{number} can't be read: {examples(unreadable, separator='; ')}")
    return known


def _read(
    path: Path, num_classes: int, ignore_value: int | None, levels: dict[int, Path] | None = None
) -> tuple[Array, Array | None]:
    """The values of a true mask, 0 and 255 as 0 and 1 where they are two classes; its affine.

    Args:
        path: the file.
        num_classes, ignore_value: of the masks.
        levels: is told by which value (1 or 255) the structure is marked, and in which file.
    """
    raw, affine = read_values(path)
    if num_classes != 2 or ignore_value is not None or ending_of(path) == ".npy":
        return raw, affine
    top = structure_value(raw)
    if top is None:
        return raw, affine
    if levels is not None:
        levels.setdefault(top, path)
    return raw // top, affine


def _affine(mask: Path) -> Array | None:
    """That of a NIfTI mask, by its header."""
    return nifti_grid(mask)[1] if ending_of(mask) in NIFTI_ENDINGS else None


def _reader(
    name: str, path: Path, num_classes: int, ignore_value: int | None
) -> Callable[[], Mask]:
    return lambda: as_classes(
        name, _read(path, num_classes, ignore_value)[0], num_classes, ignore_value
    )


def _problems(
    sizes: list[str],
    places: list[str],
    strange: list[str],
    levels: dict[int, Path],
    source: FolderSource,
    ignore_value: int | None,
) -> Iterator[Problem]:
    if sizes:
        yield Problem(
            "stop",
            f"{counted(len(sizes), 'mask')} with a true mask of another size",
            expected="mask and true mask of the same size (height x width)",
            found=examples(sizes, separator="; "),
            fix="give each mask the true mask of the same image",
        )
    if places:
        yield Problem(
            "stop",
            f"{counted(len(places), 'mask')} with a true mask that lies elsewhere: affines differ",
            expected=f"affines within {AFFINE_TOLERANCE:g} mm",
            found=examples(places, separator="; "),
            fix="resample the true mask onto the mask, or copy the affine if it was lost",
        )
    if strange:
        ignored = "" if ignore_value is None else f", {ignore_value} (to ignore)"
        yield Problem(
            "stop",
            f"{counted(len(strange), 'true mask')} with values that no class has",
            expected=f"0 to {source.num_classes - 1}{ignored}, since the probabilities have "
            f"{source.num_classes} classes",
            found=examples(strange, separator="; "),
            fix="correct the true masks; if a value marks pixels to leave out, name it with "
            "--ignore-value",
        )
    if len(levels) > 1:
        yield Problem(
            "stop",
            f"some true masks mark the structure by 1, others by {IGNORE}",
            expected=f"0 and 1 in all true masks, or 0 and {IGNORE} in all of them",
            found=f"1 in {levels[1]}, {IGNORE} in {levels[IGNORE]}",
            fix=f"write all true masks in one way; if {IGNORE} marks pixels to leave out, name it "
            "with --ignore-value",
        )
