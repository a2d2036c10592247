"""Wrong labels that follow the image: what is easily confused is confused more often.

In the manner of Xia et al. 2020 ("Part-dependent Label Noise") the flip depends on the image's
features; which images flip, and to what, follows the polynomial margin diminishing noise (type I)
of Zhang et al. 2021 ("Learning with Feature-Dependent Label Noise: A Progressive Approach"): with
eta(x) the class probabilities of a simple classifier, the weight of a flip is
(1 - (eta_y - eta_s)^2) / 2, largest where the true class y and the strongest other class s are
equally likely.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import cv2
import numpy as np

from mixednoise.errors import DataError
from mixednoise.noise.labels import (
    FloatArray,
    IntArray,
    check_labels,
    check_rate,
    draw_other,
    one_class_only,
)

#: No image is beyond mistake: the least weight of a flip (the largest is 0.5).
_LEAST_WEIGHT = 0.01
_THUMBNAIL = 6


def instance_dependent(
    labels: np.ndarray[Any, Any],
    features: np.ndarray[Any, Any],
    rate: float,
    num_classes: int,
    rng: np.random.Generator,
) -> IntArray:
    """Wrong labels on ambiguous images first; exactly ``round(rate * N)`` rows are changed.

    Args:
        labels: integer (N,), 0..num_classes-1; not changed.
        features: float (N, d): of a network, or :func:`image_descriptor` of each image.
        rate: share of the rows to change, 0..1.
        num_classes: C; at least two of them must occur.
        rng: source of chance.

    Returns:
        int64 (N,): rows drawn without replacement by their ambiguity; the new class is drawn from
        the classifier's probabilities of the other classes (only classes that occur).

    Raises:
        ConfigError: rate outside [0, 1].
        DataError: labels that are no class codes or of one class; features that are not finite or
            not one row per label.
    """
    given = check_labels(labels, num_classes)
    check_rate(rate)
    x = np.asarray(features, dtype=np.float64)
    if x.ndim != 2 or len(x) != len(given) or x.shape[1] == 0 or not np.isfinite(x).all():
        raise DataError(
            "the features can't be used",
            expected=f"finite numbers, shape ({len(given)}, d)",
            found=f"shape {x.shape}" + ("" if np.isfinite(x).all() else ", not finite"),
            fix="pass one row of features per image",
        )
    count = round(rate * len(given))
    if count == 0:
        return given
    if len(np.unique(given)) < 2:
        raise one_class_only()
    eta = class_probabilities(x, given, num_classes)
    everyone = np.arange(len(given))
    own = eta[everyone, given]
    others = eta.copy()
    others[everyone, given] = 0.0
    weight = np.maximum((1.0 - (own - others.max(axis=1)) ** 2) / 2.0, _LEAST_WEIGHT)
    rows = rng.choice(len(given), size=count, replace=False, p=weight / weight.sum())
    given[rows] = draw_other(others[rows], given[rows], rng)
    return given


def class_probabilities(x: FloatArray, labels: IntArray, num_classes: int) -> FloatArray:
    """eta(x), (N, C), of a linear discriminant with shrunken covariance (Ledoit and Wolf 2004).

    Linear and shrunken, so that it stays unsure where the features do not tell the classes apart;
    classes that do not occur get 0, all others at least 1e-12.
    """
    from sklearn.covariance import ledoit_wolf

    deviation = x.std(axis=0)
    x = (x - x.mean(axis=0))[:, deviation > 1e-12] / deviation[deviation > 1e-12]
    present = np.unique(labels)
    prior = np.bincount(labels, minlength=num_classes)[present] / len(labels)
    eta = np.zeros((len(x), num_classes))
    if x.shape[1] == 0:
        eta[:, present] = prior
        return eta
    means = np.stack([x[labels == c].mean(axis=0) for c in present])
    residuals = x - means[np.searchsorted(present, labels)]
    covariance, _ = ledoit_wolf(residuals, assume_centered=True)
    covariance.flat[:: len(covariance) + 1] += 1e-6
    weights = np.linalg.solve(covariance, means.T)  # (d, classes present)
    scores = x @ weights - 0.5 * np.einsum("cd,dc->c", means, weights) + np.log(prior)
    scores -= scores.max(axis=1, keepdims=True)
    eta[:, present] = np.maximum(np.exp(scores), 1e-12)
    return np.asarray(eta / eta.sum(axis=1, keepdims=True), dtype=np.float64)


def image_descriptor(image: np.ndarray[Any, np.dtype[np.uint8]]) -> np.ndarray[Any, Any]:
    """What an image looks like, for want of a network: float32 (118,).

    A 6 x 6 thumbnail in L*a*b* (108), mean and deviation of each channel (6), and the energy of
    four octaves of detail at 64 px (4).

    Args:
        image: uint8 RGB (H, W, 3).
    """
    small = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB) / 100.0
    thumbnail = cv2.resize(lab, (_THUMBNAIL, _THUMBNAIL), interpolation=cv2.INTER_AREA)
    light = np.ascontiguousarray(lab[:, :, 0])
    octaves = [light, *(cv2.GaussianBlur(light, (0, 0), sigma) for sigma in (1.0, 2.0, 4.0, 8.0))]
    detail = [np.log1p(100.0 * (a - b).std()) for a, b in pairwise(octaves)]
    moments = [*lab.mean(axis=(0, 1)), *lab.std(axis=(0, 1))]
    return np.concatenate([thumbnail.ravel(), moments, detail]).astype(np.float32)
