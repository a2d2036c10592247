"""One image with everything that is known of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mixednoise.audit.report.pictures import Pictures
from mixednoise.audit.report.verdicts import Verdicts
from mixednoise.evaluation.colours import GROUP_PLAIN
from mixednoise.pages.numbers import decimal, defined, share


@dataclass(frozen=True)
class Card:
    """What a card shows.

    Attributes:
        key: unique on the page.
        row: of the audit table.
        id: of the sample.
        uri: picture, '' = none.
        problem: why there is no picture.
        given: given label.
        suggested: suggested label; '' = none, or the given one.
        classes: codes of the given and the suggested class, -1 = none.
        state: 0 right, 1 wrong, 2 unreadable, -1 not judged.
        p: of right, wrong, unreadable; empty = not known.
        reasons: in words.
        truth: true label, '' = not known.
        facts: ``(name, value)`` of everything else, for the enlarged view.
        quality: label quality; NaN = not known.
        image_quality: NaN = not known.
    """

    key: str
    row: int
    id: str
    uri: str
    problem: str
    given: str
    suggested: str
    classes: tuple[int, int]
    state: int
    p: tuple[float, ...]
    reasons: list[str]
    truth: str
    facts: list[tuple[str, str]]
    quality: float
    image_quality: float

    @property
    def alt(self) -> str:
        """For those who can't see the picture."""
        return f"Image {self.id}, labelled {self.given or 'nothing'}"

    @property
    def truth_note(self) -> str:
        """Who was right, where the truth is known."""
        if self.truth and self.suggested:
            known = {self.given: ", as given", self.suggested: ", as suggested"}
            return known.get(self.truth, ", neither of the two")
        return ", as given" if self.truth and self.truth == self.given else ""

    @property
    def probability(self) -> str:
        """The probabilities in words, the verdict's own first."""
        return ", ".join(
            f"{share(value)} {words}"
            for value, words in zip(self.p, GROUP_PLAIN.values(), strict=False)
        )


def make_card(verdicts: Verdicts, row: int, pictures: Pictures, gallery: str) -> Card:
    """The card of one row; reads its image.

    Args:
        verdicts: of all rows.
        row: of the audit table.
        pictures: read from.
        gallery: that it is shown in; the same image may be in several.
    """
    uri, problem = pictures[row]
    given, suggested = (
        str(verdicts.text("given_label")[row]),
        str(verdicts.text("suggested_label")[row]),
    )
    p = tuple(float(value) for value in verdicts.p[row])
    return Card(
        key=f"{gallery}-{row}",
        row=row,
        id=str(verdicts.ids[row]),
        uri=uri,
        problem=problem,
        given=given,
        suggested=suggested if suggested != given else "",
        classes=(int(verdicts.given[row]), int(verdicts.suggested[row])),
        state=int(verdicts.state[row]),
        p=p if all(defined(value) for value in p) else (),
        reasons=verdicts.reasons[row],
        truth=str(verdicts.text("true_label")[row]),
        facts=_facts(verdicts, row),
        quality=float(verdicts.quality[row]),
        image_quality=float(verdicts.image_quality[row]),
    )


def _facts(verdicts: Verdicts, row: int) -> list[tuple[str, str]]:
    """Names and values of what is known, in the order of interest."""
    predicted = str(verdicts.text("predicted_label")[row])
    confidence = verdicts.number("confidence")[row]
    if predicted and defined(confidence):
        predicted = f"{predicted} ({share(confidence)})"
    found = [
        ("network predicts", predicted),
        ("probability of the given label", _known(share, verdicts.number("self_confidence")[row])),
        ("label quality", _known(decimal, verdicts.quality[row])),
        ("image quality", _known(decimal, verdicts.image_quality[row])),
        ("loss", _known(decimal, verdicts.number("loss")[row])),
        ("entropy", _known(decimal, verdicts.number("entropy")[row])),
        (verdicts.unit, str(verdicts.text("patient")[row])),
        ("split", str(verdicts.text("split")[row])),
    ]
    return [(name, value) for name, value in found if value]


def _known(write: Callable[[float], str], value: float) -> str:
    return write(value) if defined(value) else ""
