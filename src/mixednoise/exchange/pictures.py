"""Images in an export: copied, linked, or left where they are."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np

from mixednoise.audit.located import LocatedImages
from mixednoise.errors import RunError
from mixednoise.exchange.file_names import UniqueNames, safe_stem

#: copy: a file of its own; link: a symbolic link to the original; refer: the original's path.
Images = Literal["copy", "link", "refer"]
IMAGES: tuple[Images, ...] = get_args(Images)
#: What every browser shows.
BROWSER = (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp")
FOLDER = "images"
_PNG, _PNG_DEPTH_AT = b"\x89PNG\r\n\x1a\n", 24

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


class Pictures:
    """Puts the images of an export where they belong.

    A copy is byte for byte the original. Pixels that are in an array, and files that the other
    tool can't show, are written as 8-bit PNG whatever the mode.

    Args:
        located: where images are.
        work: the export.
        mode: see :data:`Images`.
        for_browser: the other tool shows images in a browser.

    Attributes:
        for_browser: as given.
        converted: number of files (not arrays) that were written as PNG.
        changed: ids of copies whose original is not what it was at the audit.
    """

    def __init__(
        self, located: LocatedImages, work: Path, mode: Images, *, for_browser: bool = False
    ) -> None:
        self._located, self._work, self._mode = located, work, mode
        self._names: dict[str, UniqueNames] = {}
        self.for_browser = for_browser
        self.converted = 0
        self.changed: list[str] = []

    def place(self, number: int, folder: str = FOLDER) -> str:
        """Put one image into a folder of the export.

        Args:
            number: row of the audit's table.
            folder: with forward slashes, below the export.

        Returns:
            The path below the export, with forward slashes; with ``refer`` that of the original,
            absolute.

        Raises:
            UnreadableImageError: it has to be converted, and can't be read.
        """
        path = self._located.paths[number]
        if path is None or not self.takes(path):
            pixels = self._located.read(number)
            self.converted += path is not None
            return self.write(pixels, safe_stem(self._located.ids[number]), folder)
        self.compare(number)
        return self.place_file(path, safe_stem(path.name), folder)

    def place_file(self, path: Path, stem: str, folder: str = FOLDER) -> str:
        """Put one file into the export, under another name; returns as :meth:`place`."""
        if self._mode == "refer":
            return str(path.absolute())
        ending = ".nii.gz" if path.name.lower().endswith(".nii.gz") else path.suffix
        target = self.target(stem.removesuffix(".nii"), ending, folder)
        if self._mode == "link":
            try:
                (self._work / target).symlink_to(path.resolve())
            except OSError as error:
                raise RunError(
                    f"{self._work.parent} takes no links",
                    expected="a file system with symbolic links, and the right to make them",
                    found=error.strerror or str(error),
                    fix="choose --images copy",
                ) from error
        else:
            shutil.copyfile(path, self._work / target)
        return target

    def write(self, pixels: Pixels, stem: str, folder: str = FOLDER) -> str:
        """Write pixels, uint8 (H, W, 3) RGB or (H, W), as PNG; returns as :meth:`place`."""
        target = self.target(stem, ".png", folder)
        turned = pixels[..., ::-1] if pixels.ndim == 3 else pixels
        _, encoded = cv2.imencode(".png", np.ascontiguousarray(turned))
        self.put(target, encoded.tobytes())
        return target

    def put(self, target: str, data: bytes) -> None:
        """Write a file under a name that :meth:`target` gave out."""
        (self._work / target).write_bytes(data)

    def takes(self, path: Path) -> bool:
        """Whether the other tool shows the file as it is meant."""
        if not self.for_browser:
            return True
        if path.suffix.lower() not in BROWSER or not path.is_file():
            return False
        with path.open("rb") as file:
            start = file.read(_PNG_DEPTH_AT + 1)
        # Pixels of 16 bits look black where their highest values are far below the possible ones.
        return not (start[:8] == _PNG and start[-1] > 8)

    def compare(self, number: int) -> None:
        """Note whether a file that is copied is what it was at the audit; -1 = it was not in it."""
        if number >= 0 and self._mode == "copy" and self._located.changed(number):
            self.changed.append(self._located.ids[number])

    def target(self, stem: str, ending: str, folder: str) -> str:
        """A free name below the export, with forward slashes; its folder is made."""
        names = self._names.get(folder)
        if names is None:
            names = self._names[folder] = UniqueNames()
            (self._work / folder).mkdir(parents=True, exist_ok=True)
        return f"{folder}/{names.take(stem, ending)}"
