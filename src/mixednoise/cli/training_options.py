"""Options of training that several commands share; those that are not given keep their default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mixednoise.cli import options as o

#: Options of a method: arguments of :class:`mixednoise.QMix` and the others.
Training = dict[str, Any]
AS_METHOD: Training = {}

_TRAINING: dict[str, Any] = {
    "backbone": Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="resnet18, resnet34, resnet50, densenet121, efficientnet_b0, resnet18_slim, "
            "resnet10_tiny or timm:NAME. Default: resnet18; resnet18_slim on a CPU.",
            rich_help_panel=o.MODEL,
        ),
    ],
    "pretrained": Annotated[
        bool | None,
        typer.Option(
            "--pretrained",
            help="Start from published ImageNet weights (a download).",
            rich_help_panel=o.MODEL,
        ),
    ],
    "weights": Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Start from the weights in this file: .safetensors, .pt or .pth.",
            rich_help_panel=o.MODEL,
        ),
    ],
    "image_size": Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Side of the square input in pixels, 16 to 2048. Default: the images' own, up to "
            "224; up to 64 on a CPU.",
            rich_help_panel=o.MODEL,
        ),
    ],
    "crop": Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="none, or field_of_view: cut the black border of fundus images. Default: none.",
            rich_help_panel=o.MODEL,
        ),
    ],
    "epochs": Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Passes over the training images. Default: 30.",
            rich_help_panel=o.TRAINING,
        ),
    ],
    "warmup_epochs": Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Of these, epochs in which every label is learned, before qmix, sscl or "
            "dividemix starts to sort the samples. Default: 8. In short trainings half of them.",
            rich_help_panel=o.TRAINING,
        ),
    ],
    "batch_size": Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Images per step, 2 or more. Default: 32.", rich_help_panel=o.TRAINING
        ),
    ],
    "lr": Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Highest learning rate; it rises during the first epoch and falls to 0. "
            "Default: 0.001.",
            rich_help_panel=o.TRAINING,
        ),
    ],
    "set_": Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other option of the method (docs/options.md); may be repeated.",
            rich_help_panel=o.TRAINING,
        ),
    ],
    "device": o.TrainingDevice,
    "precision": Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="auto, 32 or bf16. Default: auto, bf16 where the processor computes in it.",
            rich_help_panel=o.MACHINE,
        ),
    ],
    "threads": o.Threads,
}


def _training(values: dict[str, Any]) -> Training:
    from mixednoise.methods.assignments import parse_assignments

    assignments = values.pop("set_")
    given = {name: value for name, value in values.items() if value is not None}
    return given | parse_assignments(assignments or [])


#: The options of training in the place of the parameter ``training``: a :data:`Training`.
with_training_options = o.with_shared("training", _TRAINING, _training)
