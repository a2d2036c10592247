"""MedMNIST files."""

from __future__ import annotations

import zipfile

import numpy as np
import pytest
from reader_fixtures import medmnist

from mixednoise.data.checks import check_table
from mixednoise.data.readers import read_dataset
from mixednoise.errors import ConfigError, DataError


def test_splits_ids_labels_and_pixels(tmp_path):
    path = medmnist(tmp_path / "pathmnist.npz")
    ds = read_dataset(path)
    assert ds.table["split"].tolist() == ["train"] * 6 + ["val"] * 2 + ["test"] * 3
    assert ds.table["id"].tolist()[5:8] == ["train_00005", "val_00000", "val_00001"]
    assert ds.class_names == ("0", "1", "2")
    assert ds.labels.tolist() == [0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 2]
    assert ds.table["path"].tolist() == [""] * 11
    assert ds.arrays is not None
    assert ds.arrays.shape == (11, 4, 5, 3)
    with np.load(path) as archive:
        expected = np.concatenate([archive[f"{s}_images"] for s in ("train", "val", "test")])
    assert np.array_equal(ds.arrays[ds.table["array_index"]], expected)
    # Consecutive numbers, but tissue types are no grades.
    assert not ds.ordinal
    assert read_dataset(path, ordinal=True).ordinal
    assert not check_table(ds).stopped


def test_retinamnist_is_ordinal(tmp_path):
    assert read_dataset(medmnist(tmp_path / "retinamnist.npz")).ordinal
    assert read_dataset(medmnist(tmp_path / "retinamnist_224.npz"), preset="medmnist").ordinal


def test_grey_becomes_rgb(tmp_path):
    grey = np.arange(6 * 20, dtype=np.uint8).reshape(6, 4, 5)
    for number, images in enumerate((grey, grey[..., None])):
        path = medmnist(
            tmp_path / f"{number}.npz",
            train_images=images,
            val_images=None,
            val_labels=None,
            test_images=None,
            test_labels=None,
        )
        ds = read_dataset(path)
        assert ds.arrays is not None
        for channel in range(3):
            assert np.array_equal(ds.arrays[..., channel], grey)
        assert set(ds.table["split"]) == {"train"}


def test_names_for_the_codes_in_order(tmp_path):
    ds = read_dataset(medmnist(tmp_path / "x.npz"), class_names=["none", "mild", "severe"])
    assert ds.class_names == ("none", "mild", "severe")
    assert ds.labels.tolist()[:3] == [0, 1, 2]
    with pytest.raises(DataError, match=r"'2' in train_00002"):
        read_dataset(medmnist(tmp_path / "x.npz"), class_names=["none", "mild"])


def test_rows_without_a_label_are_set_aside(tmp_path):
    labels = np.array([0, 1, np.nan, 1, 0, 1])
    ds = read_dataset(medmnist(tmp_path / "x.npz", train_labels=labels))
    assert ds.set_aside["id"].tolist() == ["train_00002"]
    assert ds.table["array_index"].tolist() == [0, 1, 3, 4, 5, 6, 7, 8, 9, 10]


IMAGES = np.zeros((6, 4, 5, 3), np.uint8)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"train_labels": None}, "lacks train_labels"),
        ({"train_images": None, "train_labels": None}, "lacks train_images, train_labels"),
        ({"test_labels": None}, "lacks test_labels"),
        ({"train_labels": np.array([{}] * 6, dtype=object)}, "pickled Python objects"),
        ({"train_images": IMAGES.astype(np.float32)}, "wrong type of number"),
        ({"train_images": IMAGES[0]}, "train_labels of .* does not fit"),
        ({"train_images": np.zeros((6, 4, 5, 4, 3), np.uint8)}, "no stack of images"),
        ({"train_images": np.zeros((6, 4, 5, 28), np.uint8)}, "no stack of images"),
        ({"val_images": np.zeros((2, 9, 9, 3), np.uint8)}, "differs in size from train_images"),
        ({"train_labels": np.zeros((6, 2), np.int64)}, "several labels per image"),
        ({"train_labels": np.zeros(5, np.int64)}, "train_labels of .* does not fit"),
        ({"train_labels": np.full(6, 0.5)}, "no class numbers"),
        ({"train_labels": np.array(list("abcdef"))}, "no class numbers"),
    ],
)
def test_what_is_wrong_with_the_arrays(tmp_path, changes, what):
    with pytest.raises(DataError, match=what):
        read_dataset(medmnist(tmp_path / "x.npz", **changes))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"\x80\x04]\x94.", b"PK\x03\x04 cut off"])
def test_not_an_npz_file(tmp_path, content):
    path = tmp_path / "x.npz"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"x\.npz"):
        read_dataset(path)


def test_truncated_and_damaged_files(tmp_path):
    path = medmnist(tmp_path / "x.npz")
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataError, match=r"can't be read as \.npz"):
        read_dataset(path)
    damaged = bytearray(whole)
    damaged[300] ^= 0xFF  # a byte of the first array: its checksum no longer fits
    path.write_bytes(bytes(damaged))
    with pytest.raises(DataError, match=r"can't be read as \.npz"):
        read_dataset(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("train_images.npy", b"no array")
        archive.writestr("train_labels.npy", b"no array")
    with pytest.raises(DataError, match=r"x\.npz"):
        read_dataset(path)


def test_a_single_array_is_not_a_data_set(tmp_path):
    with (tmp_path / "x.npz").open("wb") as file:
        np.save(file, IMAGES)
    with pytest.raises(DataError, match=r"can't be read as \.npz"):
        read_dataset(tmp_path / "x.npz")


def test_columns_mean_nothing_here(tmp_path):
    with pytest.raises(ConfigError, match="label_column"):
        read_dataset(medmnist(tmp_path / "x.npz"), label_column="label")
