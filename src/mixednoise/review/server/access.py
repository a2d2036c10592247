"""Who may ask: whoever has the address that was printed, in a browser on this machine.

The address holds a key; whoever opens it gets a cookie, which every other request must bring. The
name that the browser has asked for must be this machine's own: a foreign site whose name was made
to lead here (DNS rebinding) is refused, and so is whatever a page of another site sends.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections.abc import Iterable
from urllib.parse import parse_qs

#: This machine's names for itself; any port: through an SSH tunnel the browser asks for another one
#: than we listen on.
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_WITHOUT_BODY = ("GET", "HEAD")


class Access:
    """The secrets of one server, compared in constant time.

    Args:
        port: where it listens; part of the cookie's name, since cookies don't tell ports apart.

    Attributes:
        key: for the address; good as long as the server runs.
        cookie: its name.
    """

    def __init__(self, port: int) -> None:
        self.key = secrets.token_urlsafe(24)
        self._session = secrets.token_urlsafe(24)
        self._tickets: set[str] = set()
        self._lock = threading.Lock()
        self.cookie = f"mixednoise_review_{port}"

    def ticket(self) -> str:
        """A key that opens the page once: for a browser whose command line others can see."""
        made = secrets.token_urlsafe(24)
        with self._lock:
            self._tickets.add(made)
        return made

    def admits(self, query: bytes) -> bool:
        """Whether the query of an address holds the key, or a ticket that was not used yet."""
        given = parse_qs(query.decode("latin-1")).get("key", [""])[0]
        if _same(given, self.key):
            return True
        with self._lock:
            used = {ticket for ticket in self._tickets if _same(given, ticket)}
            self._tickets -= used
        return bool(used)

    def knows(self, cookies: Iterable[str]) -> bool:
        """Whether the headers ``Cookie`` hold the session."""
        given = [
            part.strip().partition("=")[2]
            for header in cookies
            for part in header.split(";")
            if part.strip().partition("=")[0] == self.cookie
        ]
        return any(_same(value, self._session) for value in given)

    def set_cookie(self) -> str:
        """The header ``Set-Cookie``: no script sees it, no other site can send it."""
        return f"{self.cookie}={self._session}; Path=/; HttpOnly; SameSite=Strict"


def refusal(method: str, headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str] | None:
    """Why a request is none of a page of ours, whatever it asks for; None = it may be.

    Args:
        method: GET, ...
        headers: names in lower case.

    Returns:
        Status and what to say.
    """
    told: dict[str, list[str]] = {}
    for name, value in headers:
        told.setdefault(name.decode("latin-1"), []).append(value.decode("latin-1"))
    hosts = told.get("host", [])
    if len(hosts) != 1 or not _LOOPBACK.fullmatch(hosts[0]):
        return 421, "this server answers to 127.0.0.1 and localhost only"
    if method not in (*_WITHOUT_BODY, "POST"):
        return 405, "GET and POST only"
    origins = told.get("origin", [])
    if origins != [f"http://{hosts[0]}"] and (origins or method == "POST"):
        return 403, "this request comes from another site"
    # Other servers on this machine are other sites to us, although browsers call them the same.
    if set(told.get("sec-fetch-site", [])) - {"same-origin", "none"} and not _opens_page(told):
        return 403, "this request comes from another site"
    if method == "POST" and told.get("content-type", [""])[0].split(";")[0] != "application/json":
        return 415, "JSON only"
    return None


def _opens_page(told: dict[str, list[str]]) -> bool:
    """Somebody has followed a link to the page: that may come from anywhere."""
    return told.get("sec-fetch-mode") == ["navigate"] and told.get("sec-fetch-dest") == ["document"]


def _same(given: str, secret: str) -> bool:
    return secrets.compare_digest(given.encode("utf-8", "replace"), secret.encode())
