"""Do masks lie on their images, as headers have it: for work that needs no pixel of an image."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.report import Report
from mixednoise.progress import Progress
from mixednoise.segmentation.array_files import array_header, png_shape
from mixednoise.segmentation.cases.case import Case
from mixednoise.segmentation.cases.formats import NIFTI_ENDINGS, ending_of
from mixednoise.segmentation.cases.geometry import AFFINE_TOLERANCE, geometry_problems
from mixednoise.segmentation.cases.inspection import CaseFacts, MaskFacts, compare_channels
from mixednoise.segmentation.cases.masks import mask_files, read_values
from mixednoise.segmentation.cases.nifti import nifti_grid
from mixednoise.segmentation.cases.picture import read_image_file_of
from mixednoise.segmentation.cases.threads import in_threads
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError

Array = np.ndarray[Any, Any]
_Grid = tuple[tuple[int, ...], Array | None]


def check_geometry(cases: Sequence[Case], progress: Progress | None = None) -> Report:
    """Do masks lie on their images? Headers alone are read wherever they tell.

    Cases without image or mask, and files that can't be read, are passed over: others tell of them.

    Args:
        cases: with label maps.
        progress: a bar over the cases.

    Returns:
        What :func:`.check.check_cases` says of sizes and affines.
    """
    both = [case for case in cases if case.images and case.mask is not None]
    facts = in_threads(_facts, both, "checking sizes and affines", progress=progress)
    return Report(list(geometry_problems(both, facts)))


def _facts(case: Case) -> CaseFacts:
    path = mask_files(case).paths[0]
    try:
        shape, affine = _mask_grid(path)
        grids = [(file, *_image_grid(case, file, shape)) for file in case.images]
    except UnreadableCaseError:
        return CaseFacts(None, 0, None, (), (), {}, ())
    _, first, own = grids[0]
    others, sizes = compare_channels(grids, AFFINE_TOLERANCE)
    masks = {"mask": MaskFacts(path, shape, {}, affine, (), 0)}
    return CaseFacts(first, len(grids), own, others, sizes, masks, ())


def _mask_grid(path: Path) -> _Grid:
    """S and affine of a label map."""
    ending = ending_of(path)
    if ending in NIFTI_ENDINGS:
        shape, affine = nifti_grid(path)
        return shape[1:], affine
    if ending == ".npy":
        return array_header(path)[0], None
    if ending == ".png":
        return png_shape(path), None
    return read_values(path)[0].shape, None


def _image_grid(case: Case, path: Path, mask: tuple[int, ...]) -> _Grid:
    """S and affine of an image file, whose mask has S ``mask``."""
    ending = ending_of(path)
    if ending in NIFTI_ENDINGS:
        shape, affine = nifti_grid(path)
        return shape[1:], affine
    if ending == ".png" and png_shape(path) == mask:
        return mask, None
    # EXIF may turn an image, and which axis of an array holds channels is for its reader to say.
    picture = read_image_file_of(case, path)
    return picture.shape, picture.affine
