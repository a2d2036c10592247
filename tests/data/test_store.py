"""The pixel store: decoded once, found again, read back as it was."""

from __future__ import annotations

import gc
import os
import pickle
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from store_helpers import (
    SETTINGS,
    blake,
    count_decodes,
    dataset_of,
    dataset_of_arrays,
    expected_pixels,
    write_image,
    write_images,
)

from mixednoise.data import store_build
from mixednoise.data.cache import cache_root, clear_cache
from mixednoise.data.decode import UnreadableImageError, read_image_file
from mixednoise.data.store import PixelStore, StoreSettings
from mixednoise.errors import ConfigError, DataError, TrainingError
from mixednoise.progress import Silent


@pytest.fixture
def decodes(monkeypatch):
    return count_decodes(monkeypatch)


@pytest.fixture
def paths(tmp_path) -> list[Path]:
    return write_images(tmp_path / "images", 12)


def store_folders() -> list[Path]:
    return sorted((cache_root() / "stores").glob("*/*/*/"))


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        StoreSettings(image_size=9, fit="crop"),
        StoreSettings(image_size=16, crop="field_of_view"),
    ],
)
def test_rows_are_the_prepared_images_in_table_order(paths, settings, workers):
    paths = paths[::-1]
    store = PixelStore.build(dataset_of(paths), settings, workers=workers)
    expected = expected_pixels(paths, settings)
    side = settings.image_size
    assert len(store) == 12
    assert store.images.shape == (12, side, side, 3)
    assert store.images.dtype == np.uint8
    np.testing.assert_array_equal(store.images, expected)
    np.testing.assert_array_equal(store.take(range(12)), expected)
    assert store.readable.tolist() == [True] * 12
    assert store.reasons == [""] * 12
    assert store.native_size.tolist() == [[24, 32]] * 12
    assert store.content_hash.tolist() == [blake(path.read_bytes()) for path in paths]
    assert store.settings == settings


@pytest.mark.parametrize(
    "rows",
    [
        [3],
        [],
        [5, 4, 3, 2],
        [0, 1, 2, 7, 8, 3, 3, 3],
        [-1, -12, 0],
        np.array([11, 0], np.int32),
        np.array([2, 9], np.uint8),
        np.arange(12) % 3 == 0,
    ],
    ids=str,
)
def test_take_is_images_of_rows(paths, rows):
    store = PixelStore.build(dataset_of(paths), SETTINGS)
    taken = store.take(rows)
    index = np.array(rows) if len(rows) else np.zeros(0, int)
    np.testing.assert_array_equal(taken, store.images[index])
    taken[...] = 7  # a copy: writing into it changes nothing
    np.testing.assert_array_equal(store.images, expected_pixels(paths))


def test_take_into_a_given_array(paths):
    store = PixelStore.build(dataset_of(paths), SETTINGS)
    out = np.zeros((2, 16, 16, 3), np.uint8)
    assert store.take([4, 6], out=out) is out
    np.testing.assert_array_equal(out, store.images[[4, 6]])
    with pytest.raises(ValueError, match="contiguous uint8"):
        store.take([4, 6, 7], out=out)


@pytest.mark.parametrize("rows", [[12], [-13], [0.5], [[1, 2]], np.ones(5, bool)], ids=str)
def test_rows_that_do_not_exist(paths, rows):
    with pytest.raises(IndexError):
        PixelStore.build(dataset_of(paths), SETTINGS).take(rows)


