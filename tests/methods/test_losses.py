import math

import pytest
import torch

from mixednoise.methods.losses import (
    class_share_penalty,
    generalized_cross_entropy,
    sharpen,
    soft_cross_entropy,
    squared_error,
    supervised_contrastive,
)


def test_sharpen_by_hand():
    # T = 0.5 squares: .64, .04 of sum .68
    result = sharpen(torch.tensor([[0.8, 0.2]]), 0.5)
    assert result.tolist()[0] == pytest.approx([0.64 / 0.68, 0.04 / 0.68], rel=1e-5)


def test_sharpen_with_temperature_one_changes_nothing():
    p = torch.tensor([[0.5, 0.3, 0.2]])
    assert torch.equal(sharpen(p, 1.0), p)


def test_sharpen_survives_zeros_and_small_temperatures():
    result = sharpen(torch.tensor([[1.0, 0.0, 0.0], [1e-8, 1.0 - 1e-8, 0.0]]), 0.05)
    assert torch.isfinite(result).all()
    assert result.sum(dim=1).tolist() == pytest.approx([1.0, 1.0])


def test_soft_cross_entropy_by_hand():
    logits = torch.log(torch.tensor([[0.7, 0.2, 0.1]]))
    target = torch.tensor([[0.5, 0.5, 0.0]])
    expected = -(0.5 * math.log(0.7) + 0.5 * math.log(0.2))
    assert soft_cross_entropy(logits, target).item() == pytest.approx(expected, rel=1e-5)


def test_generalised_cross_entropy_by_hand():
    logits = torch.log(torch.tensor([[0.5, 0.3, 0.2], [1.0, 1e-9, 1e-9]]))
    losses = generalized_cross_entropy(logits, torch.eye(3)[[0, 0]], 0.6)
    assert losses.tolist() == pytest.approx([0.567077, 0.0], abs=1e-6)
    # nothing is left of the probability: the value at the limit, no gradient, no infinity
    lost = generalized_cross_entropy(logits, torch.eye(3)[[1, 1]], 0.6)[1]
    assert lost.item() == pytest.approx(1.66003, abs=1e-5)
    near_cross_entropy = generalized_cross_entropy(logits[:1], torch.eye(3)[[1]], 1e-4)
    assert near_cross_entropy.item() == pytest.approx(-math.log(0.3), rel=1e-3)


def test_gradient_of_generalised_cross_entropy():
    """dL = -p^(q-1) dp."""
    p = torch.tensor([[0.5, 0.3, 0.2]], dtype=torch.float64)
    logits = p.log().requires_grad_()
    loss = generalized_cross_entropy(logits, torch.eye(3, dtype=torch.float64)[[1]], 0.6)
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    through_softmax = 0.3 * (torch.eye(3)[1] - p[0])
    torch.testing.assert_close(gradient[0], -(0.3 ** (0.6 - 1)) * through_softmax.double())


def test_squared_error_by_hand():
    logits = torch.log(torch.tensor([[0.7, 0.2, 0.1]]))
    target = torch.tensor([[0.5, 0.5, 0.0]])
    assert squared_error(logits, target).item() == pytest.approx(0.04 + 0.09 + 0.01, rel=1e-5)


def test_regulariser_is_zero_when_the_batch_keeps_the_class_shares():
    p = torch.tensor([[0.9, 0.1], [0.5, 0.5]])
    penalty = class_share_penalty(p.log(), torch.tensor([0.7, 0.3]))
    assert penalty.item() == pytest.approx(0.0, abs=1e-6)


def test_regulariser_by_hand_and_with_a_class_that_never_occurs():
    logits = torch.log(torch.tensor([[0.5, 0.25, 0.25]]))
    penalty = class_share_penalty(logits, torch.tensor([0.75, 0.25, 0.0]))
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.25)
    assert penalty.item() == pytest.approx(expected, rel=1e-5)


def by_loops(z: torch.Tensor, classes: torch.Tensor, temperature: float) -> list[float]:
    """L_out of Khosla et al. 2020, Eq. 2, as written there."""
    result = []
    for i in range(len(z)):
        others = [a for a in range(len(z)) if a != i]
        positives = [p for p in others if classes[p] == classes[i]]
        below = sum(math.exp(float(z[i] @ z[a]) / temperature) for a in others)
        terms = [math.log(math.exp(float(z[i] @ z[p]) / temperature) / below) for p in positives]
        result.append(-sum(terms) / len(terms) if terms else 0.0)
    return result


def test_contrastive_loss_equals_a_double_loop():
    torch.manual_seed(0)
    z = torch.nn.functional.normalize(torch.randn(9, 5), dim=1)
    classes = torch.tensor([0, 1, 0, 2, 1, 3, 2, 2, 0])  # class 3 has no positive
    got = supervised_contrastive(z, classes, 0.2)
    assert got.tolist() == pytest.approx(by_loops(z, classes, 0.2), rel=1e-4, abs=1e-5)
    assert got[5].item() == 0.0


@pytest.mark.parametrize("size", [0, 1])
def test_contrastive_loss_of_too_few_samples_is_zero_with_a_gradient(size):
    z = torch.ones(size, 4, requires_grad=True)
    loss = supervised_contrastive(z, torch.zeros(size, dtype=torch.long)).sum()
    loss.backward()
    assert loss.item() == 0.0
    assert z.grad is not None


def test_contrastive_gradient_is_finite_at_identical_projections():
    z = torch.nn.functional.normalize(torch.ones(6, 4), dim=1).requires_grad_()
    supervised_contrastive(z, torch.tensor([0, 0, 1, 1, 2, 2])).sum().backward()
    assert torch.isfinite(z.grad).all()
