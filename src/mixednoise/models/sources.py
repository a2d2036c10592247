"""Where weights come from: a file of the user's, or published ImageNet weights in torch's cache."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlparse

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, hub

from mixednoise.errors import ConfigError
from mixednoise.models.weights import read_header, read_network_tensors

# The files of torchvision and of the EfficientNet-PyTorch project, which MONAI takes too. ResNet-50
# is the first version: trained like the other two, without the label smoothing of the second, which
# costs features their use elsewhere (Kornblith et al. 2021).
IMAGENET_URLS: Final[dict[str, str]] = {
    "resnet18": "https://download.pytorch.org/models/resnet18-f37072fd.pth",
    "resnet34": "https://download.pytorch.org/models/resnet34-b627a593.pth",
    "resnet50": "https://download.pytorch.org/models/resnet50-0676ba61.pth",
    "densenet121": "https://download.pytorch.org/models/densenet121-a639ec97.pth",
    "efficientnet_b0": "https://github.com/lukemelas/EfficientNet-PyTorch/releases/download/1.0/"
    "efficientnet-b0-355c32eb.pth",
}

_HASH: Final = re.compile(r"-([a-f0-9]{8,})\.")
# What torch's restricted unpickler says when it meets a class or function that isn't a tensor's.
_CODE: Final = re.compile(r"(?:GLOBAL|class|function) ([A-Za-z_][\w.]*)")
# Where trainers keep the weights inside their checkpoints.
_WRAPPERS: Final = (
    "state_dict",
    "model_state_dict",
    "model",
    "network",
    "net",
    "teacher",
    "weights",
)


@dataclass(frozen=True)
class WeightsFile:
    """Tensors by name, and the network's configuration where this package wrote the file."""

    tensors: Mapping[str, Tensor]
    config: Mapping[str, Any] | None = None


def read_weights(path: Path | str, *, index: int = 0) -> WeightsFile:
    """Read a file of weights without running any code in it.

    Args:
        path: ``.safetensors``, or what ``torch.save`` wrote (``.pt``, ``.pth``, ``.ckpt``).
        index: which network, where a file of this package holds several (counted round).

    Raises:
        ConfigError: no such file, damaged, needs code to be run, or holds no tensors.
        RunError: a damaged .safetensors file.
    """
    path = Path(path)
    if not path.is_file():
        raise ConfigError(
            f"there is no weights file {path}",
            expected="a .safetensors, .pt or .pth file",
            found="a folder" if path.is_dir() else "nothing of that name",
            fix="check --weights",
        )
    if path.suffix == ".safetensors":
        return _read_safetensors(path, index)
    return WeightsFile(_read_torch(path))


def imagenet_weights(backbone: str, *, show_progress: bool = True) -> tuple[WeightsFile, str]:
    """Give a backbone's published ImageNet weights, downloading them on first use.

    Args:
        backbone: one of ``IMAGENET_URLS``.
        show_progress: draw a bar on stderr while downloading.

    Returns:
        The weights and their URL.

    Raises:
        ConfigError: there are none for this backbone, or they can't be fetched.
    """
    url = IMAGENET_URLS.get(backbone)
    if url is None:
        raise ConfigError(
            f"there are no ImageNet weights for {backbone}",
            expected=f"one of {', '.join(IMAGENET_URLS)}, or a timm:NAME that has weights",
            found=backbone,
            fix="choose one of these, or leave out the ImageNet weights",
        )
    name = Path(urlparse(url).path).name
    cached = Path(hub.get_dir()) / "checkpoints" / name
    if not cached.is_file():
        checksum = _HASH.search(name)
        try:
            cached.parent.mkdir(parents=True, exist_ok=True)
            hub.download_url_to_file(
                url, str(cached), checksum[1] if checksum else None, progress=show_progress
            )
        except (OSError, RuntimeError) as error:  # URLError is an OSError; a wrong hash isn't
            raise ConfigError(
                f"the ImageNet weights of {backbone} can't be downloaded",
                expected=url,
                found=f"{type(error).__name__}: {error}",
                fix=f"fetch that file elsewhere and put it at {cached}, "
                "or pass it as --weights FILE",
            ) from error
    return read_weights(cached), url


def _read_safetensors(path: Path, index: int) -> WeightsFile:
    try:
        header = read_header(path)
        if header is None:
            return WeightsFile(load_file(path))
        index %= len(header.configs)
        return WeightsFile(read_network_tensors(path, index), header.configs[index])
    except (SafetensorError, OSError) as error:
        raise _unreadable(path, str(error)) from error


def _read_torch(path: Path) -> dict[str, Tensor]:
    try:
        with warnings.catch_warnings():
            # About pickle protocols: a file that can't be read for it ends in an error below.
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        # Damaged files end in RuntimeError, EOFError, IndexError, ...: whatever byte comes first.
        needed = _CODE.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
        if needed is None:
            raise _unreadable(path, _reason(error)) from error
        raise ConfigError(
            f"the weights file {path} would have to run code to be read",
            expected="tensors and plain values only",
            found=f"it calls for {needed[1]}",
            fix="save its state_dict alone, where you trust it: "
            "torch.save(model.state_dict(), FILE), or safetensors.torch.save_file",
        ) from error
    tensors = _tensors(content)
    if not tensors:
        raise _unreadable(path, f"{type(content).__name__} without named tensors")
    return tensors


def _tensors(content: object) -> dict[str, Tensor]:
    """Find the named tensors in a checkpoint: at the top, or one level down under a usual name."""
    if not isinstance(content, dict):
        return {}
    for wrapper in _WRAPPERS:
        if isinstance(content.get(wrapper), dict) and (inner := _tensors(content[wrapper])):
            return inner
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}


def _reason(error: Exception) -> str:
    if isinstance(error, pickle.UnpicklingError):
        # torch would explain at length how to switch its protection off.
        return "neither torch's zip format nor a pickle of tensors"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _unreadable(path: Path, found: str) -> ConfigError:
    return ConfigError(
        f"the weights file {path} can't be read",
        expected="a whole .safetensors, .pt or .pth file with named tensors",
        found=found,
        fix="copy it again from where it came from",
    )
