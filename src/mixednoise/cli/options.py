"""Options that several commands share, once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
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


#: What a reader is told of a table: arguments of :func:`mixednoise.read_dataset`.
Reader = dict[str, Any]
AS_FOUND: Reader = {}
_READER_OPTIONS: dict[str, Any] = {
    "image_column": ImageColumn,
    "label_column": LabelColumn,
    "split_column": SplitColumn,
    "group_column": GroupColumn,
    "quality_column": QualityColumn,
    "image_root": ImageRoot,
    "layout": Layout,
}


def with_reader_options(command: Callable[..., None]) -> Callable[..., None]:
    """Put the options of a reader, all without a value, in the place of the parameter ``reader``.

    The parser sees the options one by one; the command gets them as :data:`Reader`.
    """

    @functools.wraps(command)
    def wrapped(**given: Any) -> None:
        reader = {name: given.pop(name) for name in _READER_OPTIONS}
        reader["preset"] = reader.pop("layout")
        command(reader=reader, **given)

    signature = inspect.signature(command, eval_str=True)
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        parameters += (
            [
                parameter.replace(name=name, annotation=kind, default=None)
                for name, kind in _READER_OPTIONS.items()
            ]
            if parameter.name == "reader"
            else [parameter]
        )
    wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapped


def class_names(classes: str | None) -> list[str] | None:
    """The names in ``--classes``."""
    return None if classes is None else [name.strip() for name in classes.split(",")]
