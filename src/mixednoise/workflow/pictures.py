"""The pictures of a run folder: what a person looks at before reading a number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.table import GROUPS
from mixednoise.evaluation import plots
from mixednoise.methods.base import EpochReport
from mixednoise.progress import Progress
from mixednoise.workflow.prepare import Prepared

#: Images per section of the gallery.
GALLERY = 18


def draw_run(
    folder: Path,
    audit: pd.DataFrame,
    history: pd.DataFrame,
    metrics: dict[str, Any],
    verdict: EpochReport,
    prepared: Prepared,
    progress: Progress,
) -> None:
    """Draw groups, groups per class, curves, the most suspicious images, confusion, classes.

    A picture that fails is reported and left out: no picture is worth a finished run.

    Args:
        folder: ``plots/`` of the run folder.
        audit: ``samples.csv``.
        history: ``history.csv``.
        metrics: ``metrics.json``.
        verdict: what was judged in the end, for the training samples.
        prepared: pixels for the gallery.
        progress: takes the report of a failure.
    """
    judged = audit[audit["group"].isin(GROUPS)]
    names = prepared.dataset.class_names
    truth = None
    if "noise_group" in judged and judged["noise_group"].isin(GROUPS).all():
        truth = judged["noise_group"].to_numpy(object)
    codes = {name: code for code, name in enumerate(names)}
    given = judged["given_label"].map(codes).to_numpy(np.int64)
    # What was judged (averaged over epochs and networks), not what the final networks say.
    loss, entropy = verdict.loss, verdict.entropy
    drawings: dict[str, Callable[[], Any]] = {
        "curves": lambda: plots.plot_history(history, best_epoch=metrics["best_epoch"] or None),
    }
    if loss is not None and entropy is not None and len(judged):
        plane = (loss, entropy, judged["group"].to_numpy(object))
        drawings |= {
            "groups": lambda: plots.plot_groups(*plane, noise_group=truth),
            "groups_by_class": lambda: plots.plot_groups_by_class(*plane, given, names),
            "suspicious": lambda: _gallery(judged, prepared),
        }
    if metrics["last"] is not None:
        title = f"last epoch, {metrics['split']} split"
        drawings |= {
            "confusion": lambda: plots.plot_confusion(
                metrics["confusion"]["last"], names, title=title
            ),
            "classes": lambda: plots.plot_per_class(
                metrics["per_class"]["last"], metrics["intervals"]["last"]["per_class"], title=title
            ),
        }
    for name, draw in drawings.items():
        try:
            plots.save_figure(draw(), folder / f"{name}.png")
        except (ValueError, RuntimeError, MemoryError) as error:
            progress.warning(f"picture {name} could not be drawn: {error}")


def _gallery(judged: pd.DataFrame, prepared: Prepared) -> Any:
    """The images whose given label is least likely to be right, readable and unreadable."""
    chosen = judged.iloc[plots.most_suspicious(judged, GALLERY)]
    totals = {str(k): int(n) for k, n in judged["group"].value_counts().items()}
    row_of = {name: row for row, name in enumerate(prepared.dataset.table["id"])}
    rows = np.array([row_of[name] for name in chosen["id"]], dtype=np.int64)
    images = prepared.store.take(prepared.store_rows[rows])
    return plots.plot_gallery(images, chosen.reset_index(drop=True), totals=totals)
