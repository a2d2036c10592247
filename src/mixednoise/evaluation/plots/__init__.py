"""Figures of a run, each a ``matplotlib`` figure that needs no display and no global state."""

from mixednoise.evaluation.plots.comparison import plot_comparison
from mixednoise.evaluation.plots.confusion import plot_confusion
from mixednoise.evaluation.plots.gallery import most_suspicious, plot_gallery
from mixednoise.evaluation.plots.groups import plot_groups, plot_groups_by_class
from mixednoise.evaluation.plots.history import plot_history
from mixednoise.evaluation.plots.matrix import plot_matrix
from mixednoise.evaluation.plots.per_class import plot_per_class
from mixednoise.evaluation.plots.style import save_figure

__all__ = [
    "most_suspicious",
    "plot_comparison",
    "plot_confusion",
    "plot_gallery",
    "plot_groups",
    "plot_groups_by_class",
    "plot_history",
    "plot_matrix",
    "plot_per_class",
    "save_figure",
]
