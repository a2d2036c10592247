"""Public data sets whose tables are known: their columns, grades and patients."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from mixednoise.data.class_names import canonical, is_blank
from mixednoise.data.readers.columns import COMMON_NAMES
from mixednoise.data.readers.one_hot import CLASS_COLUMN
from mixednoise.data.readers.options import ReadOptions
from mixednoise.data.readers.table_file import TextTable
from mixednoise.data.table import Split
from mixednoise.errors import DataError

DR_GRADES = ("0", "1", "2", "3", "4")
EYEQ_QUALITY = {"0": "good", "1": "usable", "2": "reject"}


@dataclass(frozen=True)
class Preset:
    """What is known about the table of one public data set.

    Attributes:
        name: as in ``preset=``.
        parts: the column of each part, by lower-case names in order of preference.
        needed: sets of parts, one of which a table must have to be this one.
        only: no other columns may be there, when it is recognised by itself.
        grades: the labels that can occur, None = any.
        quality: names of the quality codes.
        patient: pattern whose first group is the patient, in the image value.
        folders: further folders, beside the table or up to two levels higher, that hold images.
        splits: the split of a file, by a piece of its name; other files are ignored in a folder.
        one_hot: the parts that are columns of one class each, with a 1 in one of them.
        companions: lesions and splits may stand in files near the table.
    """

    name: str
    parts: Mapping[str, tuple[str, ...]]
    needed: tuple[tuple[str, ...], ...]
    only: bool = False
    grades: tuple[str, ...] | None = None
    quality: Mapping[str, str] = field(default_factory=dict)
    patient: str | None = None
    folders: tuple[str, ...] = ()
    splits: tuple[tuple[str, Split], ...] = ()
    one_hot: tuple[str, ...] = ()
    companions: bool = False

    def column(self, table: TextTable, part: str) -> str | None:
        """The table's column for a part, by this preset's names alone."""
        found = (table.find_column(name) for name in self.parts.get(part, ()))
        return next((column for column in found if column is not None), None)

    def recognises(self, table: TextTable) -> bool:
        """Whether a table looks like this data set's."""
        complete = [
            parts for parts in self.needed if all(self.column(table, part) for part in parts)
        ]
        if self.one_hot and any(map(table.find_column, COMMON_NAMES["label"])):
            return False  # somebody has made a label of these columns: it counts, they don't
        if not complete or not self.only or self.grades is None:
            return bool(complete)
        # Two columns of common names tell little: the labels have to look right as well.
        cells = set(table.columns[self.column(table, "label") or ""])
        labels = {canonical(cell) for cell in cells if not is_blank(cell)}
        known = labels & set(self.grades)
        return len(table.columns) == len(complete[0]) and 2 * len(known) > len(labels)

    def class_columns(self, table: TextTable) -> tuple[str, ...]:
        """The table's columns of one class each, as the table spells them."""
        found = (self.column(table, part) for part in self.one_hot)
        return tuple(column for column in found if column is not None)

    def patients(self, images: list[str]) -> list[str] | None:
        """The patient of each image, where every image value tells one."""
        if self.patient is None:
            return None
        matches = [re.fullmatch(self.patient, image) for image in images if image]
        if not matches or not all(matches):
            return None
        patients = iter([match.group(1) for match in matches if match])
        return [next(patients) if image else "" for image in images]


# EyePACS names its images 10_left.jpeg and 10_right.jpeg: two eyes of patient 10.
_EYEPACS_PATIENT = r"(?:.*/)?(\d+)_(?:left|right)(?:\.\w+)?"

_ISIC_IMAGES = (
    "ISIC_2019_Training_Input",
    "ISIC_2019_Test_Input",
    "ISIC2018_Task3_Training_Input",
    "ISIC2018_Task3_Validation_Input",
    "ISIC2018_Task3_Test_Input",
)
ISIC = Preset(
    "isic2019",
    {
        "image": ("image",),
        "label": (CLASS_COLUMN,),
        "ak": ("ak", "akiec"),
        **{name: (name,) for name in ("mel", "nv", "bcc", "bkl", "df", "vasc", "scc", "unk")},
    },
    needed=(("image", "mel", "nv", "bcc", "ak", "bkl", "df", "vasc"),),
    # Unpacking an archive into a folder of its name makes that folder twice.
    folders=(*_ISIC_IMAGES, *(f"{name}/{name}" for name in _ISIC_IMAGES)),
    one_hot=("mel", "nv", "bcc", "ak", "bkl", "df", "vasc", "scc", "unk"),
    companions=True,
)

TABLE_PRESETS = (
    ISIC,
    Preset(
        "eyeq",
        {
            "image": ("image",),
            "label": ("dr_grade",),
            "quality": ("quality", "eyeq_quality"),
        },
        needed=(("image", "label", "quality"),),
        grades=DR_GRADES,
        quality=EYEQ_QUALITY,
        patient=_EYEPACS_PATIENT,
        folders=("train", "test"),
        splits=(("eyeq_train", "train"), ("eyeq_test", "test")),
    ),
    Preset(
        "drtid",
        {
            "image": ("image",),
            "label": ("grade",),
            "true_label": ("grade_gt",),
            "group": ("patient", "patient_id", "id"),
            "macula": ("macula",),
            "disc": ("optic disc",),
        },
        needed=(("label", "true_label"), ("label", "macula", "disc")),
        grades=DR_GRADES,
        folders=("Original Images",),
        splits=(("dr_grade_training", "train"), ("dr_grade_testing", "test")),
    ),
    Preset(
        "ham10000",
        {"image": ("image_id",), "label": ("dx",), "group": ("lesion_id",)},
        needed=(("image", "label", "group"),),
        folders=("HAM10000_images_part_1", "HAM10000_images_part_2"),
    ),
    Preset(
        "kaggle_dr",
        {"image": ("image",), "label": ("level",)},
        needed=(("image", "label"),),
        only=True,
        grades=DR_GRADES,
        patient=_EYEPACS_PATIENT,
        folders=("train",),
    ),
)


def choose_preset(table: TextTable, options: ReadOptions) -> Preset | None:
    """The preset that the user names, or the one that the columns tell.

    Raises:
        DataError: the table lacks a column that the named preset needs.
    """
    if options.preset is None:
        return next((preset for preset in TABLE_PRESETS if preset.recognises(table)), None)
    preset = next(preset for preset in TABLE_PRESETS if preset.name == options.preset)
    there = {
        part
        for part in preset.parts
        if preset.column(table, part) or getattr(options, f"{part}_column", None)
    }
    if not any(there.issuperset(parts) for parts in preset.needed):
        columns = " or ".join(
            ",".join(preset.parts[part][0] for part in parts) for parts in preset.needed
        )
        raise DataError(
            f"{table.files[0]} is not a table of the preset {preset.name}",
            expected=f"the columns {columns}",
            found=f"the columns {','.join(table.columns)}",
            fix="leave the preset out, and name the columns with --image-column, --label-column",
        )
    return preset
