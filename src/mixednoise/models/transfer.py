"""Weights from elsewhere: which tensor of a file belongs where in a network.

Understood are the names of torchvision (ResNet, DenseNet), of the EfficientNet-PyTorch project that
MONAI's EfficientNet follows, of timm (for ``timm:NAME``), of MONAI and of this package, behind the
prefixes that trainers put before them (``module.``, ``encoder.``, ``backbone.``, ``model.``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

from mixednoise.errors import ConfigError
from mixednoise.models.backbones import FixedStem
from mixednoise.models.network import Network

_PREFIXES: Final = ("module.", "_orig_mod.", "model.", "network.", "net.", "backbone.", "encoder.")
_HEADS: Final = ("fc", "classifier", "head", "head.fc", "_fc", "class_layers.out", "linear")
# Counters that only matter to batch norms without momentum, which no backbone here has; files
# written before torch 0.4.1, torchvision's DenseNet among them, lack them.
_COUNTER: Final = "num_batches_tracked"

# torchvision: features.denseblock1.denselayer1.norm1.weight (or, before 2018, ...norm.1.weight)
# MONAI:       features.denseblock1.denselayer1.layers.norm1.weight
_DENSE_LAYER: Final = re.compile(r"(.*\.denselayer\d+)\.(norm|conv)\.?([12]\..+)")
# MONAI: _blocks.STAGE.BLOCK.NAME, with blocks numbered throughout
# EfficientNet-PyTorch: _blocks.BLOCK.NAME
_STAGED_BLOCK: Final = re.compile(r"_blocks\.\d+\.(\d+)\.(.+)")


@dataclass(frozen=True)
class LoadReport:
    """What became of a file of weights.

    Attributes:
        source: file or URL.
        loaded: tensors of the network that were filled, by their name in ``state_dict()``.
        skipped: tensors of the file that were not used, and why.
        missing: tensors of the network that keep their random start.
    """

    source: str
    loaded: tuple[str, ...]
    skipped: dict[str, str]
    missing: tuple[str, ...]

    @property
    def missing_encoder(self) -> tuple[str, ...]:
        """Tensors of the encoder that keep their random start."""
        return tuple(name for name in self.missing if name.startswith("encoder."))

    def text(self) -> str:
        """Say it in a line, and one more line per kind of thing that was left out."""
        lines = [f"weights from {self.source}: {len(self.loaded)} tensors loaded"]
        reasons: dict[str, list[str]] = {}
        for name, reason in self.skipped.items():
            reasons.setdefault(reason, []).append(name)
        lines += [f"  left out: {_some(names)}: {reason}" for reason, names in reasons.items()]
        if self.missing:
            lines.append(f"  starting at random: {_some(list(self.missing))}")
        return "\n".join(lines)


def load_weights(
    network: Network,
    tensors: Mapping[str, Tensor],
    *,
    source: str,
    keep_normalisation: bool = True,
    complete: bool = False,
) -> LoadReport:
    """Fill a network with the tensors that fit; on an error the network is as it was.

    Args:
        network: is changed in place.
        tensors: backbone only, or a whole model; a head for another number of classes is left out.
        source: file or URL, for messages.
        keep_normalisation: keep the network's own mean and std even if the file has some.
        complete: insist on every tensor of the encoder, except the first convolution when the
            network has the small stem and the file the standard one.

    Raises:
        ConfigError: fewer than half of the encoder's tensors are in the file (another backbone),
            one is missing though ``complete`` is set, or one holds NaN.
    """
    own = network.state_dict()
    aliases = _aliases(own)
    chosen: dict[str, Tensor] = {}
    skipped: dict[str, str] = {}
    for name, tensor in tensors.items():
        target = _target(name, own, aliases)
        if target is None:
            skipped[name] = f"{network.backbone} has nothing of that name"
        elif target in ("mean", "std") and keep_normalisation:
            skipped[name] = "the training images' own mean and std are used"
        elif tensor.shape != own[target].shape:
            skipped[name] = _mismatch(target, tensor, own[target])
        elif target in chosen:
            skipped[name] = f"another tensor of the file is {target} already"
        elif not torch.isfinite(tensor).all():
            raise ConfigError(
                "the weights hold numbers that aren't finite",
                expected="finite weights",
                found=f"{source}: {name}",
                fix="take a checkpoint from before the training broke down",
            )
        else:
            chosen[target] = tensor
    missing = tuple(
        name
        for name in own
        if name not in chosen and name not in ("mean", "std") and not name.endswith(_COUNTER)
    )
    report = LoadReport(source, tuple(chosen), skipped, missing)
    _check_fit(network, report, complete)
    with torch.no_grad():
        for name, tensor in chosen.items():
            own[name].copy_(tensor)
    return report


def stem_of(tensors: Mapping[str, Tensor]) -> FixedStem | None:
    """Tell the stem of a ResNet or DenseNet from its first convolution; None where it can't.

    The full stem has the same convolution as the small one, and counts as that.
    """
    for name, tensor in tensors.items():
        if tensor.ndim == 4 and re.search(r"(^|\.)(conv1|features\.conv0)\.weight$", name):
            in_block = re.search(r"layer\d", name)
            if not in_block and tensor.shape[1] == 3:
                return "standard" if tensor.shape[-1] == 7 else "small"
    return None


def _aliases(own: Mapping[str, Tensor]) -> dict[str, str]:
    """Map every name that a file may use, without prefixes, to the network's own."""
    aliases: dict[str, str] = {}
    for name in own:
        short = name.removeprefix("encoder.")
        aliases[short] = name
        if staged := _STAGED_BLOCK.fullmatch(short):
            aliases[f"_blocks.{staged[1]}.{staged[2]}"] = name
    return aliases


