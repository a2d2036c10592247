"""What a caller asks of ``mixednoise apply``, and what can't be asked together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from mixednoise.data.class_names import did_you_mean
from mixednoise.data.report import examples
from mixednoise.errors import ConfigError
from mixednoise.review.apply.plan import Ruling


@dataclass(frozen=True)
class Wishes:
    """What is to be applied, and how.

    Attributes:
        reviewer: the one whose decisions count alone; None = everybody's.
        prefer: the one who decides where reviewers differ; None = nobody.
        include_test: the test split may change.
        trust_audit: from this probability on, the audit's word counts where nobody has decided.
        allow_new_class: labels may be classes that the audit does not have.
        weights: write sample weights.
        data: where the data set is now, if it has moved.
        image_root: where its images are now.
        undo: what to take back first, see :func:`.undo.parse_selection`.
        overwrite: replace an earlier result.

    Raises:
        ConfigError: two that contradict each other, or a value that can't be.
    """

    reviewer: str | None = None
    prefer: str | None = None
    include_test: bool = False
    trust_audit: float | None = None
    allow_new_class: bool = False
    weights: bool = False
    data: Path | None = None
    image_root: Path | None = None
    undo: tuple[str, ...] = ()
    overwrite: bool = False

    def __post_init__(self) -> None:
        if self.reviewer is not None and self.prefer is not None:
            raise ConfigError(
                "--prefer does nothing with --reviewer",
                expected="--reviewer NAME, whose decisions count alone, or --prefer NAME, who "
                "decides where reviewers differ",
                found=f"--reviewer {self.reviewer} --prefer {self.prefer}",
                fix="leave one of them away",
            )
        if self.trust_audit is not None and not 0.5 <= self.trust_audit <= 1:
            raise ConfigError(
                f"--trust-audit {self.trust_audit:g} can't be used",
                expected="a probability from 0.5 to 1",
                found=f"{self.trust_audit:g}",
                fix="0.95 takes what the audit is sure of",
            )

    def refuse(self, names: Iterable[str], why: str) -> None:
        """Refuse those of the wishes that mean nothing here.

        Raises:
            ConfigError: one of them is not at its default.
        """
        default = {field.name: field.default for field in fields(self)}
        given = [name for name in names if getattr(self, name) != default[name]]
        if given:
            option = "--" + given[0].replace("_", "-")
            raise ConfigError(
                f"{option} does nothing {why}",
                expected=f"the command without {option}",
                found=option,
                fix="leave it away",
            )

    def check_reviewers(self, names: Iterable[str]) -> None:
        """Refuse a reviewer who has decided nothing.

        Raises:
            ConfigError: there is no decision of that name that stands.
        """
        there = list(dict.fromkeys(names))
        for option, name in (("--reviewer", self.reviewer), ("--prefer", self.prefer)):
            if name is not None and name not in there:
                raise ConfigError(
                    f"nothing stands that {name!r} has decided{did_you_mean(name, there)}",
                    expected=examples(there, 12) or "a reviewer",
                    found=f"{option} {name}",
                    fix="correct the name",
                )


def check_classes(rulings: Iterable[Ruling], classes: Iterable[str], *, allowed: bool) -> None:
    """Refuse labels that are no class of the audit, unless new ones are allowed.

    Raises:
        ConfigError: there are some.
    """
    known = list(classes)
    new = {one.label: one for one in rulings if one.action == "relabel" and one.label not in known}
    if new and not allowed:
        found = (
            f"{name!r} for {one.id}, by {', '.join(one.reviewers)}" for name, one in new.items()
        )
        raise ConfigError(
            "there are decisions for classes that the audit does not have",
            expected=", ".join(known),
            found=examples(found),
            fix="decide again, or pass --allow-new-class if these are classes",
        )
