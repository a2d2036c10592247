"""Batches of the pixel store, in an order that depends on (seed, epoch) alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

FloatArray = np.ndarray[Any, np.dtype[np.float64]]
IntArray = np.ndarray[Any, np.dtype[np.int64]]
T = TypeVar("T")


class Pixels(Protocol):
    """Whatever gives images by row: the pixel store, or an array in a test."""

    def take(self, rows: IntArray) -> np.ndarray[Any, np.dtype[np.uint8]]:
        """Images uint8 (n, S, S, 3)."""
        ...


def derived_seed(*parts: int) -> int:
    """One 63-bit seed from several numbers, so that (seed, epoch, rank) never collide."""
    return int(np.random.SeedSequence(parts).generate_state(1, np.uint64)[0] >> 1)


def epoch_batches(
    num_samples: int,
    batch_size: int,
    *,
    seed: int,
    epoch: int,
    rank: int = 0,
    world: int = 1,
    weights: FloatArray | None = None,
) -> list[IntArray]:
    """Shuffled rows of one process, cut into batches of nearly equal size.

    Nearly equal: a remainder of one sample would have no batch statistics. Every process gets the
    same number of batches; the shuffled order wraps around to fill the last round.

    Args:
        num_samples: N.
        batch_size: most rows in a batch.
        seed, epoch: decide the order, and nothing else does.
        rank, world: which process of how many.
        weights: how often each sample comes, see :func:`weighted`; None = once.
    """
    rng = np.random.default_rng((seed, epoch))
    order = rng.permutation(num_samples).astype(np.int64)
    if weights is not None:
        order = weighted(order, weights, rng)
    if world > 1:
        padded = -(-len(order) // world) * world
        order = np.resize(order, padded)[rank::world]
    return np.array_split(order, max(1, -(-len(order) // batch_size)))


def weighted(order: IntArray, weights: FloatArray, rng: np.random.Generator) -> IntArray:
    """A shuffled order in which sample i comes w_i times on average: floor(w_i), or once more.

    The mean loss over such epochs is the weighted mean loss, whatever the method makes of a batch.
    Who comes once more is drawn systematically: sample i with probability w_i - floor(w_i), their
    number being the sum of these to within one, so that epochs are equally long. The times of a
    sample are spread over the epoch; weights of 1 give the order as it was.

    Args:
        order: permutation of 0..N-1.
        weights: float64 (N,), finite, from 0 up.
        rng: draws who comes once more.
    """
    wanted = weights[order]
    times = np.floor(wanted).astype(np.int64)
    rising = np.floor(np.cumsum(wanted - times) + rng.random())
    times += np.diff(rising, prepend=0).astype(np.int64)
    place = np.repeat(np.arange(len(order)), times)
    # Of c times the k-th stands in the k-th of c parts of the epoch, each at the same place in it.
    turn = np.arange(len(place)) - np.repeat(np.cumsum(times) - times, times)
    when = (turn + (place + 0.5) / len(order)) / times[place]
    return order[place[np.argsort(when, kind="stable")]]


def blocks(num_samples: int, size: int, *, rank: int = 0, world: int = 1) -> list[IntArray]:
    """Rows in order, in blocks; with several processes each takes every ``world``-th block."""
    rows = np.arange(num_samples, dtype=np.int64)
    return [rows[start : start + size] for start in range(0, num_samples, size)][rank::world]


def prefetched(
    pixels: Pixels, batches: Sequence[IntArray], store_rows: IntArray, device: torch.device
) -> Iterator[tuple[IntArray, Tensor]]:
    """Yield (rows, images uint8 (B, 3, S, S) on the device) while the next batch is being read.

    Args:
        pixels: where images come from.
        batches: row numbers 0..N-1.
        store_rows: row of each of the N samples in ``pixels``.
        device: where the images go.
    """

    def load(rows: IntArray) -> Tensor:
        images = torch.from_numpy(pixels.take(store_rows[rows])).permute(0, 3, 1, 2)
        return images.pin_memory() if device.type == "cuda" else images

    for rows, images in zip(batches, ahead(lambda n: load(batches[n]), len(batches)), strict=True):
        yield rows, images.to(device, non_blocking=True)


def ahead(load: Callable[[int], T], count: int) -> Iterator[T]:
    """Yield ``load(0)`` to ``load(count - 1)`` in order; a thread loads one ahead of its use."""
    with ThreadPoolExecutor(1, thread_name_prefix="mixednoise-read") as reader:
        following: Future[T] | None = reader.submit(load, 0) if count else None
        for number in range(count):
            assert following is not None  # noqa: S101 - submitted one round before
            current = following.result()
            following = reader.submit(load, number + 1) if number + 1 < count else None
            yield current
