"""The plane of loss and entropy, as columns of numbers for the page's script."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from mixednoise.audit.report.verdicts import Floats, Integers, Verdicts
from mixednoise.data.table import GROUPS
from mixednoise.evaluation.separation_metrics import group_codes
from mixednoise.io import plain

#: More points than this are thinned evenly: a denser cloud shows nothing more.
MAX_POINTS = 20_000


def plane_points(verdicts: Verdicts, cards: Mapping[int, str]) -> dict[str, Any] | None:
    """Everything that the plane shows; None where no loss or entropy is known.

    Only what was judged is shown, or everything where nothing was: losses of images that were
    learned from and of others can't be compared.

    Args:
        verdicts: of all rows.
        cards: row -> key of a card with its picture; these rows are never thinned out.
    """
    loss, entropy = verdicts.number("loss"), verdicts.number("entropy")
    known = ~np.isnan(loss) & ~np.isnan(entropy)
    judged = known & (verdicts.state >= 0)
    rows = np.flatnonzero(judged if judged.any() else known)
    total = len(rows)
    if not total:
        return None
    rows = _thinned(rows, cards)
    points = {
        "classes": verdicts.classes,
        "id": [str(name) for name in verdicts.ids[rows]],
        "loss": _rounded(loss[rows]),
        "entropy": _rounded(entropy[rows]),
        "state": verdicts.state[rows].tolist(),
        "given": verdicts.given[rows].tolist(),
        "suggested": verdicts.suggested[rows].tolist(),
        "card": [cards.get(int(row), "") for row in rows],
        "total": total,
    }
    p = verdicts.p[rows]
    if not np.isnan(p).all():
        points["p"] = [_rounded(p[:, k], 3) for k in range(len(GROUPS))]
    truth = _true_states(verdicts)[rows]
    if (truth >= 0).any():
        points["truth"] = truth.tolist()
    return points


def embedded_json(value: Any) -> Markup:
    """JSON that is harmless inside of a ``<script>`` element, whatever the texts in it.

    NaN becomes null; everything that HTML could take for a tag or a comment is escaped.
    """
    text = json.dumps(plain(value), allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - all that could end the element is escaped above


def _thinned(rows: Integers, cards: Iterable[int]) -> Integers:
    if len(rows) <= MAX_POINTS:
        return rows
    kept = np.isin(rows, list(cards))
    others = np.flatnonzero(~kept)
    chosen = np.linspace(0, len(others) - 1, MAX_POINTS - int(kept.sum())).astype(np.int64)
    kept[others[chosen]] = True
    return rows[kept]


def _true_states(verdicts: Verdicts) -> Integers:
    """Groups that were put in on purpose, -1 = not known."""
    names = verdicts.text("noise_group")
    return group_codes([name if name in GROUPS else "" for name in names])


def _rounded(values: Floats, digits: int = 4) -> NDArray[Any]:
    return np.round(values, digits)
