"""A folder of masks with noise made on purpose, and what was done to each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.report import counted
from mixednoise.errors import ConfigError
from mixednoise.io import write_csv, write_json
from mixednoise.noise.corrupt_images import in_threads, take_over
from mixednoise.noise.mask_checks import MaskNoise, OnEmpty, Radius, check_options
from mixednoise.noise.mask_files import SUMMARY_FILE, TABLE_FILE, check_place, find_mask_sets
from mixednoise.noise.mask_levels import Level, check_level, check_radius_names, radius_of
from mixednoise.noise.mask_plan import MaskPlan, plan_masks
from mixednoise.noise.mask_tables import noise_rows, summary, untouched_rows
from mixednoise.noise.mask_values import named_values, nnunet_values
from mixednoise.noise.masks import corrupt_mask_recorded
from mixednoise.noise.result_folder import check_target, new_result
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.cases.formats import ending_of
from mixednoise.segmentation.cases.masks import read_values
from mixednoise.segmentation.cases.writing import encode


@dataclass(frozen=True)
class MaskCorruption:
    """What :func:`corrupt_masks` has made.

    Attributes:
        folder: the folder with the masks, ``corruption.csv`` and ``corruption.json``.
        table: the content of ``corruption.csv``: a row per mask and class.
        summary: the content of ``corruption.json``.
    """

    folder: Path
    table: pd.DataFrame
    summary: dict[str, Any]


def corrupt_masks(
    masks: Path | str | Sequence[Path | str],
    out: Path | str,
    *,
    alpha: float = 0.5,
    kind: MaskNoise = "mixed",
    radius: Radius | Mapping[str, Radius] | None = None,
    level: Level | None = None,
    classes: Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    label_values: Sequence[int] | None = None,
    ignore_value: int | None = None,
    on_empty: OnEmpty = "allow",
    volume: bool = False,
    seed: int = 0,
    workers: int | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
) -> MaskCorruption:
    """Put noise into a share of the masks; the originals are the truth and are never touched.

    ``floor(alpha * n)`` of the n masks are drawn, and each class of them gets noise of its own
    (section 3 of the method). Names, formats and the place of voxels stay; the values of changed
    masks are stored as uint8 where that holds them all. Masks that don't change are taken over byte
    for byte. Everything follows from ``seed`` and the sorted names.

    Args:
        masks: a folder of masks (binary or label maps, PNG, TIFF, BMP, npy, NIfTI); or one with a
            folder of masks per class, each of which is drawn from independently; or mask files.
        out: new or empty folder. It appears when everything is written, or not at all.
        alpha: share of the masks that get noise, 0..1.
        kind: see :func:`mixednoise.noise.masks.corrupt_mask`.
        radius: in pixels, or a range, or one of these per class name.
        level: instead of a radius: ``A`` or ``B``, presets for lung, heart and clavicle, in
            proportion to the masks' size.
        classes: names of the classes (or folders of classes) that get noise; None = all.
        class_names: the classes in the order of their values, background first. None: as an
            nnU-Net ``dataset.json`` beside the folder has them, else ``class_1``, ...; the only
            foreground of a folder is called as the folder is.
        label_values: the value of each class in the files; None: those that occur.
        ignore_value: of pixels that stay as they are.
        on_empty: ``allow`` that a structure vanishes (a warning tells), ``keep`` it as it was, or
            ``resample``.
        volume: balls in three dimensions instead of discs slice by slice.
        seed: one seed, one result.
        workers: threads, None = one per processor, at most 8.
        progress: bars and lines.
        overwrite: replace an earlier result in ``out``; other files there stay.

    Returns:
        Folder, table and summary.

    Raises:
        ConfigError: an option that can't be used.
        DataError: no masks, masks that can't be read, values that are no classes, noise in them
            already.
        RunError: ``out`` holds something, or can't be made.
        TrainingError: ``out`` can't be written.
    """
    progress = progress or Silent()
    out = Path(out).expanduser()
    _check_options(alpha, kind, on_empty, seed)
    check_level(radius, level)
    named = named_values(class_names, label_values, ignore_value)
    source: Path | list[Path]
    if isinstance(masks, str | Path):
        source = Path(masks).expanduser()
    else:
        source = [Path(mask).expanduser() for mask in masks]
    if class_names is None and ignore_value is None and isinstance(source, Path):
        named = named or nnunet_values(source)
    sets = find_mask_sets(source, classes)
    entries = sorted({(s.prefix or file.name).split("/")[0] for s in sets for file in s.files})
    names = [*entries, TABLE_FILE, SUMMARY_FILE]
    check_target(out, names, overwrite=overwrite, sources=[str(f) for s in sets for f in s.files])
    check_place(out, source, entries)

    plans = [
        plan_masks(
            *(mask_set, named, class_names, ignore_value, classes),
            *(alpha, seed, workers, progress),
        )
        for mask_set in sets
    ]
    check_radius_names([name for plan in plans for name in plan.class_names], radius, level)

    rows: list[dict[str, Any]] = []
    with new_result(out, names) as work:
        for plan in plans:
            folder = work / plan.mask_set.prefix
            folder.mkdir(exist_ok=True)

            def write(
                row: int, plan: MaskPlan = plan, folder: Path = folder
            ) -> list[dict[str, Any]]:
                rng = plan.generator(seed, row)
                return _write(plan, row, folder, rng, kind, radius, level, on_empty, volume)

            done = in_threads(
                write, range(len(plan.mask_set.files)), "writing masks", workers, progress
            )
            rows += [entry for of_mask in done for entry in of_mask]
        table = pd.DataFrame(rows)
        told = summary(
            source,
            table,
            {plan.mask_set.name: plan.meaning for plan in plans},
            {
                **{"alpha": alpha, "kind": kind, "radius": radius, "level": level, "seed": seed},
                **{"classes": classes, "on_empty": on_empty, "volume": volume},
            },
        )
        write_csv(work / TABLE_FILE, table)
        write_json(work / SUMMARY_FILE, told)
    _tell(table, on_empty, progress)
    return MaskCorruption(out, table, told)


def _write(
    plan: MaskPlan,
    row: int,
    folder: Path,
    rng: np.random.Generator,
    kind: MaskNoise,
    radius: Radius | Mapping[str, Radius] | None,
    level: Level | None,
    on_empty: OnEmpty,
    volume: bool,
) -> list[dict[str, Any]]:
    """Write one mask, changed or as it was; its rows of the table."""
    file, meaning = plan.mask_set.files[row], plan.meaning
    if row not in plan.chosen:
        take_over(file, folder / file.name, link=False)
        return untouched_rows(plan.mask_set, row, meaning, plan.labels, plan.counts[row])
    clean = meaning.to_index(read_values(file)[0])
    radii = {
        label: radius_of(name, clean.shape, radius, level)
        for label, name in zip(plan.labels, plan.class_names, strict=True)
    }
    noisy = corrupt_mask_recorded(
        clean, kind, radii, rng, classes=plan.labels, on_empty=on_empty, volume=volume
    )
    if (noisy.mask == clean).all():
        take_over(file, folder / file.name, link=False)
    else:
        data = encode(meaning.to_stored(noisy.mask), ending_of(file), file)
        (folder / file.name).write_bytes(data)
    return noise_rows(plan.mask_set, row, meaning, noisy.records)


def _check_options(alpha: float, kind: str, on_empty: str, seed: int) -> None:
    check_options(kind, on_empty)
    for name, value, good, expected in (
        ("alpha", alpha, 0.0 <= alpha <= 1.0, "a share from 0 (no mask) to 1 (all masks)"),
        (
            "seed",
            seed,
            isinstance(seed, int | np.integer) and seed >= 0,
            "a whole number from 0",
        ),
    ):
        if not good:
            raise ConfigError(
                f"{name} can't have this value",
                expected=expected,
                found=repr(value),
                fix=f"pass another --{name}",
            )


def _tell(table: pd.DataFrame, on_empty: OnEmpty, progress: Progress) -> None:
    """Warn of what a user would not expect: structures gone, kept, or not changed at all."""
    touched = table[table["touched"]]
    if touched.empty:
        progress.warning("no mask was touched: alpha times the number of masks is below 1")
    for name, rows in touched.groupby("class", sort=False):
        present = counted(int((rows["outcome"] != "absent").sum()), "touched mask")
        gone, kept, same = (
            int((rows["outcome"] == outcome).sum()) for outcome in ("emptied", "kept", "unchanged")
        )
        if gone:
            progress.warning(
                f"{name}: {gone:,} of {present} lost every pixel of it; --on-empty keep or "
                "resample prevents that, and so does a smaller radius"
            )
        if kept:
            progress.warning(
                f"{name}: {kept:,} of {present} kept it as it was, since the noise would have "
                f"deleted it (--on-empty {on_empty})"
            )
        if same:
            progress.warning(f"{name}: {same:,} of {present} gave this noise nothing to change")
