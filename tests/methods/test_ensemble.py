"""Networks and the averages of their weights."""

import copy

import pytest
import torch

from mixednoise.methods.base import Context
from mixednoise.methods.cross_entropy import CrossEntropyMethod
from mixednoise.methods.ensemble import AveragedEnsemble, Ensemble
from mixednoise.methods.qmix import QMixMethod
from mixednoise.models import build_network


@pytest.fixture
def members():
    torch.manual_seed(0)
    return [build_network("resnet10_tiny", num_classes=3, image_size=28) for _ in range(2)]


def weights(networks):
    return torch.cat([p.detach().flatten() for n in networks for p in n.parameters()])


def test_the_average_goes_its_share_of_the_way(members):
    ensemble = AveragedEnsemble(members, momentum=0.9)
    start = weights(ensemble.averages)
    with torch.no_grad():
        for parameter in ensemble.members.parameters():
            parameter += 1
    ensemble.follow()
    # The first step keeps (1 + 1) / (10 + 1), less than the momentum.
    torch.testing.assert_close(weights(ensemble.averages), start + 9 / 11)
    ensemble.set_extra_state(torch.tensor(1000))
    before = weights(ensemble.averages)
    ensemble.follow()
    torch.testing.assert_close(
        weights(ensemble.averages), before + 0.1 * (weights(ensemble.members) - before)
    )


def test_batch_statistics_follow_too(members):
    ensemble = AveragedEnsemble(members, momentum=0.5)
    ensemble.set_extra_state(torch.tensor(100))
    for name, buffer in ensemble.members.named_buffers():
        if name.endswith("running_mean"):
            buffer.fill_(2.0)
        if name.endswith("num_batches_tracked"):
            buffer.fill_(7)
    ensemble.follow()
    found = dict(ensemble.averages.named_buffers())
    means = [v for k, v in found.items() if k.endswith("running_mean")]
    counted = [v for k, v in found.items() if k.endswith("num_batches_tracked")]
    assert len(means) == len(counted) > 0
    assert all((mean == 1.0).all() for mean in means)
    assert all(int(count) == 7 for count in counted)


def test_members_learn_and_averages_are_judged(members):
    ensemble = AveragedEnsemble(members, momentum=0.9)
    with torch.no_grad():
        for parameter in ensemble.members.parameters():
            parameter *= 1.5
    images = torch.rand(4, 3, 28, 28)
    ensemble.eval()
    seen = ensemble(images)
    torch.testing.assert_close(seen, [network.eval()(images) for network in ensemble.averages])
    ensemble.train()
    learned = ensemble(images)
    torch.testing.assert_close(learned, [network.train()(images) for network in ensemble.members])
    with ensemble.evaluating():
        torch.testing.assert_close(ensemble(images), seen)
    assert ensemble.training
    assert ensemble.networks == list(ensemble.averages)
    assert list(ensemble.parts()) == list(ensemble.members)


def test_an_average_taken_up_again_goes_on_as_before(members):
    first = AveragedEnsemble(members, momentum=0.9)
    second = AveragedEnsemble(copy.deepcopy(members), momentum=0.9)
    for _ in range(3):
        first.follow()
    second.load_state_dict(first.state_dict())
    for ensemble in (first, second):
        with torch.no_grad():
            for parameter in ensemble.members.parameters():
                parameter += 1
        ensemble.follow()
    assert torch.equal(weights(first.averages), weights(second.averages))


def test_averages_get_no_gradient(members):
    ensemble = AveragedEnsemble(members, momentum=0.9)
    sum(logits.sum() for logits in ensemble(torch.rand(4, 3, 28, 28))).backward()
    assert all(p.grad is None and not p.requires_grad for p in ensemble.averages.parameters())
    assert all(p.grad is not None for m in ensemble.members for p in m.classifier.parameters())


@pytest.mark.parametrize(
    ("method", "decay", "kind"),
    [
        (QMixMethod, None, AveragedEnsemble),
        (QMixMethod, 0.0, Ensemble),
        (CrossEntropyMethod, None, Ensemble),
        (CrossEntropyMethod, 0.9, AveragedEnsemble),
    ],
)
def test_the_option_decides(members, method, decay, kind):
    options = {} if decay is None else {"ema_decay": decay}
    config = method.Config.from_options(image_size=28, **options)
    made = method(config, Context(("a", "b", "c"), torch.arange(3).numpy(), 28))
    assert type(made.ensemble(members)) is kind
