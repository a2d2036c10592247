import numpy as np
import pytest
from scipy.special import softmax

from mixednoise.segmentation.calibration import TemperatureFit, tempered
from mixednoise.segmentation.labels import IGNORE


def drawn(rng, shape, temperature, classes=3):
    """Labels drawn from softmax(z), and a teacher that says softmax(z * temperature)."""
    logits = rng.normal(0, 2, (classes, *shape))
    true = softmax(logits, axis=0)
    edges = true.cumsum(0)
    labels = (rng.random(shape)[None] > edges).sum(0).astype(np.uint8)
    return np.minimum(labels, classes - 1), softmax(logits * temperature, axis=0)


@pytest.mark.parametrize("overconfidence", [0.5, 1.0, 3.0])
def test_the_temperature_that_made_the_labels_is_found(overconfidence):
    rng = np.random.default_rng(0)
    fit = TemperatureFit(pixels_per_image=4000, rng=rng)
    for _ in range(5):
        fit.add(*drawn(rng, (80, 80), overconfidence))
    # 20,000 pixels: the spread of the estimate is some 2 %.
    assert fit.temperature() == pytest.approx(overconfidence, rel=0.08)


def test_ignored_pixels_do_not_speak():
    rng = np.random.default_rng(1)
    labels, probabilities = drawn(rng, (60, 60), 2.0)
    wrong = (labels + 1) % 3
    half = np.zeros((60, 60), dtype=bool)
    half[:30] = True
    fit = TemperatureFit(pixels_per_image=10_000, rng=np.random.default_rng(2))
    fit.add(np.where(half, IGNORE, labels).astype(np.uint8), probabilities)
    honest = fit.temperature()
    lied = TemperatureFit(pixels_per_image=10_000, rng=np.random.default_rng(2))
    lied.add(np.where(half, wrong, labels).astype(np.uint8), probabilities)
    assert honest == pytest.approx(2.0, rel=0.2)
    assert lied.temperature() > 1.5 * honest


def test_no_pixels_no_change():
    fit = TemperatureFit(rng=np.random.default_rng(0))
    fit.add(np.full((4, 4), IGNORE, dtype=np.uint8), np.full((2, 4, 4), 0.5))
    assert fit.temperature() == 1.0


def test_tempering_is_the_softmax_of_the_log():
    rng = np.random.default_rng(3)
    probabilities = softmax(rng.normal(size=(4, 5, 6)), axis=0).astype(np.float32)
    before = probabilities.copy()
    found = tempered(probabilities, 2.5)
    expected = probabilities ** (1 / 2.5)
    np.testing.assert_allclose(found, expected / expected.sum(0), rtol=1e-5)
    np.testing.assert_array_equal(probabilities, before)
    assert tempered(probabilities.astype(np.float16), 1.0).dtype == np.float32
