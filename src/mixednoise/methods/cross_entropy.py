"""Plain cross-entropy: the method that every robust one must beat.

``cross_entropy`` averages two networks, because QMix averages two: a comparison with one network
would credit the method with what averaging wins. ``cross_entropy_single`` is the single network.
"""

from __future__ import annotations

from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from mixednoise.data.augment import weak_view
from mixednoise.methods.base import Batch, Context, EpochReport, Method, Scorer
from mixednoise.methods.config import TrainingConfig
from mixednoise.separation import SeparationSettings, separate


class CrossEntropyConfig(TrainingConfig):
    """Options of plain cross-entropy."""

    label_smoothing: float = Field(0.0, ge=0, lt=1, description="share given to all classes")
    separation: SeparationSettings = Field(
        default_factory=SeparationSettings,
        description="how the final table tells correct, mis_h and mis_l apart",
    )


class CrossEntropyMethod(Method[CrossEntropyConfig]):
    """Two independent networks on the given labels; the prediction is the mean of their softmax."""

    name: ClassVar[str] = "cross_entropy"
    Config = CrossEntropyConfig
    num_networks = 2

    def __init__(self, config: CrossEntropyConfig, context: Context) -> None:
        super().__init__(config, context)
        self.views = config.views.fitted_to(context.image_size)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of weak views, summed over the networks (they share no parameter)."""
        images = weak_view(batch.images, batch.generator, self.views)
        losses = [
            F.cross_entropy(logits, batch.labels, label_smoothing=self.config.label_smoothing)
            for logits in self.networks(images)
        ]
        total = torch.stack(losses).sum()
        return {"loss": total}

    def assess(self, score: Scorer) -> EpochReport:
        """Separate the training samples by the mean loss and entropy of the final networks."""
        scores = score()
        result = separate(
            scores.loss.mean(axis=0),
            scores.entropy.mean(axis=0),
            self.context.labels,
            self.context.num_classes,
            self.config.separation,
        )
        return EpochReport(p=result.p, loss=result.loss, entropy=result.entropy)


class CrossEntropySingleMethod(CrossEntropyMethod):
    """One network on the given labels."""

    name: ClassVar[str] = "cross_entropy_single"
    num_networks = 1
