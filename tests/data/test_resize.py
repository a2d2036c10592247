"""The geometry of fitting an image into a square."""

from __future__ import annotations

import numpy as np
import pytest

from mixednoise.data.resize import prepare_pixels, resize_image
from mixednoise.data.shrink import shrink


def white(height: int, width: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


@pytest.mark.parametrize(
    ("shape", "box"),  # box: top, bottom, left, right of the picture in 32 x 32
    [
        ((64, 64), (0, 32, 0, 32)),
        ((32, 64), (8, 24, 0, 32)),
        ((64, 48), (0, 32, 4, 28)),
        ((10, 20), (8, 24, 0, 32)),
        ((100, 33), (0, 32, 10, 21)),  # 32 * 33 / 100 = 10.56 -> 11 columns, 10 on the left
        ((1000, 1), (0, 32, 15, 16)),
        ((1, 1), (0, 32, 0, 32)),
    ],
)
def test_pad_shows_everything_centred_on_black(shape, box):
    result = resize_image(white(*shape), 32, "pad")
    expected = np.zeros((32, 32, 3), np.uint8)
    top, bottom, left, right = box
    expected[top:bottom, left:right] = 255
    np.testing.assert_array_equal(result, expected)


def test_crop_takes_the_centre_square():
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 30:70] = np.arange(40)[:, None] + 60
    expected = image[:, 30:70].reshape(20, 2, 20, 2, 3).mean(axis=(1, 3))
    result = resize_image(image, 20, "crop")
    assert np.abs(result - expected).max() <= 0.5
    np.testing.assert_array_equal(
        resize_image(image.transpose(1, 0, 2), 20, "crop"), result.transpose(1, 0, 2)
    )


def test_shrinking_averages_over_areas():
    image = np.random.default_rng(0).integers(0, 256, (60, 60, 3), dtype=np.uint8)
    expected = image.reshape(10, 6, 10, 6, 3).mean(axis=(1, 3))
    assert np.abs(resize_image(image, 10) - expected).max() <= 0.5


def test_enlarging_stays_within_the_values_that_are_there():
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, 4:] = 200
    result = resize_image(image, 64)
    assert result.max() == 200
    assert (np.diff(result[0, :, 0].astype(int)) >= 0).all()


def test_the_right_size_is_copied_not_shared():
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    result = resize_image(image, 16)
    np.testing.assert_array_equal(result, image)
    assert not np.shares_memory(result, image)


def test_field_of_view_is_cropped_before_resizing():
    image = np.zeros((100, 200, 3), np.uint8)
    y, x = np.mgrid[:100, :200]
    image[(x - 100) ** 2 + (y - 50) ** 2 <= 40**2] = 180
    kept, cropped = (prepare_pixels(image, 64, crop=crop) for crop in ("none", "field_of_view"))
    assert (kept[32, :, 0] > 0).mean() == pytest.approx(81 / 200, abs=0.05)
    assert (cropped[32, :, 0] > 0).mean() == pytest.approx(1.0, abs=0.05)


def test_shrink_keeps_the_aspect_and_never_enlarges():
    assert shrink(white(100, 40), 50).shape == (50, 20, 3)
    assert shrink(white(1000, 1), 10).shape == (10, 1, 3)
    small = white(8, 10)
    assert shrink(small, 10) is small
