"""What the training loop needs of a method, and nothing more.

The loop owns devices, precision, optimisers, checkpoints, progress and history, once, for all
methods. A method owns networks and losses. It never reads a file and never sees the truth about
noise: ``Context`` and ``Batch`` hold given labels only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from mixednoise.methods.config import TrainingConfig
from mixednoise.methods.ensemble import AveragedEnsemble, Ensemble
from mixednoise.models.network import Network
from mixednoise.separation.settings import SeparationSettings

ConfigT = TypeVar("ConfigT", bound=TrainingConfig)
FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True)
class Context:
    """What a method may know about the training set before the first step.

    Attributes:
        class_names: C names.
        labels: given labels of the N training samples, int64 (N,), in row order.
        image_size: side of the square images in pixels.
        out_of_fold: probabilities float64 (N, C) of networks that never saw the sample, for a
            method that asks for :attr:`Method.folds`; else None.
    """

    class_names: tuple[str, ...]
    labels: IntArray
    image_size: int
    out_of_fold: FloatArray | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes C."""
        return len(self.class_names)

    @property
    def class_shares(self) -> FloatArray:
        """Share of each given class (C,), pi of Eq. 12 in the QMix paper; sums to 1."""
        counts = np.bincount(self.labels, minlength=self.num_classes).astype(np.float64)
        shares: FloatArray = counts / counts.sum()
        return shares


@dataclass(frozen=True)
class Batch:
    """One batch of the training set.

    Attributes:
        images: uint8 (B, 3, S, S) on the device, as in the pixel store.
        labels: given labels, int64 (B,), on the device.
        rows: row in the training set, int64 (B,), on the CPU.
        generator: CPU generator for whatever the method draws; the loop seeds it per epoch.
    """

    images: Tensor
    labels: Tensor
    rows: Tensor
    generator: torch.Generator


@dataclass(frozen=True)
class Scores:
    """What the networks say of every training sample: un-augmented, eval mode, no gradient.

    All arrays have shape (M, N): M networks, N training samples.

    Attributes:
        loss: l_i = -log p(x_i)[y_i] in nats (QMix Eq. 1).
        entropy: e_i = -sum_k p_k log p_k in nats.
        predicted: most probable class.
        confidence: probability of that class.
        p: all probabilities, float32 (M, N, C); None where nobody kept them.
        unusual: how unlike the others each image looks, float64 (N,), see
            :func:`mixednoise.quality.unusual.unusualness`; None unless the method
            :attr:`Method.wants_unusual`.
    """

    loss: FloatArray
    entropy: FloatArray
    predicted: IntArray
    confidence: FloatArray
    p: np.ndarray[Any, np.dtype[np.float32]] | None = None
    unusual: FloatArray | None = None


Scorer = Callable[[], Scores]


@dataclass(frozen=True)
class EpochReport:
    """What a method says at the start of an epoch.

    Attributes:
        p: posterior of correct, mis_h, mis_l per training sample, float64 (N, 3), or None.
        loss: the loss that was judged (averaged over networks and epochs), float64 (N,), or None.
        entropy: likewise the entropy.
        numbers: for the row of this epoch in the history.
        rows: rows for ``separation.csv`` (one per network and class), without the epoch.
        warnings: lines worth showing at once.
        looks: per training sample, int64 (N,) each: in how many looks during training the
            prediction was the given label, and of how many; or None.
        belief: what was believed of each training sample while it was learned from, class
            probabilities float64 (N, C), or None: what the final network says is used then.
    """

    p: FloatArray | None = None
    loss: FloatArray | None = None
    entropy: FloatArray | None = None
    numbers: dict[str, float] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    looks: tuple[IntArray, IntArray] | None = None
    belief: FloatArray | None = None


class Method(ABC, Generic[ConfigT]):
    """A way to train classifiers on labels and images that can't be trusted.

    Subclasses set ``name``, ``Config`` and ``num_networks`` and implement :meth:`step` and
    :meth:`assess`; those with a warm-up also :attr:`warmup_epochs` and :meth:`warmup_step`.
    """

    name: ClassVar[str]
    Config: ClassVar[type[TrainingConfig]]
    num_networks: int = 1

    @classmethod
    def folds(cls, config: ConfigT) -> tuple[int, int] | None:
        """Number of folds, and epochs of each, if probabilities of unseen samples are needed."""
        return None

    def __init__(self, config: ConfigT, context: Context) -> None:
        self.config = config
        self.context = context
        self._ensemble: Ensemble | None = None
        self._forward: Callable[..., list[Any]] | None = None
        self._gather: Callable[[Tensor], Tensor] = lambda values: values

    @property
    def wants_unusual(self) -> bool:
        """Whether scores shall say how unlike the others each image looks.

        Every method whose options say how samples are separated does.
        """
        settings: SeparationSettings | None = getattr(self.config, "separation", None)
        return settings is not None and settings.uses_looks

    @property
    def warmup_epochs(self) -> int:
        """Number of epochs trained with :meth:`warmup_step` before :meth:`step` takes over."""
        return 0

    def ensemble(self, members: list[Network]) -> Ensemble:
        """The method's networks as one module, with whatever it trains beside them."""
        momentum: float = getattr(self.config, "ema_decay", 0.0)
        self._ensemble = AveragedEnsemble(members, momentum) if momentum > 0 else Ensemble(members)
        return self._ensemble

    @contextmanager
    def judging(self) -> Iterator[None]:
        """What the averaged networks say, where there are any; else those that learn, as they are.

        Inside, :meth:`networks` passes images through the averages in evaluation mode.
        """
        if isinstance(self._ensemble, AveragedEnsemble):
            with self._ensemble.evaluating():
                yield
        else:
            yield

    def attach(
        self,
        forward: Callable[..., list[Any]],
        gather: Callable[[Tensor], Tensor] = lambda values: values,
    ) -> None:
        """Take what the loop has made.

        Args:
            forward: the forward of the :class:`Ensemble`, in the loop's wrappers.
            gather: rows (n, ...) of all processes, one after the other, without a gradient.
        """
        self._forward, self._gather = forward, gather

    def networks(self, images: Tensor | list[Tensor], project: bool = False) -> list[Any]:
        """:meth:`Ensemble.forward` through the loop's precision and process wrappers."""
        if self._forward is None:
            raise RuntimeError("attach() the networks before the first step")
        if isinstance(images, list):
            images = [batch.contiguous(memory_format=torch.channels_last) for batch in images]
        else:
            images = images.contiguous(memory_format=torch.channels_last)
        return self._forward(images, project=project)

    @abstractmethod
    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of one batch: ``loss`` (to be minimised) and any parts worth a column."""

    def warmup_step(self, batch: Batch) -> dict[str, Tensor]:
        """Losses of one batch of the warm-up."""
        return self.step(batch)

    def after_step(self) -> None:
        """Whatever follows a step of the optimiser: averaged weights move a little."""
        if isinstance(self._ensemble, AveragedEnsemble):
            self._ensemble.follow()

    def begin_epoch(self, epoch: int, score: Scorer) -> EpochReport:
        """Prepare an epoch; ``score()`` passes the whole training set through the networks."""
        return EpochReport()

    @abstractmethod
    def assess(self, score: Scorer) -> EpochReport:
        """Say of every training sample what it is, after the last epoch."""

    def state_dict(self) -> dict[str, Any]:
        """What the method must remember besides weights: tensors and plain values only."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` gave."""
