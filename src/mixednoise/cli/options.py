"""Options that several commands share, once."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
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
WeightColumn = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Column with sample weights: 2 = learned from twice per epoch, 0.3 = in three epochs "
        "of ten, 0 = never. Default: every image once.",
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
        help="kaggle_dr, eyeq, ddr, drtid, ham10000, isic2019 or medmnist; recognised by default.",
        rich_help_panel=DATA,
    ),
]
Classes = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...",
        help="The classes, in order: normal,mild,severe. Any other label is an error then. A "
        "name with a comma stands in double quotes: '\"dry, AMD\",normal'.",
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
Take = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Use about N images, for a first try: whole patients, of every split its share.",
        rich_help_panel=DATA,
    ),
]
TakePerClass = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        min=1,
        help="Use at most about N images of every class: whole patients, of every split its share.",
        rich_help_panel=DATA,
    ),
]
RunFolder = Annotated[
    Path, typer.Option(metavar="RUN", help="New folder for everything it leaves.")
]
Device = Annotated[str, typer.Option(metavar="NAME", help="auto, cpu, cuda, cuda:1 or mps.")]
TrainingDevice = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="auto, cpu, cuda, cuda:1 or mps. Default: auto.",
        rich_help_panel=MACHINE,
    ),
]
Threads = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="CPU threads of the networks. Default: torch's choice.",
        rich_help_panel=MACHINE,
    ),
]
Workers = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Threads that measure image quality. Default: one per core, at most 8.",
        rich_help_panel=MACHINE,
    ),
]
Quiet = Annotated[bool, typer.Option("--quiet", help="Show no bars, lines and warnings.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace earlier results in --out.")]
Seed = Annotated[
    int, typer.Option(metavar="N", min=0, help="Of everything random: one seed, one result.")
]

DECISIONS = "Which decisions"
Prefer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Who decides where reviewers differ. Default: nobody, such samples stay.",
        rich_help_panel=DECISIONS,
    ),
]
IncludeTest = Annotated[
    bool,
    typer.Option(
        "--include-test",
        help="Change samples of the test split, too.",
        rich_help_panel=DECISIONS,
    ),
]
AllowNewClass = Annotated[
    bool,
    typer.Option(
        "--allow-new-class",
        help="Take labels that are no class of the audit.",
        rich_help_panel=DECISIONS,
    ),
]
NNUNET = "With --to nnunet"
DatasetNumber = Annotated[
    int | None,
    typer.Option(
        metavar="N", help="Of the data set, 1 to 999. Default: 1.", rich_help_panel=NNUNET
    ),
]
DatasetName = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Of the data set. Default: Corrected.", rich_help_panel=NNUNET
    ),
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
    "weight_column": WeightColumn,
    "image_root": ImageRoot,
    "layout": Layout,
}


Command = Callable[..., None]


def with_shared(
    parameter: str, options: Mapping[str, Any], gather: Callable[[dict[str, Any]], Any] = dict
) -> Callable[[Command], Command]:
    """Put options that several commands share in the place of one parameter of a command.

    The parser sees the options one by one, all without a value; the command gets them together.

    Args:
        parameter: of the command, whose place they take.
        options: name -> annotated type.
        gather: makes of ``{name: value}`` what the command gets.
    """

    def decorate(command: Command) -> Command:
        @functools.wraps(command)
        def wrapped(**given: Any) -> None:
            values = {name: given.pop(name) for name in options}
            command(**{parameter: gather(values)}, **given)

        signature = inspect.signature(command, eval_str=True)
        parameters: list[inspect.Parameter] = []
        for own in signature.parameters.values():
            parameters += (
                [
                    own.replace(name=name, annotation=kind, default=None)
                    for name, kind in options.items()
                ]
                if own.name == parameter
                else [own]
            )
        wrapped.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapped

    return decorate


def _reader(values: dict[str, Any]) -> Reader:
    layout = values.pop("layout")
    return values | {"preset": layout}


#: The options of a reader in the place of the parameter ``reader``: a :data:`Reader`.
with_reader_options = with_shared("reader", _READER_OPTIONS, _reader)

#: The same where nothing is learned: weights would do nothing.
with_looking_options = with_shared(
    "reader",
    {name: kind for name, kind in _READER_OPTIONS.items() if name != "weight_column"},
    _reader,
)


def class_names(classes: str | None) -> list[str] | None:
    """The names in ``--classes``."""
    from mixednoise.data.class_list import split_names

    return None if classes is None else split_names(classes)
