"""The wrong pixels of every image, one image at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixednoise.errors import ConfigError
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.components import Components, measure
from mixednoise.segmentation.error_settings import ErrorSettings
from mixednoise.segmentation.estimate import Estimate
from mixednoise.segmentation.estimation import estimate_image, split, working_dtype
from mixednoise.segmentation.labels import IGNORE, ErrorMap, Mask, Probabilities
from mixednoise.segmentation.pixel_blocks import blocks, most_probable, own_probability
from mixednoise.segmentation.quality import label_quality
from mixednoise.segmentation.regions import Regions, drop_small
from mixednoise.segmentation.rules import Flagger, disagreeing
from mixednoise.segmentation.sources import ProbabilitySource
from mixednoise.separation.confident_joint import TOLERANCE

#: Columns of ``images.csv`` where whole masks were judged; the last where there are several kinds.
DICE, LOSS, WHOLE = "model_dice", "model_loss", "p_wrong_mask"


@dataclass(frozen=True)
class ImageErrors:
    """What was found in one mask.

    Attributes:
        name: of the image.
        flagged: bool, as the mask: suspected wrong.
        proposed: uint8, as the mask: the most probable class, the given one where it is as good.
        quality: in [0, 1], low = look at this mask first (:func:`label_quality`).
        pixels: labelled pixels.
        flagged_pixels: suspected ones.
        flagged_per_class: (K,) of them per given class.
        components: connected components of suspected pixels (corners connect).
        largest_component: pixels of the largest.
        measured: each of them, the largest first; None where not asked for.
        agreement: Dice of mask and model, and mean loss of the mask; None where not asked for.
        p_wrong: probability that the mask is wrong as a whole; None where that can't be told.
        disagreeing_pixels: labelled pixels with another class than the proposed one.
    """

    name: str
    flagged: ErrorMap
    proposed: Mask
    quality: float
    pixels: int
    flagged_pixels: int
    flagged_per_class: np.ndarray[Any, np.dtype[np.int64]]
    components: int
    largest_component: int
    measured: Components | None = None
    agreement: tuple[float, float] | None = None
    p_wrong: float | None = None
    disagreeing_pixels: int = 0

    def row(self, class_names: Sequence[str] | None = None) -> dict[str, Any]:
        """A row of ``images.csv``.

        Args:
            class_names: for the columns ``flagged_NAME``; None = the indices.
        """
        names = class_names or [str(k) for k in range(len(self.flagged_per_class))]
        return {
            "name": self.name,
            "quality": round(self.quality, 6),
            "flagged_pixels": self.flagged_pixels,
            "flagged_share": round(self.flagged_pixels / max(self.pixels, 1), 6),
            "components": self.components,
            "largest_component": self.largest_component,
            **({} if self.agreement is None else _rounded((DICE, LOSS), self.agreement)),
            **({} if self.p_wrong is None else _rounded((WHOLE,), (self.p_wrong,))),
            **{
                f"flagged_{name}": int(n)
                for name, n in zip(names, self.flagged_per_class, strict=True)
            },
        }


def _rounded(names: Sequence[str], values: Sequence[float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in zip(names, values, strict=True)}


class MapMaker:
    """Error maps of images, in the order in which they were estimated.

    Args:
        settings: all of them count.
        estimate: of the set; not needed with ``pool='image'``.
    """

    def __init__(self, settings: ErrorSettings, estimate: Estimate | None) -> None:
        self._settings, self._flaggers, self._dtype = settings, [], np.dtype(np.float32)
        self._whole = None if estimate is None else estimate.whole_masks
        if settings.pool == "image" and settings.rule != "whole_masks":
            return
        if estimate is None or not _same(settings, estimate.settings):
            raise ConfigError(
                "the estimate was made with other settings",
                expected=f"an estimate for {settings!r}",
                found="none" if estimate is None else repr(estimate.settings),
                fix="estimate again with the settings that the maps are to be made with",
            )
        self._dtype = estimate.dtype
        self._flaggers = [Flagger(s, settings, self._dtype) for s in estimate.strata]

    def flag(self, name: str, mask: Mask, probabilities: Probabilities) -> Regions:
        """The error map of the next image without small components, and those that are left."""
        flagged = self.suspected(name, mask, probabilities)
        return drop_small(flagged, self._settings.min_region)

    def suspected(self, name: str, mask: Mask, probabilities: Probabilities) -> ErrorMap:
        """The error map of the next image, with components of any size."""
        if self._whole is not None and self._whole.several_kinds:
            if not self._whole.wrong(name):
                return np.zeros(mask.shape, bool)
            return disagreeing(mask, probabilities, working_dtype(probabilities))
        flaggers = self._flaggers
        if self._settings.pool == "image":
            if (mask == IGNORE).all():
                return np.zeros(mask.shape, bool)
            dtype = working_dtype(probabilities)
            strata = estimate_image(mask, probabilities, self._settings)
            flaggers = [Flagger(s, self._settings, dtype) for s in strata]
        flagged = np.zeros(mask.size, bool)
        parts = split(mask, probabilities, self._settings)
        for flagger, (given, values, places) in zip(flaggers, parts, strict=True):
            found = flagger.flag(given, values)
            if places is None:
                flagged = found
            else:
                flagged[places] = found
        return flagged.reshape(mask.shape)


def _same(settings: ErrorSettings, others: ErrorSettings) -> bool:
    """Whether the settings agree in all that an estimate depends on."""
    return settings.model_copy(update={"min_region": others.min_region}) == others


def iter_errors(
    source: ProbabilitySource,
    estimate: Estimate,
    settings: ErrorSettings,
    progress: Progress | None = None,
    *,
    components: bool = False,
) -> Iterator[ImageErrors]:
    """Flag the wrong pixels, one image at a time, in the order of the source.

    Args:
        source: the one that was estimated from; it is read once.
        estimate: of :func:`~mixednoise.segmentation.estimation.estimate`.
        settings: those of the estimate; ``min_region`` may differ.
        progress: where the bar goes.
        components: measure each connected component (``ImageErrors.measured``).

    Yields:
        One per image that was not set aside.

    Raises:
        ConfigError: the estimate was made with another rule, pool, band or temperature.
    """
    maker = MapMaker(settings, estimate)
    return _images(source, estimate, settings, maker, progress or Silent(), components)


def _images(
    source: ProbabilitySource,
    estimate: Estimate,
    settings: ErrorSettings,
    maker: MapMaker,
    progress: Progress,
    components: bool,
) -> Iterator[ImageErrors]:
    left = [i for i, name in enumerate(source.names) if name not in estimate.set_aside]
    whole = estimate.whole_masks
    for index in progress.track(left, "error maps", len(left)):
        mask, probabilities = source.read(index)
        name = source.names[index]
        regions = maker.flag(name, mask, probabilities)
        flagged = regions.flagged
        proposed, own = _proposal(mask, probabilities, settings)
        labelled, measured = mask != IGNORE, None
        if components:
            of_flagged = own[flagged[labelled]]
            measured = measure(regions, mask, proposed, of_flagged, source.num_classes)
        per_class = np.bincount(mask[flagged], minlength=source.num_classes)
        yield ImageErrors(
            name=name,
            flagged=flagged,
            proposed=proposed,
            quality=label_quality(own),
            pixels=own.size,
            flagged_pixels=int(per_class.sum()),
            flagged_per_class=per_class,
            components=len(regions.sizes),
            largest_component=regions.largest,
            measured=measured,
            agreement=None if whole is None else whole.agreement.get(name),
            p_wrong=None if whole is None else whole.p_wrong.get(name),
            disagreeing_pixels=int(np.count_nonzero((proposed != mask) & labelled)),
        )


def _proposal(
    mask: Mask, probabilities: Probabilities, settings: ErrorSettings
) -> tuple[Mask, np.ndarray[Any, Any]]:
    """The most probable classes, and the probabilities of the given ones of labelled pixels."""
    given, flat = mask.reshape(-1), probabilities.reshape(len(probabilities), -1)
    proposed, own = [], []
    for _, classes, block in blocks(
        given, flat, working_dtype(probabilities), settings.temperature
    ):
        proposed.append(most_probable(classes, block, TOLERANCE))
        labelled = own_probability(classes, block)
        own.append(labelled if IGNORE not in classes else labelled[classes != IGNORE])
    return np.concatenate(proposed).reshape(mask.shape), np.concatenate(own)
