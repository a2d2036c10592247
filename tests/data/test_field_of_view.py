"""The field of view of images drawn with a known disc."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mixednoise.data.decode import decode_image
from mixednoise.data.field_of_view import crop_field_of_view, find_field_of_view

HEIGHT, WIDTH = 600, 800


def fundus(
    centre=(400, 300),
    radius=250,
    *,
    colour=(170, 90, 50),
    border=0.0,
    noise=0.0,
    fading=0.0,
    size=(HEIGHT, WIDTH),
) -> np.ndarray:
    """A disc; ``fading`` darkens it towards the left by that share."""
    height, width = size
    y, x = np.mgrid[:height, :width]
    inside = (x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= radius**2
    light = 1 - fading * np.clip((centre[0] + radius - x) / (2 * radius), 0, 1)
    image = np.where(inside[..., None], np.array(colour) * light[..., None], border)
    image = image + np.random.default_rng(0).normal(0, noise, image.shape)
    return np.clip(image, 0, 255).astype(np.uint8)


def assert_box(image: np.ndarray, expected: tuple[int, int, int, int], tolerance: float = 0.01):
    found = find_field_of_view(image)
    assert all(isinstance(edge, int) for edge in found)
    difference = np.abs(np.subtract(found, expected)).max()
    assert difference <= tolerance * max(image.shape), (found, expected)


@pytest.mark.parametrize(
    "image",
    [
        fundus(),
        fundus(colour=(20, 9, 6)),
        fundus(colour=(60, 30, 20), border=12, noise=3),
        fundus(border=8, noise=6),
        fundus(fading=0.8),
        fundus(colour=(40, 40, 160)),
    ],
    ids=["plain", "dark", "dark and noisy", "noisy", "unevenly lit", "blue"],
)
def test_the_box_around_the_disc(image):
    assert_box(image, (150, 50, 651, 551))


def test_grey_images_work_too():
    assert_box(fundus()[..., 0], (150, 50, 651, 551))


@pytest.mark.parametrize(
    ("centre", "radius", "expected"),
    [
        ((300, 260), 200, (100, 60, 501, 461)),
        ((400, 300), 380, (20, 0, 781, 600)),
        ((400, 450), 260, (140, 190, 661, 600)),
        ((150, 300), 260, (0, 40, 411, 561)),
    ],
    ids=["off centre", "cut above and below", "cut below", "cut on the left"],
)
def test_discs_that_are_off_centre_or_cut(centre, radius, expected):
    assert_box(fundus(centre, radius), expected)


def test_text_dust_and_scratches_in_the_border_are_ignored():
    image = fundus()
    cv2.putText(image, "OD 2024", (5, 590), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    cv2.putText(image, "45 deg", (690, 30), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (255, 255, 255), 2)
    cv2.line(image, (20, 0), (20, 599), (120, 120, 120), 1)
    image[np.random.default_rng(1).random((HEIGHT, WIDTH)) < 0.002] = 255
    assert_box(image, (150, 50, 651, 551))


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((60, 80, 3), np.uint8),
        np.full((60, 80, 3), 255, np.uint8),
        np.full((60, 80, 3), 3, np.uint8),
        np.random.default_rng(0).integers(0, 4, (60, 80, 3), dtype=np.uint8),
        np.random.default_rng(0).integers(90, 200, (60, 80, 3), dtype=np.uint8),
        np.random.default_rng(0).integers(0, 256, (1, 1, 3), dtype=np.uint8),
        np.random.default_rng(0).integers(0, 256, (1, 300, 3), dtype=np.uint8),
        np.random.default_rng(0).integers(0, 256, (500, 2, 3), dtype=np.uint8),
    ],
    ids=["black", "white", "nearly black", "black noise", "no border", "pixel", "row", "column"],
)
def test_the_whole_image_where_there_is_no_disc(image):
    height, width = image.shape[:2]
    assert find_field_of_view(image) == (0, 0, width, height)
    assert crop_field_of_view(image).shape == image.shape


def test_a_lone_bright_spot_is_not_taken_for_the_picture():
    image = np.zeros((400, 400, 3), np.uint8)
    image[200:230, 200:230] = 255
    assert find_field_of_view(image) == (0, 0, 400, 400)


def test_crop_is_the_box():
    image = fundus()
    x0, y0, x1, y1 = find_field_of_view(image)
    np.testing.assert_array_equal(crop_field_of_view(image), image[y0:y1, x0:x1])


def test_scale_does_not_matter():
    large = find_field_of_view(fundus((400, 300), 250, size=(600, 800)))
    small = find_field_of_view(fundus((200, 150), 125, size=(300, 400)))
    assert np.abs(np.array(large) / 2 - np.array(small)).max() <= 2.5


@pytest.mark.real_data
def test_real_fundus_images_keep_their_bright_pixels(real_data):
    for path in sorted((real_data / "eyepacs_eyeq" / "images").iterdir())[:200]:
        image = decode_image(path)
        x0, y0, x1, y1 = find_field_of_view(image)
        outside = image.max(axis=2).copy()
        outside[y0:y1, x0:x1] = 0
        # What is cut off is border: dark, but for a stray pixel or the notch at the rim.
        assert (outside > 60).mean() < 0.005, path
