"""What earlier epochs knew: a running average of loss and entropy, and last epoch's mixtures.

Trained on its own guesses, a network becomes sure of everything, and its entropy stops telling
unreadable images apart. What it knew before is kept here. The state is a flat dictionary of numpy
arrays and floats, so that it fits into any checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mixednoise.errors import DataError
from mixednoise.separation.mixture import Array, Mixture

State = dict[str, Any]


def average(
    loss: Array, entropy: Array, state: Mapping[str, Any] | None, weight: float
) -> tuple[Array, Array, State]:
    """Average loss and entropy with those of the epochs before.

    ``new = w * old + (1 - w) * now`` with w = min(weight, t / (t + 1)) in epoch t = 0, 1, ...: the
    plain mean at first, so that the very first epoch does not count more than the next ones.
    A value that is not finite neither enters the average nor stays in it.

    Args:
        loss: float64 (N,).
        entropy: float64 (N,).
        state: what the last call returned, or None.
        weight: of the past, in [0, 1).

    Returns:
        Both averages, float64 (N,), and the state that holds them.

    Raises:
        DataError: the state is that of a data set of another size.
    """
    updates = 0.0 if state is None else float(state["updates"])
    if weight == 0:
        return loss, entropy, {"updates": updates + 1}
    out = {"loss": loss, "entropy": entropy}
    if state is not None and "loss" in state:
        w = min(weight, updates / (updates + 1))
        for name, now in out.items():
            old = np.asarray(state[name], dtype=np.float64)
            if old.shape != now.shape:
                raise DataError(
                    "the separation's memory is that of another data set",
                    expected=f"{len(now)} samples",
                    found=f"{len(old)} samples",
                    fix="start the run anew, or restore the data set it was started with",
                )
            mixed = np.where(np.isfinite(old), w * old + (1 - w) * now, now)
            out[name] = np.where(np.isfinite(now), mixed, old)
    return out["loss"], out["entropy"], {**out, "updates": updates + 1}


def remember(state: State, name: str, mixture: Mixture) -> None:
    """Store a mixture under a name."""
    state[f"{name}.weights"] = mixture.weights
    state[f"{name}.means"] = mixture.means
    state[f"{name}.covariances"] = mixture.covariances


def recall(state: Mapping[str, Any] | None, name: str, like: tuple[int, int]) -> list[Mixture]:
    """The stored mixture as a list of one; empty where there is none of shape (K, d)."""
    if state is None or f"{name}.means" not in state:
        return []
    parts = [
        np.asarray(state[f"{name}.{part}"], dtype=np.float64)
        for part in ("weights", "means", "covariances")
    ]
    return [Mixture(*parts)] if parts[1].shape == like else []
