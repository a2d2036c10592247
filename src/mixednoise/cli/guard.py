"""What goes wrong inside a command becomes one message and an exit status, never a traceback."""

from __future__ import annotations

import functools
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec

import typer

from mixednoise.errors import InputError, MixedNoiseError
from mixednoise.memory import out_of_memory

P = ParamSpec("P")
INTERRUPTED = 130
FAILED = 1


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """Wrap a command: errors of ours, lost disks, spent memory and Ctrl-C end it in one message.

    A bug of ours keeps its traceback: that is what a report of it needs.
    """

    @functools.wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> None:
        with _ctrl_c() as pressed:
            try:
                command(*args, **kwargs)
            except BrokenPipeError:
                raise  # whoever read our answer (`| head`) has gone: typer ends it quietly
            except (Exception, KeyboardInterrupt) as error:
                # A library that was interrupted may make another error of it.
                told = _interrupted(error) if pressed else _told(error)
                if told is None:
                    raise
                text, status = told
                _say(text, "yellow" if status == INTERRUPTED else "red")
                raise typer.Exit(status) from None

    return wrapped


@contextmanager
def tells_how_to_go_on(out: Path, begun: Callable[[], bool]) -> Iterator[None]:
    """A training that stops in here gets a note of what is kept, and how to go on.

    Args:
        out: run folder.
        begun: whether there is a run to go on with; asked when it stops.
    """
    try:
        yield
    except InputError:
        raise  # says itself what to do
    except KeyboardInterrupt as stop:
        stop.add_note(
            f"{out} keeps every finished epoch; go on with the same command and --resume"
            if begun()
            else "training had not begun; images decoded so far are kept for the next start"
        )
        raise
    except Exception as error:
        if begun():
            error.add_note(
                f"  the run: {out} keeps every finished epoch; when this is solved, go on with the "
                "same command and --resume"
            )
        raise


def _told(error: BaseException) -> tuple[str, int] | None:
    """What to say, and the exit status; None for a bug."""
    if isinstance(error, KeyboardInterrupt):
        return _interrupted(error)
    status = FAILED
    if isinstance(error, MixedNoiseError):
        text, status = str(error), error.exit_status
    elif (spent := out_of_memory(error)) is not None:
        text = str(spent)
    elif isinstance(error, OSError):
        # A full disk or a lost drive is the user's business, a traceback is not.
        text = (error.strerror or str(error)) + (f": {error.filename}" if error.filename else "")
    else:
        return None
    return "\n".join([f"error: {text}", *_notes(error)]), status


def _interrupted(error: BaseException) -> tuple[str, int]:
    notes = _notes(error) if isinstance(error, KeyboardInterrupt) else []
    return f"interrupted: {(notes or ['nothing half-written was left behind'])[0]}", INTERRUPTED


def _notes(error: BaseException) -> list[str]:
    return list(getattr(error, "__notes__", []))


def _say(text: str, style: str) -> None:
    from rich.console import Console

    Console(stderr=True, soft_wrap=True, highlight=False).print(text, style=style, markup=False)


@contextmanager
def _ctrl_c() -> Iterator[list[int]]:
    """Note that Ctrl-C was pressed, besides raising KeyboardInterrupt as ever."""
    pressed: list[int] = []

    def note(number: int, frame: Any) -> None:
        pressed.append(number)
        raise KeyboardInterrupt

    # Elsewhere than in the main thread, or where Ctrl-C is ignored (nohup), it is not ours.
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield pressed
        return
    try:
        signal.signal(signal.SIGINT, note)
    except ValueError:
        yield pressed
        return
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
