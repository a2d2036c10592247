"""QMix against numbers worked by hand; the networks are replaced by tables of logits."""

import copy
import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mixednoise.errors import ConfigError
from mixednoise.methods.base import Batch, Context, Scores
from mixednoise.methods.dividemix import DivideMixConfig
from mixednoise.methods.mixing import Mix
from mixednoise.methods.qmix import QMixMethod
from mixednoise.methods.qmix_config import QMixConfig
from mixednoise.methods.qmix_targets import Targets, omega_at
from mixednoise.methods.sscl_config import SSCLConfig

SIZE = 28


def make_method(labels, num_classes=3, **options):
    config = QMixConfig.from_options(epochs=10, warmup_epochs=2, image_size=SIZE, **options)
    names = tuple(f"c{i}" for i in range(num_classes))
    return QMixMethod(config, Context(names, np.asarray(labels), SIZE))


def hand_out(method, groups, p=None):
    """Give both networks these verdicts, as begin_epoch would."""
    group = torch.tensor(groups)
    posterior = torch.nn.functional.one_hot(group, 3).float() if p is None else torch.tensor(p)
    method._group = [group, group]
    method._p = [posterior, posterior]
    method._counts = [method._counted(posterior, group)] * 2


class TwoNetworks(torch.nn.Module):
    """Network m answers each image with its row of logits[m], wherever it stands in the batch."""

    def __init__(self, logits_a, logits_b):
        super().__init__()
        self.tables = torch.nn.ParameterList(
            [torch.nn.Parameter(torch.tensor(t)) for t in (logits_a, logits_b)]
        )

    def forward(self, images, project=False):
        batches = images if isinstance(images, list) else [images] * 2
        outputs = []
        for table, batch in zip(self.tables, batches, strict=True):
            logits = table.repeat(len(batch) // len(table), 1)
            projection = torch.nn.functional.normalize(logits + 0.1, dim=1)
            outputs.append((logits, projection) if project else logits)
        return outputs


def batch_of(labels):
    n = len(labels)
    return Batch(
        images=torch.zeros(n, 3, SIZE, SIZE, dtype=torch.uint8),
        labels=torch.tensor(labels),
        rows=torch.arange(n),
        generator=torch.Generator().manual_seed(0),
    )


P_A = [[0.6, 0.3, 0.1], [0.2, 0.5, 0.3], [0.1, 0.1, 0.8]]
P_B = [[0.4, 0.4, 0.2], [0.2, 0.1, 0.7], [0.3, 0.3, 0.4]]


def test_targets_by_hand():
    """Co-refinement, co-guessing and pseudo-labelling, one sample each, without sharpening."""
    method = make_method([0, 0, 1], temperature=1.0)
    hand_out(method, [0, 1, 2], [[0.75, 0.15, 0.1], [0.1, 0.8, 0.1], [0.0, 0.2, 0.8]])
    guesses = [torch.tensor(P_A), torch.tensor(P_B)]
    a = method._targets(0, batch_of([0, 0, 1]), guesses)
    # w y + (1 - w) p_A = .75 (1,0,0) + .25 (.6,.3,.1)
    assert a.refined[0].tolist() == pytest.approx([0.9, 0.075, 0.025])
    assert a.guessed[1].tolist() == pytest.approx([0.2, 0.3, 0.5])  # (p_A + p_B) / 2
    assert a.pseudo[2].tolist() == pytest.approx([0.1, 0.1, 0.8])  # p_A alone
    b = method._targets(1, batch_of([0, 0, 1]), guesses)
    assert b.refined[0].tolist() == pytest.approx([0.85, 0.1, 0.05])
    assert b.guessed[1].tolist() == pytest.approx([0.2, 0.3, 0.5])
    assert b.pseudo[2].tolist() == pytest.approx([0.3, 0.3, 0.4])


@pytest.mark.parametrize("how", ["argmax", "posterior"])
def test_a_sample_counts_by_its_posteriors_or_in_its_most_probable_group(how):
    method = make_method([0, 0, 1], group_weights=how)
    posteriors = [[0.75, 0.15, 0.1], [0.1, 0.8, 0.1], [0.0, 0.2, 0.8]]
    hand_out(method, [0, 1, 2], posteriors)
    guesses = [torch.tensor(P_A), torch.tensor(P_B)]
    counts = method._targets(0, batch_of([0, 0, 1]), guesses).counts
    wanted = np.eye(3) if how == "argmax" else posteriors
    np.testing.assert_allclose(counts, wanted, atol=1e-7)


def test_targets_are_sharpened():
    method = make_method([0], temperature=0.5)
    hand_out(method, [2])
    target = method._targets(0, batch_of([0]), [torch.tensor(P_A[:1]), torch.tensor(P_B[:1])])
    squares = [0.36, 0.09, 0.01]
    assert target.pseudo[0].tolist() == pytest.approx([s / 0.46 for s in squares], rel=1e-4)


def test_mis_l_keeps_its_label_if_asked():
    method = make_method([1], temperature=1.0, mis_l_keeps_label=True)
    hand_out(method, [2], [[0.1, 0.4, 0.5]])
    target = method._targets(0, batch_of([1]), [torch.tensor(P_A[2:]), torch.tensor(P_B[2:])])
    # w^c + w^l = .6: .6 (0,1,0) + .4 (.1,.1,.8)
    assert target.pseudo[0].tolist() == pytest.approx([0.04, 0.64, 0.32])


def test_no_gradient_reaches_the_targets():
    networks = TwoNetworks([[1.0, 0.0, 0.0]] * 3, [[0.0, 1.0, 0.0]] * 3)
    method = make_method([0, 1, 2])
    method.attach(networks)
    hand_out(method, [0, 1, 2])
    batch = batch_of([0, 1, 2])
    guesses = method._guesses(batch)
    targets = method._targets(0, batch, guesses)
    assert not any(g.requires_grad for g in guesses)
    assert not any(values.requires_grad for values in targets)


def test_guesses_are_the_mean_softmax_of_each_network():
    networks = TwoNetworks(np.log(P_A).tolist(), np.log(P_B).tolist())
    method = make_method([0, 1, 2], weak_views=3)
    method.attach(networks)
    a, b = method._guesses(batch_of([0, 1, 2]))
    np.testing.assert_allclose(a.numpy(), P_A, atol=1e-6)
    np.testing.assert_allclose(b.numpy(), P_B, atol=1e-6)


def losses_of(method, logits, groups, labels, targets, mix=None):
    target, group = torch.tensor(targets), torch.tensor(groups)
    counts = torch.nn.functional.one_hot(group, 3).float()
    targets = Targets(target, target, target, counts, group)
    projections = torch.nn.functional.normalize(torch.tensor(logits), dim=1)
    return method._losses(torch.tensor(logits), projections, targets, torch.tensor(labels), mix)


def test_losses_by_hand():
    """Eq. 7-9 and 13: each divided by the batch size, mis_l weighted by Omega."""
    method = make_method([0, 1, 2], lambda_c=0.0, lambda_m=2.0, omega=0.5, logit_adjustment=0.0)
    eye = np.eye(3, dtype=np.float32).tolist()
    losses = losses_of(method, np.log(P_A).astype(np.float32).tolist(), [0, 1, 2], [0, 1, 2], eye)
    correct = -math.log(0.6) / 3
    mis_h = (0.2**2 + 0.5**2 + 0.3**2) / 3
    mis_l = 0.5 * -math.log(0.8) / 3
    assert losses["loss_correct"].item() == pytest.approx(correct, rel=1e-5)
    assert losses["loss_mis_h"].item() == pytest.approx(mis_h, rel=1e-5)
    assert losses["loss_mis_l"].item() == pytest.approx(mis_l, rel=1e-5)
    mean = np.mean(P_A, axis=0)
    reg = sum(1 / 3 * math.log(1 / 3 / m) for m in mean)
    assert losses["loss_regularizer"].item() == pytest.approx(reg, rel=1e-4)
    assert losses["loss"].item() == pytest.approx(correct + 2 * mis_h + mis_l + reg, rel=1e-4)


def test_all_mis_l_share_one_class_in_the_contrastive_loss():
    """Two mis_l of different labels are positives of each other; mis_h takes no part."""
    method = make_method([0, 1, 2, 0], lambda_c=1.0, contrastive_temperature=1.0)
    logits = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.6, 0.8, 0.0]]
    targets = np.full((4, 3), 1 / 3, np.float32).tolist()
    losses = losses_of(method, logits, [2, 2, 1, 0], [0, 1, 2, 0], targets)
    # anchors 0 and 1 (mis_l) have each other; anchor 3 (correct) has nobody
    first = -math.log(math.exp(0.0) / (math.exp(0.0) + math.exp(0.6)))
    second = -math.log(math.exp(0.0) / (math.exp(0.0) + math.exp(0.8)))
    assert losses["loss_contrastive"].item() == pytest.approx((first + second) / 4, rel=1e-5)


