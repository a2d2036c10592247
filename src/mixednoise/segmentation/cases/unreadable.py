"""The one error that reading a file of a case raises."""

from __future__ import annotations

from pathlib import Path

from mixednoise.errors import DataError


class UnreadableCaseError(DataError):
    """A file of a case can't be turned into an array.

    Args:
        reason: why, in a few words that name no file: ``truncated PNG: its end is missing``.
        path: the file.
        retry: the fault may lie outside of the file (permission, memory): worth another try.

    Attributes:
        reason, path, retry: as given.
    """

    def __init__(self, reason: str, path: Path | str, *, retry: bool = False) -> None:
        self.reason, self.path, self.retry = reason, str(path), retry
        super().__init__(
            f"can't read {path}",
            expected="an image in PNG, JPEG, TIFF, BMP, npy or NIfTI; a mask in the same, not JPEG",
            found=reason,
            fix="replace the file, or leave its case out",
        )

    def __reduce__(self) -> tuple[type[UnreadableCaseError], tuple[str, str]]:
        return (type(self), (self.reason, self.path))
