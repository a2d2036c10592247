"""Verdicts of networks that never saw the sample, and how a data set remembers its reading."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mixednoise.data.readers import read_dataset
from mixednoise.data.table import Dataset, make_table
from mixednoise.workflow.cross_validation import Judgement, same_looks, verdict


def test_reading_again_gives_the_same(tmp_path, monkeypatch):
    (tmp_path / "pictures").mkdir()
    names = [f"{i:03d}" for i in range(6)]
    for name in names:
        (tmp_path / "pictures" / f"{name}.png").write_bytes(b"")
    table = pd.DataFrame({"file": names, "grade": ["b", "a"] * 3, "who": list("xxyyzz")})
    table.to_csv(tmp_path / "list.csv", index=False)
    monkeypatch.chdir(tmp_path)
    dataset = read_dataset(
        "list.csv",
        image_column="file",
        label_column="grade",
        group_column="who",
        image_root=Path("pictures"),
        class_names=("b", "a"),
        ordinal=None,
    )
    assert dataset.reading == {
        "image_column": "file",
        "label_column": "grade",
        "group_column": "who",
        "image_root": str(tmp_path / "pictures"),
        "class_names": ["b", "a"],
    }
    monkeypatch.chdir("/")
    again = read_dataset(tmp_path / "list.csv", **dataset.reading)
    assert again.class_names == ("b", "a")
    pd.testing.assert_frame_equal(again.table, dataset.table)
    # A relative root given as text is no less absolute.
    monkeypatch.chdir(tmp_path)
    told = read_dataset("list.csv", image_root="pictures", label_column="grade").reading
    assert told is not None
    assert told["image_root"] == str(tmp_path / "pictures")
    assert read_dataset("list.csv", image_root=tmp_path, label_column="grade").subset([0]).reading


def looks_of(p: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Looks that agree with p but for a little noise."""
    noisy = p[:, None] * np.exp(rng.normal(0, 0.05, (len(p), count, p.shape[1])))
    return (noisy / noisy.sum(axis=2, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("folds", [2, 5])
def test_the_verdict_finds_what_unseen_networks_doubt(folds):
    """Two folds are large enough to be sorted each by itself, five are put together."""
    rng = np.random.default_rng(0)
    n, classes = 300, 3
    true = np.arange(n) % classes
    wrong = np.arange(n) % 10 == 0
    unreadable = np.arange(n) % 10 == 5
    given = np.where(wrong, (true + 1) % classes, true)
    sure = np.where(unreadable, 0.36, rng.uniform(0.85, 0.97, n))
    p = np.repeat((1 - sure)[:, None] / (classes - 1), classes, axis=1)
    p[np.arange(n), true] = sure
    judged = np.arange(n) < 270
    fold = np.where(judged, rng.permutation(n) % folds, -1)
    dataset = Dataset(make_table(list(map(str, range(n))), given), ("a", "b", "c"), Path("x"))
    found = verdict(Judgement(looks_of(p, 4, rng), 2, fold), dataset, None)
    assert np.isnan(found[~judged]).all()
    np.testing.assert_allclose(found[judged].sum(axis=1), 1)
    group = found[judged].argmax(axis=1)
    expected = np.select([wrong, unreadable], [1, 2], 0)[judged]
    assert (group == expected).mean() > 0.97


def test_looks_are_counted_against_the_mean_of_the_plain_ones():
    looks = np.array([[[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]]], np.float32)
    mean = looks[:, :2].mean(axis=1).astype(np.float64)
    assert same_looks(looks, mean) is not None
    count, total = same_looks(looks, mean) or (None, 0)
    assert np.asarray(count).tolist() == [2]
    assert total == 3
    assert same_looks(looks[:, :1], mean) is None, "one look is no count"
