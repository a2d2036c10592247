"""``mixednoise segment predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o
from mixednoise.cli.segment import shared


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of segment train.")],
    images: Annotated[
        list[Path],
        typer.Argument(
            metavar="IMAGES...",
            help="A folder of images (searched below) or one image; for several channels, one "
            "folder per channel, in the order of training.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="New folder for the masks.")],
    probabilities: Annotated[
        bool,
        typer.Option(
            "--probabilities",
            help="Write probabilities/NAME.npy, too: float16 of shape (K, H, W) or (K, D, H, W).",
        ),
    ] = False,
    weights: shared.Weights = "last",
    device: o.Device = "auto",
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Segment images with the student of a run.

    Leaves in --out: masks/ with the values and in the format of the training masks (NIfTI keeps its
    affine), predictions.csv (confidence and pixels of each class), unreadable.csv: images that
    can't be segmented never stop it.

    [bold]Example:[/] mixednoise segment predict runs/masks new_images --out predicted
    """
    from mixednoise.cli.show import answer
    from mixednoise.data.report import counted
    from mixednoise.jobs.segment_predict import predict_masks
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    summary = predict_masks(
        run,
        images,
        out,
        weights=weights,
        probabilities=probabilities,
        device=device,
        overwrite=overwrite,
        progress=progress,
    )
    progress.message(
        f"{counted(summary['images'], 'image')} in {summary['seconds']:.1f} s "
        f"({summary['images_per_second']:.1f} per second) -> {out / 'masks'}"
    )
    if summary["unreadable"]:
        progress.warning(
            f"{counted(summary['unreadable'], 'image')} can't be segmented, listed in "
            f"{summary['unreadable_file']}; the first is {summary['first_unreadable']}"
        )
    answer(summary, [], as_json=as_json)