def test_threads_may_take_at_once(paths):
    store = PixelStore.build(dataset_of(paths), SETTINGS)
    expected, right = expected_pixels(paths), []

    def take_often(seed):
        batches = np.random.default_rng(seed).integers(0, 12, (200, 8))
        right.append(all(np.array_equal(store.take(rows), expected[rows]) for rows in batches))

    threads = [threading.Thread(target=take_often, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert right == [True] * 4


def test_a_pickled_store_is_small_and_opens_in_another_process(paths, tmp_path):
    store = PixelStore.build(dataset_of(paths), SETTINGS)
    pickled = pickle.dumps(store)
    assert len(pickled) < 400
    (tmp_path / "store.pickle").write_bytes(pickled)
    code = (
        "import pickle, sys, pathlib\n"
        "store = pickle.loads(pathlib.Path(sys.argv[1]).read_bytes())\n"
        "sys.stdout.buffer.write(store.take([7, 2]).tobytes())\n"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "store.pickle")]
    answer = subprocess.run(command, capture_output=True, check=True).stdout
    assert answer == expected_pixels(paths)[[7, 2]].tobytes()


def test_a_forked_process_and_its_parent_read_independently(paths):
    store, expected = PixelStore.build(dataset_of(paths), SETTINGS), expected_pixels(paths)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of forking beside threads
        child = os.fork()
    rows = [1, 8, 5]
    right = all(np.array_equal(store.take(rows), expected[rows]) for _ in range(200))
    if child == 0:
        os._exit(0 if right else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert right


def test_memory_does_not_grow_with_what_was_read():
    def file_pages_mb() -> float:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("RssFile")).split()[1]) / 1024

    if not Path("/proc/self/status").exists():
        pytest.skip("reads /proc/self/status")
    arrays = np.zeros((300, 200, 200, 3), np.uint8)
    arrays[:, 0, 0, 0] = np.arange(300) % 256
    arrays[:, 0, 1, 0] = np.arange(300) // 256
    store = PixelStore.build(dataset_of_arrays(arrays), StoreSettings(image_size=200))
    before = file_pages_mb()
    for start in range(0, 300, 30):
        store.take(range(start, start + 30))
    assert file_pages_mb() - before < 2
    # What it would be if the file were mapped: all of its 36 MB.
    store.images.max()
    assert file_pages_mb() - before > 30


# Found again.


def test_the_second_start_decodes_and_reads_nothing(paths, decodes, monkeypatch):
    first = PixelStore.build(dataset_of(paths), SETTINGS)
    assert len(decodes) == 12
    monkeypatch.setattr(store_build, "read_image_file", None)
    second = PixelStore.build(dataset_of(paths), SETTINGS)
    assert len(decodes) == 12
    assert second.folder == first.folder
    np.testing.assert_array_equal(second.images, first.images)
    assert second.content_hash.tolist() == first.content_hash.tolist()


def test_labels_and_splits_are_not_part_of_a_store(paths, decodes):
    data = dataset_of(paths)
    PixelStore.build(data, SETTINGS)
    data.table["label"], data.table["split"] = 1, "test"
    PixelStore.build(data, SETTINGS)
    assert len(decodes) == 12


@pytest.mark.parametrize(
    "other",
    [
        StoreSettings(image_size=17),
        StoreSettings(image_size=16, fit="crop"),
        StoreSettings(image_size=16, crop="field_of_view"),
    ],
)
def test_other_settings_are_another_store(paths, decodes, other):
    first = PixelStore.build(dataset_of(paths), SETTINGS)
    second = PixelStore.build(dataset_of(paths), other)
    assert len(decodes) == 24
    assert first.folder != second.folder
    np.testing.assert_array_equal(first.images, expected_pixels(paths))
    np.testing.assert_array_equal(second.images, expected_pixels(paths, other))


def test_a_cleaned_or_reordered_table_copies_instead_of_decoding(paths, decodes):
    PixelStore.build(dataset_of(paths), SETTINGS)
    kept = [paths[i] for i in (9, 2, 4)]
    store = PixelStore.build(dataset_of(kept), SETTINGS)
    assert len(decodes) == 12
    np.testing.assert_array_equal(store.images, expected_pixels(kept))
    assert store.content_hash.tolist() == [blake(path.read_bytes()) for path in kept]
    assert store.native_size.tolist() == [[24, 32]] * 3


def test_a_moved_folder_is_recognised_by_content(paths, decodes, tmp_path):
    PixelStore.build(dataset_of(paths), SETTINGS)
    paths[0].parent.rename(tmp_path / "elsewhere")
    moved = [tmp_path / "elsewhere" / path.name for path in paths]
    store = PixelStore.build(dataset_of(moved), SETTINGS)
    assert len(decodes) == 12
    np.testing.assert_array_equal(store.images, expected_pixels(moved))


def test_a_file_listed_twice_is_decoded_once(paths, decodes):
    twice = [paths[0], paths[1], paths[0]]
    store = PixelStore.build(dataset_of(twice), SETTINGS)
    assert len(decodes) == 2
    np.testing.assert_array_equal(store.images, expected_pixels(twice))


# Changed images.


def rewrite(path: Path) -> None:
    write_image(path, 99, height=40)