@pytest.mark.parametrize("groups", [[0, 0, 0], [0, 2, 2], [0, 1, 1], [1, 1, 1], [2, 2, 2]], ids=str)
def test_empty_groups_still_give_a_finite_loss_and_gradient(groups):
    networks = TwoNetworks([[1.0, 0.0, 0.0]] * 3, [[0.0, 1.0, 0.0]] * 3)
    method = make_method([0, 1, 2])
    method.attach(networks)
    hand_out(method, groups)
    loss = method.step(batch_of([0, 1, 2]))["loss"]
    loss.backward()
    assert torch.isfinite(loss)
    assert all(torch.isfinite(p.grad).all() for p in networks.parameters())


@pytest.mark.parametrize("view", ["strong", "weak"])
def test_batch_of_one_and_two_classes(view):
    networks = TwoNetworks([[1.0, 0.0]], [[0.0, 1.0]])
    method = make_method([0, 1], num_classes=2, correct_view=view)
    method.attach(networks)
    hand_out(method, [0, 1])
    loss = method.step(batch_of([1]))["loss"]
    loss.backward()
    assert torch.isfinite(loss)


def test_each_network_sees_its_own_correct_samples_weakly(monkeypatch):
    """A sample that A takes for correct and B does not: A sees it weakly, B strongly."""
    from mixednoise.methods import qmix

    monkeypatch.setattr(qmix, "weak_view", lambda x, *_: torch.zeros_like(x, dtype=torch.float32))
    monkeypatch.setattr(qmix, "strong_view", lambda x, *_: torch.ones_like(x, dtype=torch.float32))
    method = make_method([0, 1, 2], correct_view="weak")
    unused = torch.zeros(3, 3)
    targets = [
        Targets(unused, unused, unused, unused, torch.tensor(group))
        for group in ([0, 1, 2], [1, 0, 2])
    ]
    a, b = method._learned_views(batch_of([0, 1, 2]), targets)
    assert a[:, 0, 0, 0].tolist() == [0, 1, 1]
    assert b[:, 0, 0, 0].tolist() == [1, 0, 1]


