"""Masks under review: image, given mask, suspected pixels and proposed mask of a case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixednoise.audit.folder import Manifest
from mixednoise.audit.located_cases import judged_stage
from mixednoise.data.unreadable import UnreadableImageError
from mixednoise.errors import RunError
from mixednoise.review.server.cache import ByteCache
from mixednoise.review.server.originals import Originals
from mixednoise.segmentation.cases import UnreadableCaseError, read_image
from mixednoise.segmentation.cases.picture import as_rgb
from mixednoise.segmentation.report.cards import changes_in
from mixednoise.segmentation.report.overlay import OverlayCase, shown_slice
from mixednoise.segmentation.stages.judged import JudgedSource

Array = NDArray[Any]
_CACHE_BYTES = 512_000_000


@dataclass(frozen=True)
class MaskCase:
    """One case, as it is drawn: volumes have their slices first, see :func:`upright`.

    Attributes:
        image: uint8 (D, H, W, 3) RGB.
        given: uint8 (D, H, W), class index or IGNORE.
        suspected: bool (D, H, W).
        proposed: uint8 (D, H, W): what agreeing takes.
        shown: the slice to begin with.
        changes: what would change, in words.
        changed: whether a file has changed since the audit.
    """

    image: NDArray[np.uint8]
    given: NDArray[np.uint8]
    suspected: NDArray[np.bool_]
    proposed: NDArray[np.uint8]
    shown: int
    changes: tuple[str, ...]
    changed: bool

    @property
    def bytes(self) -> int:
        """In memory."""
        return sum(a.nbytes for a in (self.image, self.given, self.suspected, self.proposed))


class Masks:
    """The cases of an audit of masks, read from the run that judged them. Thread-safe.

    Args:
        manifest: of the audit.
        originals: its images and masks, rows as in its table.

    Raises:
        RunError: the run is gone, damaged, without error maps, or about other cases.
    """

    def __init__(self, manifest: Manifest, originals: Originals) -> None:
        self._stage = judged_stage(manifest, originals.located)
        self._originals = originals
        self.class_names = self._stage.prepared.cases.class_names
        self._source = JudgedSource(self._stage)
        place = self._source.place
        lacking = [name for name in originals.located.ids if name not in place]
        if lacking:
            raise RunError(
                f"{manifest.run} is about other cases than the audit",
                expected="the run that the audit was made from",
                found=f"{len(lacking)} cases of the audit that it has not judged, the first is "
                f"{lacking[0]}",
                fix="restore the run folder, or audit again",
            )
        self._index = [place[name] for name in originals.located.ids]
        self._cache: ByteCache[MaskCase] = ByteCache(_CACHE_BYTES, lambda case: case.bytes)
        self._last: tuple[Any, MaskCase] | None = None

    def read(self, row: int) -> MaskCase:
        """One case.

        Raises:
            UnreadableImageError: a file is gone or can't be read.
            ElsewhereError: a link to something else than the audit has seen.
        """
        key = (row, self._originals.stamp(row))
        last = self._last  # a volume larger than the cache is still read once for all its slices
        if last is not None and last[0] == key:
            return last[1]
        found = self._cache.get(key, lambda: self._read(row))
        self._last = (key, found)
        return found

    def _read(self, row: int) -> MaskCase:
        changed = self._originals.check(row)
        index = self._index[row]
        case = self._stage.prepared.cases.cases[int(self._stage.train[index])]
        try:
            picture = read_image(case)
            found = self._source.correction(index)
        except UnreadableCaseError as error:
            raise UnreadableImageError(error.reason, error.path) from error
        except RunError as error:
            raise UnreadableImageError(error.problem, str(case.images[0])) from error
        except (OSError, ValueError, EOFError) as error:
            raise UnreadableImageError(
                "its probabilities can't be read", str(case.images[0])
            ) from error
        given, flagged = found.mask, found.flagged
        if not picture.shape == given.shape == flagged.shape:
            raise UnreadableImageError(
                f"image {picture.shape}, mask {given.shape} and error map {flagged.shape} differ "
                "in size",
                str(case.images[0]),
            )
        overlay = OverlayCase(None, given, found.suspected, found.corrected)
        flips = upright(picture.affine)
        return MaskCase(
            image=_turned(as_rgb(picture.array), flips, colours=True),
            given=_turned(overlay.mask, flips),
            suspected=_turned(overlay.flagged, flips),
            proposed=_turned(overlay.proposed, flips),
            shown=shown_slice(given, found.suspected) or 0,
            changes=changes_in(overlay, self.class_names, most=4),
            changed=changed,
        )


def upright(affine: Array | None) -> tuple[bool, bool]:
    """Whether rows and columns are turned round, so that a slice is seen as radiologists see it.

    The patient's front (or head) is up, the right side on the left of the picture; images without
    an affine, or with one that swaps axes, stay as they are stored.

    Args:
        affine: (4, 4) of a NIfTI file, from voxel (x, y, z) to mm to the right, front and head.
    """
    if affine is None or np.abs(affine[:3, :3]).argmax(axis=0).tolist() != [0, 1, 2]:
        return False, False
    return bool(affine[1, 1] > 0), bool(affine[0, 0] > 0)


def _turned(array: Array, flips: tuple[bool, bool], *, colours: bool = False) -> Any:
    """(H, W) or (D, H, W), RGB after it, as (D, H, W) with its plane turned round."""
    volume = array[None] if array.ndim == 2 + colours else array
    return volume[:, :: -1 if flips[0] else 1, :: -1 if flips[1] else 1]
