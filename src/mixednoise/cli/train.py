"""``mixednoise train``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o
from mixednoise.cli.guard import tells_how_to_go_on
from mixednoise.cli.training_options import AS_METHOD, Training, with_training_options


@o.with_reader_options
@with_training_options
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
            help="qmix, sscl, cross_entropy (a pair of networks), cross_entropy_single, sce, gce, "
            "elr, co_teaching, dividemix or confident_learning.",
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
    training: Training = AS_METHOD,
    reader: o.Reader = o.AS_FOUND,
    classes: o.Classes = None,
    ordinal: o.Ordinal = None,
    take: o.Take = None,
    take_per_class: o.TakePerClass = None,
    oracle: Annotated[
        bool,
        typer.Option(
            "--oracle",
            help="Learn from the truly correct training images alone, where the data tells them: "
            "the upper bound of a comparison.",
            rich_help_panel=o.DATA,
        ),
    ] = False,
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
    from mixednoise.estimators import estimator_named
    from mixednoise.progress import default_progress

    # Options first: a typo there must not wait for the images to be decoded.
    model = estimator_named(method)(preset=preset, **{"seed": seed, **training})
    dataset = read_dataset(
        data,
        **reader,
        class_names=o.class_names(classes),
        ordinal=ordinal,
        take=take,
        take_per_class=take_per_class,
    )
    if oracle:
        dataset = dataset.truly_correct()
    progress = default_progress(quiet)
    with tells_how_to_go_on(out, lambda: hasattr(model, "config_")):
        model.fit(dataset, out=out, resume=resume, overwrite=overwrite, progress=progress)
    answer(
        model.metrics_,
        [metrics_table({method: model.metrics_})],
        as_json=as_json,
    )
    progress.message(f"run folder: {out}  (pictures in {out / 'plots'}, verdicts in samples.csv)")
