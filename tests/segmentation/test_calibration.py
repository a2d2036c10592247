import numpy as np
import pytest
from scipy.special import softmax

from mixednoise.errors import DataError
from mixednoise.progress import Silent
from mixednoise.segmentation import calibration as module
from mixednoise.segmentation.calibrated_source import CalibratedSource, calibrated
from mixednoise.segmentation.calibration import Calibration, CalibrationFit, settled
from mixednoise.segmentation.confident import ArraySource, find_mask_errors
from mixednoise.segmentation.labels import IGNORE


def drawn(rng, shape, temperature, classes=3):
    """Labels drawn from softmax(z), and a teacher that says softmax(z * temperature)."""
    logits = rng.normal(0, 2, (classes, *shape))
    true = softmax(logits, axis=0)
    edges = true.cumsum(0)
    labels = (rng.random(shape)[None] > edges).sum(0).astype(np.uint8)
    return np.minimum(labels, classes - 1), softmax(logits * temperature, axis=0)


def fitted(kind, *images, seed=2):
    fit = CalibrationFit(len(images), rng=np.random.default_rng(seed))
    for mask, probabilities in images:
        fit.add(mask, probabilities)
    return fit.fit(kind)


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(overconfidence):
    rng = np.random.default_rng(0)
    found = fitted("temperature", *(drawn(rng, (80, 80), overconfidence) for _ in range(5)))
    # 20,000 pixels: the spread of the estimate is some 2 %.
    assert found.temperature == pytest.approx(overconfidence, rel=0.08)
    assert found.offsets == ()


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_every_class_is_proposed_as_often_as_it_was_given(classes):
    rng = np.random.default_rng(classes)
    shares = rng.dirichlet(np.full(classes, 2.0))
    labels = rng.choice(classes, (60, 60), p=shares).astype(np.uint8)
    # A teacher that hardly dares to name any class but the first.
    lean = 3.0 * (np.arange(classes) == 0)[:, None, None]
    probabilities = softmax(rng.normal(size=(classes, 60, 60)) + lean, axis=0)
    found = fitted("shares", (labels, probabilities))
    proposed = np.bincount(found.apply(probabilities).argmax(0).ravel(), minlength=classes)
    given = np.bincount(labels.ravel(), minlength=classes)
    # All 3,600 pixels are looked at, so that only ties stand between the two.
    np.testing.assert_allclose(proposed, given, atol=2)
    assert probabilities.argmax(0).mean() < 0.2 * labels.mean(), "it was not so before"


def test_shares_of_two_classes_are_a_threshold():
    """As many pixels as were given, those with the largest probability."""
    rng = np.random.default_rng(5)
    foreground = rng.random((50, 50)) * 0.45
    probabilities = np.stack([1 - foreground, foreground])
    labels = (rng.random((50, 50)) < 0.1).astype(np.uint8)
    proposed = fitted("shares", (labels, probabilities)).apply(probabilities).argmax(0)
    highest = np.sort(foreground.ravel())[::-1][labels.sum() - 1]
    np.testing.assert_array_equal(proposed, foreground >= highest)


def test_a_class_that_no_mask_has_is_left_alone():
    rng = np.random.default_rng(6)
    probabilities = softmax(rng.normal(size=(3, 40, 40)), axis=0)
    labels = rng.choice([0, 2], (40, 40)).astype(np.uint8)
    assert fitted("shares", (labels, probabilities)).offsets[1] == 0
    alone = fitted("shares", (np.zeros((40, 40), np.uint8), probabilities))
    assert not alone.changes


def test_ignored_pixels_do_not_speak():
    rng = np.random.default_rng(1)
    labels, probabilities = drawn(rng, (60, 60), 2.0)
    wrong = (labels + 1) % 3
    half = np.zeros((60, 60), dtype=bool)
    half[:30] = True
    honest = fitted("temperature", (np.where(half, IGNORE, labels).astype(np.uint8), probabilities))
    lied = fitted("temperature", (np.where(half, wrong, labels).astype(np.uint8), probabilities))
    assert honest.temperature == pytest.approx(2.0, rel=0.2)
    assert lied.temperature > 1.5 * honest.temperature


@pytest.mark.parametrize("kind", ["temperature", "shares"])
def test_no_pixels_no_change(kind):
    empty = np.full((4, 4), IGNORE, dtype=np.uint8), np.full((2, 4, 4), 0.5)
    assert fitted(kind, empty) == Calibration()
    assert fitted("none", (np.zeros((4, 4), np.uint8), np.full((2, 4, 4), 0.5))) == Calibration()


def test_applying_is_the_softmax_of_the_shifted_log():
    rng = np.random.default_rng(3)
    probabilities = softmax(rng.normal(size=(4, 5, 6)), axis=0).astype(np.float32)
    before = probabilities.copy()
    offsets = rng.normal(size=4)
    found = Calibration(2.5, tuple(offsets)).apply(probabilities)
    expected = softmax((np.log(probabilities) + offsets[:, None, None]) / 2.5, axis=0)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    np.testing.assert_array_equal(probabilities, before)
    assert Calibration().apply(probabilities.astype(np.float16)).dtype == np.float32
    assert Calibration.from_json(Calibration(2.0, (0.5, 0.0)).to_json()).offsets == (0.5, 0.0)


