"""``mixednoise segment errors``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mixednoise.cli import options as o
from mixednoise.cli.segment import shared

Calibrate = Literal["none", "temperature", "shares", "auto"]
Pool = Literal["set", "image"]


def errors(
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="New folder for error maps and tables.")
    ],
    masks: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="NAME.png, .tif, .bmp, .npy, .nii or .nii.gz: a class, 0 to K-1, in every pixel; "
            "of two classes also 0 and 255.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    probabilities: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="NAME.npy or NAME.npz of shape (K, H, W) or (K, D, H, W) that sum to 1 over K, of "
            "a model that never saw the mask.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    nnunet: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Instead of --masks: DatasetXXX_NAME of nnU-Net (v2). Its own --probabilities "
            "are those of cross-validation: train with --npz, and name the folder of fold_0, "
            "fold_1, ...",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN",
            help="Instead of these: masks and probabilities of a run of segment train, to try "
            "another rule.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    judges: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV with the columns name and judge: which of several models judged each mask. "
            "Models are brought in line (--rule whole_masks) and calibrated one by one. nnU-Net's "
            "own folds are known.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    learned: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="CSV with the columns judge and name: the cases that each model was trained on, "
            "which it may not judge.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    allow_in_sample: Annotated[
        bool,
        typer.Option(
            "--allow-in-sample",
            help="Take probabilities of models that have learned from the masks that they judge. "
            "Hardly any error is found there.",
            rich_help_panel=o.DATA,
        ),
    ] = False,
    images: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="For pictures in the report.", rich_help_panel=o.DATA),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Masks known to be right: how well were the wrong pixels found?",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    class_names: shared.ClassNames = None,
    ignore_value: shared.IgnoreValue = None,
    rule: Annotated[
        str | None,
        typer.Option(
            metavar="RULE",
            help="C, Q (prune by class), PBNR (by noise rate), both, intersection (C and Q), union "
            "(C or Q), argmax (plain disagreement), or whole_masks (argmax in masks that are wrong "
            "as a whole). Default: Q; with --run that of the run.",
            rich_help_panel=shared.ERRORS,
            show_default=False,
        ),
    ] = None,
    pool: Annotated[
        Pool | None,
        typer.Option(
            metavar="WHAT",
            help="Thresholds over the whole set, or for each image. Default: set; with --run that "
            "of the run.",
            rich_help_panel=shared.ERRORS,
            show_default=False,
        ),
    ] = None,
    band: Annotated[
        str | None,
        typer.Option(
            metavar="X",
            help="Thresholds of their own within so many pixels of a boundary; auto = as the size "
            "of the structures has it, or none. Default: none; with --run that of the run.",
            rich_help_panel=shared.ERRORS,
            show_default=False,
        ),
    ] = None,
    calibrate: Annotated[
        Calibrate | None,
        typer.Option(
            metavar="NAME",
            help="What is fitted to the probabilities first: temperature (how sure they are), "
            "shares (each class as often the most probable one as it is in the masks), auto "
            "(shares where a class is overlooked) or none. Default: none; with --run that of the "
            "run.",
            rich_help_panel=shared.ERRORS,
            show_default=False,
        ),
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(
            metavar="X",
            help="Log-probabilities are divided by it first; above 1 = less sure.",
            rich_help_panel=shared.ERRORS,
        ),
    ] = 1.0,
    min_region: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Suspected regions of fewer pixels are let go. Default: 0; with --run that of the "
            "run.",
            rich_help_panel=shared.ERRORS,
            show_default=False,
        ),
    ] = None,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Find the wrong pixels of masks from probabilities, without any training.

    Leaves in --out: a map per mask (255 = suspected; PNG, npy for volumes; in the masks' own format
    with --run and --nnunet), images.csv (worst mask first), components.csv (every connected region
    of suspected pixels), summary.json (joint, error rate of each class), report.html.
    `mixednoise segment export` makes corrected masks of it.

    [bold]Example:[/] mixednoise segment errors --masks masks --probabilities probabilities
    --rule Q --out errors
    """
    from mixednoise.cli.segment.show import errors_table, identification_table
    from mixednoise.cli.show import answer
    from mixednoise.errors import ConfigError
    from mixednoise.jobs.judged.from_folders import judged_folders
    from mixednoise.jobs.judged.from_nnunet import judged_nnunet
    from mixednoise.jobs.judged.from_run import judged_run
    from mixednoise.jobs.segment_errors import find_errors
    from mixednoise.progress import default_progress
    from mixednoise.segmentation.provenance import Provenance

    progress = default_progress(quiet)
    given = {"masks": masks, "probabilities": probabilities, "images": images, "truth": truth,
             "class-names": class_names, "ignore-value": ignore_value,
             "nnunet": nnunet, "judges": judges, "learned": learned,
             "allow-in-sample": allow_in_sample or None}  # fmt: skip
    named = [f"--{name}" for name, value in given.items() if value is not None]
    if run is not None and named:
        raise ConfigError(
            "a run has its own masks and probabilities",
            expected="--run, or --masks with --probabilities",
            found=f"--run and {', '.join(named)}",
            fix=f"leave --run away, or {named[0]}",
        )
    own = [f"--{name}" for name in ("masks", "images", "truth", "class-names", "ignore-value")]
    beside = [name for name in named if name in own]
    if nnunet is not None and beside:
        raise ConfigError(
            f"--nnunet leaves no room for {beside[0]}",
            expected="--nnunet FOLDER --probabilities FOLDER",
            found=", ".join(named),
            fix=f"leave {beside[0]} away, or --nnunet: its masks, images, classes and value to "
            "ignore stand in dataset.json",
        )
    chosen = {"rule": rule, "pool": pool, "band": band, "temperature": temperature,
              "min_region": min_region}  # fmt: skip
    options = {name: value for name, value in chosen.items() if value is not None}
    told = Provenance(judges, learned, allow_in_sample)
    if run is not None:
        judged = judged_run(run, calibrate=calibrate, progress=progress)
    elif nnunet is not None and probabilities is not None:
        judged = judged_nnunet(
            nnunet, probabilities, told=told, calibrate=calibrate or "none", progress=progress
        )
    elif masks is not None and probabilities is not None:
        judged = judged_folders(
            masks,
            probabilities,
            images=images,
            truth=truth,
            class_names=o.class_names(class_names),
            ignore_value=ignore_value,
            told=told,
            calibrate=calibrate or "none",
            progress=progress,
        )
    else:
        raise ConfigError(
            "there are no masks with probabilities",
            expected="--masks FOLDER --probabilities FOLDER, --nnunet FOLDER --probabilities "
            "FOLDER, or --run RUN",
            found=", ".join(named) or "neither",
            fix="name both folders; without predictions of your own, `mixednoise segment train` "
            "makes them",
        )
    summary = find_errors(judged, out, options, overwrite=overwrite, progress=progress)
    tables = [errors_table(summary)]
    if summary["identification"]:
        tables.append(identification_table(summary["identification"]))
    answer(summary, tables, as_json=as_json)
    progress.message(f"error maps: {out}  (images.csv: the worst mask first)")
    progress.message(f"report: {out / 'report.html'}")
