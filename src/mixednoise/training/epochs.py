"""What every training has in common: epochs, steps, checkpoints, history, resuming, the best epoch.

Classifiers (:mod:`.loop`) and segmenters (:mod:`mixednoise.segmentation.loop`) say what an epoch
is; nothing here knows of either.
"""

from __future__ import annotations

import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import torch
from torch import Tensor, nn

from mixednoise.errors import RunError, TrainingError
from mixednoise.io import write_csv
from mixednoise.methods.config import LearningConfig
from mixednoise.progress import Progress
from mixednoise.training.batches import derived_seed
from mixednoise.training.checkpoint import load_checkpoint, save_checkpoint

BEST_WEIGHTS = "best.safetensors"
FINITE_CHECK_EVERY = 16

T = TypeVar("T")


@dataclass
class LoopState:
    """What a checkpoint holds besides weights and optimiser.

    Attributes:
        epoch: epochs finished.
        history: one row per epoch.
        best_value: best validation metric so far.
        best_epoch: 0-based epoch of it, -1 before the first.
        seconds: time spent training so far.
    """

    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_value: float = -math.inf
    best_epoch: int = -1
    seconds: float = 0.0


@dataclass(frozen=True)
class Epoch:
    """What one epoch gave.

    Attributes:
        row: its row of ``history.csv``.
        value: validation metric that chooses the best epoch (higher is better); None = not judged.
        warnings: lines worth showing at once.
    """

    row: dict[str, Any]
    value: float | None = None
    warnings: list[str] = field(default_factory=list)


