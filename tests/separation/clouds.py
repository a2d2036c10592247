"""Hand-made loss and entropy with known groups."""

import numpy as np


def softmax_cloud(sizes, num_classes, seed, *, readable=0.92):
    """A network that knows its classes, made sample by sample; groups in the order of ``sizes``.

    ``correct``: p is ``readable`` or so on the given label. ``mis_h``: on another one.
    ``mis_l``: p is nearly uniform.

    Returns loss, entropy, labels, group.
    """
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(3), sizes)
    n = len(group)
    labels = rng.integers(num_classes, size=n)
    top = np.where(group == 1, (labels + rng.integers(1, num_classes, n)) % num_classes, labels)
    sure = np.clip(rng.beta(readable * 20, (1 - readable) * 20, n), 0.5, 0.999)
    rest = rng.dirichlet(np.full(num_classes, 2.0), n)
    p = rest * (1 - sure)[:, None]
    p[np.arange(n), top] += sure
    flat = rng.dirichlet(np.full(num_classes, 200.0), n)
    p[group == 2] = flat[group == 2]
    loss = -np.log(p[np.arange(n), labels])
    entropy = -(p * np.log(p)).sum(axis=1)
    return loss, entropy, labels, group


def gaussian_cloud(n, seed):
    """Three separated 2-D Gaussians, (points, component)."""
    rng = np.random.default_rng(seed)
    k = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    means = np.array([[0.1, 0.2], [0.7, 0.4], [0.4, 0.9]])
    factors = np.array(
        [[[0.05, 0.0], [0.03, 0.05]], [[0.06, 0.0], [-0.02, 0.05]], 0.05 * np.eye(2)]
    )
    return means[k] + np.einsum("nij,nj->ni", factors[k], rng.normal(size=(n, 2))), k
