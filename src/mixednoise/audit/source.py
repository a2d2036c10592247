"""A finished run of ``mixednoise train``, and the data set that it learned from, read again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.audit.compared import changed_values, given_names, lost_samples, new_samples
from mixednoise.audit.folder import read_text_table
from mixednoise.data.readers import read_dataset
from mixednoise.data.report import counted, examples
from mixednoise.data.table import Dataset
from mixednoise.errors import DataError, RunError
from mixednoise.loading import load
from mixednoise.methods.config import TrainingConfig
from mixednoise.models import Network, load_networks
from mixednoise.progress import Progress
from mixednoise.workflow.cross_validation import Looks
from mixednoise.workflow.run_folder import RunFolder, read_config


@dataclass(frozen=True)
class RunSource:
    """What an audit starts from.

    Attributes:
        run: the folder.
        method: its name.
        preset: that its options came from.
        folds: of a cross-validated run, 0 = trained once.
        config: options of the training.
        samples: ``samples.csv``, in the order of the data set.
        dataset: the same rows, with the splits of the run.
        own_splits: whether the data set has splits itself.
        reading: keyword arguments of :func:`mixednoise.read_dataset` that read it.
        networks: of the last epoch; of a cross-validated run those of its first fold.
        looks: float32 (N, L, C) of networks that never saw the samples; None = trained once.
        set_aside: ``id, path, reason`` of what could not be used.
    """

    run: RunFolder
    method: str
    preset: str
    folds: int
    config: TrainingConfig
    samples: pd.DataFrame
    dataset: Dataset
    own_splits: bool
    reading: dict[str, Any]
    networks: list[Network]
    looks: Looks | None
    set_aside: pd.DataFrame


def read_run(
    path: Path,
    *,
    data: Path | None = None,
    reader: Mapping[str, Any] | None = None,
    dataset: Dataset | None = None,
    progress: Progress,
) -> RunSource:
    """Open a run, and read its data set again as it was read for the training.

    Args:
        path: run folder.
        data: where the data set is now; None = where it was.
        reader: arguments of :func:`mixednoise.read_dataset` that take the place of those of the
            run: a moved image root; all of them for a run that did not write them down.
        dataset: the data set itself, in place of reading it.
        progress: takes what is worth saying.

    Raises:
        RunError: no run, an unfinished one, or the data set has changed since.
        DataError, ConfigError: the data set can't be read.
    """
    record = read_config(path)
    run, folds = RunFolder(path), int(record.get("folds") or 0)
    if folds:
        networks, config, ordinal = _cross_validated(run)
    else:
        model = load(path)
        networks, config, ordinal = model.networks_, model.config_, model.ordinal_
    samples = read_text_table(run.samples)
    aside = read_text_table(run.set_aside) if run.set_aside.exists() else None
    looks = _looks(run, len(samples)) if folds else None
    reading = _reading(record, reader or {}, ordinal=ordinal)
    if dataset is None:
        dataset = _read(run, Path(data or str(record["data"])), reading, moved=data is not None)
    _must_be_the_same(run, samples, dataset, [str(name) for name in record["classes"]])
    _tell_of_new(run, samples, dataset, aside, progress)
    place = pd.Series(np.arange(len(samples)), index=samples["id"])
    known = dataset.table["id"].isin(place.index).to_numpy(bool)
    dataset = dataset.subset(np.flatnonzero(known))
    order = place[dataset.table["id"]].to_numpy(np.int64)
    samples = samples.iloc[order].reset_index(drop=True)
    split = samples["split"].replace("", pd.NA)
    return RunSource(
        run=run,
        method=str(record["method"]),
        preset=str(record.get("preset", "default")),
        folds=folds,
        config=config,
        samples=samples,
        dataset=replace(dataset, table=dataset.table.assign(split=split)),
        own_splits=bool(dataset.table["split"].notna().any()),
        reading=reading,
        networks=networks,
        looks=None if looks is None else looks[order],
        set_aside=_joined(dataset.set_aside, aside),
    )


def _cross_validated(run: RunFolder) -> tuple[list[Network], TrainingConfig, bool]:
    from mixednoise.estimators import estimator_named

    needed = (run.samples, run.metrics, run.out_of_fold, run.fold(0))
    lacking = [str(path.relative_to(run.path)) for path in needed if not path.exists()]
    if lacking:
        raise RunError(
            f"{run.path} holds no finished run",
            expected="samples.csv, metrics.json, out_of_fold.npy and the networks of the folds",
            found=f"a run that was interrupted: no {', '.join(lacking)}",
            fix="go on with the same `mixednoise audit` command and --resume",
        )
    networks, metadata = load_networks(run.fold(0))
    model = estimator_named(str(metadata["method"])).from_networks(networks, metadata)
    return networks, model.config_, model.ordinal_


def _looks(run: RunFolder, count: int) -> Looks:
    try:
        found = np.load(run.out_of_fold, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise _damaged(run.out_of_fold, str(error)) from error
    if found.ndim != 3 or len(found) != count:
        raise _damaged(run.out_of_fold, f"shape {found.shape} for {count:,} samples")
    looks: Looks = found
    return looks


def _damaged(path: Path, found: str) -> RunError:
    return RunError(
        f"{path} can't be read",
        expected="what `mixednoise audit --folds` writes, a row per row of samples.csv",
        found=found,
        fix="restore it, or audit the data again",
    )


def _reading(
    record: Mapping[str, Any], reader: Mapping[str, Any], *, ordinal: bool
) -> dict[str, Any]:
    """How the data set was read, with what the caller knows better."""
    told = record.get("reading")
    if told is None:
        # A run of an earlier version: what it knows of the classes is enough for most layouts.
        told = {"class_names": list(record["classes"]), "ordinal": ordinal}
    given = {
        name: str(value.expanduser().absolute()) if isinstance(value, Path) else value
        for name, value in reader.items()
        if value is not None
    }
    return {**told, **given}


def _read(run: RunFolder, source: Path, reading: dict[str, Any], *, moved: bool) -> Dataset:
    """The data set, with what to do where it has moved."""
    if not source.exists():
        raise RunError(
            f"the data set of {run.path} is gone",
            expected=f"{source}, as at the training" if not moved else "the data set of the run",
            found=f"nothing at {source}",
            fix="say where it is now: --data PATH, and --image-root FOLDER where its images are",
        )
    root = reading.get("image_root")
    if root is not None and not Path(root).is_dir():
        raise RunError(
            f"the images of {run.path} are gone",
            expected=f"the folder {root}, as at the training",
            found="no such folder",
            fix="say where they are now: --image-root FOLDER",
        )
    try:
        return read_dataset(source, **reading)
    except DataError as error:
        error.add_note(
            f"  the run: {run.path} read {source} with {reading or 'no further options'}; give "
            "the options of a reader (--image-root, --data, ...) where that has changed"
        )
        raise


def _must_be_the_same(
    run: RunFolder,
    samples: pd.DataFrame,
    dataset: Dataset,
    classes: list[str],
) -> None:
    """Refuse verdicts on other samples, labels or classes than those of the data set."""
    again = "train again, or give the data set as it was at the training with --data"
    if list(dataset.class_names) != classes:
        raise RunError(
            f"{dataset.source} has other classes than {run.path}",
            expected=examples(classes, 12),
            found=examples(dataset.class_names, 12),
            fix=again,
        )
    lost = lost_samples(samples["id"], dataset)
    if lost:
        raise RunError(
            f"{counted(len(lost), 'image')} of {run.path} can no longer be used",
            expected=f"the {len(samples):,} images of the run in {dataset.source}",
            found=examples(f"{name}: {why or 'no such row'}" for name, why in lost.items()),
            fix="say where the images are now (--image-root FOLDER) or the data set as it was "
            "(--data PATH), or train again",
        )
    others = changed_values(samples.set_index("id")["given_label"], given_names(dataset))
    if others:
        raise RunError(
            f"{counted(len(others), 'label')} of {dataset.source} have changed since {run.path}",
            expected="the given labels of the training",
            found=examples(f"{name}: was {before}, now {after}" for name, before, after in others),
            fix=again,
        )


def _tell_of_new(
    run: RunFolder,
    samples: pd.DataFrame,
    dataset: Dataset,
    aside: pd.DataFrame | None,
    progress: Progress,
) -> None:
    unknown = new_samples(dataset, samples["id"], aside)
    if unknown:
        progress.warning(
            f"{counted(len(unknown), 'image')} of {dataset.source} are not in {run.path} and get "
            f"no verdict: {examples(unknown)}"
        )


def _joined(now: pd.DataFrame, then: pd.DataFrame | None) -> pd.DataFrame:
    """What reading has set aside now, and what the training could not decode."""
    tables = [now] if then is None else [now, then[["id", "path", "reason"]]]
    everything = pd.concat(tables, ignore_index=True).astype("string").fillna("")
    return everything.drop_duplicates("id").reset_index(drop=True)
