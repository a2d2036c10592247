"""Segmentation networks: what they take, what they give, and their files."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from published import efficientnet_b0_shapes, fill
from safetensors import safe_open
from safetensors.torch import save_file
from torch import nn

from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.models import sources
from mixednoise.models.segmenters import (
    SEGMENTERS,
    Normalisation,
    Segmenter,
    build_segmenter,
    check_segmenter,
    image_statistics,
    load_segmenter,
    save_segmenter,
)
from mixednoise.models.unet import ResidualUNet

METADATA = {"class_names": ["Hintergrund", "größe"], "epoch": 3, "epsilon": 0.8}


def slim(seed: int = 0, **options: Any) -> Segmenter:
    torch.manual_seed(seed)
    return build_segmenter("residual_unet_slim", **{"in_channels": 1, "num_classes": 2, **options})


def batch(*shape: int, seed: int = 1) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed)) * 900 - 100


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_the_published_residual_unet_has_the_published_number_of_parameters() -> None:
    assert parameters(ResidualUNet(1, 2, head=2)) == 1_151_932
    published = build_segmenter("residual_unet_paper", in_channels=1, num_classes=2)
    assert parameters(published) == 1_151_932


def test_a_dead_channel_of_the_head_does_not_silence_a_class() -> None:
    def spread(head: int | None) -> float:
        """Of the foreground logit over random images, one channel of the head being dead."""
        torch.manual_seed(0)
        network = ResidualUNet(1, 2, head=head).eval()
        norm, last = network.head[1], network.head[-1]
        with torch.no_grad():
            last.weight[:, 0] = torch.tensor([-1.0, 1.0]).view(2, 1, 1)
            last.weight[:, 1:] = torch.tensor([1.0, -1.0]).view(2, 1, 1, 1)
            norm.bias[0] = -1000.0
            logits = network(torch.randn(2, 1, 16, 16))
        return float((logits[:, 1] - logits[:, 0]).max())

    assert spread(2) <= 0, "the other channel only ever speaks against the foreground"
    torch.manual_seed(0)
    open_head = ResidualUNet(1, 2).eval()
    assert open_head.head[-1].in_channels == 16


@pytest.mark.parametrize(
    ("in_channels", "num_classes", "shape"),
    [(1, 2, (8, 24)), (3, 5, (16, 8)), (2, 3, (8, 16, 8))],
)
def test_the_residual_unet_takes_any_channels_classes_and_dimensions(
    in_channels: int, num_classes: int, shape: tuple[int, ...]
) -> None:
    network = ResidualUNet(in_channels, num_classes, spatial_dims=len(shape)).eval()
    logits = network(torch.rand(2, in_channels, *shape))
    assert logits.shape == (2, num_classes, *shape)


def test_its_initialisation_is_explicit_in_both_dimensions() -> None:
    for dims in (2, 3):
        torch.manual_seed(0)
        network = ResidualUNet(1, 2, spatial_dims=dims)
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d | nn.BatchNorm3d):
                assert torch.all(module.weight == 1)
                assert torch.all(module.bias == 0)
            elif isinstance(
                module, nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d
            ):
                assert torch.all(module.bias == 0)
        # Kaiming: 128 channels in, 3 ** dims pixels; a transposed one sees one pixel of 128.
        deep = network.down3[3].body[0].weight
        assert deep.std().item() == pytest.approx(math.sqrt(2 / (128 * 3**dims)), rel=0.02)
        up = network.up2.enlarge[0].weight
        assert up.std().item() == pytest.approx(math.sqrt(2 / 128), rel=0.03)


def test_a_side_that_cannot_be_halved_three_times_is_refused() -> None:
    with pytest.raises(DataError, match="multiple of 8") as caught:
        ResidualUNet(1, 2)(torch.rand(1, 1, 64, 60))
    assert "(1, 1, 64, 60)" in str(caught.value)
    assert "pad" in str(caught.value)


def test_a_network_of_no_shape_is_refused() -> None:
    for options in ({"num_classes": 1}, {"in_channels": 0}, {"spatial_dims": 4}):
        with pytest.raises(ConfigError):
            ResidualUNet(**{"in_channels": 1, "num_classes": 2, **options})
        with pytest.raises(ConfigError):
            slim(**options)


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_network_learns_at_multiples_of_its_divisor(name: str, dims: int) -> None:
    torch.manual_seed(0)
    segmenter = build_segmenter(name, in_channels=2, num_classes=3, spatial_dims=dims)
    sides = [2 * segmenter.divisor] + [segmenter.divisor] * (dims - 1)
    images = batch(2, 2, *sides)
    before = torch.get_rng_state()
    logits = segmenter(images)
    assert logits.shape == (2, 3, *sides)
    assert torch.equal(before, torch.get_rng_state())  # nothing is drawn at random on the way
    logits.square().mean().backward()
    assert [n for n, p in segmenter.named_parameters() if p.grad is None] == []
    wrong = [*sides[:-1], sides[-1] + 4]
    with pytest.raises(DataError, match=f"multiple of {segmenter.divisor}"):
        segmenter(batch(1, 2, *wrong))
    with pytest.raises(DataError, match="number of channels"):
        segmenter(batch(1, 3, *sides))


def test_the_slim_network_has_half_of_every_width() -> None:
    full = build_segmenter(in_channels=1, num_classes=2)
    half = slim()
    assert half.network.down3[0].out_channels * 2 == full.network.down3[0].out_channels == 128
    assert 3.9 < parameters(full) / parameters(half) < 4.1


def test_a_network_of_another_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean residual_unet"):
        check_segmenter("residual-unet")
    with pytest.raises(ConfigError, match="there is no segmentation network"):
        build_segmenter("x", in_channels=1, num_classes=2)


def test_z_scores_forget_the_unit_of_each_channel() -> None:
    segmenter = slim(in_channels=2).eval()
    images = batch(2, 2, 16, 16)
    gain = torch.tensor([3.0, 0.01])[:, None, None]
    offset = torch.tensor([-50.0, 7.0])[:, None, None]
    with torch.no_grad():
        torch.testing.assert_close(
            segmenter(images), segmenter(images * gain + offset), rtol=1e-3, atol=1e-3
        )
    expected = images.numpy().astype(np.float64)
    expected -= expected.mean(axis=(2, 3), keepdims=True)
    expected /= expected.std(axis=(2, 3), keepdims=True)
    np.testing.assert_allclose(segmenter.normaliser(images).numpy(), expected, atol=1e-5)


def test_a_patch_is_normalised_by_its_whole_image() -> None:
    segmenter = slim()
    images = batch(3, 1, 32, 32)
    whole = segmenter.normaliser(images)
    patch = segmenter.normaliser(images[..., 8:16, 16:32], image_statistics(images))
    torch.testing.assert_close(patch, whole[..., 8:16, 16:32])
    with pytest.raises(DataError, match="of other images"):
        segmenter.normaliser(images[:2], image_statistics(images))


def test_an_image_of_one_value_becomes_zero() -> None:
    images = torch.full((1, 1, 8, 8), 0.1)
    assert torch.equal(slim().normaliser(images), torch.zeros(1, 1, 8, 8))


def test_known_statistics_and_windows() -> None:
    images = torch.tensor([0, 50, 255], dtype=torch.uint8).view(1, 1, 1, 3).expand(1, 2, 1, 3)
    dataset = slim(in_channels=2, normalisation=Normalisation.dataset([50, 100], [10, 20]))
    assert dataset.normaliser(images)[0, :, 0].tolist() == [[-5, 0, 20.5], [-5, -2.5, 7.75]]
    window = slim(in_channels=2, normalisation=Normalisation.range(0, 100))
    assert window.normaliser(images)[0, :, 0].tolist() == [[0, 0.5, 1]] * 2


@pytest.mark.parametrize(
    "make",
    [
        lambda: Normalisation.dataset([1.0], [0.0]),
        lambda: Normalisation.dataset([1.0, 2.0], [1.0]),
        lambda: Normalisation.dataset(float("nan"), 1.0),
        lambda: Normalisation.range(5, 5),
        lambda: Normalisation.range([0, 1], [1, 2, 3]),
        lambda: Normalisation("image", (1.0,), (1.0,)),
        lambda: slim(normalisation=Normalisation.dataset([1, 2], [1, 2])),
    ],
)
def test_statistics_that_cannot_be_are_refused(make: Any) -> None:
    with pytest.raises(ConfigError):
        make()


def test_a_file_alone_rebuilds_the_segmenter(tmp_path: Path) -> None:
    for kind in (
        Normalisation.image(),
        Normalisation.dataset([0.1, 3.3], [1.7, 2.9]),
        Normalisation.range(-1000, 400.5),
    ):
        original = slim(in_channels=2, num_classes=4, normalisation=kind)
        images = batch(2, 2, 16, 24)
        original(images)  # running statistics travel too
        save_segmenter(tmp_path / "student.safetensors", original, METADATA)
        state = torch.get_rng_state()
        back, metadata = load_segmenter(tmp_path / "student.safetensors")
        assert torch.equal(state, torch.get_rng_state())
        assert metadata == METADATA
        assert not back.training
        assert back.config() == original.config()
        with torch.no_grad():
            assert torch.equal(back(images), original.eval()(images))


@pytest.mark.parametrize("name", SEGMENTERS)
def test_every_network_can_be_saved(tmp_path: Path, name: str) -> None:
    original = build_segmenter(name, in_channels=1, num_classes=2)
    original = original.to(memory_format=torch.channels_last)
    save_segmenter(tmp_path / "model.safetensors", original)
    back, metadata = load_segmenter(tmp_path / "model.safetensors")
    assert metadata == {}
    for key, tensor in original.state_dict().items():
        assert torch.equal(tensor, back.state_dict()[key])


def damage(path: Path, kind: str) -> None:
    with safe_open(path, framework="pt") as file:
        header = file.metadata()
        # a copy: the tensors are views of the file that is about to be overwritten
        tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118
    config = json.loads(header["segmenter"])
    if kind == "missing":
        path.unlink()
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "pickle":
        torch.save(tensors, path)
    elif kind == "foreign":
        save_file(tensors, path)
    else:
        changes = {
            "newer": {"format_version": "2"},
            "headless": {"segmenter": "["},
            "unknown network": {"segmenter": json.dumps(config | {"name": "vnet"})},
            "no normalisation": {"segmenter": json.dumps({"name": "unet"})},
            "wrong value": {"segmenter": json.dumps(config | {"num_classes": "two"})},
            "other shapes": {"segmenter": json.dumps(config | {"num_classes": 7})},
        }
        save_file(tensors, path, metadata=header | changes[kind])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "there is no model file"),
        ("truncated", "damaged"),
        ("pickle", "damaged"),
        ("foreign", "isn't a segmentation network of mixednoise"),
        ("newer", "another version"),
        ("headless", "damaged"),
        ("unknown network", "vnet"),
        ("no normalisation", "damaged"),
        ("wrong value", "damaged"),
        ("other shapes", "size mismatch"),
    ],
)
def test_a_file_that_is_no_segmenter_is_refused(tmp_path: Path, kind: str, message: str) -> None:
    path = tmp_path / "model.safetensors"
    save_segmenter(path, slim(), METADATA)
    damage(path, kind)
    with pytest.raises(RunError, match=message) as caught:
        load_segmenter(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_metadata_that_json_cannot_hold_is_refused_before_writing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="must be JSON"):
        save_segmenter(tmp_path / "model.safetensors", slim(), {"path": tmp_path})
    assert not list(tmp_path.iterdir())


def test_training_can_start_from_a_file_of_other_classes(tmp_path: Path) -> None:
    path = tmp_path / "teacher.safetensors"
    teacher = slim(normalisation=Normalisation.range(0, 255))
    save_segmenter(path, teacher)
    student = slim(1, weights=path)
    assert student.normalisation == Normalisation.range(0, 255)
    assert student.left_at_random == ()
    for key, tensor in teacher.state_dict().items():
        assert torch.equal(tensor, student.state_dict()[key])
    wider = slim(1, num_classes=5, weights=path, normalisation=Normalisation.image())
    assert wider.normalisation == Normalisation.image()
    assert wider.left_at_random
    assert all(key.startswith("head.") for key in wider.left_at_random)
    assert torch.equal(wider.network.stem[0].weight, teacher.network.stem[0].weight)
    with pytest.raises(ConfigError, match="of another network"):
        slim(in_channels=3, weights=path)


@pytest.mark.parametrize("in_channels", [1, 3])
def test_imagenet_weights_go_where_monai_puts_them(
    in_channels: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    from monai.networks.nets.efficientnet import EfficientNetBN

    published = fill(efficientnet_b0_shapes())
    monkeypatch.setattr(
        "monai.networks.nets.efficientnet.model_zoo.load_url", lambda *_a, **_k: dict(published)
    )
    monkeypatch.setattr(
        sources, "imagenet_weights", lambda *_a, **_k: (sources.WeightsFile(published), "url")
    )
    reference = EfficientNetBN("efficientnet-b0", pretrained=True, in_channels=3).state_dict()
    segmenter = build_segmenter(
        "flexible_unet", in_channels=in_channels, num_classes=2, weights="imagenet"
    )
    own = segmenter.network.encoder.state_dict()
    assert len(own) > 300
    for key, tensor in own.items():
        expected = reference[key]
        if key == "_conv_stem.weight" and in_channels == 1:
            expected = expected.sum(dim=1, keepdim=True)
        if not key.endswith("num_batches_tracked"):
            assert torch.equal(tensor, expected), key
    assert segmenter.left_at_random
    assert not any(key.startswith("encoder.") for key in segmenter.left_at_random)


def test_imagenet_weights_are_for_one_network_and_for_colour_or_grey(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    published = fill(efficientnet_b0_shapes())
    monkeypatch.setattr(
        sources, "imagenet_weights", lambda *_a, **_k: (sources.WeightsFile(published), "url")
    )
    with pytest.raises(ConfigError, match="no ImageNet weights"):
        slim(weights="imagenet")
    with pytest.raises(ConfigError, match="1 or 3 channels"):
        build_segmenter("flexible_unet", in_channels=4, num_classes=2, weights="imagenet")
