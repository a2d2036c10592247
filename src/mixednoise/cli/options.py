"""Options that several commands share, once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

DATA = "Data"
MODEL = "Method and network"
TRAINING = "Training"
MACHINE = "Machine"

ImageColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column of a table with the image names; common names are recognised.",
        rich_help_panel=DATA,
    ),
]
LabelColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column with the labels; common names are recognised.",
        rich_help_panel=DATA,
    ),
]
SplitColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column with train, val, test; `split` is recognised.",
        rich_help_panel=DATA,
    ),
]
GroupColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column with the patient or lesion, which never crosses a split.",
        rich_help_panel=DATA,
    ),
]
QualityColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column with your own quality grade; carried along, never learned from.",
        rich_help_panel=DATA,
    ),
]
ImageRoot = Annotated[
    Path | None,
    typer.Option(
        metavar="FOLDER",
        help="Where the images are, if neither beside the table nor in images/ beside it.",
        rich_help_panel=DATA,
    ),
]
Layout = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="kaggle_dr, eyeq, ddr, drtid, ham10000 or medmnist; recognised by default.",
        rich_help_panel=DATA,
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...",
        help="The classes, in order: normal,mild,severe. Any other label is an error then.",
        rich_help_panel=DATA,
    ),
]
Ordinal = Annotated[
    bool | None,
    typer.Option(
        "--ordinal/--nominal",
        help="Whether the classes are grades in order: then the best epoch is chosen by QWK. "
        "Default: for consecutive integers and known sets of grades.",
        rich_help_panel=DATA,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no bars, lines and warnings.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in --out.")]
Seed = Annotated[
    int, typer.Option(metavar="N", min=0, help="Of everything random: one seed, one result.")
]


def reader_options(
    *,
    image_column: str | None,
    label_column: str | None,
    split_column: str | None,
    group_column: str | None,
    quality_column: str | None,
    image_root: Path | None,
    layout: str | None,
) -> dict[str, Any]:
    """Arguments that :func:`mixednoise.read_dataset` and reading for a model share."""
    return {
        "image_column": image_column,
        "label_column": label_column,
        "split_column": split_column,
        "group_column": group_column,
        "quality_column": quality_column,
        "image_root": image_root,
        "preset": layout,
    }


def class_names(classes: str | None) -> list[str] | None:
    """The names in ``--classes``."""
    return None if classes is None else [name.strip() for name in classes.split(",")]
