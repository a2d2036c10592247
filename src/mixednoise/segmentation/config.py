"""Options of training segmenters on masks that can't be trusted."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator

from mixednoise.errors import ConfigError
from mixednoise.methods.config import LearningConfig, Share
from mixednoise.models.segmentation_networks import architecture
from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.labels import Rule
from mixednoise.segmentation.targets import TargetMode
from mixednoise.segmentation.views import PatchSettings

Band = Annotated[
    Annotated[float, Field(gt=0)] | Literal["auto"] | None,
    BeforeValidator(lambda given: None if given == "none" else given),
]
Student = Literal["confident", "cross_entropy", "pick_and_learn"]


class SegmentationConfig(LearningConfig):
    """Teachers, error maps, student. ``auto`` is resolved before training and written down."""

    method: Student = Field(
        "confident",
        description="confident = teachers, error maps, student (CL + SLSR); cross_entropy = "
        "the masks as they are; pick_and_learn = masks weighted by a second network",
    )
    network: str = Field(
        "auto",
        description="residual_unet, residual_unet_slim (half the channels), residual_unet_paper, "
        "unet, segresnet or flexible_unet; auto = residual_unet, on a CPU residual_unet_slim",
    )
    spatial_dims: Literal[2, 3] = Field(
        2, description="dimensions of the network: 2 takes volumes slice by slice, 3 as they are"
    )
    image_size: Annotated[int, Field(ge=16, le=4096)] | Literal["auto"] = Field(
        "auto",
        description="longest side in pixels at which images are seen; never enlarged; masks and "
        "error maps keep their own size; auto = own size, at most 512, on a CPU 128",
    )
    patch_size: Annotated[int, Field(ge=16, le=1024)] | Literal["auto"] = Field(
        "auto",
        description="side of the window that is learned from at a time; auto = the image, at most "
        "256 (64 in 3-D)",
    )
    output_bias: Literal["prior", "random"] = Field(
        "prior",
        description="start of the last layer: prior = by how common each class is in the masks, "
        "without which networks of small structures may never draw any; random = as any layer",
    )
    normalise: Literal["image", "dataset", "range"] = Field(
        "image",
        description="image = each image to mean 0 and deviation 1; dataset = by the mean and "
        "deviation of all; range = by the depth of the pixels (255 for 8 bit)",
    )
    patches: PatchSettings = Field(
        default_factory=PatchSettings, description="flips, rotations, brightness of the windows"
    )

    val_fraction: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of the cases for validation, where the data names none"
    )
    test_fraction: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of the cases that is kept for testing, where the data names none"
    )

    # ---- how long: the student's; the teachers' unless they have their own
    epochs: Annotated[int, Field(ge=1)] = Field(60, description="passes over the training images")
    batch_size: Annotated[int, Field(ge=1)] = Field(8, description="windows per step and process")
    teacher_epochs: Annotated[int, Field(ge=1)] | None = Field(
        None,
        description="passes of each teacher over its own cases; none = as many steps as the "
        "student's: with two folds twice its passes",
    )
    teacher_stop: Literal["held_out", "last"] = Field(
        "held_out",
        description="the teacher that is kept: held_out = of the epoch (weights averaged over "
        "epochs) that agrees best with the given masks it never saw, before it learns wrong ones "
        "by heart; last = of the last epoch",
    )

    # ---- the error maps
    folds: Annotated[int, Field(ge=2)] = Field(
        2, description="teachers; each judges what it has not seen; 5 finds more and costs more"
    )
    rounds: Annotated[int, Field(ge=1, le=5)] | Literal["auto"] = Field(
        "auto",
        description="2 = teachers once more, on masks that the first ones have corrected; auto = 2 "
        "where masks are found to be wrong as a whole (rule whole_masks), else 1",
    )
    rule: Rule = Field(
        "whole_masks",
        description="how suspected pixels are chosen (docs/segmentation.md): whole_masks (all that "
        "teachers disagree with, in masks that disagree as a whole; where masks are of one kind, "
        "Q), C, Q, PBNR, both, intersection, union, argmax",
    )
    pool: Literal["set", "image"] = Field(
        "set", description="thresholds over the whole set, or for each image"
    )
    band: Band = Field(
        "auto",
        description="own thresholds within so many pixels of the mask's boundary; auto = as many "
        "as hold three quarters of the structures' pixels (with rule argmax: none); none = off",
    )
    calibrate: Calibrate = Field(
        "auto",
        description="what is fitted before a teacher's judgement is used: temperature (how sure it "
        "is), shares (each class as often the most probable one as it is in the given masks, and "
        "as many pixels leave it as come to it), auto (shares where teachers name a class less "
        "than half as often as the masks have it, else none)",
    )
    min_region: Annotated[int, Field(ge=0)] = Field(
        0, description="suspected regions of fewer pixels are let go"
    )

    # ---- the student
    corrections: Literal["proven", "always"] = Field(
        "always",
        description="always = the student learns from corrected masks; proven = only if teachers "
        "that learn from them agree better with masks that they never saw than the first ones did "
        "(takes as long again as the first teachers)",
    )
    targets: TargetMode = Field(
        "slsr",
        description="what is done with suspected pixels: slsr (smoothed towards the teacher's "
        "class), soft (towards its probabilities), hard (corrected), ignore, weight, noisy",
    )
    epsilon: Share = Field(0.8, description="strength of slsr, soft and weight; 1 = full")
    quality_width: Annotated[float, Field(gt=0, le=4)] = Field(
        1.0, description="pick_and_learn: width of the second network; 0.25 = a 16th of the cost"
    )
    loss: Literal["ce", "dice_ce"] = Field("ce", description="cross-entropy, or with Dice")

    @field_validator("network")
    @classmethod
    def _network_exists(cls, name: str) -> str:
        if name != "auto":
            architecture(name)
        return name

    @model_validator(mode="after")
    def _agrees(self) -> SegmentationConfig:
        if self.rule == "argmax" and self.band not in (None, "auto"):
            raise ConfigError(
                "plain disagreement has no thresholds that a band could change",
                expected="a band with another rule, or rule argmax without a band",
                found=f"rule={self.rule}, band={self.band}",
                fix="leave the band away, or choose rule Q",
            )
        return self

    @property
    def most_rounds(self) -> int:
        """Rounds of teachers, or with ``auto`` what they come to where masks are wrong."""
        if self.rounds == "auto":
            return 2 if self.rule == "whole_masks" else 1
        return self.rounds

    @property
    def of_volumes(self) -> bool:
        """Whether networks convolve in three dimensions."""
        return self.spatial_dims == 3

    @classmethod
    def preset_names(cls) -> tuple[str, ...]:
        """``default``, and ``paper``: as published, for images of 256 x 256 and a GPU."""
        return ("default", "paper")

    @classmethod
    def preset_options(cls, preset: str) -> dict[str, Any]:
        """The published settings (sections 4 to 7 of the method)."""
        if preset != "paper":
            return {}
        return {
            "network": "residual_unet_paper",
            "output_bias": "random",
            "image_size": 256,
            "patch_size": 256,
            "normalise": "range",
            "epochs": 1001,
            "teacher_epochs": 1001,
            "teacher_stop": "last",
            "batch_size": 4,
            "lr": 1e-3,
            "optimizer": "adamw",
            "weight_decay": 0.0,
            "schedule": "constant",
            "gradient_clip": 0.0,
            "folds": 2,
            "rounds": 1,
            "rule": "Q",
            "band": None,
            "calibrate": "none",
            "corrections": "always",
            "targets": "slsr",
            "epsilon": 0.8,
            "loss": "ce",
            "patches": {"augment": False},
        }
