"""Trained models read back: from the folder of a run, or from a file of their own."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from mixednoise.data.class_names import did_you_mean
from mixednoise.errors import RunError
from mixednoise.estimator import Estimator
from mixednoise.estimators import estimator_named
from mixednoise.models import load_networks
from mixednoise.workflow.run_folder import RunFolder, read_config


def load(path: str | Path) -> Estimator:
    """Load a trained model: a run folder, or a file that :meth:`Estimator.save` wrote.

    Nothing is unpickled. From a run folder, ``audit_``, ``history_`` and ``metrics_`` come too.

    Raises:
        RunError: no run folder or model, unfinished, damaged, or of another version.
    """
    source = Path(path)
    if not source.exists():
        parent = source.absolute().parent
        beside = [entry.name for entry in parent.iterdir()] if parent.is_dir() else []
        raise RunError(
            f"{source} does not exist{did_you_mean(source.name, beside)}",
            expected="a run folder of `mixednoise train`, or a model file",
            found="nothing of that name" if parent.is_dir() else f"no folder {parent}",
            fix="correct the path",
        )
    if not source.is_dir():
        networks, metadata = load_networks(source)
        return estimator_named(str(metadata.get("method"))).from_networks(networks, metadata)
    run = RunFolder(source)
    if read_config(source).get("folds"):
        raise RunError(
            f"{source} was cross-validated: it holds networks for each fold, and none for all",
            expected="a run of `mixednoise train`, or a model file",
            found="a run of `mixednoise audit --folds`",
            fix=f"train without folds, or give the networks of one fold: {run.fold(0)}",
        )
    lacking = [p.name for p in (run.model, run.samples, run.history, run.metrics) if not p.exists()]
    if lacking:
        raise RunError(
            f"{source} holds no finished run",
            expected="model.safetensors, samples.csv, history.csv and metrics.json",
            found=f"a run that was interrupted: no {', '.join(lacking)}",
            fix="go on with the same `mixednoise train` command and --resume",
        )
    networks, metadata = load_networks(run.model)
    model = estimator_named(str(metadata.get("method"))).from_networks(networks, metadata)
    if run.best_model.exists():
        model.best_networks_, _ = load_networks(run.best_model)
    try:
        model.audit_ = pd.read_csv(run.samples, dtype={"id": "string"})
        model.history_ = pd.read_csv(run.history)
        model.metrics_ = json.loads(run.metrics.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:  # of pandas and json: every error of theirs is one
        raise RunError(
            f"the tables in {source} can't be read",
            expected="samples.csv, history.csv and metrics.json as `mixednoise train` writes them",
            found=(str(error).splitlines() or [type(error).__name__])[0],
            fix="restore them; the networks alone can still be used: give model.safetensors",
        ) from error
    return model
