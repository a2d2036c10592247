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

from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mixednoise.data.augment import strong_view, weak_view
from mixednoise.data.table import GROUPS
from mixednoise.methods.base import Batch, Context, EpochReport, Method, Scorer
from mixednoise.methods.losses import class_share_penalty, sharpen, supervised_contrastive
from mixednoise.methods.mixing import Mix, draw_mix
from mixednoise.methods.qmix_config import QMixConfig
from mixednoise.methods.qmix_judges import Judges
from mixednoise.methods.qmix_targets import Targets, losses_by_group, omega_at
from mixednoise.separation import Separation

CORRECT, MIS_H, MIS_L = range(len(GROUPS))


class QMixMethod(Method[QMixConfig]):
    """Two networks A and B that sort the training samples for each other."""

    name: ClassVar[str] = "qmix"
    Config = QMixConfig
    num_networks = 2

    def __init__(self, config: QMixConfig, context: Context) -> None:
        super().__init__(config, context)
        self.views = config.views.fitted_to(context.image_size)
        self.shares = torch.tensor(context.class_shares, dtype=torch.float32)
        self.judges = Judges(config, context)
        # Verdicts by which each network is trained: p (N, 3), counts (N, 3), group (N,).
        self._p: list[Tensor] = []
        self._counts: list[Tensor] = []
        self._group: list[Tensor] = []
        self._omega = config.omega
        # What is added to the logits while they learn (C,).
        self._adjustment = torch.zeros(context.num_classes)
        # Whether so few labels are suspected that all are learned as given.
        self._trusting = False

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
                self.judges.judge(score())
            return EpochReport()
        if not self.judges.settled(epoch):
            self.judges.judge(score())
        report = self.judges.report()
        self._watch(report)
        learned = [self._learned_by(verdict) for verdict in self.judges.verdicts[::-1]]
        self._p, self._group = [p for p, _ in learned], [group for _, group in learned]
        self._counts = [self._counted(p, group) for p, group in learned]
        self._adjustment = self._adjusted()
        self._omega = omega_at(epoch, self.config.omega, self.warmup_epochs, self.config.epochs)
        return report

    def assess(self, score: Scorer) -> EpochReport:
        """The final verdict.

        Where all labels were learned as given, whatever was suspected, the networks have not
        learned their own suspicions by heart: in the end they know more of labels than after the
        warm-up, and are heard once more.
        """
        if not self.judges.settled(self.config.epochs):
            self.judges.judge(score())
            return self.judges.report()
        return self.judges.reconsidered(score()) if self.judges.trust_all else self.judges.report()

    def _watch(self, report: EpochReport) -> None:
        """Ask the guard, and say so once where it steps in."""
        before, self._trusting = self._trusting, self.judges.trust_all
        if self._trusting and not before:
            report.warnings.append(
                f"{self.judges.suspected:.0%} of the samples are called mis_h, less than "
                f"least_suspected={self.config.least_suspected:g}: as many as in clean data, so "
                "all labels are learned as given; unreadable images are muted all the same"
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
        known = self.context.class_shares if self._trusting else self.judges.true_shares
        shares = torch.from_numpy(known).clamp(min=1e-8).float()
        return self.config.logit_adjustment * shares.log()

    # ---- memory --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Verdicts and mean predictions; the rest is made anew at the start of an epoch."""
        return self.judges.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back the verdicts."""
        self.judges.load_state_dict(state)
