"""Images degraded on purpose: pure functions of (image, severity, random generator).

The three factors are those of Shen, Fu, Shen and Shao, "Modeling and Enhancing Low-quality Retinal
Fundus Images" (IEEE TMI 2021, cofe-Net): light transmission disturbance (here ``uneven_light`` and
``haze``), image blurring (``blur``, with ``sensor_noise``) and retinal artefacts (``spots``). Their
parameters are scaled by one severity:

- severity 0 gives the image back, bit by bit; 1 leaves no disease to be read;
- the random numbers that are drawn do not depend on the severity, so that with the same generator
  state more severity means more of the *same* damage;
- sizes are shares of the shorter side: the same severity takes the same share of the detail from a
  28 px and from a 4,000 px image.
"""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from mixednoise.data.rgb import must_be_rgb
from mixednoise.errors import ConfigError
from mixednoise.noise.fields import (
    FloatArray,
    blob,
    blur,
    coordinates,
    grid_shape,
    inside_field_of_view,
    resize,
)

ImageArray = np.ndarray[Any, np.dtype[np.uint8]]
Degradation = Literal["uneven_light", "blur", "spots", "haze", "sensor_noise"]

#: The kinds in the order in which light meets them on its way: lamp, media, lens, dust, sensor.
DEGRADATIONS: tuple[Degradation, ...] = get_args(Degradation)
_LIGHT_PATH: tuple[Degradation, ...] = ("uneven_light", "haze", "blur", "spots", "sensor_noise")

#: Standard deviation of the full blur, as a share of the shorter side.
_FULL_BLUR = 0.10
#: Grain: cells along the shorter side of each octave, and grey values per octave at full severity
#: in white areas.
_GRAIN_CELLS, _GRAIN = (64, 32, 16, 8), 45.0


def degrade(
    image: ImageArray, kind: Degradation, severity: float, rng: np.random.Generator
) -> ImageArray:
    """Damage an image in one way.

    Args:
        image: uint8 RGB (H, W, 3), any size; not changed.
        kind: one of :data:`DEGRADATIONS`.
        severity: 0 (unchanged) to 1 (unreadable).
        rng: source of place, shape and colour of the damage.

    Returns:
        A new uint8 image (H, W, 3).

    Raises:
        ConfigError: unknown kind, or a severity outside [0, 1].
        DataError: not a uint8 RGB image.
    """
    _check(image, severity)
    if kind not in DEGRADATIONS:
        raise ConfigError(
            f"there is no degradation {kind!r}",
            expected=", ".join(DEGRADATIONS),
            found=repr(kind),
            fix="choose one of these",
        )
    inside = inside_field_of_view(image)
    damaged = _FUNCTIONS[kind](image.astype(np.float32), inside, float(severity), rng)
    return _to_uint8(damaged) if severity > 0 else image.copy()


def degrade_randomly(image: ImageArray, severity: float, rng: np.random.Generator) -> ImageArray:
    """Damage an image by a random combination of the kinds, as cofe-Net's model does.

    Blur is always among them (it takes the detail that a disease is read from), with two or three
    of the others; each has its own strength between 0.7 and 1 of ``severity``.

    Arguments, result and errors as for :func:`degrade`.
    """
    _check(image, severity)
    others = [kind for kind in _LIGHT_PATH if kind != "blur"]
    chosen = set(rng.choice(others, size=rng.integers(2, 4), replace=False).tolist()) | {"blur"}
    damaged, inside = image.astype(np.float32), inside_field_of_view(image)
    for kind in _LIGHT_PATH:
        strength = float(severity * rng.uniform(0.7, 1.0))
        if kind in chosen:
            damaged = _FUNCTIONS[kind](damaged, inside, strength, rng)
        if kind == "blur":
            # What lies on the lens follows the softened outline; the sharp one would shine through.
            inside = blur(inside[:, :, 0], _blur_sigma(strength, inside))[:, :, None]
    return _to_uint8(damaged) if severity > 0 else image.copy()


def _check(image: ImageArray, severity: float) -> None:
    check_severity(severity)
    must_be_rgb(image, "that can be degraded")


def check_severity(severity: float) -> None:
    """Refuse a severity outside [0, 1].

    Raises:
        ConfigError: below 0, above 1 or not a number.
    """
    if not 0.0 <= severity <= 1.0:
        raise ConfigError(
            "severity is out of range",
            expected="0 (images unchanged) to 1 (unreadable)",
            found=repr(severity),
            fix="pass a --severity between 0 and 1, for example 0.9",
        )


