"""SSCL as a whole: targets, gradients, momentum, queue, and a fit that beats cross-entropy."""

import math

import numpy as np
import pytest
import torch

import mixednoise
from mixednoise.errors import ConfigError
from mixednoise.methods.base import Batch, Context
from mixednoise.methods.sscl import SSCLMethod
from mixednoise.methods.sscl_config import SSCLConfig
from mixednoise.models import build_network
from mixednoise.progress import Silent
from tiny_data import FAST, coloured_dataset

SIZE, CLASSES = 28, 3
LABELS = np.arange(12) % CLASSES


def make(labels=LABELS, **options):
    """A method with its networks, and a batch of all samples."""
    options = {
        "epochs": 10, "warmup_epochs": 2, "image_size": SIZE, "classification_loss": "gce",
    } | options  # fmt: skip
    config = SSCLConfig.from_options(**options)
    method = SSCLMethod(config, Context(("a", "b", "c"), np.asarray(labels), SIZE))
    torch.manual_seed(0)
    networks = method.ensemble(
        [build_network("resnet10_tiny", num_classes=CLASSES, image_size=SIZE)]
    )
    method.attach(networks)
    rng = np.random.default_rng(1)
    images = torch.from_numpy(rng.integers(0, 255, (len(labels), 3, SIZE, SIZE), dtype=np.uint8))
    return method, networks, images


def batch_of(images, labels=LABELS, seed=0):
    return Batch(
        images=images,
        labels=torch.as_tensor(labels),
        rows=torch.arange(len(labels)),
        generator=torch.Generator().manual_seed(seed),
    )


