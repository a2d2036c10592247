"""What every stage works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from mixednoise.models.normalisation import Normalisation
from mixednoise.models.output_bias import set_output_bias
from mixednoise.models.segmenters import Segmenter, build_segmenter
from mixednoise.progress import Progress
from mixednoise.segmentation.cases import CaseStore
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.folds import Folds
from mixednoise.segmentation.inference import Predictor, make_predictor
from mixednoise.segmentation.learning_set import LearningSet
from mixednoise.segmentation.prepare import PreparedCases
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.training.batches import derived_seed

IntArray = np.ndarray[Any, np.dtype[np.int64]]
#: Maps of what teachers say, by name: see :class:`LearningSet`.
Judged = dict[str, Callable[[int], Any]]


@dataclass(frozen=True)
class Stage:
    """A run on its way.

    Attributes:
        run: where everything is left.
        prepared: cases, pixels, splits.
        config: options, ``auto`` resolved.
        fabric: devices, precision, processes.
        progress: bars and lines.
        folds: of the training cases, in the order of ``prepared.rows("train")``.
        judgement: the run whose teachers, probabilities and error maps are used; another one than
            ``run`` where students are compared.
        rounds: of the teachers: as many as there were, or may be.
        round_: one of these; None = the last one.
    """

    run: SegmentationRun
    prepared: PreparedCases
    config: SegmentationConfig
    fabric: Any
    progress: Progress
    folds: Folds | None = None
    judgement: SegmentationRun | None = None
    rounds: int = 1
    round_: int | None = None

    @property
    def judged_in(self) -> SegmentationRun:
        """Where teachers and error maps are."""
        return self.judgement or self.run

    @property
    def made_folds(self) -> Folds:
        """Of the training cases, once they are made.

        Raises:
            RuntimeError: they aren't.
        """
        if self.folds is None:
            raise RuntimeError("make the folds first")
        return self.folds

    @property
    def number(self) -> int:
        """Of the round, 0-based."""
        return self.rounds - 1 if self.round_ is None else self.round_

    @property
    def probabilities(self) -> Path:
        """NAME.npy: what a teacher that never saw the case says, float16 (K, *S)."""
        return self.judged_in.of_round("probabilities", self.number, self.rounds)

    @property
    def error_maps(self) -> Path:
        """Suspected pixels per case, ``images.csv``, ``summary.json``."""
        return self.judged_in.of_round("error_maps", self.number, self.rounds)

    def teacher(self, fold: int) -> Path:
        """The network that judges a fold in this round."""
        return self.judged_in.teacher(fold, self.number)

    @property
    def store(self) -> CaseStore:
        """Decoded images and masks."""
        return self.prepared.store

    @property
    def train(self) -> IntArray:
        """Cases that are learned from."""
        return self.prepared.rows("train")

    @property
    def is_first(self) -> bool:
        """Whether this process writes."""
        return bool(self.fabric.global_rank == 0)

    def segmenter(self, seed: int) -> Segmenter:
        """A new network with random weights, for these images."""
        torch.manual_seed(derived_seed(self.config.seed, seed))
        first = int(self.train[0])
        segmenter = build_segmenter(
            self.config.network,
            in_channels=self.store.image(first).shape[0],
            num_classes=self.prepared.cases.num_classes,
            spatial_dims=self.config.spatial_dims,
            normalisation=self._normalisation(),
        )
        if self.config.output_bias == "prior":
            pixels = self.prepared.class_counts.sum(axis=0)
            set_output_bias(segmenter.network, (pixels / max(int(pixels.sum()), 1)).tolist())
        return segmenter

    def _normalisation(self) -> Normalisation:
        kind, rows = self.config.normalise, self.train.tolist()
        if kind == "image":
            return Normalisation.image()
        if kind == "dataset":
            means = np.stack([self.store.mean(i) for i in rows])
            squares = np.stack([self.store.std(i) ** 2 + self.store.mean(i) ** 2 for i in rows])
            mean = means.mean(axis=0)
            deviation = np.sqrt(np.maximum(squares.mean(axis=0) - mean**2, 0))
            return Normalisation.dataset(
                mean.tolist(), np.where(deviation > 0, deviation, 1).tolist()
            )
        if all(self.store.image(i).dtype == np.uint8 for i in rows[:1]):
            return Normalisation.range(0, 255)
        low = min(float(self.store.image(i).min()) for i in rows)
        high = max(float(self.store.image(i).max()) for i in rows)
        return Normalisation.range(low, high if high > low else low + 1)

    def predictor(self, segmenter: Segmenter) -> Predictor:
        """Passes whole images through a network."""
        return make_predictor(self.fabric, segmenter, self.config)

    def learning_set(self, rows: IntArray, judged: Judged | None) -> LearningSet:
        """Windows of some cases; ``judged`` as :class:`LearningSet` takes it."""
        return LearningSet(
            self.store,
            rows,
            spatial_dims=self.config.spatial_dims,
            patch_size=int(self.config.patch_size),
            settings=self.config.patches,
            judged=judged,
        )

    def metadata(self, **more: Any) -> dict[str, Any]:
        """What stands in the files of the networks."""
        from mixednoise.version import __version__

        return {
            "version": __version__,
            "class_names": list(self.prepared.cases.class_names),
            "label_values": list(self.prepared.cases.label_values),
            "options": self.config.model_dump(mode="json"),
            **more,
        }
