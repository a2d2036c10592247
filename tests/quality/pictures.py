"""A picture to measure: a sharp textured disc on black, and what may go wrong with it."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

SIDE = 384
COLOUR = np.array([190.0, 110.0, 60.0])


def disc(seed: int = 0, side: int = SIDE, radius: float = 0.46) -> Pixels:
    """An orange disc with lines and texture of many sizes on black, uint8 (side, side, 3)."""
    rng = np.random.default_rng(seed)
    light = np.zeros((side, side), np.float32)
    for cells in (8, 16, 32, 64):
        texture = rng.standard_normal((cells, cells)).astype(np.float32)
        light += cv2.resize(texture, (side, side), interpolation=cv2.INTER_CUBIC)
    image = COLOUR + 6.0 * light[..., None]
    for _ in range(25):
        points = np.cumsum(rng.normal(0, side / 25, (12, 2)), axis=0) + side * rng.random(2)
        cv2.polylines(image, [points.astype(np.int32)], False, (110, 45, 30), side // 128)
    y, x = np.mgrid[:side, :side] / side - 0.5
    image[np.hypot(x, y) > radius] = 0
    return np.clip(image, 0, 255).astype(np.uint8)


def within(image: Pixels, changed: np.ndarray[Any, Any]) -> Pixels:
    """``changed`` where ``image`` is not black."""
    return np.where(image.max(axis=2, keepdims=True) > 0, np.clip(changed, 0, 255), 0).astype(
        np.uint8
    )


def blurred(image: Pixels, strength: float) -> Pixels:
    """Out of focus, by ``strength`` hundredths of the side."""
    return within(image, cv2.GaussianBlur(image, (0, 0), strength * image.shape[0] / 100))


def darkened(image: Pixels, strength: float) -> Pixels:
    return within(image, image / (1.0 + strength))


def brightened(image: Pixels, strength: float) -> Pixels:
    """A growing part from the top burnt out, three quarters at 8."""
    changed = image.astype(np.float64)
    changed[: int(image.shape[0] * strength * 0.75 / 8)] = 255
    return within(image, changed)


def noisy(image: Pixels, strength: float) -> Pixels:
    grain = np.random.default_rng(1).normal(0, 40 * strength, image.shape)
    return within(image, image + grain)


def flattened(image: Pixels, strength: float) -> Pixels:
    """Low contrast about the same mean."""
    return within(image, COLOUR + (image - COLOUR) / (1.0 + strength))


def shaded(image: Pixels, strength: float) -> Pixels:
    """The left two fifths in shadow."""
    light = np.ones(image.shape[1])
    light[: image.shape[1] * 2 // 5] = 1.0 / (1.0 + strength / 2.0)
    return within(image, image * light[None, :, None])


def tinted(image: Pixels, strength: float) -> Pixels:
    """Less and less red, more and more blue."""
    factor = np.array([1 / (1 + strength), 1.0, 1 + strength])
    return within(image, image * factor)
