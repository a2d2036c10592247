"""A cross-validated run: every sample judged, all of them by networks that never saw them.

The method is trained once per fold, on all the others; patients and identical images stay together.
By what its networks say of the samples of the fold, these are sorted into groups as after any
training (:func:`mixednoise.separation.separate`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mixednoise.audit.table import audit_table
from mixednoise.data.outside import must_be_outside
from mixednoise.data.splits import write_splits
from mixednoise.data.table import GROUPS, Dataset
from mixednoise.errors import ConfigError
from mixednoise.evaluation.separation_metrics import separation_metrics
from mixednoise.io import atomic_write, write_csv, write_json
from mixednoise.memory import memory_told
from mixednoise.methods.base import FloatArray, IntArray
from mixednoise.methods.config import TrainingConfig
from mixednoise.models import save_networks
from mixednoise.progress import Progress
from mixednoise.quality.unusual import unusualness
from mixednoise.separation import SeparationSettings, separate, tempered
from mixednoise.training.devices import make_fabric
from mixednoise.training.loop import Loop
from mixednoise.workflow.finish import evaluate_probabilities, loss_and_entropy
from mixednoise.workflow.fold_training import FoldTraining, folds_of, seed_of_fold, train_folds
from mixednoise.workflow.prepare import Prepared, prepare, tell, write_findings
from mixednoise.workflow.records import model_metadata, run_record
from mixednoise.workflow.resolve import resolve
from mixednoise.workflow.run_folder import RunFolder, check_run_folder, start_run

if TYPE_CHECKING:
    from mixednoise.estimator import Estimator

Looks = np.ndarray[Any, np.dtype[np.float32]]
#: Samples that a fold must have to be sorted into groups by itself.
SMALLEST_FOLD = 100


@dataclass(frozen=True)
class Judgement:
    """What networks that never saw the samples say of them.

    Attributes:
        looks: float32 (N, L, C), softmax of L looks.
        networks: M; the first M looks are those at the image itself.
        fold: int64 (N,): in which fold the sample was judged; -1 = scored alone.
    """

    looks: Looks
    networks: int
    fold: IntArray

    @property
    def judged(self) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Which samples were in a fold, bool (N,)."""
        return np.asarray(self.fold >= 0)

    @property
    def by_network(self) -> FloatArray:
        """Softmax of each network for the image as it is, float64 (N, M, C)."""
        return self.looks[:, : self.networks].astype(np.float64)


@memory_told()
def cross_validate(
    model: Estimator,
    dataset: Dataset,
    out: Path,
    *,
    folds: int,
    everything: bool,
    hold_back: bool = False,
    resume: bool = False,
    overwrite: bool = False,
    progress: Progress,
) -> None:
    """Train a method once per fold and leave a run folder with a verdict per sample.

    Leaves ``config.yaml``, ``folds.csv``, ``folds/``, ``out_of_fold.npy``, ``samples.csv``,
    ``splits.csv``, ``set_aside.csv``, ``data_report.txt``, ``history.csv`` (mean of the folds) and
    ``metrics.json`` (of the judged samples, against their given labels).

    Args:
        model: method and options.
        dataset: what is judged.
        out: run folder.
        folds: 2 or more.
        everything: judge validation and test samples of the user's splits, too; else they are
            scored by the networks of all folds, none of which learns from them.
        hold_back: make the validation and test parts that the data lacks; they are not judged.
        resume: go on with the run in ``out``.
        overwrite: replace the run in ``out``.
        progress: bars and lines.

    Raises:
        ConfigError: more folds than patients, or a method that cross-validates by itself.
        DataError, RunError, TrainingError: as :meth:`.Estimator.fit`.
    """
    method, run = model.method, RunFolder(out)
    config = resolve(model.config, dataset, progress)
    if method.folds(config) is not None:
        raise ConfigError(
            f"{method.name} cross-validates by itself",
            expected="a method that is trained once, with --folds",
            found=f"--method {method.name} --folds {folds}",
            fix="leave --folds away, or choose another --method (cross_entropy is what it trains)",
        )
    judged = "all" if everything else "train"
    record = run_record(method.name, model.preset, dataset, config, folds=folds, judged=judged)
    must_be_outside(run.path, dataset)
    check_run_folder(run, record, resume=resume, overwrite=overwrite)
    own = dataset.table.set_index("id")["split"]
    if everything:
        split = pd.Series("train", dataset.table.index, dtype="string")
        dataset = replace(dataset, table=dataset.table.assign(split=split))
    prepared = prepare(dataset, config, int(config.image_size), progress, hold_back=hold_back)
    tell(prepared, run, progress)
    fold = folds_of(prepared, folds, config.seed)
    fabric = make_fabric(config)
    if fabric.global_rank == 0:
        start_run(run, record, resume=resume, overwrite=overwrite)
        write_findings(prepared, run)
    fabric.barrier()
    judgement, seconds = _judge(model, config, prepared, fold, fabric, run, progress)
    if fabric.global_rank == 0:
        if everything and own.notna().any():
            # All were folded alike; what is test stays test in everything that is written.
            prepared = _with_splits(prepared, own)
        _write(run, prepared, judgement, config, seconds, method.name, progress)
    fabric.barrier()


