from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from mixednoise.errors import ConfigError, DataError
from mixednoise.models import BACKBONES, Network

MEAN, STD = (0.6, 0.4, 0.2), (0.2, 0.25, 0.1)


def slim(**changes: Any) -> Network:
    torch.manual_seed(0)
    options = {"num_classes": 3, "image_size": 32, "mean": MEAN, "std": STD} | changes
    return Network("resnet18_slim", **options)


def images(size: int = 32, count: int = 2) -> torch.Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", params=BACKBONES)
def any_network(request: pytest.FixtureRequest) -> Network:
    torch.manual_seed(0)
    return Network(request.param, num_classes=3, image_size=32, projection_dim=16)


FEATURE_LENGTH = {
    "resnet10_tiny": 128,
    "resnet18_slim": 256,
    "resnet18": 512,
    "resnet34": 512,
    "resnet50": 2048,
    "densenet121": 1024,
    "efficientnet_b0": 1280,
}


def test_every_backbone_gives_features_logits_and_unit_projections(any_network: Network) -> None:
    logits, projections = any_network.train().forward_all(images())

    assert any_network.feature_dim == FEATURE_LENGTH[any_network.backbone]
    assert logits.shape == (2, 3)
    assert projections.shape == (2, 16)
    torch.testing.assert_close(projections.norm(dim=1), torch.ones(2))
    # A gradient reaches every weight: no layer is cut off or left over.
    any_network.zero_grad()
    (logits.square().sum() + projections[:, 0].sum()).backward()
    for name, parameter in any_network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_no_backbone_draws_random_numbers_while_training(any_network: Network) -> None:
    any_network.train()
    with torch.no_grad():
        torch.manual_seed(0)
        first = any_network(images())
        torch.manual_seed(1)
        second = any_network(images())
    assert torch.equal(first, second)


def test_memory_format_changes_nothing(any_network: Network) -> None:
    # Untrained running statistics let DenseNet's activations grow to thousands: compare relatively.
    any_network.eval()
    with torch.no_grad():
        expected = any_network.features(images())
        last = any_network.to(memory_format=torch.channels_last)
        got = last.features(images().to(memory_format=torch.channels_last))
    any_network.to(memory_format=torch.contiguous_format)
    assert (got - expected).abs().max() < 1e-4 * expected.abs().max()


@pytest.mark.parametrize(
    ("size", "stem", "side"),
    [(28, "auto", 2), (64, "auto", 2), (96, "auto", 3), (28, "standard", 1), (64, "small", 4)],
)
def test_the_last_map_has_the_documented_side(size: int, stem: str, side: int) -> None:
    network = slim(image_size=size, stem=stem).eval()
    sides = []
    network.encoder.layer4.register_forward_hook(lambda _m, _i, out: sides.append(out.shape[2:]))
    network(images(size, 1))
    assert sides == [(side, side)]


def test_efficientnets_small_stem_keeps_every_row() -> None:
    # 28 px: 28 at stride 1, then 14, 7, 4, 2 as "same" padding rounds up.
    network = Network("efficientnet_b0", num_classes=2, image_size=28, stem="small").eval()
    sides = []
    for stage in network.encoder._blocks:
        stage.register_forward_hook(lambda _m, _i, out: sides.append(out.shape[-1]))
    network(images(28, 1))
    assert sides == [28, 14, 7, 4, 4, 2, 2]


def test_the_slim_resnet_costs_a_quarter() -> None:
    def multiplications(backbone: str) -> int:
        network = Network(backbone, num_classes=2, image_size=32).eval()
        counts = []
        for module in network.encoder.modules():
            if isinstance(module, torch.nn.Conv2d):
                module.register_forward_hook(
                    lambda conv, _in, out: counts.append(conv.weight[0].numel() * out.numel())
                )
        with torch.no_grad():
            network.features(images(32, 1))
        return sum(counts)

    # The first convolution has 3 input channels in both, so it halves only.
    assert 3.8 < multiplications("resnet18") / multiplications("resnet18_slim") < 4


def test_the_seed_decides_the_weights() -> None:
    first, second = slim().state_dict(), slim().state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    torch.manual_seed(1)
    other = Network("resnet18_slim", num_classes=3, image_size=32).state_dict()
    assert not torch.equal(first["encoder.conv1.weight"], other["encoder.conv1.weight"])
    assert not torch.equal(first["projector.2.weight"], other["projector.2.weight"])


def test_images_are_normalised_inside() -> None:
    network = slim().eval()
    batch = images()
    by_hand = (batch.numpy() - np.reshape(MEAN, (3, 1, 1))) / np.reshape(STD, (3, 1, 1))
    with torch.no_grad():
        expected = network.encoder(torch.from_numpy(by_hand).float())
        torch.testing.assert_close(network.features(batch), expected)


def test_one_pass_gives_what_separate_calls_give() -> None:
    network = slim().eval()
    with torch.no_grad():
        logits, projections = network.forward_all(images())
        features = network.features(images())
        assert torch.equal(network(images()), logits)
        assert torch.equal(network.classifier(features), logits)
        hidden = torch.relu(network.projector[0](features))
        plain = network.projector[2](hidden)
        torch.testing.assert_close(projections, plain / plain.norm(dim=1, keepdim=True))


def test_projections_stay_float32_under_autocast() -> None:
    network = slim().eval()
    with torch.autocast("cpu", dtype=torch.bfloat16), torch.no_grad():
        logits, projections = network.forward_all(images())
    assert logits.dtype == torch.bfloat16
    assert projections.dtype == torch.float32
    torch.testing.assert_close(projections.norm(dim=1), torch.ones(2))


@pytest.mark.parametrize(
    "batch",
    [
        torch.zeros(2, 3, 32, 32, dtype=torch.uint8),
        torch.zeros(2, 32, 32, 3),
        torch.zeros(3, 32, 32),
    ],
)
def test_a_batch_of_another_kind_is_refused(batch: torch.Tensor) -> None:
    with pytest.raises(DataError, match=r"float \(B, 3, S, S\), RGB in \[0, 1\]"):
        slim()(batch)


def test_the_configuration_rebuilds_the_network() -> None:
    network = slim(image_size=28, projection_dim=8)
    config = network.config()
    rebuilt = Network.from_config(config)
    assert config == {
        "backbone": "resnet18_slim",
        "num_classes": 3,
        "image_size": 28,
        "projection_dim": 8,
        "stem": "small",
        "mean": list(MEAN),
        "std": list(STD),
    }
    assert rebuilt.config() == config
    rebuilt.load_state_dict(network.state_dict())


@pytest.mark.parametrize("config", [{}, {**slim().config(), "depth": 3}])
def test_another_configuration_is_refused(config: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="isn't the configuration of a network"):
        Network.from_config(config)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"num_classes": 1}, "number of classes is too small"),
        ({"projection_dim": 0}, "projection_dim is too small"),
        ({"std": (0.2, 0.0, 0.2)}, "three finite numbers above 0"),
        ({"mean": (0.5,)}, "three finite numbers"),
        ({"mean": (0.5, 0.5, float("nan"))}, "three finite numbers"),
    ],
)
def test_values_that_cannot_be_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        slim(**changes)


def test_statistics_may_come_as_arrays() -> None:
    network = slim(mean=np.array(MEAN, np.float32), std=torch.tensor(STD))
    assert network.config()["mean"] == list(MEAN)
