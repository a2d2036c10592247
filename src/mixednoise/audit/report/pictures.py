"""Thumbnails of the images of an audit, one at a time."""

from __future__ import annotations

from typing import NamedTuple

from mixednoise.audit.folder import AuditFolder, Manifest
from mixednoise.audit.located import LocatedImages, located_images
from mixednoise.data.shrink import shrink
from mixednoise.data.unreadable import UnreadableImageError
from mixednoise.errors import MixedNoiseError
from mixednoise.pages.embed import data_uri

#: Longer side in pixels: enough to be enlarged, a card is narrower.
SIDE = 320
#: Bytes of one thumbnail at most, before base64 makes them a third more.
LARGEST = 20_000


class Picture(NamedTuple):
    """A thumbnail, or why there is none.

    Attributes:
        uri: ``data:`` address of a JPEG; '' = no picture.
        problem: why not; '' = there is one.
    """

    uri: str
    problem: str


class Pictures:
    """Thumbnails by row of the audit table. An image that can't be read gives its reason.

    Args:
        folder: of the audit.
        manifest: of it; None = the one in the folder, which an unfinished audit lacks.
    """

    def __init__(self, folder: AuditFolder, manifest: Manifest | None = None) -> None:
        self._images: LocatedImages | None = None
        self._problem = ""
        try:
            self._images = located_images(folder, manifest=manifest)
        except MixedNoiseError as error:
            self._problem = error.problem

    def __getitem__(self, row: int) -> Picture:
        if self._images is None:
            return Picture("", self._problem)
        try:
            small = shrink(self._images.read(row, min_side=SIDE), SIDE)
            return Picture(data_uri(small, largest=LARGEST), "")
        except UnreadableImageError as error:
            return Picture("", error.reason)
        except MixedNoiseError as error:
            return Picture("", error.problem)
        except MemoryError:
            return Picture("", "not enough memory to read it")
