"""Building a case store: decode in threads, keep what is done, survive being killed."""

from __future__ import annotations

import json
import os
import threading
import zlib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mixednoise.data.cache import cache_root
from mixednoise.data.decode import one_at_a_time
from mixednoise.data.store_disk import opened, replace_file, write
from mixednoise.data.store_files import digest
from mixednoise.data.store_once import built_once
from mixednoise.errors import DataError
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.cases.case import Case, CaseSet
from mixednoise.segmentation.cases.masks import read_mask
from mixednoise.segmentation.cases.picture import bytes_of, read_image, size_text
from mixednoise.segmentation.cases.resizing import plane_size, resize_mask, shrink_image
from mixednoise.segmentation.cases.store_files import (
    ALIGNMENT,
    FORMAT,
    CaseStoreFolder,
    Place,
    Row,
    block_is_whole,
    check_image_size,
    stamp_of,
)
from mixednoise.segmentation.cases.threads import in_threads
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError

if TYPE_CHECKING:
    from mixednoise.segmentation.cases.store import CaseStore

Array = np.ndarray[Any, Any]


def build_case_store(
    case_set: CaseSet,
    *,
    image_size: int | None,
    root: Path | None,
    progress: Progress | None,
    workers: int | None,
) -> CaseStore:
    """See :meth:`.store.CaseStore.build`."""
    from mixednoise.segmentation.cases.store import CaseStore

    check_image_size(image_size)
    if not len(case_set):
        raise DataError(
            "the case set is empty",
            expected="at least one case",
            found=case_set.source or "none",
            fix="check the folders and what was set aside",
        )
    progress = progress or Silent()
    stamps = [stamp_of(_paths(case)) for case in case_set.cases]
    cases = (root or cache_root()) / "stores" / _settings_key(case_set, image_size)
    cases = cases / digest([f"{case.name} {_paths(case)}" for case in case_set.cases])[:16]
    folder = (cases / digest(stamps)[:16]).absolute()
    if (store := CaseStore.open_checked(folder)) is not None:
        return store

    def build() -> CaseStore:
        _Builder(case_set, image_size, stamps, folder, progress, workers).run()
        return CaseStore(folder)

    return built_once(
        folder,
        sum(map(bytes_of, case_set.cases)),
        find=CaseStore.open_checked,
        build=build,
        progress=progress,
    )


def _settings_key(case_set: CaseSet, image_size: int | None) -> str:
    settings = {
        "format": FORMAT,
        "image_size": image_size,
        "class_names": case_set.class_names if case_set.layout == "class_files" else (),
        "label_values": case_set.label_values,
        "ignore_value": case_set.ignore_value,
    }
    return "cases-" + digest([json.dumps(settings, sort_keys=True)])[:12]


def _paths(case: Case) -> list[Path]:
    """All files of a case, named alike from wherever they are looked at."""
    masks = [mask for mask in (case.mask, case.truth) if mask is not None]
    files = [*case.images, *(path for mask in masks for path in mask.paths)]
    return [path.resolve() for path in files]


