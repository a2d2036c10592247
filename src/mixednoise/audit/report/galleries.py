"""Which images are shown: the worst of each kind, and some of every class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mixednoise.audit.report.cards import Card, make_card
from mixednoise.audit.report.pictures import Pictures
from mixednoise.audit.report.verdicts import UNREADABLE, WRONG, Integers, Verdicts

#: Cards per gallery at most: with :data:`.pictures.LARGEST`, the page stays below some 9 MB.
MOST_WRONG, MOST_UNREADABLE, MOST_DOUBTED, MOST_POOR = 120, 60, 60, 24
#: Copies with different labels: groups, and images of one group.
MOST_GROUPS, MOST_COPIES = 24, 4


@dataclass(frozen=True)
class Gallery:
    """Images of one kind.

    Attributes:
        key: unique on the page.
        title: heading.
        lead: what the reader sees here.
        rows: of the audit table, in order.
        total: how many there are altogether.
        verdicts: of all rows.
        pictures: read from.
        classes: ``(code, name)`` of the given labels, for the filter.
        suggestions: likewise, of the suggested ones.
    """

    key: str
    title: str
    lead: str
    rows: list[int]
    total: int
    verdicts: Verdicts
    pictures: Pictures

    def cards(self) -> Iterator[Card]:
        """Read and made one at a time."""
        for row in self.rows:
            yield make_card(self.verdicts, row, self.pictures, self.key)

    @property
    def classes(self) -> list[tuple[int, str]]:
        """Given classes that occur."""
        return self._present(self.verdicts.given)

    @property
    def suggestions(self) -> list[tuple[int, str]]:
        """Suggested classes that occur."""
        return self._present(self.verdicts.suggested)

    def _present(self, codes: Integers) -> list[tuple[int, str]]:
        found = sorted({int(codes[row]) for row in self.rows} - {-1})
        return [(code, self.verdicts.classes[code]) for code in found]


def galleries(verdicts: Verdicts, pictures: Pictures) -> list[Gallery]:
    """Those that have something to show."""
    order = verdicts.order
    wrong = order[verdicts.state[order] == WRONG]
    unreadable = order[verdicts.state[order] == UNREADABLE]
    # The surest first: how wrong a random label is says nothing of the image.
    unreadable = unreadable[np.argsort(-verdicts.p[unreadable, UNREADABLE], kind="stable")]
    found = [
        Gallery(
            "wrong",
            "Labels that look wrong",
            "The network can read these images and expects another label.",
            _some_of_every_class(wrong, verdicts.given, MOST_WRONG),
            len(wrong),
            verdicts,
            pictures,
        ),
        Gallery(
            "unreadable",
            "Images that can’t be read",
            "The network finds no class that it could settle on, so no other label is suggested. "
            "Look before you leave one out: disease, too, can blur an image.",
            _some_of_every_class(unreadable, verdicts.given, MOST_UNREADABLE),
            len(unreadable),
            verdicts,
            pictures,
        ),
    ]
    if not len(wrong) and not len(unreadable):
        doubted = _doubted(verdicts)
        found.append(
            Gallery(
                "doubted",
                "Labels that are trusted least",
                "The network predicts another label than the given one, the surest first."
                if (verdicts.state < 0).all()
                else "No label was found to be wrong; these are the least certain ones.",
                _some_of_every_class(doubted, verdicts.given, MOST_DOUBTED),
                len(doubted),
                verdicts,
                pictures,
            )
        )
    return [one for one in found if one.rows]


def _doubted(verdicts: Verdicts) -> Integers:
    """Rows whose predicted label is not the given one, in the order of a review."""
    predicted = verdicts.codes("predicted_label")
    differs = (predicted >= 0) & (predicted != verdicts.given) & ~np.isnan(verdicts.quality)
    return np.asarray(verdicts.order[differs[verdicts.order]], np.int64)


def _some_of_every_class(rows: Integers, given: Integers, most: int) -> list[int]:
    """The first ``most`` rows, but half of the places are shared out evenly between the classes.

    Otherwise one bad class would fill the page, and nothing could be seen of the others.

    Args:
        rows: in the order of a review.
        given: class codes of all rows of the table.
        most: rows to take at most.
    """
    if len(rows) <= most:
        return [int(row) for row in rows]
    place = np.empty(len(rows), dtype=np.int64)
    for code in np.unique(given[rows]):
        mine = np.flatnonzero(given[rows] == code)
        place[mine] = np.arange(len(mine))
    kept = place < most // (2 * len(np.unique(given[rows])))
    rest = np.flatnonzero(~kept)[: most - int(kept.sum())]
    kept[rest] = True
    return [int(row) for row in rows[kept]]
