"""Images of cases in an export: as one picture, or as the files that they are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from mixednoise.errors import DataError
from mixednoise.exchange.export import Export
from mixednoise.exchange.file_names import safe_stem
from mixednoise.exchange.masks import MaskCase, Masks
from mixednoise.exchange.pictures import Pictures
from mixednoise.segmentation.cases import UnreadableCaseError, read_image
from mixednoise.segmentation.cases.formats import RASTER_ENDINGS, ending_of
from mixednoise.segmentation.cases.picture import as_rgb, size_text


def pictured(
    export: Export, masks: Masks, pictures: Pictures
) -> Iterator[tuple[MaskCase, NDArray[np.uint8], str]]:
    """Each case, its mask (H, W) that goes out, and where its picture is.

    What can't be read is left out, with the reason.

    Raises:
        DataError: a volume.
    """
    for item in masks.read():
        mask = item.mask
        if mask.ndim != 2:
            raise DataError(
                f"{export.to} takes no volumes",
                expected="2-D images and masks",
                found=f"{item.row.id}: {size_text(mask.shape)}",
                fix="choose --to nnunet, monai or masks",
            )
        try:
            file = place_picture(pictures, item)
        except UnreadableCaseError as error:
            export.leave_out(item.row, f"can't be read: {error.reason}")
            continue
        export.listed(item.row, file)
        yield item, mask, file


def place_picture(pictures: Pictures, item: MaskCase) -> str:
    """The image of a case as one picture that any tool reads: its own file, or a PNG made of it.

    Args:
        pictures: of the export.
        item: 2-D.

    Returns:
        Its path, see :meth:`.Pictures.place`.

    Raises:
        UnreadableCaseError: it has to be converted, and can't be read.
    """
    files = item.case.images
    if len(files) == 1 and ending_of(files[0]) in RASTER_ENDINGS and pictures.takes(files[0]):
        return place_files(pictures, item)[0]
    pictures.converted += 1
    return pictures.write(as_rgb(read_image(item.case).array), safe_stem(item.row.id))


def place_files(pictures: Pictures, item: MaskCase) -> list[str]:
    """The files of a case, one per channel; see :meth:`.Pictures.place`."""
    pictures.compare(item.row.number)
    return [pictures.place_file(path, safe_stem(path.name)) for path in item.case.images]
