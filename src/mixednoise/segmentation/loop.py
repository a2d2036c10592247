"""The training of segmenters: teachers, students and baselines alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from mixednoise.methods.config import LearningConfig
from mixednoise.models.segmenters import Segmenter, load_segmenter, save_segmenter
from mixednoise.progress import Progress
from mixednoise.segmentation.learner import Learner, Windows
from mixednoise.segmentation.learning_set import LearningSet
from mixednoise.training.batches import ahead, epoch_batches
from mixednoise.training.epochs import Epoch, EpochLoop


class SegmentationLoop(EpochLoop):
    """Trains one segmenter.

    Args:
        fabric: devices, precision, processes.
        learner: network and loss, on the CPU.
        data: what it learns from.
        config: epochs, optimiser, schedule, seed.
        run: folder of the checkpoints and the history; None keeps everything in memory.
        progress: bars and lines.
        fingerprint: tells whether a resumed run sees the same data.
        name: what is trained, for the lines.
        validate: mean foreground Dice of the validation cases, given the segmenter; None = there
            are no such cases.
        validate_every: epochs from one validation to the next; the last epoch has one always.
        average: share of the old weights in the running mean over epochs that is validated and kept
            as the best, in place of the weights of single epochs; None = these.
    """

    def __init__(
        self,
        fabric: Any,
        learner: Learner,
        data: LearningSet,
        config: LearningConfig,
        *,
        run: Path | None,
        progress: Progress,
        fingerprint: str,
        name: str = "",
        validate: Callable[[Segmenter], float] | None = None,
        validate_every: int = 1,
        average: float | None = None,
    ) -> None:
        super().__init__(
            fabric, learner, config, run=run, progress=progress, fingerprint=fingerprint
        )
        self.segmenter, self.data, self.name, self.validate = (
            learner.segmenter,
            data,
            name,
            validate,
        )
        self.validate_every = validate_every
        self.averaged = (
            None
            if average is None
            else AveragedModel(
                self.segmenter,
                multi_avg_fn=get_ema_multi_avg_fn(average),  # type: ignore[no-untyped-call]
                use_buffers=True,
            )
        )

    def train_epoch(self, epoch: int, generator: torch.Generator) -> Epoch:
        """One window of every image (or slice), then the validation cases."""
        config, fabric = self.config, self.fabric
        batches = epoch_batches(
            len(self.data),
            config.batch_size,
            seed=config.seed,
            epoch=epoch,
            rank=fabric.global_rank,
            world=fabric.world_size,
        )

        def windows() -> Iterator[Windows]:
            def load(number: int) -> Any:
                place = (config.seed, epoch, fabric.global_rank, number)
                return self.data.load(batches[number], place)

            for number, loaded in enumerate(ahead(load, len(batches))):
                yield self.data.windows(batches[number], loaded, fabric.device, generator)

        def step(batch: Windows) -> dict[str, Tensor]:
            parts: dict[str, Tensor] = self.module(batch)
            return parts

        note = f" {self.name}" if self.name else ""
        losses, lr = self.steps(epoch, windows(), len(batches), step, note)
        row: dict[str, Any] = {"epoch": epoch + 1, "lr": lr, **losses}
        if self.averaged is not None:
            self.averaged.update_parameters(self.segmenter)
        value = None
        due = (epoch + 1) % self.validate_every == 0 or epoch + 1 == config.epochs
        if self.validate is not None and due:
            value = row["val_dice"] = self.validate(self.judged)
        return Epoch(row, value)

    @property
    def judged(self) -> Segmenter:
        """The segmenter that is validated and kept as the best: with averaged weights, or not."""
        return self.segmenter if self.averaged is None else cast("Segmenter", self.averaged.module)

    def line(self, row: dict[str, Any]) -> str:
        """Loss and validation Dice."""
        parts = [f"{self.name:<10}"] if self.name else []
        parts.append(f"loss {row['loss']:.3f}")
        if "val_dice" in row:
            parts.append(f"val dice {row['val_dice']:.3f}")
        return "  ".join(parts)

    def save_weights(self, path: Path) -> None:
        """The segmenter; a second network is for training alone."""
        save_segmenter(path, self.judged)

    def load_weights(self, path: Path) -> None:
        """Take it back."""
        kept, _ = load_segmenter(path)
        self.segmenter.load_state_dict(kept.state_dict())

    def extra_state(self) -> dict[str, Any]:
        """The averaged weights."""
        return {} if self.averaged is None else {"averaged": self.averaged.state_dict()}

    def load_extra_state(self, state: dict[str, Any]) -> None:
        """Take them back."""
        if self.averaged is not None:
            self.averaged.load_state_dict(state["averaged"])