def test_the_whole_is_the_weighted_sum_of_its_parts():
    method, _, images = make(
        lambda_contrastive=3.0, lambda_classification=5.0, lambda_bottleneck=7.0
    )
    parts = method.step(batch_of(images))
    expected = (
        3 * (parts["loss_scl"] + parts["loss_que"])
        + 5 * parts["loss_classification"]
        + 7 * parts["loss_bottleneck"]
    )
    assert parts["loss"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_gradients_reach_the_online_branch_and_not_the_slow_one():
    method, networks, images = make()
    method.step(batch_of(images))["loss"].backward()
    for name, parameter in networks.named_parameters():
        slow = name.startswith("slow_")
        own_projector = name.startswith("members.0.projector")  # not used by SSCL
        assert (parameter.grad is None) == (slow or own_projector), name


def test_one_momentum_update_per_step():
    method, networks, _ = make(key_momentum=0.9)
    weight, slow = networks.network.encoder.conv1.weight, networks.slow_encoder.conv1.weight
    assert torch.equal(weight, slow)
    before = slow.clone()
    with torch.no_grad():
        weight.add_(1.0)
    method.after_step()
    torch.testing.assert_close(slow, 0.9 * before + 0.1 * weight)


def test_a_training_step_moves_the_slow_branch_exactly_once(monkeypatch):
    from mixednoise.methods.contrastive.networks import MomentumNetworks

    updates, original = [], MomentumNetworks.follow
    monkeypatch.setattr(
        MomentumNetworks,
        "follow",
        lambda self, momentum: (updates.append(momentum), original(self, momentum)),
    )
    model = mixednoise.SSCL(**FAST, epochs=2, warmup_epochs=1)
    model.fit(coloured_dataset(60), progress=Silent())
    steps = 2 * math.ceil(36 / FAST["batch_size"])
    assert updates == [0.99] * steps


def test_scoring_does_not_move_the_slow_branch():
    _, networks, images = make()
    state = {k: v.clone() for k, v in networks.state_dict().items()}
    networks.eval()
    networks(images.float() / 255)
    assert all(torch.equal(state[k], v) for k, v in networks.state_dict().items())


def seen(monkeypatch):
    """The arguments of every call of pair_loss."""
    from mixednoise.methods import sscl

    calls, original = [], sscl.pair_loss
    monkeypatch.setattr(sscl, "pair_loss", lambda *a: (calls.append(a), original(*a))[1])
    return calls


def test_the_own_key_is_the_same_image_in_the_other_view_on_every_step(monkeypatch):
    """Also when the queue wraps: the own key's column does not move with it."""
    calls = seen(monkeypatch)
    method, _, images = make(queue_size=20, mixup=False)
    for number in range(5):
        method.step(batch_of(images, seed=number))
        queries, keys, weights, _ = calls[-1]
        assert len(keys) == 12 + min(12 * number, 20)
        assert (weights.argmax(dim=1) == torch.arange(12)).all()
        assert queries.shape == (12, 128)
        # the batch's own keys stand before those of the queue, row by row
        own = method.queue.oldest_first()[1][-12:]
        assert torch.equal(keys[:12], own)
    # what the next step will compare with: the newest 20 of 60 keys
    assert method.queue.count == 20
    newest = calls[-2][1][:12]  # keys of the last batch, first direction
    assert torch.equal(method.queue.oldest_first()[0][-12:], newest)


def test_the_second_direction_compares_with_the_other_view(monkeypatch):
    calls = seen(monkeypatch)
    method, networks, images = make(mixup=False)
    views = []
    forward = networks.forward
    monkeypatch.setattr(
        networks, "forward", lambda x, project: (views.append(x), forward(x, project))[1]
    )
    method.step(batch_of(images))
    (first, key_1, _, _), (second, key_2, _, _) = calls
    from mixednoise.methods.contrastive.pairs import embed

    with torch.no_grad():
        pixels = (views[0][1] - networks.network.mean) / networks.network.std
        of_first, of_second = embed(
            networks.slow_projector(networks.slow_encoder(pixels)), "clip"
        ).chunk(2)
    torch.testing.assert_close(key_1, of_second)
    torch.testing.assert_close(key_2, of_first)
    assert not torch.equal(first, second)
    old_second, old_first, _ = method.queue.oldest_first()
    torch.testing.assert_close(old_second, of_second)
    torch.testing.assert_close(old_first, of_first)
    # Old keys, too, are those of the other view: the first direction meets the second view's.
    method.step(batch_of(images, seed=1))
    (_, later_1, _, _), (_, later_2, _, _) = calls[2:]
    torch.testing.assert_close(later_1[12:], of_second)
    torch.testing.assert_close(later_2[12:], of_first)


def test_both_directions_count_in_the_bottleneck(monkeypatch):
    """A sum of both, as the specification has it, where the contrast is their mean."""
    from mixednoise.methods import sscl

    values = iter([2.0, 5.0, 3.0])
    monkeypatch.setattr(sscl, "bottleneck_loss", lambda *_: torch.tensor(next(values)))
    both, _, images = make()
    assert both.step(batch_of(images))["loss_bottleneck"].item() == 7.0
    one, _, images = make(symmetric=False)
    assert one.step(batch_of(images))["loss_bottleneck"].item() == 3.0


@pytest.mark.parametrize("mixed", [True, False])
def test_only_strong_views_are_mixed(monkeypatch, mixed):
    from mixednoise.methods import sscl

    made: list[str] = []

    def record(name, function):
        return lambda images, *a: (made.append(name), function(images, *a))[1]

    for name in ("weak_view", "strong_view", "mixup"):
        monkeypatch.setattr(sscl, name, record(name, getattr(sscl, name)))
    method, networks, images = make(mixup=mixed)
    given, forward = [], networks.forward
    monkeypatch.setattr(
        networks, "forward", lambda x, project: (given.append(x), forward(x, project))[1]
    )
    method.step(batch_of(images))
    assert made == ["weak_view", *(["strong_view", "mixup"] if mixed else ["strong_view"]) * 2]
    weak, strong = given[0]
    assert (len(weak), len(strong)) == (12, 24)
    alone = sscl.weak_view(images, torch.Generator().manual_seed(0), method.views)
    assert torch.equal(weak, alone), "the first draw of the generator, and nothing else"


@pytest.mark.parametrize(
    ("options", "function", "place", "value"),
    [
        ({"pair_threshold": 0.7}, "pair_weights", 2, 0.7),
        ({"feature_map": "affine"}, "pair_loss", 3, "affine"),
        ({"feature_map": "affine"}, "embed", 1, "affine"),
        ({"bottleneck_temperature": 0.3}, "bottleneck_loss", 2, 0.3),
        ({"beta": 0.4}, "generalized_cross_entropy", 2, 0.4),
        (
            {"pseudo_labels": "sharpened", "pseudo_label_temperature": 0.8},
            "sharpen", 1, 0.8,
        ),
    ],
    ids=str,
)  # fmt: skip
def test_options_arrive_where_they_act(monkeypatch, options, function, place, value):
    from mixednoise.methods import sscl

    calls, original = [], getattr(sscl, function)
    monkeypatch.setattr(sscl, function, lambda *a: (calls.append(a), original(*a))[1])
    method, _, images = make(**options)
    method.step(batch_of(images))
    assert calls
    assert all(call[place] == value for call in calls)


def test_the_parent_method_is_what_is_left_without_the_modules(monkeypatch):
    """Queue, L_IB, pseudo-labels, mixup and second direction off: 8 L_CTRR + 2 L_GCE."""
    calls = seen(monkeypatch)
    method, networks, images = make(
        symmetric=False, queue_size=0, lambda_bottleneck=0, pseudo_labels="none", mixup=False
    )
    said = []
    forward = networks.forward
    monkeypatch.setattr(
        networks, "forward", lambda x, project: (said.append(forward(x, project)), said[-1])[1]
    )
    loss = method.step(batch_of(images))["loss"].item()
    ((logits, _, _),) = said[0]
    p = torch.softmax(logits.detach().double(), dim=1).numpy()
    queries, keys = (calls[0][i].detach().double().numpy() for i in (0, 1))
    contrast = 0.0
    for i in range(12):
        s = p @ p[i]
        s[i] = 1.0
        s[s < 0.4] = 0.0
        weights = s / s.sum()
        terms = np.log(1 - keys @ queries[i])
        terms[i] = -(keys[i] @ queries[i])
        contrast += weights @ terms / 12
    classification = gce(p[np.arange(12), LABELS]).mean()
    assert loss == pytest.approx(8 * contrast + 2 * classification, abs=1e-5)


def test_rare_classes_weigh_more_in_the_loss():
    labels = [0] * 6 + [1] * 3 + [2] * 3
    method, _, _ = make(labels, class_balance="weights", classification_loss="ce")
    p = torch.full((12, 3), 0.1)
    p[torch.arange(12), torch.tensor(labels)] = 0.8
    p[0] = torch.tensor([0.5, 0.25, 0.25])
    loss, _ = classification(method, labels, [True] * 12, p)
    weights = np.array([2 / 3] * 6 + [4 / 3] * 6)
    chosen = p[torch.arange(12), torch.tensor(labels)].double().numpy()
    assert loss.item() == pytest.approx(float((weights * -np.log(chosen)).mean()), rel=1e-5)


def test_one_direction_and_no_queue(monkeypatch):
    calls = seen(monkeypatch)
    method, _, images = make(symmetric=False, queue_size=0)
    for number in range(2):
        parts = method.step(batch_of(images, seed=number))
    assert len(calls) == 2
    assert parts["loss_que"].item() == 0.0


# ---- targets -----------------------------------------------------------------------------------

P = torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2], [0.1, 0.3, 0.6]])


