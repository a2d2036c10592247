"""Pages in a real browser: headless Chromium; a test is skipped where none is installed.

A page that complains on its console, fails with an error, or asks for anything outside of this
machine fails the test, at the end of the ``with`` block.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

#: Under which names the systems install it.
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
_HERE = ("", "127.0.0.1", "localhost", "[::1]", "::1")


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; use it in a fixture of module scope, since starting it takes seconds.

    Not two at a time: while one is open its event loop belongs to this thread.
    """
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip(f"no Chromium on the PATH (looked for {', '.join(NAMES)})")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def page_in(
    browser: Browser,
    *,
    width: int = 1400,
    height: int = 900,
    dark: bool = False,
    allowed: Sequence[str] = (),
    **context: Any,
) -> Iterator[Page]:
    """A page in a context of its own: no cookies or storage of another page.

    Args:
        browser: from :func:`chromium`.
        width: of the window, pixels.
        height: of the window, pixels.
        dark: what the system prefers.
        allowed: regular expressions of console messages that are meant to be there.
        context: more of ``browser.new_context``, such as ``reduced_motion`` or ``has_touch``.
    """
    made = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if dark else "light",
        **context,
    )
    wrong: list[str] = []

    def complain(text: str) -> None:
        if not any(re.search(pattern, text) for pattern in allowed):
            wrong.append(text)

    def watch(page: Page) -> None:
        page.on("pageerror", lambda error: complain(f"error: {error}"))
        page.on("console", lambda said: said.type in _BAD and complain(f"{said.type}: {said.text}"))

    def leaves(request: Any) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob", "about") and parts.hostname not in (None, *_HERE):
            wrong.append(f"asked for {request.url}")

    made.on("page", watch)
    made.on("request", leaves)
    try:
        yield made.new_page()
    finally:
        made.close()
    assert not wrong, "\n".join(wrong)


@contextmanager
def chromium_page(**options: Any) -> Iterator[Page]:
    """One page in a browser of its own; options of :func:`page_in`."""
    with chromium() as browser, page_in(browser, **options) as page:
        yield page


_BAD = ("error", "warning")
