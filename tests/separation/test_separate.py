"""What a user of `separate` relies on: known groups, robustness, resuming."""

import importlib
import io

import numpy as np
import pytest
import torch
from clouds import softmax_cloud
from pydantic import ValidationError
from sklearn.metrics import roc_auc_score

from mixednoise.errors import DataError
from mixednoise.separation import SeparationSettings, separate
from mixednoise.separation.case import Case

DEFAULT, PAPER = SeparationSettings(), SeparationSettings.paper()
BOTH = pytest.mark.parametrize("settings", [DEFAULT, PAPER], ids=["default", "paper"])


def by_class(group, labels, num_classes):
    return [np.bincount(group[labels == c], minlength=3).tolist() for c in range(num_classes)]


@BOTH
@pytest.mark.parametrize("num_classes", [2, 3, 7])
def test_known_groups_are_found(settings, num_classes):
    loss, entropy, labels, group = softmax_cloud((900, 500, 250), num_classes, 0)
    found = separate(loss, entropy, labels, num_classes, settings)
    np.testing.assert_allclose(found.p.sum(axis=1), 1)
    assert (found.group == group).mean() > 0.97
    assert sum(found.sizes.values()) == 1650
    assert found.fallbacks == {}


@BOTH
def test_report_says_sizes_and_means_per_class(settings):
    loss, entropy, labels, _ = softmax_cloud((300, 200, 100), 3, 1)
    found = separate(loss, entropy, labels, 3, settings)
    assert [list(r.sizes) for r in found.classes] == by_class(found.group, labels, 3)
    for report in found.classes:
        rows = labels == report.label
        weights = found.p[rows, 1]
        assert report.loss[1] == pytest.approx(np.average(loss[rows], weights=weights))
        assert report.entropy[2] == pytest.approx(
            np.average(entropy[rows], weights=found.p[rows, 2])
        )
        assert report.loss[0] < report.loss[1]
        assert report.entropy[2] == max(report.entropy)


@BOTH
def test_deterministic(settings):
    loss, entropy, labels, _ = softmax_cloud((200, 100, 50), 3, 2)
    first, second = (separate(loss, entropy, labels, 3, settings) for _ in range(2))
    np.testing.assert_array_equal(first.p, second.p)
    np.testing.assert_array_equal(first.group, second.group)


@BOTH
def test_order_of_the_samples_does_not_matter(settings):
    loss, entropy, labels, _ = softmax_cloud((200, 100, 50), 3, 3)
    order = np.random.default_rng(0).permutation(350)
    straight = separate(loss, entropy, labels, 3, settings)
    shuffled = separate(loss[order], entropy[order], labels[order], 3, settings)
    np.testing.assert_allclose(shuffled.p, straight.p[order], atol=1e-6)


@pytest.fixture
def with_rare_class():
    """3,100 samples of classes 0-2 and 60 of class 3 whose labels surprise the network.

    Of the 60, 40 are right but get 6-14 % of the probability, 20 are wrong and get 0.5 % or less.
    """
    loss, entropy, labels, _ = softmax_cloud((2000, 800, 300), 4, 4)
    rng = np.random.default_rng(4)
    given = np.r_[rng.uniform(0.06, 0.14, 40), rng.uniform(0.002, 0.005, 20)]
    p = np.stack([given, 0.96 - given, np.full(60, 0.02), np.full(60, 0.02)], axis=1)
    return (
        np.r_[loss, -np.log(given)],
        np.r_[entropy, -(p * np.log(p)).sum(axis=1)],
        np.r_[labels % 3, np.full(60, 3)],
    )


@pytest.mark.parametrize(("settings", "least"), [(DEFAULT, 38), (PAPER, 5)])
def test_a_fit_per_class_keeps_a_rare_class(with_rare_class, settings, least):
    loss, entropy, labels = with_rare_class
    settings = settings.model_copy(update={"minimum_correct_share": 0.0})
    alone = separate(loss, entropy, labels, 4, settings)
    right, wrong = alone.group[-60:-20], alone.group[-20:]
    assert (right == 0).sum() >= least
    assert (wrong == 1).all()
    all_classes = settings.model_copy(update={"per_class": False})
    assert (separate(loss, entropy, labels, 4, all_classes).group[-60:] == 0).sum() <= 5


