"""What one case is like: sizes, affines, values; found by reading each of its files once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.decode import one_at_a_time
from mixednoise.segmentation.cases.case import Case, CaseSet, MaskFiles
from mixednoise.segmentation.cases.masks import count_values, read_mask_files
from mixednoise.segmentation.cases.picture import (
    bytes_of,
    read_image,
    read_image_file_of,
    size_text,
)
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError
from mixednoise.segmentation.labels import IGNORE

Array = np.ndarray[Any, Any]
_WORDS = {"mask": "mask", "truth": "true mask"}


@dataclass(frozen=True)
class MaskFacts:
    """What a mask is like.

    Attributes:
        path: its (first) file.
        shape: S.
        counts: pixels of each class index, of IGNORE and of UNKNOWN.
        affine: of NIfTI, else None.
        unknown: (file, value, pixels) of values that no class has.
        overlap: pixels that several classes claim.
        class_affines: (file, affine) of every NIfTI file of a class; () of a label map.
    """

    path: Path
    shape: tuple[int, ...]
    counts: dict[int, int]
    affine: Array | None
    unknown: tuple[tuple[Path, float, int], ...]
    overlap: int
    class_affines: tuple[tuple[Path, Array], ...] = ()


@dataclass(frozen=True)
class CaseFacts:
    """What a case is like.

    Attributes:
        shape: S of its image, or None where it can't be read.
        channels: C.
        affine: of a NIfTI image, else None.
        other_affines: (file, affine) of further channels that lie elsewhere than the first.
        sizes: ``file: H x W`` of each channel, where they differ; else ().
        masks: of ``mask`` and ``truth``, those that there are and that can be read.
        unreadable: (file, reason).
    """

    shape: tuple[int, ...] | None
    channels: int
    affine: Array | None
    other_affines: tuple[tuple[Path, Array], ...]
    sizes: tuple[str, ...]
    masks: dict[str, MaskFacts]
    unreadable: tuple[tuple[str, str], ...]


def inspect_case(case_set: CaseSet, case: Case, tolerance: float) -> CaseFacts:
    """Read everything of a case; nothing is raised for what its files are like."""
    unreadable: list[tuple[str, str]] = []
    masks: dict[str, MaskFacts] = {}
    with one_at_a_time(bytes_of(case)):
        shape, channels, affine, others, sizes = _image_facts(case, tolerance, unreadable)
        for which, files in (("mask", case.mask), ("truth", case.truth)):
            if files is None:
                continue
            try:
                masks[which] = _mask_facts(case_set, files)
            except UnreadableCaseError as error:
                unreadable.append((error.path, f"{_WORDS[which]}: {error.reason}"))
    return CaseFacts(shape, channels, affine, others, sizes, masks, tuple(unreadable))


def _image_facts(
    case: Case, tolerance: float, unreadable: list[tuple[str, str]]
) -> tuple[
    tuple[int, ...] | None, int, Array | None, tuple[tuple[Path, Array], ...], tuple[str, ...]
]:
    """(S, C, affine, other affines, sizes that differ) of the image."""
    try:
        if len(case.images) == 1:
            picture = read_image(case)
            return picture.shape, len(picture.array), picture.affine, (), ()
        pictures = [read_image_file_of(case, path) for path in case.images]
    except UnreadableCaseError as error:
        unreadable.append((error.path, error.reason))
        return None, 0, None, (), ()
    first = pictures[0]
    grids = [
        (path, picture.shape, picture.affine)
        for path, picture in zip(case.images, pictures, strict=True)
    ]
    others, sizes = compare_channels(grids, tolerance)
    return first.shape, sum(len(p.array) for p in pictures), first.affine, others, sizes


def compare_channels(
    grids: Sequence[tuple[Path, tuple[int, ...], Array | None]], tolerance: float
) -> tuple[tuple[tuple[Path, Array], ...], tuple[str, ...]]:
    """:attr:`CaseFacts.other_affines` and :attr:`CaseFacts.sizes` of the channels of an image.

    Args:
        grids: file, S and affine of each channel.
        tolerance: by how much (mm) affines may differ.
    """
    _, _, own = grids[0]
    others = tuple(
        (path, affine)
        for path, _, affine in grids
        if affine is not None and differ(own, affine, tolerance)
    )
    torn = len({shape for _, shape, _ in grids}) > 1
    sizes = tuple(f"{path.name}: {size_text(shape)}" for path, shape, _ in grids) if torn else ()
    return others, sizes


def _mask_facts(case_set: CaseSet, files: MaskFiles) -> MaskFacts:
    reading = read_mask_files(case_set, files)
    return MaskFacts(
        files.paths[0],
        tuple(reading.index.shape),
        count_values(reading.index),
        reading.affine,
        reading.unknown,
        reading.overlap,
        reading.class_affines,
    )


def differ(first: Array | None, second: Array | None, tolerance: float) -> bool:
    """Whether two affines place voxels more than ``tolerance`` mm (per voxel index) apart."""
    if first is None or second is None:
        return False
    return bool(np.abs(first - second).max() > tolerance)


def labelled_pixels(facts: MaskFacts) -> int:
    """Pixels that somebody has labelled, the background included."""
    return sum(number for index, number in facts.counts.items() if index != IGNORE)
