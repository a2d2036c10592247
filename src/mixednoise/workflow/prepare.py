"""From a data set to something that can be trained: checked, split, in the pixel store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mixednoise.data.checks import (
    Problem,
    Report,
    check_splits,
    check_store,
    check_table,
    set_aside_unusable,
)
from mixednoise.data.splits import make_splits
from mixednoise.data.store import PixelStore, StoreSettings
from mixednoise.data.table import Dataset, Split
from mixednoise.io import write_csv, write_text
from mixednoise.methods.base import IntArray
from mixednoise.methods.config import TrainingConfig
from mixednoise.progress import Progress
from mixednoise.training.checkpoint import fingerprint
from mixednoise.training.data import Part, TrainingData
from mixednoise.workflow.run_folder import RunFolder


@dataclass(frozen=True)
class Prepared:
    """A data set that can be trained.

    Attributes:
        dataset: usable rows, every one with a split.
        store: their pixels.
        store_rows: row of each data set row in the store, int64 (N,).
        report: everything that was noticed.
    """

    dataset: Dataset
    store: PixelStore
    store_rows: IntArray
    report: Report

    def part(self, split: Split) -> Part:
        """Rows and labels of one split; weights count in training alone."""
        rows = self.dataset.rows(split)
        weights = self.dataset.table["weight"].to_numpy(np.float64)[rows]
        counts = split == "train" and bool((weights != 1).any())
        return Part(self.store_rows[rows], self.dataset.labels[rows], weights if counts else None)

    def training_data(self) -> TrainingData:
        """What the loop needs."""
        truth = self.dataset.table["noise_group"].iloc[self.dataset.rows("train")]
        known = bool(truth.notna().all()) and len(truth) > 0
        train = self.part("train")
        return TrainingData(
            pixels=self.store,
            train=train,
            val=self.part("val"),
            class_names=self.dataset.class_names,
            ordinal=self.dataset.ordinal,
            image_size=self.store.settings.image_size,
            noise_group=truth.astype(str).tolist() if known else None,
            fingerprint=fingerprint(
                list(self.dataset.class_names),
                self.store.settings.image_size,
                self.dataset.labels,
                [str(s) for s in self.dataset.table["split"]],
                [str(self.store.content_hash[row]) for row in self.store_rows],
                *(() if train.weights is None else (train.weights,)),
            ),
        )


def prepare(
    dataset: Dataset,
    config: TrainingConfig,
    image_size: int,
    progress: Progress,
    *,
    hold_back: bool = True,
) -> Prepared:
    """Check everything, decode every image once, split where no split was given.

    Args:
        dataset: as it was read.
        config: seed, crop and fit are taken from it.
        image_size: of the pixel store.
        progress: bars and lines.
        hold_back: make the validation and test parts that the data lacks; False: all samples
            without a split are learned from.

    Raises:
        DataError: what would spoil the result: a patient in two splits, an empty class, and so on;
            all problems in one message.
    """
    report = check_table(dataset)
    report.raise_if_stopped()
    # Of classes and splits only what is found in the end is told: rows set aside and splits made
    # in between would make it a different tale, told twice.
    early = check_splits(dataset).problems
    report = Report([problem for problem in report.problems if problem not in early])
    dataset = set_aside_unusable(dataset, report)
    store = PixelStore.build(
        dataset,
        StoreSettings(image_size=image_size, crop=config.crop, fit=config.fit),
        progress=progress,
    )
    report = report + check_store(dataset, store)
    unreadable = np.flatnonzero(~store.readable)
    store_rows = np.flatnonzero(store.readable)
    dataset = dataset.with_set_aside(
        unreadable.tolist(), [store.reasons[row] for row in unreadable]
    )
    hashes: Any = np.asarray(store.content_hash)[store_rows]
    if hold_back:
        dataset = make_splits(dataset, seed=config.seed, content_hash=hashes)
    else:
        learned = dataset.table["split"].fillna("train")
        dataset = replace(dataset, table=dataset.table.assign(split=learned))
    report = report + check_splits(dataset)
    if hold_back:
        report = report + _check_evaluation(dataset)
    report.raise_if_stopped()
    return Prepared(dataset, store, store_rows, report)


def _check_evaluation(dataset: Dataset) -> Report:
    """Warn when there is nothing to choose the best epoch on, or nothing to evaluate on."""
    problems = []
    val, test = (len(dataset.rows(split)) for split in ("val", "test"))
    if not val:
        problems.append(
            Problem(
                "warn",
                "there is no validation split",
                expected="some images of every class to choose the best epoch on",
                found=f"{len(dataset.rows('train')):,} images to train on, {test:,} to test on",
                fix="the last epoch counts as the best one; for another choice add images, or "
                "name them val in a split column",
            )
        )
    if not test:
        problems.append(
            Problem(
                "warn",
                "there is no test split",
                expected="some images of every class that are neither trained nor chosen on",
                found=f"{val:,} images for validation",
                fix="metrics are those of the validation split, on which the best epoch was chosen"
                if val
                else "nothing can be measured: add images, or name some test in a split column",
            )
        )
    return Report(problems)


def write_findings(prepared: Prepared, run: RunFolder) -> None:
    """Write at once what could not be used and what the checks found: a run may end early."""
    write_csv(run.set_aside, prepared.dataset.set_aside)
    write_text(run.report, prepared.report.text() + "\n")


def tell(prepared: Prepared, run: RunFolder | None, progress: Progress) -> None:
    """Say what the checks found, how many images of each split there are, what was set aside."""
    prepared.report.tell(progress)
    counts = prepared.dataset.table["split"].value_counts()
    sizes = ", ".join(f"{split} {counts.get(split, 0)}" for split in ("train", "val", "test"))
    aside = len(prepared.dataset.set_aside)
    progress.message(
        f"{len(prepared.dataset)} images, {prepared.dataset.num_classes} classes: {sizes}"
        + (f"; {aside} set aside" if aside else "")
        + (f", listed in {run.set_aside}" if aside and run is not None else "")
    )
