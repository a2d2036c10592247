"""Exact cut-offs in bounded memory, against sorting everything."""

import numpy as np
import pytest

from mixednoise.segmentation.rank_cutoff import RankCutoff, rank_codes


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_codes_are_ordered_like_the_values(dtype):
    values = np.array([-1.0, -0.5, -1e-30, -0.0, 0.0, 1e-38, 0.25, 0.5, 1.0], dtype)
    codes = rank_codes(values)
    assert codes[3] == codes[4]
    assert (np.diff(codes[[0, 1, 2, 3, 5, 6, 7, 8]].astype(object)) > 0).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("buffer_size", "bins"), [(10_000, 1 << 19), (100, 1 << 19), (100, 256)])
@pytest.mark.parametrize("tied", [False, True])
def test_chooses_the_smallest_of_every_key(dtype, buffer_size, bins, tied):
    rng = np.random.default_rng(0)
    keys = rng.integers(0, 4, 3000)
    values = rng.normal(0, 0.2, 3000).clip(-1, 0.5).astype(dtype)
    if tied:
        values = np.round(values, 1)
    sizes = np.bincount(keys, minlength=5)
    wanted = np.array([0, 1, 300, sizes[3] + 5, 7])  # none, one, some, more than there are, absent
    cutoff = RankCutoff(5, np.dtype(dtype), buffer_size=buffer_size, bins=bins)
    for _ in range(20):
        for start in range(0, 3000, 700):
            cutoff.add(keys[start : start + 700], values[start : start + 700])
        cutoff.close(wanted)
        if cutoff.done:
            break
    assert cutoff.done
    assert cutoff.short  # of the key that wants more than there are
    remaining = cutoff.cutoffs.ties.copy()
    chosen = np.concatenate(
        [
            cutoff.cutoffs.choose(keys[s : s + 700], values[s : s + 700], remaining)
            for s in range(0, 3000, 700)
        ]
    )
    for key in range(4):
        mine = np.flatnonzero(keys == key)
        order = mine[np.argsort(values[mine], kind="stable")]
        np.testing.assert_array_equal(
            np.flatnonzero(chosen & (keys == key)), np.sort(order[: wanted[key]])
        )