def counts_of(method, group):
    posterior = torch.nn.functional.one_hot(group, 3).float()
    return method._counted(posterior, group)


def test_class_weights_restore_the_shares_of_all_samples():
    labels = [0] * 6 + [1] * 4
    method = make_method(labels, num_classes=2, class_balance="weights", max_class_weight=100.0)
    # of class 0 all six are selected, of class 1 one: shares 6/7 and 1/7 must become .6 and .4
    group = torch.tensor([0] * 6 + [0, 1, 1, 2])
    counts = counts_of(method, group)
    chosen = counts[group == 0, 0]
    share = chosen[:6].sum() / chosen.sum()
    assert share.item() == pytest.approx(0.6)
    assert counts[7:, 1:].tolist() == [[1, 0], [1, 0], [0, 1]]


def test_class_weights_go_by_the_posteriors_where_these_count():
    """Class 0 is believed by one half each, class 1 wholly: as common, it must count twice."""
    method = make_method([0, 0, 1, 1], num_classes=2, class_balance="weights")
    p = torch.tensor([[0.5, 0.5, 0.0]] * 2 + [[1.0, 0.0, 0.0]] * 2)
    counts = method._counted(p, p.argmax(dim=1))
    assert counts[:, 0].tolist() == pytest.approx([0.75] * 4)  # .5 x 1.5 and 1 x .75


def test_class_weights_can_be_switched_off_and_are_bounded():
    labels = [0] * 99 + [1]
    group = torch.tensor([0] * 100)
    group[99] = 1
    off = make_method(labels, num_classes=2)
    assert torch.equal(counts_of(off, group)[:99, 0], torch.ones(99))
    few = torch.ones(100, dtype=torch.int64)
    few[[0, 99]] = 0
    bounded = make_method(labels, 2, class_balance="weights", max_class_weight=1.5)
    assert counts_of(bounded, few)[0, 0].item() == pytest.approx(1.5)  # .99 / .5 without a bound