def test_clean_data_stay_correct_by_default():
    """No noise at all: the paper's mixture cuts such a set in three, the default does not."""
    loss, entropy, labels, _ = softmax_cloud((1500, 0, 0), 4, 6, readable=0.85)
    assert separate(loss, entropy, labels, 4).sizes["correct"] > 1400
    assert separate(loss, entropy, labels, 4, PAPER).sizes["correct"] < 1200


@pytest.mark.parametrize("sizes", [(500, 200, 0), (500, 0, 150), (100, 200, 0)])
def test_missing_groups_by_default(sizes):
    loss, entropy, labels, group = softmax_cloud(sizes, 3, 7)
    found = separate(loss, entropy, labels, 3)
    assert (found.group == group).mean() > 0.9
    assert all(report.sizes[0] > 0 for report in found.classes)


def test_default_ranks_by_entropy_and_falls_with_surprise():
    rng = np.random.default_rng(8)
    p = rng.dirichlet(np.full(4, 0.7), 3000).clip(1e-9)
    entropy = -(p * np.log(p)).sum(axis=1)
    labels = np.where(rng.random(3000) < 0.7, p.argmax(axis=1), rng.integers(4, size=3000))
    loss = -np.log(p[np.arange(3000), labels])
    settings = DEFAULT.model_copy(update={"memory": 0.0, "per_class": False})
    found = separate(loss, entropy, labels, 4, settings)
    order = np.argsort(entropy)
    assert (np.diff(found.p[order, 2]) >= -1e-12).all()
    right = found.p[:, 0] / (found.p[:, 0] + found.p[:, 1])
    from mixednoise.separation.axes import surprise

    assert (np.diff(right[np.argsort(surprise(loss, entropy))]) <= 1e-12).all()


def test_images_read_with_confidence_are_never_unreadable():
    """All entropies low: the most uncertain of them are readable all the same."""
    rng = np.random.default_rng(9)
    entropy = np.r_[rng.uniform(0.05, 0.2, 900), rng.uniform(0.7, 0.8, 100)] * np.log(5)
    loss = entropy * rng.uniform(0.2, 1.0, 1000)
    labels = rng.integers(5, size=1000)
    assert separate(loss, entropy, labels, 5).sizes["mis_l"] == 0
    ungated = DEFAULT.model_copy(update={"unreadable_entropy": 0.0})
    assert separate(loss, entropy, labels, 5, ungated).sizes["mis_l"] == 100


def test_unreadable_images_of_unequal_classes():
    """Who can't read an image expects the class that nine of ten have: far below log C."""
    rng = np.random.default_rng(12)
    shares = np.array([0.9, 0.04, 0.03, 0.03])
    expected = -(shares * np.log(shares)).sum()
    entropy = np.r_[rng.uniform(0.01, 0.1, 900), expected + rng.normal(0.03, 0.01, 100)]
    labels = rng.choice(4, size=1000, p=shares)
    loss = np.where(np.arange(1000) < 900, entropy / 2, -np.log(shares[labels]))
    found = separate(loss, entropy, labels, 4)
    assert (found.group[900:] == 2).mean() > 0.95
    assert (found.group[:900] == 2).sum() == 0
    # All of them below what the shares alone would tell: readable, the most uncertain ones too.
    assert separate(loss, entropy * 0.7, labels, 4).sizes["mis_l"] == 0


