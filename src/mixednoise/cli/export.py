"""``mixednoise export``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from mixednoise.cli import options as o

To = Literal["csv", "folders", "masks", "label-studio", "fiftyone", "coco", "nnunet", "monai"]
Labels = Literal["corrected", "given", "suggested"]
Images = Literal["copy", "link", "refer"]


def export(
    audit: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of an audit.")],
    to: Annotated[
        To,
        typer.Option(
            metavar="FORMAT",
            help="Labels: csv, folders, label-studio, fiftyone, monai. "
            "Masks: masks, label-studio, fiftyone, monai, coco, nnunet.",
        ),
    ],
    out: Annotated[
        Path,
        typer.Option(
            metavar="PATH", help="New folder; for csv a file, for nnunet the folder nnUNet_raw."
        ),
    ],
    labels: Annotated[
        Labels,
        typer.Option(
            metavar="WHICH",
            help="corrected (what reviewers decided, else the given ones), given, or suggested "
            "(by the audit, looked at by nobody).",
        ),
    ] = "corrected",
    images: Annotated[
        Images | None,
        typer.Option(
            metavar="HOW",
            help="copy, link (symbolic; hard for nnunet: whoever edits a link edits your file) or "
            "refer (leave them where they are). Default: refer for fiftyone and monai, else copy.",
        ),
    ] = None,
    image_root: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Where the images (of masks the data set) are now, if they have moved.",
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="csv: where the labels are now, if they have moved."),
    ] = None,
    prefer: o.Prefer = None,
    include_test: o.IncludeTest = False,
    allow_new_class: o.AllowNewClass = False,
    dataset_number: o.DatasetNumber = None,
    dataset_name: o.DatasetName = None,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Write an audit in the format of another tool, with what reviewers decided.

    Originals stay as they are. What is left out, and why, stands in left_out.csv beside the rest.

    [bold]Example:[/] mixednoise export audits/first --to label-studio --out for_annotators
    """
    from mixednoise.cli.show import answer
    from mixednoise.data.report import counted
    from mixednoise.jobs.export import export_audit
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    summary = export_audit(
        audit,
        to,
        out,
        labels=labels,
        prefer=prefer,
        include_test=include_test,
        allow_new_class=allow_new_class,
        images=images,
        image_root=image_root,
        data=data,
        dataset_number=dataset_number,
        dataset_name=dataset_name,
        overwrite=overwrite,
        progress=progress,
    )
    answer(summary, [], as_json=as_json)
    progress.message(
        f"{counted(summary['images'], 'image')}, {summary['changed']:,} not as given -> "
        f"{summary['out']}"
    )
    if "next" in summary:
        progress.message(f"next: {summary['next']}")
