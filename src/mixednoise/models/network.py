"""The network that every method trains: encoder, classifier, projector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from mixednoise.errors import ConfigError, DataError
from mixednoise.models.backbones import FixedStem, Stem, resolve_stem
from mixednoise.models.encoders import make_encoder

if TYPE_CHECKING:
    from mixednoise.models.transfer import LoadReport

IMAGENET_MEAN: Final = (0.485, 0.456, 0.406)
IMAGENET_STD: Final = (0.229, 0.224, 0.225)

_CONFIG_KEYS: Final = ("backbone", "num_classes", "image_size", "projection_dim", "stem")


class Network(nn.Module):
    """Encoder -> features (d) -> classifier (C logits) and projector (unit vectors).

    Images go in as float (B, 3, S, S), RGB, in [0, 1]; the mean and standard deviation of the
    training images are buffers of the network, so that a saved model needs nothing beside it. The
    projector is a two-layer perceptron d -> d -> ``projection_dim`` (Hou et al. 2025, section III).

    Initialised by torch's global generator: the same ``torch.manual_seed`` gives the same network.
    Takes ``channels_last`` images and weights as well as contiguous ones.

    Args:
        backbone: one of ``BACKBONES`` or ``timm:NAME``.
        num_classes: C, at least 2.
        image_size: S, pixels; it chooses the stem and, for ViTs, the position embedding.
        projection_dim: length of the projections.
        stem: see ``mixednoise.models.backbones``.
        mean: of each channel over the training images, [0, 1]; ImageNet's by default.
        std: likewise the standard deviation, above 0.

    Attributes:
        load_report: what ``build_network`` loaded into it, None if it started at random.

    Raises:
        ConfigError: a value that can't be; timm missing or not knowing the name.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        backbone: str,
        *,
        num_classes: int,
        image_size: int,
        projection_dim: int = 128,
        stem: Stem = "auto",
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("number of classes", num_classes, 2),
            ("projection_dim", projection_dim, 1),
        ):
            if value < least:
                raise ConfigError(
                    f"the {name} is too small",
                    expected=f"at least {least}",
                    found=str(value),
                    fix="a classifier tells two classes or more apart: check the class names"
                    if name == "number of classes"
                    else f"pass a larger {name}, or leave it out",
                )
        self.load_report: LoadReport | None = None
        self.backbone = backbone
        self.num_classes = num_classes
        self.image_size = image_size
        self.projection_dim = projection_dim
        self.stem: FixedStem = resolve_stem(backbone, stem, image_size)
        mean = IMAGENET_MEAN if mean is None else mean
        std = IMAGENET_STD if std is None else std
        self.register_buffer("mean", _per_channel("mean", mean))
        self.register_buffer("std", _per_channel("std", std, positive=True))
        self.encoder, self.feature_dim = make_encoder(backbone, self.stem, image_size)
        self.classifier = nn.Linear(self.feature_dim, num_classes)
        self.projector = nn.Sequential(
            nn.Linear(self.feature_dim, self.feature_dim),
            nn.ReLU(inplace=True),
            nn.Linear(self.feature_dim, projection_dim),
        )

    def features(self, images: Tensor) -> Tensor:
        """Encode images: float (B, 3, S, S) in [0, 1] -> float (B, d).

        Raises:
            DataError: another shape, or whole numbers instead of floats in [0, 1].
        """
        if images.ndim != 4 or images.shape[1] != 3 or not images.is_floating_point():
            raise DataError(
                "the network can't take this batch",
                expected="float (B, 3, S, S), RGB in [0, 1]",
                found=f"{images.dtype} {tuple(images.shape)}",
                fix="divide uint8 images by 255 and put the channels second",
            )
        return cast(Tensor, self.encoder((images - self.mean) / self.std))

    def forward(self, images: Tensor) -> Tensor:
        """Classify images: float (B, 3, S, S) in [0, 1] -> logits (B, C)."""
        return cast(Tensor, self.classifier(self.features(images)))

    def forward_all(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Classify and project in one pass.

        Args:
            images: float (B, 3, S, S) in [0, 1].

        Returns:
            Logits (B, C), and projections float32 (B, projection_dim) of length 1, also under
            autocast: a dot product divided by a temperature of 0.07 doesn't bear bfloat16.
        """
        features = self.features(images)
        projection = functional.normalize(self.projector(features).float(), dim=1)
        return self.classifier(features), projection

    def config(self) -> dict[str, Any]:
        """Give what ``from_config`` needs to build the same network: plain values, JSON-able."""
        plain: dict[str, Any] = {key: getattr(self, key) for key in _CONFIG_KEYS}
        for name in ("mean", "std"):
            # str gives the shortest number that is the same float32: 0.485, not 0.48500001430511475
            values = getattr(self, name).detach().cpu().numpy().ravel()
            plain[name] = [float(str(value)) for value in values]
        return plain

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Network:
        """Build a network, randomly initialised, from what ``config()`` gave.

        Raises:
            ConfigError: a key is missing, unknown, or has a value that it can't have.
        """
        expected = {*_CONFIG_KEYS, "mean", "std"}
        if set(config) != expected:
            raise ConfigError(
                "this isn't the configuration of a network",
                expected=", ".join(sorted(expected)),
                found=", ".join(sorted(map(str, config))) or "nothing",
                fix="pass what Network.config() of the same version gave",
            )
        return cls(**config)


def _per_channel(name: str, values: Sequence[float], *, positive: bool = False) -> Tensor:
    """Check three numbers and shape them (3, 1, 1), which broadcasts in any memory format."""
    tensor = torch.as_tensor([float(value) for value in values], dtype=torch.float32)
    if tensor.shape != (3,) or not tensor.isfinite().all() or (positive and (tensor <= 0).any()):
        raise ConfigError(
            f"the {name} can't normalise RGB images",
            expected="three finite numbers" + (" above 0" if positive else ""),
            found=str(tensor.tolist()),
            fix="a std of 0 means that a channel is the same everywhere: check the images"
            if positive
            else "pass the mean of each channel of the training images, in [0, 1]",
        )
    return tensor.view(3, 1, 1)
