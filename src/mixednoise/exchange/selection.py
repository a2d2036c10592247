"""Which images go out, and with which label."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from mixednoise.review.apply.plan import Action, Ruling

if TYPE_CHECKING:
    import pandas as pd

#: corrected: as reviewers decided, elsewhere the given one; given: as it was; suggested: what
#: the audit proposes, looked at by nobody.
Labels = Literal["corrected", "given", "suggested"]
LABELS: tuple[Labels, ...] = get_args(Labels)


@dataclass(frozen=True)
class Row:
    """One image (or case) that goes out.

    Attributes:
        number: row of the audit's table; -1 = a case that is not in the audit.
        id: of the image.
        split: ``train``, ``val``, ``test`` or ''.
        given: its given label; of masks ``given mask``.
        suggested: the suggested one, '' = none; of masks ``proposed mask`` or ``given mask``.
        label: the one that goes out.
        action: what reviewers came to, '' = nothing, or nobody was asked.
        reviewers: who they are.
    """

    number: int
    id: str
    split: str
    given: str
    suggested: str
    label: str
    action: Action = ""
    reviewers: tuple[str, ...] = ()

    @property
    def settled(self) -> bool:
        """Whether reviewers have said what becomes of it."""
        return self.action in ("keep", "relabel", "exclude")


@dataclass
class Selection:
    """What goes out.

    Attributes:
        rows: in the order of the table.
        left_out: (row of the table, id, why).
    """

    rows: list[Row] = field(default_factory=list)
    left_out: list[tuple[int, str, str]] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Rows that go out with another label than the given one."""
        return sum(row.label != row.given for row in self.rows)


def select(
    table: pd.DataFrame,
    rulings: Mapping[str, Ruling],
    labels: Labels,
    *,
    for_review: bool = False,
) -> Selection:
    """Choose rows and labels.

    Args:
        table: of the audit.
        rulings: id -> what becomes of it; read with ``corrected`` alone.
        labels: see :data:`Labels`.
        for_review: the format is for people who decide: what reviewers exclude goes out as well,
            with the given label, and is told.
    """
    found = Selection()
    columns = (table[name] for name in ("id", "split", "given_label", "suggested_label"))
    for number, (name, split, given, suggested) in enumerate(zip(*columns, strict=True)):
        ruling = rulings.get(name) if labels == "corrected" else None
        label, why = given, ""
        if labels == "suggested":
            label, why = suggested, "" if suggested else "no label is suggested"
        elif ruling is not None and ruling.action == "exclude" and not for_review:
            why = f"excluded by {', '.join(ruling.reviewers)}"
            why += f": {ruling.why}" if ruling.why else ""
        elif ruling is not None and ruling.action != "exclude":
            label = ruling.label
        if why:
            found.left_out.append((number, name, why))
            continue
        told = (ruling.action, ruling.reviewers) if ruling else ("", ())
        found.rows.append(Row(number, name, split, given, suggested, label, *told))
    return found
