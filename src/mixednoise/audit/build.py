"""From a finished run to the folder of an audit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from mixednoise.audit.folder import AuditFolder, Manifest, fingerprint_of
from mixednoise.audit.looking import look_through
from mixednoise.audit.masks import MaskSource, write_mask_audit
from mixednoise.audit.pictures import (
    find_duplicates,
    image_table,
    quality_columns,
    quality_reasons,
)
from mixednoise.audit.report import write_report
from mixednoise.audit.source import RunSource, read_run
from mixednoise.audit.table import BELIEF_COLUMN, LOOK_COLUMNS, UNUSUAL_COLUMN, audit_table
from mixednoise.audit.target import check_audit_folder, open_audit_folder
from mixednoise.data.outside import must_be_outside
from mixednoise.data.store import PixelStore, StoreSettings
from mixednoise.data.table import GROUPS, Dataset
from mixednoise.errors import ConfigError
from mixednoise.io import atomic_write, write_csv
from mixednoise.methods.assignments import chosen_options
from mixednoise.progress import Progress, default_progress
from mixednoise.quality.assess import assess_dataset
from mixednoise.quality.reasons import join_reasons
from mixednoise.quality.workers import one_thread_each, workers_of
from mixednoise.segmentation.cases.apart import folders_of, must_be_apart
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.training.devices import choose_device
from mixednoise.workflow.cross_validation import Looks, same_looks


def make_audit(
    run: Path | str,
    out: Path | str,
    *,
    data: Path | str | None = None,
    reader: Mapping[str, Any] | None = None,
    dataset: Dataset | None = None,
    device: str = "auto",
    threads: int | None = None,
    workers: int | None = None,
    overwrite: bool = False,
    resume: bool = False,
    set_decisions_aside: bool = False,
    progress: Progress | None = None,
) -> AuditFolder:
    """Write the audit of a finished run: tables, features, report; the manifest last.

    Args:
        run: folder of ``mixednoise train``, of ``mixednoise segment train``, or ``run/`` of an
            audit.
        out: folder to be.
        data: where the data set is now; None = where it was at the training.
        reader: arguments of :func:`mixednoise.read_dataset` that take the place of the run's.
        dataset: the data set itself, in place of reading it.
        device: where the networks look at the images once more.
        threads: CPU threads of the networks; None = as it is.
        workers: threads that measure image quality; None = one per core, at most 8.
        overwrite: replace an earlier audit: our own files alone.
        resume: replace what an interrupted audit has left.
        set_decisions_aside: replace an audit on which reviewers have decided; their decisions
            are kept in a file of another name.
        progress: bars and lines; None shows them on stderr.

    Raises:
        RunError: no finished run; its data set has moved or changed; ``out`` holds something.
        DataError, ConfigError: the data set can't be read as it was.
        TrainingError: the disk is full or spent memory.
    """
    progress, workers = progress or default_progress(), workers_of(workers)
    folder, path = AuditFolder(Path(out)), Path(run)
    choose_device(device)
    if threads is not None:
        torch.set_num_threads(threads)
    check_audit_folder(
        folder,
        run=path,
        resume=resume,
        overwrite=overwrite,
        set_decisions_aside=set_decisions_aside,
    )
    if SegmentationRun(path).case_file.exists():
        given = [name for name, value in (reader or {}).items() if value is not None]
        _refuse_for_masks(given + (["data"] if data is not None else []))
        masks = MaskSource(path)
        must_be_apart(folder.path, folders_of(masks.cases))
        _open(folder, progress)
        with one_thread_each(workers):
            manifest, table = write_mask_audit(folder, masks, workers, progress)
    else:
        source = read_run(
            path,
            data=None if data is None else Path(data),
            reader=reader,
            dataset=dataset,
            progress=progress,
        )
        must_be_outside(folder.path, source.dataset)
        _open(folder, progress)
        with one_thread_each(workers):
            manifest, table = _write_labels(folder, source, device, workers, progress)
    write_csv(folder.table, table)
    with atomic_write(folder.parquet) as temporary:
        table.to_parquet(temporary, index=False)
    write_report(folder, manifest)
    folder.write_manifest(manifest)
    return folder


def _refuse_for_masks(given: list[str]) -> None:
    if given:
        names = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ConfigError(
            f"{names} means nothing for a run of masks",
            expected="a run whose images and masks are where they were",
            found=names,
            fix="leave it out",
        )


def _open(folder: AuditFolder, progress: Progress) -> None:
    kept = open_audit_folder(folder)
    if kept:
        progress.message(f"the decisions of reviewers are kept in {folder.path / kept}")


def _write_labels(
    folder: AuditFolder, source: RunSource, device: str, workers: int, progress: Progress
) -> tuple[Manifest, pd.DataFrame]:
    """Everything but the table, which is returned, and the manifest, which is not written yet."""
    dataset, config = source.dataset, source.config
    settings = StoreSettings(image_size=int(config.image_size), crop=config.crop, fit=config.fit)
    store = PixelStore.build(dataset, settings, progress=progress)
    looks = look_through(
        source.networks,
        store,
        np.flatnonzero(store.readable),
        choose_device(device),
        mirrored=config.views.horizontal_flip,
        features=folder.features,
        progress=progress,
    )
    quality = assess_dataset(dataset, workers=workers, progress=progress)
    table = label_table(source, looks if source.looks is None else source.looks)
    images = image_table(dataset, store)
    table = with_pictures(table, quality, images["digest"].tolist(), progress)
    write_csv(folder.images, images)
    write_csv(folder.set_aside, source.set_aside)
    manifest = Manifest(
        data=str(dataset.source.absolute()),
        reading=source.reading,
        run=str(source.run.path.absolute()),
        method=source.method,
        classes=list(dataset.class_names),
        ordinal=dataset.ordinal,
        group_column=dataset.group_column,
        own_splits=source.own_splits,
        preset=source.preset,
        options=chosen_options(source.config, source.preset),
        folds=source.folds,
        images=len(table),
        fingerprint=fingerprint_of(table, dataset.class_names),
    )
    return manifest, table


def label_table(source: RunSource, looks: Looks) -> pd.DataFrame:
    """The verdicts of the run with reasons that count looks, and what the networks believe.

    Args:
        source: the run.
        looks: float32 (N, L, C); NaN for images that can't be read.
    """
    samples, dataset = source.samples, source.dataset
    codes = {name: code for code, name in enumerate(GROUPS)}
    plain = looks[:, : len(source.networks)].astype(np.float64).mean(axis=1)
    agreed, total = (
        samples[name].fillna(0).to_numpy(np.int64) if name in samples else None
        for name in LOOK_COLUMNS
    )
    table = audit_table(
        dataset,
        p=samples[["p_correct", "p_mis_h", "p_mis_l"]].to_numpy(np.float64),
        loss=samples["loss"].to_numpy(np.float64),
        entropy=samples["entropy"].to_numpy(np.float64),
        probabilities=plain,
        group=samples["group"].map(codes).fillna(-1).to_numpy(np.int64),
        looks=None if agreed is None or total is None else (agreed, total),
        views=same_looks(looks, plain),
        unusual=samples[UNUSUAL_COLUMN].to_numpy(np.float64) if UNUSUAL_COLUMN in samples else None,
    )
    if BELIEF_COLUMN in samples:
        # The method's own suggestion stands, as the run's table has it.
        wrong = (table["group"] == "mis_h").to_numpy()
        table.loc[wrong, "suggested_label"] = samples["suggested_label"].to_numpy()[wrong]
        table[BELIEF_COLUMN] = samples[BELIEF_COLUMN].to_numpy(np.float64)
    table["confidence"] = plain.max(axis=1)
    table["self_confidence"] = plain[np.arange(len(plain)), dataset.labels]
    if dataset.table["group"].notna().any():
        table["patient"] = dataset.table["group"].fillna("").to_numpy()
    return table


def with_pictures(
    table: pd.DataFrame, quality: pd.DataFrame, digests: list[str], progress: Progress
) -> pd.DataFrame:
    """Add image quality, and what is known of duplicates.

    An image that comes again with another label is a label issue where it was judged: always where
    the content is the very same, since one of the labels must be wrong; where it merely looks the
    same, if the model doubts this label.

    Args:
        table: :func:`label_table`.
        quality: of :func:`mixednoise.quality.assess_dataset`, rows as in the table.
        digests: of the content of each image, '' = not known.
        progress: is told what is said of so many images that it stands with none of them.
    """
    faults, common = quality_reasons(quality)
    if common:
        progress.message(f"said of most images, and so not among the reasons: {', '.join(common)}")
    again = find_duplicates(
        table["id"].tolist(),
        table["given_label"].tolist(),
        quality["same_as"].tolist(),
        digests,
    )
    reasons = zip(table["reasons"], faults, again.reasons, strict=True)
    judged = (table["group"] != "").to_numpy(bool)
    doubted = (table["predicted_label"] != table["given_label"]).to_numpy(bool)
    wrong = again.identical | (again.similar & doubted)
    return pd.concat(
        [
            table.assign(
                reasons=pd.Series(list(map(join_reasons, reasons)), dtype="string"),
                is_label_issue=table["is_label_issue"] | (judged & wrong),
            ),
            quality_columns(quality),
        ],
        axis=1,
    )
