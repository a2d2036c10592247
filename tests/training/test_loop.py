"""What the loop does around the methods: schedule, NaN, best epoch."""

import math
from itertools import permutations

import numpy as np
import pytest
import torch

import mixednoise
from mixednoise.errors import TrainingError
from mixednoise.methods.config import TrainingConfig
from mixednoise.methods.cross_entropy import CrossEntropyMethod
from mixednoise.progress import Silent
from mixednoise.separation import separate
from mixednoise.training.epochs import _optimizer, learning_rate
from tiny_data import FAST, coloured_dataset


def test_learning_rate_rises_over_one_epoch_and_falls_to_nothing():
    config = TrainingConfig.from_options(epochs=5, lr=0.1)
    rates = [learning_rate(config, e, s, 10) for e in range(5) for s in range(10)]
    assert rates[0] == pytest.approx(0.01)
    assert rates[9] == pytest.approx(0.1)
    assert max(rates) == pytest.approx(0.1)
    # half way of the fall: 40 steps from step 10
    assert rates[30] == pytest.approx(0.1 * 0.5 * (1 + math.cos(math.pi * 20 / 40)))
    assert rates[-1] < 0.001


def test_constant_schedule_holds_the_rate():
    config = TrainingConfig.from_options(epochs=3, lr=0.1, schedule="constant")
    assert learning_rate(config, 2, 9, 10) == 0.1


@pytest.mark.parametrize(
    ("epoch", "rate"),
    [(0, 0.02), (59, 0.018151), (60, 0.009045), (120, 0.003273), (180, 0.000864), (240, 0.000119)],
)
def test_halving_cosine_by_the_published_values(epoch, rate):
    config = TrainingConfig.from_options(epochs=300, lr=0.02, schedule="halving_cosine")
    for step in (0, 9):
        assert learning_rate(config, epoch, step, 10) == pytest.approx(rate, abs=6e-7)


def test_decay_and_momentum_as_asked_for():
    network = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.BatchNorm1d(3))
    network[0].weight.requires_grad_(False)

    def groups(**options):
        optimizer = _optimizer(TrainingConfig.from_options(optimizer="sgd", **options), network)
        return [
            (len(g["params"]), g["weight_decay"], g["nesterov"]) for g in optimizer.param_groups
        ]

    assert groups(weight_decay=0.1) == [(0, 0.1, True), (3, 0.0, True)]
    assert groups(weight_decay=0.1, decay_all=True, nesterov=False) == [
        (3, 0.1, False),
        (0, 0.0, False),
    ]


def test_a_loss_that_is_no_number_is_said_at_once(monkeypatch, tmp_path):
    original = CrossEntropyMethod.step
    calls = []

    def broken(self, batch):
        calls.append(1)
        losses = original(self, batch)
        return {"loss": losses["loss"] * float("nan")} if len(calls) > 6 else losses

    monkeypatch.setattr(CrossEntropyMethod, "step", broken)
    model = mixednoise.CrossEntropy(**FAST, epochs=4)
    with pytest.raises(TrainingError, match=r"no longer a number in epoch 2") as error:
        model.fit(coloured_dataset(), out=tmp_path / "run", progress=Silent())
    assert "--lr" in str(error.value)
    assert (tmp_path / "run" / "checkpoints" / "last.ckpt").exists()


def test_best_epoch_is_chosen_on_validation(tmp_path):
    model = mixednoise.CrossEntropySingle(**FAST, epochs=4)
    model.fit(coloured_dataset(), out=tmp_path / "run", progress=Silent())
    history = model.history_
    best = int(history.loc[history.val_macro_f1.idxmax(), "epoch"])
    assert model.metrics_["best_epoch"] == best
    assert model.metrics_["selected_by"] == "macro_f1"


def test_without_validation_and_test_the_last_epoch_stands():
    data = coloured_dataset(60)
    table = data.table.assign(split="train")
    everything = type(data)(table, data.class_names, data.source, arrays=data.arrays)
    messages = Silent()
    model = mixednoise.CrossEntropySingle(**FAST, epochs=1).fit(everything, progress=messages)
    # a validation part is carved from train; there is no test part to judge on
    assert model.metrics_["split"] == "val"
    assert model.metrics_["last"]["accuracy"] >= 0


def test_bf16_trains_as_well():
    # Few images: where bf16 is emulated, it is slow.
    model = mixednoise.QMix(**FAST, epochs=2, warmup_epochs=1, precision="bf16")
    model.fit(coloured_dataset(45), progress=Silent())
    assert math.isfinite(model.history_.loss.iloc[-1])
    assert all(p.dtype == torch.float32 for n in model.networks_ for p in n.parameters())


def test_gradients_of_the_two_networks_do_not_mix():
    """Training A beside B gives A the weights that it gets beside another B."""
    from mixednoise.methods.ensemble import Ensemble
    from mixednoise.models import build_network

    torch.manual_seed(0)
    a = build_network("resnet18_slim", num_classes=3, image_size=28)
    gradients = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        b = build_network("resnet18_slim", num_classes=3, image_size=28)
        images = torch.linspace(0, 1, 4 * 3 * 28 * 28).view(4, 3, 28, 28)
        a.zero_grad()
        loss = sum(logits.square().mean() for logits in Ensemble([a, b]).train()(images))
        loss.backward()
        gradients.append([p.grad.clone() for p in a.parameters() if p.grad is not None])
    assert all(torch.allclose(x, y) for x, y in zip(*gradients, strict=True))


def test_a_warning_names_its_epoch_once(monkeypatch):
    """The guard's warnings and the method's alike."""

    def look(self, epoch, **_):
        return [f"epoch {epoch + 1}: something vanished"]

    monkeypatch.setattr("mixednoise.training.guard.Guard.look", look)
    progress = Silent()
    mixednoise.CrossEntropySingle(**FAST, epochs=1).fit(coloured_dataset(), progress=progress)
    told = [line for line in progress.warnings if "vanished" in line]
    assert told == ["epoch 1: something vanished"]


@pytest.mark.parametrize(
    ("model", "module"),
    [
        (mixednoise.QMix, "qmix_judges"),
        (mixednoise.CrossEntropySingle, "independent"),
        (mixednoise.CoTeaching, "independent"),
    ],
)
def test_separation_hears_how_unlike_the_others_the_training_images_look(
    monkeypatch, model, module
):
    dataset = coloured_dataset()
    train = dataset.rows("train")
    ruined = [3, 17, 40]
    dataset.arrays[train[ruined]] = 5  # black, but for a trace
    heard = []

    def listen(*args, unusual, **options):
        heard.append(unusual)
        return separate(*args, unusual=unusual, **options)

    monkeypatch.setattr(f"mixednoise.methods.{module}.separate", listen)
    model(**FAST, epochs=2).fit(dataset)
    assert {tuple(np.argsort(-unusual)[:3]) for unusual in heard} <= set(permutations(ruined))
    assert {len(unusual) for unusual in heard} == {len(train)}
    heard.clear()
    model(**FAST, epochs=2, separation={"looks_weight": 0}).fit(dataset)
    assert heard
    assert all(unusual is None for unusual in heard)