def test_a_long_lower_tail_of_entropy_is_not_taken_for_the_readable_images():
    """A narrow bulk near log C and some far below: EM would rather fit the tail than the top."""
    rng = np.random.default_rng(23)
    entropy = np.r_[rng.normal(0.978, 0.004, 800), rng.uniform(0.7, 0.97, 150)].clip(0, 0.995)
    entropy *= np.log(3)
    loss, labels = rng.uniform(0.5, 2.0, 950), rng.integers(3, size=950)
    cold = separate(loss, entropy, labels, 3)
    # A state in which the components had changed places is not believed either.
    swapped = cold.state | {
        "readability.weights": np.array([0.9, 0.1]),
        "readability.means": np.array([[0.0], [-2.0]]),
        "readability.covariances": np.array([[[0.8]], [[8.0]]]),
    }
    for found in (cold, separate(loss, entropy, labels, 3, state=swapped)):
        order = np.argsort(entropy)
        assert (np.diff(found.p[order, 2]) >= -1e-12).all()
        assert found.sizes["mis_l"] < 0.2 * 950


def test_looks_support_entropy_but_do_not_overrule_it():
    loss, entropy, labels, group = softmax_cloud((600, 300, 150), 4, 10)
    rng = np.random.default_rng(10)
    # An entropy that tells only half of the story.
    hazy = np.clip(entropy + rng.normal(0.0, 0.8, 1050), 0.02, np.log(4) - 0.01)
    unusual = np.exp(np.where(group == 2, 1.5, 0.0) + rng.normal(0, 0.7, 1050))
    unusual[:5] = np.nan
    plain = separate(loss, hazy, labels, 4)
    helped = separate(loss, hazy, labels, 4, unusual=unusual)
    off = SeparationSettings(looks_weight=0)
    ignored = separate(loss, hazy, labels, 4, off, unusual=unusual)
    np.testing.assert_array_equal(ignored.p, plain.p)
    auroc = [roc_auc_score(group == 2, found.p[:, 2]) for found in (plain, helped)]
    assert auroc[1] > auroc[0] + 0.02
    sure = entropy < 0.5 * np.log(4)
    odd = np.where(sure, 1000.0, unusual)
    fooled = separate(loss, entropy, labels, 4, unusual=odd)
    assert (fooled.group[sure] != 2).all()


def test_looks_tell_what_entropy_does_not():
    # A network that has learned nothing yet, beside images a fifth of which are ruined.
    rng = np.random.default_rng(3)
    group = np.repeat([0, 2], (800, 200))
    p = rng.dirichlet(np.full(3, 300.0), 1000)
    labels = rng.integers(3, size=1000)
    loss, entropy = -np.log(p[np.arange(1000), labels]), -(p * np.log(p)).sum(axis=1)
    unusual = np.exp(np.where(group == 2, 2.5, 0.0) + rng.normal(0, 0.7, 1000))
    found = separate(loss, entropy, labels, 3, unusual=unusual)
    assert roc_auc_score(group == 2, found.p[:, 2]) > 0.9
    # Of images that are all alike, no more are unreadable than by entropy alone.
    alike = np.exp(rng.normal(0, 0.7, 1000))
    counts = [
        separate(loss, entropy, labels, 3, unusual=looks).sizes["mis_l"]
        for looks in (None, alike, np.ones(1000))
    ]
    assert counts[1] < counts[0] + 50
    assert counts[2] == counts[0]


@BOTH
def test_small_class_falls_back_to_all_classes(settings):
    loss, entropy, labels, _ = softmax_cloud((300, 150, 80), 3, 11)
    keep = np.flatnonzero(labels != 2).tolist() + np.flatnonzero(labels == 2)[:3].tolist()
    found = separate(loss[keep], entropy[keep], labels[keep], 3, settings)
    assert found.fallbacks == {2: "all_classes"}
    assert found.classes[2].sizes[0] >= 1


def test_paper_needs_30_samples_per_class():
    loss, entropy, labels, _ = softmax_cloud((300, 150, 80), 2, 12)
    rows = np.r_[np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:29]]
    assert separate(loss[rows], entropy[rows], labels[rows], 2, PAPER).fallbacks == {
        1: "all_classes"
    }
    rows = np.r_[np.flatnonzero(labels == 0), np.flatnonzero(labels == 1)[:60]]
    assert separate(loss[rows], entropy[rows], labels[rows], 2, PAPER).fallbacks == {}


