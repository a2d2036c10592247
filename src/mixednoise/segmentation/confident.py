"""Wrong mask pixels by confident learning: the front door.

Every name that other parts use is here; :func:`find_mask_errors` does it all for arrays::

    flagged = find_mask_errors(masks, probabilities)      # (N, H, W), (N, K, H, W) -> (N, H, W)

For data that is larger than memory: :func:`estimate` and :func:`iter_errors` with a
:class:`FolderSource` or any :class:`ProbabilitySource`; :func:`write_errors` writes what they find.

The method is confident learning (Northcutt et al. 2021) on pixels, as in Zhang et al., MICCAI 2020
(doi 10.1007/978-3-030-59710-8_70). Where there are no ties, the flags of the rules ``C``, ``Q``,
``PBNR``, ``both`` and ``argmax`` equal those of cleanlab 2.9
(``filter.find_label_issues``, ``filter_by`` = ``confident_learning``, ``prune_by_class``,
``prune_by_noise_rate``, ``both``, ``predicted_neq_given``); ``intersection`` and ``union`` are
combinations of them. ``whole_masks``, ``band``, ``keep_shares`` and ``pool='image'`` are our own.
Ties at a cut-off are broken by order: images as they come, then pixels in memory order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

import numpy as np
from pydantic import ValidationError

from mixednoise.errors import ConfigError
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.bands import band_of_source
from mixednoise.segmentation.calibrated_source import calibrated, calibrated_by
from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.error_settings import ErrorSettings, Pool
from mixednoise.segmentation.estimate import Estimate
from mixednoise.segmentation.estimation import estimate
from mixednoise.segmentation.folder_source import FolderSource
from mixednoise.segmentation.image_errors import ImageErrors, MapMaker, iter_errors
from mixednoise.segmentation.labels import ErrorMap, Rule
from mixednoise.segmentation.quality import label_quality
from mixednoise.segmentation.sources import ArraySource, ProbabilitySource
from mixednoise.segmentation.write_errors import Summary, write_errors

Array = np.ndarray[Any, Any]

__all__ = [
    "ArraySource",
    "ErrorSettings",
    "Estimate",
    "FolderSource",
    "ImageErrors",
    "ProbabilitySource",
    "Summary",
    "estimate",
    "find_mask_errors",
    "iter_errors",
    "label_quality",
    "write_errors",
]


@overload
def find_mask_errors(
    masks: Array,
    probabilities: Array | Sequence[Array],
    rule: Rule = "Q",
    *,
    ignore_label: int | None = None,
    pool: Pool = "set",
    band: float | Literal["auto"] | None = None,
    calibrate: Calibrate = "none",
    temperature: float = 1.0,
    min_region: int = 0,
    judges: Sequence[Any] | Array | None = None,
    progress: Progress | None = None,
) -> ErrorMap: ...
@overload
def find_mask_errors(
    masks: Sequence[Array],
    probabilities: Array | Sequence[Array],
    rule: Rule = "Q",
    *,
    ignore_label: int | None = None,
    pool: Pool = "set",
    band: float | Literal["auto"] | None = None,
    calibrate: Calibrate = "none",
    temperature: float = 1.0,
    min_region: int = 0,
    judges: Sequence[Any] | Array | None = None,
    progress: Progress | None = None,
) -> list[ErrorMap]: ...
def find_mask_errors(
    masks: Array | Sequence[Array],
    probabilities: Array | Sequence[Array],
    rule: Rule = "Q",
    *,
    ignore_label: int | None = None,
    pool: Pool = "set",
    band: float | Literal["auto"] | None = None,
    calibrate: Calibrate = "none",
    temperature: float = 1.0,
    min_region: int = 0,
    judges: Sequence[Any] | Array | None = None,
    progress: Progress | None = None,
) -> ErrorMap | list[ErrorMap]:
    """Find the wrong pixels of masks, given out-of-sample probabilities.

    Args:
        masks: (N, H, W) or (N, D, H, W) integers, the given classes 0..K-1; or N arrays of sizes
            of their own.
        probabilities: (N, K, H, W) or (N, K, D, H, W) float16, float32 or float64 that sum to 1
            over K, of models that never saw the image they are for; or N arrays.
        rule: ``C``, ``Q``, ``PBNR``, ``both``, ``intersection``, ``union``, ``argmax`` or
            ``whole_masks``; see :class:`ErrorSettings` for this and the other options.
        ignore_label: mask value of pixels to leave out.
        pool: ``set`` or ``image``.
        band: pixels, None, or ``auto``: three quarters of the structures' pixels
            (:func:`~mixednoise.segmentation.bands.typical_band`).
        calibrate: what is fitted to the probabilities first: ``none``; ``temperature``, how sure
            they are; ``shares``, so that each class is as often the most probable one as it is in
            the masks; ``auto``, shares where a class is overlooked, else none
            (:mod:`mixednoise.segmentation.calibration`).
        temperature: above 0.
        min_region: pixels.
        judges: (N,) the model that judged each image, text or numbers: which fold of a
            cross-validation. ``whole_masks`` brings them in line, ``calibrate`` fits each of them.
            None = not known, or one judged all.
        progress: where bars and warnings go; None = nowhere.

    Returns:
        bool (N, ...): True = suspected wrong; a list where ``masks`` is one.

    Raises:
        DataError: shapes that don't fit, values that are no classes or no probabilities, not one
            judge per image.
        ConfigError: an option has a value that it can't have.
    """
    plain = ArraySource(masks, probabilities, ignore_label=ignore_label, judges=judges)
    if band == "auto":
        band = band_of_source(plain)
    source = calibrated(plain, calibrate, progress)
    try:
        settings = ErrorSettings(
            rule=rule,
            pool=pool,
            band=band,
            temperature=temperature,
            keep_shares=calibrated_by(source) == "shares",
            min_region=min_region,
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(
            f"{first['loc'][0]} can't be {first['input']!r}",
            expected=str(first["msg"]),
            found=repr(first["input"]),
            fix="see mixednoise.segmentation.confident.ErrorSettings",
        ) from error
    found = estimate(source, settings, progress or Silent())
    maker = MapMaker(settings, found)
    maps = []
    for index in range(len(source)):
        name, (mask, values) = source.names[index], source.read(index)
        if min_region > 1:
            maps.append(maker.flag(name, mask, values).flagged)
        else:
            maps.append(maker.suspected(name, mask, values))
    return np.stack(maps) if isinstance(masks, np.ndarray) else maps
