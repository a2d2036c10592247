"""The order of the classes survives ``corrupt``: names in a CSV file alone would lose it."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from reader_fixtures import labelled

from mixednoise.data.readers import read_dataset
from mixednoise.data.table import Dataset, make_table
from mixednoise.errors import DataError
from mixednoise.noise import corrupt_dataset

GRADES = ("none", "mild", "severe")


@pytest.fixture
def table(tmp_path) -> Path:
    return labelled(tmp_path, ["mild", "none", "severe", "none"])


def describe(table: Path, **content) -> None:
    (table.parent / "corruption.json").write_text(json.dumps(content))


def test_order_and_grades_come_from_the_file_beside_the_table(table):
    assert read_dataset(table).class_names == ("mild", "none", "severe")
    describe(table, class_names=GRADES, ordinal=True)
    for source in (table, table.parent):
        dataset = read_dataset(source)
        assert dataset.class_names == GRADES
        assert dataset.labels.tolist() == [1, 0, 2, 0]
        assert dataset.ordinal


def test_what_the_user_says_stands(table):
    describe(table, class_names=GRADES, ordinal=True)
    assert not read_dataset(table, ordinal=False).ordinal
    assert read_dataset(table, ordinal=False).class_names == GRADES
    mine = read_dataset(table, class_names=["severe", "mild", "none"])
    assert mine.class_names == ("severe", "mild", "none")
    assert not mine.ordinal, "the order in the file is not that of the user's names"


def test_integers_are_no_grades_where_the_file_says_so(tmp_path):
    table = labelled(tmp_path, ["0", "1", "2"])
    assert read_dataset(table).ordinal
    describe(table, class_names=["0", "1", "2"], ordinal=False)
    assert not read_dataset(table).ordinal


def test_another_table_in_that_folder_is_the_users(table):
    describe(table, class_names=GRADES, ordinal=True)
    other = table.rename(table.with_name("reviewed.csv"))
    assert read_dataset(other).class_names == ("mild", "none", "severe")


def test_a_class_that_was_added_by_hand_is_told(table):
    describe(table, class_names=["none", "mild"], ordinal=True)
    with pytest.raises(DataError) as caught:
        read_dataset(table)
    assert "'severe' in labels.csv, line 4" in str(caught.value)
    assert caught.value.expected == "none, mild (the classes in corruption.json)"


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"class_names": ["none", "mild", "severe"]}',
        '{"class_names": "none", "ordinal": true}',
        '{"class_names": ["none", "none"], "ordinal": true}',
        '{"class_names": ["none", 1], "ordinal": true}',
    ],
)
def test_a_damaged_file_is_told_not_guessed_around(table, text):
    (table.parent / "corruption.json").write_text(text)
    with pytest.raises(DataError, match=r"corruption\.json can't be read") as caught:
        read_dataset(table)
    assert "--classes" in str(caught.value.fix)
    assert read_dataset(table, class_names=GRADES).class_names == GRADES


def test_what_corrupt_writes_reads_back_in_order(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (24, 8, 8, 3), dtype=np.uint8)
    rows = make_table(
        [f"a_{i}" for i in range(24)],
        [i % 3 for i in range(24)],
        array_index=range(24),
        split=["train"] * 18 + ["val"] * 3 + ["test"] * 3,
    )
    clean = Dataset(rows, GRADES, Path("clean"), arrays=pixels, ordinal=True)
    made = corrupt_dataset(clean, tmp_path / "noisy", mis_h=0.3, mis_l=0.2, seed=1)
    again = read_dataset(made.labels_file)
    assert again.class_names == GRADES
    assert again.ordinal
    assert again.labels.tolist() == made.dataset.labels.tolist()
    assert again.table["true_label"].tolist() == [i % 3 for i in range(24)]
