"""Sample weights: how often an epoch learns from each sample."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

import mixednoise
from mixednoise.errors import RunError
from mixednoise.methods.config import LearningConfig
from mixednoise.methods.cross_entropy import CrossEntropySingleMethod
from mixednoise.methods.looks import Looks
from mixednoise.progress import Silent
from mixednoise.training.batches import epoch_batches
from mixednoise.training.epochs import learning_rate
from tiny_data import FAST, coloured_dataset


def times(weights, epoch, **more) -> np.ndarray:
    """How often each sample comes in an epoch."""
    batches = epoch_batches(len(weights), 8, seed=1, epoch=epoch, weights=weights, **more)
    return np.bincount(np.concatenate(batches), minlength=len(weights))


def test_weights_of_one_change_nothing():
    plain = epoch_batches(65, 32, seed=3, epoch=4)
    ones = epoch_batches(65, 32, seed=3, epoch=4, weights=np.ones(65))
    assert [batch.tolist() for batch in ones] == [batch.tolist() for batch in plain]


def test_each_sample_comes_as_often_as_it_weighs():
    weights = np.array([0, 1, 2, 3, 0.25, 0.5, 1.5, 2.75] * 5)
    counts = np.stack([times(weights, epoch) for epoch in range(400)])
    assert (np.isin(counts - np.floor(weights), (0, 1))).all()
    assert (counts[:, weights % 1 == 0] == weights[weights % 1 == 0]).all(), "whole ones exactly"
    # 400 epochs: the mean of a coin of 0.5 is off by 0.025 on average.
    np.testing.assert_allclose(counts.mean(axis=0), weights, atol=0.1)
    # 55 = the sum of the weights; it is reached in every epoch.
    assert set(counts.sum(axis=1)) == {int(weights.sum())}


def test_weights_of_nought_and_one_leave_the_order_of_the_others():
    weights = np.ones(30)
    weights[::3] = 0
    order = np.concatenate(epoch_batches(30, 7, seed=0, epoch=2))
    left = np.concatenate(epoch_batches(30, 7, seed=0, epoch=2, weights=weights))
    assert left.tolist() == [row for row in order.tolist() if row % 3]


def test_a_heavy_sample_is_spread_over_the_epoch():
    weights = np.ones(40)
    weights[7] = 5
    batches = epoch_batches(40, 9, seed=0, epoch=0, weights=weights)
    assert [int((batch == 7).sum()) for batch in batches] == [1, 1, 1, 1, 1]


def test_the_order_follows_from_seed_and_epoch_alone():
    weights = np.random.default_rng(0).uniform(0, 2, 50)
    again = [epoch_batches(50, 8, seed=3, epoch=4, weights=weights) for _ in range(2)]
    assert all(np.array_equal(a, b) for a, b in zip(*again, strict=True))
    other = epoch_batches(50, 8, seed=3, epoch=5, weights=weights)
    assert np.concatenate(again[0]).tolist() != np.concatenate(other).tolist()


def test_processes_share_a_weighted_epoch():
    weights = np.array([0.0, 2.0, 1.0] * 11)
    parts = [
        epoch_batches(33, 8, seed=0, epoch=0, rank=r, world=2, weights=weights) for r in range(2)
    ]
    assert len(parts[0]) == len(parts[1])
    rows = np.concatenate([np.concatenate(part) for part in parts])
    counts = np.bincount(rows, minlength=33)
    assert len(rows) == 34  # 33 draws, one of them twice so that both have 17
    assert (counts[::3] == 0).all()
    assert (counts[1::3] >= 2).all()


def test_the_learning_rate_follows_the_share_of_the_run_whatever_an_epoch_has():
    config = LearningConfig(epochs=10, lr=0.1)
    for epoch in (1, 4, 9):
        halves = [learning_rate(config, epoch, steps // 2, steps) for steps in (2, 8, 30)]
        assert halves == pytest.approx([halves[0]] * 3)
    falls = [learning_rate(config, e, s, n) for e, n in ((2, 5), (3, 9), (4, 3)) for s in range(n)]
    assert falls == sorted(falls, reverse=True), "no jump where epochs differ"


def weighted_dataset(**change):
    """90 images, the wrongly labelled ones of weight 0, every other one between 0.5 and 1.5."""
    dataset = coloured_dataset(90, wrong=0.4)
    wrong = (dataset.table["noise_group"] == "mis_h").to_numpy(bool)
    weights = np.random.default_rng(2).uniform(0.5, 1.5, len(dataset))
    dataset.table["weight"] = np.where(wrong, 0.0, weights)
    for name, value in change.items():
        dataset.table[name] = value
    return dataset


class Watched(CrossEntropySingleMethod):
    """Cross-entropy that keeps the rows of every step."""

    seen: list[list[int]] = []  # noqa: RUF012 - of the test

    def step(self, batch):
        self.seen.append(batch.rows.tolist())
        return super().step(batch)


def test_training_follows_the_weights_and_scores_everyone(monkeypatch):
    monkeypatch.setattr(mixednoise.CrossEntropySingle, "method", Watched)
    Watched.seen.clear()
    dataset = weighted_dataset()
    model = mixednoise.CrossEntropySingle(**FAST, epochs=2, seed=5)
    model.fit(dataset, progress=Silent())
    train = dataset.rows("train")
    weights = dataset.table["weight"].to_numpy()[train]
    counts = np.bincount(np.concatenate(Watched.seen), minlength=len(train))
    assert (counts[weights == 0] == 0).all()
    assert (counts[weights > 1] >= 2).all()
    assert abs(counts.sum() - 2 * weights.sum()) <= 2
    audit = model.audit_[model.audit_["split"] == "train"]
    assert len(audit) == len(train)
    assert audit["p_correct"].notna().all(), "those of weight 0 are judged as well"


@pytest.mark.parametrize("method", ["QMix", "SSCL", "ConfidentLearning"])
def test_other_methods_learn_by_weights_as_well(method):
    options = {"warmup_epochs": 1} if method in ("QMix", "SSCL") else {"folds": 2}
    model = getattr(mixednoise, method)(**FAST, epochs=2, **options)
    model.fit(weighted_dataset(), progress=Silent())
    assert len(model.history_) == 2
    assert model.audit_.query("split == 'train'")["p_correct"].notna().all()


def test_labels_that_are_never_learned_are_judged_by_what_the_others_taught():
    """SSCL judges by what it said while it learned; of weight 0 it never said anything."""
    dataset = weighted_dataset()
    model = mixednoise.SSCL(**FAST, epochs=6, warmup_epochs=2, seed=3)
    audit = model.fit(dataset, progress=Silent()).audit_.set_index("id")["p_correct"]
    train = dataset.table[dataset.table["split"] == "train"].set_index("id")
    wrong, right = (audit[train.index[train["noise_group"] == g]] for g in ("mis_h", "correct"))
    assert (train.loc[wrong.index, "weight"] == 0).all()
    assert wrong.mean() < right.mean() - 0.2


def test_shares_of_wrong_labels_are_those_of_samples_that_were_seen():
    labels = np.array([0] * 10 + [1] * 10)
    looks = Looks(labels, 2, memory=0.5)
    assert looks.wrong_shares() == pytest.approx([0, 0]), "nobody seen: as given"
    half = torch.tensor([*range(5), *range(10, 15)])
    # Of those seen, one in five of each class is predicted as the other.
    p = torch.tensor(([[0.9, 0.1]] * 4 + [[0.1, 0.9]]) + ([[0.1, 0.9]] * 4 + [[0.9, 0.1]]))
    looks.add(half, p)
    assert looks.wrong_shares() == pytest.approx([0.2, 0.2])


def test_a_resumed_run_is_the_unbroken_one_and_other_weights_are_refused(tmp_path, monkeypatch):
    def model():
        return mixednoise.CrossEntropySingle(**FAST, epochs=3, seed=5)

    model().fit(weighted_dataset(), out=tmp_path / "whole", progress=Silent())
    stopped = {"after": 2}

    def until(self):
        if self.state.epoch == stopped["after"]:
            raise KeyboardInterrupt

    keep = mixednoise.training.epochs.EpochLoop._keep

    def kept(self):
        keep(self)
        until(self)

    monkeypatch.setattr(mixednoise.training.epochs.EpochLoop, "_keep", kept)
    with pytest.raises(KeyboardInterrupt):
        model().fit(weighted_dataset(), out=tmp_path / "cut", progress=Silent())
    stopped["after"] = -1
    other = weighted_dataset(weight=1.0)
    with pytest.raises(RunError, match="other data"):
        model().fit(other, out=tmp_path / "cut", resume=True, progress=Silent())
    model().fit(weighted_dataset(), out=tmp_path / "cut", resume=True, progress=Silent())
    whole, cut = (load_file(tmp_path / run / "model.safetensors") for run in ("whole", "cut"))
    assert all(torch.equal(whole[key], cut[key]) for key in whole)


def test_no_fold_may_be_left_without_weight():
    dataset = weighted_dataset()
    train = dataset.rows("train")
    weights = np.zeros(len(dataset))
    first = [next(row for row in train if dataset.labels[row] == code) for code in range(3)]
    weights[first] = 1.0
    dataset.table["weight"] = weights
    # All that is learned from is one patient's, and so in one fold.
    group = np.array([f"p{row}" for row in range(len(dataset))], dtype=object)
    group[first] = "one"
    dataset.table["group"] = group
    model = mixednoise.ConfidentLearning(**FAST, epochs=1, folds=2)
    with pytest.raises(mixednoise.DataError, match="nothing to learn from"):
        model.fit(dataset, progress=Silent())