def test_mixed_images_are_learned_from_both_targets():
    """lambda of the own target, 1 - lambda of the partner's, each in the partner's own loss."""
    method = make_method([0, 1, 2], lambda_c=0.0, lambda_reg=0.0, logit_adjustment=0.0, omega=0.5)
    logits = np.log(P_A).astype(np.float32).tolist()
    eye = np.eye(3, dtype=np.float32).tolist()
    mix = Mix(0.75, torch.tensor([1, 2, 0]))
    losses = losses_of(method, logits, [0, 1, 2], [0, 1, 2], eye, mix)
    # L_correct: row 0 by itself (.6 for its class 0), row 2 by its partner 0 (.1 for class 0).
    correct = -(0.75 * math.log(0.6) + 0.25 * math.log(0.1)) / 3
    # L_mis_h: row 1 by itself, row 0 by its partner 1 whose target is class 1.
    mis_h = (0.75 * (0.2**2 + 0.5**2 + 0.3**2) + 0.25 * (0.6**2 + 0.7**2 + 0.1**2)) / 3
    mis_l = -0.5 * (0.75 * math.log(0.8) + 0.25 * math.log(0.3)) / 3
    assert losses["loss_correct"].item() == pytest.approx(correct, rel=1e-5)
    assert losses["loss_mis_h"].item() == pytest.approx(mis_h, rel=1e-5)
    assert losses["loss_mis_l"].item() == pytest.approx(mis_l, rel=1e-5)


def test_logits_are_adjusted_by_what_is_believed_of_the_classes():
    """Half of class 0's labels are called wrong, and guessed to be of class 1."""
    labels = np.array([0] * 4 + [1] * 4)
    method = make_method(labels, num_classes=2, logit_adjustment=1.0, lambda_c=0.0, lambda_reg=0.0)
    p = np.tile([1.0, 0.0, 0.0], (8, 1))
    p[:2] = 0.0, 1.0, 0.0
    guess = np.zeros((2, 8, 2), np.float32)
    guess[:, :, 1] = 1
    method.judges.verdicts = [SimpleNamespace(p=p)] * 2
    scores = Scores(*[np.zeros((2, 8))] * 4, p=guess)
    method.judges.true_shares = method.judges.believed_shares(scores)
    method._adjustment = method._adjusted()
    # 2 + 6 samples, and one more for every class.
    assert method.judges.true_shares.tolist() == pytest.approx([0.3, 0.7])
    losses = losses_of(method, [[0.0, 0.0]], [0], [0], [[1.0, 0.0]])
    assert losses["loss"].item() == pytest.approx(-math.log(0.3), rel=1e-5)


def test_omega_at_both_ends():
    assert omega_at(10, 0.5, 10, 100) == 0.5
    assert omega_at(99, 0.5, 10, 100) == 0.0
    assert omega_at(10, 0.5, 10, 11) == 0.5  # a single epoch has no room to fall


def cloud(n=600, seed=0):
    """(l, e) of three well separated groups, and the groups."""
    rng = np.random.default_rng(seed)
    group = rng.choice(3, n, p=[0.6, 0.25, 0.15])
    p_wrong = np.array([0.05, 0.97, 0.67])[group]
    entropy = np.array([0.15, 0.15, 1.05])[group] + rng.normal(0, 0.02, n)
    loss = -np.log1p(-p_wrong) + rng.normal(0, 0.02, n)
    return np.abs(loss), entropy, group


def test_separation_by_a_is_used_for_b_only():
    loss, entropy, group = cloud()
    labels = np.random.default_rng(1).integers(0, 3, len(group))
    method = make_method(labels, least_suspected=0.0)
    same = np.full_like(loss, 0.05), np.full_like(entropy, 0.15)
    # network A sees the groups, network B sees only correct samples
    rng = np.random.default_rng(2)
    flat = same[0] + rng.normal(0, 0.005, len(loss)), same[1] + rng.normal(0, 0.005, len(loss))
    scores = Scores(
        loss=np.stack([loss, flat[0]]),
        entropy=np.stack([entropy, flat[1]]),
        predicted=np.zeros((2, len(group)), np.int64),
        confidence=np.ones((2, len(group))),
    )
    method.begin_epoch(2, lambda: scores)
    found_by_a = method._group[1].numpy()
    assert (found_by_a == group).mean() > 0.95, "network B (1) must train on A's verdict"
    assert (method._group[0].numpy() == group).mean() < 0.8, "network A must not see its own"


