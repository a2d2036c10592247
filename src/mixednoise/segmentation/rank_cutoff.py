"""The m-th smallest of any number of values, exactly, in bounded memory.

Values of several keys (classes, or pairs of classes) stream by once per pass. Where all of them
fit into a buffer, the cut-offs are known after the first pass; otherwise the buffer is emptied
into a histogram of the leading bits of the values, and the next pass looks only at the values in
the bin that holds the cut-off: a radix selection. Two passes settle 32-bit values; 64-bit values
take up to four, and fewer as soon as what is left fits into the buffer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

#: Values kept before they are turned into a histogram: 8 MB for float32.
BUFFER_SIZE = 1 << 20
#: Histogram bins of all keys together (4 MB); many keys get fewer bins each and more passes.
BINS = 1 << 19
_MIN_BINS_PER_KEY = 64
_MAX_BITS = 16
_CHUNK = 1 << 17
#: Values lie in this range: a probability, or the difference of two.
_LOWEST, _HIGHEST = -1.1, 1.1


def rank_codes(values: Array) -> Array:
    """Unsigned integers in the same order as the floats, equal for equal floats.

    Args:
        values: float32 or float64 without NaN.

    Returns:
        uint32 or uint64 of the same shape.
    """
    signed, unsigned = (np.int32, np.uint32) if values.itemsize == 4 else (np.int64, np.uint64)
    bits: Array = (values + 0).view(signed)  # -0 becomes +0
    top = np.iinfo(signed)
    # Negative floats are ordered the wrong way round as integers: flip all but their sign.
    ordered = bits ^ ((bits >> (top.bits - 1)) & top.max)
    return np.asarray(ordered.view(unsigned) ^ unsigned(1 << (top.bits - 1)))


def _values_of(codes: Array) -> Array:
    """The floats of :func:`rank_codes`."""
    signed, floating = (np.int32, np.float32) if codes.itemsize == 4 else (np.int64, np.float64)
    top = np.iinfo(signed)
    ordered = (codes ^ codes.dtype.type(1 << (top.bits - 1))).view(signed)
    return np.asarray((ordered ^ ((ordered >> (top.bits - 1)) & top.max)).view(floating))


@dataclass(frozen=True)
class Cutoffs:
    """Which values are among the smallest of their key.

    Attributes:
        values: (keys,) lower values are chosen; infinite where all are, -infinite where none is.
        ties: (keys,) so many of the values that equal this one are chosen too, the first ones.
    """

    values: Array
    ties: np.ndarray[Any, np.dtype[np.int64]]

    def choose(self, keys: Array, values: Array, remaining: Array) -> Array:
        """Bool (n,): the chosen ones of values that come in stable order.

        Args:
            keys: (n,) integers.
            values: (n,) floats.
            remaining: (keys,) ties that are still to be chosen; starts as a copy of ``ties`` and
                is counted down here.
        """
        cut = self.values[keys]
        chosen = np.asarray(values < cut)
        tied = np.flatnonzero(values == cut)
        if tied.size:
            for key in np.unique(keys[tied]):
                first = tied[keys[tied] == key][: remaining[key]]
                chosen[first] = True
                remaining[key] -= len(first)
        return chosen


class RankCutoff:
    """Finds :class:`Cutoffs` for all keys at once.

    Call :meth:`add` for all values, then :meth:`close`; repeat both while not :attr:`done`.

    Args:
        keys: how many keys there are, at most 65,536.
        dtype: float32 or float64, of all values.
        buffer_size: values that are kept as they are.

    Attributes:
        short: whether more values of a key were to be chosen than there are; known after the first
            pass.
    """

    short = False

    def __init__(
        self, keys: int, dtype: np.dtype[Any], *, buffer_size: int = BUFFER_SIZE, bins: int = BINS
    ) -> None:
        low, high = rank_codes(np.array([_LOWEST, _HIGHEST], dtype))
        self._dtype, self._code = dtype, low.dtype
        self._capacity, self._bin_budget = buffer_size, bins
        self._low = np.full(keys, low)
        self._below = np.zeros(keys, np.int64)
        self._wanted: Array | None = None
        self._cut = Cutoffs(np.zeros(keys, dtype), np.zeros(keys, np.int64))
        self._buffer: tuple[Array, Array] | None = None
        self._width = int(high - low).bit_length()  # bits that are still open
        self._open(np.arange(keys))

    def _open(self, active: Array) -> None:
        """Start a pass for these keys."""
        self._active = active
        self._slot = np.full(len(self._low), -1, np.int32)
        self._slot[active] = np.arange(len(active))
        per_key = max(self._bin_budget // max(len(active), 1), _MIN_BINS_PER_KEY)
        self._bits = min(per_key.bit_length() - 1, _MAX_BITS, self._width)
        self._histogram: Array | None = None
        self._filled = 0

    @property
    def done(self) -> bool:
        """Whether all cut-offs are known."""
        return self._active.size == 0

    @property
    def cutoffs(self) -> Cutoffs:
        """The result, complete once :attr:`done`."""
        return self._cut

    def add(self, keys: Array, values: Array) -> None:
        """Show values of this pass; every pass sees the same ones.

        Args:
            keys: (n,) integers.
            values: (n,) floats of the dtype, in [-1.1, 1.1].
        """
        if self._wanted is not None:
            inside = (values >= self._first[keys]) & (values <= self._last[keys])
            keys, values = keys[inside], values[inside]
        start = 0
        while start < len(values):
            if self._buffer is None:
                self._buffer = (
                    np.empty(self._capacity, np.uint16),
                    np.empty(self._capacity, self._dtype),
                )
            stop = min(len(values), start + self._capacity - self._filled)
            end = self._filled + stop - start
            self._buffer[0][self._filled : end] = keys[start:stop]
            self._buffer[1][self._filled : end] = values[start:stop]
            self._filled, start = end, stop
            if start < len(values):
                self._flush()

    def _flush(self) -> None:
        """Empty the buffer into the histogram."""
        size = len(self._active) << self._bits
        if self._histogram is None:
            self._histogram = np.zeros(size, np.int64)
        keys, values = self._kept()
        shift = self._code.type(self._width - self._bits)
        for start in range(0, len(values), _CHUNK):
            some, codes = keys[start : start + _CHUNK], rank_codes(values[start : start + _CHUNK])
            bins = ((codes - self._low[some]) >> shift).astype(np.int64)
            bins += self._slot[some].astype(np.int64) << self._bits
            self._histogram += np.bincount(bins, minlength=size)
        self._filled = 0

    def _kept(self) -> tuple[Array, Array]:
        if self._buffer is None:
            return np.empty(0, np.uint16), np.empty(0, self._dtype)
        return self._buffer[0][: self._filled], self._buffer[1][: self._filled]

    def close(self, wanted: Array) -> None:
        """End a pass.

        Args:
            wanted: (keys,) how many of the smallest values of every key are to be chosen; the same
                in every pass.
        """
        wanted = np.asarray(wanted, np.int64)
        if self._histogram is None:
            self._settle_from_buffer(wanted)
            self._finish()
            return
        self._flush()
        table = self._histogram.reshape(len(self._active), -1)
        shift = self._width - self._bits
        open_keys = []
        for key, row in zip(self._active, table, strict=True):
            rank = wanted[key] - self._below[key]
            if self._trivial(key, rank, int(row.sum())):
                continue
            running = row.cumsum()
            place = int(np.searchsorted(running, rank))
            before = int(running[place - 1]) if place else 0
            self._low[key] += self._code.type(place << shift)
            self._below[key] += before
            if shift:
                open_keys.append(key)
            else:
                self._set(key, _values_of(self._low[[key]])[0], rank - before)
        self._wanted, self._width = wanted, shift
        if open_keys:
            self._open(np.array(open_keys))
            # No key without an interval of its own takes up any value.
            self._first = np.full(len(self._low), np.inf, self._dtype)
            self._last = -self._first
            self._first[open_keys] = _values_of(self._low[open_keys])
            self._last[open_keys] = _values_of(
                self._low[open_keys] + self._code.type((1 << shift) - 1)
            )
        else:
            self._finish()

    def _settle_from_buffer(self, wanted: Array) -> None:
        keys, values = self._kept()
        order = np.argsort(keys, kind="stable")  # 16-bit keys: a radix sort
        keys, values = keys[order], values[order]
        starts = np.searchsorted(keys, self._active)
        stops = np.searchsorted(keys, self._active, side="right")
        for key, start, stop in zip(self._active, starts, stops, strict=True):
            rank, mine = wanted[key] - self._below[key], values[start:stop]
            if not self._trivial(key, rank, len(mine)):
                cut = np.partition(mine, rank - 1)[rank - 1]
                self._set(key, cut, rank - np.count_nonzero(mine < cut))

    def _trivial(self, key: int, rank: int, there: int) -> bool:
        """Settle a key of which no value, or every value, is chosen."""
        if rank <= 0 or there == 0:
            self._set(key, -np.inf, 0)
        elif rank > there and self._wanted is None:
            self._set(key, np.inf, 0)
            self.short = True
        else:
            return False
        return True

    def _set(self, key: int, value: float, ties: int) -> None:
        self._cut.values[key], self._cut.ties[key] = value, ties

    def _finish(self) -> None:
        self._active, self._buffer, self._histogram = self._active[:0], None, None