def classification(method, labels, kappa, p=P):
    logits = p.log().clone().requires_grad_()
    method._trusted = np.array(kappa)
    images = torch.zeros(len(p), 3, SIZE, SIZE, dtype=torch.uint8)
    loss = method._classification_loss(logits, p, batch_of(images, labels))
    return loss, torch.autograd.grad(loss, logits)[0]


def gce(p, beta=0.6):
    return (1 - p**beta) / beta


def test_all_trusted_is_plain_generalised_cross_entropy():
    method, _, _ = make([0, 1, 2])
    loss, _ = classification(method, [0, 1, 2], [True, True, True])
    assert loss.item() == pytest.approx((gce(0.7) + gce(0.3) + gce(0.6)) / 3, rel=1e-5)


def test_untrusted_samples_learn_their_prediction():
    """The pseudo-label is added, stays a float, and has a gradient."""
    method, _, _ = make([0, 1, 0])
    loss, gradient = classification(method, [0, 1, 0], [True, True, False])
    soft = 0.1**2 + 0.3**2 + 0.6**2
    assert loss.item() == pytest.approx((gce(0.7) + gce(0.3) + gce(soft)) / 3, rel=1e-5)
    assert gradient[2].abs().sum() > 1e-3
    assert gradient[2][2] < 0  # the predicted class gains, not the given one
    assert gradient[2][0] > 0


@pytest.mark.parametrize(("kind", "p"), [("hard", 0.6), ("sharpened", None)])
def test_kinds_of_pseudo_labels(kind, p):
    method, _, _ = make([0, 1, 0], pseudo_labels=kind)
    loss, _ = classification(method, [0, 1, 0], [True, True, False])
    if p is None:
        squares = np.array([0.01, 0.09, 0.36])
        p = float((squares / squares.sum()) @ [0.1, 0.3, 0.6])
    assert loss.item() == pytest.approx((gce(0.7) + gce(0.3) + gce(p)) / 3, rel=1e-5)


def test_without_pseudo_labels_every_label_is_learned():
    method, _, _ = make([0, 1, 0], pseudo_labels="none")
    loss, _ = classification(method, [0, 1, 0], [True, True, False])
    assert loss.item() == pytest.approx((gce(0.7) + gce(0.3) + gce(0.1)) / 3, rel=1e-5)


