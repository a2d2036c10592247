"""What is said against an image, as a table holds it: plain words, one text per image."""

from __future__ import annotations

from collections.abc import Iterable

_BETWEEN = "; "


def join_reasons(reasons: Iterable[str]) -> str:
    """One text of several; '' among them is left out."""
    return _BETWEEN.join(filter(None, reasons))


def split_reasons(text: str) -> list[str]:
    """What :func:`join_reasons` put together, in its order; [] of ''."""
    return [reason for reason in text.split(_BETWEEN) if reason]


def same_image(original: str) -> str:
    """The reason of an image that looks the same as the one of this id; '' where that is ''."""
    return f"same image as {original}" if original else ""


def without_same_image(text: str, original: str) -> str:
    """The text but for :func:`same_image`, its last reason, the id of which may hold anything."""
    return text.removesuffix(same_image(original)).removesuffix(_BETWEEN) if original else text
