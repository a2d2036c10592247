"""Backbones of timm (``timm:NAME``), imported only when one is asked for."""

from __future__ import annotations

import difflib
import importlib
from typing import Any

import torch
from torch import nn

from mixednoise.errors import ConfigError


def import_timm() -> Any:
    """Import timm.

    Raises:
        ConfigError: it isn't installed, or what it needs is broken.
    """
    try:
        return importlib.import_module("timm")
    except ModuleNotFoundError as error:
        raise ConfigError(
            "timm:NAME backbones need timm",
            expected="timm and torchvision installed",
            found=str(error),
            fix="pip install 'mixednoise[timm]'",
        ) from error
    except Exception as error:  # torchvision built for another torch raises RuntimeError
        raise ConfigError(
            "timm is installed but can't be imported",
            expected="a torchvision built for the torch that is installed",
            found=f"torch {torch.__version__}; {type(error).__name__}: {error}",
            fix="install torch and torchvision from the same index, see pytorch.org",
        ) from error


def make_timm_encoder(
    name: str, image_size: int, *, pretrained: bool = False
) -> tuple[nn.Module, int]:
    """Build one of timm's networks without its classification layer.

    Args:
        name: timm's name, with or without a tag: ``convnext_atto``, ``resnet50.a1_in1k``.
        image_size: S; networks with a fixed input size (ViT, Swin) are built for it.
        pretrained: download timm's weights.

    Returns:
        An encoder, float (B, 3, S, S) -> (B, d), and d.

    Raises:
        ConfigError: timm is missing, doesn't know the name, has no weights for it or can't fetch
            them, or the network can't take images of this size.
    """
    timm = import_timm()
    _check_name(timm, name)
    options: dict[str, Any] = {}
    try:
        if getattr(timm.get_pretrained_cfg(name), "fixed_input_size", False):
            options["img_size"] = image_size
        encoder: nn.Module = timm.create_model(
            name, pretrained=pretrained, num_classes=0, in_chans=3, **options
        )
    except Exception as error:
        problem = f"the weights of timm:{name} can't be loaded" if pretrained else None
        raise ConfigError(
            problem or f"timm can't build {name}",
            expected="a connection to huggingface.co, or the weights in its cache"
            if pretrained
            else f"a network for images of {image_size} px",
            found=f"{type(error).__name__}: {error}",
            fix="fetch the weights where there is a connection and pass them as --weights FILE"
            if pretrained
            else "choose another backbone or --image-size",
        ) from error
    return encoder, _feature_length(name, encoder, image_size)


def timm_normalisation(name: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Give the mean and standard deviation that timm's weights of a network were trained with.

    Raises:
        ConfigError: timm is missing or doesn't know the name.
    """
    timm = import_timm()
    _check_name(timm, name)
    description = timm.get_pretrained_cfg(name)
    return tuple(description.mean), tuple(description.std)


def _check_name(timm: Any, name: str) -> None:
    if timm.is_model(name):
        return
    nearest = difflib.get_close_matches(name, timm.list_models(), n=4, cutoff=0.5)
    raise ConfigError(
        f"timm {timm.__version__} has no network {name!r}",
        expected="a name out of timm.list_models()",
        found=f"timm:{name}",
        fix="did you mean " + " or ".join(f"timm:{near}" for near in nearest) + "?"
        if nearest
        else "look the name up with timm.list_models('*PART*')",
    )


def _feature_length(name: str, encoder: nn.Module, image_size: int) -> int:
    """Run one black image through: ``num_features`` isn't d for every network of timm's."""
    training = encoder.training
    encoder.eval()
    try:
        with torch.no_grad():
            features = encoder(torch.zeros(1, 3, image_size, image_size))
    except Exception as error:
        raise ConfigError(
            f"timm:{name} can't take images of {image_size} px",
            expected="an image size that fits its patches, windows and strides",
            found=f"{type(error).__name__}: {error}",
            fix="choose another --image-size, such as 224, or another backbone",
        ) from error
    finally:
        encoder.train(training)
    if not isinstance(features, torch.Tensor) or features.ndim != 2:
        raise ConfigError(
            f"timm:{name} doesn't give one feature vector per image",
            expected="a network for image classification",
            found=f"features of shape {tuple(getattr(features, 'shape', ()))}",
            fix="choose another backbone",
        )
    return int(features.shape[1])
