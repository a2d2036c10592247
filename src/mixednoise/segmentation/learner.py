"""What one training step computes: a batch of windows in, the losses out.

A module, so that precision and several processes wrap network and loss in one place.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from mixednoise.models.normalisation import Statistics
from mixednoise.models.segmenters import Segmenter
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.losses import LossKind, segmentation_loss
from mixednoise.segmentation.pick_and_learn import QualityNetwork, pick_and_learn_loss
from mixednoise.segmentation.targets import TargetMode, make_targets


@dataclass
class Windows:  # not frozen: Fabric rebuilds it in the dtype of its precision
    """A batch of windows, all cut and moved alike.

    Attributes:
        images: raw intensities, float (B, C, *P).
        statistics: mean and deviation (B, C) of the whole images, or None.
        mask: given class, uint8 (B, *P), IGNORE where there is none.
        flagged: suspected pixels, bool (B, *P), or None where nobody has judged.
        proposed: class uint8 (B, *P) or probabilities float (B, K, *P) for suspected pixels.
    """

    images: Tensor
    statistics: Statistics | None
    mask: Tensor
    flagged: Tensor | None = None
    proposed: Tensor | None = None


class MaskLearner(nn.Module):
    """A segmenter and what it learns from masks with suspected pixels.

    Args:
        segmenter: the network that is wanted.
        mode: what is done with suspected pixels.
        epsilon: strength of that.
        loss: ``ce`` or ``dice_ce``.
    """

    def __init__(
        self, segmenter: Segmenter, *, mode: TargetMode, epsilon: float, loss: LossKind
    ) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.mode, self.epsilon, self.loss = mode, epsilon, loss

    def forward(self, batch: Windows) -> dict[str, Tensor]:
        """Losses of one batch."""
        images = self.segmenter.normaliser(batch.images, batch.statistics)
        targets = make_targets(
            batch.mask,
            batch.flagged,
            batch.proposed,
            num_classes=self.segmenter.num_classes,
            mode=self.mode,
            epsilon=self.epsilon,
        )
        return {"loss": segmentation_loss(self.segmenter.network(images), targets, self.loss)}


class PickAndLearnLearner(nn.Module):
    """A segmenter, and a second network that weighs the masks of a batch (a baseline).

    Args:
        segmenter: the network that is wanted.
        width: of the second network, 1 = as published.
    """

    def __init__(self, segmenter: Segmenter, *, width: float = 1.0) -> None:
        super().__init__()
        self.segmenter = segmenter
        self.quality = QualityNetwork(
            segmenter.in_channels,
            segmenter.num_classes,
            spatial_dims=segmenter.spatial_dims,
            width=width,
        )

    def forward(self, batch: Windows) -> dict[str, Tensor]:
        """Losses of one batch, and the largest weight of an image in it."""
        images = self.segmenter.normaliser(batch.images, batch.statistics)
        targets = make_targets(batch.mask, num_classes=self.segmenter.num_classes, mode="noisy")
        weights = self.quality(images, batch.mask)
        loss = pick_and_learn_loss(self.segmenter.network(images), targets, weights)
        return {"loss": loss, "largest_weight": weights.max()}


Learner = MaskLearner | PickAndLearnLearner


def make_learner(segmenter: Segmenter, config: SegmentationConfig) -> Learner:
    """The learner that a student's configuration asks for."""
    if config.method == "pick_and_learn":
        return PickAndLearnLearner(segmenter, width=config.quality_width)
    mode: TargetMode = config.targets if config.method == "confident" else "noisy"
    return MaskLearner(segmenter, mode=mode, epsilon=config.epsilon, loss=config.loss)
