"""Names of classes: how they are ordered, when they are grades, when one is a slip of the pen."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

_INTEGER = re.compile(r"[+-]?\d+")
_WHOLE_NUMBER = re.compile(r"([+-]?\d+)\.0*")
#: Cells that mean "nobody filled this in". 'none' is not among them: it may be a finding.
BLANK = frozenset({"", "nan", "na", "n/a", "<na>", "null", "#n/a"})
_SIMILAR = 0.8  # difflib ratio; one slip in a word of five letters is 0.8 or more
_FAR = 5  # a lone integer this far from all others is a slip (22 for 2), not a rare grade


def is_blank(value: str) -> bool:
    """Whether a cell of a table holds nothing."""
    return value.strip().casefold() in BLANK


def canonical(value: str) -> str:
    """A label as it is compared: surrounding space removed, ``2.0`` read as ``2``."""
    value = value.strip()
    whole = _WHOLE_NUMBER.fullmatch(value)
    return whole.group(1) if whole else value


def is_integer(name: str) -> bool:
    """Whether a name is a whole number such as ``3``, ``-1`` or ``007``."""
    return _INTEGER.fullmatch(name) is not None


def sort_names(names: Iterable[str]) -> tuple[str, ...]:
    """Integers by value, anything else by name."""
    names = list(names)
    if all(is_integer(name) for name in names):
        return tuple(sorted(names, key=lambda name: (int(name), name)))
    return tuple(sorted(names))


def are_grades(names: Sequence[str]) -> bool:
    """Whether names are at least three consecutive integers in order, such as 0, 1, 2, 3, 4."""
    if len(names) < 3 or not all(is_integer(name) for name in names):
        return False
    values = [int(name) for name in names]
    return values == list(range(values[0], values[0] + len(values)))


def nearest(value: str, names: Iterable[str], cutoff: float = 0.6) -> str | None:
    """The name that ``value`` was probably meant to be, or None."""
    by_form = {_form(name): name for name in names}
    close = difflib.get_close_matches(_form(value), by_form, n=1, cutoff=cutoff)
    return by_form[close[0]] if close else None


def did_you_mean(value: str, names: Iterable[str]) -> str:
    """`` (did you mean 'x'?)``, or nothing."""
    name = nearest(value, names)
    return f" (did you mean {name!r}?)" if name is not None else ""


@dataclass(frozen=True)
class Slip:
    """A class that is probably another one, misspelt."""

    name: str
    why: str


def find_slips(counts: Mapping[str, int], rare: int) -> list[Slip]:
    """Classes that are probably misspelt, from how often each name occurs.

    Two names that differ in letter case, spaces, ``_`` or ``-`` alone are always told. A name that
    occurs at most ``rare`` times is told when it is very similar to a more frequent one. Names
    that differ in their digits (T1, T2) are different on purpose.

    Args:
        counts: number of rows per class name.
        rare: the highest count at which a similar name is taken for a slip.
    """
    slips = _variants(counts)
    known = {slip.name for slip in slips}
    integers = [int(name) for name in counts if is_integer(name)]
    for name, count in counts.items():
        if name in known or not 0 < count <= rare:
            continue
        common = [other for other, n in counts.items() if n >= max(3, count + 1)]
        if is_integer(name):
            others = [value for value in integers if value != int(name)]
            if len(others) >= 2 and min(abs(int(name) - value) for value in others) >= _FAR:
                slips.append(Slip(name, f"far from the other grades {_spread(others)}"))
        elif len(common) >= 2 and all(is_integer(other) for other in counts if other != name):
            slips.append(Slip(name, f"all other classes are numbers: {_spread(integers)}"))
        else:
            same_digits = [o for o in common if re.findall(r"\d", o) == re.findall(r"\d", name)]
            other_name = nearest(name, same_digits, cutoff=_SIMILAR)
            if other_name is not None:
                slips.append(Slip(name, f"very similar to {other_name!r} ({counts[other_name]:,})"))
    return slips


def _variants(counts: Mapping[str, int]) -> list[Slip]:
    """Names that are equal but for case, spaces, dashes or leading zeros."""
    by_form: dict[str, list[str]] = {}
    for name, count in counts.items():
        if count:
            by_form.setdefault(_form(name), []).append(name)
    slips = []
    for names in by_form.values():
        most = max(names, key=lambda name: counts[name])
        slips += [
            Slip(name, f"the same as {most!r} ({counts[most]:,}) but for case, spaces or zeros")
            for name in names
            if name != most
        ]
    return slips


def _form(name: str) -> str:
    """What is left of a name when case, spaces, dashes and leading zeros don't count."""
    if is_integer(name):
        return str(int(name))
    return re.sub(r"[\s_-]+", " ", name).strip().casefold()


def _spread(values: Sequence[int]) -> str:
    return f"{min(values)} to {max(values)}"
