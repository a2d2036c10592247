"""The audit of masks: what a run of ``mixednoise segment train`` says of each of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.audit.folder import AuditFolder, Manifest, fingerprint_of
from mixednoise.audit.located import digest_of_files, files_of, located_images
from mixednoise.audit.pictures import quality_columns, quality_reasons
from mixednoise.data.report import counted
from mixednoise.data.unreadable import UnreadableImageError
from mixednoise.errors import RunError
from mixednoise.io import write_csv
from mixednoise.methods.assignments import chosen_options
from mixednoise.progress import Progress
from mixednoise.quality.assess import assess_each, assess_image
from mixednoise.quality.reasons import join_reasons, same_image
from mixednoise.segmentation.case_file import read_case_file
from mixednoise.segmentation.cases import CaseSet, read_image
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.image_errors import LOSS, WHOLE
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.segmentation.stages.judged import how_to_judge
from mixednoise.segmentation.write_errors import SUMMARY, TABLE
from mixednoise.workflow.run_folder import read_config

GIVEN, PROPOSED = "given mask", "proposed mask"
_FLAGGED = "flagged_"


class MaskSource:
    """A run past its error maps.

    Args:
        path: run folder.

    Attributes:
        run: the folder.
        record: ``config.yaml``.
        cases: all of them.
        errors: ``error_maps/images.csv``, in the order of the cases.
        folds: fold of each judged case, by name.

    Raises:
        RunError: no such run, damaged, or without error maps.
        DataError: its images have moved.
    """

    def __init__(self, path: Path) -> None:
        self.run = SegmentationRun(path)
        self.record = read_config(path, self.run.command)
        maps = path / "error_maps"
        lacking = [
            str(file.relative_to(path))
            for file in (maps / TABLE, maps / SUMMARY, self.run.folds)
            if not file.exists()
        ]
        if lacking:
            method = str(self.record.get("method")).rpartition("/")[2]
            raise RunError(
                f"{path} has no error maps",
                expected="a run of method confident that got past its error maps",
                found=f"method {method}, no {', '.join(lacking)}",
                fix=how_to_judge(method),
            )
        self.cases: CaseSet = read_case_file(self.run.case_file)
        errors = pd.read_csv(maps / TABLE, dtype={"name": str}, keep_default_na=False)
        folds = pd.read_csv(self.run.folds, dtype={"name": str}, keep_default_na=False)
        self.folds: Mapping[str, int] = dict(zip(folds["name"], folds["fold"], strict=True))
        place = {name: row for row, name in enumerate(self.cases.names)}
        order = errors["name"].map(place).sort_values(kind="stable").index
        self.errors = errors.loc[order].reset_index(drop=True)

    @property
    def is_flat(self) -> bool:
        """Pictures, no volumes: of a volume no slice speaks for all of it."""
        return bool(len(self.cases)) and read_image(self.cases.cases[0]).array.ndim == 3


def write_mask_audit(
    folder: AuditFolder, source: MaskSource, workers: int, progress: Progress
) -> tuple[Manifest, pd.DataFrame]:
    """Write tables of masks that were judged: ``audit.csv`` is not among them.

    Args:
        folder: to be filled.
        source: the run.
        workers: threads that measure image quality.
        progress: bars and lines.

    Returns:
        The manifest, not written, and the table.
    """
    table = mask_table(source)
    left = len(source.cases) - len(table)
    if left:
        progress.message(
            f"{counted(left, 'case')} of validation and test are not in the audit: nobody has "
            "judged their masks"
        )
    write_csv(folder.images, _image_table(source, table["id"].tolist(), progress))
    preset = str(source.record.get("preset", "default"))
    manifest = Manifest(
        kind="segmentation",
        data=str(source.run.path.absolute()),
        run=str(source.run.path.absolute()),
        method=str(source.record["method"]),
        classes=list(source.cases.class_names),
        preset=preset,
        options=chosen_options(SegmentationConfig.from_record(source.record["options"]), preset),
        folds=len(set(source.folds.values())),
        images=len(table),
        fingerprint=fingerprint_of(table, source.cases.class_names),
    )
    aside = source.run.set_aside
    told = pd.read_csv(aside, dtype=str, keep_default_na=False) if aside.exists() else None
    names = ["id", "path", "reason"]
    if told is not None and "name" in told:
        told = told.rename(columns={"name": "id"})
    write_csv(
        folder.set_aside,
        pd.DataFrame(columns=names) if told is None else told.reindex(columns=names, fill_value=""),
    )
    if source.is_flat:
        located = located_images(folder, manifest=manifest)
        quality = assess_each(
            located.ids,
            lambda row: assess_image(located.read(row)),
            workers=workers,
            progress=progress,
        )
        faults, _ = quality_reasons(quality)
        said = zip(table["reasons"], faults, map(same_image, quality["same_as"]), strict=True)
        reasons = list(map(join_reasons, said))
        table = pd.concat(
            [
                table.assign(reasons=pd.Series(reasons, dtype="string")),
                quality_columns(quality),
            ],
            axis=1,
        )
    return manifest, table


def mask_table(source: MaskSource) -> pd.DataFrame:
    """A row per judged mask, in the order of the cases.

    First the columns of any audit (:data:`~mixednoise.audit.table.COLUMNS`), then ``fold,
    suspected_pixels, suspected_share, regions, largest_region, worst_class``, and ``patient`` where
    cases have one. ``p_correct``, ``p_mis_h`` and ``group`` are known where masks were judged as a
    whole, ``loss`` (mean over pixels, nats) wherever that was asked for; nobody judges whether an
    image can be read (``p_mis_l``, ``entropy``).
    """
    errors, names = source.errors, source.cases.class_names
    by_class = errors[[f"{_FLAGGED}{name}" for name in names]].to_numpy(np.int64)
    pixels, share = errors["flagged_pixels"], errors["flagged_share"]
    suspected = (pixels > 0).to_numpy(bool)
    worst = np.where(suspected, np.array(names, object)[by_class.argmax(axis=1)], "")
    groups = {case.name: case.group for case in source.cases.cases}
    suggested = np.where(suspected, PROPOSED, GIVEN)
    p_wrong, loss = (
        pd.to_numeric(errors[name], errors="coerce").to_numpy(np.float64)
        if name in errors
        else np.full(len(errors), np.nan)
        for name in (WHOLE, LOSS)
    )
    kinds = np.where(p_wrong > 0.5, "mis_h", "correct")
    table = pd.DataFrame(
        {
            "id": errors["name"].astype("string"),
            "split": "train",
            "given_label": GIVEN,
            "suggested_label": suggested,
            "p_correct": 1 - p_wrong,
            "p_mis_h": p_wrong,
            "p_mis_l": np.nan,
            "loss": loss,
            "entropy": np.nan,
            "group": np.where(np.isnan(p_wrong), "", kinds),
            "is_label_issue": suspected,
            "label_quality": errors["quality"].astype(float),
            "predicted_label": suggested,
            "reasons": pd.Series(
                [_reason(row, name) for row, name in zip(_rows(errors), worst, strict=True)],
                dtype="string",
            ),
            "fold": [source.folds.get(name, -1) for name in errors["name"]],
            "suspected_pixels": pixels,
            "suspected_share": share,
            "regions": errors["components"],
            "largest_region": errors["largest_component"],
            "worst_class": worst,
        }
    )
    if any(group != name for name, group in groups.items()):
        table["patient"] = [groups[name] for name in errors["name"]]
    return table


def _rows(errors: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in errors.to_dict("records")]


def _reason(row: Mapping[str, Any], worst: str) -> str:
    """``812 pixels suspected (3.2 %) in 4 regions, ...; most of them drawn as heart``."""
    pixels, regions = int(row["flagged_pixels"]), int(row["components"])
    if not pixels:
        return ""
    where = (
        f"in {regions:,} regions, the largest of {counted(int(row['largest_component']), 'pixel')}"
        if regions > 1
        else "in one region"
    )
    return (
        f"{counted(pixels, 'pixel')} suspected ({100 * float(row['flagged_share']):.1f} %) {where}"
        f"; most of them drawn as {worst}" + _as_a_whole(row)
    )


def _as_a_whole(row: Mapping[str, Any]) -> str:
    """``; wrong as a whole with probability 0.98``, where that was judged."""
    p_wrong = float(row.get(WHOLE) or "nan")
    return f"; wrong as a whole with probability {p_wrong:.2f}" if p_wrong > 0.5 else ""


def _image_table(source: MaskSource, names: list[str], progress: Progress) -> pd.DataFrame:
    """``images.csv``: the image's first file, and the content of image and mask."""
    rows = []
    cases = {case.name: case for case in source.cases.cases}
    for name in progress.track(names, "reading files", total=len(names)):
        case = cases[name]
        try:
            digest, size = digest_of_files(files_of(case))
        except UnreadableImageError:
            digest, size = "", 0
        path = str(case.images[0].absolute())
        rows.append({"id": name, "path": path, "array_index": -1, "bytes": size, "digest": digest})
    return pd.DataFrame(rows, columns=["id", "path", "array_index", "bytes", "digest"])
