from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from mixednoise.errors import ConfigError, RunError, TrainingError
from mixednoise.models import Network, load_network, load_networks, save_network, save_networks

METADATA = {"class_names": ["grün", "red"], "epoch": 3, "options": {"lr": 0.1, "weights": None}}


def network(seed: int = 0, size: int = 32) -> Network:
    torch.manual_seed(seed)
    return Network(
        "resnet18_slim",
        num_classes=2,
        image_size=size,
        projection_dim=4,
        mean=(0.61, 0.42, 0.23),
        std=(0.2, 0.25, 0.1),
    )


def batch() -> torch.Tensor:
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(2))


def outputs(model: Network) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.no_grad():
        return model.eval().forward_all(batch())


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("original") / "model.safetensors"
    save_networks(path, [network(0), network(1)], METADATA)
    return path


@pytest.fixture
def saved(tmp_path: Path, original: Path) -> Path:
    return Path(shutil.copy(original, tmp_path))


def test_a_file_alone_rebuilds_the_networks(tmp_path: Path) -> None:
    originals = [network(0), network(1, size=100)]
    originals[0].train()
    with torch.no_grad():
        originals[0](batch())  # running statistics travel too
    save_networks(tmp_path / "model.safetensors", originals, METADATA)
    networks, metadata = load_networks(tmp_path / "model.safetensors")

    assert metadata == METADATA
    assert [model.stem for model in networks] == ["small", "standard"]
    for original, model in zip(originals, networks, strict=True):
        assert model.config() == original.config()
        assert not model.training
        for expected, got in zip(outputs(original), outputs(model), strict=True):
            assert torch.equal(expected, got)


def test_one_network_comes_back_as_one(tmp_path: Path) -> None:
    save_network(tmp_path / "one.safetensors", network(), METADATA)
    model, metadata = load_network(tmp_path / "one.safetensors")
    assert metadata == METADATA
    assert torch.equal(outputs(model)[0], outputs(network())[0])


def test_a_file_of_two_is_not_taken_for_one(saved: Path) -> None:
    with pytest.raises(RunError, match="2 networks"):
        load_network(saved)


def test_channels_last_networks_are_saved_too(tmp_path: Path) -> None:
    model = network().to(memory_format=torch.channels_last)
    save_network(tmp_path / "model.safetensors", model)
    back, metadata = load_network(tmp_path / "model.safetensors")
    assert metadata == {}
    assert torch.equal(back.encoder.layer1[0].conv1.weight, model.encoder.layer1[0].conv1.weight)
    assert not model.encoder.layer1[0].conv1.weight.is_contiguous()  # the original is as it was


def test_loading_leaves_the_random_state_alone(saved: Path) -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    load_networks(saved)
    assert torch.equal(torch.rand(3), expected)


def test_the_header_can_be_read_by_anyone(saved: Path) -> None:
    with safe_open(saved, framework="pt") as file:
        header = file.metadata()
    assert header["format"] == "mixednoise.networks"
    assert json.loads(header["networks"])[1]["backbone"] == "resnet18_slim"
    assert json.loads(header["metadata"]) == METADATA


def rewrite(path: Path, **changes: str) -> None:
    """Write the file anew with another header."""
    with safe_open(path, framework="pt") as file:
        header = file.metadata() | changes
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file(tensors, path, metadata=header)


def damage(path: Path, kind: str) -> None:
    if kind == "missing":
        path.unlink()
    elif kind == "truncated":
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("not a model")
    elif kind == "foreign":
        save_file({"conv1.weight": torch.ones(2)}, path)
    elif kind == "newer":
        rewrite(path, format_version="2")
    elif kind == "headless":
        rewrite(path, networks="[")
    elif kind == "none":
        rewrite(path, networks="[]")
    elif kind == "unknown backbone":
        rewrite(path, networks=json.dumps([network().config() | {"backbone": "resnet19"}]))
    elif kind == "wrong value":
        rewrite(path, networks=json.dumps([network().config() | {"num_classes": "two"}]))
    else:
        rewrite(path, networks=json.dumps([network().config() | {"num_classes": 5}]))


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("missing", "there is no model file"),
        ("truncated", "damaged"),
        ("empty", "damaged"),
        ("text", "damaged"),
        ("foreign", "isn't a model of mixednoise"),
        ("newer", "format version 2"),
        ("headless", "damaged"),
        ("none", "no network is described"),
        ("unknown backbone", "resnet19"),
        ("wrong value", "configuration of network 0"),
        ("other shapes", "size mismatch"),
    ],
)
def test_a_file_that_is_no_model_is_refused_by_name(saved: Path, kind: str, message: str) -> None:
    damage(saved, kind)
    with pytest.raises(RunError, match=message) as caught:
        load_networks(saved)
    assert str(saved) in str(caught.value)
    assert len(str(caught.value)) < 1000


def test_a_folder_is_no_model(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="a folder"):
        load_networks(tmp_path)


def test_a_write_that_fails_leaves_the_old_file(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full_disk(_tensors: Any, path: Path, **_: Any) -> None:
        path.write_bytes(b"half")
        raise SafetensorError("No space left on device")

    monkeypatch.setattr("mixednoise.models.model_files.save_file", full_disk)
    with pytest.raises(TrainingError, match="No space left"):
        save_networks(saved, [network(5)])
    assert len(load_networks(saved)[0]) == 2
    assert [entry.name for entry in saved.parent.iterdir()] == [saved.name]


@pytest.mark.parametrize("metadata", [{"a": {1, 2}}, {"a": float("nan")}, {"a": Path()}])
def test_metadata_that_json_cannot_hold_is_refused(
    tmp_path: Path, metadata: dict[str, Any]
) -> None:
    with pytest.raises(ConfigError, match="must be JSON"):
        save_networks(tmp_path / "model.safetensors", [network()], metadata)
    assert list(tmp_path.iterdir()) == []


def test_nothing_to_save_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no network to save"):
        save_networks(tmp_path / "model.safetensors", [])
