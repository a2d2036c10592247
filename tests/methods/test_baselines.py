"""Each baseline against its paper, worked by hand; all of them learn, are saved, and go on."""

import math

import numpy as np
import pytest
import torch

import mixednoise
from mixednoise.estimators import ESTIMATORS, estimator_named
from mixednoise.methods.base import Batch, Context
from mixednoise.methods.looks import Looks
from mixednoise.progress import Silent
from tiny_data import FAST, coloured_dataset

SIZE = 28
P = torch.tensor([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])


class Tables(torch.nn.Module):
    """Networks that answer with given logits, whatever they see."""

    def __init__(self, *probabilities):
        super().__init__()
        self.tables = torch.nn.ParameterList(
            [torch.nn.Parameter(p.log().clone()) for p in probabilities]
        )

    def forward(self, images, project=False):
        return list(self.tables)


def make(name, labels=(0, 1), outputs=(P, P), **options):
    method_class = estimator_named(name).method
    config = method_class.Config.from_options(epochs=20, image_size=SIZE, **options)
    method = method_class(config, Context(("a", "b", "c"), np.array(labels), SIZE))
    networks = Tables(*outputs)
    method.attach(networks)
    return method, networks


def batch_of(labels=(0, 1), rows=None):
    n = len(labels)
    return Batch(
        images=torch.zeros(n, 3, SIZE, SIZE, dtype=torch.uint8),
        labels=torch.tensor(labels),
        rows=torch.arange(n) if rows is None else torch.tensor(rows),
        generator=torch.Generator().manual_seed(0),
    )


@pytest.mark.parametrize(
    ("name", "options", "loss"),
    [
        ("cross_entropy", {}, lambda p: -math.log(p)),
        ("gce", {"q": 0.5}, lambda p: (1 - math.sqrt(p)) / 0.5),
        ("gce", {"q": 1.0}, lambda p: 1 - p),
        # reverse: -sum_k p_k log y_k, log y = 0 for the label and A = -4 for the rest
        ("sce", {"alpha": 0.1, "beta": 2.0}, lambda p: -0.1 * math.log(p) + 2 * 4 * (1 - p)),
    ],
)
def test_loss_of_the_label_alone(name, options, loss):
    method, _ = make(name, outputs=[P, P.flip(1)], **options)
    # two networks: p(label) .7 and .3, then .1 and .3; the sum of their means
    expected = (loss(0.7) + loss(0.3)) / 2 + (loss(0.1) + loss(0.3)) / 2
    assert method.step(batch_of())["loss"].item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["cross_entropy", "sce", "gce", "elr"])
def test_one_network_or_two(name):
    method, networks = make(name, outputs=[P], networks=1)
    method.step(batch_of())["loss"].backward()
    assert method.num_networks == 1
    assert networks.tables[0].grad.abs().sum() > 0


def test_early_learning_by_hand():
    """Cross-entropy + lambda log(1 - <t, p>), t moved first, without a gradient (Eq. 6, 9)."""
    method, networks = make("elr", outputs=[P], networks=1, lambda_elr=2.0, target_momentum=0.75)
    for step in (1, 2):
        t = (1 - 0.75**step) * P  # the predictions are always P
        expected = np.mean(
            [
                -math.log(p[y]) + 2 * math.log(1 - float((t[i] * p).sum()))
                for i, (p, y) in enumerate(zip(P, (0, 1), strict=True))
            ]
        )
        loss = method.step(batch_of())["loss"]
        assert loss.item() == pytest.approx(expected, rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, networks.tables[0])
    p = P.clone().requires_grad_()
    by_hand = (-p[[0, 1], [0, 1]].log() + 2 * (1 - (t * p).sum(1)).log()).mean()
    through_softmax = torch.autograd.grad(by_hand, p)[0]
    expected = P * (through_softmax - (P * through_softmax).sum(1, keepdim=True))
    torch.testing.assert_close(gradient, expected)


