"""One pass of all images through the networks of a run: probabilities, and what they see."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from mixednoise.data.store import PixelStore
from mixednoise.io import atomic_write
from mixednoise.memory import memory_told
from mixednoise.methods.base import IntArray
from mixednoise.methods.ensemble import Ensemble
from mixednoise.models import Network
from mixednoise.progress import Progress
from mixednoise.training.batches import blocks, prefetched
from mixednoise.training.scoring import EVALUATION_BATCH, looks_at
from mixednoise.workflow.cross_validation import Looks


def look_through(
    networks: list[Network],
    store: PixelStore,
    readable: IntArray,
    device: torch.device,
    *,
    mirrored: bool,
    features: Path,
    progress: Progress,
) -> Looks:
    """Pass images, and their mirror images, through networks; keep what the first one sees.

    Features are those of the last layer before the head of the first network: the networks of a
    pair have learned apart, so that their features can't be averaged.

    Args:
        networks: M of them.
        store: N images.
        readable: rows of the store that hold pixels.
        device: where to compute.
        mirrored: look at mirror images as well: left and right mean nothing.
        features: file for float16 (N, D), rows of length 1, 0 for what can't be read.
        progress: a bar.

    Returns:
        Softmax, float32 (N, L, C), see :func:`.scoring.looks_at`; NaN for what can't be read.
    """
    first, count = networks[0], len(store)
    looks = np.full((count, len(networks) * (1 + mirrored), first.num_classes), np.nan, np.float32)
    parts = blocks(len(readable), EVALUATION_BATCH)
    with memory_told(), atomic_write(features) as temporary, torch.inference_mode():
        ensemble = Ensemble(networks).to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
        seen: list[torch.Tensor] = []
        hook = first.classifier.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        kept: Any = np.lib.format.open_memmap(
            temporary, "w+", np.float16, (count, first.feature_dim)
        )
        try:
            passing = prefetched(store, parts, readable, device)
            for rows, images in progress.track(passing, "looking", total=len(parts)):
                seen.clear()
                looks[readable[rows]] = (
                    looks_at(ensemble, images, mirrored=mirrored).movedim(0, 1).cpu().numpy()
                )
                # The plain images come first, their mirror images second.
                unit = functional.normalize(seen[0].float(), dim=1)
                kept[readable[rows]] = unit.cpu().numpy().astype(np.float16)
        finally:
            hook.remove()
        kept.flush()
        del kept
    return looks