def test_report_has_sizes_components_and_fallbacks_per_class():
    loss, entropy, group = cloud()
    labels = np.zeros(len(group), np.int64)
    labels[:3] = 1  # too few for a mixture of its own
    labels[10:200] = 2
    method = make_method(labels)
    scores = Scores(
        loss=np.stack([loss, loss]),
        entropy=np.stack([entropy, entropy]),
        predicted=np.zeros((2, len(group)), np.int64),
        confidence=np.ones((2, len(group))),
    )
    report = method.begin_epoch(2, lambda: scores)
    assert report.p.shape == (len(group), 3)
    np.testing.assert_allclose(report.p.sum(axis=1), 1.0)
    sizes = [report.numbers[f"size_{g}"] for g in ("correct", "mis_h", "mis_l")]
    assert sum(sizes) == len(group)
    assert len(report.rows) == 2 * 3  # networks x classes
    assert {row["network"] for row in report.rows} == {"A", "B"}
    small = [row for row in report.rows if row["class"] == "c1"]
    assert all(row["fallback"] for row in small)
    assert any("c1" in line for line in report.warnings)


def scores_with(wrong, n=200):
    """Surely right labels, but for the first ``wrong``, which are surely wrong."""
    p = np.full(n, 0.95) + np.linspace(-0.02, 0.02, n)
    p[:wrong] = 0.03
    loss = -np.log(p)
    entropy = np.full(n, 0.2) + np.linspace(-0.02, 0.02, n)
    return Scores(
        np.stack([loss] * 2), np.stack([entropy] * 2), np.zeros((2, n), np.int64), np.ones((2, n))
    )


@pytest.mark.parametrize(("wrong", "trusting"), [(10, True), (80, False)])
def test_the_guard_learns_all_labels_where_few_are_suspected(wrong, trusting):
    n = 200
    method = make_method(np.arange(n) % 2, num_classes=2)
    report = method.begin_epoch(2, lambda: scores_with(wrong, n))
    suspected = report.numbers["size_mis_h"] / n
    assert (suspected < method.config.least_suspected) == trusting
    # The verdict itself is told either way.
    assert report.p is not None
    assert report.p[:wrong, 0].max() < 0.5
    for learned, group in zip(method._p, method._group, strict=True):
        readable = 1 - report.p[:, 2]
        # What is learned hears the mixture itself, the reader less sure a word.
        wanted = readable if trusting else method.judges.verdicts[0].p[:, 0]
        np.testing.assert_allclose(learned[:, 0], wanted, atol=1e-6)
        np.testing.assert_allclose(learned.sum(dim=1), 1, atol=1e-6)
        assert (1 in group.tolist()) == (not trusting)
    told = [line for line in report.warnings if "learned as given" in line]
    assert len(told) == trusting
    # Said once.
    again = method.begin_epoch(3, lambda: scores_with(wrong, n))
    assert not [line for line in again.warnings if "learned as given" in line]


def test_unreadable_images_are_muted_where_labels_are_trusted():
    loss, entropy, group = cloud()
    # No wrong labels among what can be read: those samples are as sure as the right ones.
    loss[group == 1], entropy[group == 1] = loss[group == 0][0], entropy[group == 0][0]
    method = make_method(np.random.default_rng(1).integers(0, 3, len(group)))
    scores = Scores(
        *(np.stack([x, x]) for x in (loss, entropy)),
        predicted=np.zeros((2, len(group)), np.int64),
        confidence=np.ones((2, len(group))),
    )
    method.begin_epoch(2, lambda: scores)
    assert method._trusting
    counts = method._counts[0].numpy()
    assert counts[group == 2, 0].max() < 0.5 < counts[group == 0, 0].min()
    assert not counts[:, 1].any()


