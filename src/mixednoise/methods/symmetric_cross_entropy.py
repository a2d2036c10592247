"""Symmetric cross-entropy (Wang et al., ICCV 2019): cross-entropy, and the same turned round."""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from mixednoise.methods.base import Batch
from mixednoise.methods.config import NonNegative
from mixednoise.methods.independent import IndependentConfig, IndependentNetworks


class SymmetricCrossEntropyConfig(IndependentConfig):
    """Options of symmetric cross-entropy."""

    alpha: NonNegative = Field(0.1, description="weight of cross-entropy; paper: 0.1 on CIFAR-10")
    beta: NonNegative = Field(1.0, description="weight of reverse cross-entropy; paper: 1")
    log_zero: float = Field(-4.0, lt=0, description="A: what log 0 counts as; paper: -4")


class SymmetricCrossEntropyMethod(IndependentNetworks[SymmetricCrossEntropyConfig]):
    """alpha H(y, p) + beta H(p, y) (Eq. 7, 8)."""

    name: ClassVar[str] = "sce"
    Config = SymmetricCrossEntropyConfig

    def losses(self, logits: Tensor, batch: Batch, network: int) -> Tensor:
        """Reverse: -sum_k p_k log y_k = -A (1 - p_y), log y being 0 for the label, else A."""
        plain = F.cross_entropy(logits, batch.labels, reduction="none")
        p = torch.softmax(logits, dim=1).gather(1, batch.labels[:, None])[:, 0]
        return self.config.alpha * plain - self.config.beta * self.config.log_zero * (1 - p)
