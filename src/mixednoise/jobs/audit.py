"""The verdict per sample: of a finished run, or of a data set, from nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from mixednoise.audit.build import make_audit
from mixednoise.audit.folder import AuditFolder, Manifest
from mixednoise.audit.order import review_order
from mixednoise.audit.target import check_audit_folder, open_audit_folder
from mixednoise.data.checks import check_table
from mixednoise.data.outside import must_be_outside
from mixednoise.data.readers import read_dataset
from mixednoise.data.table import GROUPS, Dataset
from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.estimator import Estimator
from mixednoise.estimators import QMix, estimator_named
from mixednoise.jobs.judged.judged import CASES, ORIGIN
from mixednoise.progress import Progress, default_progress
from mixednoise.quality.workers import workers_of
from mixednoise.segmentation.write_errors import SUMMARY, TABLE
from mixednoise.workflow.cross_validation import cross_validate
from mixednoise.workflow.run_folder import CONFIG, RunFolder

#: Which samples are judged; auto = all of them, of a data set with splits of its own train.
Splits = Literal["auto", "train", "all"]
#: Options of training that mean something for a run that is finished.
_STILL_OPEN = ("device", "threads")
WORST = 5


def audit_dataset(
    dataset: Dataset,
    out: str | Path,
    *,
    model: Estimator | None = None,
    folds: int = 0,
    splits: Splits = "auto",
    resume: bool = False,
    overwrite: bool = False,
    set_decisions_aside: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
) -> AuditFolder:
    """Train on a data set and write the verdict on every sample.

    Args:
        dataset: from :func:`mixednoise.read_dataset`.
        out: folder for ``audit.csv``, ``report.html`` and the rest; the training goes to its
            ``run/``.
        model: method and options, such as ``mixednoise.CrossEntropy(epochs=10)``; None = QMix.
        folds: 2 or more: train once per fold, on all the others, so that no sample is judged by
            networks that have seen it or its patient. 0: train once, on the samples that are
            judged; the method's own verdict counts.
        splits: ``all``: judge every sample; of a data set with validation and test splits that
            needs folds. ``train``: judge the training samples; splits that are not there are made.
            ``auto``: ``train`` where the data has splits, else ``all``.
        resume: go on with the interrupted audit in ``out``.
        overwrite: replace an earlier audit in ``out``.
        set_decisions_aside: even one on which reviewers have decided; their decisions are kept in
            a file of another name.
        workers: threads that measure image quality.
        progress: bars and lines; None shows them on stderr.

    Returns:
        The folder; ``.read_table()`` is the verdict per sample.

    Raises:
        ConfigError: an option that can't be.
        DataError: the data can't be learned from as they are.
        RunError: ``out`` holds something.
        TrainingError: the loss is no longer a number, memory is spent, or the disk is full.
    """
    progress, folder = progress or default_progress(), AuditFolder(Path(out))
    model, workers = model or QMix(), workers_of(workers)
    everything, hold_back = _what_is_judged(dataset, folds, splits)
    if dataset.arrays is not None and dataset.reading is None:
        raise DataError(
            "the pixels of this data set are in memory alone",
            expected="images in files, or an .npz file, that a reviewer can be shown later",
            found=f"an array of {len(dataset.arrays):,} images",
            fix="save the images, and read them with mixednoise.read_dataset",
        )
    must_be_outside(folder.path, dataset)
    check_audit_folder(
        folder,
        run=None,
        resume=resume,
        overwrite=overwrite,
        set_decisions_aside=set_decisions_aside,
    )
    check_table(dataset).raise_if_stopped()
    begun = (folder.run / CONFIG).exists()
    kept = open_audit_folder(folder)
    if kept:
        progress.message(f"the decisions of reviewers are kept in {folder.path / kept}")
    how: dict[str, Any] = {
        "resume": begun and not overwrite,
        "overwrite": begun and overwrite,
        "hold_back": hold_back,
        "progress": progress,
    }
    if folds:
        cross_validate(model, dataset, folder.run, folds=folds, everything=everything, **how)
    else:
        model.fit(dataset, out=folder.run, **how)
    return make_audit(
        folder.run,
        folder.path,
        dataset=dataset,
        device=model.config.device,
        workers=workers,
        resume=True,
        progress=progress,
    )


def _what_is_judged(dataset: Dataset, folds: int, splits: str) -> tuple[bool, bool]:
    """Whether samples of all splits are judged, and whether parts are made to be held back."""
    if splits not in get_args(Splits):
        raise ConfigError(
            f"there is no choice of splits {splits!r}",
            expected=", ".join(get_args(Splits)),
            found=splits,
            fix="choose one of these with --splits",
        )
    if folds < 0 or folds == 1:
        raise ConfigError(
            f"there can't be {folds} folds",
            expected="2 or more, or 0 to train once",
            found=f"--folds {folds}",
            fix="choose 5, for example",
        )
    own = bool(dataset.table["split"].isin(["val", "test"]).any())
    if splits == "all" and own and not folds:
        raise ConfigError(
            "validation and test samples can't be judged by networks that learn from them",
            expected="--splits all together with --folds, for data with splits of its own",
            found="--splits all, trained once",
            fix="add --folds 5, or leave --splits away to judge the training samples",
        )
    return splits == "all", splits == "train" and not own


def audit_path(
    path: Path,
    out: Path,
    *,
    method: str | None = None,
    preset: str | None = None,
    folds: int | None = None,
    splits: str | None = None,
    seed: int | None = None,
    data: Path | None = None,
    reader: Mapping[str, Any],
    class_names: list[str] | None = None,
    ordinal: bool | None = None,
    take: int | None = None,
    take_per_class: int | None = None,
    training: Mapping[str, Any],
    progress: Progress,
    **how: Any,
) -> AuditFolder:
    """Audit what the path leads to: a run folder, or a data set that is trained on first.

    Args:
        path: run folder or data set.
        out: folder of the audit.
        method, preset: names; None = qmix, default.
        folds, splits: as :func:`audit_dataset`; None = its default.
        seed: of everything random; None = 0.
        data: of a run whose data set has moved, where it is now.
        reader: arguments of :func:`mixednoise.read_dataset`, None = not given.
        class_names, ordinal, take, take_per_class: likewise.
        training: options of the method.
        progress: bars and lines.
        how: ``resume, overwrite, set_decisions_aside, workers``.

    Raises:
        ConfigError: options of training for a run that is finished.
        and as :func:`audit_dataset` and :func:`mixednoise.audit.build.make_audit`.
    """
    _must_not_be_an_audit(path)
    given = {name: value for name, value in reader.items() if value is not None}
    if (path / CONFIG).is_file():
        other: dict[str, Any] = {"method": method, "preset": preset, "folds": folds}
        other |= {"splits": splits, "seed": seed, "classes": class_names, "ordinal": ordinal}
        other |= {"take": take, "take_per_class": take_per_class}
        other |= {name: value for name, value in training.items() if name not in _STILL_OPEN}
        _must_be_finished(path, [name for name, value in other.items() if value is not None])
        return make_audit(
            path,
            out,
            data=data,
            reader=given,
            device=str(training.get("device", "auto")),
            threads=training.get("threads"),
            progress=progress,
            **how,
        )
    if data is not None:
        raise ConfigError(
            "--data says where the data set of a run is now",
            expected="a run folder, and --data",
            found=f"{path}, which is no run folder",
            fix="leave --data away",
        )
    # Options first: a typo there must not wait for the images to be decoded.
    options = {"seed": seed or 0, **training}
    model = estimator_named(method or "qmix")(preset=preset or "default", **options)
    dataset = read_dataset(
        path,
        **given,
        class_names=class_names,
        ordinal=ordinal,
        take=take,
        take_per_class=take_per_class,
    )
    return audit_dataset(
        dataset,
        out,
        model=model,
        folds=folds or 0,
        splits=splits or "auto",  # type: ignore[arg-type] # checked there
        progress=progress,
        **how,
    )


#: What `segment errors` leaves, beside a report and a map per mask.
_FOUND_ERRORS = (ORIGIN, CASES, SUMMARY, TABLE)


def _must_not_be_an_audit(path: Path) -> None:
    folder, run = AuditFolder(path), RunFolder(path)
    if (path / CONFIG).is_file():
        return
    if folder.manifest.exists() or (folder.run / CONFIG).is_file():
        finished = folder.manifest.exists()
        raise RunError(
            f"{path} is the folder of an audit",
            expected="a data set, or a run of mixednoise train",
            found="a finished audit" if finished else "an audit that was interrupted",
            fix=f"go on with `mixednoise review {path}`, or give {folder.read_manifest().run} to "
            "audit again"
            if finished
            else f"go on with it: the same command as before, --out {path} --resume",
        )
    if all((path / name).is_file() for name in _FOUND_ERRORS):
        raise RunError(
            f"{path} holds wrong pixels that `mixednoise segment errors` has found",
            expected="a data set, or a run of mixednoise train or mixednoise segment train",
            found="error maps of masks that another tool has learned from",
            fix=f"look at {path / 'report.html'}, and correct the masks with `mixednoise segment "
            f"export {path} --to masks`; what is reviewed comes of mixednoise segment train",
        )
    if run.model.exists() or run.samples.exists() or (path / "checkpoints").is_dir():
        raise RunError(
            f"{path} looks like a run folder, and is none",
            expected=f"a folder made by `mixednoise train`, with {CONFIG} in it",
            found=f"no {CONFIG}",
            fix="restore that file, or train again",
        )


def _must_be_finished(path: Path, given: list[str]) -> None:
    """Refuse options that could change a training which is over."""
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ConfigError(
            f"{names} can't change a run that is finished",
            expected="options of training for a data set alone",
            found=f"the run folder {path}",
            fix="leave them away, or give the data set in place of the run",
        )


def summary_of(folder: AuditFolder) -> dict[str, Any]:
    """What a finished audit comes to, for people and machines.

    Returns:
        ``folder, report, images, judged, label_issues, groups`` (name -> samples; masks: {}),
        ``set_aside, other_label`` (images that come again with another label), ``worst`` (id,
        given_label, suggested_label, label_quality, reasons) and ``next``.
    """
    manifest, table = folder.read_manifest(), folder.read_table()
    order = review_order(table["is_label_issue"], table["label_quality"])
    issues = table["is_label_issue"].to_numpy(bool)
    worst = table.iloc[order[issues[order]][:WORST]]
    columns = ["id", "given_label", "suggested_label", "label_quality", "reasons"]
    aside = pd.read_csv(folder.set_aside, dtype=str, keep_default_na=False)
    return {
        "folder": str(folder.path),
        "report": str(folder.report) if folder.report.exists() else None,
        "kind": manifest.kind,
        "method": manifest.method,
        "folds": manifest.folds,
        "images": len(table),
        "judged": _judged(manifest, table),
        "label_issues": int(issues.sum()),
        "groups": {name: int((table["group"] == name).sum()) for name in GROUPS}
        if manifest.kind == "classification"
        else {},
        "other_label": int(
            table["reasons"].str.contains(" with another label (", regex=False).sum()
        ),
        "set_aside": len(aside),
        "worst": worst[columns].to_dict("records"),
        "next": f"mixednoise review {folder.path}",
    }


def _judged(manifest: Manifest, table: pd.DataFrame) -> int:
    if manifest.kind == "segmentation":
        return len(table)
    return int(np.count_nonzero(table["group"] != ""))
