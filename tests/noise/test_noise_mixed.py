"""The mixed protocol: two disjoint groups, the truth kept."""

from __future__ import annotations

import numpy as np
import pytest

from mixednoise.errors import ConfigError
from mixednoise.noise import mixed_noise


def labels(n: int = 1000) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 5, n)


def run(y: np.ndarray, seed: int = 0, **options: object):
    chosen = {"mis_h": 0.4, "mis_l": 0.15, "kind": "symmetric", "num_classes": 5} | options
    return mixed_noise(y, np.random.default_rng(seed), **chosen)


@pytest.mark.parametrize("kind", ["symmetric", "frequency", "instance"])
def test_groups_have_exactly_their_shares_and_the_truth_is_kept(kind):
    y = labels()
    x = np.eye(5)[y] + np.random.default_rng(2).standard_normal((1000, 5))
    noise = run(y, kind=kind, features=x)
    assert (noise.true_label == y).all()
    counts = {g: int((noise.noise_group == g).sum()) for g in ("correct", "mis_h", "mis_l")}
    assert counts == {"correct": 450, "mis_h": 400, "mis_l": 150}
    assert (
        noise.given_label[noise.noise_group == "mis_h"] != y[noise.noise_group == "mis_h"]
    ).all()
    ok = noise.noise_group == "correct"
    assert (noise.given_label[ok] == y[ok]).all()


def test_labels_of_unreadable_images_are_uniform_and_may_be_right_by_chance():
    y = np.zeros(5000, dtype=int)
    noise = run(y, mis_h=0.0, mis_l=1.0)
    assert (noise.noise_group == "mis_l").all()
    share = np.bincount(noise.given_label, minlength=5) / 5000
    np.testing.assert_allclose(share, 0.2, atol=0.03)


def test_class_map_takes_its_share_of_each_mapped_class():
    y = np.repeat([0, 1, 2], 100)
    noise = run(y, kind="class_map", class_map={1: 0}, mis_h=0.2, mis_l=0.1, num_classes=3)
    wrong = noise.noise_group == "mis_h"
    assert wrong.sum() == 20
    assert (y[wrong] == 1).all()
    assert (noise.given_label[wrong] == 0).all()
    assert (noise.noise_group == "mis_l").sum() == 30


@pytest.mark.parametrize("n", [3, 7, 11])
def test_rounding_never_asks_for_more_rows_than_there_are(n):
    noise = run(labels(n), mis_h=0.5, mis_l=0.5)
    assert (noise.noise_group == "mis_h").sum() == round(n / 2)
    assert (noise.noise_group == "mis_l").sum() == min(round(n / 2), n - round(n / 2))


def test_no_noise_changes_nothing():
    noise = run(labels(), mis_h=0, mis_l=0)
    assert (noise.given_label == labels()).all()
    assert (noise.noise_group == "correct").all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mis_h": 0.7, "mis_l": 0.4}, "more noise than images"),
        ({"mis_h": -0.1}, "out of range"),
        ({"mis_l": 1.5}, "out of range"),
        ({"kind": "symetric"}, "symmetric, frequency"),
        ({"kind": "class_map"}, "needs the map"),
        ({"class_map": {0: 1}}, "does not go with"),
        ({"kind": "instance"}, "needs features"),
        ({"kind": "class_map", "class_map": {0: 5}}, "class map"),
    ],
)
def test_options_that_contradict_each_other_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        run(labels(), **options)


def test_a_third_and_two_thirds_add_up_to_one():
    noise = run(labels(30), mis_h=1 / 3, mis_l=2 / 3)
    assert (noise.noise_group == "correct").sum() == 0
