"""The socket, and uvicorn on it until somebody ends it."""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from mixednoise.errors import ConfigError
from mixednoise.review.server.access import Access
from mixednoise.review.server.app import make_app
from mixednoise.review.server.room import Room

ADDRESS = "127.0.0.1"
#: Tried where no port is asked for: this one, then the next ones.
DEFAULT_PORT = 8765
_TRIED = 20


def listen(port: int | None) -> socket.socket:
    """A socket on this machine's own address.

    Args:
        port: which; 0 = any free one; None = :data:`DEFAULT_PORT`, or the next free one.

    Raises:
        ConfigError: that port is in use, or not for everybody.
    """
    wanted = range(DEFAULT_PORT, DEFAULT_PORT + _TRIED) if port is None else (port,)
    for number in wanted:
        try:
            return _bound(number)
        except OSError as error:
            if port is not None or error.errno != errno.EADDRINUSE:
                raise _refused(number, error) from error
    return _bound(0)


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if os.name == "posix":
            # A port that was in use a moment ago is free; one that is in use is not.
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((ADDRESS, port))
        made.listen(64)
    except OSError:
        made.close()
        raise
    return made


def _refused(port: int, error: OSError) -> ConfigError:
    in_use = error.errno == errno.EADDRINUSE
    return ConfigError(
        f"port {port} is in use" if in_use else f"port {port} can't be had",
        expected="a free port on this machine",
        found="another program listens there, perhaps another `mixednoise review`"
        if in_use
        else error.strerror or str(error),
        fix=f"choose another one, such as --port {_free_after(port)}, or --port 0 for any free one",
    )


def _free_after(port: int) -> int:
    for number in range(max(port + 1, 1024), min(port + _TRIED, 65_535) + 1):
        try:
            _bound(number).close()
        except OSError:
            continue
        return number
    return DEFAULT_PORT


class ReviewServer(uvicorn.Server):
    """One server for one audit.

    Args:
        room: what it serves.
        port: where it listens.
        on_start: called once it answers.
    """

    def __init__(self, room: Room, port: int, on_start: Callable[[], None] = lambda: None) -> None:
        self.access = Access(port)
        self.port = port
        self._on_start = on_start
        logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
        super().__init__(
            uvicorn.Config(
                make_app(room, self.access),
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                lifespan="off",
                ws="none",
                http="h11",
                loop="asyncio",
                timeout_graceful_shutdown=2,
            )
        )

    @property
    def url(self) -> str:
        """What is printed: opens the page as often as wanted."""
        return f"http://{ADDRESS}:{self.port}/?key={self.access.key}"

    @property
    def url_once(self) -> str:
        """Opens the page once."""
        return f"http://{ADDRESS}:{self.port}/?key={self.access.ticket()}"

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer, then say so."""
        await super().startup(sockets)
        self._on_start()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Ctrl-C and a polite kill end the server; unlike uvicorn's own they are no error."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
