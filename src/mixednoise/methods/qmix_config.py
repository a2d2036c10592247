"""Options of QMix."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from mixednoise.methods.config import AveragedConfig, NonNegative, Share, fit_warmup
from mixednoise.separation import SeparationSettings


class QMixConfig(AveragedConfig):
    """Options of QMix. Symbols are the paper's; [ours] marks what the paper does not have."""

    warmup_epochs: int = Field(
        8,
        ge=1,
        description="T_w: epochs of plain cross-entropy first; if not given, at most half of the "
        "epochs",
    )
    separation: SeparationSettings = Field(
        default_factory=SeparationSettings, description="the mixture on (l, e): see its options"
    )
    separation_epochs: int | None = Field(
        1,
        ge=1,
        description="[ours] epochs after the warm-up in which the samples are sorted anew; then "
        "the verdict is kept, because networks learn their own mistakes by heart and separation "
        "decays; none = every epoch, as in the paper",
    )
    least_suspected: Share = Field(
        0.18,
        description="[ours] the guard: where a smaller share of all samples than this is called "
        "mis_h, the evidence shows no wrong labels, and all are learned as given (clean data: 2 to "
        "15 %); unreadable images are muted all the same; 0 = never",
    )
    correct_share: Literal["fixed", "estimated"] = Field(
        "fixed",
        description="[ours] how much of every class is kept as correct at least: "
        "separation.minimum_correct_share, or what the confident joint finds right where that is "
        "more",
    )
    group_weights: Literal["argmax", "posterior"] = Field(
        "posterior",
        description="[ours] a sample counts in L_correct, L_mis_h and L_mis_l by its posteriors; "
        "argmax = wholly in that of its most probable group, as in the paper",
    )
    ema_decay: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.99,
        description="[ours] share of itself that a running average of the weights keeps per step; "
        "the average sorts, guesses, is kept and predicted with; 0 = off, as in the paper",
    )
    mixup_alpha: NonNegative = Field(
        1.0,
        description="[ours] after the warm-up every image is mixed with another one, by "
        "Beta(alpha, alpha); 0 = off, as in the paper",
    )
    logit_adjustment: NonNegative = Field(
        0.5,
        description="[ours] tau: log(share of the class) tau is added to the logits while they "
        "learn, so that rare classes are named more often; 0 = off, as in the paper",
    )
    weak_views: int = Field(2, ge=1, le=8, description="M: weak views averaged into a target")
    temperature: float = Field(0.5, gt=0, le=1, description="T of sharpening")
    correct_view: Literal["strong", "weak"] = Field(
        "weak", description="view on which correct samples are learned; the paper's is strong"
    )
    lambda_m: NonNegative = Field(1.0, description="weight of L_mis_h")
    lambda_c: NonNegative = Field(0.1, description="weight of the contrastive loss L_con")
    lambda_reg: NonNegative = Field(1.0, description="weight of the regulariser L_reg")
    omega: Share = Field(0.5, description="Omega_0: weight of L_mis_l at first, falling to 0")
    contrastive_temperature: float = Field(0.07, gt=0, le=1, description="temperature of L_con")
    mis_l_keeps_label: bool = Field(
        False, description="mis_l targets keep the given label by w^c + w^l instead of p alone"
    )
    class_balance: Literal["none", "weights"] = Field(
        "none",
        description="[ours] weights: every class keeps its share in L_correct: the "
        "selection takes more of easy classes, and a network trained on it loses hard ones",
    )
    max_class_weight: float = Field(5.0, ge=1, description="[ours] largest such weight")

    _warmup_fits = model_validator(mode="after")(fit_warmup)

    @classmethod
    def preset_names(cls) -> tuple[str, ...]:
        """``default`` or ``paper``."""
        return ("default", "paper")

    @classmethod
    def preset_options(cls, preset: str) -> dict[str, Any]:
        """``paper``: the settings of Sec. V, everything of ours off. Costs GPU hours."""
        if preset != "paper":
            return {}
        return {
            "backbone": "resnet50",
            "pretrained": True,
            "image_size": 384,
            "batch_size": 16,
            "lr": 1e-3,
            "epochs": 100,
            "warmup_epochs": 10,
            "class_balance": "none",
            "separation_epochs": None,
            "least_suspected": 0.0,
            "group_weights": "argmax",
            "ema_decay": 0.0,
            "mixup_alpha": 0.0,
            "logit_adjustment": 0.0,
            "correct_view": "strong",
            "lambda_c": 1.0,
            "separation": SeparationSettings.paper().model_dump(),
        }
