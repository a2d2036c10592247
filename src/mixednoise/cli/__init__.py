"""The command ``mixednoise``: a command parses, calls one public function, prints.

Exit status: 0 done, 1 failure, 2 wrong use or bad input, 130 interrupted.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return the exit status."""
    try:
        from mixednoise.cli.app import app

        app(args=list(arguments), prog_name="mixednoise")
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else 0 if stop.code is None else 1
    except KeyboardInterrupt:  # before a command could take care of it: nothing has begun
        return 130
    return 0
