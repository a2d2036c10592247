from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from mixednoise.errors import ConfigError
from mixednoise.models import Network, build_network, load_network, save_network


def build(name: str, size: int = 32, **options: Any) -> Network:
    torch.manual_seed(0)
    return build_network(f"timm:{name}", num_classes=3, image_size=size, **options)


def test_without_timm_the_message_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ConfigError, match=r"pip install 'mixednoise\[timm\]'"):
        build("resnet18")


def test_a_timm_that_cannot_be_imported_is_not_called_missing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(_name: str) -> None:
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(importlib, "import_module", fail)
    with pytest.raises(ConfigError, match="installed but can't be imported") as caught:
        build("resnet18")
    assert torch.__version__ in str(caught.value)


@pytest.mark.parametrize(
    ("name", "size"),
    # mobilenetv3 gives features of another length than it says; ViTs are built for the image size.
    [("test_resnet", 32), ("test_vit", 48), ("mobilenetv3_small_050", 64)],
)
def test_networks_of_timm_work(timm: Any, name: str, size: int, tmp_path: Path) -> None:
    features = timm.create_model(name, num_classes=3).get_classifier().in_features
    network = build(name, size)
    batch = torch.rand(2, 3, size, size)
    logits, projections = network.forward_all(batch)
    assert network.feature_dim == features
    assert network.features(batch).shape == (2, features)
    assert logits.shape == (2, 3)
    torch.testing.assert_close(projections.norm(dim=1), torch.ones(2))

    save_network(tmp_path / "model.safetensors", network)
    back, _ = load_network(tmp_path / "model.safetensors")
    assert back.config() == network.config()
    with torch.no_grad():
        assert torch.equal(back(batch), network.eval()(batch))


@pytest.mark.usefixtures("timm")
def test_the_seed_decides_the_weights() -> None:
    first, second = build("test_resnet").state_dict(), build("test_resnet").state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.usefixtures("timm")
def test_a_misspelt_name_gets_the_nearest() -> None:
    with pytest.raises(ConfigError, match="timm:convnext_atto"):
        build("convnext_ato")


@pytest.mark.usefixtures("timm")
@pytest.mark.parametrize("name", ["test_resnet.nobody", "test_vit"])
def test_what_timm_cannot_build_is_one_message(name: str) -> None:
    # a tag that doesn't exist; 20 px are no whole number of 16 px patches
    with pytest.raises(
        ConfigError, match=f"timm can't build {name}|timm:{name} can't take"
    ) as found:
        build(name, 20)
    assert "choose another" in str(found.value)


@pytest.mark.usefixtures("timm")
def test_without_a_connection_the_message_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ConfigError, match="weights of timm:test_resnet can't be loaded") as caught:
        build("test_resnet", pretrained=True)
    assert "--weights FILE" in str(caught.value)


def test_pretrained_weights_come_through_timm(
    timm: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(9)
    published = timm.create_model("test_resnet", num_classes=1000).state_dict()
    torch.save(published, tmp_path / "published.pth")
    create = timm.create_model

    def from_file(name: str, *, pretrained: bool = False, **options: Any) -> Any:
        if pretrained:  # timm's own way to name a local file instead of its address
            options["pretrained_cfg_overlay"] = {"file": str(tmp_path / "published.pth")}
        return create(name, pretrained=pretrained, **options)

    monkeypatch.setattr(timm, "create_model", from_file)
    network = build("test_resnet", pretrained=True)
    assert network.load_report is not None
    assert network.load_report.missing_encoder == ()
    for name, tensor in network.encoder.state_dict().items():
        assert torch.equal(tensor, published[name]), name
    assert network.config()["mean"] == [0.5, 0.5, 0.5]  # what timm's weights were trained with

    given = build("test_resnet", pretrained=True, mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6))
    assert given.config()["mean"] == [0.1, 0.2, 0.3]


def test_a_file_of_timms_weights_is_taken(timm: Any, tmp_path: Path) -> None:
    torch.manual_seed(9)
    published = timm.create_model("test_vit", num_classes=10, img_size=32).state_dict()
    torch.save({"state_dict": {f"module.{k}": v for k, v in published.items()}}, tmp_path / "w.pth")
    network = build("test_vit", weights=tmp_path / "w.pth")
    assert network.load_report is not None
    assert set(network.load_report.skipped) == {"module.head.weight", "module.head.bias"}
    assert torch.equal(network.encoder.pos_embed, published["pos_embed"])
