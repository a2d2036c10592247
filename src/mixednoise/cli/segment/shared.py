"""Options that several segment commands share: where cases are, and how networks learn."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mixednoise.cli import options as o

if TYPE_CHECKING:
    from mixednoise.jobs.segment_cases import CaseSource

    Source = CaseSource
else:
    Source = Any  # signatures are looked at when the command line starts; jobs are heavy

ERRORS = "Error maps"


def _text(metavar: str, help_: str, panel: str) -> Any:
    return Annotated[str | None, typer.Option(metavar=metavar, help=help_, rich_help_panel=panel)]


def _folders(help_: str) -> Any:
    return Annotated[
        list[Path] | None, typer.Option(metavar="FOLDER", help=help_, rich_help_panel=o.DATA)
    ]


def _path(metavar: str, help_: str) -> Any:
    return Annotated[Path | None, typer.Option(metavar=metavar, help=help_, rich_help_panel=o.DATA)]


def _whole(help_: str, panel: str) -> Any:
    return Annotated[int | None, typer.Option(metavar="N", help=help_, rich_help_panel=panel)]


def _real(help_: str, panel: str) -> Any:
    return Annotated[float | None, typer.Option(metavar="X", help=help_, rich_help_panel=panel)]


ClassNames = Annotated[
    str | None,
    typer.Option(
        metavar="A,B,...",
        help="All classes in the order of their values, the background first.",
        rich_help_panel=o.DATA,
    ),
]
IgnoreValue = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        help="Value of pixels that nobody has labelled, often 255.",
        rich_help_panel=o.DATA,
    ),
]
Weights = Annotated[
    str, typer.Option(metavar="WHICH", help="The network of the last epoch, or of the best one.")
]

_CASES: dict[str, Any] = {
    "images": _folders(
        "Images (PNG, JPEG, TIFF, BMP, npy, NIfTI); several folders = one per channel."
    ),
    "masks": _folders(
        "Masks of the same names: label maps, or a folder of folders, one per class. Given "
        "several times: one folder per class, later ones cover earlier ones."
    ),
    "truth": _folders("Masks known to be right, laid out alike; for figures alone."),
    "nnunet": _path("FOLDER", "Instead of images and masks: DatasetXXX_NAME of nnU-Net (v2)."),
    "split_folders": _path(
        "FOLDER",
        "Holds a folder per split (train, test, ...); --images and --masks then name the folders "
        "inside of each. Default: images and masks.",
    ),
    "groups": _text(
        "FILE",
        "CSV with the patient of each image, who never crosses folds and splits; or the word "
        "folder: one sub-folder of images per patient.",
        o.DATA,
    ),
    "group_column": _text("NAME", "Its column with the patient; usual names are known.", o.DATA),
    "splits": _path("FILE", "CSV with train, val or test for each image."),
    "split_column": _text("NAME", "Its column with the split; usual names are known.", o.DATA),
    "name_column": _text("NAME", "Column of these files with the image's name.", o.DATA),
    "class_names": ClassNames,
    "label_values": _text(
        "N,N,...", "The value of each class in label maps. Default: those that occur.", o.DATA
    ),
    "ignore_value": IgnoreValue,
}


def _case_source(values: dict[str, Any]) -> Source:
    from mixednoise.jobs.segment_cases import CaseSource

    for name in ("images", "masks", "truth"):
        values[name] = tuple(values.get(name) or ())
    values["class_names"] = o.class_names(values["class_names"])
    values["label_values"] = _numbers(values["label_values"])
    return CaseSource(**values)


#: Where images and masks are, in the place of the parameter ``source``: a
#: :class:`~mixednoise.jobs.segment_cases.CaseSource`.
with_case_options = o.with_shared("source", _CASES, _case_source)

#: The same where the masks themselves are what is known to be right.
with_reference_options = o.with_shared(
    "source", {name: kind for name, kind in _CASES.items() if name != "truth"}, _case_source
)


#: Options of learning, all without a default: those of the preset hold (docs/options.md).
Learning = dict[str, Any]
AS_PRESET: Learning = {}
_LEARNING: dict[str, Any] = {
    "preset": _text(
        "NAME",
        "Settings to start from: default, or paper (as published: 1,001 epochs at 256 pixels).",
        o.MODEL,
    ),
    "network": _text(
        "NAME",
        "residual_unet, residual_unet_slim, residual_unet_paper, unet, segresnet or "
        "flexible_unet. Default: residual_unet; residual_unet_slim on a CPU.",
        o.MODEL,
    ),
    "spatial_dims": _whole(
        "2: volumes slice by slice; 3: volumes as they are. Default: 2.", o.MODEL
    ),
    "image_size": _whole(
        "Longest side at which images are seen; masks and error maps keep their size. Default: "
        "their own, up to 512; up to 128 on a CPU.",
        o.MODEL,
    ),
    "patch_size": _whole(
        "Side of the window that is learned from. Default: the image, up to 256.", o.MODEL
    ),
    "loss": _text("NAME", "ce, or dice_ce (with Dice). Default: ce.", o.MODEL),
    "epochs": _whole("Passes over the training images. Default: 60.", o.TRAINING),
    "teacher_epochs": _whole(
        "Of each teacher. Default: as many steps as the student's.", o.TRAINING
    ),
    "batch_size": _whole("Windows per step. Default: 8.", o.TRAINING),
    "lr": _real("Highest learning rate. Default: 0.001.", o.TRAINING),
    "val_fraction": _real(
        "Share of the cases for validation, where the data names none. Default: 0.", o.TRAINING
    ),
    "test_fraction": _real(
        "Share of the cases for testing, where the data names none. Default: 0.", o.TRAINING
    ),
    "set_": Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other option (docs/options.md); may be repeated.",
            rich_help_panel=o.TRAINING,
        ),
    ],
    "folds": _whole("Teachers; 5 finds more than 2 and costs more. Default: 2.", ERRORS),
    "rounds": _text(
        "N",
        "2 = teachers again, on corrected masks; auto = 2 where masks are found to be wrong as a "
        "whole, else 1. Default: auto.",
        ERRORS,
    ),
    "rule": _text(
        "RULE",
        "whole_masks (all that teachers disagree with, in masks that disagree as a whole; where "
        "masks are of one kind, Q), C, Q, PBNR, both, intersection, union or argmax. Default: "
        "whole_masks.",
        ERRORS,
    ),
    "band": _text(
        "X",
        "Thresholds of their own within so many pixels of a boundary; auto = as the size of the "
        "structures has it, or none. Default: auto.",
        ERRORS,
    ),
    "calibrate": _text(
        "NAME",
        "What is fitted before a teacher judges: temperature (how sure it is), shares (each class "
        "as often the most probable one as it is in the masks), auto (shares where teachers "
        "overlook a class) or none. Default: auto.",
        ERRORS,
    ),
    "corrections": _text(
        "NAME",
        "always: the student learns from corrected masks; proven: only if teachers that learn "
        "from them agree better with masks that they never saw. Default: always.",
        ERRORS,
    ),
    "targets": _text(
        "NAME",
        "What the student learns from suspected pixels: slsr (smoothed), soft, hard (corrected), "
        "ignore, weight or noisy (as given). Default: slsr.",
        ERRORS,
    ),
    "epsilon": _real("Strength of slsr, soft and weight, 0 to 1. Default: 0.8.", ERRORS),
    "device": o.TrainingDevice,
    "precision": _text("NAME", "auto, 32 or bf16. Default: auto.", o.MACHINE),
    "threads": o.Threads,
}


def _learning(values: dict[str, Any]) -> Learning:
    from mixednoise.methods.assignments import parse_assignments

    more = parse_assignments(values.pop("set_") or [])
    return {name: value for name, value in values.items() if value is not None} | more


#: Options of learning in the place of the parameter ``learning``: those that were given.
with_learning_options = o.with_shared("learning", _LEARNING, _learning)


def _numbers(text: str | None) -> tuple[int, ...] | None:
    """``0,1,255``."""
    from mixednoise.errors import ConfigError

    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise ConfigError(
            f"--label-values {text} can't be read",
            expected="whole numbers with commas between them: 0,1,255",
            found=repr(text),
            fix="give the value of each class, in the order of the class names",
        ) from None
