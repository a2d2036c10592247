"""Windows and their augmentation: an image and its maps must never come apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy import ndimage

from mixednoise.errors import DataError
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.views import PatchSettings, augment, patch_batch

OFF: dict[str, Any] = {
    "flip": "none",
    "rotation": 0,
    "scale": 0,
    "brightness": 0,
    "contrast": 0,
    "foreground": 0,
}


def only(**knobs: Any) -> PatchSettings:
    return PatchSettings(**{**OFF, **knobs})


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def cases(*sizes: tuple[int, ...], channels: int = 2) -> tuple[list[Any], dict[str, list[Any]]]:
    """Images whose first channel is a map too, so that a shift of either is seen."""
    masks = [rng(i).integers(0, 5, size, dtype=np.uint8) for i, size in enumerate(sizes)]
    images = [np.stack([mask * 50] * channels) for mask in masks]
    maps = {
        "mask": masks,
        "flagged": [mask > 2 for mask in masks],
        "p": [np.stack([mask / 4, 1 - mask / 4]).astype(np.float32) for mask in masks],
    }
    return images, maps


@pytest.mark.parametrize("size", [(7, 5), (4, 3, 6)])
def test_one_window_is_cut_from_the_image_and_every_map(size: tuple[int, ...]) -> None:
    shapes = [tuple(side + extra for side in size) for extra in (0, 4, 9)]
    images, maps = cases(*shapes)
    x, cut = patch_batch(images, maps, [0, 1, 2, 2, 1], size, rng())
    assert x.shape == (5, 2, *size)
    assert x.dtype == torch.uint8
    assert cut["mask"].shape == (5, *size)
    assert cut["p"].shape == (5, 2, *size)
    assert cut["flagged"].dtype == torch.bool
    assert torch.equal(x[:, 0], cut["mask"] * 50)
    assert torch.equal(cut["flagged"], cut["mask"] > 2)
    torch.testing.assert_close(cut["p"][:, 0], cut["mask"].float() / 4)
    assert torch.equal(cut["mask"][0], torch.from_numpy(maps["mask"][0]))
    assert not torch.equal(cut["mask"][2], cut["mask"][3])  # two windows of one image


def test_windows_reach_every_corner_and_are_drawn_anew() -> None:
    mask = np.arange(30, dtype=np.uint8).reshape(5, 6)
    _, cut = patch_batch([mask[None]], {"mask": [mask]}, [0] * 400, (3, 3), rng(), only())
    firsts, counts = np.unique(cut["mask"][:, 0, 0], return_counts=True)
    assert firsts.tolist() == [y * 6 + x for y in range(3) for x in range(4)]
    assert counts.min() > 400 / 12 / 2


def test_the_same_state_gives_the_same_windows_whatever_the_masks_hold() -> None:
    images, maps = cases((20, 20), (16, 24), channels=1)
    empty = {"mask": [np.zeros_like(mask) for mask in maps["mask"]]}
    first, _ = patch_batch(images, maps, [0, 1, 0], (8, 8), rng(3), only(foreground=0.5))
    again, _ = patch_batch(images, maps, [0, 1, 0], (8, 8), rng(3), only(foreground=0.5))
    assert torch.equal(first, again)
    plain, _ = patch_batch(images, maps, [0, 1, 0], (8, 8), rng(3), only())
    unlabelled, _ = patch_batch(images, empty, [0, 1, 0], (8, 8), rng(3), only(foreground=1))
    assert torch.equal(plain, unlabelled)


def test_small_images_are_centred_and_nothing_is_learned_beyond_them() -> None:
    images, maps = cases((3, 10))
    beyond = [0, 4, 5]
    for padding, expected in (
        ("edge", images[0][0, [0, 2, 2]]),
        ("zeros", np.zeros((3, 10), np.uint8)),
    ):
        x, cut = patch_batch(images, maps, [0], (6, 10), rng(), only(padding=padding))
        assert torch.equal(x[0, 0, 1:4], torch.from_numpy(images[0][0]))
        assert torch.equal(cut["mask"][0, 1:4], torch.from_numpy(maps["mask"][0]))
        assert torch.equal(x[0, 0, beyond], torch.from_numpy(expected))
        assert torch.all(cut["mask"][0, beyond] == IGNORE)
        assert not cut["flagged"][0, beyond].any()
        assert torch.all(cut["p"][0, :, beyond] == 0)


def test_small_structures_are_seen_when_windows_are_put_around_them() -> None:
    mask = np.ones((64, 64), np.uint8)
    mask[:, :32] = IGNORE
    mask[50, 60] = 2
    image = [mask[None].astype(np.float32)]
    _, plain = patch_batch(image, {"mask": [mask]}, [0] * 200, (8, 8), rng(), only())
    _, around = patch_batch(image, {"mask": [mask]}, [0] * 200, (8, 8), rng(), only(foreground=1))
    assert (plain["mask"] == 2).any(dim=(1, 2)).float().mean() < 0.05
    assert 0.4 < (around["mask"] == 2).any(dim=(1, 2)).float().mean() < 0.65  # one class of two
    assert (around["mask"] != IGNORE).any(dim=(1, 2)).all()
    found = (around["mask"] == 2).nonzero()
    assert len(torch.unique(found[:, 1])) > 4  # anywhere in the window, not its middle alone


def test_images_come_from_functions_too_and_other_dtypes_become_float() -> None:
    images, maps = cases((8, 8), (8, 8))
    sixteen_bit = [image.astype(np.int16) - 1000 for image in images]
    x, cut = patch_batch(
        sixteen_bit.__getitem__, {"mask": maps["mask"].__getitem__}, np.array([1]), (8, 8), rng()
    )
    assert x.dtype == torch.float32
    torch.testing.assert_close(x[0, 0], cut["mask"][0].float() * 50 - 1000)


def test_a_mask_of_another_size_is_refused() -> None:
    images, maps = cases((8, 8), (8, 9))
    with pytest.raises(DataError, match=r"image 1(.|\n)*mask \(8, 8\)"):
        patch_batch(images, {"mask": [maps["mask"][0]] * 2}, [0, 1], (4, 4), rng())
    with pytest.raises(DataError, match="3 dimensions"):
        patch_batch(images, maps, [0], (4, 4, 4), rng())


def blobs(shape: tuple[int, ...], count: int = 6) -> torch.Tensor:
    """Smooth structures of 0 and 1 which touch the border, (count, *shape)."""
    noise = [ndimage.gaussian_filter(rng(i).normal(size=shape), 3) > 0 for i in range(count)]
    return torch.from_numpy(np.stack(noise).astype(np.uint8))


@pytest.mark.parametrize("shape", [(32, 48), (3, 32, 24)])
def test_every_map_moves_with_its_image(shape: tuple[int, ...]) -> None:
    mask = blobs(shape)
    images = mask[:, None].float()
    p = torch.stack([1 - images[:, 0], images[:, 0]], dim=1)
    settings = only(flip="all", rotation=40, scale=0.3, padding="zeros")
    x, maps = augment(images, {"mask": mask, "flagged": mask == 1, "p": p}, settings, generator())
    moved = maps["mask"]
    assert x.shape == images.shape
    assert moved.dtype == torch.uint8
    assert maps["flagged"].dtype == torch.bool
    inside = moved != IGNORE
    assert inside.float().mean() > 0.6
    assert torch.equal(maps["flagged"], moved == 1)
    assert torch.equal(maps["p"].sum(dim=1), inside.float())
    assert torch.equal(maps["p"][:, 1], (moved == 1).float())
    # Bilinear and nearest differ along edges only.
    wrong = (x[:, 0] > 0.5) != (moved == 1)
    assert wrong[inside].float().mean() < 0.03
    assert (moved != mask).float().mean() > 0.2  # and something did move


@pytest.mark.parametrize(
    ("flip", "ways"),
    [("none", [()]), ("horizontal", [(), (-1,)]), ("both", [(), (-1,), (-2,), (-1, -2)])],
)
def test_flips_are_exact_and_every_way_is_as_likely(flip: str, ways: list[tuple[int, ...]]) -> None:
    images, mask = torch.rand(200, 1, 4, 5), torch.randint(0, 9, (200, 4, 5), dtype=torch.uint8)
    x, maps = augment(images, {"mask": mask}, only(flip=flip), generator())
    counts = []
    for axes in ways:
        chosen = (x == images.flip(axes)).all(dim=(1, 2, 3))
        assert torch.equal(maps["mask"][chosen], mask.flip(axes)[chosen])
        counts.append(int(chosen.sum()))
    assert sum(counts) == 200
    assert min(counts) > 0.6 * 200 / len(ways)


def test_the_slices_of_volumes_are_flipped_where_asked() -> None:
    volume = torch.rand(64, 1, 4, 3, 2)
    x, _ = augment(volume, {}, only(flip="both"), generator())
    torch.testing.assert_close(x.sum(dim=(3, 4)), volume.sum(dim=(3, 4)))
    x, _ = augment(volume, {}, only(flip="all"), generator())
    swapped = ~torch.isclose(x.sum(dim=(3, 4)), volume.sum(dim=(3, 4))).all(dim=(1, 2))
    assert 16 < swapped.sum() < 48


def test_windows_that_are_not_square_are_turned_without_being_sheared() -> None:
    y, x = np.mgrid[:40, :80]
    disc = (y - 19.5) ** 2 + (x - 39.5) ** 2 <= 12**2
    mask = torch.from_numpy(disc.astype(np.uint8)).expand(8, -1, -1)
    _, maps = augment(mask[:, None], {"mask": mask}, only(rotation=90), generator(1))
    assert ((maps["mask"] == 1) != (mask == 1)).float().mean() < 0.01


def test_a_rotation_is_scipys_by_the_same_angle() -> None:
    y, x = np.mgrid[:40, :80]
    bar = ((abs(y - 19.5) < 2) & (abs(x - 39.5) < 15)).astype(np.float32)
    images = torch.from_numpy(bar).expand(8, 1, -1, -1)
    turned, _ = augment(images, {}, only(rotation=80), generator(1))
    angles = []
    for after in turned[:, 0].numpy():
        (yy, yx), (_, xx) = np.cov(np.nonzero(after > 0.5))  # of the bar's own axis
        angles.append(np.degrees(0.5 * np.arctan2(2 * yx, xx - yy)))
        reference = ndimage.rotate(bar, -angles[-1], reshape=False, order=1)
        assert ((reference > 0.5) != (after > 0.5)).mean() < 0.01
    assert 40 < np.ptp(angles) < 160


def test_scale_enlarges_and_shrinks() -> None:
    y, x = np.mgrid[:64, :64]
    disc = torch.from_numpy(((y - 31.5) ** 2 + (x - 31.5) ** 2 <= 100).astype(np.uint8))
    mask = disc.expand(50, 64, 64)
    _, maps = augment(mask[:, None], {"mask": mask}, only(scale=0.5), generator())
    radius = ((maps["mask"] == 1).sum(dim=(1, 2)) / torch.pi).sqrt() / 10
    assert 1 / 1.55 < radius.min() < 0.75
    assert 1.35 < radius.max() < 1.55


def test_brightness_and_contrast_are_the_same_in_any_unit() -> None:
    images = torch.rand(40, 2, 16, 16)
    settings = only(brightness=0.5, contrast=0.5)
    x, _ = augment(images, {}, settings, generator())
    hounsfield, _ = augment(images * 3000 - 1000, {}, settings, generator())
    torch.testing.assert_close(hounsfield, x * 3000 - 1000, rtol=1e-4, atol=0.5)
    over = (1, 2, 3)
    contrast = x.std(dim=over) / images.std(dim=over)
    shift = (x.mean(dim=over) - images.mean(dim=over)) / images.std(dim=over)
    assert 1 / 1.51 < contrast.min() < 0.8
    assert 1.25 < contrast.max() < 1.51
    assert -0.51 < shift.min() < -0.3
    assert 0.3 < shift.max() < 0.51
    constant = torch.full((3, 1, 8, 8), 7.0)
    torch.testing.assert_close(augment(constant, {}, settings, generator())[0], constant)


def test_off_is_off_and_inputs_are_never_changed() -> None:
    images = torch.randint(0, 256, (8, 1, 16, 16), dtype=torch.uint8)
    mask = images[:, 0] // 100
    before = images.clone(), mask.clone()
    for settings in (only(), PatchSettings(augment=False)):
        x, maps = augment(images, {"mask": mask}, settings, generator())
        assert torch.equal(x, images.float())
        assert torch.equal(maps["mask"], mask)
    floats = images.float()
    augment(floats, {"mask": mask}, PatchSettings(flip="both", rotation=180), generator())
    augment(images, {"mask": mask}, PatchSettings(flip="both"), generator())
    assert torch.equal(images, before[0])
    assert torch.equal(floats, before[0].float())
    assert torch.equal(mask, before[1])


def test_one_knob_does_not_change_what_the_others_draw() -> None:
    images = torch.rand(16, 1, 8, 8)
    flipped, _ = augment(images, {}, only(flip="horizontal"), generator(5))
    brighter, _ = augment(images, {}, only(flip="horizontal", brightness=1), generator(5))
    shift = brighter - flipped
    torch.testing.assert_close(shift, shift[:, :, :1, :1].expand_as(shift), rtol=0, atol=1e-5)
    again, _ = augment(images, {}, only(flip="horizontal"), generator(5))
    assert torch.equal(flipped, again)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(DataError, match="augmented together"):
        augment(
            torch.rand(2, 1, 8, 8), {"mask": torch.zeros(2, 8, 9)}, PatchSettings(), generator()
        )
    with pytest.raises(DataError, match="augmented together"):
        augment(torch.rand(2, 8, 8), {}, PatchSettings(), generator())
    for wrong in ({"rotation": 200}, {"flip": "vertical"}, {"zoom": 1}):
        with pytest.raises(ValidationError):
            PatchSettings(**wrong)
    with pytest.raises(ValidationError):
        PatchSettings().rotation = 3
