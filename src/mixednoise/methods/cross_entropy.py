"""Plain cross-entropy: the method that every robust one must beat.

``cross_entropy`` averages two networks, because QMix averages two: a comparison with one network
would credit the method with what averaging wins. ``cross_entropy_single`` is the single network.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from mixednoise.methods.base import Batch
from mixednoise.methods.independent import IndependentConfig, IndependentNetworks


class CrossEntropyConfig(IndependentConfig):
    """Options of plain cross-entropy."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share given to all classes")


class CrossEntropySingleConfig(CrossEntropyConfig):
    """The same with one network."""

    networks: Literal[1, 2] = Field(1, description="networks whose predictions are averaged")


class CrossEntropyMethod(IndependentNetworks[CrossEntropyConfig]):
    """Independent networks on the given labels; the prediction is the mean of their softmax."""

    name: ClassVar[str] = "cross_entropy"
    Config = CrossEntropyConfig

    def losses(self, logits: Tensor, batch: Batch, network: int) -> Tensor:
        """-log p(y)."""
        return F.cross_entropy(
            logits,
            batch.labels,
            label_smoothing=self.config.label_smoothing,
            reduction="none",
        )


class CrossEntropySingleMethod(CrossEntropyMethod):
    """One network on the given labels."""

    name: ClassVar[str] = "cross_entropy_single"
    Config = CrossEntropySingleConfig