def _to_uint8(image: FloatArray) -> ImageArray:
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _uneven_light(
    image: FloatArray, inside: FloatArray, severity: float, rng: np.random.Generator
) -> FloatArray:
    """Too little light in most of the image, too much in one place, and a colour cast."""
    height, width = image.shape[:2]
    y, x, tall, wide = coordinates(height, width)
    angle = rng.uniform(0.0, 2.0 * np.pi)
    ramp = 0.5 + ((y - tall / 2) * np.sin(angle) + (x - wide / 2) * np.cos(angle)) / (tall + wide)
    shadow = blob(y, x, (rng.uniform(0, tall), rng.uniform(0, wide)), rng.uniform(0.3, 0.6))
    darkness = np.clip(0.35 + 0.5 * ramp + 0.4 * shadow, 0.0, 1.0).astype(np.float32)
    glare = blob(y, x, (rng.uniform(0, tall), rng.uniform(0, wide)), rng.uniform(0.15, 0.3))
    depth = rng.uniform(3.0, 4.0)  # exp(-3.5) leaves 3 % of the light, some eight grey values
    cast = np.exp(severity * rng.uniform(-0.4, 0.4, size=3)).astype(np.float32)
    light = resize(np.exp(-severity * depth * darkness), height, width)
    lit = image * light[:, :, None] * cast
    overexposed = severity * resize(glare, height, width)[:, :, None] * inside
    return np.asarray(lit + (255.0 - lit) * overexposed, dtype=np.float32)


def _haze(
    image: FloatArray, inside: FloatArray, severity: float, rng: np.random.Generator
) -> FloatArray:
    """Scattered light over a softened image, as through clouded media or a dirty lens."""
    height, width = image.shape[:2]
    y, x, tall, wide = coordinates(height, width)
    gap = blob(y, x, (rng.uniform(0, tall), rng.uniform(0, wide)), rng.uniform(0.2, 0.5))
    air = rng.uniform(110.0, 220.0) * rng.uniform([0.9, 0.85, 0.75], [1.0, 1.0, 1.0])
    cover = resize(0.97 - 0.07 * gap, height, width)[:, :, None] * inside * severity
    softened = blur(image, severity * 0.2 * _FULL_BLUR * min(height, width))
    return np.asarray(softened * (1.0 - cover) + air.astype(np.float32) * cover, dtype=np.float32)


def _blur(
    image: FloatArray, inside: FloatArray, severity: float, rng: np.random.Generator
) -> FloatArray:
    """Out of focus; chance has no part in it.

    Of a 256 px image, severity 0.1 softens vessels and hairs, 0.3 takes small lesions away, 1
    leaves light and shade.
    """
    return blur(image, _blur_sigma(severity, image))


def _blur_sigma(severity: float, image: FloatArray) -> float:
    """Standard deviation in pixels."""
    return float(severity * _FULL_BLUR * min(image.shape[:2]))


def _spots(
    image: FloatArray, inside: FloatArray, severity: float, rng: np.random.Generator
) -> FloatArray:
    """Dust, droplets, lashes and reflexes: soft opaque blobs, dark or bright."""
    height, width = image.shape[:2]
    y, x, tall, wide = coordinates(height, width)
    clear = np.ones((y.shape[0], x.shape[1]), dtype=np.float32)
    paint = np.zeros((y.shape[0], x.shape[1], 3), dtype=np.float32)
    weight = np.full_like(clear, 1e-6)
    for _ in range(round(40 * tall * wide)):
        centre = (rng.uniform(0, tall), rng.uniform(0, wide))
        radius = rng.uniform(0.03, 0.12) * rng.uniform(0.5, 1.0, size=2)
        grey = rng.uniform(170, 250) if rng.random() < 0.5 else rng.uniform(10, 70)
        colour = grey * rng.uniform(0.75, 1.0, size=3).astype(np.float32)
        # The square root lets even light dirt be seen; opacity and extent grow together.
        spread = max(severity, 1e-3) ** 0.5
        opacity = severity * blob(y, x, centre, (radius[0] * spread, radius[1] * spread))
        clear *= 1.0 - opacity
        weight += opacity
        paint += opacity[:, :, None] * colour
    cover = resize(1.0 - clear, height, width)[:, :, None] * inside
    colours = resize(paint / weight[:, :, None], height, width)
    return np.asarray(image * (1.0 - cover) + colours * cover, dtype=np.float32)


def _sensor_noise(
    image: FloatArray, inside: FloatArray, severity: float, rng: np.random.Generator
) -> FloatArray:
    """Grain of a sensor at its limit: stronger where there is light, mostly of brightness.

    Pixel-fine grain vanishes when a large image is made smaller for training; this one has equal
    shares in octaves from 1/64 to 1/8 of the side, whatever the image's size, as the blotches have
    that a camera's own noise filter leaves.
    """
    height, width = image.shape[:2]
    rows, columns = grid_shape(height, width, _GRAIN_CELLS[0])
    grain = np.zeros((rows, columns, 3), dtype=np.float32)
    for cells in _GRAIN_CELLS:
        octave = grid_shape(height, width, cells)
        brightness = rng.standard_normal((*octave, 1), dtype=np.float32)
        colour = rng.standard_normal((*octave, 3), dtype=np.float32)
        grain += resize(brightness + 0.4 * colour, rows, columns)
    light = np.sqrt(np.clip(image, 0.0, 255.0) / 255.0 + 0.02)
    noise = severity * _GRAIN * resize(grain, height, width) * light
    return np.asarray(image + noise, dtype=np.float32)


_FUNCTIONS = {
    "uneven_light": _uneven_light,
    "blur": _blur,
    "spots": _spots,
    "haze": _haze,
    "sensor_noise": _sensor_noise,
}
