"""A review server in a thread, and a client that can say anything to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mixednoise.audit.folder import AuditFolder
from mixednoise.progress import Silent
from mixednoise.review.server.room import Room, open_room
from mixednoise.review.server.serve import ReviewServer, listen


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def pixels(self) -> np.ndarray:
        """An image, RGB or RGBA (H, W, C)."""
        found = cv2.imdecode(np.frombuffer(self.body, np.uint8), cv2.IMREAD_UNCHANGED)
        assert found is not None
        if found.ndim == 2:
            return cv2.cvtColor(found, cv2.COLOR_GRAY2RGB)
        code = cv2.COLOR_BGRA2RGBA if found.shape[2] == 4 else cv2.COLOR_BGR2RGB
        return cv2.cvtColor(found, code)


class Client:
    """A browser, as far as the server can tell; every part of it can be left out."""

    def __init__(self, server: ReviewServer) -> None:
        self.server = server
        self.host = f"127.0.0.1:{server.port}"
        self.cookie = ""

    def login(self) -> Answer:
        answer = self.ask("GET", f"/?key={self.server.access.key}")
        self.cookie = answer.headers["set-cookie"].partition(";")[0]
        return answer

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Send exactly these headers besides host, cookie and those of the body."""
        told = {"Host": self.host, "Cookie": self.cookie}
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            told |= {"Content-Type": "application/json", "Origin": f"http://{self.host}"}
            told["Content-Length"] = str(len(data))
        told |= headers or {}
        connection = HTTPConnection("127.0.0.1", self.server.port, timeout=20)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in told.items():
                if value is not None and (value or name != "Cookie"):
                    connection.putheader(name, value)
            connection.endheaders(data)
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, headers, answer.read())
        finally:
            connection.close()

    def get(self, path: str) -> Any:
        answer = self.ask("GET", path)
        assert answer.status == 200, answer.body
        return answer.json

    def decide(self, row: int, action: str, *, reviewer: str = "Ana", **more: Any) -> Answer:
        body = {"row": row, "reviewer": reviewer, "action": action, **more}
        return self.ask("POST", "/api/decide", body)

    def undo(self, number: int, *, reviewer: str = "Ana") -> Answer:
        return self.ask("POST", "/api/undo", {"reviewer": reviewer, "number": number})


@contextmanager
def serving(
    folder: AuditFolder, *, image_root: Path | None = None, reviewer: str = ""
) -> Iterator[ReviewServer]:
    """A server of the audit on a free port."""
    room = open_room(folder.path, image_root=image_root, reviewer=reviewer, progress=Silent())
    with serving_room(room) as server:
        yield server


@contextmanager
def serving_room(room: Room) -> Iterator[ReviewServer]:
    """A server of what is open already."""
    started = threading.Event()
    with listen(0) as socket:
        server = ReviewServer(room, socket.getsockname()[1], started.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
        thread.start()
        assert started.wait(30)
        try:
            yield server
        finally:
            server.should_exit = True
            thread.join(30)
            assert not thread.is_alive()


@contextmanager
def client_of(folder: AuditFolder, **options: Any) -> Iterator[Client]:
    """A client that has opened the page."""
    with serving(folder, **options) as server:
        client = Client(server)
        client.login()
        yield client
