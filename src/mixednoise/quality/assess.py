"""The quality of one image, of many files, of a data set: decode, measure, forget, go on."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mixednoise.data.decode import Decoded, decode_bytes, read_image_file
from mixednoise.data.unreadable import UnreadableImageError
from mixednoise.errors import DataError
from mixednoise.progress import Progress, Silent
from mixednoise.quality.duplicates import find_near_duplicates
from mixednoise.quality.fingerprint import WORDS, fingerprint
from mixednoise.quality.measures import Measures, measure
from mixednoise.quality.picture import COMMON_SIDE, WORKING_SIDE, working_picture
from mixednoise.quality.reasons import join_reasons, same_image
from mixednoise.quality.scores import Limits, Scores, score

if TYPE_CHECKING:  # pandas takes a second to import
    import pandas as pd

    from mixednoise.data.table import Dataset

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Words = np.ndarray[Any, np.dtype[np.uint64]]

#: Columns of scores, in the order of the table.
SCORES = (
    "quality",
    "exposure",
    "evenness",
    "contrast",
    "focus",
    "detail",
    "noise",
    "colour",
)
#: Columns of raw measures; ``measured_`` tells them from scores of the same name.
MEASURES = tuple(f"measured_{name}" for name in Measures.__dataclass_fields__)
#: All columns of :func:`assess_files`.
COLUMNS = ("id", *SCORES, "field_of_view", "same_as", "hash", *MEASURES, "reasons")


@dataclass(frozen=True)
class ImageQuality:
    """What is known of one image.

    Attributes:
        measures: raw, in grey values and shares.
        scores: in [0, 1], with reasons.
        found: whether the image is bright enough anywhere to show a picture.
        fingerprint: uint64 (4,), for :func:`.duplicates.find_near_duplicates`.
    """

    measures: Measures
    scores: Scores
    found: bool
    fingerprint: Words


def assess_image(
    image: Pixels, limits: Limits | None = None, *, reduced: float = 1.0
) -> ImageQuality:
    """Measure one image.

    Args:
        image: uint8 (H, W, 3) RGB.
        limits: defaults when not given.
        reduced: how many times smaller than the whole image it was decoded; ``side`` is told in
            pixels of the whole image.

    Raises:
        DataError: not a uint8 RGB image.
    """
    picture = working_picture(image, reduced=reduced)
    measures = measure(picture)
    judged = score(measures, found=picture.found, limits=limits)
    return ImageQuality(measures, judged, picture.found, fingerprint(picture))


def assess_file(path: Path | str, limits: Limits | None = None) -> ImageQuality:
    """Measure an image file, decoding no more of it than is needed.

    Raises:
        UnreadableImageError: with a short reason.
    """
    data = read_image_file(path)
    decoded = decode_bytes(data, min_side=COMMON_SIDE)
    reduced = _reduced(decoded)
    quality = assess_image(decoded.image, limits, reduced=reduced)
    side = quality.measures.side / reduced
    if reduced > 1.0 and side < WORKING_SIDE:
        # A field of view that is small in its image: some of the pixels left out are needed.
        enough = int(np.ceil(min(decoded.image.shape[:2]) * (WORKING_SIDE + 1) / max(side, 1.0)))
        decoded = decode_bytes(data, min_side=enough)
        quality = assess_image(decoded.image, limits, reduced=_reduced(decoded))
    return quality


def _reduced(decoded: Decoded) -> float:
    """How many times smaller than the whole image it was decoded."""
    return float(max(decoded.native_size) / max(decoded.image.shape[:2]))


def assess_files(
    paths: Sequence[Path | str],
    *,
    ids: Sequence[str] | None = None,
    limits: Limits | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Measure many files. No more than a few images are in memory at any time.

    Args:
        paths: N image files. One that can't be read is listed with the reason.
        ids: N names for the table; the paths when not given.
        limits: defaults when not given.
        workers: threads; the table is the same with any number. OpenCV has threads of its own:
            with several workers, ``cv2.setNumThreads(1)`` is faster.
        progress: shows the images as they pass.

    Returns:
        N rows in the given order with :data:`COLUMNS`:

        - ``quality`` and the other scores: in [0, 1], 1 = good; of an unreadable file quality is 0
          and the rest NaN;
        - ``field_of_view``: whether one was found, bool;
        - ``same_as``: id of the first image that looks the same, '' = none before;
        - ``hash``: perceptual hash, 16 hexadecimal digits, '' = unreadable;
        - ``measured_...``: see :class:`.measures.Measures`;
        - ``reasons``: plain words joined by ``"; "``, '' = nothing against it.

    Raises:
        DataError: ids of another number than paths.
    """
    names = [str(path) for path in paths] if ids is None else [str(name) for name in ids]
    if len(names) != len(paths):
        raise DataError(
            "every image needs one id",
            expected=f"{len(paths)} ids",
            found=str(len(names)),
            fix="pass ids in the order of the paths",
        )
    return assess_each(
        names, lambda row: assess_file(paths[row], limits), workers=workers, progress=progress
    )


