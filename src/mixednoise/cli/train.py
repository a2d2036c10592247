"""``mixednoise train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o
from mixednoise.cli.guard import tells_how_to_go_on


@o.with_reader_options
def train(
    data: Annotated[
        Path,
        typer.Argument(
            metavar="DATA", help="Folder per class, CSV or TSV with a header, or MedMNIST .npz."
        ),
    ],
    out: o.RunFolder,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="qmix, sscl, cross_entropy (a pair of networks) or cross_entropy_single.",
            rich_help_panel=o.MODEL,
        ),
    ] = "qmix",
    preset: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="Settings to start from: default, or paper (qmix and sscl as published).",
            rich_help_panel=o.MODEL,
        ),
    ] = "default",
    backbone: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="resnet18, resnet34, resnet50, densenet121, efficientnet_b0, resnet18_slim, "
            "resnet10_tiny or timm:NAME. Default: resnet18; resnet18_slim on a CPU.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    pretrained: Annotated[
        bool,
        typer.Option(
            "--pretrained",
            help="Start from published ImageNet weights (a download).",
            rich_help_panel=o.MODEL,
        ),
    ] = False,
    weights: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Start from the weights in this file: .safetensors, .pt or .pth.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Side of the square input in pixels, 16 to 2048. Default: the images' own, up to "
            "224; up to 64 on a CPU.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(
            metavar="HOW",
            help="none, or field_of_view: cut the black border of fundus images. Default: none.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Passes over the training images. Default: 30.",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    warmup_epochs: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Of these, epochs in which every label is learned, before qmix or sscl starts to "
            "sort the samples. Default: 8.",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    batch_size: Annotated[
        int | None,
        typer.Option(
            metavar="N", help="Images per step, 2 or more. Default: 32.", rich_help_panel=o.TRAINING
        ),
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="Highest learning rate; it rises during the first epoch and falls to 0. "
            "Default: 0.001.",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other option of the method (docs/options.md); may be repeated.",
            rich_help_panel=o.TRAINING,
        ),
    ] = None,
    device: o.TrainingDevice = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="auto, 32 or bf16. Default: auto, bf16 where the processor computes in it.",
            rich_help_panel=o.MACHINE,
        ),
    ] = None,
    threads: o.Threads = None,
    reader: o.Reader = o.AS_FOUND,
    classes: o.Classes = None,
    ordinal: o.Ordinal = None,
    seed: o.Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interrupted run in RUN.")
    ] = False,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Train a classifier that survives wrong labels and unreadable images.

    Leaves in RUN: model.safetensors, config.yaml, history.csv (a row per epoch), samples.csv (the
    verdict per sample), metrics.json, set_aside.csv (what could not be used, and why), plots/,
    checkpoints/.

    Data without splits is split 70/10/20, by class and patient; data without a validation part
    gives an eighth of its training part for it.

    [bold]Example:[/] mixednoise train labels.csv --out runs/first --group-column patient
    """
    from mixednoise.cli.show import answer, metrics_table
    from mixednoise.data.readers import read_dataset
    from mixednoise.estimator import estimator_named
    from mixednoise.methods.config import parse_assignments
    from mixednoise.progress import default_progress

    given = {
        "backbone": backbone,
        "image_size": image_size,
        "crop": crop,
        "epochs": epochs,
        "warmup_epochs": warmup_epochs,
        "batch_size": batch_size,
        "lr": lr,
        "pretrained": pretrained or None,
        "weights": weights,
        "device": device,
        "precision": precision,
        "threads": threads,
        "seed": seed,
    }
    options = {name: value for name, value in given.items() if value is not None}
    options |= parse_assignments(set_ or [])
    # Options first: a typo there must not wait for the images to be decoded.
    model = estimator_named(method)(preset=preset, **options)
    dataset = read_dataset(
        data,
        **reader,
        class_names=o.class_names(classes),
        ordinal=ordinal,
    )
    progress = default_progress(quiet)
    with tells_how_to_go_on(out, lambda: hasattr(model, "config_")):
        model.fit(dataset, out=out, resume=resume, overwrite=overwrite, progress=progress)
    answer(
        model.metrics_,
        [metrics_table({method: model.metrics_})],
        as_json=as_json,
    )
    progress.message(f"run folder: {out}  (pictures in {out / 'plots'}, verdicts in samples.csv)")
