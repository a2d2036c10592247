"""``mixednoise corrupt``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated, Literal

import typer

from mixednoise.cli import options as o

LabelNoise = Literal["symmetric", "frequency", "class_map", "instance"]


@o.with_reader_options
def corrupt(
    data: Annotated[
        Path, typer.Argument(metavar="DATA", help="Data to put noise into, as for train.")
    ],
    out: Annotated[
        Path,
        typer.Option(metavar="FOLDER", help="New folder for images/, labels.csv, corruption.json."),
    ],
    mis_h: Annotated[
        float,
        typer.Option(
            metavar="X",
            min=0,
            max=1,
            help="Share of the training images that stay readable and get a wrong label.",
        ),
    ] = 0.4,
    mis_l: Annotated[
        float,
        typer.Option(
            metavar="X",
            min=0,
            max=1,
            help="Share that is degraded and gets a random label.",
        ),
    ] = 0.15,
    kind: Annotated[
        LabelNoise,
        typer.Option(
            metavar="KIND",
            help="How wrong labels are drawn: symmetric (all classes alike), frequency (frequent "
            "classes more often), class_map, instance (unclear images more often).",
        ),
    ] = "symmetric",
    class_map: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FROM=TO",
            help="For --kind class_map: FROM is mistaken for TO; may be repeated.",
        ),
    ] = None,
    severity: Annotated[
        float,
        typer.Option(metavar="X", min=0, max=1, help="Damage of the degraded images, 0 none to 1."),
    ] = 0.9,
    reader: o.Reader = o.AS_FOUND,
    classes: o.Classes = None,
    ordinal: o.Ordinal = None,
    take: o.Take = None,
    take_per_class: o.TakePerClass = None,
    seed: o.Seed = 0,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Put label and image noise into the training part on purpose, keeping the truth beside it.

    The labels.csv that it writes is input for train as it stands; the truth in it
    (true_label, noise_group) is read by evaluation alone.

    [bold]Example:[/] mixednoise corrupt labels.csv --out noisy --mis-h 0.4 --mis-l 0.15
    """
    from mixednoise.cli.show import answer, noise_table
    from mixednoise.data.checks import check_files, set_aside_unusable
    from mixednoise.data.readers import read_dataset
    from mixednoise.errors import ConfigError
    from mixednoise.noise.corrupt import corrupt_dataset
    from mixednoise.progress import default_progress

    pairs = {}
    for pair in class_map or []:
        source, equals, target = pair.partition("=")
        if not equals:
            raise ConfigError(
                f"--class-map {pair!r} can't be read",
                expected="FROM=TO, for example --class-map mel=nv",
                found=pair,
                fix="put = between the classes",
            )
        pairs[source.strip()] = target.strip()
    dataset = read_dataset(
        data,
        **reader,
        class_names=o.class_names(classes),
        ordinal=ordinal,
        take=take,
        take_per_class=take_per_class,
    )
    progress = default_progress(quiet)
    report = check_files(dataset)
    report.raise_if_stopped()
    report.tell(progress)
    result = corrupt_dataset(
        set_aside_unusable(dataset, report),
        out,
        mis_h=mis_h,
        mis_l=mis_l,
        kind=kind,
        class_map=pairs or None,
        severity=severity,
        seed=seed,
        progress=progress,
        overwrite=overwrite,
    )
    answer(result.summary, [noise_table(result.summary)], as_json=as_json)
    progress.message(f"next: mixednoise train {shlex.quote(str(out / 'labels.csv'))} --out RUN")