@pytest.mark.parametrize(("wrong", "trusting"), [(10, True), (80, False)])
def test_final_networks_are_asked_again_where_all_labels_were_learned(wrong, trusting):
    n = 200
    method = make_method(np.arange(n) % 2, num_classes=2)
    kept = method.begin_epoch(2, lambda: scores_with(wrong, n))
    before = copy.deepcopy(method.state_dict())
    asked = []

    def at_the_end():
        asked.append(True)
        late = scores_with(0, n)
        late.loss[:, wrong] = 3.5  # what only the final networks doubt
        return late

    end = method.assess(at_the_end)
    assert len(asked) == trusting
    np.testing.assert_allclose(end.p[:, 2], kept.p[:, 2])
    np.testing.assert_allclose(end.p.sum(axis=1), 1)
    assert (end.p[wrong, 0] < kept.p[wrong, 0] - 0.1) == trusting
    assert (end.p[:wrong, 0].max() > kept.p[:wrong, 0].max()) == trusting
    assert sum(end.numbers.values()) == n
    # A resumed run is judged by the same verdicts, without an epoch in between.
    resumed = make_method(np.arange(n) % 2, num_classes=2)
    resumed.load_state_dict(before)
    np.testing.assert_array_equal(resumed.assess(at_the_end).p, end.p)


def test_the_guard_can_be_switched_off():
    method = make_method(np.arange(200) % 2, num_classes=2, least_suspected=0.0)
    method.begin_epoch(2, lambda: scores_with(10))
    assert not method._trusting
    assert method._p[0][:10, 1].min() > 0.5


def test_memory_goes_into_the_checkpoint_and_back():
    loss, entropy, group = cloud()
    labels = np.random.default_rng(1).integers(0, 3, len(group))
    scores = Scores(
        loss=np.stack([loss, loss]),
        entropy=np.stack([entropy, entropy]),
        predicted=np.zeros((2, len(group)), np.int64),
        confidence=np.ones((2, len(group))),
    )
    first, second = make_method(labels), make_method(labels)
    first.begin_epoch(2, lambda: scores)
    second.load_state_dict(first.state_dict())
    later = Scores(scores.loss * 1.3, scores.entropy * 0.9, scores.predicted, scores.confidence)
    a = first.begin_epoch(3, lambda: later)
    b = second.begin_epoch(3, lambda: later)
    np.testing.assert_array_equal(a.p, b.p)


def test_warm_up_longer_than_training_is_refused():
    with pytest.raises(ConfigError, match="warm-up is longer"):
        QMixConfig.from_options(epochs=5, warmup_epochs=6)


@pytest.mark.parametrize("config", [QMixConfig, SSCLConfig, DivideMixConfig])
@pytest.mark.parametrize(("epochs", "expected"), [(30, 8), (16, 8), (7, 3), (1, 1)])
def test_a_warm_up_that_nobody_asked_for_fits_a_short_training(config, epochs, expected):
    short = config.from_options(epochs=epochs)
    assert short.warmup_epochs == expected
    assert config.from_options(**short.model_dump()).warmup_epochs == expected


def test_unknown_option_names_the_nearest_one():
    with pytest.raises(ConfigError, match="lambda_c"):
        QMixConfig.from_options(lamda_c=1.0)


def test_paper_preset_switches_ours_off():
    paper = QMixConfig.from_options("paper")
    assert paper.class_balance == "none"
    assert (paper.backbone, paper.image_size, paper.epochs) == ("resnet50", 384, 100)
    assert paper.separation.memory == 0
    assert paper.least_suspected == 0
    # options given beside a preset win
    assert QMixConfig.from_options("paper", epochs=12).epochs == 12


def test_the_share_that_is_kept_can_follow_the_confident_joint():
    """Half of class 1 and all of class 2 are predicted as labelled; class 0 is never believed."""
    labels = np.repeat([0, 1, 2], 40)
    true = labels.copy()
    true[:36], true[40:60] = 1, 2
    p = np.full((120, 3), 0.05, np.float32)
    p[np.arange(120), true] = 0.9
    loss = -np.log(p[np.arange(120), labels]).astype(np.float64)
    scores = Scores(
        np.stack([loss] * 2), np.full((2, 120), 0.4), np.stack([true] * 2), np.full((2, 120), 0.9),
        np.stack([p] * 2),
    )  # fmt: skip
    kept = {}
    for how in ("fixed", "estimated"):
        method = make_method(labels, correct_share=how, separation={"minimum_correct_share": 0.0})
        method.judges.judge(scores)
        kept[how] = method.judges.right_shares(scores)[0]
    assert kept["fixed"] is None
    assert kept["estimated"].tolist() == pytest.approx([0.1, 0.5, 1.0], abs=0.03)
    again = make_method(labels, correct_share="estimated")
    again.load_state_dict(method.state_dict())
    assert np.array_equal(again.judges.mean_p[1], method.judges.mean_p[1])
