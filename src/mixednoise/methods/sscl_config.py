"""Options of SSCL."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mixednoise.methods.config import NonNegative, Positive, Share, TrainingConfig, fit_warmup
from mixednoise.methods.contrastive.pairs import FeatureMap

#: The published batch: the IB term was summed over it, ours is a mean.
PUBLISHED_BATCH = 4


class SSCLConfig(TrainingConfig):
    """Options of SSCL. Names in brackets are those of the paper and of the published command."""

    warmup_epochs: int = Field(
        8,
        ge=1,
        description="epochs in which every given label is learned (E_0, --start_epochs); if not "
        "given, at most half of the epochs",
    )
    untrusted_share: Share | Literal["auto"] = Field(
        "auto",
        description="share of every given class whose labels are replaced by predictions (t, "
        "--t); auto = estimated for each class by the confident joint",
    )
    minimum_trusted_share: Share = Field(
        0.05, description="[ours] share of every class that auto trusts at least"
    )
    promotion_epochs: int | None = Field(
        None,
        ge=1,
        description="[ours] epochs after the warm-up in which trust is decided anew; none = every "
        "epoch, as published",
    )
    look_memory: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.8,
        description="[ours] share of the earlier mean when a sample is seen again; 0 = the last "
        "look alone decides about trust, as published",
    )
    pseudo_labels: Literal["soft", "sharpened", "hard", "none"] = Field(
        "soft",
        description="what an untrusted sample is to learn: the prediction, the prediction "
        "sharpened, its class; none = the given label, whatever it is (--mode 0)",
    )
    pseudo_label_temperature: float = Field(
        0.5, gt=0, le=1, description="T of sharpened pseudo-labels"
    )
    pseudo_label_weight: NonNegative = Field(
        1.0, description="weight of untrusted samples in the classification loss; 0 leaves them out"
    )
    minimum_confidence: Share = Field(
        0.0, description="untrusted samples predicted with less than this are left out"
    )
    classification_loss: Literal["ce", "gce"] = Field(
        "ce",
        description="cross-entropy, or generalised cross-entropy as published (--type), which "
        "learns rare classes slowly",
    )
    beta: float = Field(
        0.6, gt=0, le=1, description="of gce: towards 0 cross-entropy, 1 = 1 - p (--beta)"
    )
    class_balance: Literal["none", "weights"] = Field(
        "none", description="[ours] weights: rarer given classes count for more, up to 5 times"
    )
    lambda_contrastive: NonNegative = Field(8.0, description="weight of L_ctr (--lama)")
    lambda_classification: NonNegative = Field(2.0, description="weight of L_cls (--lamb)")
    lambda_bottleneck: NonNegative = Field(2.0, description="weight of L_IB, a mean (--lamc)")
    bottleneck_temperature: Positive = Field(0.1, description="temperature of L_IB; published: 1")
    pair_threshold: NonNegative = Field(
        0.4, description="pairs of images whose class probabilities agree by this attract (tau)"
    )
    feature_map: FeatureMap = Field(
        "clip", description="how embeddings become points that are compared (docs/sscl.md)"
    )
    symmetric: bool = Field(True, description="both strong views serve as query and as key")
    queue_size: int = Field(480, ge=0, description="keys of earlier steps to compare with (Q)")
    key_momentum: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.99, description="m of the momentum encoder (--m)"
    )
    mixup: bool = Field(True, description="mix the strong views of a batch (MFE, --mix_up)")
    mixup_alpha: Positive = Field(
        5.0, description="the share of an image is drawn of Beta(this, 1)"
    )

    _warmup_fits = model_validator(mode="after")(fit_warmup)

    @classmethod
    def preset_names(cls) -> tuple[str, ...]:
        """``default`` or ``paper``."""
        return ("default", "paper")

    @classmethod
    def preset_options(cls, preset: str) -> dict[str, Any]:
        """``paper``: the published settings, but for a batch of 4. Costs GPU days."""
        if preset != "paper":
            return {}
        return {
            "backbone": "resnet18",
            "stem": "full",
            "image_size": 224,
            "batch_size": 32,
            "epochs": 300,
            # One more than E_0: there, the first looks were taken in the epoch after the warm-up.
            "warmup_epochs": 31,
            "optimizer": "sgd",
            "nesterov": False,
            "lr": 0.02,
            "weight_decay": 5e-4,
            "decay_all": True,
            "schedule": "halving_cosine",
            "gradient_clip": 0.0,
            "classification_loss": "gce",
            "untrusted_share": 0.5,
            "look_memory": 0.0,
            "mixup": False,
            "lambda_bottleneck": 2.0 * PUBLISHED_BATCH,
            "bottleneck_temperature": 1.0,
            # Mirrored, turned by any angle, cropped: nothing else is changed. The published crops
            # (30 to 100 % of the image, the weak one 8 to 100 %) are milder here.
            "views": {
                "vertical_flip": False,
                "weak_rotation": 0.0,
                "weak_brightness": 0.0,
                "weak_shift": 0.1,
                "strong_rotation": 180.0,
                "strong_scale": 0.4,
                "strong_shift": 0.15,
                "strong_shear": 0.0,
                "strong_brightness": 0.0,
                "strong_contrast": 0.0,
                "strong_saturation": 0.0,
                "strong_channel_gain": 0.0,
                "strong_grey": 0.0,
                "strong_cutout": 0.0,
            },
        }
