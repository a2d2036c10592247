"""What is wrong with the pictures themselves, whatever their labels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixednoise.audit.report.galleries import MOST_POOR, Gallery
from mixednoise.audit.report.pictures import Pictures
from mixednoise.audit.report.verdicts import UNREADABLE, WRONG, Verdicts
from mixednoise.audit.report.words import POOR
from mixednoise.data.report import counted
from mixednoise.evaluation.ranking import divide
from mixednoise.pages.histogram import histogram, median
from mixednoise.pages.numbers import share
from mixednoise.quality.scores import FAULTS

#: How the reason of a file that could not be opened begins.
_BROKEN = "can't be read"


@dataclass(frozen=True)
class Fault:
    """One reason against a picture: images, as a share of all, and of the most frequent one."""

    name: str
    count: int
    share: float
    width: float


@dataclass(frozen=True)
class ClassQuality:
    """Quality of the pictures of one given class."""

    name: str
    images: int
    median: float
    poor: int
    share: float


@dataclass(frozen=True)
class ImageQualityPart:
    """The section.

    Attributes:
        bars: distribution of the quality.
        sentence: how many are poor.
        faults: the most frequent first.
        classes: per given class; empty where there is one class, or none is poor.
        gallery: the worst pictures.
    """

    bars: dict[str, Any]
    sentence: str
    faults: list[Fault]
    classes: list[ClassQuality]
    gallery: Gallery


def image_quality_part(verdicts: Verdicts, pictures: Pictures) -> ImageQualityPart | None:
    """Distribution, faults, classes, worst images; None where no quality was measured."""
    quality = verdicts.image_quality
    bars = histogram(quality)
    if bars is None:
        return None
    known = ~np.isnan(quality)
    poor = known & (np.nan_to_num(quality, nan=1.0) < POOR)
    suspect = (verdicts.state == WRONG) | (verdicts.state == UNREADABLE)
    sentence = (
        f"{int(poor.sum()):,} of {counted(int(known.sum()), 'image')} "
        f"({share(float(poor.sum() / known.sum()))}) have a quality below {POOR}."
    )
    if (poor & suspect).any():
        also = int((poor & suspect).sum())
        sentence += f" {also:,} of these {'is' if also == 1 else 'are'} among the labels in doubt."
    rows = np.flatnonzero(poor)
    worst = rows[np.argsort(quality[rows], kind="stable")]
    gallery = Gallery(
        "poor",
        "The worst pictures",
        "The lowest image quality first. These scores come from fixed formulas on the pixels; the "
        "labels played no part.",
        [int(row) for row in worst[:MOST_POOR]],
        len(worst),
        verdicts,
        pictures,
    )
    return ImageQualityPart(bars, sentence, _faults(verdicts), _classes(verdicts), gallery)


def _faults(verdicts: Verdicts) -> list[Fault]:
    """How many images have each fault."""
    counts: Counter[str] = Counter()
    for reasons in verdicts.reasons:
        found = {reason for reason in reasons if reason in FAULTS}
        found |= {"file damaged" for reason in reasons if reason.startswith(_BROKEN)}
        counts.update(found)
    most = max(counts.values(), default=1)
    return [
        Fault(name, count, count / len(verdicts), 100 * count / most)
        for name, count in counts.most_common()
    ]


def _classes(verdicts: Verdicts) -> list[ClassQuality]:
    """Per given class: what is called poor more often in one class may be its disease."""
    quality = verdicts.image_quality
    rows = []
    for code, name in enumerate(verdicts.classes):
        mine = quality[(verdicts.given == code) & ~np.isnan(quality)]
        if len(mine):
            poor = int((mine < POOR).sum())
            part = float(divide(poor, len(mine)))
            rows.append(ClassQuality(name, len(mine), median(mine), poor, part))
    return rows if len(rows) > 1 and any(row.poor for row in rows) else []
