"""QMix: quality-aware learning with mixed noise.

Hou, Xu, Feng, Chen: "QMix: Quality-aware Learning with Mixed Noise for Robust Retinal Disease
Diagnosis", IEEE TMI 44(8):3345-3355, 2025, arXiv 2404.05169. Written from the paper's equations;
its authors have published no code. ``docs/qmix.md`` says which statement comes from where and what
we changed; ``preset="paper"`` switches every change off.

Per epoch after the warm-up:

1. *Sample separation* (Sec. IV-B): each network scores every training sample by its loss l and
   entropy e; a mixture model names it correct, mis_h (mislabeled, readable) or mis_l (mislabeled,
   unreadable). Network A's verdict trains B and B's trains A, so that neither confirms its own
   mistakes.
2. *Quality-aware semi-supervised learning* (Sec. IV-C): correct samples keep their label, mis_h
   lose it and get the networks' guess, mis_l are muted step by step and pushed away in feature
   space.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mixednoise.data.augment import strong_view, weak_view
from mixednoise.data.table import GROUPS
from mixednoise.methods.base import Batch, Context, EpochReport, FloatArray, Method, Scorer, Scores
from mixednoise.methods.losses import class_share_penalty, sharpen, supervised_contrastive
from mixednoise.methods.mixing import Mix, draw_mix
from mixednoise.methods.qmix_config import QMixConfig
from mixednoise.methods.qmix_targets import Targets, losses_by_group, omega_at
from mixednoise.separation import ClassReport, Separation, separate, with_second_opinion
from mixednoise.separation.confident_joint import wrong_shares_of_biased

CORRECT, MIS_H, MIS_L = range(len(GROUPS))
#: Samples that every class is believed to have at least.
LEAST_MASS = 1.0


class QMixMethod(Method[QMixConfig]):
    """Two networks A and B that sort the training samples for each other."""

    name: ClassVar[str] = "qmix"
    Config = QMixConfig
    num_networks = 2

    def __init__(self, config: QMixConfig, context: Context) -> None:
        super().__init__(config, context)
        self.views = config.views.fitted_to(context.image_size)
        self.shares = torch.tensor(context.class_shares, dtype=torch.float32)
        # The last separation of each network, with its memory of loss and entropy.
        self._verdicts: list[Separation] = []
        # Mean softmax of each network for every sample, weighed as losses are, (N, C).
        self._mean_p: list[np.ndarray[Any, np.dtype[np.float32]]] = []
        self._scored = 0
        # Verdicts by which each network is trained: p (N, 3), counts (N, 3), group (N,).
        self._p: list[Tensor] = []
        self._counts: list[Tensor] = []
        self._group: list[Tensor] = []
        # Shares of the true classes, as far as they are known.
        self._true_shares: FloatArray = context.class_shares
        self._omega = config.omega
        # What is added to the logits while they learn (C,).
        self._adjustment = torch.zeros(context.num_classes)
        # Whether so few labels are suspected that all are learned as given.
        self._trusting = False
        self._told: set[tuple[str, str, str]] = set()

    @property
    def warmup_epochs(self) -> int:
        """T_w."""
        return self.config.warmup_epochs

    # ---- warm-up -------------------------------------------------------------------------------

    def warmup_step(self, batch: Batch) -> dict[str, Tensor]:
        """Plain cross-entropy on every sample, both networks."""
        images = weak_view(batch.images, batch.generator, self.views)
        losses = [F.cross_entropy(logits, batch.labels) for logits in self.networks(images)]
        return {"loss": torch.stack(losses).sum()}

    # ---- 1. sample separation ------------------------------------------------------------------

    def begin_epoch(self, epoch: int, score: Scorer) -> EpochReport:
        """Sort the training samples; the verdict of each network is handed to the other one."""
        if epoch < self.warmup_epochs:
            # Warm-up scores are worth their pass only where they are remembered.
            if epoch > 0 and self.config.separation.memory > 0:
                self._separate(score())
            return EpochReport()
        if not self._settled(epoch):
            self._separate(score())
        report = self._report()
        self._watch(report)
        learned = [self._learned_by(verdict) for verdict in self._verdicts[::-1]]
        self._p, self._group = [p for p, _ in learned], [group for _, group in learned]
        self._counts = [self._counted(p, group) for p, group in learned]
        self._adjustment = self._adjusted()
        self._omega = omega_at(epoch, self.config.omega, self.warmup_epochs, self.config.epochs)
        return report

    def assess(self, score: Scorer) -> EpochReport:
        """The final verdict: mean posterior of both networks' separations.

        Where all labels were learned as given, whatever was suspected, the networks have not
        learned their own suspicions: they know more in the end than after the warm-up, and are
        heard once more. Pixels need no second opinion, and muted images would give none.
        """
        if not self._settled(self.config.epochs):
            self._separate(score())
            return self._report()
        report = self._report()
        if not self._few_suspected(report):
            return report
        return self._reconsidered(score())

    def _reconsidered(self, scores: Scores) -> EpochReport:
        """The verdict that was kept, with a second opinion on labels by the final networks."""
        late = [self._judged(scores, m, None) for m in range(self.num_networks)]
        p = np.mean(
            [
                with_second_opinion(kept.p, now.p)
                for kept, now in zip(self._verdicts, late, strict=True)
            ],
            axis=0,
        )
        loss, entropy = (
            np.mean([getattr(judge, name) for judge in (*self._verdicts, *late)], axis=0)
            for name in ("loss", "entropy")
        )
        sizes = np.bincount(p.argmax(axis=1), minlength=len(GROUPS))
        numbers = {f"size_{name}": float(n) for name, n in zip(GROUPS, sizes, strict=True)}
        return EpochReport(p, loss, entropy, numbers)

    def _few_suspected(self, report: EpochReport) -> bool:
        suspected = report.numbers["size_mis_h"] / len(self.context.labels)
        return suspected < self.config.least_suspected

    def _watch(self, report: EpochReport) -> None:
        """The guard: what separation finds on clean data is no reason to drop labels."""
        before, self._trusting = self._trusting, self._few_suspected(report)
        if self._trusting and not before:
            suspected = report.numbers["size_mis_h"] / len(self.context.labels)
            report.warnings.append(
                f"{suspected:.0%} of the samples are called mis_h, less than least_suspected="
                f"{self.config.least_suspected:g}: as many as in clean data, so all labels are "
                "learned as given; unreadable images are muted all the same"
            )

    def _learned_by(self, verdict: Separation) -> tuple[Tensor, Tensor]:
        """Posteriors (N, 3) and groups (N,) to learn by: the verdict, where labels are doubted.

        Else what the verdict says of images alone: nothing is mis_h, and all readable is correct.
        """
        p = torch.from_numpy(verdict.p).float()
        if not self._trusting:
            return p, torch.from_numpy(verdict.group.astype(np.int64))
        readable, nothing = p[:, CORRECT] + p[:, MIS_H], torch.zeros(len(p))
        p = torch.stack([readable, nothing, p[:, MIS_L]], dim=1)
        return p, p.argmax(dim=1)

    def _settled(self, epoch: int) -> bool:
        """Whether the verdict is no longer changed in this epoch."""
        last = self.config.separation_epochs
        return bool(self._verdicts) and last is not None and epoch >= self.warmup_epochs + last

    def _separate(self, scores: Scores) -> None:
        before: list[Separation | None] = [*self._verdicts] or [None] * self.num_networks
        shares = self._right_shares(scores)
        self._verdicts = [self._judged(scores, m, old, shares[m]) for m, old in enumerate(before)]
        self._true_shares = self._believed_shares(scores)

    def _judged(
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

    def _believed_shares(self, scores: Scores) -> FloatArray:
        """Shares of the true classes (C,): given labels where they are believed, else guesses.

        Wrong labels make rare classes look more common than they are.
        """
        if scores.p is None:
            return self.context.class_shares
        correct, mis_h, _ = np.mean([verdict.p for verdict in self._verdicts], axis=0).T
        given = np.eye(self.context.num_classes)[self.context.labels]
        guessed = scores.p.mean(axis=0, dtype=np.float64)
        mass = (correct[:, None] * given + mis_h[:, None] * guessed).sum(axis=0) + LEAST_MASS
        shares: FloatArray = mass / mass.sum()
        return shares

    def _right_shares(self, scores: Scores) -> list[FloatArray | None]:
        """Estimated share of right labels per class (C,), for each network; None = not wanted."""
        if self.config.correct_share == "fixed" or scores.p is None:
            return [None] * self.num_networks
        # As with losses, the first epochs weigh equally.
        keep = min(self.config.separation.memory, self._scored / (self._scored + 1))
        self._scored += 1
        old = self._mean_p or list(scores.p)
        self._mean_p = [
            keep * before + (1 - keep) * now for before, now in zip(old, scores.p, strict=True)
        ]
        labels = self.context.labels
        return [1 - wrong_shares_of_biased(labels, p.astype(np.float64)) for p in self._mean_p]

    def _report(self) -> EpochReport:
        separations = self._verdicts
        numbers = {
            f"size_{name}": float(np.mean([s.sizes[name] for s in separations])) for name in GROUPS
        }
        rows = [
            {"network": network, "class": self.context.class_names[report.label]} | _row(report)
            for network, separation in zip("AB", separations, strict=True)
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
        mean_p, loss, entropy = (
            np.mean([getattr(s, name) for s in separations], axis=0)
            for name in ("p", "loss", "entropy")
        )
        return EpochReport(mean_p, loss, entropy, numbers, rows, warnings)

    def _counted(self, p: Tensor, group: Tensor) -> Tensor:
        """How much every sample counts in L_correct, L_mis_h and L_mis_l (N, 3).

        With its posteriors, or wholly in its most probable group. In L_correct also by class, with
        weights that give what is learned there the class shares of all samples: the weight of class
        c is (n_c / N) / (s_c / S), s_c of S being of class c. Selection takes more of the easy
        classes, so its shares swing from epoch to epoch.
        """
        if self.config.group_weights == "posterior":
            counts = p.clone()
        else:
            counts = F.one_hot(group, len(GROUPS)).to(p.dtype)
        if self.config.class_balance == "weights":
            labels = torch.from_numpy(self.context.labels)
            mass = torch.bincount(labels, counts[:, CORRECT], minlength=self.context.num_classes)
            share = (mass / mass.sum().clamp_min(1e-8)).to(p.dtype)
            weight = (self.shares / share.clamp_min(1e-8)).clamp(max=self.config.max_class_weight)
            counts[:, CORRECT] *= weight[labels]
        return counts

    # ---- 2. quality-aware semi-supervised learning ---------------------------------------------

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """Train A on B's groups and B on A's (Eq. 13).

        The two losses share no parameter, so one backward pass of their sum gives each network
        exactly its own gradient; the weak views are passed once and serve both.
        """
        guesses = self._guesses(batch)
        targets = [self._targets(m, batch, guesses) for m in range(self.num_networks)]
        views, mix = self._learned_views(batch, targets), None
        if self.config.mixup_alpha > 0:
            count, alpha = len(batch.labels), self.config.mixup_alpha
            mix = draw_mix(count, alpha, batch.generator, batch.images.device)
            views = [mix.of(view) for view in views]
        outputs = self.networks(views, project=True)
        parts: dict[str, Tensor] = {}
        for (logits, projections), wanted in zip(outputs, targets, strict=True):
            losses = self._losses(logits, projections, wanted, batch.labels, mix)
            for name, value in losses.items():
                parts[name] = parts[name] + value if name in parts else value
        return parts

    @torch.no_grad()
    def _learned_views(self, batch: Batch, targets: list[Targets]) -> list[Tensor]:
        """The views that each network learns from, (B, 3, S, S) each.

        With ``correct_view=weak`` a sample that the network takes for correct is seen weakly, any
        other strongly: one pass per network either way.
        """
        strong = strong_view(batch.images, batch.generator, self.views)
        if self.config.correct_view == "strong":
            return [strong] * self.num_networks
        weak = weak_view(batch.images, batch.generator, self.views)
        return [
            torch.where((wanted.group == CORRECT)[:, None, None, None], weak, strong)
            for wanted in targets
        ]

    @torch.no_grad()
    def _guesses(self, batch: Batch) -> list[Tensor]:
        """Mean softmax of each network over the M weak views, (B, C) each."""
        views = [
            weak_view(batch.images, batch.generator, self.views)
            for _ in range(self.config.weak_views)
        ]
        with self.judging():
            outputs = self.networks(torch.cat(views))
        return [
            torch.softmax(logits.float(), dim=1).view(len(views), len(batch.images), -1).mean(0)
            for logits in outputs
        ]

    @torch.no_grad()
    def _targets(self, m: int, batch: Batch, guesses: list[Tensor]) -> Targets:
        """Targets of network m: co-refinement, co-guessing, pseudo-labels (Sec. IV-C)."""
        device = batch.labels.device
        p, counts, group = (
            known[m][batch.rows].to(device) for known in (self._p, self._counts, self._group)
        )
        own, other = guesses[m], guesses[1 - m]
        given = F.one_hot(batch.labels, self.context.num_classes).to(own.dtype)

        trust = p[:, CORRECT, None]
        pseudo = own
        if self.config.mis_l_keeps_label:
            keep = (p[:, CORRECT] + p[:, MIS_L])[:, None]
            pseudo = keep * given + (1 - keep) * own
        refined, guessed, pseudo = (
            sharpen(t, self.config.temperature)
            for t in (trust * given + (1 - trust) * own, (own + other) / 2, pseudo)
        )
        return Targets(refined, guessed, pseudo, counts, group)

    def _losses(
        self,
        logits: Tensor,
        projections: Tensor,
        targets: Targets,
        labels: Tensor,
        mix: Mix | None = None,
    ) -> dict[str, Tensor]:
        """The five losses of one network; each divided by the batch size, so group sizes count."""
        config = self.config
        logits = logits.float() + self._adjustment.to(logits.device)
        by_group = losses_by_group(logits, targets)
        if mix is not None:
            # What an image was mixed with is learned in its share, from the same prediction.
            partner = targets.of(mix.partner)
            by_group = mix.share * by_group + (1 - mix.share) * losses_by_group(logits, partner)
        correct, mis_h, mis_l = by_group.mean(dim=0)
        losses = {
            "loss_correct": correct,  # Eq. 7
            "loss_mis_h": mis_h,  # Eq. 8
            "loss_mis_l": self._omega * mis_l,  # Eq. 9
            "loss_contrastive": logits.new_zeros(()),
            "loss_regularizer": class_share_penalty(
                logits, self.shares.to(logits.device)
            ),  # Eq. 12
        }
        if config.lambda_c > 0:
            # correct samples keep their class; all mis_l share one class more, C (Eq. 11).
            group = targets.group
            take = group != MIS_H
            classes = torch.where(group == MIS_L, self.context.num_classes, labels)[take]
            anchors = supervised_contrastive(
                projections[take], classes, config.contrastive_temperature
            )
            losses["loss_contrastive"] = anchors.sum() / len(labels)
        losses["loss"] = (
            losses["loss_correct"]
            + losses["loss_mis_l"]
            + config.lambda_m * losses["loss_mis_h"]
            + config.lambda_c * losses["loss_contrastive"]
            + config.lambda_reg * losses["loss_regularizer"]
        )
        return losses

    def _adjusted(self) -> Tensor:
        """What is added to the logits while they learn (C,): tau log(share of the class).

        Logit adjustment (Menon et al., ICLR 2021): the network itself then leans less to common
        classes, tau = 1 not at all.
        """
        known = self.context.class_shares if self._trusting else self._true_shares
        shares = torch.from_numpy(known).clamp(min=1e-8).float()
        return self.config.logit_adjustment * shares.log()

    # ---- memory --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Verdicts and mean predictions; the rest is made anew at the start of an epoch."""
        return {
            "verdicts": [asdict(verdict) for verdict in self._verdicts],
            "mean_p": self._mean_p,
            "scored": self._scored,
            "true_shares": self._true_shares,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back the verdicts."""
        self._mean_p, self._scored = list(state["mean_p"]), int(state["scored"])
        self._true_shares = np.asarray(state["true_shares"], np.float64)
        self._verdicts = [
            Separation(**{**fields, "classes": tuple(ClassReport(**c) for c in fields["classes"])})
            for fields in state["verdicts"]
        ]


def _row(report: ClassReport) -> dict[str, Any]:
    """One class of one separation as columns of ``separation.csv``."""
    row: dict[str, Any] = {}
    for k, name in enumerate(GROUPS):
        row[f"size_{name}"] = report.sizes[k]
        row[f"loss_{name}"] = report.loss[k]
        row[f"entropy_{name}"] = report.entropy[k]
    return row | {"fallback": report.fallback, "kept": report.kept}
