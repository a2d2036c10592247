"""Devices, precision, processes and threads, through Lightning Fabric."""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from mixednoise.errors import ConfigError
from mixednoise.methods.config import LearningConfig


def choose_device(name: str) -> torch.device:
    """Resolve ``auto`` and check that the device is there.

    Raises:
        ConfigError: no such device on this machine.
    """
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    available = {
        "cpu": True,
        "cuda": torch.cuda.is_available(),
        "mps": torch.backends.mps.is_available(),
    }
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    there = device is not None and available.get(device.type, False)
    if there and device is not None and device.type == "cuda" and device.index is not None:
        there = device.index < torch.cuda.device_count()
    if not there or device is None:
        raise ConfigError(
            f"there is no device {name!r} here",
            expected=", ".join(["auto", *(kind for kind, there in available.items() if there)]),
            found=name,
            fix="choose one of these with --device",
        )
    return device


def computes_in_bf16(device: torch.device) -> bool:
    """Whether bfloat16 is done by the hardware; emulated, it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    if device.type == "cpu":
        return any(
            getattr(torch.cpu, name, lambda: False)()
            for name in ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        )
    return False


def choose_precision(name: str, device: torch.device, *, volumes: bool = False) -> str:
    """Fabric's name of the precision: ``32-true`` or ``bf16-mixed``.

    Args:
        name: ``auto``, ``32`` or ``bf16``.
        device: that computes.
        volumes: whether convolutions have three dimensions. In bf16 on a CPU the gradient of
            their weights is wrong where an axis has two voxels left (torch 2.13 with oneDNN).

    Raises:
        ConfigError: bf16 for volumes on a CPU.
    """
    wrong = volumes and device.type == "cpu"
    if name == "bf16" and wrong:
        raise ConfigError(
            "volumes can't be learned from in bf16 on a CPU",
            expected="--precision 32, or another device",
            found="--precision bf16: gradients of small volumes come out wrong there",
            fix="leave --precision away",
        )
    if name == "auto":
        name = "bf16" if computes_in_bf16(device) and not wrong else "32"
    return "bf16-mixed" if name == "bf16" else "32-true"


def make_fabric(config: LearningConfig) -> Any:
    """A launched Fabric: one process, or as many as ``torchrun`` started."""
    from lightning_fabric import Fabric
    from lightning_fabric.strategies import DDPStrategy

    device = choose_device(config.device)
    world = int(os.environ.get("WORLD_SIZE", "1"))
    strategy: Any = "auto"
    devices: Any = 1
    nodes = 1
    if world > 1:
        # The projector rests during the warm-up, so some parameters get no gradient.
        strategy = DDPStrategy(
            find_unused_parameters=True,
            process_group_backend="nccl" if device.type == "cuda" else "gloo",
        )
        devices = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
        nodes = world // devices
    elif device.index is not None:
        devices = [device.index]
    with warnings.catch_warnings(), _quiet("lightning_fabric"):
        # Fabric points out that bf16 is used or possible, or that srun exists: not ours to tell.
        warnings.simplefilter("ignore")
        fabric = Fabric(
            accelerator=device.type,
            strategy=strategy,
            devices=devices,
            num_nodes=nodes,
            precision=choose_precision(config.precision, device, volumes=config.of_volumes),
        )
        fabric.launch()
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    # The same seed gives the same run twice on one machine.
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    return fabric


@contextmanager
def _quiet(logger: str) -> Iterator[None]:
    """No lines of that logger below a warning."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.WARNING)
    try:
        yield
    finally:
        log.setLevel(level)
