"""A part of a data set: whole patients, every split its share."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mixednoise.data.table import Dataset, make_table
from mixednoise.data.take import take_images, take_per_class
from mixednoise.errors import ConfigError


def data(n: int = 270, *, grouped: bool = True) -> Dataset:
    """Two thirds to learn from, a third to test on; three images per patient, three classes."""
    return Dataset(
        make_table(
            [str(i) for i in range(n)],
            [(i // 3) % 3 for i in range(n)],
            split=["test" if (i // 3) % 3 == (i // 9) % 3 else "train" for i in range(n)],
            group=[f"p{i // 3}" for i in range(n)] if grouped else None,
        ),
        ("a", "b", "c"),
        Path("labels.csv"),
    )


def test_whole_patients_and_every_split_its_share() -> None:
    whole = data()
    part = take_images(whole, 90)
    assert 90 <= len(part) <= 94
    assert part.table["group"].value_counts().eq(3).all()
    assert len(part.rows("test")) == pytest.approx(30, abs=3)
    order = [int(name) for name in part.table["id"]]
    assert order == sorted(order)


def test_without_patients_the_number_is_exact_in_every_split() -> None:
    part = take_images(data(grouped=False), 90)
    assert (len(part), len(part.rows("test"))) == (90, 30)


def test_the_same_seed_takes_the_same_and_a_larger_number_takes_more_of_them() -> None:
    whole = data()
    few, many = (set(take_images(whole, n, seed=3).table["id"]) for n in (60, 150))
    assert few == set(take_images(whole, 60, seed=3).table["id"])
    assert few < many
    assert few != set(take_images(whole, 60, seed=4).table["id"])


def test_more_than_there_are_is_everything() -> None:
    whole = data()
    assert take_images(whole, 10_000) is whole


def test_too_few_for_the_classes_or_for_anything() -> None:
    with pytest.raises(ConfigError, match="2 images are too few"):
        take_images(data(grouped=False), 2)
    with pytest.raises(ConfigError, match="0 images can't be taken"):
        take_images(data(), 0)


def of_sizes(*sizes: int, patients_of: int = 1) -> Dataset:
    """Classes of these sizes, a quarter of each for testing; neighbours share a patient."""
    labels = [k for k, size in enumerate(sizes) for _ in range(size)]
    n = len(labels)
    return Dataset(
        make_table(
            [str(i) for i in range(n)],
            labels,
            split=["test" if i // patients_of % 4 == 0 else "train" for i in range(n)],
            group=[f"p{i // patients_of}" for i in range(n)],
        ),
        tuple("abcdefg"[: len(sizes)]),
        Path("labels.csv"),
    )


def test_per_class_makes_large_classes_smaller_and_leaves_small_ones_whole() -> None:
    part = take_per_class(of_sizes(400, 100, 12), 40)
    assert np.bincount(part.labels).tolist() == [40, 40, 12]
    in_test = np.bincount(part.labels[part.rows("test")], minlength=3)
    assert in_test.tolist() == [10, 10, 3]


def test_per_class_takes_patients_whole() -> None:
    part = take_per_class(of_sizes(402, 102, 12, patients_of=3), 40)
    assert part.table["group"].value_counts().eq(3).all()
    few, many, rare = np.bincount(part.labels)
    assert 40 <= few <= 46
    assert 40 <= many <= 46
    assert rare == 12


def test_per_class_a_patient_of_a_full_class_comes_for_his_rare_one() -> None:
    # Every image of the rare class b belongs to a patient who has one of class a too.
    labels = [0, 1] * 5 + [0] * 90
    groups = [f"p{i // 2}" for i in range(100)]
    table = make_table([str(i) for i in range(100)], labels, group=groups)
    part = take_per_class(Dataset(table, ("a", "b"), Path("labels.csv")), 5)
    assert np.bincount(part.labels)[1] == 5


def test_per_class_depends_on_the_seed_alone() -> None:
    whole = of_sizes(300, 200)
    first, again, other = (set(take_per_class(whole, 50, seed=s).table["id"]) for s in (1, 1, 2))
    assert first == again != other


def test_per_class_of_nothing() -> None:
    with pytest.raises(ConfigError, match="0 images per class can't be taken"):
        take_per_class(of_sizes(10, 10), 0)
