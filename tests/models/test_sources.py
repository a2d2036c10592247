from __future__ import annotations

import argparse
import hashlib
from pathlib import Path
from typing import Any

import pytest
import torch
from published import fill, resnet_shapes
from safetensors.torch import save_file

from mixednoise.errors import ConfigError
from mixednoise.models import imagenet_weights, read_weights, sources

TENSORS = {"conv1.weight": torch.arange(6.0).reshape(2, 3), "bn1.bias": torch.ones(2)}


class Code:
    """Would make a file if it were unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def same(tensors: Any) -> bool:
    return tensors.keys() == TENSORS.keys() and all(
        torch.equal(tensors[k], TENSORS[k]) for k in tensors
    )


@pytest.mark.parametrize(
    "content",
    [
        TENSORS,
        {"state_dict": TENSORS, "epoch": 3, "best": 0.7},
        {"model": TENSORS, "optimizer": {"state": {}}},
        {"model": {"state_dict": TENSORS}},
    ],
)
@pytest.mark.parametrize("suffix", ["pt", "pth"])
def test_checkpoints_of_torch_are_read(tmp_path: Path, content: object, suffix: str) -> None:
    path = tmp_path / f"weights.{suffix}"
    torch.save(content, path)
    file = read_weights(path)
    assert same(file.tensors)
    assert file.config is None


def test_the_old_format_of_torch_is_read(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    torch.save(TENSORS, path, _use_new_zipfile_serialization=False)
    assert same(read_weights(path).tensors)


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file(TENSORS, tmp_path / "weights.safetensors")
    assert same(read_weights(str(tmp_path / "weights.safetensors")).tensors)


def test_a_file_with_code_is_refused_and_the_code_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    torch.save({"state_dict": TENSORS, "code": Code(trace)}, tmp_path / "weights.pt")
    with pytest.raises(ConfigError, match="would have to run code") as caught:
        read_weights(tmp_path / "weights.pt")
    assert "state_dict alone" in str(caught.value)
    assert not trace.exists()


def test_the_class_that_is_in_the_way_is_named(tmp_path: Path) -> None:
    torch.save({"state_dict": TENSORS, "args": argparse.Namespace(lr=1)}, tmp_path / "weights.pt")
    with pytest.raises(ConfigError, match=r"it calls for argparse\.Namespace"):
        read_weights(tmp_path / "weights.pt")


def broken(folder: Path, kind: str) -> Path:
    path = folder / "weights.pt"
    torch.save(TENSORS, path)
    whole = path.read_bytes()
    if kind == "safetensors":
        path = folder / "weights.safetensors"
        save_file(TENSORS, path)
        path.write_bytes(path.read_bytes()[:-4])
        return path
    if kind == "no tensors":
        torch.save({"epoch": 3}, path)
        return path
    if kind == "a tensor":
        torch.save(torch.ones(3), path)
        return path
    contents = {
        "empty": b"",
        "half": whole[: len(whole) // 2],
        "web page": b"<html>not found</html>",
        "noise": b"aaaabbbb" * 20,
    }
    path.write_bytes(contents[kind])
    return path


@pytest.mark.parametrize(
    "kind", ["empty", "half", "web page", "noise", "no tensors", "a tensor", "safetensors"]
)
def test_a_file_that_holds_no_weights_is_refused_by_name(tmp_path: Path, kind: str) -> None:
    path = broken(tmp_path, kind)
    with pytest.raises(ValueError, match=r"weights file|model file") as caught:
        read_weights(path)
    assert str(path) in str(caught.value)
    assert "code" not in str(caught.value)


@pytest.mark.parametrize("name", ["absent.pt", "folder"])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=f"there is no weights file .*{name}"):
        read_weights(tmp_path / name)


# ---- published weights, from an address that is a file of the test ------------------------------


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "home" / "hub" / "checkpoints"


def publish(path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    url = path.as_uri()
    monkeypatch.setitem(sources.IMAGENET_URLS, "resnet18", url)
    return url


def test_imagenet_weights_are_downloaded_once(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = tmp_path / "small.pth"
    torch.save(TENSORS, original)
    checksum = hashlib.sha256(original.read_bytes()).hexdigest()[:8]
    published = original.rename(tmp_path / f"resnet18-{checksum}.pth")
    url = publish(published, monkeypatch)

    file, source = imagenet_weights("resnet18", show_progress=False)
    assert source == url
    assert same(file.tensors)
    published.unlink()
    again, _ = imagenet_weights("resnet18", show_progress=False)
    assert same(again.tensors)
    assert [entry.name for entry in cache.iterdir()] == [published.name]


def test_a_download_with_another_checksum_is_thrown_away(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "resnet18-0123abcd.pth"
    torch.save(TENSORS, path)
    publish(path, monkeypatch)
    with pytest.raises(ConfigError, match="can't be downloaded"):
        imagenet_weights("resnet18", show_progress=False)
    assert list(cache.iterdir()) == []


def test_without_a_connection_the_message_says_where_the_file_goes(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = publish(tmp_path / "absent.pth", monkeypatch)
    with pytest.raises(ConfigError) as caught:
        imagenet_weights("resnet18", show_progress=False)
    message = str(caught.value)
    assert url in message
    assert str(cache / "absent.pth") in message
    assert "--weights FILE" in message
    # and that advice works
    torch.save(TENSORS, cache / "absent.pth")
    assert same(imagenet_weights("resnet18", show_progress=False)[0].tensors)


def test_a_backbone_without_imagenet_weights_is_told_which_have_some() -> None:
    with pytest.raises(ConfigError, match="one of resnet18, resnet34, resnet50"):
        imagenet_weights("resnet18_slim")


@pytest.mark.parametrize("backbone", ["resnet18", "resnet34", "resnet50", "densenet121"])
def test_addresses_are_torchvisions_first_versions(torchvision_models: Any, backbone: str) -> None:
    known = torchvision_models.get_model_weights(backbone).IMAGENET1K_V1.url
    assert sources.IMAGENET_URLS[backbone] == known


def test_the_written_down_structure_is_torchvisions(torchvision_models: Any) -> None:
    for backbone in ("resnet18", "resnet34", "resnet50"):
        with torch.device("meta"):
            theirs = torchvision_models.get_model(backbone, weights=None).state_dict()
        assert {name: tuple(tensor.shape) for name, tensor in theirs.items()} == resnet_shapes(
            backbone
        )
    assert set(fill(resnet_shapes("resnet18"))) == set(resnet_shapes("resnet18"))
