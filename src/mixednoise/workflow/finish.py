"""After the last epoch: evaluate last and best, judge every sample, write it all down."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.audit.table import audit_table
from mixednoise.data.splits import write_splits
from mixednoise.data.table import SPLITS, Split
from mixednoise.evaluation.intervals import bootstrap_intervals
from mixednoise.evaluation.metrics import classification_metrics
from mixednoise.evaluation.separation_metrics import separation_metrics
from mixednoise.io import write_csv, write_json, write_text
from mixednoise.methods.base import EpochReport, FloatArray, IntArray
from mixednoise.models import Network, save_networks
from mixednoise.progress import Progress
from mixednoise.training.loop import Loop
from mixednoise.workflow.pictures import draw_run
from mixednoise.workflow.prepare import Prepared
from mixednoise.workflow.run_folder import RunFolder


@dataclass(frozen=True)
class Result:
    """What a finished run is made of (see :class:`mixednoise.estimator.Estimator`)."""

    audit: pd.DataFrame
    history: pd.DataFrame
    metrics: dict[str, Any]
    networks: list[Network]
    best_networks: list[Network]


def finish_run(
    loop: Loop,
    prepared: Prepared,
    run: RunFolder | None,
    metadata: dict[str, Any],
    progress: Progress,
) -> Result:
    """Evaluate, judge, write.

    The test split is looked at here for the first time; the best epoch was chosen on validation.
    """
    split: Split = "test" if len(prepared.dataset.rows("test")) else "val"
    method_state = copy.deepcopy(loop.method.state_dict())
    verdict = loop.method.assess(lambda: loop.score("judging samples"))
    # Judging twice (a finished run that is resumed) must not change what the method remembers.
    loop.method.load_state_dict(method_state)
    probabilities = {
        name: loop.validate(prepared.part(name))[1]
        for name in SPLITS
        if len(prepared.dataset.rows(name))
    }
    audit = _audit(prepared, probabilities, verdict, loop.unusual)
    last = _evaluate(prepared, split, probabilities.get(split))

    networks = [copy.deepcopy(member).cpu() for member in loop.ensemble.networks]
    best, best_networks = last, networks
    if loop.load_best():
        best_networks = [copy.deepcopy(member).cpu() for member in loop.ensemble.networks]
        if len(prepared.dataset.rows(split)):
            best = _evaluate(prepared, split, loop.validate(prepared.part(split))[1])
    history = pd.DataFrame(loop.state.history)
    metrics = {
        "method": metadata["method"],
        "split": split,
        "last": last["metrics"],
        "best": best["metrics"],
        "best_epoch": loop.state.best_epoch + 1,
        "selected_by": loop.select_by,
        "intervals": {"last": last["intervals"], "best": best["intervals"]},
        "per_class": {"last": last["per_class"], "best": best["per_class"]},
        "confusion": {"last": last["confusion"], "best": best["confusion"]},
        "separation": _separation(loop, verdict),
        "seconds": round(loop.state.seconds, 1),
        "epochs": len(history),
    }
    result = Result(audit, history, metrics, networks, best_networks)
    if run is not None and loop.fabric.global_rank == 0:
        _write(run, result, prepared, metadata)
        draw_run(run.plots, result.audit, history, metrics, verdict, prepared, progress)
    loop.fabric.barrier()
    return result


def loss_and_entropy(p: FloatArray, labels: IntArray) -> tuple[FloatArray, FloatArray]:
    """``-log p(label)`` and entropy of softmax (N, C), float64 (N,) each, in nats."""
    log = np.log(np.maximum(p, 1e-12))
    return -log[np.arange(len(p)), labels], -(p * log).sum(axis=1)


def _audit(
    prepared: Prepared,
    probabilities: dict[Split, FloatArray],
    verdict: EpochReport,
    unusual: FloatArray | None,
) -> pd.DataFrame:
    """All splits in one table; groups are known for the training samples alone."""
    tables = []
    for name, p in probabilities.items():
        rows = prepared.dataset.rows(name)
        loss, entropy = loss_and_entropy(p, prepared.part(name).labels)
        posterior, looks, belief, strange = np.full((len(rows), 3), np.nan), None, None, None
        if name == "train" and verdict.p is not None:
            posterior, looks, belief = verdict.p, verdict.looks, verdict.belief
            strange = unusual
        tables.append(
            audit_table(
                prepared.dataset.subset(rows),
                p=posterior,
                loss=loss,
                entropy=entropy,
                probabilities=p,
                looks=looks,
                belief=belief,
                unusual=strange,
            )
        )
    return pd.concat(tables, ignore_index=True)


def _evaluate(prepared: Prepared, split: Split, p: FloatArray | None) -> dict[str, Any]:
    """Metrics with intervals of one split; empty where there is no such split."""
    if p is None:
        return {"metrics": None, "intervals": None, "per_class": None, "confusion": None}
    return evaluate_probabilities(
        prepared.part(split).labels,
        p,
        class_names=prepared.dataset.class_names,
        ordinal=prepared.dataset.ordinal,
        groups=prepared.dataset.table["group"].iloc[prepared.dataset.rows(split)],
    )


def evaluate_probabilities(
    labels: np.ndarray[Any, Any],
    p: FloatArray,
    *,
    class_names: tuple[str, ...],
    ordinal: bool,
    groups: pd.Series | None,
) -> dict[str, Any]:
    """Metrics, bootstrap intervals (patients resampled whole), per-class figures, confusion."""
    everything = classification_metrics(labels, p, ordinal=ordinal, class_names=class_names)
    per_class, confusion = everything.pop("per_class"), everything.pop("confusion")
    intervals = bootstrap_intervals(
        labels,
        p,
        rng=np.random.default_rng(0),
        groups=groups.to_numpy(object) if groups is not None else None,
        class_names=class_names,
    )
    if not everything["qwk_meaningful"]:
        intervals["qwk"] = (float("nan"), float("nan"))
    return {
        "metrics": everything,
        "intervals": intervals,
        "per_class": per_class,
        "confusion": confusion,
    }


def _separation(loop: Loop, verdict: EpochReport) -> dict[str, Any] | None:
    if verdict.p is None or loop.data.noise_group is None:
        return None
    return separation_metrics(np.asarray(loop.data.noise_group), verdict.p)


def _write(run: RunFolder, result: Result, prepared: Prepared, metadata: dict[str, Any]) -> None:
    save_networks(run.model, result.networks, metadata)
    save_networks(run.best_model, result.best_networks, metadata)
    write_csv(run.samples, result.audit)
    write_json(run.metrics, result.metrics)
    write_splits(prepared.dataset, run.path / "splits.csv")
    write_csv(run.path / "set_aside.csv", prepared.dataset.set_aside)
    write_text(Path(run.path / "data_report.txt"), prepared.report.text() + "\n")