def _with_splits(prepared: Prepared, own: pd.Series) -> Prepared:
    """The same data, its samples in the user's own splits (by id); those without one in train."""
    table = prepared.dataset.table
    split = own.reindex(table["id"]).fillna("train").astype("string").to_numpy()
    dataset = replace(prepared.dataset, table=table.assign(split=pd.array(split, dtype="string")))
    return replace(prepared, dataset=dataset)


def _judge(
    model: Estimator,
    config: TrainingConfig,
    prepared: Prepared,
    fold: IntArray,
    fabric: Any,
    run: RunFolder,
    progress: Progress,
) -> tuple[Judgement, float]:
    """Train the folds, and put together what they say, in the order of the data set."""
    mirrored, classes = config.views.horizontal_flip, prepared.dataset.num_classes
    metadata = model_metadata(model.method.name, prepared.dataset, config)

    def judge(loop: Loop, rows: IntArray) -> Looks:
        shape = (len(loop.ensemble.networks) * (1 + mirrored), classes)
        return loop.evaluator.looks(rows, shape, mirrored=mirrored)

    train = prepared.dataset.rows("train")
    others = np.setdiff1d(np.arange(len(prepared.dataset)), train)
    found = train_folds(
        prepared,
        fold,
        FoldTraining(
            model.method,
            lambda number: config.model_copy(update={"seed": seed_of_fold(config, number)}),
            judge,
            lambda loop, folder: save_networks(
                folder / "model.safetensors", loop.ensemble.networks, metadata
            ),
        ),
        others=others,
        fabric=fabric,
        run=run.path,
        progress=progress,
    )
    looks = np.zeros((len(prepared.dataset), *found.judged[0].shape[1:]), np.float32)
    for number, values in enumerate(found.judged):
        held = train[fold == number]
        looks[held] = values[: len(held)]
        looks[others] += values[len(held) :] / len(found.judged)
    in_fold = np.full(len(looks), -1)
    in_fold[train] = fold
    return Judgement(looks, looks.shape[1] // (1 + mirrored), in_fold), found.seconds


def _write(
    run: RunFolder,
    prepared: Prepared,
    judgement: Judgement,
    config: TrainingConfig,
    seconds: float,
    method: str,
    progress: Progress,
) -> None:
    dataset, judged = prepared.dataset, judgement.judged
    settings = getattr(config, "separation", None) or SeparationSettings()
    unusual = None
    if settings.uses_looks:
        unusual = unusualness(prepared.store, prepared.store_rows, progress=progress)
    p = verdict(judgement, dataset, settings, unusual)
    mean = judgement.by_network.mean(axis=1)
    loss, entropy = loss_and_entropy(mean, dataset.labels)
    table = audit_table(
        dataset,
        p=p,
        loss=loss,
        entropy=entropy,
        probabilities=mean,
        views=same_looks(judgement.looks, mean),
        unusual=unusual,
    )
    scored = evaluate_probabilities(
        dataset.labels[judged],
        mean[judged],
        class_names=dataset.class_names,
        ordinal=dataset.ordinal,
        groups=dataset.table["group"][judged],
    )
    truth = dataset.table["noise_group"][judged]
    known = bool(truth.isin(GROUPS).all())
    history = _mean_history(run)
    metrics = {
        "method": method,
        "split": "out of fold",
        **dict.fromkeys(("last", "best"), scored["metrics"]),
        "best_epoch": 0,
        **{
            key: dict.fromkeys(("last", "best"), scored[key])
            for key in ("intervals", "per_class", "confusion")
        },
        "separation": separation_metrics(truth.to_numpy(object), p[judged]) if known else None,
        "seconds": round(seconds, 1),
        "epochs": len(history),
    }
    write_splits(dataset, run.path / "splits.csv")
    write_csv(run.history, history)
    with atomic_write(run.out_of_fold) as temporary, temporary.open("wb") as file:
        np.save(file, judgement.looks)
    write_csv(run.samples, table)
    write_json(run.metrics, metrics)


def verdict(
    judgement: Judgement,
    dataset: Dataset,
    settings: SeparationSettings | None,
    unusual: FloatArray | None = None,
) -> FloatArray:
    """P(correct), P(mis_h), P(mis_l) of every judged sample, float64 (N, 3), NaN for the others.

    Samples are sorted by loss and entropy, once for each look, and the mean of these verdicts
    counts; fold by fold, since networks of different folds are not equally sure of what they say.
    Small folds are put together: too few samples make no groups. One verdict on mean loss and
    entropy of all folds was measured to be worse (docs/audit.md). ``unusual``: how unlike the
    others each image looks, (N,).
    """
    folds = [np.flatnonzero(judgement.fold == k) for k in range(judgement.fold.max() + 1)]
    if min(map(len, folds)) < SMALLEST_FOLD:
        folds = [np.flatnonzero(judgement.judged)]
    result = np.full((len(dataset), 3), np.nan)
    for rows in folds:
        labels, verdicts = dataset.labels[rows], []
        for look in np.moveaxis(judgement.looks[rows].astype(np.float64), 1, 0):
            loss, entropy = loss_and_entropy(look, labels)
            found = separate(
                *(loss, entropy, labels, dataset.num_classes, settings),
                unusual=None if unusual is None else unusual[rows],
            )
            verdicts.append(found.p)
        result[rows] = np.mean(verdicts, axis=0)
    return tempered(result, (settings or SeparationSettings()).verdict_temperature)


def same_looks(looks: Looks, mean: FloatArray) -> tuple[IntArray, int] | None:
    """In how many of L looks (N, L, C) the prediction is that of the mean (N, C), and L.

    None where there is one look only.
    """
    if looks.shape[1] < 2:
        return None
    same = looks.argmax(axis=2) == mean.argmax(axis=1)[:, None]
    return same.sum(axis=1).astype(np.int64), looks.shape[1]


def _mean_history(run: RunFolder) -> pd.DataFrame:
    """Numbers of each epoch, averaged over the folds."""
    tables = [pd.read_csv(path) for path in sorted(run.path.glob("folds/*/history.csv"))]
    whole = pd.concat(tables, ignore_index=True)
    by_epoch = whole.groupby("epoch")
    means = by_epoch.mean(numeric_only=True).reset_index()
    if "phase" in whole:
        means.insert(1, "phase", by_epoch["phase"].first().to_numpy())
    return means
