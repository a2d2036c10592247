"""The one error that decoding raises; in a file of its own so that every decoder can import it."""

from __future__ import annotations

from collections.abc import Iterable

from mixednoise.errors import DataError

INSTALL_PYDICOM = 'pip install "mixednoise[dicom]"'
#: The reason of every DICOM file where pydicom is not installed.
NEEDS_PYDICOM = f"DICOM, and pydicom is not installed: {INSTALL_PYDICOM}"


class UnreadableImageError(DataError):
    """An image can't be turned into pixels.

    Args:
        reason: why, in a few words that name no file: ``truncated JPEG: its end is missing``.
        path: the file, for the message.
        retry: the fault may lie outside of the file (permission, memory, a decoder that is not
            installed): worth another try next time.

    Attributes:
        reason, path, retry: as given.
    """

    def __init__(self, reason: str, path: str | None = None, *, retry: bool = False) -> None:
        self.reason, self.path, self.retry = reason, path, retry
        super().__init__(
            f"can't read the image {path}" if path else "can't read the image",
            expected="one image in PNG, JPEG, TIFF, BMP or single-frame DICOM",
            found=reason,
            fix=remedy([reason], "replace the file, or leave its row out"),
        )

    def __reduce__(self) -> tuple[type[UnreadableImageError], tuple[str, str | None]]:
        return (type(self), (self.reason, self.path))


def remedy(reasons: Iterable[str], otherwise: str = "copy the files again") -> str:
    """What to do about images that can't be read, from the reasons why not."""
    return INSTALL_PYDICOM if NEEDS_PYDICOM in reasons else otherwise
