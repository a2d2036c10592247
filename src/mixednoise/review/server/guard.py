"""What stands before every answer: who may ask, and what a browser may do with what it gets."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from mixednoise.review.server.access import Access, refusal

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Bytes of a request at most.
LARGEST_REQUEST = 64_000
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    # Images of patients stay in no cache on a disk; the page keeps what it needs itself.
    "cache-control": "no-store",
}
#: What can be had without the cookie: the page that says so, and the files that it is made of.
OPEN = ("/static/",)


class Guard:
    """Lets those requests through that come from a page of ours.

    Args:
        app: what is guarded.
        access: who may ask.
        locked: the page for those who have no key.
    """

    def __init__(self, app: App, access: Access, locked: bytes) -> None:
        self._app, self._access, self._locked = app, access, locked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        if scope["type"] != "http":
            return  # the server refuses what nobody accepts
        headers: list[tuple[bytes, bytes]] = []

        async def send_with_headers(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                ours = {name.encode(): value.encode() for name, value in HEADERS.items()}
                others = [pair for pair in message.get("headers", []) if pair[0] not in ours]
                message = {**message, "headers": [*others, *ours.items(), *headers]}
            await send(message)

        refused = refusal(scope["method"], scope["headers"]) or _too_large(scope)
        path = scope["path"]
        if refused is None and not path.startswith(OPEN):
            if path == "/" and self._access.admits(scope["query_string"]):
                headers.append((b"set-cookie", self._access.set_cookie().encode()))
            elif not self._access.knows(_cookies(scope)):
                refused = (401, "the key is missing: open the address that was printed")
        if refused is None:
            await self._app(scope, receive, send_with_headers)
        elif path == "/" and refused[0] == 401:
            await _answer(send_with_headers, 401, self._locked, "text/html; charset=utf-8")
        else:
            status, problem = refused
            body = json.dumps({"problem": problem}).encode()
            await _answer(send_with_headers, status, body, "application/json")


async def _answer(send: Send, status: int, body: bytes, kind: str) -> None:
    headers = [(b"content-type", kind.encode()), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _cookies(scope: Scope) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie"]


def _too_large(scope: Scope) -> tuple[int, str] | None:
    if scope["method"] != "POST":
        return None
    length = dict(scope["headers"]).get(b"content-length", b"")
    if not length.isdigit():
        return 411, "the length of the request is missing"
    if int(length) > LARGEST_REQUEST:
        return 413, "the request is too long"
    return None
