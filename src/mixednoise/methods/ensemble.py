"""The networks of a method as one module."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import torch
from torch import Tensor, nn

from mixednoise.models.network import Network

#: An average over the first n steps forgets at most this share of them: (1 + n) / (10 + n).
_EARLY = 10


class Ensemble(nn.Module):
    """The networks of a method as one module, so that gradients are synchronised in one place."""

    def __init__(self, members: list[Network]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def networks(self) -> list[Network]:
        """The networks that are scored, saved and predicted with."""
        return cast(list[Network], list(self.members))

    def passed(self) -> list[Network]:
        """The networks that images are passed through."""
        return self.networks

    def parts(self) -> Iterable[nn.Module]:
        """The parts whose gradient norms are limited each for itself: one network each."""
        return self.networks

    def forward(self, images: Tensor | list[Tensor], project: bool = False) -> list[Any]:
        """Pass images through every network.

        Args:
            images: float (B, 3, S, S) in [0, 1], or one such batch for each network.
            project: also return the projections.

        Returns:
            Per network logits (B, C), or with ``project`` the pair (logits, projections (B, 128)).
        """
        batches = images if isinstance(images, list) else [images] * len(self.members)
        pairs = zip(self.passed(), batches, strict=True)
        if project:
            return [member.forward_all(batch) for member, batch in pairs]
        return [member(batch) for member, batch in pairs]


class AveragedEnsemble(Ensemble):
    """Networks that learn, and a slow copy of each that is judged, kept and predicted with.

    Tarvainen and Valpola, "Mean teachers are better role models", NeurIPS 2017. What single steps
    learn of wrong labels cancels out in an average of weights over many steps, which is therefore
    the better judge of samples, the better guesser of labels and the better final network.

    In training mode :meth:`forward` passes images through the learning networks, in evaluation
    mode through the copies, which get no gradient: :meth:`follow` moves them.

    Args:
        members: the networks that learn.
        momentum: m in (0, 1): share of itself that an average keeps per step.
    """

    def __init__(self, members: list[Network], momentum: float) -> None:
        super().__init__(members)
        self.momentum = momentum
        self.averages = nn.ModuleList(copy.deepcopy(m).requires_grad_(False) for m in members)
        # A plain number: on an accelerator a buffer would have to be waited for in every step.
        self._steps = 0

    @property
    def networks(self) -> list[Network]:
        """The averages."""
        return cast(list[Network], list(self.averages))

    def parts(self) -> Iterable[nn.Module]:
        """The networks that learn."""
        return list(self.members)

    def passed(self) -> list[Network]:
        """The networks that images pass through in this mode."""
        return cast(list[Network], list(self.members if self.training else self.averages))

    @contextmanager
    def evaluating(self) -> Iterator[None]:
        """Evaluation mode for a while: images pass through the averages."""
        before = self.training
        self.eval()
        try:
            yield
        finally:
            self.train(before)

    @torch.no_grad()
    def follow(self) -> None:
        """theta' <- m theta' + (1 - m) theta, once per step of the optimiser.

        The first steps weigh more, so that the average soon leaves the random weights behind.
        Batch statistics are averaged as weights are.
        """
        self._steps += 1
        share = 1 - min(self.momentum, (1 + self._steps) / (_EARLY + self._steps))
        for slow, fast in zip(self.averages, self.members, strict=True):
            torch._foreach_lerp_(list(slow.parameters()), list(fast.parameters()), share)
            for kept, new in zip(slow.buffers(), fast.buffers(), strict=True):
                if kept.is_floating_point():
                    kept.lerp_(new, share)
                else:
                    kept.copy_(new)

    def get_extra_state(self) -> Tensor:
        """The number of steps, for checkpoints."""
        return torch.tensor(self._steps)

    def set_extra_state(self, state: Tensor) -> None:
        """Take it back."""
        self._steps = int(state)
