"""The demonstration: QMix beside cross-entropy on shipped images with noise made on purpose."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.audit.build import make_audit
from mixednoise.data.readers import read_dataset
from mixednoise.data.readers.corruption_file import CORRUPTION_FILE
from mixednoise.errors import RunError
from mixednoise.estimators import ESTIMATORS
from mixednoise.evaluation import plots
from mixednoise.io import must_be_writable, new_folder, write_json
from mixednoise.noise.corrupt import corrupt_dataset
from mixednoise.noise.mixed import check_options
from mixednoise.progress import Progress
from mixednoise.workflow.run_folder import CONFIG

METHODS = ("cross_entropy", "qmix")
#: One budget for both methods, that of the benchmark (core.toml): long and fast enough for plain
#: training to learn wrong labels by heart, as long trainings of large networks do.
BUDGET: dict[str, Any] = {
    "backbone": "resnet10_tiny",
    "image_size": 28,
    "epochs": 40,
    "lr": 4e-3,
    "views": {"weak_rotation": 0, "weak_shift": 0},
}
DATA = "data"
AUDIT = "audit"


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
        out: folder for ``data/``, a run folder per method, ``audit/`` of the QMix run,
            ``metrics.json``, ``comparison.png``.
        mis_h: share of training images that get a wrong label.
        mis_l: share of training images that are degraded and get a random label.
        seed: of noise, networks and batches.
        overwrite: replace an earlier demonstration; what reviewers decided on it is set aside.
        progress: bars and lines.

    Returns:
        ``metrics.json`` of each method.

    Raises:
        ConfigError: shares out of range, or of more than all images.
        RunError: ``out`` holds something and ``overwrite`` is not set, or something that is no
            demonstration; or it can't be made.
        TrainingError: the disk is full.
    """
    folder = Path(out)
    check_options(mis_h, mis_l, "symmetric", None)
    must_be_writable(folder / DATA)
    if overwrite and folder.is_dir() and any(folder.iterdir()):
        _remove_earlier(folder)
    else:
        new_folder(folder)
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
        model = ESTIMATORS[name](seed=seed, **BUDGET)
        model.fit(dataset, out=folder / name, progress=progress)
        results[name] = model.metrics_
    write_json(folder / "metrics.json", results)
    title = "RetinaMNIST with mixed noise, test split"
    plots.save_figure(
        plots.plot_comparison(comparison_rows(results), title=title), folder / "comparison.png"
    )
    make_audit(
        folder / "qmix",
        folder / AUDIT,
        overwrite=(folder / AUDIT).exists(),
        set_decisions_aside=True,
        progress=progress,
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


def _remove_earlier(folder: Path) -> None:
    """Remove the parts of an earlier demonstration, finished or not; other things stay.

    Raises:
        RunError: the folder holds no demonstration, or one of its folders holds something else.
    """
    marks = {DATA: CORRUPTION_FILE} | dict.fromkeys(METHODS, CONFIG)
    foreign = [
        name
        for name, mark in marks.items()
        if (folder / name).exists() and not (folder / name / mark).is_file()
    ]
    if foreign or not (folder / DATA).exists():
        raise RunError(
            f"{folder} holds something that is no demonstration",
            expected=f"an earlier one, with {CORRUPTION_FILE} in {DATA}/, to be replaced",
            found=", ".join(foreign or sorted(entry.name for entry in folder.iterdir())[:5]),
            fix="choose another --out, or move these away",
        )
    for name in marks:
        shutil.rmtree(folder / name, ignore_errors=True)
    for name in ("metrics.json", "comparison.png"):
        (folder / name).unlink(missing_ok=True)
