"""DivideMix by hand, and the cases in which published code crashes or collapses."""

import math

import numpy as np
import pytest
import torch

import mixednoise
from mixednoise.data.table import Dataset
from mixednoise.methods.base import Batch, Context, Scores
from mixednoise.methods.dividemix import DivideMixConfig, DivideMixMethod, chance_of_clean
from mixednoise.progress import Silent
from tiny_data import FAST, coloured_dataset

SIZE = 28


def make(labels, num_classes=3, **options):
    config = DivideMixConfig.from_options(epochs=20, warmup_epochs=2, image_size=SIZE, **options)
    names = tuple("abcdef"[:num_classes])
    return DivideMixMethod(config, Context(names, np.asarray(labels), SIZE))


def scores(losses):
    losses = np.asarray(losses, dtype=np.float64)
    return lambda: Scores(losses, losses, np.zeros(losses.shape, np.int64), np.ones(losses.shape))


def batch_of(labels):
    n = len(labels)
    return Batch(
        images=torch.zeros(n, 3, SIZE, SIZE, dtype=torch.uint8),
        labels=torch.tensor(labels),
        rows=torch.arange(n),
        generator=torch.Generator().manual_seed(0),
    )


class Constant(torch.nn.Module):
    """Two networks that answer every image with the same probabilities."""

    def __init__(self, a, b):
        super().__init__()
        self.a, self.b = (torch.nn.Parameter(torch.tensor(p).log()) for p in (a, b))

    def forward(self, images, project=False):
        return [table.expand(len(images), -1) for table in (self.a, self.b)]


def test_small_losses_are_clean():
    rng = np.random.default_rng(0)
    losses = np.concatenate([rng.normal(0.2, 0.1, 300), rng.normal(2.5, 0.4, 100)])
    chance = chance_of_clean(losses)
    assert (chance[:300] > 0.5).mean() > 0.99
    assert (chance[300:] < 0.5).mean() > 0.99


@pytest.mark.parametrize("losses", [[0.7] * 10, [0.0, 1.0], [0.1] * 9 + [5.0]], ids=str)
def test_odd_losses_can_be_divided(losses):
    chance = chance_of_clean(np.array(losses))
    assert np.isfinite(chance).all()
    assert chance[0] > 0.5


def test_the_peer_divides():
    method = make([0, 0, 1, 1, 2, 2], minimum_clean_share=0.0)
    easy, hard = [0.1, 0.1, 0.1, 3.0, 3.0, 3.0], [3.0, 3.0, 3.0, 0.1, 0.1, 0.1]
    method.begin_epoch(2, scores([easy, hard]))
    guesses = [torch.full((6, 3), 1 / 3)] * 2
    clean_for_a = method._targets(0, batch_of([0, 0, 1, 1, 2, 2]), guesses)[1]
    clean_for_b = method._targets(1, batch_of([0, 0, 1, 1, 2, 2]), guesses)[1]
    assert clean_for_a.tolist() == [False] * 3 + [True] * 3  # by B's losses
    assert clean_for_b.tolist() == [True] * 3 + [False] * 3


def test_targets_by_hand():
    method = make([0, 1], temperature=1.0)
    method._clean = np.array([[0.9, 0.2], [0.75, 0.4]])
    method._chosen = method._clean > 0.5
    p_a, p_b = torch.tensor([[0.6, 0.3, 0.1]] * 2), torch.tensor([[0.2, 0.2, 0.6]] * 2)
    target, clean = method._targets(0, batch_of([0, 1]), [p_a, p_b])
    assert clean.tolist() == [True, False]
    # w = .75 of the peer: .75 (1,0,0) + .25 p_a
    assert target[0].tolist() == pytest.approx([0.9, 0.075, 0.025])
    assert target[1].tolist() == pytest.approx([0.4, 0.25, 0.35])