def rewrite_behind_its_times(path: Path) -> None:
    """Another image of as many bytes, the time of its modification set back."""
    before = path.stat()
    write_image(path, 99)
    assert path.stat().st_size == before.st_size
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("change", [rewrite, rewrite_behind_its_times])
def test_a_changed_image_is_noticed_and_decoded_again(tmp_path, decodes, change):
    paths = [path.with_suffix(".bmp") for path in write_images(tmp_path / "images", 5)]
    for seed, path in enumerate(paths):
        write_image(path, seed)
    before = PixelStore.build(dataset_of(paths), SETTINGS).take(range(5))
    change(paths[3])
    after = PixelStore.build(dataset_of(paths), SETTINGS)
    assert len(decodes) == 6
    np.testing.assert_array_equal(after.images, expected_pixels(paths))
    assert (after.images[3] != before[3]).any()
    assert after.content_hash[3] == blake(paths[3].read_bytes())


def test_a_touched_image_is_read_but_not_decoded(paths, decodes):
    PixelStore.build(dataset_of(paths), SETTINGS)
    os.utime(paths[2], (1, 1))
    PixelStore.build(dataset_of(paths), SETTINGS)
    assert len(decodes) == 12


def test_the_store_from_before_a_change_is_deleted_unless_it_is_open(paths):
    opened = PixelStore.build(dataset_of(paths), SETTINGS)
    pixels = opened.take([0])
    write_image(paths[0], 50)
    PixelStore.build(dataset_of(paths), SETTINGS)
    assert len(store_folders()) == 2
    np.testing.assert_array_equal(opened.take([0]), pixels)
    del opened
    gc.collect()
    write_image(paths[0], 51)
    newest = PixelStore.build(dataset_of(paths), SETTINGS)
    assert store_folders() == [newest.folder]


def test_a_missing_image_is_found_when_it_appears(paths, decodes, tmp_path):
    late = tmp_path / "late.png"
    store = PixelStore.build(dataset_of([*paths, late]), SETTINGS)
    assert store.reasons[12] == "file not found"
    write_image(late, 77)
    store = PixelStore.build(dataset_of([*paths, late]), SETTINGS)
    assert store.readable.all()
    assert len(decodes) == 13
    np.testing.assert_array_equal(store.images, expected_pixels([*paths, late]))


# Images that can't be read.


