"""One call from options to a network that is ready to train."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mixednoise.errors import ConfigError
from mixednoise.models.backbones import (
    TIMM_PREFIX,
    FixedStem,
    Stem,
    check_backbone,
    resolve_stem,
)
from mixednoise.models.network import Network
from mixednoise.models.sources import WeightsFile, imagenet_weights, read_weights
from mixednoise.models.transfer import LoadReport, load_weights, stem_of
from mixednoise.progress import Progress, Silent


def build_network(
    backbone: str,
    *,
    num_classes: int,
    image_size: int,
    projection_dim: int = 128,
    pretrained: bool = False,
    weights: Path | str | None = None,
    weights_index: int = 0,
    stem: Stem = "auto",
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    progress: Progress | None = None,
) -> Network:
    """Build a network, with weights if asked for.

    What was loaded, left out and left at random is said through ``progress`` and kept as
    ``network.load_report``.

    Args:
        backbone: one of ``BACKBONES`` or ``timm:NAME``.
        num_classes: C, at least 2.
        image_size: S, pixels.
        projection_dim: length of the projections.
        pretrained: start from published ImageNet weights, downloaded on first use.
        weights: start from a file: ``.safetensors``, ``.pt``, ``.pth``; backbone or whole model.
        weights_index: which network of a file of this package (counted round), so that two networks
            can start from the two of an earlier run.
        stem: ``auto`` suits the image size, or the weights where weights are asked for: a first
            convolution of 7x7 has no place in the small stem. With ``small`` said outright, it is
            left out and starts at random.
        mean: of each channel of the training images, [0, 1]. By default what the weights were
            trained with where that is known, else ImageNet's.
        std: likewise.
        progress: gets messages; silent by default.

    Raises:
        ConfigError: an option that can't be, weights that can't be had or don't fit.
        RunError: the weights are a damaged model of this package.
    """
    progress = progress or Silent()
    check_backbone(backbone)
    if pretrained and weights is not None:
        raise ConfigError(
            "ImageNet weights and a weights file exclude each other",
            expected="one of the two",
            found=f"pretrained and weights {weights}",
            fix="leave one of them out",
        )
    if (mean is None) != (std is None):
        raise ConfigError(
            "mean and std belong together",
            expected="both or neither",
            found="a mean without a std" if std is None else "a std without a mean",
            fix="pass both, of the training images, or leave both out",
        )
    if not pretrained and weights is None:
        return Network(
            backbone,
            num_classes=num_classes,
            image_size=image_size,
            projection_dim=projection_dim,
            stem=stem,
            mean=mean,
            std=std,
        )
    keep_normalisation = mean is not None
    if weights is not None:
        file, source = read_weights(weights, index=weights_index), str(weights)
        _check_origin(file, backbone, source)
    elif backbone.startswith(TIMM_PREFIX):
        file, source, (mean, std) = _timm_weights(backbone, image_size, mean, std)
    else:
        file, source = imagenet_weights(backbone, show_progress=not isinstance(progress, Silent))
    network = Network(
        backbone,
        num_classes=num_classes,
        image_size=image_size,
        projection_dim=projection_dim,
        stem=_stem_for(file, backbone) if stem == "auto" else stem,
        mean=mean,
        std=std,
    )
    report = load_weights(
        network,
        file.tensors,
        source=source,
        keep_normalisation=keep_normalisation,
        complete=pretrained,
    )
    network.load_report = report
    _tell(progress, network, report, stem)
    return network


def _stem_for(file: WeightsFile, backbone: str) -> FixedStem:
    """Choose the stem that the weights were made with."""
    known = stem_of(file.tensors) if file.config is None else file.config.get("stem")
    if backbone.startswith(TIMM_PREFIX):
        return "standard"
    return known if known in ("small", "full") else "standard"


def _check_origin(file: WeightsFile, backbone: str, source: str) -> None:
    """Refuse a model of this package with another backbone before half of it happens to fit."""
    if file.config is not None and file.config.get("backbone") != backbone:
        raise ConfigError(
            f"the weights don't fit {backbone}",
            expected=f"a {backbone}",
            found=f"{source} holds a {file.config.get('backbone')}",
            fix=f"pass --backbone {file.config.get('backbone')}",
        )


def _timm_weights(
    backbone: str, image_size: int, mean: Sequence[float] | None, std: Sequence[float] | None
) -> tuple[WeightsFile, str, tuple[Sequence[float], Sequence[float]]]:
    from mixednoise.models.timm_backbones import make_timm_encoder, timm_normalisation

    name = backbone.removeprefix(TIMM_PREFIX)
    encoder, _ = make_timm_encoder(name, image_size, pretrained=True)
    known_mean, known_std = timm_normalisation(name)
    if mean is None or std is None:
        mean, std = known_mean, known_std
    return WeightsFile(encoder.state_dict()), f"timm, {name}", (mean, std)


def _tell(progress: Progress, network: Network, report: LoadReport, stem: Stem) -> None:
    progress.message(report.text())
    by_size = resolve_stem(network.backbone, "auto", network.image_size)
    if stem == "auto" and network.stem != by_size:
        progress.message(
            f"stem {network.stem}: the weights were made with it, though images of "
            f"{network.image_size} px alone would take the {by_size} one"
        )
    if report.missing_encoder:
        progress.warning(
            "not in the weights, starting at random: "
            f"{len(report.missing_encoder)} of the encoder's tensors, such as "
            f"{report.missing_encoder[0]}"
        )
