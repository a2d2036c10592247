"""A whole data set with noise made on purpose, written as a folder that ``train`` reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.checks import check_groups
from mixednoise.data.outside import must_be_outside
from mixednoise.data.readers.corruption_file import CORRUPTION_FILE as SUMMARY_FILE
from mixednoise.data.readers.corruption_file import LABELS_FILE
from mixednoise.data.report import counted, examples
from mixednoise.data.splits import make_splits
from mixednoise.data.table import Dataset
from mixednoise.errors import ConfigError, DataError
from mixednoise.io import write_csv, write_json
from mixednoise.noise.corrupt_images import (
    ImageFormat,
    Images,
    describe_images,
    in_threads,
    write_images,
)
from mixednoise.noise.corrupt_tables import labels_table, noisy_table, result_dataset, summary
from mixednoise.noise.images import check_severity
from mixednoise.noise.mixed import LabelNoise, check_options, mixed_noise
from mixednoise.noise.naming import IMAGES, plan_places
from mixednoise.noise.result_folder import check_target, new_result
from mixednoise.progress import Progress, Silent


@dataclass(frozen=True)
class Corruption:
    """What :func:`corrupt_dataset` has made.

    Attributes:
        folder: the folder with ``images/``, ``labels.csv`` and ``corruption.json``.
        dataset: the same as a data set, truth included; rows in the order of the source.
        summary: the content of ``corruption.json``.
    """

    folder: Path
    dataset: Dataset
    summary: dict[str, Any]

    @property
    def labels_file(self) -> Path:
        """The table to train on."""
        return self.folder / LABELS_FILE


def corrupt_dataset(
    ds: Dataset,
    out: Path | str,
    *,
    mis_h: float = 0.4,
    mis_l: float = 0.15,
    kind: LabelNoise = "symmetric",
    class_map: Mapping[str, str] | None = None,
    severity: float = 0.9,
    seed: int = 0,
    image_format: ImageFormat = "png",
    link_images: bool = False,
    workers: int | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> Corruption:
    """Put QMix's mixed noise into the training part of a data set; the source is never touched.

    Data without splits get stratified, grouped ones first; validation and test keep their images
    and labels. Images that are not degraded are taken over byte for byte. Labels, splits and pixels
    follow from ``seed`` alone, whatever the number of threads.

    Args:
        ds: clean data; its labels are taken for the truth.
        out: new or empty folder. It appears when everything is written, or not at all.
        mis_h: share of the training images that get a wrong label, 0..1.
        mis_l: share that is degraded and gets a random label, 0..1; ``mis_h + mis_l <= 1``.
        kind: ``symmetric``, ``frequency``, ``class_map`` or ``instance``, see
            :mod:`mixednoise.noise.mixed`.
        class_map: for ``class_map``: class name -> name of the class that it is mistaken for.
        severity: damage of the degraded images, 0 (none) to 1.
        seed: one seed, one result.
        link_images: take images over as hard links where the file system allows: no time, no space;
            but whoever then changes such a file in place changes the source with it.
        image_format: of the degraded images (at their native size): ``png``, or ``jpeg`` of
            quality 95. Pixels out of an ``.npz`` are written as PNG.
        workers: threads, None = one per processor, at most 8.
        progress: bars and lines.
        overwrite: replace an earlier result in ``out``; other files there stay.

    Returns:
        Folder, data set and summary.

    Raises:
        ConfigError: rates, severity, kind, class map, seed or format that can't be used.
        DataError: fewer than two classes, no training images, missing files, a patient in two
            splits, or noise in it already.
        RunError: ``out`` holds something, lies inside a folder per class, or can't be made.
        TrainingError: ``out`` can't be written.
    """
    progress = progress or Silent()
    out = Path(out).expanduser()
    _check_options(ds, mis_h, mis_l, kind, class_map, severity, seed, image_format)
    _check_data(ds)
    names = (IMAGES, LABELS_FILE, SUMMARY_FILE)
    sources = [*ds.table["path"], str(ds.source)]
    check_target(out, names, overwrite=overwrite, sources=sources)
    must_be_outside(out, ds)

    ds = _with_splits(ds, seed, workers, progress)
    train = ds.rows("train")
    if not len(train):
        raise DataError(
            "there is nothing to put noise into",
            expected="a training split with images",
            found="no row in train",
            fix="name the split column, or leave it out to get a split",
        )
    noise = mixed_noise(
        ds.labels[train],
        np.random.default_rng([seed, 0]),
        mis_h=mis_h,
        mis_l=mis_l,
        kind=kind,
        num_classes=ds.num_classes,
        class_map=class_codes(class_map, ds.class_names),
        features=describe_images(ds, train, workers, progress) if kind == "instance" else None,
    )
    table = noisy_table(ds, train, noise)
    degraded = (table["noise_group"] == "mis_l").to_numpy(bool)
    suffixes = _new_suffixes(ds, degraded, image_format)
    places = plan_places(list(ds.table["id"]), list(ds.table["path"]), suffixes)
    options: dict[str, Any] = {
        **{"mis_h": mis_h, "mis_l": mis_l, "kind": kind, "class_map": dict(class_map or {})},
        **{"severity": severity, "seed": int(seed), "image_format": image_format},
    }
    with new_result(out, names) as work:
        unreadable = write_images(
            *(ds, [place.file for place in places], degraded, severity, seed, work),
            link=link_images,
            workers=workers,
            progress=progress,
        )
        told = summary(ds, table, noise, options, places, unreadable)
        labels = labels_table(table, places, ds.class_names, ds.group_column, ds.weight_column)
        write_csv(work / LABELS_FILE, labels)
        write_json(work / SUMMARY_FILE, told)
    if unreadable:
        progress.warning(
            f"{counted(len(unreadable), 'image')} to degrade can't be decoded and stayed as they "
            f"are: {examples(unreadable, 3)}; all are listed in {SUMMARY_FILE}"
        )
    return Corruption(out, result_dataset(ds, table, places, out, LABELS_FILE), told)


def _check_options(
    ds: Dataset,
    mis_h: float,
    mis_l: float,
    kind: str,
    class_map: Mapping[str, str] | None,
    severity: float,
    seed: int,
    image_format: str,
) -> None:
    check_options(mis_h, mis_l, kind, class_map)
    check_severity(severity)
    class_codes(class_map, ds.class_names)
    for name, value, good in (
        ("seed", seed, isinstance(seed, int | np.integer) and seed >= 0),
        ("image_format", image_format, image_format in ("png", "jpeg")),
    ):
        if not good:
            raise ConfigError(
                f"{name} can't have this value",
                expected="a whole number from 0" if name == "seed" else "png or jpeg",
                found=repr(value),
                fix=f"pass another {name}, or leave it out",
            )


def class_codes(
    class_map: Mapping[str, str] | None, class_names: tuple[str, ...]
) -> dict[int, int] | None:
    """The class map in codes; None of an empty one.

    Raises:
        ConfigError: a class that the data does not have, or one that is mapped to itself.
    """
    if not class_map:
        return None
    codes = {name: code for code, name in enumerate(class_names)}
    pairs = {str(a): str(b) for a, b in class_map.items()}
    unknown = sorted({name for pair in pairs.items() for name in pair} - set(codes))
    selves = sorted(a for a, b in pairs.items() if a == b)
    if unknown or selves:
        raise ConfigError(
            "the class map can't be used",
            expected=f"each class mapped to another one of: {', '.join(class_names)}",
            found=f"unknown: {', '.join(unknown)}" if unknown else f"{selves[0]} -> {selves[0]}",
            fix="correct the class map (--class-map, or class_map in a matrix)",
        )
    return {codes[a]: codes[b] for a, b in pairs.items()}


def _check_data(ds: Dataset) -> None:
    """Refuse what is noisy already, what no split could repair, and files that are not there."""
    check_groups(ds).raise_if_stopped()
    table = ds.table
    known = (table["true_label"] >= 0).to_numpy(bool)
    differs = known & (table["true_label"] != table["label"]).to_numpy(bool)
    noisy = differs | table["noise_group"].isin(["mis_h", "mis_l"]).to_numpy(bool)
    if noisy.any():
        raise DataError(
            "this data set has known noise in it already",
            expected="clean data, whose labels can be taken for the truth",
            found=f"{noisy.sum():,} of {len(ds):,} rows, first {table['id'][noisy.argmax()]!r}",
            fix="corrupt the clean data set instead",
        )
    from_file = table["array_index"] < 0
    missing = [path for path in table["path"][from_file] if not Path(path).is_file()]
    if missing:
        raise DataError(
            f"{len(missing):,} image files are missing",
            expected="a file for each row",
            found=f"first: {missing[0]}",
            fix="restore the files or name their folder with --image-root",
        )


def _with_splits(ds: Dataset, seed: int, workers: int | None, progress: Progress) -> Dataset:
    """Make the splits that are lacking; identical images stay together."""
    split = ds.table["split"]
    if split.notna().all() and (split == "val").any():
        return ds
    images = Images(ds)
    hashes = in_threads(images.content_hash, range(len(ds)), "comparing images", workers, progress)
    return make_splits(ds, seed=seed, content_hash=hashes)


def _new_suffixes(
    ds: Dataset, degraded: np.ndarray[Any, np.dtype[np.bool_]], image_format: ImageFormat
) -> list[str]:
    """Suffix of each file that is written anew, '' for those taken over."""
    from_array = (ds.table["array_index"] >= 0).to_numpy(bool)
    suffix = ".jpg" if image_format == "jpeg" else ".png"
    return [
        suffix if bad else ".png" if array else ""
        for bad, array in zip(degraded, from_array, strict=True)
    ]
