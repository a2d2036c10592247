"""``mixednoise apply``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mixednoise.cli import options as o

MOVED = "Data that have moved"


def apply(
    audit: Annotated[
        Path,
        typer.Argument(
            metavar="DIR",
            help="Folder of an audit; with --undo also a labels file that this command has made.",
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Labels file to write (.csv; .npz where the data set is one); for masks a folder.",
        ),
    ] = None,
    weights: Annotated[
        bool,
        typer.Option(
            "--weights",
            help="Add a column of sample weights: 1 for what was looked at, the audit's "
            "label_quality for the rest.",
        ),
    ] = False,
    reviewer: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Take this reviewer's decisions alone. Default: everybody's.",
            rich_help_panel=o.DECISIONS,
        ),
    ] = None,
    prefer: o.Prefer = None,
    include_test: o.IncludeTest = False,
    trust_audit: Annotated[
        float | None,
        typer.Option(
            metavar="P",
            help="Where nobody has decided, take the audit's word for training images, if it is at "
            "least P sure: wrong labels get the suggested one, unreadable images are left out.",
            rich_help_panel=o.DECISIONS,
        ),
    ] = None,
    allow_new_class: o.AllowNewClass = False,
    undo: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WHAT",
            help="First take decisions back: all, last, last=N, id=ID, reviewer=NAME or "
            "since=TIME; given several times, all must hold. Nothing is deleted.",
            rich_help_panel=o.DECISIONS,
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Where the data set is now.", rich_help_panel=MOVED),
    ] = None,
    image_root: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where its images are now.", rich_help_panel=MOVED),
    ] = None,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Make a corrected data set of what reviewers decided; the originals stay as they are.

    Writes corrected.csv, which train takes as it is (splits and patients as in the audit),
    corrected.changes.csv (who changed what, when, from what to what, and why) and, where images
    were left out, their rows in corrected.excluded.csv. For masks: a folder that segment train
    takes as it is.

    [bold]Example:[/] mixednoise apply audits/first --out corrected.csv

    [bold]Take back:[/] mixednoise apply audits/first --undo last, or back to the original labels:
    mixednoise apply corrected.csv --undo all --out original.csv
    """
    from mixednoise.cli.show import answer
    from mixednoise.jobs.apply import apply_decisions
    from mixednoise.progress import default_progress
    from mixednoise.review.apply.wishes import Wishes

    progress = default_progress(quiet)
    wishes = Wishes(
        reviewer=reviewer,
        prefer=prefer,
        include_test=include_test,
        trust_audit=trust_audit,
        allow_new_class=allow_new_class,
        weights=weights,
        data=data,
        image_root=image_root,
        undo=tuple(undo or ()),
        overwrite=overwrite,
    )
    told = apply_decisions(audit, out, wishes, progress)
    answer(told, [], as_json=as_json)
    for line in _lines(told, audit):
        progress.message(line)


def _lines(told: dict[str, Any], audit: Path) -> list[str]:
    """What was done, and the next command."""
    from mixednoise.data.report import counted

    if "returned" in told:
        return [
            f"{counted(told['relabelled'], 'label')} as before, "
            f"{counted(told['returned'], 'image')} back -> {told['out']}"
        ]
    if "out" not in told:
        return [
            f"{counted(told['standing'], 'decision')} left",
            f"next: mixednoise apply {audit} --out corrected.csv",
        ]
    seen = {
        "kept": "confirmed",
        "unsure": "unsure",
        "withheld": "of the test split left",
        "image_changed": "left because the image has changed",
    }
    lines = [
        f"changed {counted(told['relabelled'], 'label')}, excluded "
        f"{counted(told['excluded'], 'image')}, left "
        f"{counted(told['disagreements'], 'disagreement')}"
        + "".join(f", {told[name]:,} {words}" for name, words in seen.items() if told[name]),
    ]
    if told["by_audit"]:
        lines.append(f"of these changes {told['by_audit']:,} by the audit, seen by nobody")
    lines.append(f"{counted(told['images'], 'image')} -> {told['out']}  (log: {told['changes']})")
    return [*lines, f"next: {told['next']}"]
