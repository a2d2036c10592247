"""Generalised cross-entropy (Zhang & Sabuncu, NeurIPS 2018): between cross-entropy and 1 - p."""

from __future__ import annotations

from typing import ClassVar

import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from mixednoise.methods.base import Batch
from mixednoise.methods.independent import IndependentConfig, IndependentNetworks
from mixednoise.methods.losses import generalized_cross_entropy


class GeneralizedCrossEntropyConfig(IndependentConfig):
    """Options of generalised cross-entropy."""

    q: float = Field(0.7, gt=0, le=1, description="towards 0 cross-entropy, 1 = 1 - p; paper: 0.7")


class GeneralizedCrossEntropyMethod(IndependentNetworks[GeneralizedCrossEntropyConfig]):
    """L_q = (1 - p_y^q) / q (Eq. 6): samples that look wrong get less weight."""

    name: ClassVar[str] = "gce"
    Config = GeneralizedCrossEntropyConfig

    def losses(self, logits: Tensor, batch: Batch, network: int) -> Tensor:
        """(1 - p_y^q) / q."""
        target = F.one_hot(batch.labels, self.context.num_classes).to(logits.dtype)
        return generalized_cross_entropy(logits, target, self.config.q)
