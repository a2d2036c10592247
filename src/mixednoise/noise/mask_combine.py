"""From one noisy region per class back to one label map.

Two questions have to be answered, and both answers depend on the masks alone, never on the order in
which classes were looked at:

- **Who wins a pixel that several classes claim?** The class with the fewest pixels in the clean
  mask; among equals the one with the higher index. A small structure is drawn on top of a large
  one, as a tumour's core on its oedema, and never buried by it. Classes without noise claim the
  pixels that they have.
- **What does a pixel become that its class has left, and that no class claims?** What the nearest
  pixel of another label is in the clean mask: background around a structure that stands alone, the
  neighbour where two structures touch, the outer one where it surrounds the inner one.

Pixels to ignore stay what they are and are nobody's neighbour.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy import ndimage

from mixednoise.noise.mask_discs import Region, bounding_box
from mixednoise.segmentation.labels import IGNORE, Mask


def combine(clean: Mask, regions: Mapping[int, Region]) -> Mask:
    """Paint noisy regions into a label map by the rules above.

    Args:
        clean: uint8 (H, W) or (D, H, W), classes 0..K-1 and 255 = ignore; not changed.
        regions: class -> bool array of the same shape; classes left out keep their pixels.

    Returns:
        A new uint8 array.
    """
    pixels = np.bincount(clean.ravel(), minlength=256)
    present = [int(label) for label in np.flatnonzero(pixels) if label not in (0, IGNORE)]
    noisy = clean.copy()
    claimed = np.zeros(clean.shape, dtype=bool)
    for label in sorted(present, key=lambda label: (-pixels[label], label)):
        region = regions.get(label, clean == label)
        noisy[region] = label
        claimed |= region
    ignored = clean == IGNORE
    for label in sorted(set(regions) & set(present)):
        vacated = (clean == label) & ~claimed
        if vacated.any():
            noisy[vacated] = (
                _nearest_other(clean, label, ignored)[vacated] if len(present) > 1 else 0
            )
    noisy[ignored] = IGNORE
    return noisy


def _nearest_other(clean: Mask, label: int, ignored: Region) -> Mask:
    """For each pixel of a class the nearest label that is another one; 0 where there is none."""
    unfit = (clean == label) | ignored
    nearest = np.zeros_like(clean)
    if unfit.all():
        return nearest
    # Straight out of the box is always a pixel that fits, unless it is to be ignored.
    box = None if ignored.any() else bounding_box(unfit, margin=1)
    part = Ellipsis if box is None else box
    index = ndimage.distance_transform_edt(unfit[part], return_distances=False, return_indices=True)
    nearest[part] = clean[part][tuple(index)]
    return nearest
