"""QMix, step 1: sample separation (Sec. IV-B) of both networks, and what is remembered of it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from mixednoise.data.table import GROUPS
from mixednoise.methods.base import Context, EpochReport, FloatArray, Scores
from mixednoise.methods.qmix_config import QMixConfig
from mixednoise.separation import (
    ClassReport,
    Separation,
    separate,
    tempered,
    with_second_opinion,
)
from mixednoise.separation.confident_joint import wrong_shares_of_biased

#: Samples that every class is believed to have at least.
LEAST_MASS = 1.0
NETWORKS = "AB"


class Judges:
    """Networks A and B as judges of the training samples.

    Attributes:
        verdicts: the last separation by each network, with its memory of loss and entropy.
        true_shares: shares of the true classes (C,), as far as they are known.
    """

    def __init__(self, config: QMixConfig, context: Context) -> None:
        self.config, self.context = config, context
        self.verdicts: list[Separation] = []
        self.true_shares: FloatArray = context.class_shares
        # Mean softmax of each network for every sample, weighed as losses are, (N, C).
        self.mean_p: list[np.ndarray[Any, np.dtype[np.float32]]] = []
        self._scored = 0
        self._told: set[tuple[str, str, str]] = set()

    def settled(self, epoch: int) -> bool:
        """Whether the verdict is no longer changed in this epoch."""
        last = self.config.separation_epochs
        return (
            bool(self.verdicts) and last is not None and epoch >= self.config.warmup_epochs + last
        )

    def judge(self, scores: Scores) -> None:
        """Sort the training samples by what the networks say of them now."""
        before: list[Separation | None] = [*self.verdicts] or [None] * len(NETWORKS)
        shares = self.right_shares(scores)
        self.verdicts = [self._separated(scores, m, old, shares[m]) for m, old in enumerate(before)]
        self.true_shares = self.believed_shares(scores)

    def _separated(
        self,
        scores: Scores,
        m: int,
        before: Separation | None,
        right_shares: FloatArray | None = None,
    ) -> Separation:
        """What network m's scores come to; ``before`` is remembered."""
        return separate(
            scores.loss[m],
            scores.entropy[m],
            self.context.labels,
            self.context.num_classes,
            self.config.separation,
            state=None if before is None else before.state,
            unusual=scores.unusual,
            right_shares=right_shares,
        )

    def believed_shares(self, scores: Scores) -> FloatArray:
        """Shares of the true classes (C,): given labels where they are believed, else guesses.

        Wrong labels make rare classes look more common than they are.
        """
        if scores.p is None:
            return self.context.class_shares
        correct, mis_h, _ = np.mean([verdict.p for verdict in self.verdicts], axis=0).T
        given = np.eye(self.context.num_classes)[self.context.labels]
        guessed = scores.p.mean(axis=0, dtype=np.float64)
        mass = (correct[:, None] * given + mis_h[:, None] * guessed).sum(axis=0) + LEAST_MASS
        shares: FloatArray = mass / mass.sum()
        return shares

    def right_shares(self, scores: Scores) -> list[FloatArray | None]:
        """Estimated share of right labels per class (C,), for each network; None = not wanted."""
        if self.config.correct_share == "fixed" or scores.p is None:
            return [None] * len(NETWORKS)
        # As with losses, the first epochs weigh equally.
        keep = min(self.config.separation.memory, self._scored / (self._scored + 1))
        self._scored += 1
        old = self.mean_p or list(scores.p)
        self.mean_p = [
            keep * before + (1 - keep) * now for before, now in zip(old, scores.p, strict=True)
        ]
        labels = self.context.labels
        return [1 - wrong_shares_of_biased(labels, p.astype(np.float64)) for p in self.mean_p]

    # ---- what they say -------------------------------------------------------------------------

    def report(self) -> EpochReport:
        """The verdict: mean posterior of both networks' separations, less sure of labels."""
        numbers = {
            f"size_{name}": float(np.mean([s.sizes[name] for s in self.verdicts]))
            for name in GROUPS
        }
        rows = [
            {"network": network, "class": self.context.class_names[report.label]} | _row(report)
            for network, separation in zip(NETWORKS, self.verdicts, strict=True)
            for report in separation.classes
        ]
        warnings = []
        for row in rows:
            key = row["network"], row["class"], row["fallback"]
            if row["fallback"] and key not in self._told:
                self._told.add(key)
                warnings.append(
                    f"network {key[0]}, class {key[1]!r}: separation fell back to {key[2]} "
                    "(said once; every epoch is in separation.csv)"
                )
        mean_p = np.mean([verdict.p for verdict in self.verdicts], axis=0)
        p = tempered(mean_p, self.config.separation.verdict_temperature)
        return EpochReport(p, *_judged(self.verdicts), numbers, rows, warnings)

    @property
    def suspected(self) -> float:
        """Share of the training samples that are called mis_h, in [0, 1]."""
        return float(np.mean([s.sizes["mis_h"] for s in self.verdicts])) / len(self.context.labels)

    @property
    def trust_all(self) -> bool:
        """The guard: what separation finds on clean data is no reason to drop labels."""
        return self.suspected < self.config.least_suspected

    def reconsidered(self, scores: Scores) -> EpochReport:
        """The verdict with a second opinion on labels: what the networks say of them now.

        Unreadable images stay what they are: the networks have been taught to mute them.
        """
        late = [self._separated(scores, m, None) for m in range(len(self.verdicts))]
        p = np.mean(
            [with_second_opinion(a.p, b.p) for a, b in zip(self.verdicts, late, strict=True)],
            axis=0,
        )
        p = tempered(p, self.config.separation.verdict_temperature)
        sizes = np.bincount(p.argmax(axis=1), minlength=len(GROUPS))
        numbers = {f"size_{name}": float(n) for name, n in zip(GROUPS, sizes, strict=True)}
        return EpochReport(p, *_judged([*self.verdicts, *late]), numbers)

    # ---- memory --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """All that later epochs need: numbers, arrays, and dictionaries of them."""
        return {
            "verdicts": [asdict(verdict) for verdict in self.verdicts],
            "mean_p": self.mean_p,
            "scored": self._scored,
            "true_shares": self.true_shares,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what :meth:`state_dict` gave."""
        self.mean_p, self._scored = list(state["mean_p"]), int(state["scored"])
        self.true_shares = np.asarray(state["true_shares"], np.float64)
        self.verdicts = [
            Separation(**{**fields, "classes": tuple(ClassReport(**c) for c in fields["classes"])})
            for fields in state["verdicts"]
        ]


def _judged(by: list[Separation]) -> tuple[FloatArray, FloatArray]:
    """Mean loss and entropy (N,) that were judged."""
    loss = np.mean([separation.loss for separation in by], axis=0)
    entropy = np.mean([separation.entropy for separation in by], axis=0)
    return loss, entropy


def _row(report: ClassReport) -> dict[str, Any]:
    """One class of one separation as columns of ``separation.csv``."""
    row: dict[str, Any] = {}
    for k, name in enumerate(GROUPS):
        row[f"size_{name}"] = report.sizes[k]
        row[f"loss_{name}"] = report.loss[k]
        row[f"entropy_{name}"] = report.entropy[k]
    return row | {"fallback": report.fallback, "kept": report.kept}
