"""What QMix learns of a sample, and how much it counts in which loss (Sec. IV-C)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from mixednoise.methods.losses import soft_cross_entropy, squared_error


class Targets(NamedTuple):
    """What one network is to learn of a batch; no gradient.

    Attributes:
        refined: t of co-refinement, distributions (B, C).
        guessed: t of co-guessing (B, C).
        pseudo: t of pseudo-labelling (B, C).
        counts: how much the sample counts in L_correct, L_mis_h and L_mis_l, (B, 3).
        group: the most probable one: 0 correct, 1 mis_h, 2 mis_l, int64 (B,).
    """

    refined: Tensor
    guessed: Tensor
    pseudo: Tensor
    counts: Tensor
    group: Tensor

    def of(self, rows: Tensor) -> Targets:
        """Those of ``rows``, int64 (n,), of the batch."""
        return Targets(*(values[rows] for values in self))


def losses_by_group(logits: Tensor, targets: Targets) -> Tensor:
    """L_correct, L_mis_h and L_mis_l of every sample, as much as it counts there (B, 3)."""
    losses = (
        soft_cross_entropy(logits, targets.refined),
        squared_error(logits, targets.guessed),
        soft_cross_entropy(logits, targets.pseudo),
    )
    return targets.counts * torch.stack(losses, dim=1)


def omega_at(epoch: int, omega: float, warmup_epochs: int, epochs: int) -> float:
    """Omega(e) of Eq. 10: ``omega`` in the first epoch after the warm-up, 0 in the last, linear.

    Args:
        epoch: 0-based epoch, ``warmup_epochs <= epoch < epochs``.
        omega: Omega_0.
        warmup_epochs: T_w.
        epochs: T, warm-up included.
    """
    span = epochs - 1 - warmup_epochs
    return omega * (epochs - 1 - epoch) / span if span > 0 else omega
