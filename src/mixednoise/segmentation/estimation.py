"""Estimate thresholds, confident joint and cut-offs from a source that is read several times."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.errors import DataError
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.bands import boundary_band
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError
from mixednoise.segmentation.error_settings import ErrorSettings
from mixednoise.segmentation.estimate import Estimate, EstimateSum
from mixednoise.segmentation.judges import judges_of
from mixednoise.segmentation.labels import IGNORE, Mask, Probabilities
from mixednoise.segmentation.pixel_blocks import take
from mixednoise.segmentation.probability_checks import check_mask, check_probabilities
from mixednoise.segmentation.sources import ProbabilitySource, check_shapes
from mixednoise.segmentation.stratum import StratumEstimate, StratumEstimator
from mixednoise.segmentation.whole_masks import MaskAgreement
from mixednoise.separation.confident_joint import calibrate_keeping_shares

Array = np.ndarray[Any, Any]
Image = tuple[Mask, Probabilities]
#: (n,) classes, (K, n) probabilities, and their positions in the image (all of it: None).
Pixels = tuple[Mask, Array, Array | None]


def estimate(
    source: ProbabilitySource, settings: ErrorSettings, progress: Progress | None = None
) -> Estimate:
    """Estimate from all images of a source.

    The source is read twice where what matters fits into a small buffer (a million pixels with a
    low probability of their own class), up to two times more (float64: four) where it doesn't, and
    once more where the joint wants more pixels of a pair of classes (``PBNR``, ``both``) than there
    are that prefer the other class; once with ``pool='image'``. Memory: one image and some 30 MB,
    whatever their number. All values are checked at the first reading.

    Args:
        source: images of any sizes.
        settings: rule, pool, band and temperature count here.
        progress: where bars and warnings go.

    Raises:
        DataError: an image holds values that are no classes or no probabilities, no image can be
            read, or no pixel is labelled.
    """
    progress = progress or Silent()
    aside: dict[str, str] = {}
    dtype, ignored = np.dtype(np.float32), 0
    empty: list[str] = []
    total = EstimateSum(source.num_classes)
    estimators = _estimators(source.num_classes, settings)
    numbers = judges_of(source)
    judges = None if numbers is None else dict(zip(source.names, numbers, strict=True))
    agreement = None
    if settings.rule == "whole_masks":
        agreement = MaskAgreement(judges, settings.most_doubt)
    for name, mask, probabilities in checked_images(source, aside, progress):
        mine = working_dtype(probabilities)
        dtype = np.promote_types(dtype, mine)
        left_out = int(np.count_nonzero(mask == IGNORE))
        ignored += left_out
        if np.count_nonzero(mask) == left_out < mask.size:
            empty.append(name)
        if agreement is not None:
            agreement.add(name, mask, probabilities, mine, settings.temperature)
        if settings.pool == "set":
            _add_confidence(estimators, mask, probabilities, settings, mine)
        elif (mask != IGNORE).any():
            for stratum in estimate_image(mask, probabilities, settings):
                total.add(stratum)
    _refuse_nothing(source, aside)
    strata: Sequence[StratumEstimate] = ()
    if settings.pool == "set":
        left = [i for i, name in enumerate(source.names) if name not in aside]

        def images(description: str) -> Iterator[Image]:
            return (source.read(i) for i in progress.track(left, description, len(left)))

        strata = _further_rounds(images, estimators, settings, dtype)
        for stratum in strata:
            total.add(stratum)
    if not total.class_counts.any():
        raise DataError(
            "no pixel is labelled",
            expected="masks with at least one pixel that isn't to be left out",
            found=f"{ignored:,} pixels, all with the ignore label",
            fix="check the masks and the ignore label",
        )
    report = Report(_notices(total, aside, empty))
    report.tell(progress)
    return Estimate(
        class_counts=total.class_counts,
        thresholds=total.thresholds(),
        counts=total.counts,
        calibrated=total.calibrated,
        strata=tuple(strata),
        images=len(source) - len(aside),
        ignored_pixels=ignored,
        dtype=dtype,
        settings=settings,
        whole_masks=None if agreement is None else agreement.judge(),
        set_aside=aside,
        judges=None if judges is None else len({judges[n] for n in judges.keys() - aside.keys()}),
        report=report,
    )


def estimate_image(
    mask: Mask, probabilities: Probabilities, settings: ErrorSettings
) -> list[StratumEstimate]:
    """The strata of one image by itself (``pool='image'``)."""
    estimators = _estimators(len(probabilities), settings)
    dtype = working_dtype(probabilities)
    _add_confidence(estimators, mask, probabilities, settings, dtype)
    return _further_rounds(lambda _: [(mask, probabilities)], estimators, settings, dtype)


def split(mask: Mask, probabilities: Probabilities, settings: ErrorSettings) -> list[Pixels]:
    """The pixels of one image, in memory order: all, or those outside and inside of the band."""
    given = mask.reshape(-1)
    flat = probabilities.reshape(len(probabilities), -1)
    if settings.band is None:
        return [(given, flat, None)]
    band = boundary_band(mask, settings.band).reshape(-1)
    places = np.flatnonzero(~band), np.flatnonzero(band)
    return [(given[some], take(flat, some), some) for some in places]


def working_dtype(probabilities: Array) -> np.dtype[Any]:
    """float64 for float64, else float32, which holds half precision exactly."""
    return np.dtype(np.float64 if probabilities.dtype.itemsize == 8 else np.float32)


def _estimators(num_classes: int, settings: ErrorSettings) -> list[StratumEstimator]:
    names = ["all"] if settings.band is None else ["interior", "band"]
    return [StratumEstimator(name, num_classes, settings) for name in names]


def _add_confidence(
    estimators: Sequence[StratumEstimator],
    mask: Mask,
    probabilities: Probabilities,
    settings: ErrorSettings,
    dtype: np.dtype[Any],
) -> None:
    for estimator, pixels in zip(estimators, split(mask, probabilities, settings), strict=True):
        estimator.add_confidence(pixels[0], pixels[1], dtype)


def _further_rounds(
    images: Callable[[str], Iterable[Image]],
    estimators: Sequence[StratumEstimator],
    settings: ErrorSettings,
    dtype: np.dtype[Any],
) -> list[StratumEstimate]:
    """All rounds after the thresholds; ``images`` shows every image again when called."""
    for estimator in estimators:
        estimator.start_counting(dtype)
    for mask, probabilities in images("counting"):
        for estimator, pixels in zip(estimators, split(mask, probabilities, settings), strict=True):
            estimator.add_counts(pixels[0], pixels[1])
    if settings.keep_shares:
        margins = [estimator.margins() for estimator in estimators]
        joint = calibrate_keeping_shares(*zip(*margins, strict=True))
        for estimator, calibrated in zip(estimators, joint, strict=True):
            estimator.close_round(calibrated)
    else:
        for estimator in estimators:
            estimator.close_round()
    while any(estimator.unfinished for estimator in estimators):
        for mask, probabilities in images("cut-offs"):
            parts = split(mask, probabilities, settings)
            for estimator, pixels in zip(estimators, parts, strict=True):
                estimator.add_ranks(pixels[0], pixels[1])
        for estimator in estimators:
            estimator.close_round()
    return [estimator.estimate() for estimator in estimators]


def checked_images(
    source: ProbabilitySource,
    aside: dict[str, str],
    progress: Progress,
    description: str = "thresholds",
) -> Iterator[tuple[str, Mask, Probabilities]]:
    """All images with their names, checked.

    Args:
        source: of the images.
        aside: takes name -> reason of those that can't be read.
        progress: where the bar goes.
        description: of the bar.

    Raises:
        DataError: values that are no classes or no probabilities.
    """
    names = source.names
    for index in progress.track(range(len(source)), description, len(source)):
        try:
            mask, probabilities = source.read(index)
        except UnreadableCaseError as error:
            aside[names[index]] = f"{error.path}: {error.reason}"
            continue
        check_shapes(names[index], mask, probabilities, source.num_classes)
        check_mask(names[index], mask, source.num_classes)
        check_probabilities(names[index], probabilities.reshape(len(probabilities), -1))
        yield names[index], mask, probabilities


def _refuse_nothing(source: ProbabilitySource, aside: dict[str, str]) -> None:
    if len(aside) == len(source):
        raise DataError(
            "no image can be read",
            expected="at least one mask with its probabilities",
            found=examples(aside.values(), separator="; "),
            fix="replace these files",
        )


def _notices(total: EstimateSum, aside: dict[str, str], empty: Sequence[str]) -> list[Problem]:
    notices = []
    if empty:
        several = len(empty) > 1
        notices.append(
            Problem(
                "warn",
                f"{counted(len(empty), 'mask')} {'hold' if several else 'holds'} background alone",
                found=examples(empty),
                fix="nothing, if there is nothing to see in these images; otherwise look at them",
            )
        )
    absent = np.flatnonzero(total.class_counts == 0)
    if absent.size:
        several = absent.size > 1
        notices.append(
            Problem(
                "warn",
                f"{'classes' if several else 'class'} {examples(absent.tolist())} "
                f"{'occur' if several else 'occurs'} in no mask: no pixel can be found to be of it",
                expected="every class of the probabilities in at least one mask",
                found=f"pixels per class: {examples(total.class_counts.tolist(), limit=12)}",
                fix="nothing, if that is so; otherwise check the values of the masks",
            )
        )
    if aside:
        notices.append(
            Problem(
                "warn",
                f"{counted(len(aside), 'image')} can't be read: set aside",
                found=examples(aside.values(), separator="; "),
                fix="replace these files, or go on without these images",
            )
        )
    return notices
