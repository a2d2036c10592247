"""The training of classifiers: one loop for all methods."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from mixednoise.evaluation.metrics import classification_metrics
from mixednoise.evaluation.separation_metrics import separation_metrics
from mixednoise.io import write_csv
from mixednoise.methods.base import (
    Batch,
    EpochReport,
    FloatArray,
    IntArray,
    Method,
    Scores,
)
from mixednoise.models import Network, load_networks, save_networks
from mixednoise.progress import Progress
from mixednoise.quality.unusual import unusualness
from mixednoise.training.batches import epoch_batches, prefetched
from mixednoise.training.data import Part, TrainingData
from mixednoise.training.epochs import Epoch, EpochLoop
from mixednoise.training.guard import Guard
from mixednoise.training.scoring import Evaluator

HISTORY_METRICS = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "qwk")


class Loop(EpochLoop):
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
        self.method, self.data, self.select_by = method, data, select_by
        self.ensemble = method.ensemble(members)
        self.ensemble.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        super().__init__(
            fabric,
            self.ensemble,
            method.config,
            run=run,
            progress=progress,
            fingerprint=data.fingerprint,
        )
        method.attach(self.module, self._gathered)
        self.evaluator = Evaluator(fabric, self.ensemble, data.pixels)
        self.guard = Guard(data.class_names, select_by)
        self.separation: list[dict[str, Any]] = []

    # ---- the run -------------------------------------------------------------------------------

    def train_epoch(self, epoch: int, generator: torch.Generator) -> Epoch:
        """Sort the samples if the method does, train, validate."""
        warming_up = epoch < self.method.warmup_epochs
        report = self.method.begin_epoch(epoch, lambda: self.score(f"epoch {epoch + 1} scoring"))
        losses, lr = self._train(epoch, warming_up, generator)
        row: dict[str, Any] = {"epoch": epoch + 1, "phase": "warmup" if warming_up else "main"}
        row |= {"lr": lr, **losses, **report.numbers}
        row |= self.separation_metrics(report)
        self.separation.extend({"epoch": epoch + 1, **r} for r in report.rows)
        warnings = [f"epoch {epoch + 1}: {line}" for line in report.warnings]
        value = None
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
        return Epoch(row, value, warnings)

    def _train(
        self, epoch: int, warming_up: bool, generator: torch.Generator
    ) -> tuple[dict[str, float], float]:
        """All steps of one epoch; mean of every loss part, and the learning rate at its end."""
        fabric = self.fabric
        batches = epoch_batches(
            len(self.data.train),
            self.config.batch_size,
            seed=self.config.seed,
            epoch=epoch,
            rank=fabric.global_rank,
            world=fabric.world_size,
            weights=self.data.train.weights,
        )
        labels = torch.from_numpy(self.data.train.labels)
        method_step = self.method.warmup_step if warming_up else self.method.step

        def step(batch: tuple[IntArray, Tensor]) -> dict[str, Tensor]:
            rows, images = batch
            index = torch.from_numpy(rows)
            return method_step(Batch(images, labels[index].to(fabric.device), index, generator))

        stream = prefetched(self.data.pixels, batches, self.data.train.store_rows, fabric.device)
        note = " warm-up" if warming_up else ""
        return self.steps(epoch, stream, len(batches), step, note)

    def clipped(self) -> Iterable[nn.Module]:
        """Every network for itself: one must not slow the other down."""
        return self.ensemble.parts()

    def after_step(self) -> None:
        """The method's turn after a step of the optimiser."""
        self.method.after_step()

    def _gathered(self, values: Tensor) -> Tensor:
        """Rows (n, ...) of all processes, (world n, ...), the same on each."""
        if self.fabric.world_size == 1:
            return values
        everywhere: Tensor = self.fabric.all_gather(values)
        return everywhere.flatten(0, 1)

    # ---- looking -------------------------------------------------------------------------------

    def score(self, description: str = "scoring") -> Scores:
        """Scores of the training samples with the networks as they are."""
        scores = self.evaluator.scores(
            self.data.train.store_rows,
            self.data.train.labels,
            lambda items, _, total: self.progress.track(items, description, total=total),
        )
        return replace(scores, unusual=self.unusual)

    @cached_property
    def unusual(self) -> FloatArray | None:
        """How unlike the others each training image looks (N,): the same in every epoch.

        None where the method does not ask for it.
        """
        if not self.method.wants_unusual:
            return None
        rows = self.data.train.store_rows
        return unusualness(self.data.pixels, rows, progress=self.progress)

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

    def line(self, row: dict[str, Any]) -> str:
        """Phase, loss, validation metric, sizes of the groups."""
        parts = [f"{row['phase']:<6}", f"loss {row['loss']:.3f}"]
        value = row.get(f"val_{self.select_by}")
        if value is not None:
            parts.append(f"val {self.select_by} {value:.3f}")
        if "size_correct" in row:
            sizes = " ".join(f"{g} {row[f'size_{g}']:.0f}" for g in ("correct", "mis_h", "mis_l"))
            parts.append(sizes)
        if row.get("correct_auroc") is not None:
            parts.append(f"auroc {row['correct_auroc']:.2f}/{row['mis_l_auroc']:.2f}")
        return "  ".join(parts)

    # ---- keeping -------------------------------------------------------------------------------

    def write_tables(self, run: Path) -> None:
        """``separation.csv``: a row per epoch, network and class."""
        if self.separation:
            write_csv(run / "separation.csv", pd.DataFrame(self.separation))

    def extra_state(self) -> dict[str, Any]:
        """What the method and the guard remember."""
        return {
            "method": self.method.state_dict(),
            "guard": self.guard.state_dict(),
            "separation": self.separation,
        }

    def load_extra_state(self, state: dict[str, Any]) -> None:
        """Take it back."""
        self.method.load_state_dict(state["method"])
        self.guard.load_state_dict(state["guard"])
        self.separation = state["separation"]

    def save_weights(self, path: Path) -> None:
        """All networks in one file."""
        save_networks(path, self.ensemble.networks)

    def load_weights(self, path: Path) -> None:
        """Take them back."""
        kept, _ = load_networks(path)
        for member, network in zip(self.ensemble.networks, kept, strict=True):
            member.load_state_dict(network.state_dict())