def test_a_component_below_two_percent_falls_back():
    rng = np.random.default_rng(13)
    loss = np.r_[rng.normal(1, 0.1, 200), rng.normal(3, 0.1, 200), 40.0]
    entropy = np.r_[rng.normal(0.5, 0.05, 400), 0.1]
    labels = np.zeros(401, int)
    more = softmax_cloud((200, 100, 50), 2, 13)
    loss, entropy = np.r_[loss, more[0]], np.r_[entropy, more[1]]
    labels = np.r_[labels, np.ones(350, int)]
    found = separate(loss, entropy, labels, 2, PAPER)
    assert found.fallbacks.get(0) == "all_classes"
    assert 1 not in found.fallbacks


@BOTH
def test_not_a_number_spoils_neither_its_class_nor_the_others(settings):
    loss, entropy, labels, group = softmax_cloud((600, 300, 150), 3, 14)
    bad = np.flatnonzero(labels == 1)[[0, 5]]
    loss[bad[0]], entropy[bad[1]] = np.nan, np.nan
    found = separate(loss, entropy, labels, 3, settings)
    assert found.fallbacks == {1: "all_classes"}
    assert np.isfinite(found.p).all()
    assert (found.group[bad] != 0).all()
    fine = np.setdiff1d(np.arange(1050), bad)
    assert (found.group[fine] == group[fine]).mean() > 0.95


@BOTH
def test_infinite_loss_is_a_high_loss(settings):
    loss, entropy, labels, group = softmax_cloud((600, 300, 150), 3, 15)
    underflow = np.flatnonzero(group == 1)[:4]
    loss[underflow] = np.inf
    found = separate(loss, entropy, labels, 3, settings)
    assert found.fallbacks == {}
    assert (found.group[underflow] == 1).all()


@BOTH
def test_failed_fit_takes_the_lower_half_then_the_median_entropy(settings):
    # All the same: nothing to fit. Losses all equal, so that the order of the rows decides.
    labels = np.repeat([0, 1], [10, 3])
    found = separate(np.ones(13), np.ones(13), labels, 2, settings)
    assert found.fallbacks == {0: "halves", 1: "halves"}
    assert [report.sizes for report in found.classes] == [(5, 5, 0), (2, 1, 0)]


@BOTH
def test_nothing_but_nan_still_gives_groups(settings):
    labels = np.repeat([0, 1], [10, 1])
    found = separate(np.full(11, np.nan), np.full(11, np.nan), labels, 2, settings)
    assert set(found.fallbacks.values()) == {"halves"}
    assert all(report.sizes[0] > 0 for report in found.classes)


def test_halves_by_hand():
    # Three finite samples are too few for any fit.
    loss = np.array([0.1, 0.2, 5.0, 6.0, np.nan])
    entropy = np.array([0.1, 0.1, np.nan, 0.3, 0.9])
    found = separate(loss, entropy, np.zeros(5, int), 2)
    assert found.group.tolist() == [0, 0, 0, 1, 2]


@BOTH
def test_class_without_samples(settings):
    loss, entropy, labels, _ = softmax_cloud((300, 150, 80), 2, 16)
    found = separate(loss, entropy, labels, 4, settings)
    assert [r.sizes for r in found.classes[2:]] == [(0, 0, 0)] * 2
    assert np.isnan(found.classes[3].loss).all()


def test_kept_share_holds_for_every_class():
    """A class that looks all wrong keeps its least suspicious samples, by p, then by loss."""
    loss, entropy, labels, group = softmax_cloud((600, 300, 100), 2, 17)
    wrong = (labels == 1) & (group == 0)
    loss, entropy, labels = loss[~wrong], entropy[~wrong], labels[~wrong]
    settings = SeparationSettings(minimum_correct_share=0.25)
    found = separate(loss, entropy, labels, 2, settings)
    report = found.classes[1]
    assert report.kept > 0
    assert report.sizes[0] == int(0.25 * (labels == 1).sum())
    p = found.p[labels == 1, 0]
    kept = found.group[labels == 1] == 0
    assert p[kept].min() >= p[~kept].max()