class _Builder:
    """One build; the caller holds the lock."""

    def __init__(
        self,
        case_set: CaseSet,
        image_size: int | None,
        stamps: list[str],
        folder: Path,
        progress: Progress,
        workers: int | None,
    ) -> None:
        self.case_set, self.image_size, self.stamps = case_set, image_size, stamps
        self.files, self.progress, self.workers = CaseStoreFolder(folder), progress, workers
        self._allocation = threading.Lock()
        self._end = 0

    def run(self) -> None:
        """Bring the store to its finished state from whatever is there."""
        self.files.path.mkdir(parents=True, exist_ok=True)
        self.files.summary.unlink(missing_ok=True)
        with ExitStack() as stack:
            self._pixels = opened(stack, self.files.pixels)
            done = self._rows_done()
            if done:
                self.progress.message(
                    f"{len(done)} of {len(self.stamps)} cases were decoded before"
                )
            # Torn lines go, so that the next one begins on a line of its own.
            replace_file(self.files.rows, b"".join(row.to_line() for row in done.values()))
            self._rows = opened(stack, self.files.rows)
            os.lseek(self._rows, 0, os.SEEK_END)
            self._end = _aligned(max((row.end for row in done.values()), default=0))
            os.ftruncate(self._pixels, self._end)
            todo = [index for index in range(len(self.stamps)) if index not in done]
            made = in_threads(
                self._fill, todo, "decoding cases", workers=self.workers, progress=self.progress
            )
            os.fsync(self._pixels)
        self.files.finish([*done.values(), *made], self.case_set.names)

    def _rows_done(self) -> dict[int, Row]:
        """What an interrupted build, or a store damaged since, still holds whole."""
        return {
            index: row
            for index, row in self.files.read_rows().items()
            if index < len(self.stamps)
            and row.stamp == self.stamps[index]
            and not row.retry
            and block_is_whole(self._pixels, row)
        }

    def _fill(self, index: int) -> Row:
        """Decode one case and write it; what can't be read becomes a reason."""
        case = self.case_set.cases[index]
        row = Row(index, self.stamps[index])
        with one_at_a_time(bytes_of(case)):
            try:
                row, arrays = self._decode(case, row)
            except UnreadableCaseError as error:
                row = replace(row, reason=f"{error.path}: {error.reason}", retry=error.retry)
            except DataError as error:
                row = replace(row, reason=f"{error.problem} ({error.found})")
            else:
                row = self._write(row, arrays)
        with self._allocation:
            # The line last: a case counts as done only when its pixels are there.
            os.write(self._rows, row.to_line())
        return row

    def _decode(self, case: Case, row: Row) -> tuple[Row, dict[str, Array]]:
        picture = read_image(case)
        size = plane_size(picture.shape, self.image_size)
        image = shrink_image(picture.array, size)
        arrays = {"image": image}
        for which, files in (("mask", case.mask), ("truth", case.truth)):
            if files is not None:
                mask = read_mask(self.case_set, case, "mask" if which == "mask" else "truth")
                if mask.shape != picture.shape:
                    raise UnreadableCaseError(
                        f"{size_text(mask.shape)}, but its image is {size_text(picture.shape)}",
                        files.paths[0],
                    )
                arrays[which] = resize_mask(mask, size)
        channels = [_moments(channel) for channel in image]
        row = replace(
            row,
            native=picture.shape,
            spacing=picture.spacing,
            mean=tuple(mean for mean, _ in channels),
            std=tuple(std for _, std in channels),
        )
        return row, arrays

    def _write(self, row: Row, arrays: dict[str, Array]) -> Row:
        """Write the arrays of a case one behind the other; threads write to different places."""
        length = sum(_aligned(array.nbytes) for array in arrays.values())
        with self._allocation:
            start, self._end = self._end, self._end + length
        places: dict[str, Place] = {}
        position, checksum = start, 0
        for which, array in arrays.items():
            places[which] = Place(position, tuple(array.shape), str(array.dtype))
            padding = bytes(_aligned(array.nbytes) - array.nbytes)
            for data in (np.ascontiguousarray(array).data.cast("B"), memoryview(padding)):
                write(self._pixels, data, position)
                checksum, position = zlib.crc32(data, checksum), position + len(data)
        return replace(
            row,
            start=start,
            end=position,
            crc=checksum,
            image=places["image"],
            mask=places.get("mask"),
            truth=places.get("truth"),
        )


def _moments(channel: Array) -> tuple[float, float]:
    """Mean and standard deviation, summed in double precision without a copy in it."""
    mean = float(channel.mean(dtype=np.float64))
    # Plane by plane: the deviations of a whole volume would take its size eight times.
    planes = channel.reshape(-1, *channel.shape[-2:])
    squares = sum(float(np.square(plane.astype(np.float64) - mean).sum()) for plane in planes)
    return mean, float(np.sqrt(squares / channel.size))


def _aligned(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT
