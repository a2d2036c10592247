"""The mixed noise of QMix's protocol: wrong labels on readable images, any on unreadable ones.

Which rows are what, and the label that each one gets; the pixels are degraded by
:mod:`mixednoise.noise.images`. For the training split only.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np

from mixednoise.errors import ConfigError
from mixednoise.noise.instance import instance_dependent
from mixednoise.noise.labels import (
    IntArray,
    by_class_map,
    by_frequency,
    check_labels,
    check_rate,
    symmetric,
)

LabelNoise = Literal["symmetric", "frequency", "class_map", "instance"]
#: Kinds of wrong labels on readable images.
LABEL_NOISES: tuple[LabelNoise, ...] = get_args(LabelNoise)


@dataclass(frozen=True)
class MixedNoise:
    """Labels with noise, and the truth.

    Attributes:
        given_label: int64 (N,), what training sees.
        true_label: int64 (N,), what was passed in.
        noise_group: str (N,): ``correct``, ``mis_h`` or ``mis_l``.
    """

    given_label: IntArray
    true_label: IntArray
    noise_group: np.ndarray[Any, np.dtype[np.object_]]


def mixed_noise(
    labels: np.ndarray[Any, Any],
    rng: np.random.Generator,
    *,
    mis_h: float,
    mis_l: float,
    kind: LabelNoise,
    num_classes: int,
    class_map: Mapping[int, int] | None = None,
    features: np.ndarray[Any, Any] | None = None,
) -> MixedNoise:
    """Choose disjoint ``mis_h`` and ``mis_l`` rows and give them their labels.

    ``mis_h``: ``round(mis_h * N)`` rows get another class, never their own (with ``class_map``:
    that share of each mapped class). ``mis_l``: ``round(mis_l * N)`` of the remaining rows, chosen
    at random, get a label drawn uniformly from **all** classes, so that one in C is right by
    chance; they are ``mis_l`` nevertheless, because nobody could tell from the image.

    Args:
        labels: true labels, integer (N,), 0..num_classes-1.
        rng: source of chance.
        mis_h: share of wrong labels on readable images, 0..1.
        mis_l: share of unreadable images, 0..1; ``mis_h + mis_l <= 1``.
        kind: how the ``mis_h`` labels are drawn.
        num_classes: C.
        class_map: for ``kind="class_map"``: class code -> the code that it is mistaken for.
        features: for ``kind="instance"``: float (N, d).

    Raises:
        ConfigError: rates out of range or adding up to more than 1, an unknown kind, a class map
            or features missing, or a class map with another kind.
        DataError: labels or features that can't be used.
    """
    true = check_labels(labels, num_classes)
    check_options(mis_h, mis_l, kind, class_map)
    if kind == "instance" and features is None:
        raise ConfigError(
            "instance-dependent noise needs features of the images",
            expected="features, one row per label",
            found="none",
            fix="pass features=, for example image_descriptor of each image",
        )
    if kind == "symmetric":
        given = symmetric(true, mis_h, num_classes, rng)
    elif kind == "frequency":
        given = by_frequency(true, mis_h, num_classes, rng)
    elif kind == "class_map":
        given = by_class_map(true, mis_h, class_map or {}, rng, num_classes)
    else:
        given = instance_dependent(true, np.asarray(features), mis_h, num_classes, rng)
    group = np.full(len(true), "correct", dtype=object)
    group[given != true] = "mis_h"
    free = np.flatnonzero(given == true)
    # Two halves may both be rounded up: the last row can be spoilt only once.
    count = min(round(mis_l * len(true)), len(free))
    rows = rng.choice(free, size=count, replace=False)
    given[rows] = rng.integers(0, num_classes, size=count)
    group[rows] = "mis_l"
    return MixedNoise(given, true, group)


def check_options(
    mis_h: float, mis_l: float, kind: str, class_map: Mapping[Any, Any] | None
) -> None:
    """Refuse options that contradict each other, before any work is done.

    Raises:
        ConfigError: see :func:`mixed_noise`.
    """
    check_rate(mis_h)
    check_rate(mis_l)
    if mis_h + mis_l > 1.0 + 1e-9:
        raise ConfigError(
            "more noise than images",
            expected="mis_h + mis_l of at most 1: an image is in one group only",
            found=f"{mis_h} + {mis_l} = {mis_h + mis_l:g}",
            fix="lower --mis-h or --mis-l",
        )
    if kind not in LABEL_NOISES:
        raise ConfigError(
            f"there is no label noise {kind!r}",
            expected=", ".join(LABEL_NOISES),
            found=repr(kind),
            fix="choose one of these with --kind",
        )
    if kind == "class_map" and not class_map:
        raise ConfigError(
            "noise by class map needs the map",
            expected="at least one pair, such as mel=nv",
            found="none",
            fix="pass --class-map FROM=TO for each class that is mistaken for another one",
        )
    if kind != "class_map" and class_map:
        raise ConfigError(
            f"a class map does not go with the noise {kind!r}",
            expected="--kind class_map, or no class map",
            found=", ".join(f"{a}={b}" for a, b in class_map.items()),
            fix="pass --kind class_map, or leave --class-map out",
        )
