"""Near-duplicates: exactly what comparing each with each finds, and what a person would call so."""

from __future__ import annotations

import cv2
import numpy as np
import pictures
import pytest

from mixednoise.errors import ConfigError, DataError
from mixednoise.quality import assess_image, find_near_duplicates
from mixednoise.quality import duplicates as duplicates_module


def by_brute_force(words, hash_bits, fine_bits):
    """Each with each, then groups by walking through the neighbours."""
    bits = np.unpackbits(words.view(np.uint8).reshape(len(words), -1), axis=1)
    differ = bits[:, None, :] != bits[None, :, :]
    near = differ[:, :, :64].sum(axis=2) <= hash_bits
    near &= differ[:, :, 64:].sum(axis=2) <= fine_bits
    group = np.full(len(words), -1)
    for start in range(len(words)):
        todo = [start] if group[start] < 0 else []
        while todo:
            row = todo.pop()
            if group[row] < 0:
                group[row] = start
                todo += np.flatnonzero(near[row]).tolist()
    return group


def with_flips(rng, count, families, most):
    """Fingerprints of a few families: copies with up to ``most`` flipped bits in each word."""
    words = rng.integers(0, 2**64, (families, 4), dtype=np.uint64)[rng.integers(0, families, count)]
    for row in range(count):
        for word in range(4):
            for bit in rng.choice(64, rng.integers(0, most + 1), replace=False):
                words[row, word] ^= np.uint64(1) << np.uint64(bit)
    return words


@pytest.mark.parametrize("few", [1 << 17, 0], ids=["keys of 2 blocks", "keys of 3 blocks"])
@pytest.mark.parametrize(("hash_bits", "fine_bits"), [(0, 192), (3, 12), (6, 24), (8, 192)])
def test_same_groups_as_by_brute_force(hash_bits, fine_bits, few, monkeypatch):
    monkeypatch.setattr(duplicates_module, "_FEW", few)
    rng = np.random.default_rng(hash_bits)
    words = with_flips(rng, 250, 60, 5)
    found = find_near_duplicates(words, hash_bits=hash_bits, fine_bits=fine_bits)
    expected = by_brute_force(words, hash_bits, fine_bits)
    assert np.array_equal(found, expected)
    # The question was not trivial: neither all alone nor all together.
    assert 1 < len(set(expected.tolist())) < len(words)


def test_groups_reach_from_neighbour_to_neighbour():
    """A chain of 20, each 3 bits from the next and up to 57 from the others."""
    chain = np.zeros((20, 4), np.uint64)
    chain[:, 0] = [(1 << 3 * step) - 1 for step in range(20)]
    order = np.random.default_rng(0).permutation(20)
    found = find_near_duplicates(chain[order], hash_bits=3)
    assert (found == 0).all()
    assert np.array_equal(find_near_duplicates(chain[order], hash_bits=2), np.arange(20))


def test_many_identical_images_are_no_burden():
    """200,000 copies would be 20 thousand million pairs."""
    words = np.full((200_000, 4), 7, np.uint64)
    words[5] = 0x5555555555555555
    found = find_near_duplicates(words)
    assert found[5] == 5
    assert (np.delete(found, 5) == 0).all()


def test_strangers_stay_alone():
    words = np.random.default_rng(0).integers(0, 2**64, (3000, 4), dtype=np.uint64)
    assert np.array_equal(find_near_duplicates(words), np.arange(3000))


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_to_compare(count):
    assert len(find_near_duplicates(np.zeros((count, 4), np.uint64))) == count


def jpeg(image, quality):
    data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def test_the_same_picture_in_other_clothes_is_found():
    originals = [pictures.disc(seed) for seed in range(12)]
    versions = [
        *originals,
        *(cv2.resize(image, (200, 200), interpolation=cv2.INTER_AREA) for image in originals),
        *(jpeg(image, 90) for image in originals),
        *(cv2.convertScaleAbs(image, alpha=0.9) for image in originals),
    ]
    words = np.stack([assess_image(image).fingerprint for image in versions])
    assert np.array_equal(find_near_duplicates(words), np.tile(np.arange(12), 4))


def test_what_are_no_fingerprints_is_refused():
    with pytest.raises(DataError, match="shape"):
        find_near_duplicates(np.zeros((3, 2), np.uint64))
    with pytest.raises(DataError, match="int64"):
        find_near_duplicates(np.zeros((3, 4), np.int64))
    with pytest.raises(ConfigError, match="hash_bits"):
        find_near_duplicates(np.zeros((3, 4), np.uint64), hash_bits=17)
