"""``mixednoise train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o


def train(
    data: Annotated[Path, typer.Argument(help="Folder per class, CSV/TSV with a header, or .npz.")],
    out: Annotated[Path, typer.Option(help="Run folder.")],
    method: Annotated[
        str,
        typer.Option(help="qmix, cross_entropy, cross_entropy_single.", rich_help_panel=o.MODEL),
    ] = "qmix",
    preset: Annotated[
        str, typer.Option(help="Settings to start from: default, paper.", rich_help_panel=o.MODEL)
    ] = "default",
    backbone: Annotated[
        str | None,
        typer.Option(
            help="resnet18|34|50, densenet121, efficientnet_b0, resnet18_slim, timm:NAME.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    image_size: Annotated[
        int | None, typer.Option(help="Side of the square input.", rich_help_panel=o.MODEL)
    ] = None,
    crop: Annotated[
        str | None,
        typer.Option(help="none, or field_of_view for fundus images.", rich_help_panel=o.MODEL),
    ] = None,
    epochs: Annotated[int | None, typer.Option(rich_help_panel=o.MODEL)] = None,
    warmup_epochs: Annotated[int | None, typer.Option(rich_help_panel=o.MODEL)] = None,
    batch_size: Annotated[int | None, typer.Option(rich_help_panel=o.MODEL)] = None,
    lr: Annotated[
        float | None, typer.Option(help="Highest learning rate.", rich_help_panel=o.MODEL)
    ] = None,
    pretrained: Annotated[
        bool, typer.Option("--pretrained", help="Published weights.", rich_help_panel=o.MODEL)
    ] = False,
    weights: Annotated[
        Path | None, typer.Option(help="Start from this file.", rich_help_panel=o.MODEL)
    ] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda, cuda:1, mps.", rich_help_panel=o.MODEL)
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help="auto, 32, bf16.", rich_help_panel=o.MODEL)
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help="CPU threads.", rich_help_panel=o.MODEL)
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other option of the method (docs/options.md); may be repeated.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    image_column: o.ImageColumn = None,
    label_column: o.LabelColumn = None,
    split_column: o.SplitColumn = None,
    group_column: o.GroupColumn = None,
    quality_column: o.QualityColumn = None,
    image_root: o.ImageRoot = None,
    layout: o.Layout = None,
    classes: o.Classes = None,
    seed: o.Seed = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interrupted run in --out.")
    ] = False,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Train a classifier that survives wrong labels and unreadable images.

    Leaves in --out: model.safetensors, config.yaml, history.csv, samples.csv (what every sample
    is), metrics.json, plots/, checkpoints/.

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
        **o.reader_options(
            image_column=image_column,
            label_column=label_column,
            split_column=split_column,
            group_column=group_column,
            quality_column=quality_column,
            image_root=image_root,
            layout=layout,
            classes=classes,
        ),
    )
    progress = default_progress(quiet)
    try:
        model.fit(dataset, out=out, resume=resume, overwrite=overwrite, progress=progress)
    except KeyboardInterrupt as stop:
        stop.add_note(f"{out} keeps every finished epoch; go on with the same command and --resume")
        raise
    answer(
        model.metrics_,
        [metrics_table({method: model.metrics_})],
        as_json=as_json,
    )
    progress.message(f"run folder: {out}  (pictures in {out / 'plots'}, verdicts in samples.csv)")
