"""Splits: every class everywhere, no patient twice, near the fractions, the same each time."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mixednoise.data.splits import make_splits, write_splits
from mixednoise.data.table import SPLITS, Dataset, make_table
from mixednoise.errors import ConfigError


def dataset(labels, group=None, split=None, classes=None) -> Dataset:
    labels = list(labels)
    names = classes or tuple("abcdefghij"[: max(labels) + 1])
    ids = [f"{i}.png" for i in range(len(labels))]
    return Dataset(make_table(ids, labels, group=group, split=split), names, Path("t.csv"))


def counts(ds: Dataset) -> dict[str, list[int]]:
    """Images of each class per split."""
    return {
        split: np.bincount(ds.labels[ds.rows(split)], minlength=ds.num_classes).tolist()
        for split in SPLITS
    }


def crossing(ds: Dataset) -> int:
    """Patients in more than one split, counted one by one."""
    homes: dict[str, set[str]] = {}
    for group, split in zip(ds.table["group"], ds.table["split"], strict=True):
        homes.setdefault(group, set()).add(split)
    return sum(len(splits) > 1 for splits in homes.values())


def patients(rng: np.random.Generator, n: int, weights, purity: float = 0.7):
    """n images of patients with 1 to 6 images each, mostly of one class."""
    sizes = rng.integers(1, 7, n)
    group = np.repeat(np.arange(n), sizes)[:n]
    main = rng.choice(len(weights), n, p=weights)[group]
    other = rng.choice(len(weights), n, p=weights)
    labels = np.where(rng.random(n) < purity, main, other)
    return labels, [f"p{g}" for g in group]


def test_without_groups_the_shares_are_exact_in_every_class():
    ds = make_splits(dataset([0] * 10 + [1] * 50 + [2] * 100), seed=1)
    assert counts(ds) == {"train": [7, 35, 70], "val": [1, 5, 10], "test": [2, 10, 20]}
    # Chance decides which rows: not the first of each class.
    assert ds.rows("train")[:7].tolist() != list(range(7))


@pytest.mark.parametrize("seed", range(5))
def test_patients_never_cross_and_classes_are_near_the_shares(seed):
    rng = np.random.default_rng(seed)
    labels, group = patients(rng, 1200, [0.6, 0.25, 0.1, 0.05])
    ds = make_splits(dataset(labels, group), seed=seed)
    assert ds.table["split"].notna().all()
    assert crossing(ds) == 0
    for split, share in zip(SPLITS, (0.7, 0.1, 0.2), strict=True):
        expected = share * np.bincount(labels)
        # No class is off by more than about one patient (6 images).
        assert np.abs(np.array(counts(ds)[split]) - expected).max() <= 6


def test_same_seed_same_splits_other_seed_others():
    labels, group = patients(np.random.default_rng(0), 300, [0.5, 0.3, 0.2])
    ds = dataset(labels, group)
    first, again, other = (make_splits(ds, seed=seed).table["split"] for seed in (3, 3, 4))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(
    ("rare", "expected"),
    [(1, {"train"}), (2, {"train", "test"}), (3, {"train", "val", "test"})],
)
def test_rare_classes_are_in_as_many_splits_as_they_can_be(seed, rare, expected):
    labels = [0] * 60 + [1] * 30 + [2] * rare
    for group in (None, [f"p{i // 3}" for i in range(90)] + [f"r{i}" for i in range(rare)]):
        ds = make_splits(dataset(labels, group), seed=seed)
        there = {split for split, n in counts(ds).items() if n[2]}
        assert there == expected


def test_few_large_patients():
    """Ten patients of ten images: 7, 1 and 2 of them."""
    group = [f"p{i // 10}" for i in range(100)]
    ds = make_splits(dataset([0, 1] * 50, group), seed=0)
    assert counts(ds) == {"train": [35, 35], "val": [5, 5], "test": [10, 10]}
    # Three patients: one for each, rather than all to train.
    ds = make_splits(dataset([0, 1] * 15, group[:30]), seed=0)
    assert counts(ds) == {"train": [5, 5], "val": [5, 5], "test": [5, 5]}


def test_identical_images_stay_together_along_a_chain_of_patients():
    # p0 and p1 share an image, p1 and p2 another one: the three can't be divided.
    n = 60
    group = [f"p{i // 2}" for i in range(n)]
    hashes = [f"h{i}" for i in range(n)]
    hashes[1] = hashes[2] = "x"
    hashes[3] = hashes[4] = "y"
    hashes[20:] = [""] * (n - 20)  # not known: links nothing
    for seed in range(20):
        ds = make_splits(dataset([0, 1] * 30, group), seed=seed, content_hash=np.array(hashes))
        assert len(set(ds.table["split"][:6])) == 1
        assert set(ds.table["split"]) == set(SPLITS)


def test_val_is_carved_from_train_and_test_is_left_alone():
    labels, group = patients(np.random.default_rng(2), 500, [0.6, 0.4])
    made = make_splits(dataset(labels, group), fractions=(0.75, 0.0, 0.25), seed=0)
    assert set(made.table["split"]) == {"train", "test"}
    carved = make_splits(made, seed=0)
    assert carved.rows("test").tolist() == made.rows("test").tolist()
    assert crossing(carved) == 0
    # One part of the eight of train and val: 0.1 / (0.7 + 0.1).
    share = len(carved.rows("val")) / len(made.rows("train"))
    assert abs(share - 0.125) < 0.02


def test_train_alone_gets_val_and_complete_splits_stay():
    only_train = dataset([0, 1] * 40, split=["train"] * 80)
    assert counts(make_splits(only_train, seed=0)) == {
        "train": [35, 35],
        "val": [5, 5],
        "test": [0, 0],
    }
    complete = dataset([0, 1] * 3, split=["train", "train", "val", "val", "test", "test"])
    assert make_splits(complete, seed=0) is complete


def test_rows_without_a_split_never_enter_the_users_test():
    split = ["test"] * 20 + [None] * 80
    ds = make_splits(dataset([0, 1] * 50, split=split), seed=0)
    assert ds.rows("test").tolist() == list(range(20))
    assert counts(ds)["train"] == [35, 35]
    assert counts(ds)["val"] == [5, 5]


def test_a_row_without_a_split_follows_its_patient():
    split = ["train", "val", "test"] * 4 + [None] * 3
    group = ["p0", "p1", "p2"] + [None] * 9 + ["p0", "p1", "p2"]
    ds = make_splits(dataset([0, 1, 0] * 5, group, split), seed=0)
    assert ds.table["split"].tolist()[-3:] == ["train", "val", "test"]
    assert ds.table["split"].tolist()[:12] == split[:12]


def test_the_users_training_rows_never_move_to_test():
    """A leak of the user's (p0 in train and test) is reported elsewhere; it must not grow."""
    split = ["train"] * 40 + ["test"] * 10
    group = ["p0"] * 4 + [f"q{i}" for i in range(36)] + ["p0"] + [f"r{i}" for i in range(9)]
    ds = make_splits(dataset([0, 1] * 25, group, split), seed=0)
    assert ds.rows("test").tolist() == list(range(40, 50))
    assert ds.table["split"][:4].tolist() == ["train"] * 4
    assert len(ds.rows("val")) > 0


