"""How well are wrong pixels found, where the truth is known: precision, recall, F1."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from mixednoise.data.report import examples
from mixednoise.errors import ConfigError, DataError
from mixednoise.evaluation.ranking import divide
from mixednoise.io import as_text
from mixednoise.segmentation.bands import boundary_band
from mixednoise.segmentation.labels import IGNORE


@dataclass(frozen=True)
class PixelCounts:
    """Pixels of one image or of many; counts add up with ``+``.

    What is 0 / 0 is NaN, never 0 or 1: a set without a wrong pixel says nothing about recall.

    Attributes:
        pixels: pixels looked at.
        wrong: of these, given mask != truth.
        flagged: of these, suspected to be wrong.
        hits: wrong and flagged.
    """

    pixels: int = 0
    wrong: int = 0
    flagged: int = 0
    hits: int = 0

    def __add__(self, other: PixelCounts) -> PixelCounts:
        return PixelCounts(
            self.pixels + other.pixels,
            self.wrong + other.wrong,
            self.flagged + other.flagged,
            self.hits + other.hits,
        )

    @property
    def precision(self) -> float:
        """``hits / flagged``; NaN where nothing is flagged."""
        return float(divide(self.hits, self.flagged))

    @property
    def recall(self) -> float:
        """``hits / wrong``; NaN where nothing is wrong."""
        return float(divide(self.hits, self.wrong))

    @property
    def f1(self) -> float:
        """``2 hits / (flagged + wrong)``; NaN where nothing is wrong and nothing flagged.

        It is 0 where something is wrong and nothing flagged, or the other way round.
        """
        return float(divide(2 * self.hits, self.flagged + self.wrong))

    @property
    def error_rate(self) -> float:
        """``wrong / pixels``: how noisy the given masks are; NaN without pixels."""
        return float(divide(self.wrong, self.pixels))

    def row(self) -> dict[str, Any]:
        """Counts and scores by name, in a stable order."""
        counts = {field.name: getattr(self, field.name) for field in fields(self)}
        scores = {name: getattr(self, name) for name in ("precision", "recall", "f1")}
        return counts | scores | {"error_rate": self.error_rate}


class IdentificationEvaluator:
    """Scores error maps one at a time, pooled over the pixels of the set and per image.

    Pixels that are IGNORE in the given mask or in the truth are not looked at.

    Args:
        band: with it, scores are split into the boundary, i.e. pixels at most ``band`` pixels away
            from one of another class in the given mask, and the interior, i.e. all others. Mask
            noise lies at boundaries: an error map that only finds it there shows in the split.

    Raises:
        ConfigError: a band that is not above zero.
    """

    def __init__(self, *, band: float | None = None) -> None:
        if band is not None and not band > 0:
            raise ConfigError(
                "the boundary band has no width",
                expected="a number of pixels above zero, or None for no split",
                found=str(band),
                fix="a usual choice is 5 pixels",
            )
        self._band = band
        self._counts: dict[str, PixelCounts] = {}
        self._boundary = PixelCounts()
        self._interior = PixelCounts()

    def __len__(self) -> int:
        return len(self._counts)

    def add(self, name: str, given: ArrayLike, truth: ArrayLike, flagged: ArrayLike) -> None:
        """Score one error map.

        Args:
            name: of the case, each once.
            given: the mask as it was given: class index 0..K-1, or IGNORE (*S).
            truth: the true mask: class index 0..K-1, or IGNORE (*S).
            flagged: bool (*S), True = suspected wrong.

        Raises:
            DataError: a name that was there before, or arrays that don't fit together.
        """
        name = as_text(name)  # tables hold nothing else
        if name in self._counts:
            raise DataError(
                f"{name} is scored twice",
                expected="every case once",
                found=f"a second error map after {len(self)} cases",
                fix="give every case a name of its own",
            )
        mask, true = np.asarray(given), np.asarray(truth)
        self._counts[name] = identification_counts(mask, true, flagged)
        if self._band is not None:
            near = boundary_band(mask.astype(np.uint8, copy=False), self._band)
            self._boundary += identification_counts(mask, true, flagged, where=near)
            self._interior += identification_counts(mask, true, flagged, where=~near)

    @property
    def pooled(self) -> PixelCounts:
        """All pixels of all images together (section 9 of the method's description)."""
        return sum(self._counts.values(), PixelCounts())

    def table(self) -> pd.DataFrame:
        """One row per image: ``name``, counts, ``precision, recall, f1, error_rate``."""
        columns = ["name", *PixelCounts().row()]
        rows = [{"name": name, **counts.row()} for name, counts in self._counts.items()]
        return pd.DataFrame(rows, columns=columns)

    def summary(self) -> dict[str, Any]:
        """The numbers for a JSON file.

        Returns:
            ``images``; counts and scores pooled over the pixels of the set; ``per_image``: ``{
            precision, recall, f1: {mean, n}}`` over the images in which it is defined; with a
            band, ``boundary`` and ``interior``: counts and scores of these pixels, pooled, and
            ``band``: its width.
        """
        table = self.table()
        per_image = {}
        for name in ("precision", "recall", "f1"):
            values = table[name].to_numpy(np.float64)
            values = values[~np.isnan(values)]
            mean = float(values.mean()) if len(values) else float("nan")
            per_image[name] = {"mean": mean, "n": len(values)}
        result = {"images": len(self), **self.pooled.row(), "per_image": per_image}
        if self._band is not None:
            result |= {
                "band": self._band,
                "boundary": self._boundary.row(),
                "interior": self._interior.row(),
            }
        return result


def identification_counts(
    given: ArrayLike, truth: ArrayLike, flagged: ArrayLike, *, where: ArrayLike | None = None
) -> PixelCounts:
    """Count wrong, flagged and rightly flagged pixels of one image.

    Args:
        given: class index or IGNORE (*S).
        truth: class index or IGNORE (*S).
        flagged: bool (*S).
        where: bool (*S), pixels to look at; None = all that are IGNORE in neither mask.

    Raises:
        DataError: shapes that differ, or an error map with other values than 0 and 1.
    """
    mask, true, suspected = np.asarray(given), np.asarray(truth), np.asarray(flagged)
    if not mask.shape == true.shape == suspected.shape:
        raise DataError(
            "given mask, true mask and error map differ in size",
            expected="three arrays of the same shape",
            found=f"{mask.shape}, {true.shape}, {suspected.shape}",
            fix="pass the arrays of one case, on one grid",
        )
    if suspected.dtype.kind != "b":
        values = np.unique(suspected)
        if not np.isin(values, (0, 1)).all():
            raise DataError(
                "the error map is none",
                expected="True and False, or 1 and 0",
                found=f"values {examples(values)}",
                fix="compare a map that was read from a file with zero: map > 0",
            )
        suspected = suspected.astype(bool)
    seen = (mask != IGNORE) & (true != IGNORE)
    if where is not None:
        seen &= np.asarray(where, dtype=bool)
    wrong, flags = (mask != true) & seen, suspected & seen
    counted = (int(np.count_nonzero(part)) for part in (seen, wrong, flags, wrong & flags))
    return PixelCounts(*counted)
