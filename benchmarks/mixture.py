"""Speed of the mixture and of a whole separation, against scikit-learn in the same run.

    python benchmarks/mixture.py [--points 1000000]

One thread each. Both programs get the same points, three components and the same tolerance
(0.001 on the mean log-likelihood), and start on their own. Times are CPU seconds of the fit alone.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import resource
import time

import numpy as np
from sklearn.mixture import GaussianMixture

from mixednoise.separation import SeparationSettings, fit_mixture, separate


def separated(n: int) -> np.ndarray:
    """Three Gaussians that hardly touch."""
    rng = np.random.default_rng(0)
    k = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    means = np.array([[0.1, 0.2], [0.7, 0.4], [0.4, 0.9]])
    tilt = np.array([[0.05, 0.0], [0.03, 0.05]])
    return means[k] + rng.normal(size=(n, 2)) @ tilt.T


def softmax(n: int, classes: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Loss, entropy and labels of a half-trained network: 30 % wrong labels, 15 % unreadable."""
    rng = np.random.default_rng(1)
    group = rng.choice(3, n, p=[0.55, 0.3, 0.15])
    labels = rng.integers(classes, size=n)
    top = np.where(group == 1, (labels + rng.integers(1, classes, n)) % classes, labels)
    scores = rng.normal(size=(n, classes)) * np.where(group == 2, 0.3, 1.0)[:, None]
    scores[np.arange(n), top] += np.where(group == 2, 0.0, rng.gamma(3.0, 1.0, n))
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    return -np.log(p[np.arange(n), labels]), -(p * np.log(p)).sum(axis=1), labels


def timed(call):
    """CPU seconds and result."""
    begin = time.process_time()
    result = call()
    return time.process_time() - begin, result


def compare(title: str, points: np.ndarray) -> None:
    """Print one line: times, ratio, mean log-likelihoods."""
    ours_s, ours = timed(lambda: fit_mixture(points))
    theirs_s, theirs = timed(lambda: GaussianMixture(3, random_state=0).fit(points))
    ours_l, theirs_l = ours.log_likelihood, theirs.score(points)
    print(
        f"{title:28s} mixednoise {ours_s:6.2f} s ({ours.iterations} it)   "
        f"scikit-learn {theirs_s:6.2f} s ({theirs.n_iter_} it)   ratio {theirs_s / ours_s:5.0f}x   "
        f"log-likelihood {ours_l:.5f} / {theirs_l:.5f} ({(ours_l - theirs_l) / abs(theirs_l):+.1e})"
    )


def main() -> None:
    """Run everything and print a line per measurement."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=1_000_000)
    n = parser.parse_args().points
    loss, entropy, labels = softmax(n, 7)
    arch = np.stack([loss / loss.max(), entropy / entropy.max()], axis=1)
    compare(f"separated, {n:,}", separated(n))
    compare(f"loss and entropy, {n:,}", arch)

    small = separated(10_000)
    theirs = GaussianMixture(3, random_state=0, tol=1e-6).fit(small)
    ours = fit_mixture(small).mixture
    match = np.array([np.abs(theirs.means_ - m).sum(axis=1).argmin() for m in ours.means])
    differ = (match[ours.posterior(small).argmax(axis=1)] != theirs.predict(small)).sum()
    print(f"hard groups that differ, 10,000 separated points: {differ}")

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for title, settings in (
        ("default", SeparationSettings()),
        ("paper", SeparationSettings.paper()),
    ):
        cold_s, cold = timed(lambda s=settings: separate(loss, entropy, labels, 7, s))
        warm_s, _ = timed(lambda s=settings, c=cold: separate(loss, entropy, labels, 7, s, c.state))
        print(
            f"separate(), {title}, 7 classes, {n:,}: {cold_s:.2f} s, next epoch {warm_s:.2f} s, "
            f"groups {cold.sizes}"
        )
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"peak memory: {before / 1024:.0f} MiB before separate(), {after / 1024:.0f} MiB after")


if __name__ == "__main__":
    main()