class EpochLoop(ABC):
    """Trains networks epoch by epoch; resumable after any of them.

    Args:
        fabric: devices, precision, processes.
        networks: everything that is trained, on the CPU.
        config: epochs, optimiser, schedule, seed.
        run: folder of the checkpoints and the history; None keeps everything in memory.
        progress: bars and lines.
        fingerprint: tells whether a resumed run sees the same data and settings.
    """

    def __init__(
        self,
        fabric: Any,
        networks: nn.Module,
        config: LearningConfig,
        *,
        run: Path | None,
        progress: Progress,
        fingerprint: str,
    ) -> None:
        self.fabric, self.networks, self.config = fabric, networks, config
        self.run, self.progress, self.fingerprint = run, progress, fingerprint
        self.optimizer = _optimizer(config, networks)
        self.module, self._optimizer = fabric.setup(networks, self.optimizer)
        self.state = LoopState()
        self._best: dict[str, Tensor] | None = None

    # ---- what a training says of itself --------------------------------------------------------

    @abstractmethod
    def train_epoch(self, epoch: int, generator: torch.Generator) -> Epoch:
        """Train and judge one epoch; whatever is drawn comes from ``generator``."""

    @abstractmethod
    def line(self, row: dict[str, Any]) -> str:
        """One line about a finished epoch, without its number and its time."""

    @abstractmethod
    def save_weights(self, path: Path) -> None:
        """Write the networks as they are."""

    @abstractmethod
    def load_weights(self, path: Path) -> None:
        """Take back what :meth:`save_weights` wrote."""

    def clipped(self) -> Iterable[nn.Module]:
        """The parts whose gradient norms are limited each for itself."""
        return [self.networks]

    def after_step(self) -> None:  # noqa: B027 - most have none
        """Whatever follows a step of the optimiser."""

    def extra_state(self) -> dict[str, Any]:
        """What else a checkpoint must hold: tensors, arrays and plain values."""
        return {}

    def load_extra_state(self, state: dict[str, Any]) -> None:  # noqa: B027 - most have none
        """Take back what :meth:`extra_state` gave."""

    def write_tables(self, run: Path) -> None:  # noqa: B027 - most have none
        """Write tables that stand beside ``history.csv``."""

    # ---- the run -------------------------------------------------------------------------------

    def fit(self) -> None:
        """Train from wherever the state is to the last epoch."""
        while self.state.epoch < self.config.epochs:
            epoch, start = self.state.epoch, time.perf_counter()
            torch.manual_seed(derived_seed(self.config.seed, epoch, self.fabric.global_rank, 1))
            generator = torch.Generator().manual_seed(
                derived_seed(self.config.seed, epoch, self.fabric.global_rank, 2)
            )
            done = self.train_epoch(epoch, generator)
            if done.value is not None and done.value > self.state.best_value:
                self.state.best_value, self.state.best_epoch = done.value, epoch
                self._keep_best()
            row = {**done.row, "seconds": time.perf_counter() - start}
            self.state.seconds += row["seconds"]
            self.state.history.append(row)
            self.state.epoch += 1
            self._keep()
            number = f"epoch {epoch + 1:>3}/{self.config.epochs}"
            self.progress.message(f"{number}  {self.line(row)}  {row['seconds']:.0f} s")
            for warning in done.warnings:
                self.progress.warning(warning)

    def steps(
        self,
        epoch: int,
        batches: Iterable[T],
        total: int,
        step: Callable[[T], dict[str, Tensor]],
        description: str = "",
    ) -> tuple[dict[str, float], float]:
        """Optimise over all batches of one epoch.

        Args:
            epoch: 0-based.
            batches: ``total`` of them.
            total: their number.
            step: losses of one batch: ``loss`` (minimised) and any parts worth a column.
            description: beside the bar, after the number of the epoch.

        Returns:
            Mean of every part over the steps, and the learning rate of the last step.

        Raises:
            TrainingError: the loss is no longer a number.
        """
        self.module.train()
        totals: dict[str, Tensor] = {}
        lr = self.config.lr
        name = f"epoch {epoch + 1}/{self.config.epochs}{description}"
        for number, batch in enumerate(self.progress.track(batches, name, total=total)):
            lr = learning_rate(self.config, epoch, number, total)
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            parts = step(batch)
            self._optimizer.zero_grad(set_to_none=True)
            self.fabric.backward(parts["loss"])
            if self.config.gradient_clip > 0:
                for part in self.clipped():
                    nn.utils.clip_grad_norm_(part.parameters(), self.config.gradient_clip)
            self._optimizer.step()
            self.after_step()
            for key, value in parts.items():
                value = value.detach()
                totals[key] = totals[key] + value if key in totals else value
            if number % FINITE_CHECK_EVERY == 0 or number == total - 1:
                self._must_be_finite(totals["loss"], epoch)
        self._same_buffers()
        return {key: float(value) / total for key, value in totals.items()}, lr

    def _must_be_finite(self, total: Tensor, epoch: int) -> None:
        # Every process must come to the same conclusion, or the others would wait for ever.
        if self.fabric.world_size > 1:
            total = self.fabric.all_reduce(total.clone(), reduce_op="sum")
        if not torch.isfinite(total):
            raise TrainingError(
                f"the loss is no longer a number in epoch {epoch + 1}",
                expected="a finite loss",
                found=str(float(total)),
                fix="try "
                + ("" if self.config.precision == "32" else "--precision 32, or ")
                + f"a smaller --lr (now {self.config.lr:g}); the checkpoint of the epoch before "
                "is whole",
            )

    def _same_buffers(self) -> None:
        """Batch statistics of process 0 for all: verdicts must not depend on the process."""
        if self.fabric.world_size > 1:
            for buffer in self.networks.buffers():
                buffer.copy_(self.fabric.broadcast(buffer, src=0))

    # ---- keeping -------------------------------------------------------------------------------

    def _keep(self) -> None:
        """History and checkpoint of the epoch that has just ended."""
        if self.run is None or self.fabric.global_rank != 0:
            return
        write_csv(self.run / "history.csv", pd.DataFrame(self.state.history))
        self.write_tables(self.run)
        save_checkpoint(
            self.run / "checkpoints",
            {
                "fingerprint": self.fingerprint,
                "networks": self.networks.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "loop": vars(self.state),
                "extra": self.extra_state(),
            },
        )

    def _keep_best(self) -> None:
        """Weights of the best epoch: in the run folder, or in memory where there is none."""
        if self.run is not None:
            if self.fabric.global_rank == 0:
                self.save_weights(self.run / "checkpoints" / BEST_WEIGHTS)
            return
        self._best = {k: v.detach().clone() for k, v in self.networks.state_dict().items()}

    def load_best(self) -> bool:
        """Put the best epoch's weights into the networks; False when there is none."""
        if self.state.best_epoch < 0:
            return False
        if self.run is not None:
            self.fabric.barrier()
            self.load_weights(self.run / "checkpoints" / BEST_WEIGHTS)
        elif self._best is not None:
            self.networks.load_state_dict(self._best)
        return True

    def resume(self) -> bool:
        """Take up the last checkpoint of the run folder; False when there is none.

        Raises:
            RunError: the checkpoint is damaged or of other data.
        """
        if self.run is None:
            return False
        checkpoint = load_checkpoint(self.run / "checkpoints")
        if checkpoint is None:
            return False
        if checkpoint["fingerprint"] != self.fingerprint:
            raise RunError(
                f"{self.run} was trained on other data",
                expected="the same images, labels and splits as when the run started",
                found="a data set that has changed since",
                fix="restore the data, or start anew with another --out",
            )
        self.networks.load_state_dict(checkpoint["networks"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.load_extra_state(checkpoint["extra"])
        self.state = LoopState(**checkpoint["loop"])
        return True


def learning_rate(config: LearningConfig, epoch: int, step: int, steps: int) -> float:
    """Learning rate of one step: linear rise over the first epoch, then cosine to 0 or constant.

    ``halving_cosine``: lr 2^-floor(5 e / E) (1 + cos(pi e / E)) / 2 in epoch e of E (SSCL).
    A function of the share of the run that is done, so that a resumed run needs no scheduler state,
    and that epochs may differ in their steps (sample weights).
    """
    if config.schedule == "halving_cosine":
        falling = 0.5 * (1 + math.cos(math.pi * epoch / config.epochs))
        rate: float = config.lr * 2.0 ** -(5 * epoch // config.epochs) * falling
        return rate
    done = epoch * steps + step
    if done < steps:
        return config.lr * (done + 1) / steps
    if config.schedule == "constant":
        return config.lr
    rest = max(1, config.epochs * steps - steps)
    return config.lr * 0.5 * (1 + math.cos(math.pi * (done - steps) / rest))


def _optimizer(config: LearningConfig, networks: nn.Module) -> torch.optim.Optimizer:
    """AdamW or SGD of what takes a gradient; norms and biases are not decayed unless asked for."""
    trained = [p for p in networks.parameters() if p.requires_grad]
    decayed = [p for p in trained if p.ndim > 1 or config.decay_all]
    free = [p for p in trained if p.ndim <= 1 and not config.decay_all]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.lr, momentum=0.9, nesterov=config.nesterov)
    return torch.optim.AdamW(groups, lr=config.lr, fused=True)
