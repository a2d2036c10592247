"""What a careful user does today: cross-validate, drop what confident learning suspects, retrain.

Northcutt et al., "Confident Learning", JAIR 2021; the workflow of cleanlab. Networks trained in
folds say of every sample what they think of it without having seen it; the confident joint of these
probabilities tells how many labels of each class are wrong, and the samples with the largest margin
against their label are dropped.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from mixednoise.methods.base import Batch, Context, EpochReport, Scorer
from mixednoise.methods.cross_entropy import CrossEntropyConfig, CrossEntropyMethod
from mixednoise.segmentation.labels import SampleRule
from mixednoise.separation.label_issues import find_label_issues

#: Batch normalisation needs that many samples.
FEWEST = 2


class ConfidentLearningConfig(CrossEntropyConfig):
    """Options of confident learning."""

    folds: Annotated[int, Field(ge=2)] = Field(
        5, description="networks that judge the samples they have not seen; patients stay together"
    )
    fold_epochs: Annotated[int, Field(ge=1)] | None = Field(
        None, description="epochs of each of them; none = as many as epochs"
    )
    rule: SampleRule = Field(
        "PBNR", description="which labels are dropped: PBNR (cleanlab's default), Q, both, C, ..."
    )


class ConfidentLearningMethod(CrossEntropyMethod):
    """Cross-entropy on the samples whose label is not suspected."""

    name: ClassVar[str] = "confident_learning"
    Config = ConfidentLearningConfig
    config: ConfidentLearningConfig

    @classmethod
    def folds(cls, config: CrossEntropyConfig) -> tuple[int, int] | None:
        """As the options say."""
        assert isinstance(config, ConfidentLearningConfig)  # noqa: S101 - its own Config
        return config.folds, config.fold_epochs or config.epochs

    def __init__(self, config: ConfidentLearningConfig, context: Context) -> None:
        super().__init__(config, context)
        if context.out_of_fold is None:
            raise RuntimeError("confident learning needs out-of-fold probabilities")
        wrong = find_label_issues(context.labels, context.out_of_fold, config.rule)
        self._is_kept = torch.from_numpy(~wrong)

    @property
    def dropped(self) -> int:
        """Samples that are not learned from."""
        return int((~self._is_kept).sum())

    def begin_epoch(self, epoch: int, score: Scorer) -> EpochReport:
        """Say how many samples are left out."""
        return EpochReport(numbers={"dropped": float(self.dropped)})

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Cross-entropy of what is left of the batch; nothing where that is too little."""
        kept = self._is_kept[batch.rows]
        if int(kept.sum()) < FEWEST:
            everything = super().step(batch)
            return {name: value * 0 for name, value in everything.items()}
        there = kept.to(batch.images.device)
        left = Batch(batch.images[there], batch.labels[there], batch.rows[kept], batch.generator)
        return super().step(left)
