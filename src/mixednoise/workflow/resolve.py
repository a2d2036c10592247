"""Turns ``auto`` into values, before training, and says so."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np

from mixednoise.data.decode import UnreadableImageError, read_image_size
from mixednoise.data.report import examples
from mixednoise.data.table import Dataset
from mixednoise.errors import ConfigError
from mixednoise.evaluation.metrics import kappa_is_meaningful
from mixednoise.methods.config import TrainingConfig
from mixednoise.models import default_backbone
from mixednoise.progress import Progress
from mixednoise.training.devices import choose_device

#: ``image_size="auto"`` takes the images' own size up to these limits. Larger inputs on a CPU make
#: a first run a matter of days; whoever wants that asks for it with ``--image-size``.
LARGEST_AUTO_SIZE_CPU = 64
LARGEST_AUTO_SIZE_ACCELERATOR = 224
SMALLEST_AUTO_SIZE = 28
LOOK_AT = 64


def resolve(config: TrainingConfig, dataset: Dataset, progress: Progress) -> TrainingConfig:
    """Replace ``auto`` in backbone and image size by what fits this machine and these images.

    Raises:
        ConfigError: there is no such device, or the best epoch is to be chosen by a metric that
            these classes don't have.
    """
    if config.select_by == "qwk" and not kappa_is_meaningful(dataset.ordinal, dataset.num_classes):
        raise ConfigError(
            "the best epoch can't be chosen by QWK",
            expected="classes that are grades in order",
            found=f"{examples(dataset.class_names)}, which are taken for names without an order",
            fix="say --ordinal (Python: read_dataset(..., ordinal=True)) if they are grades, or "
            "choose by another metric, such as select_by=macro_f1",
        )
    device = choose_device(config.device)
    on_cpu = device.type == "cpu"
    changes: dict[str, Any] = {}
    if config.backbone == "auto":
        changes["backbone"] = default_backbone(device.type)
    if config.image_size == "auto":
        most = LARGEST_AUTO_SIZE_CPU if on_cpu else LARGEST_AUTO_SIZE_ACCELERATOR
        own = native_size(dataset)
        changes["image_size"] = most if own is None else int(np.clip(own, SMALLEST_AUTO_SIZE, most))
    if changes:
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changes.items())
        progress.message(f"on {device.type}: {told} (chosen automatically)")
    size = int(changes.get("image_size", config.image_size))
    return config.model_copy(update={**changes, "views": config.views.fitted_to(size)})


def select_metric(config: TrainingConfig, ordinal: bool) -> str:
    """Validation metric that chooses the best epoch."""
    if config.select_by != "auto":
        return config.select_by
    return "qwk" if ordinal else "macro_f1"


def native_size(dataset: Dataset) -> int | None:
    """Median longer side in pixels of a few images, or None when none can be read."""
    if dataset.arrays is not None:
        return int(max(dataset.arrays.shape[1:3]))
    paths = dataset.table["path"].tolist()
    last = len(paths) - 1
    sides = []
    for row in sorted({round(i * last / (LOOK_AT - 1)) for i in range(LOOK_AT)} if paths else ()):
        with suppress(UnreadableImageError, OSError):
            sides.append(max(read_image_size(paths[row])))
    return int(np.median(sides)) if sides else None