def test_unsure_pseudo_labels_can_be_left_out():
    method, _, _ = make([0, 1, 0], minimum_confidence=0.65)
    loss, gradient = classification(method, [0, 1, 0], [True, True, False])
    assert loss.item() == pytest.approx((gce(0.7) + gce(0.3)) / 3, rel=1e-5)
    assert gradient[2].abs().sum() == 0


def test_pseudo_labels_can_weigh_less():
    method, _, _ = make([0, 1, 0], pseudo_label_weight=0.5, pseudo_labels="hard")
    loss, _ = classification(method, [0, 1, 0], [True, True, False])
    assert loss.item() == pytest.approx((gce(0.7) + gce(0.3) + 0.5 * gce(0.6)) / 3, rel=1e-5)


def test_cross_entropy_as_the_classification_loss():
    method, _, _ = make([0, 1, 2], classification_loss="ce")
    loss, _ = classification(method, [0, 1, 2], [True, True, True])
    assert loss.item() == pytest.approx(-math.log(0.7 * 0.3 * 0.6) / 3, rel=1e-5)


def test_rarer_classes_can_weigh_more():
    labels = [0] * 6 + [1] * 3 + [2] * 3
    method, _, _ = make(labels, class_balance="weights")
    # 1 / (3 * share) = 2/3, 4/3, 4/3; their mean over the samples is 1 already
    assert method._class_weight.tolist() == pytest.approx([2 / 3, 4 / 3, 4 / 3])


# ---- trust -------------------------------------------------------------------------------------


def test_trust_is_decided_after_the_warm_up_by_what_was_seen():
    method, _, _ = make(untrusted_share=0.5, look_memory=0.0)
    p = torch.full((12, 3), 0.1)
    p[torch.arange(12), torch.from_numpy(LABELS)] = torch.linspace(0.2, 0.8, 12)
    method.looks.add(torch.arange(12), p)
    assert method.begin_epoch(1, None).p is None
    assert method._trusted.all()
    report = method.begin_epoch(2, None)
    assert method._trusted.tolist() == [False] * 6 + [True] * 6
    assert (report.p[:, 0] > 0.5).tolist() == [False] * 6 + [True] * 6
    assert report.p[:, 2].tolist() == [0.0] * 12
    assert report.numbers["size_correct"] == 6
    assert [row["untrusted"] for row in report.rows] == [2, 2, 2]
    # flexible: who is believed later is trusted again
    method.looks.add(torch.arange(6), 1 - p[:6])
    method.begin_epoch(3, None)
    assert method._trusted[:6].any()


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", ["soft", "sharpened", "hard"])
def test_targets_are_distributions_whatever_the_share(monkeypatch, share, kind):
    from mixednoise.methods import sscl

    targets, original = [], sscl.generalized_cross_entropy
    monkeypatch.setattr(
        sscl,
        "generalized_cross_entropy",
        lambda logits, target, beta: (targets.append(target), original(logits, target, beta))[1],
    )
    method, _, images = make(untrusted_share=share, pseudo_labels=kind)
    method.step(batch_of(images))
    method.begin_epoch(2, None)
    assert (~method._trusted).sum() == {0.0: 0, 0.3: 6, 1.0: 12}[share]  # of 4 per class
    targets.clear()
    method.step(batch_of(images, seed=1))
    (target,) = targets
    assert target.is_floating_point()
    assert not target.requires_grad
    assert (target >= 0).all()
    torch.testing.assert_close(target.sum(dim=1), torch.ones(12))


def test_trust_is_decided_even_if_all_epochs_warm_up():
    method, _, images = make(
        epochs=2, warmup_epochs=2, promotion_epochs=1, untrusted_share=0.5, look_memory=0.0
    )
    method.step(batch_of(images))
    assert method.assess(None).numbers["size_mis_h"] == 6


def test_trust_can_be_settled():
    method, _, _ = make(untrusted_share=0.5, look_memory=0.0, promotion_epochs=1)
    method.begin_epoch(2, None)
    before = method._trusted.copy()
    p = torch.rand(12, 3, generator=torch.Generator().manual_seed(0))
    method.looks.add(torch.arange(12), p / p.sum(dim=1, keepdim=True))
    method.begin_epoch(3, None)
    method.assess(None)
    assert (method._trusted == before).all()


def test_the_share_of_wrong_labels_is_estimated_per_class():
    labels = np.repeat([0, 1, 2], 100)
    true = labels.copy()
    true[:40], true[100:110] = 1, 2  # 40 % of class 0 and 10 % of class 1 are wrong
    method, _, _ = make(labels)
    p = torch.full((300, 3), 0.05)
    p[torch.arange(300), torch.from_numpy(true)] = 0.9
    method.looks.add(torch.arange(300), p)
    method.begin_epoch(2, None)
    assert method._untrusted_shares.tolist() == pytest.approx([0.4, 0.1, 0.0])
    assert np.array_equal(method._trusted, labels == true)