def test_paper_keeps_one_sample_of_a_class_at_least():
    loss, entropy, labels, group = softmax_cloud((600, 300, 100), 2, 18)
    few = np.flatnonzero((labels == 1) & (group == 1))[:3]
    rows = np.r_[np.flatnonzero(labels == 0), few]
    found = separate(loss[rows], entropy[rows], labels[rows], 2, PAPER)
    assert found.classes[1].sizes[0] == found.classes[1].kept == 1
    assert found.group[len(rows) - 3 + np.argmax(found.p[-3:, 0])] == 0


@BOTH
def test_resume_from_a_weights_only_checkpoint_changes_nothing(settings, tmp_path):
    epochs = [softmax_cloud((300, 150, 80), 3, 19, readable=0.8 + 0.05 * t) for t in range(3)]
    labels = epochs[0][2]
    state = None
    for loss, entropy, _, _ in epochs:
        unbroken = separate(loss, entropy, labels, 3, settings, state)
        previous, state = state, unbroken.state
    tensors = {key: torch.as_tensor(value) for key, value in previous.items()}
    buffer = io.BytesIO()
    torch.save(tensors, buffer)
    buffer.seek(0)
    restored = torch.load(buffer, weights_only=True)
    resumed = separate(*epochs[2][:2], labels, 3, settings, restored)
    np.testing.assert_array_equal(resumed.p, unbroken.p)
    np.testing.assert_array_equal(resumed.loss, unbroken.loss)


def test_memory_remembers_what_the_network_forgets():
    """Entropy that told unreadable images apart, and then collapses."""
    loss, entropy, labels, group = softmax_cloud((600, 250, 150), 4, 20)
    state = None
    for _ in range(4):
        state = separate(loss, entropy, labels, 4, DEFAULT, state).state
    collapsed = np.random.default_rng(20).uniform(0.1, 0.3, len(entropy))
    now = separate(loss, collapsed, labels, 4, DEFAULT)
    remembered = separate(loss, collapsed, labels, 4, DEFAULT, state)
    assert roc_auc_score(group == 2, now.p[:, 2]) < 0.7
    assert roc_auc_score(group == 2, remembered.p[:, 2]) > 0.98


def test_warm_start_of_a_collapsed_mixture_is_given_up():
    loss, entropy, labels, group = softmax_cloud((300, 150, 80), 2, 21)
    state = separate(loss, entropy, labels, 2, PAPER).state
    state["class0.means"] = np.full((3, 2), 1e6)
    found = separate(loss, entropy, labels, 2, PAPER, state)
    assert found.fallbacks == {}
    assert (found.group == group).mean() > 0.97


def test_state_is_flat_arrays_and_floats():
    loss, entropy, labels, _ = softmax_cloud((300, 150, 80), 2, 22)
    state = separate(loss, entropy, labels, 2).state
    assert all(isinstance(v, float) or v.dtype == np.float64 for v in state.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entropy": np.ones(3)}, "one loss, entropy and label per sample"),
        ({"labels": np.array([0, 1, 2, 0])}, "number of classes"),
        ({"labels": np.array([0, 1, -1, 0])}, "number of classes"),
        ({"num_classes": 1, "labels": np.zeros(4, int)}, "number of classes"),
        ({"unusual": np.ones(3)}, "unusual"),
    ],
)
def test_input_that_does_not_fit_is_refused(change, message):
    fine = {
        "loss": np.ones(4),
        "entropy": np.ones(4),
        "labels": np.array([0, 1, 1, 0]),
        "num_classes": 2,
    }
    with pytest.raises(DataError, match=message):
        separate(**fine | change)


def test_settings_refuse_what_they_do_not_know():
    with pytest.raises(ValidationError, match="extra"):
        SeparationSettings(compnents=3)
    with pytest.raises(ValidationError, match="minmax"):
        SeparationSettings(axes="minmax")
    with pytest.raises(ValidationError, match="frozen"):
        SeparationSettings().memory = 0.1


