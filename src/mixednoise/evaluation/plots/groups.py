"""The three groups in the plane of loss and entropy, as in the paper's framework figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure, SubFigure
from numpy.typing import ArrayLike, NDArray

from mixednoise.data.table import GROUPS
from mixednoise.evaluation.colours import GREY, GROUP_COLOURS, GROUP_TITLES
from mixednoise.evaluation.plots.style import BODY, SMALL, STYLE, WIDTH, new_figure, tidy
from mixednoise.evaluation.plots.text import count, fit
from mixednoise.evaluation.separation_metrics import group_codes

#: More points than this are thinned evenly: a denser cloud shows nothing more.
MAX_POINTS = 20_000
Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@rc_context(STYLE)
def plot_groups(
    loss: ArrayLike,
    entropy: ArrayLike,
    group: ArrayLike,
    *,
    noise_group: ArrayLike | None = None,
    title: str = "What the separation found",
) -> Figure:
    """Scatter of loss against entropy, coloured by group, with the density of each along the axes.

    Both axes are min-max normalised over the samples shown. Each density is scaled to its own peak,
    so that small groups can be seen. Where the true groups are known, a second panel shows them.

    Args:
        loss: float (N,), any unit; samples with NaN are left out.
        entropy: float (N,), likewise.
        group: (N,), found groups as names or codes 0, 1, 2; unknown ones are left out.
        noise_group: (N,), true groups, likewise; None = not known.
        title: first line of the figure.
    """
    x, y, found, shown = _prepare(loss, entropy, group)
    truth = None if noise_group is None else group_codes(noise_group)[shown]
    if truth is not None and not (truth >= 0).any():
        truth = None
    figure = new_figure(
        4.1 if truth is not None else 5.6,
        title,
        "Each point is an image. Images with a right label gather at the lower left, wrong labels "
        "on readable images at the right, and unreadable images at the top.",
        [(GROUP_COLOURS[g], GROUP_TITLES[g]) for g in GROUPS],
    )
    if truth is None:
        _scatter_with_margins(figure, x, y, found, f"found: {_counts(found)}")
    else:
        left, right = figure.subfigures(1, 2, squeeze=False)[0]
        _scatter_with_margins(left, x, y, found, f"found: {_counts(found)}")
        _scatter_with_margins(right, x, y, truth, f"truth: {_counts(truth)}")
    return figure


@rc_context(STYLE)
def plot_groups_by_class(
    loss: ArrayLike,
    entropy: ArrayLike,
    group: ArrayLike,
    labels: ArrayLike,
    class_names: Sequence[str],
    *,
    title: str = "The groups of each class",
) -> Figure:
    """Small multiples of :func:`plot_groups`, one panel per given class, on common axes.

    Args:
        loss: float (N,), NaN allowed.
        entropy: float (N,), NaN allowed.
        group: (N,), found groups.
        labels: int (N,), given class codes.
        class_names: C names.
        title: first line of the figure.
    """
    x, y, found, shown = _prepare(loss, entropy, group)
    given = np.asarray(labels, dtype=np.int64)[shown]
    classes = len(class_names)
    rows = -(-classes // 4)
    columns = -(-classes // rows)
    figure = new_figure(
        (0.85 if columns > 2 else 0.7) * rows * WIDTH / columns + 0.4,
        title,
        "Classes are judged one by one, so that a rare class with higher losses is not called "
        "noisy. Below each name: number of images, share of each group.",
        [(GROUP_COLOURS[g], GROUP_TITLES[g]) for g in GROUPS],
    )
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for spare in grid.flat[classes:]:
        spare.set_visible(False)
    width = (WIDTH / columns - 0.55) * 72
    for c, name in enumerate(class_names):
        axes = grid.flat[c]
        mine = given == c
        _points(axes, x[mine], y[mine], found[mine], size=_size(int(mine.sum()) * columns))
        heading = fit(name, width, BODY, weight="bold")[0]
        axes.set_title(heading, weight="bold", pad=17)
        axes.annotate(
            _shares(found[mine]),
            (0, 1),
            xycoords="axes fraction",
            xytext=(0, 5),
            textcoords="offset points",
            size=SMALL,
            color=GREY,
        )
        if c + columns >= classes:
            axes.xaxis.set_tick_params(labelbottom=True)
    figure.supxlabel("loss (normalised)", size=BODY)
    figure.supylabel("entropy (normalised)", size=BODY)
    return figure


def _prepare(
    loss: ArrayLike, entropy: ArrayLike, group: ArrayLike
) -> tuple[Floats, Floats, Integers, Integers]:
    """Normalised axes, group codes, and which rows they belong to."""
    x, y = np.asarray(loss, dtype=np.float64), np.asarray(entropy, dtype=np.float64)
    codes = group_codes(group)
    shown = np.flatnonzero(np.isfinite(x) & np.isfinite(y) & (codes >= 0))
    return _normalise(x[shown]), _normalise(y[shown]), codes[shown], shown


def _normalise(values: Floats) -> Floats:
    if not len(values):
        return values
    low, span = float(values.min()), float(np.ptp(values))
    return (values - low) / (span if span > 0 else 1.0)


def _counts(codes: Integers) -> str:
    """12 correct, 3 mis_h, 5 mis_l."""
    return ", ".join(f"{count(int((codes == g).sum()))} {name}" for g, name in enumerate(GROUPS))


def _shares(codes: Integers) -> str:
    """n = 20: 60 / 15 / 25 %, in the order of the groups."""
    if not len(codes):
        return "no images"
    parts = [f"{100 * np.mean(codes == g):.0f}" for g in range(len(GROUPS))]
    return f"n = {count(len(codes))}: {' / '.join(parts)} %"


def _size(points: int) -> float:
    """Marker area in square points: small where there are many."""
    return float(np.clip(9000 / max(1, points), 2.5, 14))


def _points(axes: Axes, x: Floats, y: Floats, codes: Integers, size: float) -> None:
    known = np.flatnonzero(codes >= 0)
    # Drawn in a shuffled, but always the same, order: no group hides another one.
    known = np.random.default_rng(0).permutation(known)[:MAX_POINTS]
    colours = np.array([to_rgb(GROUP_COLOURS[g]) for g in GROUPS])[codes[known]]
    axes.scatter(x[known], y[known], s=size, c=colours, alpha=0.65, linewidths=0, rasterized=True)
    axes.set_xlim(-0.03, 1.03)
    axes.set_ylim(-0.03, 1.03)
    axes.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])
    tidy(axes)
    if not len(known):
        axes.text(0.5, 0.5, "no images", ha="center", va="center", color=GREY, size=SMALL)


def _scatter_with_margins(
    parent: Figure | SubFigure, x: Floats, y: Floats, codes: Integers, heading: str
) -> None:
    grid: Any = parent.add_gridspec(2, 2, width_ratios=(7, 1), height_ratios=(1, 7))
    axes = parent.add_subplot(grid[1, 0])
    above = parent.add_subplot(grid[0, 0])
    beside = parent.add_subplot(grid[1, 1])
    _points(axes, x, y, codes, _size(len(x)))
    axes.set_xlabel("loss (normalised)")
    axes.set_ylabel("entropy (normalised)")
    points = np.linspace(0, 1, 201)
    for g, name in enumerate(GROUPS):
        for values, panel, upright in ((x, above, True), (y, beside, False)):
            if not (codes == g).any():
                continue
            curve = density(values[codes == g], points)
            fill = panel.fill_between if upright else panel.fill_betweenx
            fill(points, curve, color=GROUP_COLOURS[name], alpha=0.25, linewidth=0)
            line = (points, curve) if upright else (curve, points)
            panel.plot(*line, color=GROUP_COLOURS[name], linewidth=1.2)
    for panel in (above, beside):
        panel.set_axis_off()
    above.set_xlim(axes.get_xlim())
    beside.set_ylim(axes.get_ylim())
    above.set_ylim(0, 1.05)
    beside.set_xlim(0, 1.05)
    above.set_title(heading, color=GREY, size=SMALL if isinstance(parent, SubFigure) else BODY)


def density(values: Floats, points: Floats) -> Floats:
    """Gaussian density of values in [0, 1], reflected at both ends and scaled to a peak of 1.

    The bandwidth is Silverman's rule, on a histogram as fine as the points: time doesn't grow with
    the square of the number of samples. Zero everywhere where there are no values.
    """
    if not len(values):
        return np.zeros(len(points))
    steps = len(points) - 1
    counts = np.bincount(np.round(values * steps).astype(np.int64), minlength=steps + 1)
    lower, upper = np.quantile(values, [0.25, 0.75])
    spread = min(float(values.std()), float(upper - lower) / 1.34 or np.inf)
    bandwidth = max(0.9 * spread * len(values) ** -0.2, 0.01)
    mirrored = np.concatenate([counts[::-1], counts, counts[::-1]]).astype(np.float64)
    reach = np.arange(-steps, steps + 1) / steps
    kernel = np.exp(-0.5 * (reach / bandwidth) ** 2)
    smooth = np.convolve(mirrored, kernel, mode="same")[steps + 1 : 2 * steps + 2]
    scaled: Floats = smooth / smooth.max()
    return scaled
