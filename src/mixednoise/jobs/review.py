"""The review page of an audit, until its reader ends it."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from mixednoise.errors import ConfigError
from mixednoise.progress import Progress

if TYPE_CHECKING:
    from mixednoise.review.server.room import Room

#: Held while a page of the folder is served.
LOCK = ".review.lock"


def review(
    folder: Path,
    *,
    port: int | None = None,
    browser: bool = True,
    reviewer: str = "",
    image_root: Path | None = None,
    on_start: Callable[[str], None],
    progress: Progress,
) -> dict[str, Any]:
    """Serve the page of an audit until Ctrl-C.

    Args:
        folder: of the audit.
        port: see :func:`.serve.listen`.
        browser: open it in the user's browser, where there is a screen.
        reviewer: name that the page proposes.
        image_root: where the data set is now, if it has moved.
        on_start: gets the address once the page can be opened.
        progress: messages and warnings.

    Returns:
        ``folder, decided, of, reviewers, disagreements, unsure, next``.

    Raises:
        ConfigError: fastapi or uvicorn is not installed; the port can't be had.
        RunError, DataError: see :func:`.room.open_room`.
    """
    _must_be_installed()
    from mixednoise.review.server.room import open_room
    from mixednoise.review.server.serve import ReviewServer, listen

    room = open_room(folder, image_root=image_root, reviewer=reviewer, progress=progress)
    with listen(port) as socket, _held(room, progress):
        number = int(socket.getsockname()[1])
        if port is None and number != (usual := _usual_port()):
            progress.message(f"port {usual} is in use: this page is on port {number}")

        def started() -> None:
            on_start(server.url)
            if browser and _has_screen():
                address = server.url_once
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

        server = ReviewServer(room, number, started)
        server.run(sockets=[socket])
    return summary(room)


def summary(room: Room) -> dict[str, Any]:
    """What was decided until now, by everybody."""
    from mixednoise.review.server.board import CODES

    room.board.refresh()
    issues = room.samples.is_issue
    among = issues if issues.any() else ~issues
    told = room.board.progress(among, "")
    everything = room.board.progress(issues | ~issues, "")
    unsure = sum(
        int((room.board.codes(one["name"]) == CODES["unsure"]).sum())
        for one in everything["reviewers"]
    )
    return {
        "folder": str(room.folder.path),
        "decided": told["anybody"],
        "of": told["total"],
        "others_decided": everything["anybody"] - told["anybody"],
        "reviewers": {one["name"]: one["decided"] for one in everything["reviewers"]},
        "disagreements": everything["differing"],
        "unsure": unsure,
        "next": room.next_command,
    }


@contextmanager
def _held(room: Room, progress: Progress) -> Iterator[None]:
    """Say so where another server has the same folder: both work."""
    path = room.folder.path / LOCK
    lock = FileLock(path, timeout=0)
    try:
        lock.acquire()
    except Timeout:
        progress.message(
            f"another `mixednoise review` of {room.folder.path} is running: both work, and each "
            "shows what is decided in the other"
        )
    except (OSError, NotImplementedError):
        pass  # a disk without locks: nothing is lost but this message
    try:
        yield
    finally:
        if lock.is_locked:
            lock.release()
            path.unlink(missing_ok=True)


def _usual_port() -> int:
    from mixednoise.review.server.serve import DEFAULT_PORT

    return DEFAULT_PORT


def _must_be_installed() -> None:
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(
            "the review page needs two more packages",
            expected="fastapi and uvicorn",
            found=f"no {error.name}",
            fix='pip install "mixednoise[review]"',
        ) from error


def _has_screen() -> bool:
    """Whether a browser would have a window: in a terminal, a text browser would take it over."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
