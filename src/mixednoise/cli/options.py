"""Options that several commands share, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

DATA = "Data"
MODEL = "Method and network"

ImageColumn = Annotated[
    str | None,
    typer.Option(help="Column with the image names.", rich_help_panel=DATA),
]
LabelColumn = Annotated[
    str | None, typer.Option(help="Column with the labels.", rich_help_panel=DATA)
]
SplitColumn = Annotated[
    str | None, typer.Option(help="Column with train, val, test.", rich_help_panel=DATA)
]
GroupColumn = Annotated[
    str | None,
    typer.Option(
        help="Column with the patient or lesion, which never crosses a split.",
        rich_help_panel=DATA,
    ),
]
QualityColumn = Annotated[
    str | None, typer.Option(help="Column with your own quality grade.", rich_help_panel=DATA)
]
ImageRoot = Annotated[
    Path | None,
    typer.Option(help="Folder of the images, if not beside the CSV.", rich_help_panel=DATA),
]
Layout = Annotated[
    str | None,
    typer.Option(
        help="kaggle_dr, eyeq, ddr, drtid, ham10000, medmnist; found out by default.",
        rich_help_panel=DATA,
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(help="The allowed labels, in order: normal,mild,severe.", rich_help_panel=DATA),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="No bars, no lines.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace earlier results.")]
Seed = Annotated[int, typer.Option(min=0, help="One seed, one result.")]


def reader_options(
    *,
    image_column: str | None,
    label_column: str | None,
    split_column: str | None,
    group_column: str | None,
    quality_column: str | None,
    image_root: Path | None,
    layout: str | None,
    classes: str | None,
) -> dict[str, Any]:
    """Arguments of :func:`mixednoise.read_dataset`."""
    return {
        "image_column": image_column,
        "label_column": label_column,
        "split_column": split_column,
        "group_column": group_column,
        "quality_column": quality_column,
        "image_root": image_root,
        "preset": layout,
        "class_names": None if classes is None else [c.strip() for c in classes.split(",")],
    }
