from __future__ import annotations

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mixednoise.errors import ConfigError
from mixednoise.models import BACKBONES, Network, check_backbone, default_backbone, resolve_stem


@pytest.mark.parametrize(
    ("size", "stem"),
    [(16, "small"), (28, "small"), (40, "small"), (41, "standard"), (224, "standard")],
)
def test_auto_keeps_small_images_from_shrinking_away(size: int, stem: str) -> None:
    assert resolve_stem("resnet18", "auto", size) == stem


@pytest.mark.parametrize("stem", ["small", "standard"])
def test_a_stem_that_is_asked_for_is_taken(stem: str) -> None:
    assert resolve_stem("resnet50", stem, 28) == stem
    assert resolve_stem("resnet50", stem, 224) == stem


def test_the_full_stem_is_for_resnets() -> None:
    assert resolve_stem("resnet18", "full", 224) == "full"
    for backbone in ("densenet121", "efficientnet_b0", "timm:convnext_atto"):
        with pytest.raises(ConfigError, match="can't have the full stem"):
            resolve_stem(backbone, "full", 224)


@pytest.mark.parametrize(("stem", "billions"), [("full", 27.2), ("standard", 1.8)])
def test_what_a_stem_costs(stem: str, billions: float) -> None:
    """Multiplications of ResNet-18 for one image of 224 px, counted without computing them."""
    network = Network("resnet18", num_classes=8, image_size=224, stem=stem)  # type: ignore[arg-type]
    network.to("meta")
    images = torch.empty(1, 3, 224, 224, device="meta")
    with FlopCounterMode(display=False) as counter:
        network(images)
    # two operations per multiplication; the counter leaves out batch norms and pooling
    assert counter.get_total_flops() / 2e9 == pytest.approx(billions, rel=0.03)
    parameters = sum(p.numel() for p in network.encoder.parameters()) / 1e6
    assert parameters == pytest.approx(11.17, abs=0.02)


def test_timm_keeps_its_own_stem() -> None:
    assert resolve_stem("timm:convnext_atto", "auto", 28) == "standard"
    with pytest.raises(ConfigError, match="can't have the small stem"):
        resolve_stem("timm:convnext_atto", "small", 28)


@pytest.mark.parametrize("name", ["resnet8", "ResNet18", "timm:", ""])
def test_an_unknown_backbone_is_refused_with_the_names_there_are(name: str) -> None:
    with pytest.raises(ConfigError, match="efficientnet_b0, or timm:NAME"):
        check_backbone(name)


def test_a_misspelt_backbone_gets_the_nearest_name() -> None:
    with pytest.raises(ConfigError, match="did you mean densenet121"):
        check_backbone("densnet121")


def test_an_unknown_stem_is_refused() -> None:
    with pytest.raises(ConfigError, match="no stem 'tiny'"):
        resolve_stem("resnet18", "tiny", 28)  # type: ignore[arg-type]


def test_images_without_anything_to_see_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 16 px"):
        resolve_stem("resnet18", "auto", 15)


def test_densenet_refuses_what_its_transitions_would_shrink_to_nothing() -> None:
    with pytest.raises(ConfigError, match="at least 29 px"):
        resolve_stem("densenet121", "standard", 28)
    assert resolve_stem("densenet121", "standard", 29) == "standard"


@pytest.mark.parametrize(
    ("device", "backbone"),
    [("cpu", "resnet18_slim"), ("cuda", "resnet18"), ("cuda:1", "resnet18"), ("mps", "resnet18")],
)
def test_the_default_suits_the_device(device: str, backbone: str) -> None:
    assert default_backbone(device) == backbone
    assert backbone in BACKBONES
