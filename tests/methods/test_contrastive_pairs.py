"""The contrastive term against numbers worked by hand and against numpy."""

import math

import numpy as np
import pytest
import torch

from mixednoise.methods.contrastive.pairs import (
    bottleneck_loss,
    embed,
    pair_loss,
    pair_weights,
    similarity,
)

P = torch.tensor([[0.9, 0.1, 0.0], [0.8, 0.2, 0.0], [0.0, 0.0, 1.0]])
NOTHING = P[:0]


def test_weights_of_confident_pairs_by_hand():
    queued = torch.tensor([[1.0, 0.0, 0.0], [0.3, 0.3, 0.4]])
    weights = pair_weights(P, queued, 0.4)
    # row 0: own 1, with row 1 .72 + .02, row 2 0, queue .9 and .27 + .03 (below .4)
    row = np.array([1.0, 0.74, 0.0, 0.9, 0.0])
    assert weights[0].tolist() == pytest.approx((row / row.sum()).tolist())
    # row 2: own 1, nobody else but the second of the queue, with exactly .4
    assert weights[2].tolist() == pytest.approx([0.0, 0.0, 1 / 1.4, 0.0, 0.4 / 1.4])


@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.4, 0.8, 1.01])
def test_rows_sum_to_one_and_hold_the_own_key(threshold):
    p = torch.softmax(torch.randn(7, 5, generator=torch.Generator().manual_seed(1)), dim=1)
    queued = torch.softmax(torch.randn(9, 5, generator=torch.Generator().manual_seed(2)), dim=1)
    weights = pair_weights(p, queued, threshold)
    assert weights.shape == (7, 16)
    assert weights.sum(dim=1).tolist() == pytest.approx([1.0] * 7)
    assert (weights.diagonal() > 0).all()


def test_a_threshold_that_no_pair_reaches_leaves_the_own_key_alone():
    weights = pair_weights(P, P, 1.01)
    assert torch.equal(weights, torch.eye(3, 6))


def test_sure_predictions_pair_the_same_class_only():
    sure = torch.eye(2)[[0, 1, 0]]
    weights = pair_weights(sure, sure[:0], 0.4)
    assert torch.equal(weights > 0, torch.tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1]]).bool())


def test_loss_by_hand_with_one_queue_entry():
    q = torch.tensor([[0.6, 0.8], [0.8, 0.6]])
    z = torch.tensor([[0.8, 0.6], [0.6, 0.8], [0.1, 0.2]])  # the last one of the queue
    weights = torch.tensor([[0.5, 0.3, 0.2], [0.25, 0.75, 0.0]])
    scl, que = pair_loss(q, z, weights, "clip")
    # own: -.96 and -.96; other of the batch: <q_0, z_1> = 1 (held at 1 - 1e-4), <q_1, z_0> = 1
    near = math.log(1e-4)
    assert scl.item() == pytest.approx(
        (0.5 * -0.96 + 0.3 * near + 0.25 * near + 0.75 * -0.96) / 2, rel=1e-3
    )
    assert que.item() == pytest.approx(0.2 * math.log(1 - 0.22) / 2, rel=1e-5)


def test_gradient_of_a_pair_grows_with_likeness():
    """d log(1 - <q, z>) / dq = -z / (1 - <q, z>); of the own key -z."""
    q = torch.tensor([[0.6, 0.3]], requires_grad=True)
    z = torch.tensor([[0.1, 0.2], [0.5, 0.4]])
    _, que = pair_loss(q, z, torch.tensor([[0.0, 1.0]]), "clip")
    (gradient,) = torch.autograd.grad(que, q)
    inner = 0.6 * 0.5 + 0.3 * 0.4
    assert gradient[0].tolist() == pytest.approx([-0.5 / (1 - inner), -0.4 / (1 - inner)])
    scl, _ = pair_loss(q, z, torch.tensor([[1.0, 0.0]]), "clip")
    (gradient,) = torch.autograd.grad(scl, q)
    assert gradient[0].tolist() == pytest.approx([-0.1, -0.2])


def test_no_gradient_into_probabilities():
    p = P.clone().requires_grad_()
    assert not pair_weights(p, NOTHING, 0.4).requires_grad


def test_equal_points_keep_the_loss_finite():
    """A fully positive unit vector with itself would give log(0)."""
    q = embed(torch.ones(2, 4), "relu")
    scl, que = pair_loss(q, torch.cat([q, q]), torch.full((2, 4), 0.25), "relu")
    assert torch.isfinite(scl + que)
    assert que.item() >= math.log(1e-4)


def test_feature_maps():
    features = torch.tensor([[3.0, -4.0], [-3.0, 4.0]])
    assert embed(features, "clip")[0].tolist() == pytest.approx([0.6, 1e-4])
    assert embed(features, "relu")[0].tolist() == pytest.approx([1.0, 0.0])
    unit = embed(features, "affine")
    assert unit[0].tolist() == pytest.approx([0.6, -0.8])
    # opposite directions: cosine -1 becomes 0, equal ones come to the highest that is allowed
    alike = similarity(unit, unit, "affine")
    assert alike.tolist() == [pytest.approx([1 - 1e-4, 0.0]), pytest.approx([0.0, 1 - 1e-4])]


def test_bottleneck_is_the_kullback_leibler_divergence():
    scipy_stats = pytest.importorskip("scipy.stats")
    generator = torch.Generator().manual_seed(0)
    q, z = torch.rand(5, 8, generator=generator), torch.rand(5, 8, generator=generator)
    softmax = [torch.softmax(v / 0.1, dim=1).double().numpy() for v in (q, z)]
    expected = np.mean([scipy_stats.entropy(a, b) for a, b in zip(*softmax, strict=True)])
    assert bottleneck_loss(q, z, 0.1).item() == pytest.approx(expected, rel=1e-5)
    assert bottleneck_loss(q, q, 0.1).item() == pytest.approx(0.0, abs=1e-7)
    # a mean: twice the same rows change nothing
    doubled = bottleneck_loss(torch.cat([q, q]), torch.cat([z, z]), 0.1)
    assert doubled.item() == pytest.approx(expected, rel=1e-5)


def parent_loss(q, z, p, threshold):
    """CTRR's term in numpy, one direction, without a queue: equations of the parent paper."""
    q, z = (np.clip(v / np.linalg.norm(v, axis=1, keepdims=True), 1e-4, 1 - 1e-4) for v in (q, z))
    total = 0.0
    for i in range(len(q)):
        s = p[i] @ p.T
        s[i] = 1.0
        chosen = s >= threshold
        weights = s * chosen / (s * chosen).sum()
        for j in np.flatnonzero(chosen):
            inner = q[i] @ z[j]
            total += weights[j] * (2 - inner if i == j else 2 + np.log(1 - inner))
    return total / len(q)


def test_equal_to_the_parent_method_without_queue_bottleneck_and_second_direction():
    rng = np.random.default_rng(3)
    q, z = rng.normal(size=(12, 16)), rng.normal(size=(12, 16))
    p = rng.dirichlet(np.full(4, 0.3), 12)
    scl, que = pair_loss(
        embed(torch.tensor(q), "clip"),
        embed(torch.tensor(z), "clip"),
        pair_weights(torch.tensor(p), torch.tensor(p[:0]), 0.4),
        "clip",
    )
    assert que.item() == 0.0
    assert scl.item() + 2 == pytest.approx(parent_loss(q, z, p, 0.4), abs=1e-6)
