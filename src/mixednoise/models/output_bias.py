"""The start of a network's last layer: every class as probable as it is common.

A structure of 2 % of the pixels is nothing at first: a network with random weights soon says
"background" everywhere. Where it gets there by features that stand for background, and a bias that
stays near zero, no pixel can ever be named otherwise, however long it learns: probabilities of the
structure stop short of one half. With the bias where the shares of the classes belong (Lin et al.,
ICCV 2017, section 4.1), background needs no features, and all of them are free to stand for
structures.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

#: Lin et al.'s: a class is taken to be at least that common.
RAREST = 0.01
_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def set_output_bias(network: nn.Module, shares: Sequence[float]) -> bool:
    """Make the probabilities of a network with random weights those of the classes.

    Args:
        network: its last convolution with one channel per class gets the bias; the mean over the
            classes is 0.
        shares: K shares of the pixels, at least 0; those below :data:`RAREST` count as that.

    Returns:
        Whether there is such a layer with a bias.
    """
    biases = [
        layer.bias
        for layer in network.modules()
        if isinstance(layer, _CONVOLUTIONS)
        and layer.out_channels == len(shares)
        and layer.bias is not None
    ]
    if not biases:
        return False
    logs = torch.tensor([math.log(max(share, RAREST)) for share in shares])
    with torch.no_grad():
        biases[-1].copy_(logs - logs.mean())
    return True