def test_memory_does_not_grow_with_the_images(monkeypatch):
    monkeypatch.setattr(module, "PIXELS", 300)
    fit = CalibrationFit(100, rng=np.random.default_rng(0))
    for _ in range(100):
        fit.add(np.zeros((9, 9), np.uint8), np.full((2, 9, 9), 0.5))
    assert sum(len(labels) for labels in fit._label) == 300


def test_a_small_structure_is_found_only_with_its_share():
    """A strip that is missing in half of the masks: no probability of it reaches one half."""
    rng = np.random.default_rng(7)
    truth = np.zeros((12, 16, 16), np.uint8)
    truth[:, 4:7, 3:13] = 1
    masks = truth.copy()
    masks[:7] = 0
    masks[7:, 4:10, 3:13] = 1  # the others are too thick
    foreground = np.where(truth, 0.42, 0.2) + rng.uniform(-0.02, 0.02, truth.shape)
    foreground[:, 10:] = 0.01
    probabilities = np.stack([1 - foreground, foreground], axis=1)
    plain = find_mask_errors(masks, probabilities, "argmax", calibrate="none")
    matched = find_mask_errors(masks, probabilities, "argmax", calibrate="shares")
    wrong = masks != truth
    assert np.array_equal(plain, masks == 1), "everything that was drawn, right or wrong"
    by_itself = find_mask_errors(masks, probabilities, "argmax", calibrate="auto")
    assert np.array_equal(by_itself, matched), "the strip is overlooked"
    assert (matched & wrong).sum() / wrong.sum() > 0.85
    assert (matched & wrong).sum() / matched.sum() > 0.85


def test_where_teachers_see_every_class_auto_leaves_them_alone():
    """Masks that are mostly too large: holding on to their share would keep them too large."""
    rng = np.random.default_rng(11)
    rows, columns = np.indices((40, 40))
    distance = np.hypot(rows - 20, columns - 20)
    masks = np.stack([distance <= 9 + shift for shift in [0] * 5 + [5] * 5]).astype(np.uint8)
    foreground = np.clip(0.95 - 0.1 * np.maximum(distance - 7, 0), 0.02, 0.95)
    foreground = foreground + rng.uniform(-0.02, 0.02, masks.shape)
    probabilities = np.stack([1 - foreground, foreground], axis=1)
    by_itself, plain, matched = (
        find_mask_errors(masks, probabilities, "argmax", calibrate=kind)
        for kind in ("auto", "none", "shares")
    )
    assert np.array_equal(by_itself, plain)
    assert not np.array_equal(by_itself, matched)


@pytest.mark.parametrize(("named", "kind"), [(0.45, "shares"), (0.55, "none")])
def test_a_class_is_overlooked_where_one_teacher_names_less_than_half_of_it(named, kind):
    labels = np.repeat([0, 1], [600, 400]).astype(np.uint8).reshape(1, -1)

    def judged(share):
        seen = np.arange(1000) < 400 * share
        return CalibrationFit(1, rng=np.random.default_rng(0)), np.stack([~seen, seen])[:, None]

    fits = []
    for share in (1.2, named):  # the other one more than makes up for it
        fit, probabilities = judged(share)
        fit.add(labels, 0.8 * probabilities + 0.1)
        fits.append(fit)
    assert settled("auto", fits) == kind
    assert settled("temperature", fits) == "temperature"
    assert settled("auto", []) == "none"


def test_a_source_is_calibrated_after_it_was_checked():
    rng = np.random.default_rng(8)
    labels, probabilities = drawn(rng, (1, 30, 30), 1.0)
    source = ArraySource(labels, probabilities.swapaxes(0, 1))
    assert calibrated(source, "none") is source
    found = calibrated(source, "shares", Silent())
    assert isinstance(found, CalibratedSource)
    mask, values = found.read(0)
    np.testing.assert_array_equal(mask, labels[0])
    np.testing.assert_allclose(values, found.calibrations[0].apply(source.read(0)[1]))
    logits = np.log(probabilities).swapaxes(0, 1)
    with pytest.raises(DataError, match="probabilit"):
        calibrated(ArraySource(labels, logits), "shares", Silent())


@pytest.mark.parametrize("band", [1.5, 3.0])
def test_with_shares_as_many_pixels_leave_a_class_as_come_to_it(band):
    """Masks that are too large or too small by a pixel, half of each, on unequal boundaries."""
    rng = np.random.default_rng(9)
    rows, columns = np.indices((40, 40))
    distance = np.hypot(rows - 20, columns - 20)
    truth = distance <= 9
    masks = np.stack([distance <= 9 + shift for shift in rng.permutation([-2, 2] * 10)])
    foreground = 1 / (1 + np.exp((distance - 9) / 2)) * 0.9 + 0.02
    foreground = foreground + rng.uniform(-0.02, 0.02, masks.shape)
    probabilities = np.stack([1 - foreground, foreground], axis=1)
    given = masks.astype(np.uint8)
    found = find_mask_errors(given, probabilities, "Q", calibrate="shares", band=band)
    added, taken = (found & ~masks).sum(), (found & masks).sum()
    assert added > 100
    assert taken == pytest.approx(added, rel=0.15)
    wrong = masks != truth
    assert (found & wrong).sum() > 0.5 * wrong.sum()
    cleanlabs = find_mask_errors(given, probabilities, "Q", band=band)
    uneven = (cleanlabs & ~masks).sum() / max(1, (cleanlabs & masks).sum())
    assert abs(uneven - 1) > 0.15, "without, it is not so"
