"""What a run says of itself: in its ``config.yaml``, and inside its model files."""

from __future__ import annotations

from typing import Any

from mixednoise.data.table import Dataset
from mixednoise.methods.config import TrainingConfig
from mixednoise.version import __version__


def run_record(
    method: str, preset: str, dataset: Dataset, config: TrainingConfig, **folds: Any
) -> dict[str, Any]:
    """The record of :func:`.start_run`; ``folds``: how the run is cross-validated, if it is."""
    return {
        "method": method,
        "preset": preset,
        # Where it is, and how to read it again: for an audit of the run.
        "data": str(dataset.source if dataset.reading is None else dataset.source.absolute()),
        "reading": dataset.reading,
        "classes": list(dataset.class_names),
        **folds,
        "options": config.model_dump(mode="json"),
    }


def model_metadata(method: str, dataset: Dataset, config: TrainingConfig) -> dict[str, Any]:
    """What :func:`.save_networks` writes beside the weights."""
    return {
        "method": method,
        "version": __version__,
        "classes": list(dataset.class_names),
        "ordinal": dataset.ordinal,
        "options": config.model_dump(mode="json"),
    }
