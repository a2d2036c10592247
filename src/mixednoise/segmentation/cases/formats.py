"""Names of files: which of them hold images or masks, and what the case in them is called."""

from __future__ import annotations

import re
from pathlib import Path

NIFTI_ENDINGS = (".nii.gz", ".nii")
RASTER_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")
#: All that is read; of two that fit, the longer comes first.
ENDINGS = (*NIFTI_ENDINGS, ".npy", *RASTER_ENDINGS)
#: Formats that change pixel values when they compress: no masks.
LOSSY_ENDINGS = (".jpg", ".jpeg")

#: What names of masks have behind the name of their image, after a separator.
_MASK_SUFFIX = re.compile(
    r"[_\-. ](?:mask|masks|seg|segmentation|label|labels|labelmap|gt|ground_?truth|annotation)"
    r"(?:[_\-]?\d{1,2})?$",
    re.IGNORECASE,
)


def split_ending(name: str) -> tuple[str, str]:
    """``('scan.1', '.nii.gz')`` for ``scan.1.NII.GZ``; the ending is '' where it is not known."""
    lower = name.lower()
    for ending in ENDINGS:
        if lower.endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)], ending
    return name, ""


def ending_of(path: Path) -> str:
    """The known ending of a file, in lower case, or ''."""
    return split_ending(path.name)[1]


def without_mask_suffix(stem: str, class_name: str = "") -> str | None:
    """The name of the image in the name of a mask, or None where nothing marks it as a mask.

    Args:
        stem: ``ISIC_0024306_segmentation``, ``p1-seg`` or, with a class name, ``p1_lung``.
        class_name: a class whose name may be the suffix.
    """
    shorter = _MASK_SUFFIX.sub("", stem)
    if shorter and shorter != stem:
        return shorter
    tail = len(class_name) + 1
    is_class = class_name and stem.casefold().endswith(class_name.casefold())
    if is_class and len(stem) > tail and stem[-tail] in "_-. ":
        return stem[:-tail]
    return None
