"""ELR, early-learning regularisation (Liu et al., NeurIPS 2020).

Networks learn what is right before they learn the mistakes by heart. A running mean of the early
predictions for every sample holds them there. The single-network method of the paper (ELR, not
ELR+); two such networks are averaged, as everywhere here.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from mixednoise.methods.base import Batch, Context
from mixednoise.methods.config import NonNegative
from mixednoise.methods.independent import IndependentConfig, IndependentNetworks


class EarlyLearningConfig(IndependentConfig):
    """Options of ELR."""

    lambda_elr: NonNegative = Field(
        3.0, description="lambda: weight of the regulariser; paper: 3 on CIFAR-10, 7 on CIFAR-100"
    )
    target_momentum: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.7, description="beta: share of the earlier mean prediction; paper: 0.7 and 0.9"
    )


class EarlyLearningMethod(IndependentNetworks[EarlyLearningConfig]):
    """Cross-entropy + lambda log(1 - <t, p>), t the running mean of p (Eq. 6, 9)."""

    name: ClassVar[str] = "elr"
    Config = EarlyLearningConfig

    def __init__(self, config: EarlyLearningConfig, context: Context) -> None:
        super().__init__(config, context)
        # t of every network for every training sample, (M, N, C).
        self._targets = torch.zeros(self.num_networks, len(context.labels), context.num_classes)

    def losses(self, logits: Tensor, batch: Batch, network: int) -> Tensor:
        """The running mean is moved first, and gets no gradient."""
        p = torch.softmax(logits, dim=1).clamp(1e-4, 1 - 1e-4)
        target = self._moved(network, batch, p.detach())
        plain = F.cross_entropy(logits, batch.labels, reduction="none")
        return plain + self.config.lambda_elr * torch.log1p(-(target * p).sum(dim=1))

    def _moved(self, network: int, batch: Batch, p: Tensor) -> Tensor:
        """Move the targets of the batch (and of the other processes' batches); give the batch's."""
        rows = self._gather(batch.rows.to(p.device)).cpu()
        seen = self._gather(p / p.sum(dim=1, keepdim=True)).cpu()
        keep = self.config.target_momentum
        self._targets[network, rows] = keep * self._targets[network, rows] + (1 - keep) * seen
        return self._targets[network, batch.rows].to(p.device)

    def state_dict(self) -> dict[str, Any]:
        """The running means."""
        return {"targets": self._targets}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them back."""
        self._targets = state["targets"]
