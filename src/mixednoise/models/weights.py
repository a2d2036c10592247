"""Model files: safetensors whose header describes the networks; nothing is needed beside them.

Layout, version 1: tensors are named ``INDEX.NAME``; the header's ``format``,
``format_version``, ``networks`` (JSON list of ``Network.config()``) and ``metadata`` (the caller's
JSON object: class names, settings, ...) are strings, as safetensors wants them. Reading runs no
code.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch
from torch import Tensor

from mixednoise.errors import ConfigError, RunError
from mixednoise.models.backbones import TIMM_PREFIX
from mixednoise.models.model_files import (
    damaged,
    metadata_text,
    must_be_a_file,
    opened,
    write_tensors,
)
from mixednoise.models.network import Network

FORMAT: Final = "mixednoise.networks"
FORMAT_VERSION: Final = "1"


@dataclass(frozen=True)
class Header:
    """What a model file says about itself: a configuration per network, and the caller's object."""

    configs: list[dict[str, Any]]
    metadata: dict[str, Any]


def save_networks(
    path: Path | str, networks: Sequence[Network], metadata: Mapping[str, Any] | None = None
) -> None:
    """Write networks into one file; the file is whole or not there.

    Args:
        path: usually ``model.safetensors``.
        networks: at least one, on any device.
        metadata: JSON-able; comes back from ``load_networks`` as it is.

    Raises:
        ConfigError: no network, or metadata that JSON can't hold.
        TrainingError: the folder can't be written or the disk is full; a file that was there stays.
    """
    if not networks:
        raise ConfigError(
            "there is no network to save",
            expected="one or more",
            found="none",
            fix="save after training, or pass the networks",
        )
    tensors = {
        f"{index}.{name}": tensor
        for index, network in enumerate(networks)
        for name, tensor in network.state_dict().items()
    }
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "networks": json.dumps([network.config() for network in networks]),
        "metadata": metadata_text(metadata),
    }
    write_tensors(path, tensors, header)


def load_networks(
    path: Path | str, device: torch.device | str = "cpu"
) -> tuple[list[Network], dict[str, Any]]:
    """Rebuild the networks of a file, in evaluation mode.

    The global random state is left as it was.

    Args:
        path: a file of ``save_networks``.
        device: where the networks go.

    Returns:
        The networks in the order they were saved in, and the metadata.

    Raises:
        RunError: there is no such file, it is damaged, isn't a model of this package, or was
            written by a newer version of it.
        ConfigError: it needs timm, which is missing.
    """
    path = Path(path)
    header = read_header(path)
    if header is None:
        raise RunError(
            f"{path} isn't a model of mixednoise",
            expected=f"a file whose header says format {FORMAT}",
            found="safetensors of another origin",
            fix="pass it as --weights to `mixednoise train` if it holds backbone weights",
        )
    networks: list[Network] = []
    for index, config in enumerate(header.configs):
        tensors = read_network_tensors(path, index)
        with torch.random.fork_rng(devices=[]):
            try:
                network = Network.from_config(config)
            except (ConfigError, TypeError, AttributeError) as error:
                if str(config.get("backbone")).startswith(TIMM_PREFIX):
                    raise  # says that timm is missing, or lacks the network
                raise damaged(path, f"configuration of network {index}: {error}") from error
        try:
            network.load_state_dict(tensors)
        except RuntimeError as error:
            raise damaged(path, textwrap.shorten(str(error), 300)) from error
        networks.append(network.to(device).eval())
    return networks, header.metadata


def save_network(
    path: Path | str, network: Network, metadata: Mapping[str, Any] | None = None
) -> None:
    """Write one network; see ``save_networks``."""
    save_networks(path, [network], metadata)


def load_network(
    path: Path | str, device: torch.device | str = "cpu"
) -> tuple[Network, dict[str, Any]]:
    """Rebuild the network of a file that holds one; see ``load_networks``.

    Raises:
        RunError: as ``load_networks``, or the file holds several.
    """
    networks, metadata = load_networks(path, device)
    if len(networks) != 1:
        raise RunError(
            f"{path} holds several networks",
            expected="one network",
            found=f"{len(networks)} networks",
            fix="read them with load_networks",
        )
    return networks[0], metadata


def read_header(path: Path) -> Header | None:
    """Read a safetensors file's description; None where it is nobody's model of ours.

    Raises:
        RunError: there is no such file, it is damaged, or of a newer version.
    """
    must_be_a_file(path, "a .safetensors file")
    with opened(path) as file:
        raw: dict[str, str] = file.metadata() or {}
    if raw.get("format") != FORMAT:
        return None
    version = raw.get("format_version")
    if version != FORMAT_VERSION:
        raise RunError(
            f"{path} was written by another version of mixednoise",
            expected=f"format version {FORMAT_VERSION}",
            found=f"format version {version}",
            fix="pip install -U mixednoise, or train again",
        )
    try:
        configs, metadata = json.loads(raw["networks"]), json.loads(raw["metadata"])
    except (KeyError, ValueError) as error:
        raise damaged(path, f"header: {error}") from error
    if not configs or not all(isinstance(config, dict) for config in configs):
        raise damaged(path, "header: no network is described")
    return Header(configs, metadata)


def read_network_tensors(path: Path, index: int) -> dict[str, Tensor]:
    """Read the tensors of one network of a model file, named as in its ``state_dict``.

    Raises:
        RunError: the file is damaged.
    """
    prefix = f"{index}."
    with opened(path) as file:
        names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
        return {name.removeprefix(prefix): file.get_tensor(name) for name in names}
