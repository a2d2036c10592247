"""``mixednoise segment corrupt``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mixednoise.cli import options as o
from mixednoise.cli.segment import shared

if TYPE_CHECKING:
    from rich.table import Table

MaskNoise = Literal["mixed", "dilate", "erode", "edge", "shift", "drop", "merge"]
OnEmpty = Literal["allow", "keep", "resample"]
Level = Literal["A", "B"]


def corrupt(
    masks: Annotated[
        Path,
        typer.Option(
            metavar="FOLDER",
            help="Clean masks (PNG, TIFF, npy, NIfTI), or a folder of masks per class.",
        ),
    ],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="New folder for the masks and corruption.csv.")
    ],
    alpha: Annotated[
        float, typer.Option(metavar="X", min=0, max=1, help="Share of the masks that get noise.")
    ] = 0.5,
    kind: Annotated[
        MaskNoise,
        typer.Option(
            metavar="KIND",
            help="dilate, erode, edge (frayed), mixed (one of these three for each mask and "
            "class), shift, drop (missed parts), merge (bridged parts).",
        ),
    ] = "mixed",
    radius: Annotated[
        str | None,
        typer.Option(
            metavar="R",
            help="Size of the noise in pixels: 20, a range to draw from: 5-10, or per class: "
            "lung=20,heart=10-14.",
        ),
    ] = None,
    level: Annotated[
        Level | None,
        typer.Option(
            metavar="A|B",
            help="Instead of --radius, presets for 256 x 256 pixels, scaled to others: "
            "A (clavicle 5, heart 14, lung 20) or B (10, 20, 30).",
        ),
    ] = None,
    classes: Annotated[
        str | None,
        typer.Option(
            metavar="A,B,...",
            help="Classes, or folders of classes, that get noise. Default: all.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    class_names: shared.ClassNames = None,
    label_values: Annotated[
        str | None,
        typer.Option(
            metavar="N,N,...",
            help="The value of each class in the files. Default: those that occur.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    ignore_value: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Value of pixels that nobody has labelled; they stay as they are.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    on_empty: Annotated[
        OnEmpty,
        typer.Option(
            metavar="WHAT",
            help="Where noise would delete a structure: allow it, keep it as it was, or resample.",
        ),
    ] = "allow",
    volume: Annotated[
        bool,
        typer.Option(
            "--volume", help="For 3-D masks: balls in voxels, instead of discs slice by slice."
        ),
    ] = False,
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Make a share of the masks wrong on purpose; the clean masks are the truth and stay.

    Names and formats stay as they are; corruption.csv says what was done to each mask.

    [bold]Example:[/] mixednoise segment corrupt --masks masks --out noisy --alpha 0.5 --radius 20
    """
    from mixednoise.cli.show import answer
    from mixednoise.noise.corrupt_masks import corrupt_masks
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    result = corrupt_masks(
        masks,
        out,
        alpha=alpha,
        kind=kind,
        radius=None if radius is None else _radius(radius),
        level=level,
        classes=o.class_names(classes),
        class_names=o.class_names(class_names),
        label_values=None
        if label_values is None
        else [_whole(n, label_values) for n in label_values.split(",")],
        ignore_value=ignore_value,
        on_empty=on_empty,
        volume=volume,
        seed=seed,
        progress=progress,
        overwrite=overwrite,
    )
    answer(result.summary, [_table(result.summary)], as_json=as_json)
    progress.message(f"next: mixednoise segment train --images IMAGES --masks {out} --out RUN")


def _radius(text: str) -> int | tuple[int, int] | dict[str, int | tuple[int, int]]:
    """``20``, ``5-10`` or ``lung=20,heart=10-14``."""
    if "=" not in text:
        return _range(text)
    pairs = [pair.partition("=") for pair in text.split(",")]
    return {name.strip(): _range(value) for name, _, value in pairs}


def _range(text: str) -> int | tuple[int, int]:
    least, dash, most = text.partition("-")
    return (_whole(least, text), _whole(most, text)) if dash else _whole(least, text)


def _whole(text: str, said: str) -> int:
    """The number; ``said`` is what it stands in."""
    from mixednoise.errors import ConfigError

    # isdecimal alone also holds for digits of other scripts, which int() reads as well.
    if text.strip().isdecimal():
        return int(text)
    raise ConfigError(
        f"{said!r} can't be read: {text!r} is no whole number",
        expected="pixels as in --radius 20, 5-10 or lung=20,heart=10-14; values as in 0,1,2",
        found=repr(said),
        fix="correct --radius or --label-values",
    )


def _table(summary: dict[str, Any]) -> Table:
    """Masks touched, and how far they are from the clean ones, per class."""
    from rich.table import Table

    from mixednoise.cli.show import number

    table = Table(
        title=f"{summary['touched_masks']:,} of {summary['masks']:,} masks touched",
        title_justify="left",
    )
    table.add_column("class")
    for title in ("masks", "touched", "kinds", "mean Dice", "flipped / clean", "emptied"):
        table.add_column(title, justify="right")
    for name, found in summary["per_class"].items():
        table.add_row(
            name,
            f"{found['masks']:,}",
            f"{found['touched']:,}",
            "\n".join(f"{kind} {count:,}" for kind, count in found["kinds"].items()),
            number(found["mean_dice"]),
            number(found["flipped_share"]),
            f"{found['emptied']:,}" if found["emptied"] else "",
        )
    return table
