"""SSCL: robust semi-supervised contrastive learning (Chen et al., MICCAI 2023).

doi 10.1007/978-3-031-43907-0_54. One network learns from three views of every image: it classifies
a weak one, and pulls the embeddings of strong ones towards those of images that it believes to be
of the same class. Labels that it finds least likely are replaced by its own predictions. The
contrastive term is that of CTRR (Yi et al., CVPR 2022). docs/sscl.md says what is the paper's and
what is ours; numbers in brackets are the sections there.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mixednoise.data.augment import mixup, strong_view, weak_view
from mixednoise.methods.base import Batch, Context, EpochReport, FloatArray, Method, Scorer
from mixednoise.methods.contrastive.keys import KeyQueue
from mixednoise.methods.contrastive.networks import MomentumNetworks
from mixednoise.methods.contrastive.pairs import bottleneck_loss, embed, pair_loss, pair_weights
from mixednoise.methods.looks import BoolArray, Looks, chance_of_right, trusted
from mixednoise.methods.losses import generalized_cross_entropy, sharpen, soft_cross_entropy
from mixednoise.methods.sscl_config import SSCLConfig
from mixednoise.models.network import Network

MAX_CLASS_WEIGHT = 5.0


class SSCLMethod(Method[SSCLConfig]):
    """One network, its momentum copy, a queue of keys, and a memory of every label's likelihood."""

    name: ClassVar[str] = "sscl"
    Config = SSCLConfig
    num_networks = 1

    def __init__(self, config: SSCLConfig, context: Context) -> None:
        super().__init__(config, context)
        self.views = config.views.fitted_to(context.image_size)
        self.looks = Looks(context.labels, context.num_classes, config.look_memory)
        self.queue = KeyQueue(config.queue_size)
        # kappa: whose label is trusted, and the share of each class that is not.
        self._trusted: BoolArray = np.ones(len(context.labels), dtype=bool)
        self._untrusted_shares: FloatArray = np.zeros(context.num_classes)
        self._class_weight = self._class_weights()
        self._networks: MomentumNetworks | None = None

    @property
    def warmup_epochs(self) -> int:
        """E_0."""
        return self.config.warmup_epochs

    def ensemble(self, members: list[Network]) -> MomentumNetworks:
        """The classifier with its heads and its slow copy."""
        self._networks = MomentumNetworks(members[0])
        return self._networks

    # ---- a step --------------------------------------------------------------------------------

    def step(self, batch: Batch) -> dict[str, Tensor]:
        """L = lambda_a L_ctr + lambda_b L_cls + lambda_c L_IB of one batch."""
        weak = weak_view(batch.images, batch.generator, self.views)
        strong = torch.cat([self._strong_view(batch) for _ in range(2)])
        ((logits, queries, keys),) = self.networks([weak, strong], project=True)
        logits = logits.float()
        p = torch.softmax(logits.detach(), dim=1)
        scl, que, bottleneck = self._contrast(queries, keys, p)
        classification = self._classification_loss(logits, p, batch)
        config = self.config
        self.looks.add(self._gather(batch.rows.to(p.device)), self._gather(p))
        return {
            "loss": config.lambda_contrastive * (scl + que)
            + config.lambda_classification * classification
            + config.lambda_bottleneck * bottleneck,
            "loss_classification": classification,
            "loss_scl": scl,
            "loss_que": que,
            "loss_bottleneck": bottleneck,
        }

    def after_step(self) -> None:
        """One momentum update per step of the optimiser."""
        if self._networks is None:
            raise RuntimeError("make the ensemble() before the first step")
        self._networks.follow(self.config.key_momentum)

    @torch.no_grad()
    def _strong_view(self, batch: Batch) -> Tensor:
        """A strong view, mixed with others of the batch where mixup is on (MFE)."""
        view = strong_view(batch.images, batch.generator, self.views)
        if not self.config.mixup:
            return view
        return mixup(view, batch.generator, self.config.mixup_alpha)

    def _contrast(self, queries: Tensor, keys: Tensor, p: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """SCL and QUE parts of L_ctr, and L_IB; the batch enters the queue afterwards.

        Args:
            queries: of both strong views, one after the other (2 B, e).
            keys: likewise (2 B, e), no gradient.
            p: what the classifier says of the weak view (B, C).
        """
        config = self.config
        feature_map = config.feature_map
        first, second = embed(queries, feature_map).chunk(2)
        key_of_first, key_of_second = embed(keys, feature_map).chunk(2)
        old_second, old_first, old_p = self.queue.rows() or (keys[:0], keys[:0], p[:0])
        weights = pair_weights(p, old_p, config.pair_threshold)
        # The query of one view meets the keys of the other one.
        directions = [(first, key_of_second, old_second), (second, key_of_first, old_first)]
        parts = []
        for query, key, old in directions if config.symmetric else directions[:1]:
            everyone = torch.cat([key, old.to(key)])
            scl, que = pair_loss(query, everyone, weights, feature_map)
            bottleneck = bottleneck_loss(query, key, config.bottleneck_temperature)
            parts.append(torch.stack([scl, que, bottleneck]))
        scl, que, bottleneck = torch.stack(parts).mean(dim=0)
        self.queue.push(*(self._gather(rows) for rows in (key_of_second, key_of_first, p)))
        return scl, que, bottleneck * len(parts)

    def _classification_loss(self, logits: Tensor, p: Tensor, batch: Batch) -> Tensor:
        """L_cls against given labels where they are trusted, predictions where not."""
        config = self.config
        target = F.one_hot(batch.labels, self.context.num_classes).to(p.dtype)
        weight = self._class_weight[batch.labels.cpu()].to(p.device)
        if config.pseudo_labels != "none":
            kappa = torch.from_numpy(self._trusted)[batch.rows].to(p.device)
            target = torch.where(kappa[:, None], target, self._pseudo_labels(p))
            sure = (p.amax(dim=1) >= config.minimum_confidence).to(p.dtype)
            weight = torch.where(kappa, weight, config.pseudo_label_weight * sure)
        if config.classification_loss == "ce":
            losses = soft_cross_entropy(logits, target)
        else:
            losses = generalized_cross_entropy(logits, target, config.beta)
        return (weight * losses).mean()

    def _pseudo_labels(self, p: Tensor) -> Tensor:
        """pl_i, distributions (B, C) without a gradient."""
        if self.config.pseudo_labels == "hard":
            return F.one_hot(p.argmax(dim=1), p.shape[1]).to(p.dtype)
        if self.config.pseudo_labels == "sharpened":
            return sharpen(p, self.config.pseudo_label_temperature)
        return p

    def _class_weights(self) -> Tensor:
        """Weights (C,) of the given classes, 1 on average over the samples."""
        shares = torch.tensor(self.context.class_shares, dtype=torch.float32)
        if self.config.class_balance == "none":
            return torch.ones_like(shares)
        weights = (1 / (len(shares) * shares.clamp_min(1e-8))).clamp(max=MAX_CLASS_WEIGHT)
        return weights / (shares * weights).sum()

    # ---- promotion -----------------------------------------------------------------------------

    def begin_epoch(self, epoch: int, score: Scorer) -> EpochReport:
        """Decide by the looks of the epochs before whose label is trusted."""
        if epoch < self.warmup_epochs:
            return EpochReport()
        last = self.config.promotion_epochs
        if last is None or epoch < self.warmup_epochs + last:
            self._promote()
        return self._report()

    def assess(self, score: Scorer) -> EpochReport:
        """The last verdict; ``p(mis_l)`` is 0, since SSCL does not know of unreadable images."""
        # Where all epochs warm up, nothing was decided on the way.
        if self.config.promotion_epochs is None or self.warmup_epochs >= self.config.epochs:
            self._promote()
        self._judge_unseen(score)
        return self._report()

    def _promote(self) -> None:
        config, labels = self.config, self.context.labels
        if config.untrusted_share == "auto":
            shares = self.looks.wrong_shares()
            self._untrusted_shares = np.minimum(shares, 1 - config.minimum_trusted_share)
        else:
            self._untrusted_shares = np.full(self.context.num_classes, config.untrusted_share)
        # Whose weight is 0 had no look: it takes no place among the trusted of its class.
        seen, confidence = self.looks.seen, self.looks.self_confidence
        self._trusted = np.ones(len(labels), dtype=bool)
        self._trusted[seen] = trusted(labels[seen], confidence[seen], self._untrusted_shares)

    def _judge_unseen(self, score: Scorer) -> None:
        """Samples that no batch ever had (weight 0): one look at them now, and the others' cut."""
        seen = self.looks.seen
        if seen.all():
            return
        p = score().p
        assert p is not None  # noqa: S101 - the loop keeps it
        self.looks.p[torch.from_numpy(~seen)] = torch.from_numpy(p.mean(axis=0)[~seen])
        labels, confidence = self.context.labels, self.looks.self_confidence
        for label in np.unique(labels[~seen]):
            mine = labels == label
            sure = confidence[mine & seen & self._trusted]
            self._trusted[mine & ~seen] = confidence[mine & ~seen] >= min(sure, default=0.5)

    def _report(self) -> EpochReport:
        labels, kappa = self.context.labels, self._trusted
        confidence = self.looks.self_confidence
        right = chance_of_right(labels, confidence, kappa)
        mean = np.maximum(self.looks.mean, 1e-12)
        return EpochReport(
            p=np.stack([right, 1 - right, np.zeros_like(right)], axis=1),
            loss=-np.log(np.maximum(confidence, 1e-12)),
            entropy=-(mean * np.log(mean)).sum(axis=1),
            looks=(self.looks.agreed.numpy(), self.looks.total.numpy()),
            belief=self.looks.mean,
            numbers={
                "size_correct": float(kappa.sum()),
                "size_mis_h": float((~kappa).sum()),
                "size_mis_l": 0.0,
            },
            rows=[
                {
                    "class": name,
                    "trusted": int(kappa[labels == c].sum()),
                    "untrusted": int((~kappa)[labels == c].sum()),
                    "untrusted_share": float(self._untrusted_shares[c]),
                    "self_confidence": float(confidence[labels == c].mean()),
                }
                for c, name in enumerate(self.context.class_names)
            ],
        )

    # ---- memory --------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """Looks, queue and trust; the slow branch is part of the networks."""
        return {
            "looks": self.looks.state_dict(),
            "queue": self.queue.state_dict(),
            "trusted": self._trusted,
            "untrusted_shares": self._untrusted_shares,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take it back."""
        self.looks.load_state_dict(state["looks"])
        device = "cpu"
        if self._networks is not None:
            device = str(next(self._networks.parameters()).device)
        self.queue.load_state_dict(state["queue"], device)
        self._trusted = np.asarray(state["trusted"], dtype=bool)
        self._untrusted_shares = np.asarray(state["untrusted_shares"], dtype=np.float64)
