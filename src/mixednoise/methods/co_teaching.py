"""Co-teaching (Han et al., NeurIPS 2018): each network picks the samples that the other learns."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from mixednoise.data.augment import weak_view
from mixednoise.methods.base import Batch, Context, EpochReport, Method, Scorer
from mixednoise.methods.config import Share, TrainingConfig
from mixednoise.methods.independent import separated
from mixednoise.methods.looks import Looks
from mixednoise.separation import SeparationSettings


class CoTeachingConfig(TrainingConfig):
    """Options of co-teaching."""

    noise_rate: Annotated[float, Field(ge=0, lt=1)] | Literal["auto"] = Field(
        "auto",
        description="tau: share of the samples that is left out in the end; auto = estimated by "
        "the confident joint [ours]; the paper takes it for known",
    )
    ramp_epochs: int = Field(
        10, ge=1, description="T_k: epochs in which the share left out grows from 0"
    )
    largest_noise_rate: Share = Field(0.8, description="[ours] limit of an estimated noise_rate")
    separation: SeparationSettings = Field(
        default_factory=SeparationSettings,
        description="how the final table tells correct, mis_h and mis_l apart",
    )


class CoTeachingMethod(Method[CoTeachingConfig]):
    """Two networks; each learns the samples of a batch with the smallest losses of its peer."""

    name: ClassVar[str] = "co_teaching"
    Config = CoTeachingConfig
    num_networks = 2

    def __init__(self, config: CoTeachingConfig, context: Context) -> None:
        super().__init__(config, context)
        self.views = config.views.fitted_to(context.image_size)
        self.looks = Looks(context.labels, context.num_classes, memory=0.8)
        self._left_out = 0.0

    def begin_epoch(self, epoch: int, score: Scorer) -> EpochReport:
        """1 - R(T) = tau min(T / T_k, 1), T epochs being done (Algorithm 1, line 10)."""
        self._left_out = self._noise_rate() * min(epoch / self.config.ramp_epochs, 1.0)
        return EpochReport(numbers={"left_out": self._left_out})

    def _noise_rate(self) -> float:
        if self.config.noise_rate != "auto":
            return self.config.noise_rate
        shares = self.looks.wrong_shares()
        return min(float(shares[self.context.labels].mean()), self.config.largest_noise_rate)

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Exchange of the small losses (lines 4 to 7), at least one sample each."""
        images = weak_view(batch.images, batch.generator, self.views)
        outputs = [logits.float() for logits in self.networks(images)]
        losses = torch.stack(
            [F.cross_entropy(logits, batch.labels, reduction="none") for logits in outputs]
        )
        kept = max(1, round((1 - self._left_out) * len(batch.labels)))
        chosen_by_peer = losses.detach().argsort(dim=1)[:, :kept].flip(0)
        with torch.no_grad():
            p = torch.stack([torch.softmax(logits, dim=1) for logits in outputs]).mean(0)
            self.looks.add(self._gather(batch.rows.to(p.device)), self._gather(p))
        return {"loss": losses.gather(1, chosen_by_peer).mean(dim=1).sum()}

    def assess(self, score: Scorer) -> EpochReport:
        """Separate the training samples by the mean loss and entropy of the final networks."""
        return separated(score(), self.context, self.config.separation)

    def state_dict(self) -> dict[str, Any]:
        """What was predicted so far."""
        return {"looks": self.looks.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it back."""
        self.looks.load_state_dict(state["looks"])
