"""The mixture against scikit-learn, scipy and plain loops."""

import numpy as np
import pytest
from clouds import gaussian_cloud
from scipy.stats import multivariate_normal
from sklearn.mixture import GaussianMixture

from mixednoise.separation import (
    Mixture,
    MixtureFitError,
    Prior,
    fit_mixture,
    quantile_start,
)


def test_hard_groups_of_10k_points_are_those_of_sklearn():
    points, _ = gaussian_cloud(10_000, 0)
    ours = fit_mixture(points).mixture
    theirs = GaussianMixture(3, random_state=0, tol=1e-6).fit(points)
    match = [int(np.argmin(np.abs(theirs.means_ - m).sum(axis=1))) for m in ours.means]
    assert sorted(match) == [0, 1, 2]
    expected = theirs.predict(points)
    np.testing.assert_array_equal(np.array(match)[ours.posterior(points).argmax(axis=1)], expected)


@pytest.mark.parametrize("covariance", ["full", "tied"])
@pytest.mark.parametrize("n", [2_000, 30_000])
def test_reaches_the_log_likelihood_of_sklearn(covariance, n):
    rng = np.random.default_rng(1)
    # Overlapping on purpose, and too many points for EM without the grid in the larger case.
    points = np.concatenate([rng.normal(0, 1, (n // 2, 2)), rng.normal(1.5, 0.7, (n // 2, 2))])
    ours = fit_mixture(points, components=2, covariance=covariance, tolerance=1e-4)
    theirs = GaussianMixture(2, covariance_type=covariance, random_state=0, tol=1e-6).fit(points)
    assert ours.converged
    assert ours.log_likelihood == pytest.approx(theirs.score(points), rel=1e-3)
    assert ours.mixture.mean_log_likelihood(points) == pytest.approx(ours.log_likelihood, abs=1e-9)


def test_posterior_is_bayes_with_scipy_densities():
    mixture = Mixture(
        np.array([0.2, 0.8]),
        np.array([[0.0, 1.0, 2.0], [1.0, 0.0, -1.0]]),
        np.array([np.eye(3), [[2.0, 0.3, 0.1], [0.3, 1.0, 0.2], [0.1, 0.2, 0.5]]]),
    )
    points = np.random.default_rng(2).normal(size=(50, 3)) * 2
    joint = np.stack(
        [
            w * multivariate_normal(m, c).pdf(points)
            for w, m, c in zip(mixture.weights, mixture.means, mixture.covariances, strict=True)
        ],
        axis=1,
    )
    total = joint.sum(axis=1)
    np.testing.assert_allclose(mixture.posterior(points), joint / total[:, None], rtol=1e-9)
    assert mixture.mean_log_likelihood(points) == pytest.approx(np.log(total).mean())
    weights = np.arange(50.0)
    assert mixture.mean_log_likelihood(points, weights) == pytest.approx(
        np.average(np.log(total), weights=weights)
    )


def test_posterior_far_away_does_not_underflow():
    mixture = Mixture.line([0.5, 0.5], [0.0, 1.0], [0.1, 0.1])
    np.testing.assert_allclose(mixture.posterior(np.array([[1e4], [-1e4]])), [[0, 1], [1, 0]])


def test_point_weights_count_as_copies():
    points, _ = gaussian_cloud(300, 3)
    counts = np.random.default_rng(3).integers(0, 4, 300)
    start = quantile_start(points, 3)
    weighted = fit_mixture(points, starts=[start], point_weights=counts.astype(float))
    copied = fit_mixture(np.repeat(points, counts, axis=0), starts=[start])
    np.testing.assert_allclose(weighted.mixture.means, copied.mixture.means, rtol=1e-9)
    assert weighted.log_likelihood == pytest.approx(copied.log_likelihood)


def test_the_grid_changes_nothing_that_matters(monkeypatch):
    points, _ = gaussian_cloud(25_000, 4)
    counts = np.random.default_rng(4).uniform(0, 2, len(points))
    gridded = fit_mixture(points, point_weights=counts)
    monkeypatch.setattr("mixednoise.separation.em.GRID_FROM", 10**9)
    plain = fit_mixture(points, point_weights=counts)
    np.testing.assert_allclose(gridded.mixture.means, plain.mixture.means, atol=2e-4)
    assert gridded.log_likelihood == pytest.approx(plain.log_likelihood, rel=1e-4)


def test_far_from_the_origin_no_digits_are_lost():
    points, _ = gaussian_cloud(500, 5)
    near, far = fit_mixture(points), fit_mixture(points + 1e6)
    np.testing.assert_allclose(far.mixture.means - 1e6, near.mixture.means, atol=1e-6)


def test_deterministic_and_warm_start_stays():
    points, _ = gaussian_cloud(1_000, 6)
    first, second = fit_mixture(points), fit_mixture(points)
    np.testing.assert_array_equal(first.mixture.means, second.mixture.means)
    warm = fit_mixture(points, starts=[first.mixture])
    assert warm.iterations <= 2 < first.iterations
    np.testing.assert_allclose(warm.mixture.means, first.mixture.means, atol=1e-3)


def test_the_better_of_two_starts_wins_and_a_broken_one_does_no_harm():
    points, _ = gaussian_cloud(1_000, 7)
    good = quantile_start(points, 3)
    # All components in one place: EM can't tell them apart and stays there.
    stuck = Mixture(good.weights, np.repeat(points.mean(0)[None], 3, axis=0), good.covariances)
    broken = Mixture(good.weights, good.means * np.nan, good.covariances)
    alone = fit_mixture(points, starts=[stuck]).log_likelihood
    best = fit_mixture(points, starts=[stuck, broken, good]).log_likelihood
    assert best == pytest.approx(fit_mixture(points, starts=[good]).log_likelihood)
    assert best > alone + 0.1


def test_only_accepted_optima_count():
    points, _ = gaussian_cloud(1_000, 7)
    good = quantile_start(points, 3)
    turned = Mixture(good.weights, good.means[::-1], good.covariances)
    fit = fit_mixture(points, starts=[good, turned], accept=lambda m: m.means[0, 0] > m.means[2, 0])
    assert fit.mixture.means[0, 0] > fit.mixture.means[2, 0]
    with pytest.raises(MixtureFitError, match="acceptable"):
        fit_mixture(points, accept=lambda m: False)


def test_map_fit_of_one_component_is_the_conjugate_posterior_mode():
    x = np.array([1.0, 2.0, 4.0, 5.0])
    centre = Mixture.line([1.0], [0.0], [2.0])
    fit = fit_mixture(
        x[:, None], components=1, prior=Prior(centre, 3.0, (6.0,)), regularisation=1e-12
    )
    # Six pseudo-samples of mean 0 and variance 4: mean 12 / 10; sum of squares 46 + 24.
    assert fit.mixture.means[0, 0] == pytest.approx(1.2)
    assert fit.mixture.covariances[0, 0, 0] == pytest.approx((46 + 24 - 10 * 1.2**2) / 10)


def test_prior_on_the_weights_adds_its_pseudo_samples():
    # Two points a world apart from two others: responsibilities are 0 or 1.
    x = np.array([0.0, 0.1, 0.2, 9.9])[:, None]
    centre = Mixture.line([0.25, 0.75], [0.1, 9.9], [0.5, 0.5])
    fit = fit_mixture(x, components=2, starts=[centre], prior=Prior(centre, 8.0, (1.0, 1.0)))
    np.testing.assert_allclose(fit.mixture.weights, [(3 + 2) / 12, (1 + 6) / 12], atol=1e-9)


def test_an_empty_component_stays_finite():
    points, _ = gaussian_cloud(300, 8)
    start = quantile_start(points, 3)
    away = np.array([[0.0, 0.0], [0.0, 0.0], [1e3, 1e3]])
    lost = Mixture(start.weights, start.means + away, start.covariances)
    fit = fit_mixture(points, starts=[lost])
    assert np.isfinite(fit.mixture.means).all()
    assert np.isfinite(fit.mixture.posterior(points)).all()


def test_quantile_start_takes_thirds_by_weight():
    points = np.array([[3.0, 0.0], [1.0, 2.0], [2.0, 4.0], [5.0, 1.0], [4.0, 3.0], [6.0, 5.0]])
    means = quantile_start(points, 3).means
    np.testing.assert_allclose(means, [[1.5, 3.0], [3.5, 1.5], [5.5, 3.0]])


@pytest.mark.parametrize(
    ("points", "message"),
    [
        (np.zeros((5, 2)), "can't be fitted"),
        (np.zeros((50, 2)), "all points are the same"),
        (np.full((50, 2), np.nan), "not finite"),
        (np.zeros(50), "can't be fitted"),
    ],
)
def test_what_can_not_be_fitted_says_so(points, message):
    with pytest.raises(MixtureFitError, match=message):
        fit_mixture(points)


def test_bad_point_weights_are_refused():
    points, _ = gaussian_cloud(50, 9)
    with pytest.raises(MixtureFitError, match="point weights"):
        fit_mixture(points, point_weights=np.zeros(50))
