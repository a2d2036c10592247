"""Views: what they may do to an image, and what they must not."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from mixednoise.data.augment import ViewSettings, mixup, strong_view, views, weak_view
from mixednoise.errors import ConfigError, DataError

OFF = {
    "horizontal_flip": False,
    "vertical_flip": False,
    **{name: 0.0 for name in ViewSettings.model_fields if name.startswith(("weak_", "strong_"))},
}


def only(**knobs: object) -> ViewSettings:
    return ViewSettings(**{**OFF, **knobs})


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def batch(n: int = 6, side: int = 24) -> torch.Tensor:
    return torch.randint(0, 256, (n, 3, side, side), generator=generator(9), dtype=torch.uint8)


VIEWS = pytest.mark.parametrize("view", [weak_view, strong_view])


@VIEWS
@pytest.mark.parametrize("side", [1, 16, 33])
def test_views_are_float32_between_0_and_1(view, side):
    extreme = ViewSettings(
        **{
            name: {"rotation": 180.0, "shear": 45.0, "shift": 0.5}.get(name.split("_")[1], 1.0)
            for name in ViewSettings.model_fields
            if name.startswith(("weak_", "strong_"))
        }
    )
    images = batch(32, side)
    images[0], images[1] = 0, 255
    for settings in (ViewSettings.for_image_size(side), extreme):
        out = view(images, generator(), settings)
        assert out.shape == images.shape
        assert out.dtype == torch.float32
        assert torch.isfinite(out).all()
        assert out.min() >= 0
        assert out.max() <= 1


@VIEWS
def test_with_everything_off_the_image_comes_back(view):
    images = batch()
    expected = images.to(torch.float32) / 255
    torch.testing.assert_close(view(images, generator(), only()), expected, atol=1e-6, rtol=0)


@VIEWS
def test_float_images_give_the_same_view_and_are_not_changed(view):
    images = batch()
    floats = images.to(torch.float32) / 255
    before = floats.clone()
    settings = ViewSettings.for_image_size(64)
    torch.testing.assert_close(
        view(floats, generator(), settings), view(images, generator(), settings), atol=1e-5, rtol=0
    )
    assert torch.equal(floats, before)
    view(floats, generator(), only())
    assert torch.equal(floats, before)


@VIEWS
def test_channels_last_input_gives_the_same_view(view):
    images = batch()
    stored = images.permute(0, 2, 3, 1).contiguous()
    settings = ViewSettings.for_image_size(64)
    torch.testing.assert_close(
        view(stored.permute(0, 3, 1, 2), generator(), settings),
        view(images, generator(), settings),
    )


@VIEWS
def test_the_generator_alone_decides(view):
    images, settings = batch(), ViewSettings()
    torch.manual_seed(1)
    first = view(images, generator(3), settings)
    torch.manual_seed(2)
    assert torch.equal(view(images, generator(3), settings), first)
    assert not torch.equal(view(images, generator(4), settings), first)


@VIEWS
def test_flips_are_exact_per_image_and_stay_off_when_off(view):
    images = batch(64, 8)
    expected = images.to(torch.float32) / 255
    ways = {
        (): expected,
        (-1,): expected.flip(-1),
        (-2,): expected.flip(-2),
        (-2, -1): expected.flip(-2, -1),
    }
    for settings, allowed in (
        (only(horizontal_flip=True), {(), (-1,)}),
        (only(vertical_flip=True), {(), (-2,)}),
        (only(horizontal_flip=True, vertical_flip=True), set(ways)),
    ):
        out = view(images, generator(), settings)
        found = [
            next(way for way, flipped in ways.items() if torch.allclose(out[i], flipped[i]))
            for i in range(len(out))
        ]
        assert set(found) == allowed


def test_a_flip_inside_the_resampling_is_the_same_flip():
    images = batch(16, 12)
    plain = weak_view(images, generator(), only(horizontal_flip=True, vertical_flip=True))
    # a rotation of next to nothing sends everything through grid_sample
    warped = weak_view(
        images, generator(), only(horizontal_flip=True, vertical_flip=True, weak_rotation=1e-5)
    )
    torch.testing.assert_close(warped, plain, atol=1e-4, rtol=0)


def point_image(side: int, row: int, column: int) -> torch.Tensor:
    image = torch.zeros((1, 3, side, side))
    image[:, :, row, column] = 1.0
    return image


def centre_of_light(image: torch.Tensor) -> tuple[float, float]:
    """Row and column of the centre of mass of one (1, 3, S, S) image."""
    light = image[0, 0] / image[0, 0].sum()
    axis = torch.arange(light.shape[0], dtype=torch.float32)
    return float((light.sum(1) * axis).sum()), float((light.sum(0) * axis).sum())


def test_rotation_keeps_the_radius_and_stays_within_the_knob():
    side, radius = 41, 12.0
    angles = []
    for seed in range(30):
        out = weak_view(point_image(side, 20, 32), generator(seed), only(weak_rotation=30.0))
        row, column = centre_of_light(out)
        angles.append(math.degrees(math.atan2(row - 20, column - 20)))
        assert math.hypot(row - 20, column - 20) == pytest.approx(radius, abs=0.35)
    assert max(angles) <= 31
    assert min(angles) >= -31
    assert max(angles) > 15
    assert min(angles) < -15


def test_shift_is_a_share_of_the_side():
    shifts = []
    for seed in range(30):
        out = weak_view(point_image(40, 20, 20), generator(seed), only(weak_shift=0.1))
        row, column = centre_of_light(out)
        shifts += [row - 20, column - 20]
    assert max(map(abs, shifts)) <= 4.01
    assert max(shifts) > 2
    assert min(shifts) < -2


def test_scale_zooms_about_the_centre_both_ways():
    # two points 20 apart: after a zoom by z they are 20 z apart
    image = point_image(41, 20, 10) + point_image(41, 20, 30)
    distances = []
    for seed in range(30):
        out = strong_view(image, generator(seed), only(strong_scale=0.25))[0, 0].sum(0)
        columns = torch.arange(41, dtype=torch.float32)
        left, right = out[:20], out[21:]
        centres = [(half * columns[: len(half)]).sum() / half.sum() for half in (left, right)]
        distances.append(float(centres[1] + 21 - centres[0]))
    assert 16 - 0.7 <= min(distances) < 18.5
    assert 21.5 < max(distances) <= 25 + 0.7


@pytest.mark.parametrize(
    ("padding", "corner"), [("zeros", 0.0), ("border", 1.0), ("reflection", 1.0)]
)
def test_padding_is_what_comes_in_at_the_edge(padding, corner):
    white = torch.ones((8, 3, 16, 16))
    out = weak_view(white, generator(), only(weak_shift=0.5, padding=padding))
    lowest = float(out.amin(dim=(1, 2, 3)).min())
    assert lowest == pytest.approx(corner, abs=1e-5)


def test_brightness_multiplies_by_a_factor_within_the_knob():
    grey = torch.full((200, 3, 4, 4), 0.4)
    factor = weak_view(grey, generator(), only(weak_brightness=0.25))[:, 0, 0, 0] / 0.4
    assert factor.min() >= 1 / 1.25 - 1e-5
    assert factor.max() <= 1.25 + 1e-5
    assert factor.min() < 0.85
    assert factor.max() > 1.18


def test_contrast_turns_about_the_mean_grey():
    image = torch.full((50, 3, 4, 4), 0.3)
    image[:, :, 2:] = 0.5
    out = strong_view(image, generator(), only(strong_contrast=0.5))
    torch.testing.assert_close(out.mean(dim=(1, 2, 3)), torch.full((50,), 0.4))
    spread = (out[:, 0, 3, 0] - out[:, 0, 0, 0]) / 0.2
    assert spread.min() >= 1 / 1.5 - 1e-4
    assert spread.max() <= 1.5 + 1e-4
    assert spread.std() > 0.1


def test_grey_images_keep_their_luma_and_lose_their_colour():
    images = batch(4, 6).to(torch.float32) / 255
    out = strong_view(images, generator(), only(strong_grey=1.0))
    luma = 0.299 * images[:, 0] + 0.587 * images[:, 1] + 0.114 * images[:, 2]
    for channel in range(3):
        torch.testing.assert_close(out[:, channel], luma)


def test_grey_stays_grey_with_channel_gain_and_happens_to_its_share():
    images = batch(400, 4)
    out = strong_view(images, generator(), only(strong_grey=0.25, strong_channel_gain=0.2))
    grey = ((out[:, 0] - out[:, 1]).abs() + (out[:, 1] - out[:, 2]).abs()).amax(dim=(1, 2)) < 1e-5
    assert 0.17 < grey.float().mean() < 0.33


def test_saturation_keeps_luma_and_moves_colour_from_or_to_grey():
    images = torch.tensor([0.6, 0.4, 0.2]).view(1, 3, 1, 1).expand(60, 3, 5, 5)
    out = strong_view(images, generator(), only(strong_saturation=0.3))[:, :, 0, 0]
    weights = torch.tensor([0.299, 0.587, 0.114])
    luma = float((weights * torch.tensor([0.6, 0.4, 0.2])).sum())
    torch.testing.assert_close(out @ weights, torch.full((60,), luma))
    factor = (out[:, 0] - luma) / (0.6 - luma)
    assert factor.min() < 0.9
    assert factor.max() > 1.1


def test_cut_out_hides_one_square_of_at_most_its_share_under_the_mean():
    images = batch(100, 20).to(torch.float32) / 255
    out = strong_view(images, generator(), only(strong_cutout=0.5))
    mean = images.mean(dim=(2, 3))
    sides = []
    for before, after, colour in zip(images, out, mean, strict=True):
        hidden = ((after - before).abs().amax(0) > 1e-6).numpy()
        rows, columns = np.flatnonzero(hidden.any(1)), np.flatnonzero(hidden.any(0))
        if not len(rows):
            continue
        assert hidden[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].all()
        torch.testing.assert_close(after[:, rows[0], columns[0]], colour)
        sides.append(max(len(rows), len(columns)))
    assert max(sides) <= 10
    assert max(sides) >= 8


def test_switching_one_knob_off_leaves_the_others_draws_alone():
    images = batch()
    flips_only = weak_view(images, generator(), only(horizontal_flip=True))
    both = weak_view(images, generator(), only(horizontal_flip=True, weak_brightness=0.2))
    ratio = (both / flips_only.clamp_min(1e-6)).flatten(1)
    usable = (flips_only.flatten(1) > 0.1) & (both.flatten(1) < 0.999)
    for row, mask in zip(ratio, usable, strict=True):
        assert float(row[mask].std()) < 1e-4


def test_views_gives_independent_views_in_order():
    images, settings = batch(), ViewSettings()
    source = generator(5)
    expected = [weak_view(images, source, settings) for _ in range(3)]
    out = views(images, generator(5), settings, 3)
    assert out.shape == (3, *images.shape)
    assert torch.equal(out, torch.stack(expected))
    assert not torch.equal(out[0], out[1])
    assert torch.equal(
        views(images, generator(5), settings, 1, "strong")[0],
        strong_view(images, generator(5), settings),
    )


@pytest.mark.parametrize(
    "images",
    [
        torch.zeros((3, 8, 8), dtype=torch.uint8),
        torch.zeros((2, 1, 8, 8), dtype=torch.uint8),
        torch.zeros((2, 8, 8, 3), dtype=torch.uint8),
        torch.zeros((2, 3, 8, 9), dtype=torch.uint8),
        torch.zeros((2, 3, 8, 8), dtype=torch.int64),
    ],
)
def test_what_is_no_batch_of_square_rgb_images_is_refused(images):
    with pytest.raises(DataError, match=r"\(B, 3, S, S\)"):
        weak_view(images, generator(), ViewSettings())


def test_strength_follows_the_image_size():
    small, middle, large = (ViewSettings.for_image_size(size) for size in (28, 79, 224))
    for name in ViewSettings.model_fields:
        if name.startswith(("weak_", "strong_")):
            a, b, c = (getattr(settings, name) for settings in (small, middle, large))
            assert 0 < a < b < c, name
            # 79 px lies half-way between 28 and 224 on the log scale: sqrt(28 * 224) = 79.2
            assert b == pytest.approx((a + c) / 2, rel=0.01)
    assert ViewSettings.for_image_size(16) == small
    assert ViewSettings.for_image_size(512) == large


def test_strong_views_of_48_px_stay_below_what_was_measured_as_too_strong():
    settings = ViewSettings.for_image_size(48)
    assert settings.strong_scale < 0.15
    assert settings.strong_cutout < 0.2
    assert settings.strong_brightness < 0.15


def test_knobs_can_be_set_by_hand_and_the_rest_follows_the_size():
    settings = ViewSettings.for_image_size(128, horizontal_flip=False, strong_scale=0.0)
    assert not settings.horizontal_flip
    assert settings.strong_scale == 0
    assert settings.strong_shear == ViewSettings.for_image_size(128).strong_shear
    by_hand = ViewSettings(horizontal_flip=False, strong_scale=0.0)
    assert by_hand.fitted_to(128) == settings


def test_wrong_settings_are_refused_in_one_message():
    with pytest.raises(ConfigError) as caught:
        ViewSettings.for_image_size(64, weak_rotation=200, strong_grey=-1)
    assert "weak_rotation" in str(caught.value)
    assert "strong_grey" in str(caught.value)
    with pytest.raises(ConfigError, match="hflip"):
        ViewSettings.for_image_size(64, hflip=True)
    with pytest.raises(ConfigError, match="image size"):
        ViewSettings.for_image_size(0)
    with pytest.raises(ValidationError):
        ViewSettings(strong_shift=0.6)
    with pytest.raises(ValidationError):
        ViewSettings(weak_brightness=float("nan"))


def test_mixup_keeps_the_main_content_and_mixes_within_the_batch() -> None:
    images = torch.eye(6)[:, :, None, None].expand(6, 6, 2, 2)[:, :3].contiguous()
    images = torch.cat([images, 1 - images])  # 12 images that are all different
    for seed in range(20):
        mixed = mixup(images, generator(seed), 5.0)
        difference = (mixed - images).abs().amax(dim=(1, 2, 3))
        assert (difference <= 0.5 + 1e-6).all()
        # each row is lam of itself and 1 - lam of one other row, with one lam for the batch
        mean = mixed.mean(dim=0)
        torch.testing.assert_close(mean, images.mean(dim=0))
    assert torch.equal(mixup(images, generator(3), 5.0), mixup(images, generator(3), 5.0))


def test_the_share_that_mixup_leaves_is_that_of_the_distribution() -> None:
    """E max(lam, 1 - lam) for Beta(5, 1): the integral by hand is 0.8385."""
    images = torch.stack([torch.zeros(3, 2, 2), torch.ones(3, 2, 2)])
    shares = []
    for seed in range(3000):
        mixed = mixup(images, generator(seed), 5.0)
        if mixed[0].max() > 0:  # the partner was the other image
            shares.append(1 - float(mixed[0, 0, 0, 0]))
    by_hand = 5 / 6 * (1 - 0.5**6) + (0.5**5 - 5 / 6 * 0.5**6)  # below one half turned round
    assert np.mean(shares) == pytest.approx(by_hand, abs=0.006)