def test_paper_preset_is_the_paper():
    assert PAPER.model_dump(exclude_defaults=True) == {
        "model": "mixture",
        "axes": "minmax",
        "memory": 0.0,
        "minimum_class_size": 30,
        "minimum_correct_share": 0.0,
        "verdict_temperature": 1.0,
    }
    assert (PAPER.components, PAPER.covariance, PAPER.per_class) == (3, "full", True)
    assert PAPER.minimum_component_share == 0.02


def test_labels_of_a_small_class_are_trusted_in_their_own_order():
    """A network biased towards the large class finds every label of the small one surprising."""
    rng = np.random.default_rng(5)
    labels = np.array([0] * 900 + [1] * 100)
    right = np.concatenate([np.ones(900, bool), np.arange(100) < 30])
    loss = np.abs(np.where(labels == 0, 0.2, np.where(right, 2.0, 3.5)) + rng.normal(0, 0.1, 1000))
    entropy = np.full(1000, 0.2) + rng.normal(0, 0.02, 1000)
    distrusted = separate(loss, entropy, labels, 2, SeparationSettings(minimum_correct_share=0.0))
    assert np.sort(distrusted.p[900:, 0])[-2] < 0.5, "but for the one that is always kept"
    found = separate(loss, entropy, labels, 2, SeparationSettings(minimum_correct_share=0.2))
    chosen = np.flatnonzero(found.group[900:] == 0)
    assert len(chosen) == 20
    assert chosen.max() < 30, "the least surprising labels are the right ones"
    # Trusted, not only named: whoever learns from p must see the same as whoever reads the group.
    assert found.p[900:][chosen, 0].min() > 0.499, "correct is the most probable group"
    assert (found.group == found.p.argmax(axis=1)).all()
    np.testing.assert_allclose(found.p.sum(axis=1), 1)
    # The order of the class is what it was, and what can't be read stays so.
    before, after = distrusted.p[900:], found.p[900:]
    assert (np.diff(after[np.argsort(before[:, 0], kind="stable"), 0]) >= -1e-12).all()
    np.testing.assert_allclose(before[:, 2], after[:, 2])
    np.testing.assert_array_equal(distrusted.p[:900], found.p[:900])


def test_at_least_the_share_that_is_known_to_be_right_stays_correct():
    """Class 1 looks wrong as a whole; from elsewhere it is known that 60 % of it is right."""
    rng = np.random.default_rng(5)
    labels = np.repeat([0, 1], [400, 100])
    loss = np.where(labels == 0, rng.gamma(2, 0.1, 500), rng.normal(3.0, 0.3, 500))
    entropy = rng.uniform(0.1, 0.4, 500)
    fixed = separate(loss, entropy, labels, 2)
    told = separate(loss, entropy, labels, 2, right_shares=np.array([0.1, 0.6]))
    of_class_1 = labels == 1
    assert (fixed.group[of_class_1] == 0).sum() == 20  # a fifth, whatever is found
    assert (told.group[of_class_1] == 0).sum() == 60
    assert set(np.flatnonzero(fixed.group == 0)) <= set(np.flatnonzero(told.group == 0))
    assert (told.p[of_class_1 & (told.group == 0), 0] >= 0.5).all()  # and they are believed
    assert np.array_equal(told.group[~of_class_1], fixed.group[~of_class_1])


def test_rounding_leaves_no_probability_below_nothing() -> None:
    """Shifting the odds of a class once left -1e-16, and the training ended in an error."""
    rng = np.random.default_rng(0)
    n = 40_000
    doubt, unreadable = 10 ** rng.uniform(-17, -9, n), 10 ** rng.uniform(-17, -1, n)
    p = np.stack([1 - unreadable - doubt, doubt, unreadable], axis=1).clip(0)
    # Most of the class is doubted, so that the rest is shifted far.
    p[: n * 9 // 10] = [0.1, 0.9, 0.0]
    case = Case(
        np.zeros(n), np.zeros(n), np.zeros(n, np.int64), 2,
        SeparationSettings(minimum_correct_share=0.2), None, {},
    )  # fmt: skip
    module = importlib.import_module("mixednoise.separation.separate")
    assert module._believe_enough(case, np.arange(n), p) > 0
    assert p.min() >= 0
    assert p.max() <= 1
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-12)
