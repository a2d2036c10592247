"""What becomes of each sample: decisions of reviewers, and where wanted the audit's own word."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd

from mixednoise.review.decisions import Decision
from mixednoise.review.outcome import Outcome, wanted

#: What happens. relabel, exclude: the data change; keep: somebody has seen that the label is right;
#: unsure, disagreement: seen, no change; withheld: of the test split, no change; changed: the image
#: is another one than at the audit, no change; '': nobody has looked.
Action = Literal["relabel", "exclude", "keep", "unsure", "disagreement", "withheld", "changed", ""]
ACTIONS: tuple[Action, ...] = get_args(Action)
#: The reviewer's name, and the source, of what the audit decides by itself.
AUDIT = "audit"


@dataclass(frozen=True)
class Ruling:
    """What becomes of one sample.

    Attributes:
        id: of the sample.
        split: train, val, test, or '' = none.
        given: label (or "given mask") as it was.
        label: as it is now; '' = left out.
        action: see :data:`Action`.
        reviewers: who wants it so; of a disagreement all who said something.
        when: time of the last of their decisions, ISO 8601, UTC; '' = nobody's.
        why: notes of the reviewers, then the audit's reasons.
        source: where it was decided.
    """

    id: str
    split: str
    given: str
    label: str
    action: Action = ""
    reviewers: tuple[str, ...] = ()
    when: str = ""
    why: str = ""
    source: str = ""

    @property
    def changes(self) -> bool:
        """Whether the data set changes by it."""
        return self.action in ("relabel", "exclude")


def make_plan(
    table: pd.DataFrame,
    decided: Mapping[str, Outcome],
    *,
    include_test: bool = False,
    trust_audit: float | None = None,
    changed: Callable[[int], str] = lambda row: "",
) -> list[Ruling]:
    """One ruling per row of the audit, in its order.

    Args:
        table: of the audit.
        decided: id -> what the reviewers want (:func:`.outcome.outcomes`).
        include_test: whether samples of the test split may change.
        trust_audit: from this probability on, the audit's word counts for training samples that
            nobody has decided on; None = never.
        changed: row -> in what the image differs from the audit, '' = the same. Asked of those
            alone that would change.
    """
    rulings = []
    columns = ["id", "split", "given_label", "suggested_label", "reasons"]
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    rows = zip(*(table[name].tolist() for name in columns), strict=True)
    trusted = _trusted(table, trust_audit)
    for row, (name, split, given, suggested, reasons) in enumerate(rows):
        ruling = Ruling(name, split, given, given)
        if name in decided:
            ruling = _decided(ruling, decided[name], suggested, reasons)
        elif trusted[row]:
            label = suggested if trusted[row] == "relabel" else ""
            ruling = replace(
                *(ruling,),
                **{"label": label, "action": trusted[row], "reviewers": (AUDIT,)},
                **{"when": now, "why": reasons, "source": AUDIT},
            )
        if ruling.changes and split == "test" and not include_test:
            ruling = replace(ruling, label=given, action="withheld")
        elif ruling.changes and (difference := changed(row)):
            ruling = replace(
                ruling, label=given, action="changed", why=_joined(difference, ruling.why)
            )
        elif ruling.changes and split == "test":
            ruling = replace(ruling, why=_joined("test split: --include-test", ruling.why))
        rulings.append(ruling)
    return rulings


def _decided(ruling: Ruling, outcome: Outcome, suggested: str, reasons: str) -> Ruling:
    """What the reviewers' outcome makes of a sample."""

    def wish(one: Decision) -> tuple[str, str]:
        return wanted(one, given=ruling.given, suggested=suggested)

    mine = outcome.decisions
    if outcome.kind != "disagreement":
        mine = tuple(one for one in mine if wish(one) == (outcome.kind, outcome.label))
    overruled = [one for one in outcome.decisions if one not in mine and one.action != "unsure"]
    several = len({one.reviewer for one in mine}) > 1
    notes = [f"{one.reviewer}: {one.note}" if several else one.note for one in mine if one.note]
    against = [f"against {one.reviewer}: {_said(one)}" for one in overruled]
    action: Action
    if outcome.kind == "label":
        action, label = ("keep" if outcome.label == ruling.given else "relabel"), outcome.label
    elif outcome.kind == "exclude":
        action, label = "exclude", ""
    else:
        action, label = outcome.kind, ruling.given
    return replace(
        ruling,
        label=label,
        action=action,
        reviewers=tuple(dict.fromkeys(one.reviewer for one in mine)),
        when=max(one.at for one in mine),
        why=_joined(*notes, *against, f"audit: {reasons}" if reasons else ""),
        source="; ".join(dict.fromkeys(one.source for one in mine)),
    )


def _trusted(table: pd.DataFrame, threshold: float | None) -> list[Action]:
    """What the audit says of each training sample, at least that surely; '' = nothing.

    Samples of validation and test are never touched unseen: leaving out, or renaming, what a model
    finds suspicious makes any model look better than it is.
    """
    none: list[Action] = [""] * len(table)
    if threshold is None:
        return none
    learned = ~table["split"].isin(["val", "test"]).to_numpy(bool)
    issue = table["is_label_issue"].to_numpy(bool) & learned
    given, suggested = (table[name].to_numpy(object) for name in ("given_label", "suggested_label"))
    surely = {
        group: issue
        & (table["group"] == group).to_numpy(bool)
        & (table[f"p_{group}"].to_numpy(np.float64) >= threshold)
        for group in ("mis_h", "mis_l")
    }
    other = (suggested != given) & (suggested != "")
    wrong, unreadable = surely["mis_h"] & other, surely["mis_l"]
    pairs: Any = zip(wrong.tolist(), unreadable.tolist(), strict=True)
    return ["relabel" if is_wrong else "exclude" if bad else "" for is_wrong, bad in pairs]


def say_disagreement(ruling: Ruling, outcome: Outcome) -> str:
    """``1043 (ann: normal, bob: exclude)``."""
    told = ", ".join(f"{one.reviewer}: {_said(one)}" for one in outcome.decisions)
    return f"{ruling.id} ({told})"


def _said(decision: Decision) -> str:
    return decision.label or decision.action


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
