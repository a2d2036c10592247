"""The training loop of a method on prepared data: networks made, options resolved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from mixednoise.methods.base import Context, FloatArray, Method
from mixednoise.methods.config import TrainingConfig
from mixednoise.models import build_network
from mixednoise.progress import Progress
from mixednoise.training.batches import derived_seed
from mixednoise.training.data import TrainingData
from mixednoise.training.loop import Loop
from mixednoise.workflow.resolve import select_metric


def make_loop(
    method: type[Method[Any]],
    config: TrainingConfig,
    data: TrainingData,
    *,
    fabric: Any,
    run: Path | None,
    progress: Progress,
    out_of_fold: FloatArray | None = None,
) -> Loop:
    """Networks with random (or pre-trained) weights, the method, and the loop around both.

    Args:
        method: the class.
        config: its options, ``auto`` resolved.
        data: what is learned.
        fabric: devices, precision, processes.
        run: run folder; None keeps everything in memory.
        progress: bars and lines.
        out_of_fold: for a method that asks for :meth:`Method.folds`.

    Raises:
        ConfigError, DataError: weights that don't fit.
    """
    mean, deviation = data.channel_statistics()
    context = Context(data.class_names, data.train.labels, data.image_size, out_of_fold)
    made = method(config, context)
    torch.manual_seed(derived_seed(config.seed, 0))
    members = [
        build_network(
            config.backbone,
            num_classes=len(data.class_names),
            image_size=data.image_size,
            stem=config.stem,
            pretrained=config.pretrained,
            weights=config.weights,
            weights_index=index,
            mean=mean,
            std=deviation,
            progress=progress,
        )
        for index in range(made.num_networks)
    ]
    return Loop(
        fabric,
        made,
        members,
        data,
        run=run,
        progress=progress,
        select_by=select_metric(config, data.ordinal),
    )
