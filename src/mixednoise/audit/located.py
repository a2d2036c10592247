"""The images of an audit: found again, read, and compared with what they were at the audit."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mixednoise.audit.folder import AuditFolder, Manifest
from mixednoise.data.decode import decode_image, hash_bytes, read_image_file
from mixednoise.data.store_sources import hash_array
from mixednoise.data.unreadable import UnreadableImageError
from mixednoise.errors import RunError

if TYPE_CHECKING:
    from mixednoise.segmentation.cases import Case

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
#: So many stored paths are tried below a new root before it is believed to be the right one.
_TRIED = 20
GONE = "file not found"


@dataclass
class LocatedImages:
    """The images of an audit, rows as in its table. Several threads may use it.

    Attributes:
        ids: of the rows.
        paths: file of each row (of masks: of the first channel of the image); None where the
            pixels are in an array file.
        files: all files whose content counts: of labels the image; of masks image and mask.
        digests: of their content at the audit, see :attr:`.AuditFolder.images`; '' = not known.
        array_file: the .npz file that holds the pixels, or None.
        array_rows: row of each image in it, -1 where it is a file.
    """

    ids: list[str]
    paths: list[Path | None]
    files: list[tuple[Path, ...]]
    digests: list[str]
    array_file: Path | None
    array_rows: list[int]
    _manifest: Manifest
    _cases: list[Case] | None = None
    _arrays: Pixels | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self.ids)

    def read(self, row: int, *, min_side: int | None = None) -> Pixels:
        """Pixels of one image, uint8 (H, W, 3) RGB; of a volume its middle slice.

        Args:
            row: of the table.
            min_side: lets the decoder shrink large JPEGs, see :func:`.decode_image`.

        Raises:
            UnreadableImageError: the file is gone, or can't be read.
        """
        path = self.paths[row]
        if path is None:
            return np.array(self._array_rows()[self.array_rows[row]])
        if self._cases is not None:
            return _picture_of(self._cases[row])
        return decode_image(path, min_side=min_side)

    def changed(self, row: int) -> str:
        """What differs from the audit: '' = the same bytes; else in words, for a message."""
        try:
            now = self.digest_now(row)
        except UnreadableImageError as error:
            return error.reason
        return "" if now == self.digests[row] or not self.digests[row] else "another content"

    def digest_now(self, row: int) -> str:
        """Digest of what is there now.

        Raises:
            UnreadableImageError: a file is gone or can't be read.
        """
        if self.paths[row] is None:
            return hash_array(self._array_rows()[self.array_rows[row]])
        return digest_of_files(self.files[row])[0]

    def missing(self) -> list[int]:
        """Rows whose file is not there."""
        if self.array_file is not None and not self.array_file.is_file():
            return list(range(len(self)))
        return [
            row for row, files in enumerate(self.files) if not all(path.is_file() for path in files)
        ]

    def _array_rows(self) -> Pixels:
        """The array file's pixels, read once."""
        with self._lock:
            if self._arrays is None:
                if self.array_file is None or not self.array_file.is_file():
                    raise UnreadableImageError(GONE, str(self.array_file or ""))
                from mixednoise.data.readers import read_dataset

                dataset = read_dataset(self.array_file, **self._manifest.reading)
                if dataset.arrays is None or len(dataset.arrays) <= max(self.array_rows, default=0):
                    raise UnreadableImageError("no longer the same array", str(self.array_file))
                self._arrays = dataset.arrays
            return self._arrays


