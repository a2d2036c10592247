"""How well the issues were found, where the truth about the labels is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixednoise.audit.report.charts import Chart, share_chart
from mixednoise.audit.report.verdicts import Flags, Verdicts
from mixednoise.data.table import GROUPS
from mixednoise.evaluation.colours import BLACK, BLUE, GREY, GROUP_PLAIN
from mixednoise.evaluation.ranking import binary_auc, divide
from mixednoise.evaluation.separation_metrics import separation_metrics
from mixednoise.pages.numbers import decimal, defined, share, whole
from mixednoise.pages.tables import Grid

#: Points of the curve: one per image would be a page of its own.
_STEPS = 200
#: The budget that the sentence tells of.
_BUDGET = 0.1


@dataclass(frozen=True)
class Truth:
    """The section.

    Attributes:
        sentences: the most important numbers.
        groups: how well each group was found; None = not known.
        aurocs: ``(what, value)``.
        curve: wrong labels found while a person works through the list; None = not known.
    """

    sentences: list[str]
    groups: Grid | None
    aurocs: list[tuple[str, str]]
    curve: Chart | None


def truth_part(verdicts: Verdicts) -> Truth | None:
    """Compare with the true labels and groups; None where neither is known."""
    judged = verdicts.state >= 0
    if not judged.any():
        judged = ~np.isnan(verdicts.quality)
    true = verdicts.text("true_label")
    known = judged & (true != "") & (verdicts.text("given_label") != "")
    wrong = known & (true != verdicts.text("given_label"))
    noise = verdicts.text("noise_group")
    in_groups = (verdicts.state >= 0) & np.isin(noise, GROUPS)
    if not known.any() and not in_groups.any():
        return None
    sentences, curve, aurocs = [], None, []
    if known.any():
        sentences.append(_found(verdicts.issue, wrong, known))
        if wrong.any():
            curve, told = _curve(verdicts, wrong, known)
            sentences.append(told)
        scored = known & ~np.isnan(verdicts.quality)
        auroc = binary_auc(wrong[scored], 1 - verdicts.quality[scored])
        if defined(auroc):
            aurocs.append(("wrong labels, by label quality", decimal(auroc)))
    grid = None
    if in_groups.any():
        grid, found = _groups(verdicts, in_groups)
        aurocs += found
    return Truth(sentences, grid, aurocs, curve)


def _found(issue: Flags, wrong: Flags, known: Flags) -> str:
    """Precision and recall in words."""
    listed, hits, there = (int(x.sum()) for x in (issue & known, issue & wrong, wrong))
    told = f"{there:,} of {int(known.sum()):,} labels are really wrong."
    if listed:
        told += (
            f" Of the {listed:,} on the list, {hits:,} are (precision {share(hits / listed)});"
            if there
            else f" {listed:,} are on the list."
        )
    if listed and there:
        told += f" these are {share(hits / there)} of all that are wrong (recall)."
    return told


def _curve(verdicts: Verdicts, wrong: Flags, known: Flags) -> tuple[Chart, str]:
    order = verdicts.order[known[verdicts.order]]
    gathered = np.concatenate([[0], np.cumsum(wrong[order])]) / wrong.sum()
    reviewed = np.linspace(0, 1, len(gathered))
    ideal = np.minimum(np.arange(len(gathered)) / wrong.sum(), 1.0)
    at = np.unique(np.linspace(0, len(gathered) - 1, _STEPS).astype(np.int64))
    budget = gathered[round(_BUDGET * (len(gathered) - 1))]
    told = (
        f"Whoever works through the first {_BUDGET:.0%} of the list meets {share(budget)} of "
        f"the wrong labels; in random order it would be {_BUDGET:.0%}."
    )
    chart = share_chart(
        "Wrong labels met on the way through the list",
        "share of the images looked at",
        [
            ("in the order of this audit", BLACK, False, reviewed[at], gathered[at]),
            ("if every wrong label came first", BLUE, True, reviewed[at], ideal[at]),
            ("in random order", GREY, True, np.array([0.0, 1.0]), np.array([0.0, 1.0])),
        ],
        told,
    )
    return chart, told


def _groups(verdicts: Verdicts, rows: Flags) -> tuple[Grid, list[tuple[str, str]]]:
    """Each group: how many there are, how many were found, precision and recall; AUROC."""
    truth, found = verdicts.text("noise_group")[rows], verdicts.state[rows]
    p = np.where(np.isnan(verdicts.p[rows]), np.nan, verdicts.p[rows])
    result = separation_metrics(truth, p, found)
    grid_rows = []
    for code, name in enumerate(GROUPS):
        there, called = truth == name, found == code
        hits = int((there & called).sum())
        grid_rows.append(
            [
                GROUP_PLAIN[name],
                whole(there.sum()),
                whole(called.sum()),
                whole(hits),
                share(float(divide(hits, called.sum()))),
                share(float(divide(hits, there.sum()))),
            ]
        )
    headings = ["", "in truth", "found", "rightly", "precision", "recall"]
    aurocs = [
        ("right labels, by p(looks right)", result["correct_auroc"]),
        ("unreadable images, by p(can’t be read)", result["mis_l_auroc"]),
    ]
    told = [(what, decimal(value)) for what, value in aurocs if defined(value)]
    return Grid(headings, grid_rows), told