def test_no_validation_on_request():
    ds = make_splits(dataset([0, 1] * 20), fractions=(0.8, 0, 0.2), seed=0)
    assert counts(ds) == {"train": [16, 16], "val": [0, 0], "test": [4, 4]}
    untouched = dataset([0, 1] * 4, split=["train"] * 6 + ["test"] * 2)
    assert make_splits(untouched, fractions=(0.8, 0, 0.2), seed=0) is untouched


@pytest.mark.parametrize("fractions", [(0.7, 0.1, 0.1), (1.2, -0.1, -0.1), (0.0, 0.5, 0.5)])
def test_fractions_must_be_shares(fractions):
    with pytest.raises(ConfigError, match="fractions"):
        make_splits(dataset([0, 1]), fractions=fractions, seed=0)


def test_hashes_of_other_data_are_refused():
    with pytest.raises(ValueError, match="1 content hash for 2 rows"):
        make_splits(dataset([0, 1]), seed=0, content_hash=["x"])


def test_cost_grows_with_the_rows():
    seconds = []
    for n in (5_000, 20_000):
        labels, group = patients(np.random.default_rng(0), n, [0.67, 0.2, 0.1, 0.03])
        ds = dataset(labels, group)
        begin = time.process_time()
        make_splits(ds, seed=0, content_hash=[str(i) for i in range(n)])
        seconds.append(time.process_time() - begin)
    # Anything quadratic would take sixteen times as long for four times the rows.
    assert seconds[1] < 10 * seconds[0] + 0.2
    assert seconds[1] < 2


def test_write_splits(tmp_path):
    ds = dataset([0, 1, 0], ["p,1", None, "p3"], ["train", "val", "test"], ("no", "yes"))
    write_splits(ds, tmp_path / "splits.csv")
    assert (tmp_path / "splits.csv").read_text() == (
        'id,split,group,label\n0.png,train,"p,1",no\n1.png,val,,yes\n2.png,test,p3,no\n'
    )
    assert pd.read_csv(tmp_path / "splits.csv").shape == (3, 4)
