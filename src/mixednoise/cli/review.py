"""``mixednoise review``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from mixednoise.cli import options as o


def review(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder that `mixednoise audit` has made.")
    ],
    port: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=0,
            max=65535,
            help="Of the page. Default: 8765 or the next free one; 0 = any free one.",
        ),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")
    ] = True,
    reviewer: Annotated[
        str, typer.Option(metavar="NAME", help="Your name. Default: the page asks for it.")
    ] = "",
    image_root: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Where the images are now, if they have moved since the audit."
        ),
    ] = None,
    as_json: o.AsJson = False,
    quiet: o.Quiet = False,
) -> None:
    """Look at an audit's samples one by one and decide, in a page on this machine.

    Keys: a agree, k keep, r relabel, x exclude, u unsure, z undo; ? shows all. Every decision is
    kept at once in decisions.sqlite in DIR. Several people can review at the same time. Nothing
    outside of this machine can see the page; Ctrl-C ends it.

    [bold]Example:[/] mixednoise review audit/ --reviewer Ana
    """
    import json

    from mixednoise.cli.show import answer
    from mixednoise.data.report import counted
    from mixednoise.jobs.review import review as run
    from mixednoise.progress import default_progress

    progress = default_progress(quiet)

    def started(url: str) -> None:
        if as_json:
            typer.echo(json.dumps({"url": url}))
            return
        typer.echo(f"review page: {url}")
        progress.message("the address is the key to it: give it to nobody; Ctrl-C ends the page")

    told = run(
        folder,
        port=port,
        browser=browser,
        reviewer=reviewer,
        image_root=image_root,
        on_start=started,
        progress=progress,
    )
    answer(told, [], as_json=as_json)
    if as_json:
        return
    typer.echo(f"\ndecided {told['decided']:,} of {counted(told['of'], 'sample')}{_more(told)}")
    if told["decided"] or told["others_decided"]:
        typer.echo(f"next: {told['next']}")


def _more(told: dict[str, Any]) -> str:
    """By whom, and what is open."""
    who = ", ".join(f"{name} {count:,}" for name, count in told["reviewers"].items())
    parts = [
        f"{told['others_decided']:,} besides" if told["others_decided"] else "",
        f"by {who}" if who else "",
        f"{told['disagreements']:,} with different opinions" if told["disagreements"] else "",
        f"{told['unsure']:,} unsure" if told["unsure"] else "",
    ]
    return "".join(f"; {part}" for part in parts if part)