def _target(name: str, own: Mapping[str, Tensor], aliases: Mapping[str, str]) -> str | None:
    if name in own:
        return name
    short = name
    while True:
        dense = _DENSE_LAYER.fullmatch(short)
        for candidate in (short, f"{dense[1]}.layers.{dense[2]}{dense[3]}" if dense else short):
            if candidate in aliases:
                return aliases[candidate]
        module, _, leaf = short.rpartition(".")
        if module in _HEADS and leaf in ("weight", "bias"):
            return f"classifier.{leaf}"
        prefix = next((prefix for prefix in _PREFIXES if short.startswith(prefix)), None)
        if prefix is None:
            return None
        short = short.removeprefix(prefix)


def _mismatch(target: str, given: Tensor, wanted: Tensor) -> str:
    if target.startswith("classifier.") and given.ndim == wanted.ndim:
        if given.shape[0] != wanted.shape[0]:
            return f"a head for {given.shape[0]} classes; this network has {wanted.shape[0]}"
    elif target.startswith("encoder.") and given.ndim == 4 and given.shape[1] == 3:
        return f"a first convolution of {_shape(given)}; this stem has {_shape(wanted)}"
    return f"its shape is {_shape(given)}, here it is {_shape(wanted)}"


def _check_fit(network: Network, report: LoadReport, complete: bool) -> None:
    loaded = sum(n.startswith("encoder.") and not n.endswith(_COUNTER) for n in report.loaded)
    total = loaded + len(report.missing_encoder)
    stem = {"encoder.conv1.weight", "encoder.features.conv0.weight"}
    lacking = [
        name for name in report.missing_encoder if network.stem == "standard" or name not in stem
    ]
    if 2 * loaded < total or (complete and lacking):
        examples = [f"{name} ({reason})" for name, reason in report.skipped.items()]
        raise ConfigError(
            f"the weights don't fit {network.backbone}",
            expected=f"{total} tensors of its encoder, such as {_some(lacking)}",
            found=f"{report.source}: {loaded} of them"
            + (f"; in the file: {_some(examples)}" if examples else ""),
            fix="pass the --backbone that the weights were made for",
        )


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape)) or "a single number"


def _some(names: list[str], limit: int = 3) -> str:
    shown = ", ".join(names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit} more"