def located_images(
    folder: AuditFolder,
    *,
    root: str | os.PathLike[str] | None = None,
    manifest: Manifest | None = None,
) -> LocatedImages:
    """Find the images of an audit. Opens none of them.

    Args:
        folder: a finished audit.
        root: where the data set is now, if it has moved: takes the place of the folder that all
            stored paths have in common, or of one above it. Of an array file: it, or its folder.
        manifest: of an audit that is being written and has none yet.

    Raises:
        RunError: no audit, a damaged one, or a root below which the images are not.
    """
    manifest = manifest or folder.read_manifest()
    table = folder.read_images()
    needed = {"id", "path", "array_index", "digest"}
    if not needed <= set(table.columns) or len(table) != manifest.images:
        raise RunError(
            f"{folder.images} is not the list of images of this audit",
            expected=f"{manifest.images:,} rows with {', '.join(sorted(needed))}",
            found=f"{len(table):,} rows with {', '.join(map(str, table.columns))}",
            fix="restore the file, or audit again into another folder",
        )
    stored = [Path(path) if path else None for path in table["path"].tolist()]
    cases = (
        _cases(manifest, [str(name) for name in table["id"]])
        if manifest.kind == "segmentation"
        else None
    )
    files: list[tuple[Path, ...]] = [() if path is None else (path,) for path in stored]
    if cases is not None:
        files = [files_of(case) for case in cases]
    in_array = any(path is None for path in stored)
    array_file = Path(manifest.data) if in_array else None
    if root is not None:
        moved = _Moved([path for some in files for path in some], Path(root).expanduser())
        stored = [None if path is None else moved(path) for path in stored]
        files = [tuple(map(moved, some)) for some in files]
        if cases is not None:
            cases = [case.moved(moved) for case in cases]
        if array_file is not None:
            array_file = moved.base / array_file.name if moved.base.is_dir() else moved.base
    return LocatedImages(
        ids=[str(name) for name in table["id"]],
        paths=stored,
        files=files,
        digests=[str(value) for value in table["digest"]],
        array_file=array_file,
        array_rows=[int(row) for row in table["array_index"]],
        _manifest=manifest,
        _cases=cases,
    )


def digest_of_files(paths: Sequence[Path]) -> tuple[str, int]:
    """Digest of the content of files, one after the other, and their bytes together.

    Raises:
        UnreadableImageError: one is gone or can't be read.
    """
    data = [read_image_file(path) for path in paths]
    return hash_bytes(b"".join(data) if len(data) != 1 else data[0]), sum(map(len, data))


class _Moved:
    """From stored paths to where they are below another root."""

    def __init__(self, stored: Sequence[Path], root: Path) -> None:
        self.base = root.absolute()
        self._common = Path()
        if not stored:
            return
        self._common = Path(os.path.commonpath([path.parent for path in stored]))
        some = stored[:: max(1, len(stored) // _TRIED)]
        # The new root may be that of a folder above the common one: data/ for data/images/.
        parts = self._common.parts
        for depth in range(len(parts)):
            base = self.base.joinpath(*parts[len(parts) - depth :])
            if any((base / path.relative_to(self._common)).is_file() for path in some):
                self._base = base
                return
        raise RunError(
            f"the images are not below {root}",
            expected=f"what was in {self._common} at the audit, such as "
            f"{some[0].relative_to(self._common)}",
            found="none of the files that were looked for"
            if self.base.is_dir()
            else "no such folder",
            fix="give the folder that the data set was moved to",
        )

    def __call__(self, path: Path) -> Path:
        return self._base / path.relative_to(self._common)


def _cases(manifest: Manifest, names: Sequence[str]) -> list[Case]:
    """The cases of a run, in the order of the table."""
    from mixednoise.segmentation.case_file import read_case_file
    from mixednoise.segmentation.run import SegmentationRun

    found = read_case_file(SegmentationRun(Path(manifest.run)).case_file, must_exist=False)
    cases = {case.name: case for case in found.cases}
    lacking = [name for name in names if name not in cases]
    if lacking:
        raise RunError(
            f"{manifest.run} is not the run that was audited",
            expected="a run with the cases of the audit",
            found=f"none of the name {lacking[0]}",
            fix="restore the run folder, or audit again into another folder",
        )
    return [cases[name] for name in names]


def files_of(case: Case) -> tuple[Path, ...]:
    """Image and given mask: all files whose content counts."""
    return (*case.images, *(case.mask.paths if case.mask is not None else ()))


def _picture_of(case: Case) -> Pixels:
    """The image of a case as a picture: colours as they are, anything else in grey."""
    from mixednoise.segmentation.cases import UnreadableCaseError, read_image
    from mixednoise.segmentation.cases.picture import as_rgb

    try:
        array = read_image(case).array
    except UnreadableCaseError as error:
        raise UnreadableImageError(error.reason, str(case.images[0])) from error
    if array.ndim == 4:
        array = array[:, array.shape[1] // 2]
    return as_rgb(array)
