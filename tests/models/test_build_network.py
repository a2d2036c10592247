from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from published import fill, resnet_shapes

from mixednoise.errors import ConfigError
from mixednoise.models import Network, build_network, save_networks, sources

SLIM = resnet_shapes("resnet18", widths=(32, 64, 128, 256))


class Notes:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.warnings: list[str] = []

    def track(
        self, items: Iterable[Any], description: str, total: int | None = None
    ) -> Iterator[Any]:
        yield from items

    def message(self, text: str) -> None:
        self.messages.append(text)

    def warning(self, text: str) -> None:
        self.warnings.append(text)


def build(backbone: str = "resnet18_slim", size: int = 32, **options: Any) -> Network:
    return build_network(backbone, num_classes=3, image_size=size, **options)


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    networks = []
    for seed in (0, 1):
        torch.manual_seed(seed)
        networks.append(build(mean=(0.1, 0.2, 0.3), std=(0.4, 0.5, 0.6)))
    save_networks(tmp_path / "model.safetensors", networks)
    return tmp_path / "model.safetensors"


def test_without_weights_it_is_the_seeds_network() -> None:
    torch.manual_seed(0)
    built = build(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5), projection_dim=7)
    torch.manual_seed(0)
    plain = Network("resnet18_slim", num_classes=3, image_size=32, projection_dim=7)
    assert built.load_report is None
    assert built.config() == plain.config() | {"mean": [0.5] * 3, "std": [0.5] * 3}
    assert torch.equal(built.projector[2].weight, plain.projector[2].weight)


def test_imagenet_weights_bring_their_stem_and_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = fill(resnet_shapes("resnet18"))
    torch.save(published, tmp_path / "imagenet.pth")
    monkeypatch.setitem(sources.IMAGENET_URLS, "resnet18", (tmp_path / "imagenet.pth").as_uri())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    notes = Notes()
    built = build("resnet18", pretrained=True, progress=notes)

    assert built.stem == "standard"
    assert torch.equal(built.encoder.conv1.weight, published["conv1.weight"])
    assert built.config()["mean"] == [0.485, 0.456, 0.406]
    assert built.load_report is not None
    assert built.load_report.missing_encoder == ()
    assert "120 tensors loaded" in notes.messages[0]
    assert notes.messages[1].startswith("stem standard: the weights were made with it")
    assert notes.warnings == []

    small = build("resnet18", pretrained=True, stem="small", progress=notes)
    assert small.encoder.conv1.weight.shape[-1] == 3
    assert torch.equal(small.encoder.layer1[0].conv1.weight, published["layer1.0.conv1.weight"])
    assert notes.warnings == [
        "not in the weights, starting at random: 1 of the encoder's tensors, such as "
        "encoder.conv1.weight"
    ]


def test_incomplete_imagenet_weights_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published = fill(resnet_shapes("resnet18"))
    del published["layer4.1.bn2.weight"]
    torch.save(published, tmp_path / "imagenet.pth")
    monkeypatch.setitem(sources.IMAGENET_URLS, "resnet18", (tmp_path / "imagenet.pth").as_uri())
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    with pytest.raises(ConfigError, match=r"layer4\.1\.bn2\.weight"):
        build("resnet18", pretrained=True)


@pytest.mark.parametrize(("kernel", "stem"), [(7, "standard"), (3, "small")])
@pytest.mark.parametrize("size", [32, 100])
def test_a_file_of_weights_brings_its_stem(
    tmp_path: Path, kernel: int, stem: str, size: int
) -> None:
    tensors = fill({**SLIM, "conv1.weight": (32, 3, kernel, kernel)})
    torch.save({"state_dict": tensors}, tmp_path / "weights.pt")
    notes = Notes()
    built = build(size=size, weights=tmp_path / "weights.pt", progress=notes)
    assert built.stem == stem
    assert torch.equal(built.encoder.conv1.weight, tensors["conv1.weight"])
    suits = {32: "small", 100: "standard"}[size]
    assert len(notes.messages) == (1 if stem == suits else 2)  # said where it isn't the usual one


def test_a_run_of_this_package_gives_its_networks_in_turn(run_file: Path) -> None:
    for index, seed in ((0, 0), (1, 1), (2, 0)):
        built = build(weights=run_file, weights_index=index)
        torch.manual_seed(seed)
        expected = build()
        assert built.stem == "small"
        assert torch.equal(built.encoder.conv1.weight, expected.encoder.conv1.weight)
        assert torch.equal(built.classifier.weight, expected.classifier.weight)
        assert built.config()["mean"] == [0.1, 0.2, 0.3]


def test_statistics_that_are_given_outrank_those_of_the_file(run_file: Path) -> None:
    built = build(weights=run_file, mean=(0.7, 0.7, 0.7), std=(0.3, 0.3, 0.3))
    assert built.config()["mean"] == [0.7] * 3
    assert built.config()["std"] == [0.3] * 3


def test_a_run_with_other_classes_gives_its_encoder(run_file: Path) -> None:
    notes = Notes()
    built = build_network(
        "resnet18_slim", num_classes=5, image_size=32, weights=run_file, progress=notes
    )
    assert built.classifier.weight.shape == (5, 256)
    assert "a head for 3 classes; this network has 5" in notes.messages[0]
    assert notes.warnings == []


def test_a_run_with_another_backbone_is_refused_by_its_name(run_file: Path) -> None:
    with pytest.raises(ConfigError, match="holds a resnet18_slim") as caught:
        build("resnet18", weights=run_file)
    assert "pass --backbone resnet18_slim" in str(caught.value)


def test_weights_that_lack_layers_are_warned_of(tmp_path: Path) -> None:
    tensors = {name: t for name, t in fill(SLIM).items() if not name.startswith("layer4.1.conv")}
    torch.save(tensors, tmp_path / "weights.pt")
    notes = Notes()
    build(weights=tmp_path / "weights.pt", progress=notes)
    assert notes.warnings == [
        "not in the weights, starting at random: 2 of the encoder's tensors, such as "
        "encoder.layer4.1.conv1.weight"
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pretrained": True, "weights": "x.pt"}, "exclude each other"),
        ({"pretrained": True}, "no ImageNet weights for resnet18_slim"),
        ({"mean": (0.5, 0.5, 0.5)}, "belong together"),
        ({"weights": "absent.pt"}, "there is no weights file absent.pt"),
        ({"backbone": "resnet19"}, "no backbone 'resnet19'"),
    ],
)
def test_options_that_contradict_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        build(**options)
