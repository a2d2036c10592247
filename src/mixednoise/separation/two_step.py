"""The default separation: first "can it be read?", then "is the label right?".

Why not one mixture: loss and entropy of a softmax lie on an arch. Three free Gaussians per class
describe the arch, not the groups: they split ``correct`` in two and call two to five times too many
images unreadable. Entropy alone, over all classes, ranks the unreadable images far better.

Step 1, over all classes: two Gaussians on :func:`.axes.uncertainty`; the upper one is ``mis_l``.
Where it is known how unlike the others an image looks, two more on the log of that: the odds of
both are multiplied, as of two witnesses who have not spoken with each other. The one learned from
labels, wrong ones too; the other saw pixels alone, and takes what is rare for unreadable.
Step 2, on what can be read: two Gaussians of one width on :func:`.axes.surprise`, first for all
classes, then for each class, drawn towards the first (partial pooling).
All are maximum-a-posteriori fits: where the evidence shows no two groups, the priors keep EM from
inventing them. P(mis_l) never falls as entropy, or the distance from the others, rises; P(label
right) never rises with surprise.
"""

from __future__ import annotations

import numpy as np

from mixednoise.separation import axes
from mixednoise.separation.case import UNJUDGED, Case, Fallback, halves
from mixednoise.separation.em import Prior, fit_mixture
from mixednoise.separation.memory import recall, remember
from mixednoise.separation.mixture import Array, Mixture, MixtureFitError

#: Quantiles of uncertainty at which the upper component is tried: EM finds the nearest optimum.
STARTS = (0.7, 0.8, 0.85, 0.9, 0.95)
#: Pseudo-samples per sample behind the shapes of (readable, unreadable). Few for the second: a
#: clear cluster of unreadable images must be able to pull its component over.
READABILITY_SHAPES = (0.3, 0.03)
#: Pseudo-samples per sample behind the all-class fit of surprise.
LABEL_STRENGTH = 0.1
#: Pseudo-samples that every class gets on top of its own number.
CLASS_SAMPLES = 20.0
#: Regularisation of variances on axes of unit spread.
REGULARISATION = 1e-3
#: Least distance of the unreadable images' mean from the readable ones' and from the median of
#: all, in standard deviations of uncertainty.
LEAST_GAP = 0.5
#: Uncertainty further below the median than this, in standard deviations, counts as this.
LOWEST = -2.5
#: Width of the step at ``unreadable_entropy``, as a share of log C.
GATE_WIDTH = 0.02
#: Looks less unusual than this are told apart no more.
LEAST_UNUSUAL = 1e-3
#: No witness is believed to be surer.
CERTAIN = 1e-6
#: Even the least readable image says this much about the labels.
LEAST_WEIGHT = 0.01


def judge_in_two_steps(case: Case) -> tuple[Array, list[Fallback]]:
    """P(correct), P(mis_h), P(mis_l), float64 (N, 3), and each class's fallback."""
    p = np.tile(np.array(UNJUDGED), (len(case.loss), 1))
    try:
        unreadable = _unreadable(case)
        right, fallbacks = _right_label(case, 1.0 - unreadable)
    except MixtureFitError:
        for rows in case.rows:
            p[rows] = halves(case, rows)
        return p, ["halves"] * case.num_classes
    readable = 1.0 - unreadable
    p[case.finite] = np.stack([readable * right, readable * (1 - right), unreadable], axis=1)
    return p, fallbacks


def _unreadable(case: Case) -> Array:
    """Step 1: P(mis_l) of the finite samples."""
    entropy = case.entropy[case.finite]
    if len(entropy) == 0:
        raise MixtureFitError("no sample has a finite loss and entropy")
    p, _ = _upper_group(case, "readability", axes.uncertainty(entropy, case.num_classes))
    if case.unusual is not None and case.settings.looks_weight > 0:
        looks = np.log(np.maximum(_filled(case.unusual[case.finite]), LEAST_UNUSUAL))
        if np.ptp(looks) > 0:
            p = _with_second_witness(
                p, *_upper_group(case, "looks", looks), case.settings.looks_weight
            )
    if case.settings.unreadable_entropy > 0:
        # Absolute, where the mixtures are relative: the most uncertain images of an easy data set
        # are readable all the same. Where one class is the rule, a network that can't read an image
        # still expects that class, and is less uncertain than log C.
        most = np.log(case.num_classes)
        limit = min(case.settings.unreadable_entropy, case.entropy_of_classes / most)
        p = p / (1 + np.exp(np.clip(-(entropy / most - limit) / GATE_WIDTH, -50, 50)))
    return p


def _upper_group(case: Case, name: str, values: Array) -> tuple[Array, float]:
    """P(the upper one of two groups) of each value, rising with it, and the share of that group."""
    x = _standard(values)
    share, n = case.settings.unreadable_share, float(len(x))
    centre = Mixture.line([1 - share, share], [-0.15, 1.5], [0.9, 0.45])
    # How far below the others the surest images lie says nothing about the unreadable ones, but a
    # long tail there would draw a component to itself.
    x = np.maximum(x, LOWEST)
    if np.ptp(x) == 0:
        raise MixtureFitError(f"there is nothing to tell in {name}: all values are the same")
    try:
        mixture = fit_mixture(
            x[:, None],
            components=2,
            starts=[*recall(case.past, name, (2, 1)), centre, *_cuts(x)],
            prior=Prior(centre, n, (READABILITY_SHAPES[0] * n, READABILITY_SHAPES[1] * n)),
            accept=_unreadable_is_above,
            regularisation=REGULARISATION,
            tolerance=case.settings.tolerance,
            max_iterations=case.settings.max_iterations,
        ).mixture
    except MixtureFitError:
        # No upper group in the evidence: what was expected beforehand judges the far tail.
        mixture = centre
    remember(case.state, name, mixture)
    return mixture.posterior(_monotone(mixture, x)[:, None])[:, 1], float(mixture.weights[1])


