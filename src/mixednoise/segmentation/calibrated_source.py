"""A source of masks and probabilities whose probabilities are calibrated first."""

from __future__ import annotations

import numpy as np

from mixednoise.data.report import Report
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.calibration import Calibrate, Calibration, CalibrationFit
from mixednoise.segmentation.estimation import checked_images
from mixednoise.segmentation.labels import Mask, Probabilities
from mixednoise.segmentation.sources import ProbabilitySource

#: Of the draw of the pixels that are fitted to.
SEED = 202


class CalibratedSource:
    """A source whose probabilities are calibrated.

    Args:
        source: masks and probabilities.
        calibration: of all images.

    Attributes:
        names: of the images.
        num_classes: K.
        calibration: of all images.
        report: what the source has noticed.
    """

    def __init__(self, source: ProbabilitySource, calibration: Calibration) -> None:
        self._source, self.calibration = source, calibration
        self.names, self.num_classes = source.names, source.num_classes
        self.report: Report | None = getattr(source, "report", None)

    def __len__(self) -> int:
        return len(self._source)

    def read(self, index: int) -> tuple[Mask, Probabilities]:
        """One image, see :class:`ProbabilitySource`; float32."""
        mask, probabilities = self._source.read(index)
        return mask, self.calibration.apply(probabilities)


def calibrated(
    source: ProbabilitySource, kind: Calibrate, progress: Progress | None = None
) -> ProbabilitySource:
    """The source with probabilities fitted to its own masks; itself with ``kind='none'``.

    Reads all images once; memory: one image and the pixels that are fitted to (two million at
    most).

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
    fit = CalibrationFit(len(source), rng=np.random.default_rng(SEED))
    for _, mask, probabilities in checked_images(source, {}, progress, "calibrating"):
        fit.add(mask, probabilities)
    found = fit.fit(kind)
    progress.message(f"calibrated: {found}")
    return CalibratedSource(source, found) if found.kind != "none" else source


def calibrated_by(source: ProbabilitySource) -> Calibrate:
    """How the probabilities of a source were calibrated; never ``auto``."""
    return source.calibration.kind if isinstance(source, CalibratedSource) else "none"
