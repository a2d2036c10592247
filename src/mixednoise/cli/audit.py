"""``mixednoise audit``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o
from mixednoise.cli.guard import tells_how_to_go_on
from mixednoise.cli.training_options import AS_METHOD, Training, with_training_options

JUDGING = "Judging"


@o.with_reader_options
@with_training_options
def audit(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="DATA|RUN",
            help="A data set, as for train; or the folder of a finished run of train or of "
            "segment train.",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="New folder for everything it leaves.")],
    folds: Annotated[
        int | None,
        typer.Option(
            metavar="K",
            help="Cross-validation: train K times, so that no sample is judged by networks that "
            "have seen it or its patient; K times the cost. Default: train once.",
            rich_help_panel=JUDGING,
        ),
    ] = None,
    splits: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Which samples are judged: all (with splits of your own: only with --folds), "
            "train, or auto. Default: auto, the training split where there is one, else all.",
            rich_help_panel=JUDGING,
        ),
    ] = None,
    workers: o.Workers = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="Of a RUN whose data set has moved: where it is now.",
            rich_help_panel=o.DATA,
        ),
    ] = None,
    method: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="As for train: qmix, sscl, cross_entropy, ... Default: qmix.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Settings to start from: default, or paper.",
            rich_help_panel=o.MODEL,
        ),
    ] = None,
    training: Training = AS_METHOD,
    reader: o.Reader = o.AS_FOUND,
    classes: o.Classes = None,
    ordinal: o.Ordinal = None,
    take: o.Take = None,
    take_per_class: o.TakePerClass = None,
    seed: Annotated[
        int | None,
        typer.Option(
            metavar="N", min=0, help="Of everything random: one seed, one result. Default: 0."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the interrupted audit in DIR.")
    ] = False,
    overwrite: o.Overwrite = False,
    set_decisions_aside: Annotated[
        bool,
        typer.Option(
            "--set-decisions-aside",
            help="With --overwrite: replace an audit on which reviewers have decided. Their "
            "decisions are kept, as decisions-DATE.sqlite; the new audit starts without any.",
        ),
    ] = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Say of every sample whether its label can be trusted, and why not.

    Leaves in DIR: audit.csv and audit.parquet (the verdict per sample, with image quality,
    duplicates and reasons in words), report.html (one page, opens offline), set_aside.csv (images
    that can't be used), features.npy (for neighbours), and, for DATA, run/ (the training).

    DATA without splits of its own: every sample is learned from and judged. With splits: the
    training samples are judged, the others scored. With --folds no sample is judged by networks
    that have seen it. What is judged when, and what each column says, stands in docs/audit.md.

    [bold]Example:[/] mixednoise audit labels.csv --out audits/first --group-column patient
    """
    from mixednoise.audit.folder import AuditFolder
    from mixednoise.cli.show import answer, audit_tables
    from mixednoise.jobs.audit import audit_path, summary_of
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)
    run = AuditFolder(out).run
    before = run.exists()
    with tells_how_to_go_on(out, lambda: run.exists() and (resume or overwrite or not before)):
        folder = audit_path(
            source,
            out,
            method=method,
            preset=preset,
            folds=folds,
            splits=splits,
            seed=seed,
            data=data,
            reader=reader,
            class_names=o.class_names(classes),
            ordinal=ordinal,
            take=take,
            take_per_class=take_per_class,
            training=training,
            resume=resume,
            overwrite=overwrite,
            set_decisions_aside=set_decisions_aside,
            workers=workers,
            progress=progress,
        )
    summary = summary_of(folder)
    answer(summary, audit_tables(summary), as_json=as_json)
    progress.message(f"report: {summary['report']}\nnext:   {summary['next']}")
