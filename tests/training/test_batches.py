import numpy as np
import pytest
import torch

from mixednoise.training.batches import blocks, derived_seed, epoch_batches, prefetched


def test_every_sample_is_seen_once_and_no_remainder_is_tiny():
    batches = epoch_batches(65, 32, seed=0, epoch=0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(65))
    assert [len(b) for b in batches] == [22, 22, 21]  # not 32, 32, 1


def test_order_depends_on_seed_and_epoch_alone():
    again = [epoch_batches(50, 8, seed=3, epoch=4) for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(*again, strict=True))
    other = epoch_batches(50, 8, seed=3, epoch=5)
    assert not np.array_equal(np.concatenate(again[0]), np.concatenate(other))


def test_processes_share_the_samples_and_get_equally_many_batches():
    parts = [epoch_batches(65, 8, seed=0, epoch=0, rank=r, world=2) for r in range(2)]
    assert len(parts[0]) == len(parts[1])
    seen = np.concatenate([np.concatenate(part) for part in parts])
    assert set(seen.tolist()) == set(range(65))
    assert len(seen) == 66  # one sample twice, so that both have 33


def test_blocks_cover_everything_between_the_processes():
    rows = np.concatenate([np.concatenate(blocks(10, 4, rank=r, world=2)) for r in range(2)])
    assert sorted(rows.tolist()) == list(range(10))


def test_derived_seeds_differ():
    seeds = {derived_seed(s, e, r) for s in range(5) for e in range(5) for r in range(5)}
    assert len(seeds) == 125


class Numbered:
    """Pixels whose value is the row."""

    def take(self, rows):
        return np.broadcast_to(
            rows.astype(np.uint8)[:, None, None, None], (len(rows), 2, 2, 3)
        ).copy()


def test_prefetched_images_belong_to_their_rows():
    batches = epoch_batches(20, 6, seed=0, epoch=0)
    store_rows = np.arange(100, 120)
    seen = 0
    for rows, images in prefetched(Numbered(), batches, store_rows, torch.device("cpu")):
        assert images.shape == (len(rows), 3, 2, 2)
        assert images[:, 0, 0, 0].tolist() == store_rows[rows].tolist()
        seen += len(rows)
    assert seen == 20


def test_a_read_error_reaches_the_loop():
    class Broken:
        def take(self, rows):
            raise OSError("disk is gone")

    with pytest.raises(OSError, match="disk is gone"):
        list(prefetched(Broken(), [np.array([0])], np.array([0]), torch.device("cpu")))
