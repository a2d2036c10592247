"""Files of segmenters: safetensors whose header describes the network; nothing is needed beside.

Layout, version 1: the tensors of ``state_dict()``; the header's ``format``, ``format_version``,
``segmenter`` (JSON of ``Segmenter.config()``) and ``metadata`` (the caller's JSON object: class
names, settings, ...) are strings, as safetensors wants them. Reading runs no code.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import torch

from mixednoise.errors import RunError
from mixednoise.models.model_files import (
    damaged,
    metadata_text,
    must_be_a_file,
    opened,
    write_tensors,
)
from mixednoise.models.segmenter import Segmenter

FORMAT: Final = "mixednoise.segmenter"
FORMAT_VERSION: Final = "1"


def save_segmenter(
    path: Path | str, segmenter: Segmenter, metadata: Mapping[str, Any] | None = None
) -> None:
    """Write a segmenter into one file, which is whole or not there.

    Args:
        path: usually ``student.safetensors``.
        segmenter: on any device.
        metadata: JSON-able (class names, settings); comes back from :func:`load_segmenter`.

    Raises:
        ConfigError: metadata that JSON can't hold.
        TrainingError: the file can't be written; one that was there stays.
    """
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "segmenter": json.dumps(segmenter.config()),
        "metadata": metadata_text(metadata),
    }
    write_tensors(path, segmenter.state_dict(), header)


def load_segmenter(
    path: Path | str, device: torch.device | str = "cpu"
) -> tuple[Segmenter, dict[str, Any]]:
    """Rebuild the segmenter of a file, in evaluation mode; the global random state stays.

    Args:
        path: a file of :func:`save_segmenter`.
        device: where it goes.

    Returns:
        The segmenter and the metadata.

    Raises:
        RunError: there is no such file, it is damaged, is no segmenter of this package, or was
            written by a newer version of it.
    """
    path = Path(path)
    must_be_a_file(path, "a .safetensors file of a segmentation network")
    with opened(path) as file:
        header: dict[str, str] = file.metadata() or {}
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    found = (header.get("format"), header.get("format_version"))
    if found != (FORMAT, FORMAT_VERSION):
        ours = found[0] == FORMAT
        raise RunError(
            f"{path} was written by another version of mixednoise"
            if ours
            else f"{path} isn't a segmentation network of mixednoise",
            expected=f"format {FORMAT}, version {FORMAT_VERSION}",
            found=f"version {found[1]}" if ours else f"format {found[0] or 'of another origin'}",
            fix="pip install -U mixednoise, or train again" if ours else "check the path",
        )
    with torch.random.fork_rng(devices=[]):
        try:
            segmenter = Segmenter.from_config(json.loads(header["segmenter"]))
            metadata: dict[str, Any] = json.loads(header["metadata"])
            segmenter.load_state_dict(tensors)
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise damaged(path, textwrap.shorten(f"{error}", 300)) from error
    return segmenter.to(device).eval(), metadata
