"""From the decisions of one or several reviewers to one outcome per sample."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mixednoise.review.decisions import Decision

#: label: the sample has this label now (the given one, or another); exclude: leave it out;
#: unsure: seen, no change; disagreement: reviewers want different things, no change.
Kind = Literal["label", "exclude", "unsure", "disagreement"]


@dataclass(frozen=True)
class Outcome:
    """What the standing decisions on one sample come to.

    Attributes:
        kind: see :data:`Kind`.
        label: class name where ``kind`` is label, else ''.
        decisions: those that it comes from, in order.
    """

    kind: Kind
    label: str
    decisions: tuple[Decision, ...]


def wanted(decision: Decision, *, given: str, suggested: str) -> tuple[Kind, str]:
    """What one decision wants: ``agree`` with no suggested label leaves the sample out."""
    if decision.action == "keep":
        return "label", given
    if decision.action == "relabel":
        return "label", decision.label
    if decision.action == "agree":
        return ("label", suggested) if suggested else ("exclude", "")
    if decision.action == "exclude":
        return "exclude", ""
    return "unsure", ""


def outcomes(
    standing: Iterable[Decision],
    *,
    given: Mapping[str, str],
    suggested: Mapping[str, str],
    prefer: str | None = None,
) -> dict[str, Outcome]:
    """Bring the reviewers of each sample together.

    Who is unsure leaves it to the others; where the others want different things it is a
    disagreement, unless ``prefer`` has a word.

    Args:
        standing: :meth:`.Decisions.standing` of all reviewers.
        given: id -> given label.
        suggested: id -> suggested label, '' = none.
        prefer: the reviewer whose word counts where reviewers differ; None = nobody's.

    Returns:
        id -> outcome, for every id with a standing decision that is in ``given``.
    """
    of_sample: dict[str, list[Decision]] = {}
    for decision in standing:
        if decision.id in given:
            of_sample.setdefault(decision.id, []).append(decision)
    result = {}
    for sample, decisions in of_sample.items():
        wishes = {
            one.reviewer: wanted(one, given=given[sample], suggested=suggested.get(sample, ""))
            for one in decisions
        }
        decided = {wish for wish in wishes.values() if wish[0] != "unsure"}
        if prefer in wishes and len(decided) > 1 and wishes[prefer][0] != "unsure":
            decided = {wishes[prefer]}
        if not decided:
            kind, label = "unsure", ""
        elif len(decided) > 1:
            kind, label = "disagreement", ""
        else:
            kind, label = decided.pop()
        result[sample] = Outcome(kind, label, tuple(decisions))  # type: ignore[arg-type]
    return result