def test_losses_by_hand():
    method = make([0, 1])
    method._weight_u = 5.0
    p = torch.tensor([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    wanted = torch.tensor([[0.9, 0.1, 0.0], [0.0, 0.0, 1.0]])
    parts = method._parts(p.log(), wanted, torch.tensor([True, False]))
    labelled = -(0.9 * math.log(0.7) + 0.1 * math.log(0.2))
    guessed = (0.09 + 0.09 + 0.36) / 3
    mean = [0.5, 0.25, 0.25]
    penalty = sum(1 / 3 * math.log(1 / 3 / m) for m in mean)
    assert parts["loss_labelled"].item() == pytest.approx(labelled, rel=1e-5)
    assert parts["loss_guessed"].item() == pytest.approx(guessed, rel=1e-5)
    assert parts["loss_regularizer"].item() == pytest.approx(penalty, rel=1e-4)
    assert parts["loss"].item() == pytest.approx(labelled + 5 * guessed + penalty, rel=1e-4)


def test_the_confidence_penalty_adds_negative_entropy():
    p = [0.7, 0.2, 0.1]
    plain, careful = make([0, 1]), make([0, 1], confidence_penalty=1.0)
    values = []
    for method in (plain, careful):
        method.attach(Constant(p, p))
        values.append(method.warmup_step(batch_of([0, 1]))["loss"].item())
    entropy = -sum(x * math.log(x) for x in p)
    assert values[0] - values[1] == pytest.approx(2 * entropy, rel=1e-5)


@pytest.mark.parametrize("chosen", [True, False], ids=["all clean", "none clean"])
@pytest.mark.parametrize("size", [1, 3])
def test_an_empty_side_is_no_crash(chosen, size):
    """DivideMix #18: a division that leaves nothing on one side."""
    labels = [0, 1, 2][:size]
    method = make(labels)
    networks = Constant([0.5, 0.3, 0.2], [0.2, 0.2, 0.6])
    method.attach(networks)
    method._chosen = np.full((2, size), chosen)
    method._weight_u = 25.0
    loss = method.step(batch_of(labels))["loss"]
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(networks.a.grad).all()


def test_every_class_keeps_some_labels():
    labels = np.array([0] * 30 + [1] * 10)
    method = make(labels, num_classes=2, minimum_clean_share=0.2)
    losses = np.where(labels == 0, 0.1, 3.0) + np.linspace(0, 0.05, 40)
    method.begin_epoch(2, scores([losses, losses]))
    assert method._chosen[0, labels == 1].sum() == 2
    assert method._chosen[0, 30:32].all()  # its smallest losses
    off = make(labels, num_classes=2, minimum_clean_share=0.0)
    off.begin_epoch(2, scores([losses, losses]))
    assert not off._chosen[0, labels == 1].any()


@pytest.mark.parametrize(("epochs", "clean"), [(1, False), (2, True)])
def test_losses_can_be_averaged_over_epochs(epochs, clean):
    method = make([0, 0, 1, 1], loss_epochs=epochs, minimum_clean_share=0.0)
    method.begin_epoch(2, scores([[0.0, 0.0, 5.0, 5.0]] * 2))
    method.begin_epoch(3, scores([[5.0, 0.0, 0.0, 5.0]] * 2))
    # of the last epoch alone 5, 0, 0, 5; averaged 2.5, 0, 2.5, 5
    assert (method._clean[0, 0] > 0.5) == clean
    assert method._clean[0, 3] < 0.5
    assert len(method.state_dict()["losses"]) == epochs


def two_classes(majority, minority, wrong, seed=0):
    """Red and green images; ``wrong`` of the majority's labels in the training part flipped."""
    rng = np.random.default_rng(seed)
    whole = coloured_dataset(3 * 2 * majority, 2, wrong=0.0, seed=seed)
    table = whole.table
    keep = [
        i
        for c, share in ((0, 1.0), (1, minority / majority))
        for i in np.flatnonzero(table["label"] == c)
        if rng.random() < share
    ]
    part = whole.subset(sorted(keep))
    labels = part.table["label"].to_numpy().copy()
    zeros = np.flatnonzero((labels == 0) & (part.table["split"] == "train").to_numpy(bool))
    labels[rng.choice(zeros, int(wrong * len(zeros)), replace=False)] = 1
    return Dataset(part.table.assign(label=labels), part.class_names, part.source, part.arrays)


def test_binary_three_to_one_keeps_both_classes():
    data = two_classes(60, 20, wrong=0.15)
    model = mixednoise.DivideMix(**FAST, epochs=8, warmup_epochs=3, ramp_epochs=3)
    model.fit(data, progress=Silent())
    assert model.metrics_["last"]["balanced_accuracy"] > 0.9
    assert np.isfinite(model.history_["loss"]).all()


def test_asymmetric_noise_is_survived():
    """A third of the labels are the next class; plain training learns some of them."""
    data = coloured_dataset(180, wrong=0.3)
    model = mixednoise.DivideMix(**FAST, epochs=10, warmup_epochs=3, ramp_epochs=3)
    model.fit(data, progress=Silent())
    assert model.metrics_["last"]["accuracy"] > 0.9
    assert model.metrics_["separation"]["correct_auroc"] > 0.9
