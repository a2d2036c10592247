"""The training loop: one for all methods, resumable after any epoch."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from mixednoise.errors import RunError, TrainingError
from mixednoise.evaluation.metrics import classification_metrics
from mixednoise.evaluation.separation_metrics import separation_metrics
from mixednoise.io import write_csv
from mixednoise.methods.base import (
    Batch,
    Ensemble,
    EpochReport,
    FloatArray,
    Method,
    Scores,
)
from mixednoise.methods.config import TrainingConfig
from mixednoise.models import Network, load_networks, save_networks
from mixednoise.progress import Progress
from mixednoise.training.batches import derived_seed, epoch_batches, prefetched
from mixednoise.training.checkpoint import load_checkpoint, save_checkpoint
from mixednoise.training.data import Part, TrainingData
from mixednoise.training.guard import Guard
from mixednoise.training.scoring import Evaluator

HISTORY_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "qwk")
BEST_WEIGHTS = "best.safetensors"
FINITE_CHECK_EVERY = 16


@dataclass
class LoopState:
    """What a checkpoint holds besides weights and optimiser.

    Attributes:
        epoch: epochs finished.
        history: one row per epoch.
        separation: one row per epoch, network and class.
        best_value: best validation metric so far.
        best_epoch: 0-based epoch of it, -1 before the first.
        seconds: time spent training so far.
    """

    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    separation: list[dict[str, Any]] = field(default_factory=list)
    best_value: float = -math.inf
    best_epoch: int = -1
    seconds: float = 0.0


class Loop:
    """Trains the networks of one method.

    Args:
        fabric: devices, precision, processes.
        method: losses, groups, targets.
        members: its networks, on the CPU.
        data: what is learned.
        run: run folder; None keeps everything in memory (no resume).
        progress: bars and lines.
        select_by: validation metric that chooses the best epoch.
    """

    def __init__(
        self,
        fabric: Any,
        method: Method[Any],
        members: list[Network],
        data: TrainingData,
        *,
        run: Path | None,
        progress: Progress,
        select_by: str,
    ) -> None:
        self.fabric, self.method, self.data, self.run = fabric, method, data, run
        self.progress, self.select_by = progress, select_by
        self.config: TrainingConfig = method.config
        self.ensemble = Ensemble(members).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.optimizer = _optimizer(self.config, self.ensemble)
        module, self._optimizer = fabric.setup(self.ensemble, self.optimizer)
        method.attach(module)
        self.module = module
        self.evaluator = Evaluator(fabric, self.ensemble, data.pixels)
        self.guard = Guard(data.class_names, select_by)
        self.state = LoopState()
        self._best: dict[str, Tensor] | None = None

    # ---- the run -------------------------------------------------------------------------------

    def fit(self) -> None:
        """Train from wherever the state is to the last epoch."""
        while self.state.epoch < self.config.epochs:
            start = time.perf_counter()
            row, separation, warnings = self._epoch(self.state.epoch)
            self.state.seconds += time.perf_counter() - start
            row["seconds"] = time.perf_counter() - start
            self.state.history.append(row)
            self.state.separation.extend(separation)
            self.state.epoch += 1
            self._keep()
            self.progress.message(self._line(row))
            for warning in warnings:
                self.progress.warning(warning)

    def _epoch(self, epoch: int) -> tuple[dict[str, Any], list[dict[str, Any]], list[str]]:
        config, rank = self.config, self.fabric.global_rank
        warming_up = epoch < self.method.warmup_epochs
        torch.manual_seed(derived_seed(config.seed, epoch, rank, 1))
        generator = torch.Generator().manual_seed(derived_seed(config.seed, epoch, rank, 2))

        report = self.method.begin_epoch(epoch, lambda: self.score(f"epoch {epoch + 1} scoring"))
        losses, lr = self._train(epoch, warming_up, generator)
        self._same_buffers()

        row: dict[str, Any] = {"epoch": epoch + 1, "phase": "warmup" if warming_up else "main"}
        row |= {"lr": lr, **losses, **report.numbers}
        row |= self.separation_metrics(report)
        warnings = [f"epoch {epoch + 1}: {line}" for line in report.warnings]
        if len(self.data.val):
            metrics, probabilities = self.validate(self.data.val)
            row |= {f"val_{name}": metrics[name] for name in HISTORY_METRICS}
            value = float(metrics[self.select_by])
            warnings += self.guard.look(
                epoch,
                warming_up=warming_up,
                labels=self.data.val.labels,
                probabilities=probabilities,
                value=value,
            )
            if value > self.state.best_value:
                self.state.best_value, self.state.best_epoch = value, epoch
                self._keep_best()
        return row, [{"epoch": epoch + 1, **r} for r in report.rows], warnings

    def _train(
        self, epoch: int, warming_up: bool, generator: torch.Generator
    ) -> tuple[dict[str, float], float]:
        """All steps of one epoch; mean of every loss part, and the learning rate at its end."""
        config, fabric = self.config, self.fabric
        batches = epoch_batches(
            len(self.data.train),
            config.batch_size,
            seed=config.seed,
            epoch=epoch,
            rank=fabric.global_rank,
            world=fabric.world_size,
        )
        labels = torch.from_numpy(self.data.train.labels)
        step = self.method.warmup_step if warming_up else self.method.step
        self.module.train()
        totals: dict[str, Tensor] = {}
        lr = config.lr
        stream = prefetched(self.data.pixels, batches, self.data.train.store_rows, fabric.device)
        name = f"epoch {epoch + 1}/{config.epochs}" + (" warm-up" if warming_up else "")
        for number, (rows, images) in enumerate(
            self.progress.track(stream, name, total=len(batches))
        ):
            lr = learning_rate(config, epoch, number, len(batches))
            for group in self.optimizer.param_groups:
                group["lr"] = lr
            index = torch.from_numpy(rows)
            batch = Batch(images, labels[index].to(fabric.device), index, generator)
            parts = step(batch)
            self._optimizer.zero_grad(set_to_none=True)
            fabric.backward(parts["loss"])
            if config.gradient_clip > 0:
                for member in self.ensemble.members:
                    torch.nn.utils.clip_grad_norm_(member.parameters(), config.gradient_clip)
            self._optimizer.step()
            for part, value in parts.items():
                value = value.detach()
                totals[part] = totals[part] + value if part in totals else value
            if number % FINITE_CHECK_EVERY == 0 or number == len(batches) - 1:
                self._must_be_finite(totals["loss"], epoch)
        return {part: float(value) / len(batches) for part, value in totals.items()}, lr

    def _must_be_finite(self, total: Tensor, epoch: int) -> None:
        # Every process must come to the same conclusion, or the others would wait for ever.
        if self.fabric.world_size > 1:
            total = self.fabric.all_reduce(total.clone(), reduce_op="sum")
        if not torch.isfinite(total):
            raise TrainingError(
                f"the loss is no longer a number in epoch {epoch + 1}",
                expected="a finite loss",
                found=str(float(total)),
                fix=f"try a smaller --lr (now {self.config.lr:g})"
                + ("" if self.config.precision == "32" else ", or --precision 32")
                + "; the checkpoint of the epoch before is whole",
            )

    def _same_buffers(self) -> None:
        """Batch statistics of process 0 for all: verdicts must not depend on the process."""
        if self.fabric.world_size > 1:
            for buffer in self.ensemble.buffers():
                buffer.copy_(self.fabric.broadcast(buffer, src=0))

    # ---- looking -------------------------------------------------------------------------------

    def score(self, description: str = "scoring") -> Scores:
        """Scores of the training samples with the networks as they are."""
        return self.evaluator.scores(
            self.data.train.store_rows,
            self.data.train.labels,
            lambda items, _, total: self.progress.track(items, description, total=total),
        )

    def validate(self, part: Part) -> tuple[dict[str, Any], FloatArray]:
        """Metrics and probabilities of one split, against its given labels."""
        probabilities = self.evaluator.probabilities(part.store_rows, len(self.data.class_names))
        metrics = classification_metrics(part.labels, probabilities, ordinal=self.data.ordinal)
        return metrics, probabilities

    def separation_metrics(self, report: EpochReport) -> dict[str, float]:
        """How well the groups were found, where the truth is known."""
        if report.p is None or self.data.noise_group is None:
            return {}
        found = separation_metrics(np.asarray(self.data.noise_group), report.p)
        return {key: found[key] for key in ("correct_auroc", "mis_l_auroc")}

    def _line(self, row: dict[str, Any]) -> str:
        parts = [f"epoch {row['epoch']:>3}/{self.config.epochs}", f"{row['phase']:<6}"]
        parts.append(f"loss {row['loss']:.3f}")
        value = row.get(f"val_{self.select_by}")
        if value is not None:
            parts.append(f"val {self.select_by} {value:.3f}")
        if "size_correct" in row:
            sizes = " ".join(f"{g} {row[f'size_{g}']:.0f}" for g in ("correct", "mis_h", "mis_l"))
            parts.append(sizes)
        if row.get("correct_auroc") is not None:
            parts.append(f"auroc {row['correct_auroc']:.2f}/{row['mis_l_auroc']:.2f}")
        parts.append(f"{row['seconds']:.0f} s")
        return "  ".join(parts)

    # ---- keeping -------------------------------------------------------------------------------

    def _keep(self) -> None:
        """History and checkpoint of the epoch that has just ended."""
        if self.run is None or self.fabric.global_rank != 0:
            return
        write_csv(self.run / "history.csv", pd.DataFrame(self.state.history))
        if self.state.separation:
            write_csv(self.run / "separation.csv", pd.DataFrame(self.state.separation))
        save_checkpoint(
            self.run / "checkpoints",
            {
                "fingerprint": self.data.fingerprint,
                "networks": self.ensemble.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "method": self.method.state_dict(),
                "guard": self.guard.state_dict(),
                "loop": vars(self.state),
            },
        )

    def _keep_best(self) -> None:
        """Weights of the best epoch: in the run folder, or in memory where there is none."""
        if self.run is not None:
            if self.fabric.global_rank == 0:
                save_networks(self.run / "checkpoints" / BEST_WEIGHTS, list(self.ensemble.members))
            return
        self._best = {k: v.detach().clone() for k, v in self.ensemble.state_dict().items()}

    def load_best(self) -> bool:
        """Put the best epoch's weights into the networks; False when there is none."""
        if self.state.best_epoch < 0:
            return False
        if self.run is not None:
            self.fabric.barrier()
            best, _ = load_networks(self.run / "checkpoints" / BEST_WEIGHTS)
            for member, kept in zip(self.ensemble.members, best, strict=True):
                member.load_state_dict(kept.state_dict())
        elif self._best is not None:
            self.ensemble.load_state_dict(self._best)
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
        if checkpoint["fingerprint"] != self.data.fingerprint:
            raise RunError(
                f"{self.run} was trained on other data",
                expected="the same images, labels and splits as when the run started",
                found="a data set that has changed since",
                fix="restore the data, or start anew with another --out",
            )
        self.ensemble.load_state_dict(checkpoint["networks"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
        self.method.load_state_dict(checkpoint["method"])
        self.guard.load_state_dict(checkpoint["guard"])
        self.state = LoopState(**checkpoint["loop"])
        return True


def learning_rate(config: TrainingConfig, epoch: int, step: int, steps: int) -> float:
    """Learning rate of one step: linear rise over the first epoch, then cosine to 0 or constant.

    A function of the step alone, so that a resumed run needs no scheduler state.
    """
    done = epoch * steps + step
    if done < steps:
        return config.lr * (done + 1) / steps
    if config.schedule == "constant":
        return config.lr
    rest = max(1, config.epochs * steps - steps)
    return config.lr * 0.5 * (1 + math.cos(math.pi * (done - steps) / rest))


def _optimizer(config: TrainingConfig, ensemble: Ensemble) -> torch.optim.Optimizer:
    """AdamW or SGD; norms and biases are not decayed."""
    decayed = [p for p in ensemble.parameters() if p.ndim > 1]
    free = [p for p in ensemble.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [
        {"params": decayed, "weight_decay": config.weight_decay},
        {"params": free, "weight_decay": 0.0},
    ]
    if config.optimizer == "sgd":
        return torch.optim.SGD(groups, lr=config.lr, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(groups, lr=config.lr, fused=True)
