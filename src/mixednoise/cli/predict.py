"""``mixednoise predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o


def predict(
    run: Annotated[Path, typer.Argument(help="Run folder, or a model file.")],
    images: Annotated[
        Path, typer.Argument(help="Folder (searched below), one image, file list, CSV or .npz.")
    ],
    out: Annotated[Path, typer.Option(help="CSV with a row per image.")],
    weights: Annotated[str, typer.Option(help="last epoch, or best on validation.")] = "last",
    image_column: o.ImageColumn = None,
    image_root: o.ImageRoot = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")] = "auto",
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Predict images: id, label, entropy and the probability of every class.

    Unreadable images never stop it: they are listed beside OUT in a file ending in
    .unreadable.csv.

    [bold]Example:[/] mixednoise predict runs/first new_images/ --out predictions.csv
    """
    from mixednoise.cli.show import answer
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
        f"{summary['images']} images in {summary['seconds']:.1f} s "
        f"({summary['images_per_second']:.0f} images/s) -> {out}"
    )
    if summary["unreadable"]:
        progress.warning(
            f"{summary['unreadable']} unreadable, listed in {summary['unreadable_file']}"
        )
    answer(summary, [], as_json=as_json)
