"""Cross-validate, drop, retrain: dropped is what cleanlab would; nobody judges himself."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from cleanlab.filter import find_label_issues as cleanlab_issues

import mixednoise
from mixednoise.data.splits import make_folds
from mixednoise.errors import ConfigError
from mixednoise.methods.base import Batch, Context
from mixednoise.methods.confident_learning import ConfidentLearningConfig, ConfidentLearningMethod
from mixednoise.methods.cross_entropy import CrossEntropyMethod
from mixednoise.progress import Silent
from mixednoise.separation.label_issues import find_label_issues
from mixednoise.training.loop import Loop
from mixednoise.workflow import fold_training as module
from tiny_data import FAST, coloured_dataset

RULES = {
    "PBNR": "prune_by_noise_rate",
    "Q": "prune_by_class",
    "both": "both",
    "C": "confident_learning",
}
QUICK = {**FAST, "epochs": 6, "folds": 3, "seed": 1}


def noisy_labels(n=600, classes=4, wrong=0.3, seed=0):
    rng = np.random.default_rng(seed)
    true = rng.integers(0, classes, n)
    given = np.where(rng.random(n) < wrong, rng.integers(0, classes, n), true)
    logits = rng.normal(0, 1, (n, classes)) + 2.5 * np.eye(classes)[true]
    p = np.exp(logits)
    return given, p / p.sum(1, keepdims=True)


@pytest.mark.parametrize("rule", list(RULES))
@pytest.mark.parametrize("classes", [2, 5])
def test_the_labels_that_are_suspected_are_cleanlabs(rule, classes):
    labels, p = noisy_labels(classes=classes)
    theirs = cleanlab_issues(labels, p, filter_by=RULES[rule])
    ours = find_label_issues(labels, p, rule)
    assert 20 < theirs.sum() < 400
    np.testing.assert_array_equal(ours, theirs)


def made(labels, p, **options):
    config = ConfidentLearningConfig(epochs=2, image_size=28, networks=1, **options)
    context = Context(tuple("abcd"), np.asarray(labels), 28, p)
    method = ConfidentLearningMethod(config, context)
    method.attach(Recorder())
    return method


class Recorder(torch.nn.Module):
    """A network that says the same of every image, and remembers how many it was shown."""

    def __init__(self):
        super().__init__()
        self.logits = torch.nn.Parameter(torch.tensor([0.4, 0.1, -0.2, 0.0]))
        self.seen = []

    def forward(self, images, project=False):
        self.seen.append(len(images))
        return [self.logits.expand(len(images), 4)]


def batch(labels, rows):
    return Batch(
        torch.zeros(len(rows), 3, 28, 28, dtype=torch.uint8),
        torch.tensor(labels)[rows],
        torch.tensor(rows),
        torch.Generator().manual_seed(0),
    )


def test_suspected_samples_are_not_even_looked_at():
    labels, p = noisy_labels()
    method = made(labels, p)
    wrong = find_label_issues(labels, p)
    assert method.dropped == wrong.sum()
    rows = np.arange(64)
    loss = method.step(batch(labels, rows))["loss"]
    network = method._forward
    assert network.seen == [int((~wrong[:64]).sum())]
    log_p = torch.log_softmax(network.logits, 0).detach().numpy()
    assert loss.item() == pytest.approx(-log_p[labels[:64][~wrong[:64]]].mean(), rel=1e-5)
    # A batch in which nothing is left: no loss, and no gradient.
    loss = method.step(batch(labels, np.flatnonzero(wrong)[:8]))["loss"]
    loss.backward()
    assert loss.item() == 0
    assert network.logits.grad.abs().sum() == 0


def test_folds_hold_every_class_and_no_patient_twice():
    data = coloured_dataset(240)
    patient = np.arange(240) // 6
    data = replace(data, table=data.table.assign(group=[f"p{k}" for k in patient]))
    fold = make_folds(data, 4, seed=3)
    assert set(fold) == {0, 1, 2, 3}
    assert pd.Series(fold).groupby(patient).nunique().max() == 1
    counts = pd.crosstab(fold, data.labels)
    assert counts.to_numpy().min() >= 15
    assert (fold == make_folds(data, 4, seed=3)).all()
    assert (fold != make_folds(data, 4, seed=4)).any()
    hashes = np.array([""] * 240, dtype=object)
    hashes[[0, 239]] = "same picture"
    fold = make_folds(data, 4, seed=3, content_hash=hashes)
    assert fold[0] == fold[239]
    with pytest.raises(ConfigError, match=r"there can't be 41 folds"):
        make_folds(data, 41, seed=3)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("confident")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEDNOISE_CACHE", str(folder / "cache"))
        data = coloured_dataset(240, wrong=0.25)
        learned, judged = [], []
        make_loop = module.make_loop

        def spy(method, config, part, **more):
            learned.append(part.train.store_rows)
            loop = make_loop(method, config, part, **more)
            probabilities = loop.evaluator.probabilities

            def watched(rows, classes):
                judged.append(rows)
                return probabilities(rows, classes)

            loop.evaluator.probabilities = watched
            return loop

        patch.setattr(module, "make_loop", spy)
        model = mixednoise.ConfidentLearning(**QUICK)
        model.fit(data, out=folder / "run", progress=Silent())
        yield folder, data, model, learned, judged


def test_nobody_judges_what_he_has_learned(finished):
    _, data, _, learned, judged = finished
    assert len(learned) == len(judged) == 3
    train = set(data.rows("train").tolist())
    for mine, theirs in zip(learned, judged, strict=True):
        assert not set(mine.tolist()) & set(theirs.tolist())
        assert set(mine.tolist()) | set(theirs.tolist()) == train
    assert set(np.concatenate(judged).tolist()) == train


def test_wrong_labels_are_dropped_and_the_cost_is_told(finished):
    folder, data, model, _, _ = finished
    run = folder / "run"
    group = data.table.set_index("id")["noise_group"]
    fold = pd.read_csv(run / "folds.csv").set_index("id")["fold"]
    labels = data.table.set_index("id")["label"][fold.index].to_numpy()
    p = np.zeros((len(fold), 3))
    seconds = 0.0
    for number in range(3):
        p[fold == number] = np.load(run / "folds" / f"fold_{number}" / "judged.npy")
        seconds += json.loads((run / "folds" / f"fold_{number}" / "judged.json").read_text())[
            "seconds"
        ]
    wrong = find_label_issues(labels, p)
    assert (model.history_["dropped"] == wrong.sum()).all()
    really = (group[fold.index] == "mis_h").to_numpy()
    assert really.sum() == 36
    assert (wrong & really).sum() >= 0.7 * really.sum()
    assert (wrong & ~really).sum() <= 0.2 * wrong.sum()
    assert model.metrics_["seconds"] > seconds > 0
    assert model.metrics_["last"]["accuracy"] > 0.8


@pytest.mark.parametrize("stop", ["fold", "final"])
def test_interrupted_and_resumed_equals_unbroken(finished, tmp_path, monkeypatch, stop):
    folder, data, model, _, _ = finished
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(folder / "cache"))
    train_epoch, calls = Loop.train_epoch, []

    def interrupted(loop, epoch, generator):
        calls.append(type(loop.method))
        final = type(loop.method) is ConfidentLearningMethod
        if (len(calls) == 9 and stop == "fold") or (final and epoch == 2):
            raise KeyboardInterrupt
        return train_epoch(loop, epoch, generator)

    with monkeypatch.context() as patch:
        patch.setattr(Loop, "train_epoch", interrupted)
        with pytest.raises(KeyboardInterrupt):
            mixednoise.ConfidentLearning(**QUICK).fit(data, out=tmp_path / "run", progress=Silent())
    calls.clear()
    counted = lambda loop, epoch, generator: (  # noqa: E731
        calls.append(type(loop.method)), train_epoch(loop, epoch, generator)
    )[1]  # fmt: skip
    monkeypatch.setattr(Loop, "train_epoch", counted)
    again = mixednoise.ConfidentLearning(**QUICK)
    again.fit(data, out=tmp_path / "run", resume=True, progress=Silent())
    folds_left = sum(issubclass(kind, CrossEntropyMethod) for kind in calls) - sum(
        kind is ConfidentLearningMethod for kind in calls
    )
    # 18 epochs of folds in all: 8 were done, or all of them.
    assert folds_left == (10 if stop == "fold" else 0)
    for mine, theirs in zip(again.networks_, model.networks_, strict=True):
        for key, value in theirs.state_dict().items():
            assert torch.equal(mine.state_dict()[key], value), key


def test_too_many_folds_are_refused_before_anything_is_written(tmp_path):
    data = coloured_dataset(60)
    with pytest.raises(ConfigError, match="there can't be 99 folds"):
        mixednoise.ConfidentLearning(**QUICK | {"folds": 99}).fit(
            data, out=tmp_path / "run", progress=Silent()
        )
    assert not (tmp_path / "run").exists()