def test_no_class_is_given_up():
    labels = np.repeat([0, 1, 2], 100)
    method, _, _ = make(labels, minimum_trusted_share=0.25)
    p = torch.full((300, 3), 0.01)
    p[:, 1] = 0.98  # the network believes in class 1 alone
    method.looks.add(torch.arange(300), p)
    method.begin_epoch(2, None)
    assert np.bincount(labels[method._trusted]).min() >= 25


# ---- options -----------------------------------------------------------------------------------


def test_the_paper_is_a_preset():
    config = SSCLConfig.from_options("paper")
    assert (config.stem, config.untrusted_share, config.lr) == ("full", 0.5, 0.02)
    assert (config.classification_loss, SSCLConfig().classification_loss) == ("gce", "ce")
    short = SSCLConfig.from_options("paper", epochs=10)
    assert (short.epochs, short.warmup_epochs) == (10, 5)
    assert SSCLConfig.from_options("paper", epochs=100).warmup_epochs == 31
    views = config.views.fitted_to(224)
    changed = {
        name for name, value in views.model_dump().items()
        if name.startswith(("weak_", "strong_")) and value
    }  # fmt: skip
    assert changed == {"weak_shift", "strong_rotation", "strong_scale", "strong_shift"}


@pytest.mark.parametrize(
    "wrong", [{"untrusted_share": 1.5}, {"warmup_epochs": 31}, {"beta": 0}, {"tau": 0.4}], ids=str
)
def test_options_that_can_not_be(wrong):
    with pytest.raises(ConfigError):
        SSCLConfig.from_options(**wrong)


# ---- a fit -------------------------------------------------------------------------------------


def test_it_survives_labels_that_cross_entropy_learns_by_heart():
    """40 % wrong labels, always the next class: SSCL ahead, and its trust better than chance."""
    data = coloured_dataset(180, wrong=0.4)
    options = {**FAST, "epochs": 12, "lr": 3e-3}
    plain = mixednoise.CrossEntropySingle(**options).fit(data, progress=Silent())
    robust = mixednoise.SSCL(**options, warmup_epochs=3).fit(data, progress=Silent())
    assert robust.metrics_["last"]["accuracy"] > plain.metrics_["last"]["accuracy"] + 0.1
    found = robust.metrics_["separation"]
    assert found["groups"]["correct"]["precision"] > 0.7  # 0.6 are right
    assert found["correct_auroc"] > 0.8
    wrong = robust.audit_[robust.audit_["group"] == "mis_h"]
    assert wrong["reasons"].str.contains("agreed with the given label in").all()
    assert (wrong["suggested_label"] != wrong["given_label"]).all()
    learned = robust.audit_[robust.audit_["split"] == "train"]
    assert learned["belief_in_label"].between(0, 1).all()
    trusted = learned["group"] == "correct"
    for _, of_class in learned.groupby("given_label"):
        believed = of_class["belief_in_label"]
        assert believed[trusted].min() >= believed[~trusted].max()
    parts = ["loss_scl", "loss_que", "loss_bottleneck", "loss_classification"]
    assert robust.history_[parts].notna().all(axis=None)


def test_a_saved_model_holds_the_classifier_alone(tmp_path):
    model = mixednoise.SSCL(**FAST, epochs=2, warmup_epochs=1)
    model.fit(coloured_dataset(60), progress=Silent())
    model.save(tmp_path / "model.safetensors")
    again = mixednoise.load(tmp_path / "model.safetensors")
    assert isinstance(again, mixednoise.SSCL)
    pixels = np.zeros((2, SIZE, SIZE, 3), np.uint8)
    assert np.array_equal(model.predict_proba(pixels), again.predict_proba(pixels))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_both_devices_come_to_the_same_losses():
    """The same projections and predictions, twice, so that the queue is met as well."""
    generator = torch.Generator().manual_seed(3)
    queries, keys = (torch.randn(24, 16, generator=generator) for _ in range(2))
    p = torch.softmax(torch.randn(12, CLASSES, generator=generator), dim=1)
    found = []
    for device in ("cpu", "cuda"):
        method, _, _ = make()
        for _ in range(2):
            parts = method._contrast(queries.to(device), keys.to(device), p.to(device))
        found.append(torch.stack(parts).cpu())
    torch.testing.assert_close(found[0], found[1], rtol=1e-4, atol=1e-5)
