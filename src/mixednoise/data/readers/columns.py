"""Which column of a table is the image, the label, the split, the patient, the quality, ..."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mixednoise.data.class_names import is_blank, nearest
from mixednoise.data.readers.options import ReadOptions
from mixednoise.data.readers.table_file import TextTable
from mixednoise.data.table import GROUPS
from mixednoise.errors import DataError

#: Names that are recognised (in any letter case), the more telling ones first.
COMMON_NAMES: dict[str, tuple[str, ...]] = {
    "image": (
        "image",
        "image_id",
        "id_code",
        "filename",
        "file_name",
        "image_name",
        "image_path",
        "filepath",
        "file",
        "path",
    ),
    "label": (
        "label",
        "level",
        "diagnosis",
        "dx",
        "dr_grade",
        "grade",
        "class",
        "target",
        "given_label",
    ),
    "split": ("split",),
    "group": ("patient", "patient_id", "group", "lesion_id", "subject", "subject_id"),
    "quality": ("quality", "eyeq_quality", "image_quality"),
    "true_label": ("true_label",),
    "noise_group": ("noise_group",),
    # Only where it is named: a column "weight" of a hospital is in kilograms.
    "weight": (),
}


@dataclass(frozen=True)
class Columns:
    """The column that holds each part, None where there is none."""

    image: str
    label: str
    split: str | None
    group: str | None
    quality: str | None
    true_label: str | None
    noise_group: str | None
    weight: str | None


def find_columns(
    table: TextTable, options: ReadOptions, preset_names: Mapping[str, tuple[str, ...]]
) -> Columns:
    """Choose the columns: those that the user names, else the preset's, else the common ones.

    Raises:
        DataError: a named column is not there, or no column looks like the image or the label.
    """

    def choose(part: str) -> str | None:
        return _choose(table, options, part, preset_names.get(part, ()))

    image, label = choose("image"), choose("label")
    if image is None or label is None:
        parts = [part for part, found in (("image", image), ("label", label)) if found is None]
        raise _not_recognised(table, parts)
    return Columns(
        image,
        label,
        choose("split"),
        choose("group"),
        choose("quality"),
        choose("true_label"),
        choose("noise_group"),
        choose("weight"),
    )


def find_image_column(table: TextTable, options: ReadOptions) -> str:
    """The column of the image alone, for tables without labels.

    Raises:
        DataError: the named column is not there, or no column looks like the image.
    """
    image = _choose(table, options, "image", ())
    if image is None:
        raise _not_recognised(table, ["image"])
    return image


def _choose(
    table: TextTable, options: ReadOptions, part: str, preset_names: tuple[str, ...]
) -> str | None:
    named: str | None = getattr(options, f"{part}_column", None)
    if named is not None:
        return _named(table, part, named)
    for name in (*preset_names, *COMMON_NAMES[part]):
        column = table.find_column(name)
        if column is not None and not (part == "group" and _is_verdict(table, column)):
            return column
    return None


def _not_recognised(table: TextTable, parts: list[str]) -> DataError:
    return DataError(
        f"no column of {table.files[0]} looks like the {' or the '.join(parts)}",
        expected="; ".join(f"for the {part}: {', '.join(COMMON_NAMES[part])}" for part in parts),
        found=f"columns {', '.join(table.columns)}",
        fix="name it with " + " and ".join(f"--{part}-column" for part in parts),
    )


def _named(table: TextTable, part: str, name: str) -> str:
    if name in table.columns:
        return name
    near = nearest(name, table.columns)
    raise DataError(
        f"{table.files[0]} has no column {name!r}",
        expected=f"the column that holds the {part}",
        found=f"columns {', '.join(table.columns)}",
        fix=f"did you mean {near!r}?" if near else f"name one of these with --{part}-column",
    )


def _is_verdict(table: TextTable, column: str) -> bool:
    """Whether a column ``group`` is an audit's verdict (correct, mis_h, mis_l), no patient."""
    return all(cell in GROUPS for cell in set(table.columns[column]) if not is_blank(cell))
