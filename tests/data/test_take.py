"""A part of a data set: whole patients, every split its share."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixednoise.data.table import Dataset, make_table
from mixednoise.data.take import take_images
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
