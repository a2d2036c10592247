"""The pixel store when things go wrong: killed, built twice at once, damaged, no space."""

from __future__ import annotations

import errno
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from store_helpers import (
    SETTINGS,
    count_decodes,
    dataset_of,
    dataset_of_arrays,
    expected_pixels,
    write_images,
)

from mixednoise.data import store_disk
from mixednoise.data.cache import cache_root
from mixednoise.data.store import PixelStore, StoreSettings
from mixednoise.data.store_files import RECORD, StoreFolder
from mixednoise.errors import TrainingError
from mixednoise.progress import Silent

#: Builds slowly, says how many images it decoded. Arguments: this folder, a list of paths.
SLOW_BUILD = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from store_helpers import SETTINGS, dataset_of
from mixednoise.data import store_build
from mixednoise.data.prepare import prepare_bytes
from mixednoise.data.store import PixelStore

decoded = 0
def slow(*arguments, **options):
    global decoded
    decoded += 1
    time.sleep(0.01)
    return prepare_bytes(*arguments, **options)

store_build.prepare_bytes = slow
paths = [Path(p) for p in json.loads(Path(sys.argv[2]).read_text())]
store = PixelStore.build(dataset_of(paths), SETTINGS, workers=1)
print(decoded, int(store.images.astype(int).sum()))
"""


@pytest.fixture
def decodes(monkeypatch):
    return count_decodes(monkeypatch)


@pytest.fixture
def paths(tmp_path) -> list[Path]:
    return write_images(tmp_path / "images", 12)


def start_slow_build(paths: list[Path], tmp_path: Path) -> subprocess.Popen:
    listed = tmp_path / "paths.json"
    listed.write_text(json.dumps([str(path) for path in paths]))
    command = [sys.executable, "-c", SLOW_BUILD, str(Path(__file__).parent), str(listed)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def rows_done() -> int:
    files = list((cache_root() / "stores").glob("*/*/*/rows.bin"))
    if not files or files[0].stat().st_size % RECORD.itemsize:
        return 0
    return int(np.fromfile(files[0], RECORD)["done"].sum())


def test_a_killed_build_goes_on_where_it_stopped(tmp_path, decodes):
    paths = write_images(tmp_path / "images", 100)
    process = start_slow_build(paths, tmp_path)
    deadline = time.monotonic() + 60
    while rows_done() < 10 and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    done = rows_done()
    assert 10 <= done < 100
    assert not list((cache_root() / "stores").glob("*/*/*/store.json"))
    store = PixelStore.build(dataset_of(paths), SETTINGS)
    assert len(decodes) == 100 - done
    np.testing.assert_array_equal(store.images, expected_pixels(paths))
    assert store.readable.all()


def test_two_processes_at_once_do_the_work_once(tmp_path):
    paths = write_images(tmp_path / "images", 32)
    both = [start_slow_build(paths, tmp_path) for _ in range(2)]
    answers = [process.communicate(timeout=120)[0].split() for process in both]
    assert [process.returncode for process in both] == [0, 0]
    assert sum(int(decoded) for decoded, _ in answers) == 32
    total = str(int(expected_pixels(paths).astype(int).sum()))
    assert [pixels for _, pixels in answers] == [total, total]


class Interrupting(Silent):
    """Presses Ctrl-C after some images."""

    def track(self, items, description, total=None):
        for i, item in enumerate(items):
            if i == 16:
                raise KeyboardInterrupt
            yield item


def test_an_interrupted_build_keeps_what_it_has(tmp_path, decodes):
    paths = write_images(tmp_path / "images", 80)
    with pytest.raises(KeyboardInterrupt):
        PixelStore.build(dataset_of(paths), SETTINGS, workers=1, progress=Interrupting())
    done = rows_done()
    assert 16 <= done < 80
    assert len(decodes) == done
    PixelStore.build(dataset_of(paths), SETTINGS)
    assert len(decodes) == 80


# Damage. Each function breaks a finished store; the number is how many rows that should cost.


def flip_a_byte(files: StoreFolder) -> int:
    with files.pixels.open("r+b") as file:
        file.seek(5 * SETTINGS.row_bytes + 99)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    return 1


def cut_pixels(files: StoreFolder) -> int:
    os.truncate(files.pixels, 9 * SETTINGS.row_bytes + 5)
    return 3


def lengthen_pixels(files: StoreFolder) -> int:
    with files.pixels.open("ab") as file:
        file.write(b"more")
    return 0


def delete_pixels(files: StoreFolder) -> int:
    files.pixels.unlink()
    return 12


def zero_pixels(files: StoreFolder) -> int:
    files.pixels.write_bytes(bytes(12 * SETTINGS.row_bytes))
    return 12


def damage_a_record(files: StoreFolder) -> int:
    data = bytearray(files.rows.read_bytes())
    data[3 * RECORD.itemsize + 6] ^= 255
    files.rows.write_bytes(data)
    return 1


def cut_records(files: StoreFolder) -> int:
    files.rows.write_bytes(files.rows.read_bytes()[: 7 * RECORD.itemsize])
    return 12


def delete_summary(files: StoreFolder) -> int:
    files.summary.unlink()
    return 0


def garbage_summary(files: StoreFolder) -> int:
    files.summary.write_bytes(b"\xff{not json")
    return 0


def list_summary(files: StoreFolder) -> int:
    files.summary.write_text("[1, 2]")
    return 0


@pytest.mark.parametrize(
    "damage",
    [
        flip_a_byte,
        cut_pixels,
        lengthen_pixels,
        delete_pixels,
        zero_pixels,
        damage_a_record,
        cut_records,
        delete_summary,
        garbage_summary,
        list_summary,
    ],
)
def test_a_damaged_store_is_mended(paths, decodes, damage):
    folder = PixelStore.build(dataset_of(paths), SETTINGS).folder
    decodes.clear()
    cost = damage(StoreFolder(folder))
    store = PixelStore.build(dataset_of(paths), SETTINGS)
    assert len(decodes) == cost
    np.testing.assert_array_equal(store.images, expected_pixels(paths))
    assert store.reasons == [""] * 12
    assert store.native_size.tolist() == [[24, 32]] * 12


def test_a_damaged_earlier_store_is_not_copied_from(paths, decodes):
    flip_a_byte(StoreFolder(PixelStore.build(dataset_of(paths), SETTINGS).folder))
    store = PixelStore.build(dataset_of(paths[3:8]), SETTINGS)
    np.testing.assert_array_equal(store.images, expected_pixels(paths[3:8]))
    assert len(decodes) == 12 + 1


def test_a_file_cut_short_while_it_is_read_is_an_error_not_a_crash(paths):
    store = PixelStore.build(dataset_of(paths), SETTINGS)
    os.truncate(StoreFolder(store.folder).pixels, 100)
    with pytest.raises(TrainingError, match="cut short"):
        store.take([11])


# No space.


def test_a_full_disk_is_noticed_before_any_work(paths, decodes):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    large = StoreSettings(image_size=256)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, before[1]))
    try:
        with pytest.raises(TrainingError, match="disk is full") as caught:
            PixelStore.build(dataset_of(paths), large)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "2.4 MB" in str(caught.value)  # 12 * 256 * 256 * 3
    assert "MIXEDNOISE_CACHE" in str(caught.value)
    assert not decodes
    assert not list(cache_root().rglob("pixels*"))
    store = PixelStore.build(dataset_of(paths), large)
    np.testing.assert_array_equal(store.images, expected_pixels(paths, large))


def test_a_disk_that_fills_up_in_the_middle(paths, decodes, monkeypatch):
    """A file system that can't reserve space: the error comes from a write."""

    def can_not_reserve(*_):
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    def full_after_five_rows(handle, data, offset):
        if len(data) == SETTINGS.row_bytes and offset >= 5 * SETTINGS.row_bytes:
            raise OSError(errno.ENOSPC, "No space left on device")
        return pwrite(handle, data, offset)

    pwrite = os.pwrite
    monkeypatch.setattr(store_disk.os, "posix_fallocate", can_not_reserve)
    monkeypatch.setattr(store_disk.os, "pwrite", full_after_five_rows)
    with pytest.raises(TrainingError, match="disk is full"):
        PixelStore.build(dataset_of(paths), SETTINGS, workers=1)
    monkeypatch.setattr(store_disk.os, "pwrite", pwrite)
    decodes.clear()
    store = PixelStore.build(dataset_of(paths), SETTINGS)
    assert len(decodes) == 7
    np.testing.assert_array_equal(store.images, expected_pixels(paths))


def test_space_is_taken_before_work_begins(tmp_path):
    if not hasattr(os, "posix_fallocate"):
        pytest.skip("this system can't reserve space")
    with (tmp_path / "file").open("w+b") as file:
        store_disk.reserve(file.fileno(), 1_000_000)
        status = os.fstat(file.fileno())
        assert status.st_size == 1_000_000
        assert status.st_blocks * 512 >= 1_000_000


def test_deleting_the_cache_folder_by_hand_is_safe():
    arrays = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    store = PixelStore.build(dataset_of_arrays(arrays), StoreSettings(image_size=8))
    shutil.rmtree(cache_root())
    np.testing.assert_array_equal(store.take([2, 1]), arrays[[2, 1]])
    again = PixelStore.build(dataset_of_arrays(arrays), StoreSettings(image_size=8))
    np.testing.assert_array_equal(again.images, arrays)
