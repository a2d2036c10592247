"""The case store: decoded once, resized, mapped; and when things go wrong."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from case_fixtures import grey, square, write_image, write_nifti, write_pairs

from mixednoise.data.cache import cache_root, clear_cache
from mixednoise.errors import ConfigError, DataError, TrainingError
from mixednoise.segmentation.cases import (
    CaseStore,
    plane_size,
    read_cases,
    resize_mask,
    shrink_image,
    store_build,
)

#: Builds slowly. Arguments: folder of the pairs.
SLOW_BUILD = """
import sys, time
from mixednoise.segmentation.cases import CaseStore, read_cases, store_build
from pathlib import Path

def slow(case, real=store_build.read_image):
    time.sleep(0.05)
    return real(case)

store_build.read_image = slow
root = Path(sys.argv[1])
case_set = read_cases(root / "images", root / "masks")
CaseStore.build(case_set, workers=1)
"""


@pytest.fixture
def pairs(tmp_path) -> Path:
    return write_pairs(tmp_path, "abcdef")


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """The names of the cases that are decoded from now on."""
    names: list[str] = []
    real = store_build.read_image

    def counting(case):
        names.append(case.name)
        return real(case)

    monkeypatch.setattr(store_build, "read_image", counting)
    return names


def cases_of(root: Path, **options):
    return read_cases(root / "images", root / "masks", **options)


def test_native_arrays_and_statistics(pairs):
    store = CaseStore.build(cases_of(pairs, truth=pairs / "masks"))
    assert len(store) == 6
    assert store.names == tuple("abcdef")
    for index in range(6):
        assert np.array_equal(store.image(index), grey(index)[None])
        assert np.array_equal(store.mask(index), square(value=1))
        assert np.array_equal(store.truth(index), square(value=1))
        assert store.mean(index) == pytest.approx(grey(index).mean())
        assert store.std(index) == pytest.approx(grey(index).std())
        assert store.native_shape(index) == (6, 9)
        assert not store.image(index).flags.writeable
    assert store.reasons == {}


def test_resized_by_areas_and_by_the_nearest_pixel(tmp_path):
    image, mask = grey(0, 8, 16), (grey(1, 8, 16) > 128).astype(np.uint8)
    write_image(tmp_path / "images" / "a.png", image)
    write_image(tmp_path / "masks" / "a.png", mask)
    store = CaseStore.build(cases_of(tmp_path), image_size=8)
    blocks = image.reshape(4, 2, 8, 2).mean(axis=(1, 3))
    assert store.image(0).shape == (1, 4, 8)
    assert np.abs(store.image(0)[0] - blocks).max() <= 0.5
    # The centre of a block of two is the corner between four pixels: the lower right one has it.
    assert np.array_equal(store.mask(0), mask[1::2, 1::2])
    assert store.native_shape(0) == (8, 16)
    assert CaseStore.build(cases_of(tmp_path), image_size=999).shape(0) == (8, 16)
    with pytest.raises(ConfigError, match="image size"):
        CaseStore.build(cases_of(tmp_path), image_size=2)


@pytest.mark.parametrize("size", [(3, 5), (7, 4), (11, 13)])
def test_nearest_pixel_by_a_slow_loop(size):
    mask = np.random.default_rng(0).integers(0, 5, (7, 9), dtype=np.uint8)
    expected = np.zeros(size, np.uint8)
    for i in range(size[0]):
        for j in range(size[1]):
            expected[i, j] = mask[int((i + 0.5) * 7 / size[0]), int((j + 0.5) * 9 / size[1])]
    assert np.array_equal(resize_mask(mask, size), expected)
    assert np.array_equal(resize_mask(np.stack([mask, mask]), size)[1], expected)


def test_plane_sizes_and_depth():
    assert plane_size((100, 50), 50) == (50, 25)
    assert plane_size((30, 1000, 1), 10) == (10, 1)
    assert plane_size((100, 50), None) == (100, 50)
    assert plane_size((10, 5), 50) == (10, 5)
    volume = np.random.default_rng(0).random((2, 3, 4, 6)).astype(np.float32)
    small = shrink_image(volume, (2, 3))
    assert small.shape == (2, 3, 2, 3)
    assert np.allclose(small, volume.reshape(2, 3, 2, 2, 3, 2).mean(axis=(3, 5)))


def test_volumes_keep_depth_and_know_their_spacing(tmp_path):
    volume = np.random.default_rng(0).normal(0, 300, (8, 4, 3)).astype(np.int16)
    write_nifti(tmp_path / "images" / "a.nii.gz", volume)
    write_nifti(tmp_path / "masks" / "a.nii.gz", (volume > 0).astype(np.uint8))
    store = CaseStore.build(cases_of(tmp_path), image_size=4)
    assert store.image(0).dtype == np.float32
    assert store.shape(0) == (3, 2, 4)
    assert store.mask(0).shape == (3, 2, 4)
    assert store.spacing(0) == pytest.approx((3, 3, 4))  # mm along z, y, x; y and x halved
    assert store.mean(0) == pytest.approx(store.image(0).mean(), abs=1e-3)


def test_built_once_and_again_when_a_file_changes(pairs, decoded):
    CaseStore.build(cases_of(pairs))
    CaseStore.build(cases_of(pairs))
    assert len(decoded) == 6
    write_image(pairs / "masks" / "b_segmentation.png", square() * 0)
    store = CaseStore.build(cases_of(pairs))
    assert len(decoded) == 12
    assert not store.mask(1).any()
    assert len(list(cache_root().glob("stores/*/*/*/store.json"))) == 1  # the stale one is gone
    CaseStore.build(cases_of(pairs), image_size=4)
    assert len(decoded) == 18


def test_an_interrupted_build_is_taken_up(pairs, decoded, monkeypatch):
    real = store_build.resize_mask
    calls = []

    def stop(mask, size):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(mask, size)

    monkeypatch.setattr(store_build, "resize_mask", stop)
    with pytest.raises(KeyboardInterrupt):
        CaseStore.build(cases_of(pairs), workers=1)
    rows = next(cache_root().glob("stores/*/*/*/rows.jsonl"))
    done = rows.read_bytes().count(b"\n")
    assert done >= 3
    # What a power cut leaves: a torn line, and a block whose bytes never arrived.
    rows.write_bytes(rows.read_bytes() + b'0badc0de {"index": 4')
    with (rows.parent / "pixels.u8").open("r+b") as file:
        file.write(b"\xff" * 10)
    monkeypatch.setattr(store_build, "resize_mask", real)
    decoded.clear()
    store = CaseStore.build(cases_of(pairs), workers=1)
    assert len(decoded) == 6 - done + 1
    for index in range(6):
        assert np.array_equal(store.image(index), grey(index)[None])
        assert np.array_equal(store.mask(index), square(value=1))


def test_a_killed_build_is_taken_up(pairs, decoded):
    process = subprocess.Popen([sys.executable, "-c", SLOW_BUILD, str(pairs)])
    deadline = time.monotonic() + 60
    rows: list[Path] = []
    while time.monotonic() < deadline and process.poll() is None:
        rows = list(cache_root().glob("stores/*/*/*/rows.jsonl"))
        if rows and rows[0].read_bytes().count(b"\n") >= 2:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (rows[0].parent / "store.json").exists()
    store = CaseStore.build(cases_of(pairs))
    assert 1 <= len(decoded) <= 4
    assert all(np.array_equal(store.image(i), grey(i)[None]) for i in range(6))


def test_two_builds_at_once_decode_once(pairs, decoded):
    stores: list[CaseStore] = []
    case_set = cases_of(pairs)
    threads = [
        threading.Thread(target=lambda: stores.append(CaseStore.build(case_set))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stores) == 3
    assert len(decoded) == 6


def test_damage_is_noticed_when_the_store_is_opened(pairs, decoded):
    folder = CaseStore.build(cases_of(pairs), workers=1).folder  # in the order of their names
    with (folder / "pixels.u8").open("r+b") as file:
        file.write(b"\0" * 64)
    assert np.array_equal(CaseStore.build(cases_of(pairs)).image(0), grey(0)[None])
    assert decoded.count("a") == 2
    assert len(decoded) == 7


def test_unreadable_cases_have_a_reason(pairs):
    (pairs / "images" / "b.png").write_bytes(b"")
    case_set = cases_of(pairs)
    write_image(pairs / "masks" / "c_segmentation.png", square(value=9))
    write_image(pairs / "masks" / "d_segmentation.png", square(5, 9))
    (pairs / "masks" / "e_segmentation.png").unlink()
    store = CaseStore.build(case_set)
    assert [store.readable(i) for i in range(6)] == [True, False, False, False, False, True]
    assert store.reasons["b"].endswith("b.png: empty file (0 bytes)")
    assert "9 in 6 pixels" in store.reasons["c"]
    assert "5 x 9, but its image is 6 x 9" in store.reasons["d"]
    assert "file not found" in store.reasons["e"]
    with pytest.raises(DataError, match="case b has no image"):
        store.image(1)


def test_none_left_and_none_at_all(pairs):
    case_set = cases_of(pairs)
    for path in (pairs / "images").iterdir():
        path.write_bytes(b"")
    with pytest.raises(DataError, match="no case can be read"):
        CaseStore.build(case_set)
    with pytest.raises(DataError, match="case set is empty"):
        CaseStore.build(case_set.subset([]))


def test_images_alone(pairs):
    store = CaseStore.build(read_cases(pairs / "images"))
    assert not store.has_mask(0)
    with pytest.raises(DataError, match="no mask that can be used"):
        store.mask(0)


def test_pickled_and_protected_while_open(pairs):
    store = pickle.loads(pickle.dumps(CaseStore.build(cases_of(pairs))))
    assert np.array_equal(store.image(2), grey(2)[None])
    assert clear_cache() == 0  # it is in use
    folder = store.folder
    del store
    assert clear_cache() > 0
    with pytest.raises(TrainingError, match="no longer there"):
        CaseStore(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_reading_everything_holds_little(tmp_path, monkeypatch):
    def resident() -> int:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    for number in range(8):
        path = tmp_path / "images" / f"{number}.npy"
        write_image(path, np.full((1024, 1024), number, np.float32))  # 4 MB
    store = CaseStore.build(read_cases(tmp_path / "images"))
    monkeypatch.setattr("mixednoise.segmentation.cases.store.RESIDENT_BYTES", 5_000_000)
    views = [store.image(number) for number in range(8)]
    before = resident()
    for number in range(8):
        assert float(store.image(number).sum()) == number * 1024 * 1024
        assert resident() - before < 16_000_000
    assert [float(view[0, -1, -1]) for view in views] == list(range(8))  # still what they were


def test_a_full_disk_is_told(pairs, monkeypatch):
    def full(handle, data, offset):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(store_build, "write", full)
    with pytest.raises(TrainingError, match="the disk is full"):
        CaseStore.build(cases_of(pairs))
