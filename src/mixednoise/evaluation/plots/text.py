"""Text that fits: measured in points, broken or shortened before it is drawn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

from matplotlib import font_manager
from matplotlib.textpath import TextToPath

_OTHER_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "WenQuanYi Micro Hei",
    "Arial Unicode MS",
)
_INSTALLED = {font.name for font in font_manager.fontManager.ttflist}
#: Matplotlib's own font, and what is installed for scripts that it doesn't know.
FONTS = ["DejaVu Sans", *(name for name in _OTHER_SCRIPTS if name in _INSTALLED)]


def clean(text: str) -> str:
    """A user's own text on one line, with its dollars taken for dollars rather than for TeX."""
    return " ".join(str(text).split()).replace("$", r"\$")


def text_width(text: str, size: float, weight: str = "normal") -> float:
    """Width of one line of text in points."""
    return _width(text, weight) * size


def fit(
    text: str, width: float, size: float, *, lines: int = 1, weight: str = "normal"
) -> list[str]:
    """Break text into at most ``lines`` lines of ``width`` points; what is too much becomes "…"."""
    rest = clean(text)
    broken: list[str] = []
    while rest and len(broken) < lines - 1:
        cut = _longest(rest, width, size, weight)
        if cut < len(rest) and " " in rest[: cut + 1].strip():
            cut = rest[: cut + 1].rstrip().rfind(" ") if rest[cut : cut + 1] != " " else cut
        broken.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    if rest:
        cut = _longest(rest, width, size, weight)
        if cut < len(rest):
            cut = _longest(rest, width - text_width("…", size, weight), size, weight)
            rest = rest[:cut].rstrip(" \\") + "…"
        broken.append(rest)
    return broken or [""]


def shorten_middle(text: str, width: float, size: float) -> str:
    """One line of ``width`` points that keeps both ends: file names differ at the end."""
    whole = clean(text)
    if text_width(whole, size) <= width:
        return whole
    for kept in range(len(whole) - 1, 1, -1):
        short = f"{whole[: kept // 3].rstrip(' ')}…{whole[len(whole) - (kept - kept // 3) :]}"
        if text_width(short, size) <= width:
            return short
    return "…"


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Move label positions apart until neighbours are ``gap`` away, within [low, high]."""
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    gap = min(gap, (high - low) / max(1, len(order) - 1))
    placed: list[float] = []
    for i in order:
        least = placed[-1] + gap if placed else low
        placed.append(max(positions[i], least))
    ceiling = high
    for k in range(len(placed) - 1, -1, -1):
        placed[k] = min(placed[k], ceiling)
        ceiling = placed[k] - gap
    result = [0.0] * len(order)
    for i, value in zip(order, placed, strict=True):
        result[i] = value
    return result


def count(number: int) -> str:
    """A number of things, with separators: 12,345."""
    return f"{number:,}"


def _longest(text: str, width: float, size: float, weight: str) -> int:
    """Length of the longest start of the text that fits, at least one character."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle], size, weight) <= width:
            low = middle
        else:
            high = middle - 1
    return low


@lru_cache(maxsize=16384)
def _width(text: str, weight: str) -> float:
    """Width of a line of text of size 1."""
    font = font_manager.FontProperties(family=FONTS, weight=weight, size=100)
    with any_script():
        return float(_MEASURE.get_text_width_height_descent(text, font, ismath=False)[0]) / 100


_MEASURE = TextToPath()


@contextmanager
def any_script() -> Iterator[None]:
    """A class name in a script that no installed font knows makes a box, not a warning."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from", category=UserWarning)
        yield
