"""The demonstration: QMix beside cross-entropy on shipped images with noise made on purpose."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.data.readers import read_dataset
from mixednoise.estimator import ESTIMATORS
from mixednoise.evaluation import plots
from mixednoise.io import new_folder, write_json
from mixednoise.noise.corrupt import corrupt_dataset
from mixednoise.progress import Progress

METHODS = ("cross_entropy", "qmix")
#: One budget for both methods: network, image size, epochs, batches, seed.
BUDGET: dict[str, Any] = {"backbone": "resnet10_tiny", "image_size": 28, "epochs": 24}
QMIX_OPTIONS: dict[str, Any] = {"warmup_epochs": 8}
DATA = "data"


def run_demo(
    out: Path | str,
    *,
    mis_h: float = 0.4,
    mis_l: float = 0.15,
    seed: int = 0,
    overwrite: bool = False,
    progress: Progress,
) -> dict[str, dict[str, Any]]:
    """Corrupt RetinaMNIST, train both methods, compare.

    Args:
        out: folder for ``data/``, a run folder per method, ``metrics.json``, ``comparison.png``.
        mis_h: share of training images that get a wrong label.
        mis_l: share of training images that are degraded and get a random label.
        seed: of noise, networks and batches.
        overwrite: replace an earlier demonstration.
        progress: bars and lines.

    Returns:
        ``metrics.json`` of each method.
    """
    folder = Path(out)
    if not (overwrite and _is_ours(folder)):
        new_folder(folder)
    for name in (DATA, *METHODS):
        shutil.rmtree(folder / name, ignore_errors=True)
    with resources.as_file(resources.files("mixednoise.datasets") / "retinamnist.npz") as source:
        clean = read_dataset(source)
        corrupt_dataset(
            clean,
            folder / DATA,
            mis_h=mis_h,
            mis_l=mis_l,
            kind="symmetric",
            seed=seed,
            progress=progress,
        )
    progress.message(
        f"RetinaMNIST (CC BY 4.0, MedMNIST): {mis_h:.0%} of the training labels wrong, "
        f"{mis_l:.0%} of the training images unreadable, on purpose"
    )
    dataset = read_dataset(folder / DATA / "labels.csv")
    results: dict[str, dict[str, Any]] = {}
    for name in METHODS:
        progress.message(f"--- {name}")
        extra = QMIX_OPTIONS if name == "qmix" else {}
        model = ESTIMATORS[name](seed=seed, **BUDGET, **extra)
        model.fit(dataset, out=folder / name, progress=progress)
        results[name] = model.metrics_
    write_json(folder / "metrics.json", results)
    title = "RetinaMNIST with mixed noise, test split"
    plots.save_figure(
        plots.plot_comparison(comparison_rows(results), title=title), folder / "comparison.png"
    )
    return results


def comparison_rows(results: dict[str, dict[str, Any]]) -> pd.DataFrame:
    """A row per method with ``<metric>_last`` and ``<metric>_best``."""
    return pd.DataFrame(
        [
            {"method": method}
            | {f"{k}_{which}": v for which in ("last", "best") for k, v in metrics[which].items()}
            for method, metrics in results.items()
        ]
    )


def _is_ours(folder: Path) -> bool:
    """Whether the folder holds an earlier demonstration (finished or not), and nothing else."""
    known = {DATA, *METHODS, "metrics.json", "comparison.png"}
    return folder.is_dir() and {entry.name for entry in folder.iterdir()} <= known
