"""The column of sample weights: read where it is named, checked, carried along."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from reader_fixtures import labelled, touch, write_table

from mixednoise.data.checks import check_splits, check_table
from mixednoise.data.readers import read_dataset
from mixednoise.data.table import Dataset, make_table
from mixednoise.errors import ConfigError, DataError
from mixednoise.noise import corrupt_dataset


def table_with(folder: Path, weights: list[str], **columns: list[str]) -> Path:
    """A row per weight, the label being a or b in turn; images are there."""
    names = [f"{row}.png" for row in range(len(weights))]
    touch(folder, names)
    given = {"image": names, "label": ["a", "b"] * len(names), **columns, "weight": weights}
    rows = [",".join(cells[row] for cells in given.values()) for row in range(len(names))]
    return write_table(folder / "labels.csv", ",".join(given), rows)


def test_the_named_column_is_read_and_no_other_one(tmp_path):
    path = table_with(tmp_path, ["72.5", "0", "1", "1e-1"])
    kilograms = read_dataset(path)
    assert kilograms.table["weight"].tolist() == [1.0] * 4
    assert kilograms.weight_column == ""
    weighted = read_dataset(path, weight_column="weight")
    assert weighted.table["weight"].dtype == np.float64
    assert weighted.table["weight"].tolist() == [72.5, 0.0, 1.0, 0.1]
    assert weighted.weight_column == "weight"


@pytest.mark.parametrize("cell", ["-0.5", "nan", "inf", "high", "0;5", ""])
def test_what_is_no_weight_is_told_with_its_row(tmp_path, cell):
    path = table_with(tmp_path, ["1", "1", cell, "1"])
    with pytest.raises(DataError) as error:
        read_dataset(path, weight_column="weight")
    text = str(error.value)
    assert "1 sample weight" in text
    assert f"{cell!r} in labels.csv, line 4" in text
    assert "--weight-column" in text


def test_validation_and_test_need_no_weight_but_training_does(tmp_path):
    split = ["train", "train", "val", "test", "train"]
    path = table_with(tmp_path, ["2", "0.5", "", "", "1"], split=split)
    assert read_dataset(path, weight_column="weight").table["weight"].tolist() == [2, 0.5, 1, 1, 1]
    path = table_with(tmp_path, ["", "0.5", "", "", "1"], split=split)
    with pytest.raises(DataError, match="line 2"):
        read_dataset(path, weight_column="weight")


def test_a_column_that_is_not_there(tmp_path):
    path = table_with(tmp_path, ["1", "1"])
    with pytest.raises(DataError, match="no column 'wieght'") as error:
        read_dataset(path, weight_column="wieght")
    assert "did you mean 'weight'?" in str(error.value)
    touch(tmp_path / "folders", ["a/1.png", "b/2.png"])
    with pytest.raises(ConfigError, match="weight_column"):
        read_dataset(tmp_path / "folders", weight_column="weight")


def dataset(weights, labels=None, **columns) -> Dataset:
    labels = labels or [0, 1] * (len(weights) // 2)
    ids = [f"{row}.png" for row in range(len(weights))]
    return Dataset(make_table(ids, labels, weight=weights, **columns), ("a", "b"), Path("t.csv"))


def found(ds: Dataset) -> list[tuple[str, str]]:
    return [(p.severity, p.what) for p in check_splits(ds).problems]


def test_an_epoch_of_another_length_is_told():
    ((severity, what),) = found(dataset([1, 0.5, 2, 0] * 4))
    assert severity == "info"
    assert "14 images in place of 16" in what
    assert found(dataset([1.0] * 8)) == []
    assert check_table(dataset([0.0] * 8), training=False).of("stop") == []


@pytest.mark.parametrize(
    ("weights", "what"),
    [
        ([1, 0, 1, 0], "1 class whose training images all have weight 0"),
        ([0, 0, 0, 0], "2 classes whose training images all have weight 0"),
        ([0.25, 0.25, 0.25, 0.25], "next to nothing of an epoch"),
        ([1, 1e5, 1, 1], "far too long"),
        ([1, -1, 1, 1], "1 sample weight can't be used"),
        ([1, np.nan, 1, 1], "1 sample weight can't be used"),
    ],
)
def test_weights_with_which_nothing_can_be_learned_stop(weights, what):
    ((severity, told),) = found(dataset(weights))
    assert severity == "stop"
    assert what in told


def test_weights_count_in_the_training_split_alone():
    split = ["train", "train", "test", "test"]
    assert found(dataset([1, 1, 0, 0], split=split)) == []
    assert found(dataset([0, 0, 1, 1], split=split))[0][0] == "stop"
    # Before a split is made, every row may become a training row.
    assert found(dataset([1, 0, 1, 1], labels=[0, 1, 1, 0])) == [
        ("info", "by the sample weights of column 'weight' an epoch has 3 images in place of 4")
    ]


def test_weights_that_are_kilograms_are_doubted():
    ((severity, _),) = found(dataset([72.5, 81.0, 64.5, 90.0]))
    assert severity == "warn"


def test_noise_on_purpose_leaves_the_weights_under_their_name(tmp_path):
    names = [f"{row:02d}.png" for row in range(24)]
    (tmp_path / "clean").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (24, 16, 16, 3), dtype=np.uint8)
    for name, image in zip(names, pixels, strict=True):
        cv2.imwrite(str(tmp_path / "clean" / name), image)
    weights = [round(0.1 * row, 1) for row in range(24)]
    columns = {"image": names, "label": ["a", "b"] * 12, "trust": weights}
    pd.DataFrame(columns).to_csv(tmp_path / "clean" / "labels.csv", index=False)
    clean = read_dataset(tmp_path / "clean" / "labels.csv", weight_column="trust")
    made = corrupt_dataset(clean, tmp_path / "noisy", mis_h=0.4, mis_l=0.2)
    again = read_dataset(made.labels_file, weight_column="trust")
    assert again.table["weight"].tolist() == pytest.approx(weights)
    assert made.dataset.table["weight"].tolist() == pytest.approx(weights)


def test_the_readers_of_rows_without_such_a_column_give_ones(tmp_path):
    labelled(tmp_path, ["a", "b"])
    assert read_dataset(tmp_path).table["weight"].tolist() == [1.0, 1.0]
