"""Which decisions, or changes, are taken back: by sample, reviewer, time, or the last ones."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mixednoise.data.class_names import did_you_mean
from mixednoise.data.report import examples
from mixednoise.errors import ConfigError, RunError
from mixednoise.review.decisions import Decision, Decisions

KEYS = ("id", "reviewer", "since", "last")


@dataclass(frozen=True)
class Entry:
    """Something that can be taken back.

    Attributes:
        id: of the sample.
        reviewers: who decided it.
        when: ISO 8601.
    """

    id: str
    reviewers: tuple[str, ...]
    when: str


@dataclass(frozen=True)
class Selection:
    """What is to be taken back: entries for which all that is given holds.

    Attributes:
        id: of that sample.
        reviewer: of that reviewer.
        since: decided then or later.
        last: of these the newest so many.
    """

    id: str | None = None
    reviewer: str | None = None
    since: datetime | None = None
    last: int | None = None

    def choose(self, entries: Sequence[Entry]) -> list[int]:
        """Positions of the chosen ones, in order.

        Raises:
            ConfigError: none of them is meant.
        """
        chosen = [row for row, entry in enumerate(entries) if self._meant(entry)]
        if self.last is not None:
            newest = sorted(chosen, key=lambda row: (_moment(entries[row].when), row))
            chosen = sorted(newest[len(newest) - min(self.last, len(newest)) :])
        if chosen:
            return chosen
        who = dict.fromkeys(name for entry in entries for name in entry.reviewers)
        raise ConfigError(
            "there is nothing to take back",
            expected="decisions that --undo means, and that stand",
            found=f"{len(entries):,} that stand, by {examples(who)}" if entries else "none at all",
            fix="correct --undo" if entries else "leave --undo away",
        )

    def _meant(self, entry: Entry) -> bool:
        return (
            self.id in (None, entry.id)
            and (self.reviewer is None or self.reviewer in entry.reviewers)
            and (self.since is None or _moment(entry.when) >= self.since)
        )


def parse_selection(words: Iterable[str]) -> Selection:
    """``all``, ``last``, or KEY=VALUE with ``id``, ``reviewer``, ``since``, ``last``.

    Raises:
        ConfigError: a word that can't be read, or one key twice.
    """
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        key, value = key.strip(), value.strip()
        if word.strip() == "all":
            continue
        if key == "last" and not equals:
            value = "1"
        if key not in KEYS or not value:
            near = did_you_mean(key, ("all", *KEYS))
            raise _unreadable(word, "all, last, last=N, id=ID, reviewer=NAME or since=TIME" + near)
        if key in given:
            raise _unreadable(word, f"{key} once")
        given[key] = value
    return Selection(
        given.get("id"),
        given.get("reviewer"),
        _time(given["since"]) if "since" in given else None,
        _count(given["last"]) if "last" in given else None,
    )


def meant_decisions(decisions: Decisions, selection: Selection) -> list[Decision]:
    """The decisions of a log that are to be taken back, in order; nothing is done yet.

    Raises:
        ConfigError: none is meant.
    """
    standing = [one for one in decisions.log() if not one.undone]
    entries = [Entry(one.id, (one.reviewer,), one.at) for one in standing]
    return [standing[row] for row in selection.choose(entries)]


def _moment(text: str) -> datetime:
    """A time of a log; one without a zone is UTC, as all are that we write."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as error:
        raise RunError(
            f"{text!r} in a log is no time",
            expected="ISO 8601, such as 2026-01-31T14:05:00+00:00",
            found=repr(text),
            fix="restore the log",
        ) from error
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _time(text: str) -> datetime:
    """A time that a person gives; one without a zone is this machine's."""
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError:
        raise _unreadable(f"since={text}", "a date or a time: since=2026-01-31T14:05") from None


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not int(text):
        raise _unreadable(f"last={text}", "a number from 1 up: last=5")
    return int(text)


def _unreadable(word: str, expected: str) -> ConfigError:
    return ConfigError(
        f"--undo {word} can't be read",
        expected=expected,
        found=word,
        fix="see mixednoise apply --help",
    )
