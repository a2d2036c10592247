"""What a check has found, gathered so that the user sees all of it at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

from mixednoise.errors import DataError
from mixednoise.progress import Progress

Severity = Literal["stop", "warn", "info"]
_ORDER: tuple[Severity, ...] = ("stop", "warn", "info")
#: What people read for a severity.
_WORDS: dict[Severity, str] = {"stop": "error", "warn": "warning", "info": "note"}


@dataclass(frozen=True)
class Problem:
    """One finding.

    Attributes:
        severity: ``stop`` would spoil the result, ``warn`` asks for attention, ``info`` is told.
        what: what is wrong, one sentence.
        expected: what would have been right.
        found: what is there instead: file, row, value.
        fix: what to do next.
        rows: the rows of ``Dataset.table`` that it is about (empty where there are none).
        reason: where ``rows`` can't be used, the reason to set them aside with; '' = they can stay.
    """

    severity: Severity
    what: str
    expected: str | None = None
    found: str | None = None
    fix: str | None = None
    rows: tuple[int, ...] = ()
    reason: str = ""

    def text(self, *, lead: str | None = None) -> str:
        """Several lines: what, expected, found, what to do.

        Args:
            lead: what the first line begins with; None = the severity.
        """
        lines = [(_WORDS[self.severity] + ": " if lead is None else lead) + self.what]
        for name, text in (
            ("expected", self.expected),
            ("found", self.found),
            ("what to do", self.fix),
        ):
            if text:
                lines.append(f"  {name}: {text}")
        return "\n".join(lines)


@dataclass(frozen=True)
class Report:
    """All findings of one or more checks; reports add up with ``+``."""

    problems: list[Problem] = field(default_factory=list)

    def __add__(self, other: Report) -> Report:
        return Report([*self.problems, *other.problems])

    def of(self, severity: Severity) -> list[Problem]:
        """The findings of one severity, in the order in which they were found."""
        return [problem for problem in self.problems if problem.severity == severity]

    @property
    def stopped(self) -> bool:
        """Whether something was found with which work must not start."""
        return any(problem.severity == "stop" for problem in self.problems)

    def text(self) -> str:
        """Every finding, the gravest first; an empty string where there is none."""
        return "\n".join(problem.text() for severity in _ORDER for problem in self.of(severity))

    def tell(self, progress: Progress) -> None:
        """Show every finding, the gravest first: notes as messages, the others as warnings."""
        for severity in _ORDER:
            say = progress.message if severity == "info" else progress.warning
            for problem in self.of(severity):
                say(problem.text(lead="note: " if severity == "info" else ""))

    def raise_if_stopped(self) -> None:
        """Raise one error that holds every finding, if one of them is a ``stop``.

        Raises:
            DataError: with all stops; the warnings, in short, are a note of it (``__notes__``).
        """
        stops = self.of("stop")
        if not stops:
            return
        if len(stops) == 1:
            only = stops[0]
            error = DataError(only.what, expected=only.expected, found=only.found, fix=only.fix)
        else:
            findings = [p.text(lead=f"{n}. ") for n, p in enumerate(stops, 1)]
            error = DataError(
                "\n".join([f"the data has {len(stops)} problems to solve first", *findings])
            )
        if warnings := self.of("warn"):
            error.add_note("also noticed: " + "; ".join(p.what for p in warnings))
        raise error


def examples(values: Iterable[object], limit: int = 5, separator: str = ", ") -> str:
    """``a, b, c and 17 more``."""
    items = [str(value) for value in values]
    shown = separator.join(items[:limit])
    return shown if len(items) <= limit else f"{shown} and {len(items) - limit} more"


def counted(number: int, thing: str, plural: str | None = None) -> str:
    """``1 image``, ``2 images``."""
    return f"{number:,} {thing if number == 1 else plural or thing + 's'}"
