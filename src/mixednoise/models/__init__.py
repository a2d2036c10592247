"""Networks: thin over MONAI's and timm's backbones, with a classifier and a projector on top.

::

    network = build_network("resnet18", num_classes=5, image_size=224, pretrained=True)
    logits, projections = network.forward_all(images)      # float (B, 3, 224, 224) in [0, 1]
    save_networks("model.safetensors", [network], {"class_names": names})
    (network,), metadata = load_networks("model.safetensors")
"""

from mixednoise.models.backbones import (
    BACKBONES,
    Stem,
    check_backbone,
    default_backbone,
    resolve_stem,
)
from mixednoise.models.build import build_network
from mixednoise.models.network import Network
from mixednoise.models.sources import imagenet_weights, read_weights
from mixednoise.models.transfer import LoadReport, load_weights
from mixednoise.models.weights import load_network, load_networks, save_network, save_networks

__all__ = [
    "BACKBONES",
    "LoadReport",
    "Network",
    "Stem",
    "build_network",
    "check_backbone",
    "default_backbone",
    "imagenet_weights",
    "load_network",
    "load_networks",
    "load_weights",
    "read_weights",
    "resolve_stem",
    "save_network",
    "save_networks",
]
