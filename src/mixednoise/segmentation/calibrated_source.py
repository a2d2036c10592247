"""A source of masks and probabilities whose probabilities are calibrated first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from mixednoise.data.report import Report
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.calibration import Calibrate, Calibration, CalibrationFit, settled
from mixednoise.segmentation.estimation import checked_images
from mixednoise.segmentation.judges import judges_of, models_by_name
from mixednoise.segmentation.labels import Mask, Probabilities
from mixednoise.segmentation.sources import ProbabilitySource

#: Of the draw of the pixels that are fitted to.
SEED = 202
#: Images that a model must have judged to be calibrated by itself: the masks of fewer may well have
#: other shares of the classes than the whole set has.
FEWEST_IMAGES = 5


class CalibratedSource:
    """A source whose probabilities are calibrated.

    Args:
        source: masks and probabilities.
        calibrations: one per image.

    Attributes:
        names: of the images.
        num_classes: K.
        calibrations: one per image.
        judges: of the source.
    """

    def __init__(self, source: ProbabilitySource, calibrations: Sequence[Calibration]) -> None:
        self._source, self.calibrations = source, calibrations
        self.names, self.num_classes = source.names, source.num_classes
        self.judges = judges_of(source)

    def __len__(self) -> int:
        return len(self._source)

    @property
    def report(self) -> Report | None:
        """What the source has noticed so far."""
        return getattr(self._source, "report", None)

    def read(self, index: int) -> tuple[Mask, Probabilities]:
        """One image, see :class:`ProbabilitySource`; float32."""
        mask, probabilities = self._source.read(index)
        return mask, self.calibrations[index].apply(probabilities)


def calibrated(
    source: ProbabilitySource, kind: Calibrate, progress: Progress | None = None
) -> ProbabilitySource:
    """The source with probabilities fitted to its own masks; itself with ``kind='none'``.

    Each model is calibrated by itself where the source knows its judges and each judged at least
    :data:`FEWEST_IMAGES` images; ``shares`` are those of all images together. Reads all images
    once; memory: one image and the pixels that are fitted to (two million at most).

    Args:
        source: probabilities of models that never saw the masks.
        kind: ``none``, ``temperature``, ``shares`` or ``auto``.
        progress: where bars and messages go.

    Raises:
        DataError: an image holds values that are no classes or no probabilities.
    """
    if kind == "none":
        return source
    progress = progress or Silent()
    models = _fitted_apart(source)
    labels = sorted(set(models.values()))
    fits = {
        label: CalibrationFit(len(source), rng=np.random.default_rng(SEED + number))
        for number, label in enumerate(labels)
    }
    for name, mask, probabilities in checked_images(source, {}, progress, "calibrating"):
        fits[models[name]].add(mask, probabilities)
    kind = settled(kind, list(fits.values()))
    pixels = np.sum([fit.pixels for fit in fits.values()], axis=0)
    found = {label: fit.fit(kind, pixels) for label, fit in fits.items()}
    for label, one in found.items():
        who = f", judge {label}" if label else ""
        progress.message(f"calibrated{who}: {one}")
    return (
        source
        if kind == "none"
        else CalibratedSource(source, [found[models[name]] for name in source.names])
    )


def calibrated_by(source: ProbabilitySource) -> Calibrate:
    """How the probabilities of a source were calibrated; never ``auto``."""
    made = source.calibrations if isinstance(source, CalibratedSource) else []
    return next((one.kind for one in made if one.kind != "none"), "none")


def _fitted_apart(source: ProbabilitySource) -> dict[str, str]:
    """Name -> the model that is calibrated for it; '' where one calibration is that of all."""
    models = models_by_name(source)
    if models is None or min(Counter(models.values()).values()) < FEWEST_IMAGES:
        return dict.fromkeys(source.names, "")
    return models
