"""DivideMix (Li, Socher & Hoi, ICLR 2020): labels that look clean are learned, the others guessed.

Two networks divide the training samples for each other by a mixture of two Gaussians on the loss;
what one takes for clean the other learns with refined labels, the rest with guessed ones, all of it
mixed up (MixMatch). Here every batch is divided, instead of drawing clean and noisy samples by
separate loaders: a division may leave one side empty without harm.
"""

from __future__ import annotations

import warnings
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field, model_validator
from torch import Tensor

from mixednoise.data.augment import weak_view
from mixednoise.methods.base import Batch, Context, EpochReport, FloatArray, Method, Scorer
from mixednoise.methods.config import NonNegative, Positive, Share, TrainingConfig, fit_warmup
from mixednoise.methods.losses import (
    class_share_penalty,
    sharpen,
    soft_cross_entropy,
    squared_error,
)
from mixednoise.methods.mixing import draw_mix


class DivideMixConfig(TrainingConfig):
    """Options of DivideMix."""

    warmup_epochs: int = Field(
        8,
        ge=0,
        description="epochs of plain training; if not given, at most half of the epochs; paper: 10 "
        "or 30",
    )
    clean_threshold: Share = Field(
        0.5, description="tau: samples with a chance of being clean above this keep their label"
    )
    minimum_clean_share: Share = Field(
        0.1,
        description="[ours] share of every given class that keeps its label, the smallest losses: "
        "otherwise rare classes vanish",
    )
    loss_epochs: int = Field(
        1, ge=1, description="epochs whose losses are averaged; paper: 5 at 90 % noise"
    )
    temperature: float = Field(0.5, gt=0, le=1, description="T of sharpening")
    weak_views: int = Field(2, ge=1, le=8, description="M: views averaged into a label")
    mixup_alpha: Positive = Field(4.0, description="alpha: images are mixed by Beta(alpha, alpha)")
    lambda_u: NonNegative = Field(
        25.0, description="weight of the guessed labels; paper: 0 to 150, by the noise"
    )
    ramp_epochs: int = Field(16, ge=1, description="epochs in which lambda_u grows from 0")
    confidence_penalty: NonNegative = Field(
        0.0, description="weight of -H(p) in the warm-up; paper: 1 for asymmetric noise"
    )

    _warmup_fits = model_validator(mode="after")(fit_warmup)


