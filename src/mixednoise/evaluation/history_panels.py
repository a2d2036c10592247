"""What is shown of ``history.csv``, in which words and colours: for figures and for pages."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mixednoise.evaluation.colours import BLACK, BLUE, GREY, GROUP_COLOURS, SKY, VERMILLION

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Line:
    """One column of the history."""

    column: str
    name: str
    colour: str
    dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """Columns that share an axis.

    Attributes:
        heading: above it.
        lines: in the order of the legend.
        stacked: areas on top of each other, that add up to a whole.
        chance: a score whose 0.5 means chance.
    """

    heading: str
    lines: tuple[Line, ...]
    stacked: bool = False
    chance: bool = False


_CORRECT, _MIS_H, _MIS_L = GROUP_COLOURS.values()
PANELS = (
    Panel(
        "Training loss",
        (
            Line("loss", "all parts", BLACK),
            Line("loss_correct", "correct", _CORRECT),
            Line("loss_mis_h", "mis_h", _MIS_H),
            Line("loss_mis_l", "mis_l", _MIS_L),
            Line("loss_contrastive", "contrastive", BLUE, dashed=True),
            Line("loss_regularizer", "regularizer", GREY, dashed=True),
        ),
    ),
    Panel(
        "Validation",
        (
            Line("val_accuracy", "accuracy", BLACK),
            Line("val_balanced_accuracy", "balanced acc.", BLUE),
            Line("val_macro_f1", "macro F1", VERMILLION),
            Line("val_macro_auc", "macro AUC", SKY),
            Line("val_qwk", "weighted kappa", GREY, dashed=True),
        ),
    ),
    Panel(
        "Images per group",
        (
            Line("size_correct", "correct", _CORRECT),
            Line("size_mis_h", "mis_h", _MIS_H),
            Line("size_mis_l", "mis_l", _MIS_L),
        ),
        stacked=True,
    ),
    Panel(
        "Separation: AUROC against the known truth",
        (
            Line("correct_auroc", "correct", _CORRECT),
            Line("mis_l_auroc", "mis_l", _MIS_L),
        ),
        chance=True,
    ),
)


def epochs_of(history: pd.DataFrame) -> Floats:
    """The number of each row's epoch, from 1 where the table doesn't tell."""
    if "epoch" in history:
        return history["epoch"].to_numpy(np.float64)
    return np.arange(1.0, len(history) + 1)


def known_lines(history: pd.DataFrame, panel: Panel) -> list[tuple[Line, Floats]]:
    """The lines that hold any number, each with its values, NaN where an epoch has none."""
    found = []
    for line in panel.lines:
        if line.column in history:
            values = pd.to_numeric(history[line.column], errors="coerce").to_numpy(np.float64)
            values = np.where(np.isfinite(values), values, np.nan)
            if not np.isnan(values).all():
                found.append((line, values))
    return found


def warmup_epochs(history: pd.DataFrame, epochs: Floats) -> Floats:
    """The epochs of the warm-up; none where the table doesn't tell of phases."""
    if "phase" not in history:
        return epochs[:0]
    return epochs[(history["phase"] == "warmup").to_numpy(bool)]