def assess_dataset(
    dataset: Dataset,
    *,
    limits: Limits | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Measure every image of a data set; everything else as :func:`assess_files`.

    Returns:
        One row per row of ``dataset.table``, in its order.
    """
    paths = dataset.table["path"].tolist()
    array_rows = dataset.table["array_index"].tolist()

    def assess(row: int) -> ImageQuality:
        if dataset.arrays is not None and array_rows[row] >= 0:
            return assess_image(dataset.arrays[array_rows[row]], limits)
        return assess_file(paths[row], limits)

    names = [str(name) for name in dataset.table["id"]]
    return assess_each(names, assess, workers=workers, progress=progress)


def assess_each(
    ids: Sequence[str],
    assess: Callable[[int], ImageQuality],
    *,
    workers: int = 1,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """The table of :func:`assess_files` of images that come from anywhere.

    Args:
        ids: N names.
        assess: measures the image of a row, or raises :class:`.UnreadableImageError`; called from
            several threads.
        workers: threads.
        progress: shows the images as they pass.
    """
    import pandas as pd

    n = len(ids)
    numbers = np.full((n, len(SCORES) + len(MEASURES)), np.nan)
    found = np.zeros(n, bool)
    words = np.zeros((n, WORDS), np.uint64)
    comparable = np.zeros(n, bool)
    reasons = [""] * n
    passing = enumerate(_in_order(assess, n, workers))
    progress = progress or Silent()
    for row, quality in progress.track(passing, "measuring image quality", total=n):
        if isinstance(quality, str):
            numbers[row, 0] = 0.0
            reasons[row] = f"can't be read: {quality}"
            continue
        scores = [getattr(quality.scores, name) for name in SCORES]
        numbers[row] = [*scores, *vars(quality.measures).values()]
        found[row], words[row] = quality.found, quality.fingerprint
        # What shows nothing looks like everything else that shows nothing.
        comparable[row] = quality.found and "blank" not in quality.scores.reasons
        reasons[row] = join_reasons(quality.scores.reasons)
    same_as = [""] * n
    rows = np.flatnonzero(comparable)
    lowest = rows[find_near_duplicates(words[rows])]
    for row, original in zip(rows.tolist(), lowest.tolist(), strict=True):
        if original != row:
            same_as[row] = ids[original]
            reasons[row] = join_reasons([reasons[row], same_image(ids[original])])
    unread = np.isnan(numbers[:, 1])
    hashes = [
        "" if none else f"{word:016x}"
        for none, word in zip(unread, words[:, 0].tolist(), strict=True)
    ]
    columns: dict[str, Any] = {"id": pd.Series(ids, dtype="string")}
    columns |= {name: numbers[:, i] for i, name in enumerate(SCORES)}
    columns["field_of_view"] = found
    columns["same_as"] = pd.Series(same_as, dtype="string")
    columns["hash"] = pd.Series(hashes, dtype="string")
    columns |= {name: numbers[:, len(SCORES) + i] for i, name in enumerate(MEASURES)}
    columns["reasons"] = pd.Series(reasons, dtype="string")
    return pd.DataFrame(columns)


def _in_order(
    assess: Callable[[int], ImageQuality], count: int, workers: int
) -> Iterator[ImageQuality | str]:
    """Results or reasons why not, in the order of the rows."""

    def one(row: int) -> ImageQuality | str:
        try:
            return assess(row)
        except UnreadableImageError as error:
            return error.reason
        except MemoryError:
            return "not enough memory to measure it"

    if workers <= 1:
        yield from map(one, range(count))
        return
    with ThreadPoolExecutor(workers, thread_name_prefix="mixednoise-quality") as pool:
        waiting: deque[Future[ImageQuality | str]] = deque()
        for row in range(count):
            # A few per thread: all at once would fill memory with what nobody has asked for yet.
            if len(waiting) >= 4 * workers:
                yield waiting.popleft().result()
            waiting.append(pool.submit(one, row))
        while waiting:
            yield waiting.popleft().result()