def test_unreadable_images_are_listed_and_the_rest_is_decoded(tmp_path, decodes, capfd):
    good = write_images(tmp_path / "images", 3)
    data = good[0].read_bytes()
    bad = {
        "text.jpg": (b"id,label\n1,2\n", "text file"),
        "empty.png": (b"", "empty file"),
        "half.png": (data[: len(data) // 2], "truncated PNG"),
        "long\u0142.png": (b"\xff\xd8\xff\xe0", "JPEG"),
    }
    for name, (content, _) in bad.items():
        (tmp_path / name).write_bytes(content)
    folder = tmp_path / "folder.png"
    folder.mkdir()
    paths = [good[0], *[tmp_path / name for name in bad], good[1], folder, good[2]]
    for _ in range(2):
        store = PixelStore.build(dataset_of(paths), SETTINGS)
        assert store.readable.tolist() == [True, *[False] * 4, True, False, True]
        for row, (_, reason) in enumerate(bad.values(), start=1):
            assert reason in store.reasons[row]
        assert "not an image" in store.reasons[6]
        assert store.images[[1, 2, 3, 4, 6]].max() == 0
        np.testing.assert_array_equal(store.images[[0, 5, 7]], expected_pixels(good))
        assert store.native_size[1].tolist() == [0, 0]
        assert store.content_hash[1] == blake(b"id,label\n1,2\n")
        assert store.content_hash[6] == ""
    assert len(decodes) == 7  # all but the folder have bytes; none is tried a second time
    assert capfd.readouterr() == ("", "")


def test_a_fault_outside_of_the_file_is_tried_again(paths, decodes, monkeypatch):
    def refuse_one(path):
        if path == str(paths[4]):
            raise UnreadableImageError("permission denied", retry=True)
        return read_image_file(path)

    monkeypatch.setattr(store_build, "read_image_file", refuse_one)
    store = PixelStore.build(dataset_of(paths), SETTINGS)
    assert store.reasons[4] == "permission denied"
    assert len(decodes) == 11
    monkeypatch.setattr(store_build, "read_image_file", read_image_file)
    store = PixelStore.build(dataset_of(paths), SETTINGS)
    assert store.readable.all()
    assert len(decodes) == 12
    np.testing.assert_array_equal(store.images, expected_pixels(paths))


def test_every_image_unreadable(tmp_path):
    store = PixelStore.build(dataset_of([tmp_path / "a.png", tmp_path / "b.png"]), SETTINGS)
    assert not store.readable.any()


# Pixels that come as arrays.


def test_arrays_go_through_the_same_store():
    arrays = np.random.default_rng(0).integers(0, 256, (7, 16, 16, 3), dtype=np.uint8)
    data = dataset_of_arrays(arrays, [6, 0, 3])
    store = PixelStore.build(data, SETTINGS)
    np.testing.assert_array_equal(store.images, arrays[[6, 0, 3]])
    assert store.native_size.tolist() == [[16, 16]] * 3
    assert store.content_hash[0] == blake(b"(16, 16, 3)" + arrays[6].tobytes())
    assert PixelStore.build(data, SETTINGS).folder == store.folder
    changed = arrays.copy()
    changed[3, 5, 5, 1] ^= 1
    other = PixelStore.build(dataset_of_arrays(changed, [6, 0, 3]), SETTINGS)
    assert other.folder != store.folder
    np.testing.assert_array_equal(other.images, changed[[6, 0, 3]])


def test_equal_arrays_have_equal_hashes():
    arrays = np.zeros((3, 8, 8, 3), np.uint8)
    arrays[1] = 5
    hashes = PixelStore.build(dataset_of_arrays(arrays), SETTINGS).content_hash
    assert hashes[0] == hashes[2] != hashes[1]


# Around it.


class Watching(Silent):
    def __init__(self) -> None:
        super().__init__()
        self.passed, self.total, self.messages = 0, None, []

    def track(self, items, description, total=None):
        self.total = total
        for item in items:
            self.passed += 1
            yield item

    def message(self, text):
        self.messages.append(text)


def test_progress_counts_images(paths):
    progress = Watching()
    PixelStore.build(dataset_of(paths), SETTINGS, progress=progress)
    assert (progress.passed, progress.total) == (12, 12)


def test_opencv_gets_its_threads_back(paths):
    before = cv2.getNumThreads()
    try:
        cv2.setNumThreads(3)
        given = cv2.getNumThreads()
        PixelStore.build(dataset_of(paths), SETTINGS)
        assert cv2.getNumThreads() == given
    finally:
        cv2.setNumThreads(before)


def test_no_images():
    with pytest.raises(DataError, match="no images"):
        PixelStore.build(dataset_of([]), SETTINGS)


@pytest.mark.parametrize(
    "wrong", [{"image_size": 0}, {"image_size": 16, "crop": "disc"}, {"image_size": 16, "fit": "x"}]
)
def test_settings_that_can_not_be(wrong):
    with pytest.raises(ConfigError):
        StoreSettings(**wrong)


def test_the_cache_is_where_it_was_asked_for(paths, tmp_path, monkeypatch):
    root = tmp_path / "mine"
    assert root in PixelStore.build(dataset_of(paths), SETTINGS, root=root).folder.parents
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(tmp_path / "env"))
    folder = PixelStore.build(dataset_of(paths), SETTINGS).folder
    assert tmp_path / "env" in folder.parents
    monkeypatch.delenv("MIXEDNOISE_CACHE")
    assert cache_root() == Path.home() / ".cache" / "mixednoise"


def test_a_cache_that_can_not_be_written(paths, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigError, match="MIXEDNOISE_CACHE"):
        PixelStore.build(dataset_of(paths), SETTINGS, root=tmp_path / "file")


def test_clear_cache_keeps_what_is_open(paths):
    opened = PixelStore.build(dataset_of(paths), SETTINGS)
    other = PixelStore.build(dataset_of(paths), StoreSettings(image_size=20))
    size = sum(file.stat().st_size for file in other.folder.iterdir())
    del other
    gc.collect()
    assert clear_cache() == size
    assert store_folders() == [opened.folder]
    del opened
    gc.collect()
    assert clear_cache() > 0
    assert clear_cache() == 0
    assert list((cache_root() / "stores").iterdir()) == []


def test_a_store_that_is_gone_says_so(paths, tmp_path):
    with pytest.raises(TrainingError, match="start again"):
        PixelStore(tmp_path / "nowhere")