def test_early_learning_resists_a_wrong_label():
    """Sure of class 0 for long, label 1: the gradient towards the label is all but gone."""
    sure = torch.tensor([[0.98, 0.01, 0.01]])
    gradients = {}
    for weight in (0.0, 3.0):
        method, networks = make("elr", labels=[1], outputs=[sure], networks=1, lambda_elr=weight)
        for _ in range(20):
            loss = method.step(batch_of([1]))["loss"]
        gradients[weight] = torch.autograd.grad(loss, networks.tables[0])[0][0, 0].item()
    assert gradients[0.0] > 0.9  # plain training pushes class 0 down
    assert gradients[3.0] < 0.1


def test_co_teaching_learns_what_the_peer_finds_easy():
    a = torch.tensor([[0.9, 0.1, 0.0], [0.2, 0.7, 0.1], [0.8, 0.1, 0.1], [0.5, 0.4, 0.1]]) + 1e-3
    b = torch.tensor([[0.3, 0.4, 0.3], [0.1, 0.8, 0.1], [0.6, 0.3, 0.1], [0.9, 0.0, 0.1]]) + 1e-3
    labels = [0, 1, 0, 0]
    method, networks = make("co_teaching", labels, [a, b], noise_rate=0.5, ramp_epochs=1)
    method.begin_epoch(5, None)
    method.step(batch_of(labels))["loss"].backward()
    learned = [table.grad.abs().sum(dim=1) > 0 for table in networks.tables]
    # smallest losses of b: rows 3 (.9) and 1 (.8); of a: rows 0 (.9) and 2 (.8)
    assert learned[0].tolist() == [False, True, False, True]
    assert learned[1].tolist() == [True, False, True, False]


def test_co_teaching_leaves_out_more_and_more():
    method, _ = make("co_teaching", noise_rate=0.4, ramp_epochs=4)
    shares = [method.begin_epoch(epoch, None).numbers["left_out"] for epoch in range(6)]
    assert shares == pytest.approx([0.0, 0.1, 0.2, 0.3, 0.4, 0.4])


def test_co_teaching_estimates_the_noise_and_never_leaves_out_everything():
    labels = np.repeat([0, 1], 50)
    method, _ = make("co_teaching", labels, ramp_epochs=1)
    assert method.begin_epoch(0, None).numbers["left_out"] == 0
    true = np.where(np.arange(100) < 20, 1, labels)  # a fifth of all is wrong
    p = torch.full((100, 3), 0.05)
    p[torch.arange(100), torch.from_numpy(true)] = 0.9
    method.looks.add(torch.arange(100), p)
    assert method.begin_epoch(1, None).numbers["left_out"] == pytest.approx(0.2, abs=1e-6)
    method._left_out = 0.99
    assert torch.isfinite(method.step(batch_of([0, 1]))["loss"])


def test_co_teaching_remembers_over_a_stop():
    method, _ = make("co_teaching")
    method.step(batch_of())
    again, _ = make("co_teaching")
    again.load_state_dict(method.state_dict())
    assert isinstance(again.looks, Looks)
    assert again.looks.total.tolist() == [1, 1]


@pytest.mark.parametrize("name", [n for n in ESTIMATORS if n not in ("qmix", "sscl")])
def test_every_baseline_learns_is_saved_and_goes_on(name, tmp_path):
    """Interrupted after two of three epochs, then resumed: the same weights as unbroken."""
    options = FAST | {"epochs": 3, "seed": 2}
    if name == "dividemix":
        options["warmup_epochs"] = 1
    data = coloured_dataset(90, wrong=0.1)
    whole = estimator_named(name)(**options).fit(data, progress=Silent())

    class Stop(Silent):
        def message(self, text):
            if text.startswith("epoch   2/"):
                raise KeyboardInterrupt

    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        estimator_named(name)(**options).fit(data, out=run, progress=Stop())
    resumed = estimator_named(name)(**options)
    resumed.fit(data, out=run, resume=True, progress=Silent())
    pixels = data.arrays[:5]
    expected = whole.predict_proba(pixels)
    assert np.array_equal(resumed.predict_proba(pixels), expected)
    assert np.array_equal(mixednoise.load(run).predict_proba(pixels), expected)
    assert whole.metrics_["last"]["accuracy"] > 0.5  # a third by chance
    assert whole.metrics_["separation"] is not None
