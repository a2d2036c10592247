"""Images as they lie on the disk: only those of the audit, only where the audit found them."""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.audit.located import LocatedImages, digest_of_files
from mixednoise.data.decode import Decoded, decode_bytes, hash_bytes, read_image_file
from mixednoise.data.store_sources import hash_array
from mixednoise.errors import DataError

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
#: Images that are decoded at a time.
_AT_ONCE = 3


class ElsewhereError(DataError):
    """A file of the data set has become a link to another one: it is not shown."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            "this file is a link by now, to something else than the audit has seen",
            expected=f"the image that was at {path}",
            found="a link to another file",
            fix="put the image back, or audit again",
        )


@dataclass(frozen=True)
class Original:
    """One image as it is now.

    Attributes:
        pixels: uint8 (H, W, 3) RGB; smaller than the whole image where less was asked for.
        native_size: (height, width) of the whole image.
        changed: whether its content is another one than at the audit.
    """

    pixels: Pixels
    native_size: tuple[int, int]
    changed: bool


class Originals:
    """The images of an audit. Several threads may use it.

    Args:
        located: where they are.
    """

    def __init__(self, located: LocatedImages) -> None:
        self.located = located
        self._decoding = threading.BoundedSemaphore(_AT_ONCE)
        # Where the folders lead now, links included; a file in them must not be a link itself.
        folders = {path.parent for some in located.files for path in some}
        self._folders = {folder: Path(os.path.realpath(folder)) for folder in folders}
        self._verdicts: dict[int, tuple[Hashable, bool]] = {}

    def stamp(self, row: int) -> Hashable:
        """Differs when a file of the sample was written to; the key of what is made from it."""
        return tuple(_stamp(path) for path in self.located.files[row])

    def read(self, row: int, *, min_side: int | None = None) -> Original:
        """Read an image, once: what was checked is what is shown.

        Args:
            row: of the audit.
            min_side: lets a JPEG be decoded smaller, see :func:`.decode_image`.

        Raises:
            UnreadableImageError: gone, or can't be read.
            ElsewhereError: a link to something else than the audit has seen.
        """
        path = self.located.paths[row]
        with self._decoding:
            if path is None:
                pixels = self.located.read(row)
                changed = self._differs(row, hash_array(pixels))
                return Original(pixels, (pixels.shape[0], pixels.shape[1]), changed)
            data = read_image_file(path)
            changed = self._differs(row, hash_bytes(data))
            if changed or not self.located.digests[row]:
                self._must_be_in_place(path)
            decoded: Decoded = decode_bytes(data, min_side=min_side)
        return Original(decoded.image, decoded.native_size, changed)

    def check(self, row: int) -> bool:
        """Whether the files of a sample have changed since the audit; looked at once per change.

        Raises:
            UnreadableImageError: one is gone or can't be read.
            ElsewhereError: a link to something else than the audit has seen.
        """
        stamp = self.stamp(row)
        known = self._verdicts.get(row)
        if known is not None and known[0] == stamp:
            return known[1]
        files = self.located.files[row]
        changed = self._differs(row, digest_of_files(files)[0])
        if changed or not self.located.digests[row]:
            for path in files:
                self._must_be_in_place(path)
        self._verdicts[row] = (stamp, changed)
        return changed

    def _differs(self, row: int, digest: str) -> bool:
        return bool(self.located.digests[row]) and digest != self.located.digests[row]

    def _must_be_in_place(self, path: Path) -> None:
        if Path(os.path.realpath(path)) != self._folders[path.parent] / path.name:
            raise ElsewhereError(path)


def _stamp(path: Path) -> Hashable:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size)
