"""``mixednoise predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o


def predict(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder, or a model file.")],
    images: Annotated[
        Path,
        typer.Argument(
            metavar="IMAGES",
            help="Folder (searched below), one image, a .txt with a name per line, CSV or .npz.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="CSV to write, a row per image.")],
    weights: Annotated[
        str, typer.Option(metavar="WHICH", help="Networks of the last epoch, or of the best one.")
    ] = "last",
    image_column: o.ImageColumn = None,
    image_root: o.ImageRoot = None,
    device: o.Device = "auto",
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Predict images: id, label, entropy and the probability of every class.

    Unreadable images never stop it: they are listed beside the predictions, in a file that ends in
    .unreadable.csv.

    [bold]Example:[/] mixednoise predict runs/first new_images/ --out predictions.csv
    """
    from mixednoise.cli.show import answer
    from mixednoise.data.report import counted
    from mixednoise.jobs.predict import predict_to_csv
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    summary = predict_to_csv(
        run,
        images,
        out,
        weights=weights,
        image_column=image_column,
        image_root=image_root,
        device=device,
        overwrite=overwrite,
        progress=progress,
    )
    progress.message(
        f"{counted(summary['images'], 'image')} in {summary['seconds']:.1f} s "
        f"({summary['images_per_second']:.0f} per second) -> {out}"
    )
    if summary["unreadable"]:
        progress.warning(
            f"{counted(summary['unreadable'], 'image')} can't be read, listed in "
            f"{summary['unreadable_file']}; the first is {summary['first_unreadable']}"
        )
    answer(summary, [], as_json=as_json)
