"""Settings of sample separation."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SeparationSettings(BaseModel):
    """How loss and entropy become groups.

    The default is this package's own two-step model; :meth:`paper` is QMix as published.

    Attributes:
        model: ``two_step``: entropy, over all classes, tells the unreadable images apart; then
            surprise, per class, tells wrong labels from right ones. ``mixture``: one mixture of
            ``components`` 2-D Gaussians (Eq. 3-4 of the paper).
        axes: ``surprise``: log-odds axes with an origin, scaled by quantiles (see
            :mod:`mixednoise.separation.axes`); ``minmax``: loss and entropy scaled to [0, 1] (the
            paper's; for ``mixture`` alone).
        per_class: judge labels by one mixture per given class (Sec. IV-B of the paper), so that
            a class with high losses is not called wrong as a whole.
        components: Gaussians of ``mixture``. ``mis_l`` is the one with the largest mean entropy,
            ``correct`` the one with the lowest mean loss of the others, ``mis_h`` the rest.
        covariance: of ``mixture``: one per component (``full``, the paper's) or one for all.
        memory: weight of the past when loss and entropy are averaged over epochs, in [0, 1);
            0 = this epoch alone. The first epochs weigh equally.
        minimum_class_size: a class with fewer (finite) samples is judged by the all-class fit.
            Partial pooling makes do with few; the paper's free mixture needs 30.
        minimum_component_share: so is a class one of whose ``mixture`` components holds less than
            this share of it.
        minimum_correct_share: share of every class that stays ``correct``, whatever the fit says:
            its least suspicious samples. At least one sample stays in any case.
        unreadable_share: expected share of ``mis_l`` (two_step).
        correct_share: expected share of right labels among the readable images (two_step).
        class_share_strength: pseudo-samples per sample that draw a class's share of right labels
            towards that of all classes (two_step). High keeps rare classes alive; low believes
            that rare classes hold more wrong labels.
        class_shape_strength: the same for the place of its components.
        unreadable_entropy: entropy, as a share of log C, below which an image counts as readable
            however it compares with others (two_step); where classes are so unequal that the
            entropy of their shares is lower, that one. 0 turns this off.
        looks_weight: how much the look of an image counts beside its entropy, as a power of the
            odds that it is unreadable (two_step); 1 = as much as the mixture says, 0 = nothing.
        verdict_temperature: how much less sure of labels the reported verdict is than the mixture,
            whose "90 %" is right two times of three: the odds of a right label to the power of
            1 / this. 1 = as the mixture has it. What is learned hears the mixture itself.
        regularisation: added to the covariances of ``mixture``, in squared units of its axes.
        tolerance: EM stops when the mean log-likelihood gains less.
        max_iterations: of EM.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Literal["two_step", "mixture"] = "two_step"
    axes: Literal["surprise", "minmax"] = "surprise"
    per_class: bool = True
    components: int = Field(3, ge=3, le=8)
    covariance: Literal["full", "tied"] = "full"
    memory: float = Field(0.9, ge=0, lt=1)
    minimum_class_size: int = Field(5, ge=1)
    minimum_component_share: float = Field(0.02, ge=0, lt=0.5)
    minimum_correct_share: float = Field(0.2, ge=0, le=1)
    unreadable_share: float = Field(0.1, gt=0, lt=0.5)
    correct_share: float = Field(0.6, gt=0, lt=1)
    class_share_strength: float = Field(1.5, ge=0)
    class_shape_strength: float = Field(0.5, ge=0)
    unreadable_entropy: float = Field(0.88, ge=0, le=1)
    looks_weight: float = Field(1.0, ge=0)
    verdict_temperature: float = Field(2.0, ge=1, le=100)
    regularisation: float = Field(1e-6, gt=0)
    tolerance: float = Field(1e-3, gt=0)
    max_iterations: int = Field(200, ge=1)

    @model_validator(mode="after")
    def _agree(self) -> SeparationSettings:
        if self.model == "two_step" and self.axes != "surprise":
            raise ValueError("axes='minmax' needs model='mixture': two_step relies on an origin")
        return self

    @property
    def uses_looks(self) -> bool:
        """Whether it matters how unlike the others an image looks."""
        return self.model == "two_step" and self.looks_weight > 0

    @classmethod
    def paper(cls) -> SeparationSettings:
        """QMix as published: a 3-component 2-D mixture per class on min-max axes, no memory."""
        return cls(
            model="mixture",
            axes="minmax",
            memory=0.0,
            minimum_class_size=30,
            minimum_correct_share=0.0,
            verdict_temperature=1.0,
        )
