"""``mixednoise evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mixednoise.cli import options as o


@o.with_looking_options
def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder of mixednoise train.")],
    data: Annotated[Path, typer.Argument(metavar="DATA", help="Labelled data, as for train.")],
    split: Annotated[str, typer.Option(metavar="NAME", help="train, val, test, or all.")] = "test",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the metrics into this JSON file, too."),
    ] = None,
    reader: o.Reader = o.AS_FOUND,
    overwrite: o.Overwrite = False,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Evaluate a trained model on labelled images, last and best epoch, with 95 % intervals.

    Data without splits of its own takes the splits that training made.

    [bold]Example:[/] mixednoise evaluate runs/first labels.csv --split test --out metrics.json
    """
    from mixednoise.cli.show import answer
    from mixednoise.io import must_not_exist, write_json
    from mixednoise.jobs.evaluate import evaluate_run, interval_tables
    from mixednoise.progress import default_progress

    if out is not None:
        must_not_exist(out, overwrite=overwrite)
    result = evaluate_run(
        run,
        data,
        split=split,
        progress=default_progress(quiet),
        **reader,
    )
    # The answer first: a disk that is full by now shall not cost it.
    answer(result, interval_tables(result), as_json=as_json)
    if out is not None:
        write_json(out, result)
