"""``mixednoise segment export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from mixednoise.cli import options as o

To = Literal["masks", "soft", "nnunet"]
Towards = Literal["class", "probabilities"]
Form = Literal["float", "uint8", "uint16"]
SOFT = "With --to soft"


def export(
    run: Annotated[
        Path,
        typer.Argument(
            metavar="RUN|ERRORS", help="Run folder of segment train, or result of segment errors."
        ),
    ],
    to: Annotated[
        To,
        typer.Option(
            metavar="FORMAT",
            help="masks (suspected pixels get the proposed class), soft (weights of each class), "
            "or nnunet (suspected pixels get the label 'ignore').",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="New folder; for nnunet the one called nnUNet_raw."),
    ],
    epsilon: Annotated[
        float | None,
        typer.Option(
            metavar="X",
            help="How far suspected pixels go, from 0 (as given) to 1 (the proposal). Default: "
            "0.8.",
            rich_help_panel=SOFT,
        ),
    ] = None,
    towards: Annotated[
        Towards | None,
        typer.Option(
            metavar="WHAT",
            help="class (the proposed one) or probabilities. Default: class.",
            rich_help_panel=SOFT,
        ),
    ] = None,
    form: Annotated[
        Form | None,
        typer.Option(
            metavar="FORM",
            help="float, or for two classes PNG: uint8 or uint16. Default: float.",
            rich_help_panel=SOFT,
        ),
    ] = None,
    dataset_number: o.DatasetNumber = None,
    dataset_name: o.DatasetName = None,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Write corrected masks for other tools; the given masks stay as they are.

    Formats, values and affines are those of the given masks; corrections.csv counts the pixels.

    [bold]Example:[/] mixednoise segment export runs/masks --to nnunet --out nnUNet_raw
    --dataset-number 501 --dataset-name Lungs
    """
    from mixednoise.cli.show import answer
    from mixednoise.data.report import counted
    from mixednoise.jobs.segment_export import export_masks
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    summary = export_masks(
        run,
        to,
        out,
        **_given(to, "soft", epsilon=epsilon, towards=towards, form=form),
        **_given(to, "nnunet", dataset_number=dataset_number, dataset_name=dataset_name),
        overwrite=overwrite,
        progress=progress,
    )
    answer(summary, [], as_json=as_json)
    progress.message(
        f"{counted(summary['cases'], 'case')}: {summary['flagged']:,} of {summary['pixels']:,} "
        f"pixels suspected -> {summary['folder']}"
    )


def _given(to: str, format_: str, **options: Any) -> dict[str, Any]:
    """The options that were given, which belong to one format alone."""
    from mixednoise.errors import ConfigError

    given = {name: value for name, value in options.items() if value is not None}
    if given and to != format_:
        name = "--" + next(iter(given)).replace("_", "-")
        raise ConfigError(
            f"{name} does nothing with --to {to}",
            expected=f"{name} with --to {format_}",
            found=f"--to {to}",
            fix=f"leave it away, or choose --to {format_}",
        )
    return given
