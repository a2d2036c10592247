"""Losses and targets that several methods share.

Every function takes and returns tensors on one device; ``B`` is the batch, ``C`` the classes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def sharpen(p: Tensor, temperature: float) -> Tensor:
    """Make a distribution more certain: p^(1/T) / sum p^(1/T).

    Args:
        p: probabilities (B, C), rows sum to 1.
        temperature: T in (0, 1]; 1 leaves p as it is.

    Returns:
        Probabilities (B, C). Computed from logarithms, so that small T can't underflow a row.
    """
    if temperature == 1:
        return p
    return torch.softmax(p.clamp_min(1e-12).log() / temperature, dim=1)


def soft_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy against a distribution, per sample.

    Args:
        logits: (B, C).
        target: probabilities (B, C).

    Returns:
        -sum_k t_k log p_k, in nats, (B,).
    """
    return -(target * F.log_softmax(logits, dim=1)).sum(dim=1)


def generalized_cross_entropy(logits: Tensor, target: Tensor, q: float) -> Tensor:
    """(1 - p^q) / q per sample (Zhang & Sabuncu 2018; L_cls of SSCL, where q is called beta).

    Args:
        logits: (B, C).
        target: probabilities (B, C); p = sum_k t_k softmax(logits)_k, at least 1e-4.
        q: in (0, 1]; towards 0 cross-entropy, which learns every label, 1 = 1 - p, which learns
            slowly and gives wrong labels no more weight than right ones.

    Returns:
        (B,), in [0, 1 / q]; no gradient where p is below 1e-4.
    """
    p = (target * torch.softmax(logits, dim=1)).sum(dim=1).clamp_min(1e-4)
    return (1 - p.pow(q)) / q


def squared_error(logits: Tensor, target: Tensor) -> Tensor:
    """||softmax(logits) - t||^2 per sample (QMix Eq. 8; bounded, so wrong targets hurt less).

    Args:
        logits: (B, C).
        target: probabilities (B, C).

    Returns:
        (B,), in [0, 2].
    """
    return (torch.softmax(logits, dim=1) - target).square().sum(dim=1)


def class_share_penalty(logits: Tensor, shares: Tensor) -> Tensor:
    """KL(pi || mean_batch p) in nats (QMix Eq. 12): zero when the batch keeps the class shares.

    Args:
        logits: (B, C).
        shares: pi, (C,), sums to 1. Not uniform: medical sets are imbalanced.

    Returns:
        Scalar >= 0.
    """
    mean = torch.softmax(logits, dim=1).mean(dim=0).clamp_min(1e-8)
    # 0 log 0 = 0: a class that never occurs asks for nothing.
    divergence: Tensor = torch.special.xlogy(shares, shares).sum() - (shares * mean.log()).sum()
    return divergence


def supervised_contrastive(
    projections: Tensor, classes: Tensor, temperature: float = 0.07
) -> Tensor:
    """Supervised contrastive loss, per anchor (Khosla et al. 2020, L_out; QMix Eq. 11).

    Pulls samples of the same class together and everything else apart.

    Args:
        projections: unit vectors (B, D).
        classes: int64 (B,); equal values are positives of each other.
        temperature: 0.07 in the paper.

    Returns:
        (B,), 0 for an anchor that has no positive in the batch.
    """
    if len(projections) < 2:
        return projections.sum(dim=1) * 0.0
    # exp(1 / 0.07) is beyond what half precision holds: always in float32.
    with torch.autocast(projections.device.type, enabled=False):
        z = projections.float()
        similarity = z @ z.T / temperature
        itself = torch.eye(len(z), dtype=torch.bool, device=z.device)
        similarity = similarity.masked_fill(itself, float("-inf"))
        log_p = similarity - similarity.logsumexp(dim=1, keepdim=True)
        positive = (classes[:, None] == classes[None, :]) & ~itself
        count = positive.sum(dim=1)
        total = torch.where(positive, log_p, torch.zeros_like(log_p)).sum(dim=1)
        per_anchor: Tensor = -total / count.clamp_min(1)
        return per_anchor
