"""Which samples count as the same, and what pulls their embeddings together.

``B`` queries are compared with ``B + Q`` keys: first the keys of the same batch, key i being the
own one of query i, then those of the queue.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

FeatureMap = Literal["clip", "relu", "affine"]

#: Coordinates are kept this far from 0 and 1 by ``clip``.
MARGIN = 1e-4
#: No inner product comes nearer to 1, so that log(1 - s) stays above -9.3.
HIGHEST = 1 - 1e-4


def embed(features: Tensor, feature_map: FeatureMap) -> Tensor:
    """Features as the points that are compared.

    Args:
        features: (n, e).
        feature_map: ``clip``: unit vectors, every coordinate clamped to [1e-4, 1 - 1e-4], as
            published: negative coordinates get no gradient, and a pair of equal points comes to
            about 0.5. ``relu``: unit vectors of the positive part. ``affine``: unit vectors, whose
            cosine s is mapped to (1 + s) / 2.

    Returns:
        float32 (n, e).
    """
    features = features.float()
    if feature_map == "relu":
        features = F.relu(features)
    unit = F.normalize(features, dim=1)
    return unit.clamp(MARGIN, 1 - MARGIN) if feature_map == "clip" else unit


def similarity(queries: Tensor, keys: Tensor, feature_map: FeatureMap) -> Tensor:
    """Inner products of embedded points in [0, 1 - 1e-4]: (B, e), (J, e) -> (B, J)."""
    product = queries @ keys.T
    if feature_map == "affine":
        product = (1 + product) / 2
    return product.clamp(max=HIGHEST)


def pair_weights(p: Tensor, queued: Tensor, threshold: float) -> Tensor:
    """Weights w_ij of the confident pairs: how surely i and j are of one class.

    Args:
        p: class probabilities of the batch (B, C).
        queued: those of the queue (Q, C); Q may be 0.
        threshold: tau; pairs with <P_i, P_j> below it do not count.

    Returns:
        (B, B + Q), no gradient, rows sum to 1; the own key always counts, with s_ii = 1.
    """
    p = p.detach()
    agreement = p @ torch.cat([p, queued]).T
    own = torch.arange(len(p), device=p.device)
    confident = agreement >= threshold
    agreement[own, own], confident[own, own] = 1.0, True
    kept = torch.where(confident, agreement, torch.zeros_like(agreement))
    return kept / kept.sum(dim=1, keepdim=True)


def pair_loss(
    queries: Tensor, keys: Tensor, weights: Tensor, feature_map: FeatureMap
) -> tuple[Tensor, Tensor]:
    """Mean over i of sum_j w_ij ell_ij, in two parts.

    ell is -<q_i, z_i> for the own key and log(1 - <q_i, z_j>) for all others: its gradient grows
    with the likeness, so that pairs that are alike already outweigh wrongly chosen ones. The
    constant 2 of the published formula, which moves nothing, is left out.

    Args:
        queries: embedded (B, e).
        keys: embedded (B + Q, e), no gradient.
        weights: (B, B + Q) of :func:`pair_weights`.
        feature_map: the one that embedded them.

    Returns:
        The part of the batch's keys (SCL) and of the queue's (QUE); the loss is their sum.
    """
    alike = similarity(queries, keys, feature_map)
    own = torch.eye(len(queries), len(keys), dtype=torch.bool, device=keys.device)
    terms = weights * torch.where(own, -alike, torch.log1p(-alike))
    per_key = terms.sum(dim=0) / len(queries)
    return per_key[: len(queries)].sum(), per_key[len(queries) :].sum()


def bottleneck_loss(queries: Tensor, keys: Tensor, temperature: float) -> Tensor:
    """KL(softmax(q_i / T) || softmax(z_i / T)) in nats, mean over i.

    Args:
        queries: embedded (B, e).
        keys: embedded (B, e), no gradient; row i belongs to query i.
        temperature: T; at 1 the softmax of coordinates in [0, 1] is nearly uniform, and the loss
            nearly 0.
    """
    log_q = F.log_softmax(queries / temperature, dim=1)
    log_z = F.log_softmax(keys / temperature, dim=1)
    return F.kl_div(log_z, log_q, reduction="batchmean", log_target=True)