class DivideMixMethod(Method[DivideMixConfig]):
    """Two networks; the division by one trains the other."""

    name: ClassVar[str] = "dividemix"
    Config = DivideMixConfig
    num_networks = 2

    def __init__(self, config: DivideMixConfig, context: Context) -> None:
        super().__init__(config, context)
        self.views = config.views.fitted_to(context.image_size)
        # The last losses of each network, and the chance of being clean made of them, (M, N).
        self._losses: list[FloatArray] = []
        self._clean: FloatArray = np.ones((self.num_networks, len(context.labels)))
        self._chosen = self._clean > 0
        self._weight_u = 0.0

    @property
    def warmup_epochs(self) -> int:
        """Epochs of plain training."""
        return self.config.warmup_epochs

    def warmup_step(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy, less confident if wished (Eq. 8)."""
        images = weak_view(batch.images, batch.generator, self.views)
        total = torch.zeros((), device=batch.images.device)
        for logits in self.networks(images):
            log_p = F.log_softmax(logits.float(), dim=1)
            negative_entropy = (log_p.exp() * log_p).sum(dim=1).mean()
            total = total + F.nll_loss(log_p, batch.labels)
            total = total + self.config.confidence_penalty * negative_entropy
        return {"loss": total}

    # ---- co-divide -----------------------------------------------------------------------------

    def begin_epoch(self, epoch: int, score: Scorer) -> EpochReport:
        """Divide the samples by each network's losses; the weight of guessed labels grows."""
        if epoch < self.warmup_epochs:
            return EpochReport()
        self._divide(score().loss)
        grown = (epoch - self.warmup_epochs) / self.config.ramp_epochs
        self._weight_u = self.config.lambda_u * min(max(grown, 0.0), 1.0)
        return self._report()

    def assess(self, score: Scorer) -> EpochReport:
        """Divide once more; ``p(mis_l)`` is 0, since DivideMix does not know of such images."""
        self._divide(score().loss)
        return self._report()

    def _divide(self, losses: FloatArray) -> None:
        self._losses = [*self._losses, losses][-self.config.loss_epochs :]
        mean = np.mean(self._losses, axis=0)
        labels = self.context.labels
        self._clean = np.stack([chance_of_clean(row) for row in mean])
        self._chosen = self._clean > self.config.clean_threshold
        for network, row in enumerate(mean):
            for label in np.unique(labels):
                rows = np.flatnonzero(labels == label)
                least = int(np.ceil(self.config.minimum_clean_share * len(rows)))
                easiest = rows[np.argsort(row[rows], kind="stable")[:least]]
                self._chosen[network, easiest] = True

    def _report(self) -> EpochReport:
        clean = self._clean.mean(axis=0)
        chosen = float(self._chosen.mean(axis=0).sum())
        numbers = {
            "size_correct": chosen,
            "size_mis_h": len(clean) - chosen,
            "size_mis_l": 0.0,
        }
        p = np.stack([clean, 1 - clean, np.zeros_like(clean)], axis=1)
        return EpochReport(p=p, numbers=numbers)

    # ---- MixMatch ------------------------------------------------------------------------------

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """L = L_x + lambda_u L_u + L_reg for both networks (Eq. 5 to 7, 12), on one mixed batch."""
        views, guesses = self._guesses(batch)
        targets, clean = zip(*(self._targets(m, batch, guesses) for m in (0, 1)), strict=True)
        mix = draw_mix(len(views), self.config.mixup_alpha, batch.generator, views.device)
        count = self.config.weak_views
        parts: dict[str, Tensor] = {}
        for logits, target, mine in zip(self.networks(mix.of(views)), targets, clean, strict=True):
            wanted = mix.of(target.repeat(count, 1))
            losses = self._parts(logits.float(), wanted, mine.repeat(count))
            for name, value in losses.items():
                parts[name] = parts[name] + value if name in parts else value
        return parts

    @torch.no_grad()
    def _guesses(self, batch: Batch) -> tuple[Tensor, list[Tensor]]:
        """M weak views (M B, 3, S, S), and each network's mean softmax over them (B, C)."""
        count = self.config.weak_views
        views = torch.cat(
            [weak_view(batch.images, batch.generator, self.views) for _ in range(count)]
        )
        outputs = [torch.softmax(logits.float(), dim=1) for logits in self.networks(views)]
        return views, [p.view(count, len(batch.labels), -1).mean(0) for p in outputs]

    @torch.no_grad()
    def _targets(self, m: int, batch: Batch, guesses: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Co-refinement (Eq. 3, 4) or co-guessing (lines 16 to 22), by the peer's division."""
        device, peer = batch.labels.device, 1 - m
        rows = batch.rows.numpy()
        w = torch.from_numpy(self._clean[peer, rows]).float().to(device)[:, None]
        clean = torch.from_numpy(self._chosen[peer, rows]).to(device)
        given = F.one_hot(batch.labels, self.context.num_classes).to(w.dtype)
        refined = w * given + (1 - w) * guesses[m]
        guessed = (guesses[m] + guesses[peer]) / 2
        target = torch.where(clean[:, None], refined, guessed)
        return sharpen(target, self.config.temperature), clean

    def _parts(self, logits: Tensor, wanted: Tensor, clean: Tensor) -> dict[str, Tensor]:
        """The losses of one network; a side without samples gives 0."""
        inside, outside = clean.to(logits.dtype), (~clean).to(logits.dtype)
        labelled = (inside * soft_cross_entropy(logits, wanted)).sum() / inside.sum().clamp_min(1)
        # The mean over samples and classes, as published.
        squares = squared_error(logits, wanted) / logits.shape[1]
        guessed = (outside * squares).sum() / outside.sum().clamp_min(1)
        uniform = torch.full_like(logits[0], 1 / logits.shape[1])
        regularizer = class_share_penalty(logits, uniform)
        return {
            "loss": labelled + self._weight_u * guessed + regularizer,
            "loss_labelled": labelled,
            "loss_guessed": guessed,
            "loss_regularizer": regularizer,
        }

    # ---- memory --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The losses of the last epochs."""
        return {"losses": self._losses}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take them back."""
        self._losses = list(state["losses"])


def chance_of_clean(losses: FloatArray) -> FloatArray:
    """Posterior of the component with the smaller mean, of two Gaussians on the scaled loss.

    Args:
        losses: per sample (N,).

    Returns:
        w, float64 (N,); ones where all losses are alike, so that nothing can be divided.
    """
    from sklearn.mixture import GaussianMixture

    low, high = float(losses.min()), float(losses.max())
    if not high - low > 1e-8:
        return np.ones(len(losses))
    scaled = ((losses - low) / (high - low))[:, None]
    # The settings of the published code; k-means starts, hence the seed.
    mixture = GaussianMixture(2, max_iter=10, tol=1e-2, reg_covar=5e-4, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # ten rounds are what is wanted, converged or not
        mixture.fit(scaled)
    chance: FloatArray = mixture.predict_proba(scaled)[:, int(mixture.means_.argmin())]
    return chance