def _with_second_witness(p: Array, other: Array, share: float, weight: float) -> Array:
    """P(unreadable) by both: odds times the other's odds over those of its group's share."""
    evidence = weight * (_log_odds(other) - _log_odds(np.array(share)))
    both: Array = 1 / (1 + np.exp(-(_log_odds(p) + evidence)))
    return both


def _log_odds(p: Array) -> Array:
    sure = np.clip(p, CERTAIN, 1 - CERTAIN)
    odds: Array = np.log(sure) - np.log1p(-sure)
    return odds


def _right_label(case: Case, readable: Array) -> tuple[Array, list[Fallback]]:
    """Step 2: P(label right | readable) of the finite samples, and each class's fallback."""
    settings = case.settings
    z = axes.surprise(case.loss[case.finite], case.entropy[case.finite])
    # Scaled but not centred: 0 stays "as expected".
    z = z / _width(z)
    counts = np.maximum(readable, LEAST_WEIGHT)
    share = settings.correct_share
    centre = Mixture.line([share, 1 - share], [-0.8, 0.8], [0.7, 0.7])
    n = LABEL_STRENGTH * float(counts.sum())
    everyone = _label_fit(case, "labels", z, counts, Prior(centre, n, (n / 2, n / 2)))
    right = _lower(everyone, z)
    if not settings.per_class:
        return right, [""] * case.num_classes
    place = np.cumsum(case.finite) - 1
    fallbacks: list[Fallback] = []
    for label, rows in enumerate(case.rows):
        if not case.can_be_fitted(label):
            fallbacks.append("all_classes")
            continue
        own = place[rows]
        n = float(counts[own].sum()) + CLASS_SAMPLES
        shape = settings.class_shape_strength * n / 2
        prior = Prior(everyone, settings.class_share_strength * n, (shape, shape))
        try:
            mixture = _label_fit(case, f"labels.class{label}", z[own], counts[own], prior)
        except MixtureFitError:
            fallbacks.append("all_classes")
            continue
        right[own] = _lower(mixture, z[own])
        fallbacks.append("")
    return right, fallbacks


def _label_fit(case: Case, name: str, z: Array, counts: Array, prior: Prior) -> Mixture:
    mixture = fit_mixture(
        z[:, None],
        components=2,
        covariance="tied",
        starts=[*recall(case.past, name, (2, 1)), prior.centre],
        point_weights=counts,
        prior=prior,
        regularisation=REGULARISATION,
        tolerance=case.settings.tolerance,
        max_iterations=case.settings.max_iterations,
    ).mixture
    remember(case.state, name, mixture)
    return mixture


def _lower(mixture: Mixture, z: Array) -> Array:
    """Posterior of the component with the lower mean; falls as z rises, the widths being equal."""
    return mixture.posterior(z[:, None])[:, int(np.argmin(mixture.means[:, 0]))]


def _cuts(x: Array) -> list[Mixture]:
    """Starts with everything above a quantile in the upper component."""
    starts = []
    for quantile, edge in zip(STARTS, np.quantile(x, STARTS), strict=True):
        low, high = x[x < edge], x[x >= edge]
        if len(low) and len(high):
            starts.append(
                Mixture.line(
                    [quantile, 1 - quantile],
                    [float(low.mean()), float(high.mean())],
                    [float(np.sqrt(part.var() + 0.02)) for part in (low, high)],
                )
            )
    return starts


def _unreadable_is_above(mixture: Mixture) -> bool:
    """Whether the second component lies above the bulk of the images, and above the first.

    Likelihood alone would often rather split the bulk from its lower tail; then the bulk, or the
    tail, would be called unreadable. The bulk has median 0 and unit spread here.
    """
    return bool(mixture.means[1, 0] > max(mixture.means[0, 0], 0.0) + LEAST_GAP)


def _monotone(mixture: Mixture, x: Array) -> Array:
    """Clip x where the upper component's log-odds, a parabola in x, would turn back."""
    precision = 1.0 / mixture.covariances[:, 0, 0]
    bend = precision[1] - precision[0]
    if abs(bend) < 1e-9:
        return x
    scaled = precision * mixture.means[:, 0]
    vertex = float((scaled[1] - scaled[0]) / bend)
    # A narrow upper component loses the far end to the wide lower one; a wide one gains the near.
    return np.minimum(x, vertex) if bend > 0 else np.maximum(x, vertex)


def _standard(values: Array) -> Array:
    middle, width = axes.spread(values)
    return (values - middle) / (width if width > 0 else 1.0)


def _width(values: Array) -> float:
    width = axes.spread(values)[1]
    return width if width > 0 else 1.0


def _filled(values: Array) -> Array:
    """Unknown values at the median: they count neither way."""
    known = values[np.isfinite(values)]
    return np.where(np.isfinite(values), values, np.median(known) if len(known) else 1.0)
