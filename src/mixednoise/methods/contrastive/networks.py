"""A classifier with a second head for embeddings, and a slow copy that makes the keys."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from mixednoise.methods.ensemble import Ensemble
from mixednoise.models.network import Network

EMBEDDING, PROJECTOR_WIDTH, PREDICTOR_WIDTH = 128, 2048, 512


def head(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """Linear, batch norm, ReLU, linear."""
    return nn.Sequential(
        nn.Linear(inputs, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, outputs),
    )


class MomentumNetworks(Ensemble):
    """Online branch: encoder f, classifier c, projector g, predictor h. Slow branch: f_xi, g_xi.

    The slow branch gets no gradient: :meth:`follow` moves its parameters towards the online ones.
    Its batch norms keep statistics of their own. Only the online encoder and classifier are scored,
    saved and predicted with; they are the one network of ``members``.

    Args:
        network: encoder and classifier; its own projector is left alone.
    """

    def __init__(self, network: Network) -> None:
        super().__init__([network])
        self.projector = head(network.feature_dim, PROJECTOR_WIDTH, EMBEDDING)
        self.predictor = head(EMBEDDING, PREDICTOR_WIDTH, EMBEDDING)
        self.slow_encoder = copy.deepcopy(network.encoder).requires_grad_(False)
        self.slow_projector = copy.deepcopy(self.projector).requires_grad_(False)

    @property
    def network(self) -> Network:
        """The online encoder and classifier."""
        return self.networks[0]

    def parts(self) -> list[nn.Module]:
        """One part: both heads learn through one encoder."""
        return [self]

    def forward(self, images: Tensor | list[Tensor], project: bool = False) -> list[Any]:
        """Classify; with ``project`` also embed.

        Args:
            images: float (B, 3, S, S) in [0, 1]; with ``project`` the pair of a batch to classify
                (B, 3, S, S) and a batch to embed (V, 3, S, S).
            project: whether to embed.

        Returns:
            ``[logits (B, C)]``, or ``[(logits, queries (V, 128), keys (V, 128))]``: queries
            h(g(f(x))) with a gradient, keys g_xi(f_xi(x)) without.
        """
        if not project:
            return super().forward(images)
        # Two passes, not one of all views: batch statistics of weak views stay those of weak views.
        classified, embedded = images
        queries = self.predictor(self.projector(self.network.features(embedded)))
        with torch.no_grad():
            pixels = (embedded - self.network.mean) / self.network.std
            keys = self.slow_projector(self.slow_encoder(pixels))
        return [(self.network(classified), queries, keys)]

    @torch.no_grad()
    def follow(self, momentum: float) -> None:
        """xi <- m xi + (1 - m) theta, once per step of the optimiser."""
        slow = chain(self.slow_encoder.parameters(), self.slow_projector.parameters())
        torch._foreach_lerp_(list(slow), list(self._followed()), 1 - momentum)

    def _followed(self) -> Iterator[nn.Parameter]:
        return chain(self.network.encoder.parameters(), self.projector.parameters())
