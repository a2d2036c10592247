"""Images that look the same, found without comparing each with each.

Two hashes that differ in at most k of 64 bits, cut into m > k blocks, agree in at least m - k whole
blocks. So for every choice of m - k blocks the images are sorted by these blocks, and only images
that agree in all of them are compared (Manku, Jain and Das Sarma, WWW 2007). Nothing within the
limits is missed, and as long as keys have more bits than there are images to tell apart, hardly
anything else is compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from mixednoise.errors import ConfigError, DataError
from mixednoise.quality.fingerprint import WORDS

Words = np.ndarray[Any, np.dtype[np.uint64]]
Integers = np.ndarray[Any, np.dtype[np.int64]]

#: Bits of the 64 of the hash in which the same picture may differ.
MOST_HASH_BITS = 6
#: Bits of the other 192. Fundus photographs of different eyes begin at 26; what is found of altered
#: copies stands in docs/quality.md.
MOST_FINE_BITS = 24
#: With so many images or fewer, keys of 2 blocks of 8 are long enough; then 3 of 9.
_FEW = 1 << 17
_ONE = np.uint64(1)


def find_near_duplicates(
    fingerprints: Words,
    *,
    hash_bits: int = MOST_HASH_BITS,
    fine_bits: int = MOST_FINE_BITS,
) -> Integers:
    """Group images that look the same.

    Two images match if their hashes differ in at most ``hash_bits`` and their other words in at
    most ``fine_bits`` bits together; groups are what is connected by matches.

    Args:
        fingerprints: uint64 (N, 4), see :func:`.fingerprint.fingerprint`.
        hash_bits: 0 to 16.
        fine_bits: 0 to 192; 192 = the hash alone decides.

    Returns:
        int64 (N,): the lowest row of each image's group; its own row where it is alone.

    Raises:
        DataError: no fingerprints.
        ConfigError: limits out of range.
    """
    words = np.asarray(fingerprints)
    if words.ndim != 2 or words.shape[1] != WORDS or words.dtype != np.uint64:
        raise DataError(
            "these are no fingerprints",
            expected=f"uint64, shape (N, {WORDS})",
            found=f"{words.dtype}, shape {words.shape}",
            fix="stack what mixednoise.quality.fingerprint returns",
        )
    if not (0 <= hash_bits <= 16 and 0 <= fine_bits <= 64 * (WORDS - 1)):
        raise ConfigError(
            "a limit of near-duplicates is out of range",
            expected=f"hash_bits 0 to 16, fine_bits 0 to {64 * (WORDS - 1)}",
            found=f"{hash_bits}, {fine_bits}",
            fix="leave them out for the defaults",
        )
    if not len(words):
        return np.zeros(0, np.int64)
    # Copies first: a thousand identical images must not become half a million pairs.
    _, first, which = np.unique(words, axis=0, return_index=True, return_inverse=True)
    distinct = words[first]
    matches = []
    for left, right in _candidates(distinct[:, 0], hash_bits):
        near = _different_bits(distinct[left, :1], distinct[right, :1]) <= hash_bits
        left, right = left[near], right[near]
        near = _different_bits(distinct[left, 1:], distinct[right, 1:]) <= fine_bits
        if near.any():
            matches.append(np.stack([left[near], right[near]]))
    lowest = first.astype(np.int64)
    if matches:
        # The same pair comes up under many keys.
        left, right = np.unique(np.concatenate(matches, axis=1), axis=1)
        _spread_lowest(lowest, left, right)
    return np.asarray(lowest[which.reshape(-1)], np.int64)


def _candidates(hashes: Words, most: int) -> Iterator[tuple[Integers, Integers]]:
    """Pairs of rows that agree in enough whole blocks; as many at a time as there are rows."""
    spare = 2 if len(hashes) <= _FEW else 3
    blocks = np.array_split(np.arange(64, dtype=np.uint64), most + spare)
    masks = [int(np.bitwise_or.reduce(_ONE << block)) for block in blocks]
    for chosen in combinations(masks, spare):
        keys = hashes & np.uint64(sum(chosen))
        order = np.argsort(keys, kind="stable")
        ranked = keys[order]
        at, step = np.arange(len(keys) - 1), 1
        while at.size:
            at = at[ranked[at] == ranked[at + step]]
            if at.size:
                yield order[at], order[at + step]
            step += 1
            at = at[at + step < len(keys)]


def _different_bits(left: Words, right: Words) -> Integers:
    """Hamming distance of rows, uint64 (n, w) each; numpy counts bits itself from 2.0 only."""
    x = left ^ right
    x = x - ((x >> _ONE) & np.uint64(0x5555555555555555))
    quarter = np.uint64(0x3333333333333333)
    x = (x & quarter) + ((x >> np.uint64(2)) & quarter)
    x = (x + (x >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    counts = (x * np.uint64(0x0101010101010101)) >> np.uint64(56)
    return np.asarray(counts.astype(np.int64).sum(axis=1), np.int64)


def _spread_lowest(lowest: Integers, left: Integers, right: Integers) -> None:
    """Give every row the lowest value of all that it is connected with, in place."""
    while True:
        low = np.minimum(lowest[left], lowest[right])
        if np.array_equal(low, np.maximum(lowest[left], lowest[right])):
            return
        np.minimum.at(lowest, left, low)
        np.minimum.at(lowest, right, low)
