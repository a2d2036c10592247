"""Methods whose networks learn side by side, each from a loss per sample, and are averaged."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal, TypeVar

import torch
from pydantic import Field
from torch import Tensor

from mixednoise.data.augment import weak_view
from mixednoise.methods.base import Batch, Context, EpochReport, Method, Scorer, Scores
from mixednoise.methods.config import AveragedConfig
from mixednoise.separation import SeparationSettings, separate, tempered


class IndependentConfig(AveragedConfig):
    """Options of these methods."""

    networks: Literal[1, 2] = Field(
        2, description="networks whose predictions are averaged; QMix has two"
    )
    separation: SeparationSettings = Field(
        default_factory=SeparationSettings,
        description="how the final table tells correct, mis_h and mis_l apart",
    )


ConfigT = TypeVar("ConfigT", bound=IndependentConfig)


class IndependentNetworks(Method[ConfigT]):
    """One or two networks that share nothing but the batch; subclasses give the loss."""

    def __init__(self, config: ConfigT, context: Context) -> None:
        super().__init__(config, context)
        self.num_networks = config.networks
        self.views = config.views.fitted_to(context.image_size)

    @abstractmethod
    def losses(self, logits: Tensor, batch: Batch, network: int) -> Tensor:
        """Loss per sample (B,) of one network: float32 logits (B, C) of weak views."""

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Mean loss of weak views, summed over the networks (they share no parameter)."""
        images = weak_view(batch.images, batch.generator, self.views)
        losses = [
            self.losses(logits.float(), batch, network).mean()
            for network, logits in enumerate(self.networks(images))
        ]
        return {"loss": torch.stack(losses).sum()}

    def assess(self, score: Scorer) -> EpochReport:
        """Separate the training samples by the mean loss and entropy of the final networks."""
        return separated(score(), self.context, self.config.separation)


def separated(scores: Scores, context: Context, settings: SeparationSettings) -> EpochReport:
    """The three groups by the networks' mean loss and entropy."""
    result = separate(
        scores.loss.mean(axis=0),
        scores.entropy.mean(axis=0),
        context.labels,
        context.num_classes,
        settings,
        unusual=scores.unusual,
    )
    p = tempered(result.p, settings.verdict_temperature)
    return EpochReport(p=p, loss=result.loss, entropy=result.entropy)
