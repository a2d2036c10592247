"""MixUp: every sample mixed with another one of its batch (Zhang et al., ICLR 2018)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Mix(NamedTuple):
    """Who is mixed with whom.

    Attributes:
        share: lambda in [0.5, 1]: what is left of the sample itself; one for the batch.
        partner: row of the other one, int64 (n,).
    """

    share: float
    partner: Tensor

    def of(self, values: Tensor) -> Tensor:
        """lambda v_i + (1 - lambda) v_partner(i): images, targets or losses (n, ...)."""
        return torch.lerp(values[self.partner], values, self.share)


def draw_mix(count: int, alpha: float, generator: torch.Generator, device: torch.device) -> Mix:
    """A random partner for each of ``count`` samples, and one share of Beta(alpha, alpha).

    The larger of lambda and 1 - lambda is taken, so that every sample stays itself for the most.

    Args:
        count: n.
        alpha: above 0; small values hardly mix, large ones mix halves.
        generator: a CPU generator: the same state draws the same on every device.
        device: where the partners are wanted.
    """
    seed = int(torch.randint(2**31, (), generator=generator))
    share = float(np.random.default_rng(seed).beta(alpha, alpha))
    partner = torch.randperm(count, generator=generator).to(device)
    return Mix(max(share, 1 - share), partner)
