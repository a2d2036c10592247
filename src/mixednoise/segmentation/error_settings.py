"""Settings of the search for wrong mask pixels."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from mixednoise.segmentation.labels import Rule, SampleRule

Pool = Literal["set", "image"]
#: Mean entropy of right or wrong over the masks, in nats, up to which they are told apart: that of
#: masks known with 95 % each. Wrong masks stand apart; hard images shade off into easy ones.
MOST_DOUBT = 0.2


class ErrorSettings(BaseModel):
    """How wrong mask pixels are found.

    Attributes:
        rule: which pixels are flagged (equation 5 of the method), always without those whose most
            probable class is the given one:

            * ``C``: pixels that are counted off the diagonal of the confident joint;
            * ``Q``: prune by class: as many pixels of every class as the calibrated joint says are
              wrong, those with the smallest probability of their own class first;
            * ``PBNR``: prune by noise rate: for every pair of classes as many pixels as the
              calibrated joint says, those with the largest margin first (with two classes: Q);
            * ``both``: Q and PBNR; ``intersection``: C and Q; ``union``: C or Q;
            * ``argmax``: the baseline: every pixel whose most probable class is another one;
            * ``whole_masks``: masks are judged as a whole first
              (:mod:`~mixednoise.segmentation.whole_masks`): where some agree with the
              probabilities and others don't, ``argmax`` in the latter and nothing in the former;
              where all are of one kind, or there are fewer than 20: Q.
        most_doubt: of ``whole_masks``: mean entropy of right or wrong, in nats, up to which masks
            are of two kinds; 0.69 = nothing need be known.
        pool: ``set``: thresholds, joint and cut-offs of all images together; ``image``: of every
            image by itself.
        band: thresholds, joint and cut-offs of their own for pixels at most this far (Euclidean,
            in pixels) from a pixel of another class in the given mask: near boundaries
            probabilities are lower than inside, and thresholds of all pixels together are rarely
            reached there. None = one estimate for all pixels.
        temperature: the log-probabilities are divided by it (softmax again) before anything else;
            above 1 = less sure. 1 = as given.
        keep_shares: the joint is fitted so that true classes are as common as given ones: as many
            pixels leave a class as come to it.
        min_region: connected components of flagged pixels with fewer pixels are un-flagged;
            0 = none.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: Rule = "Q"
    pool: Pool = "set"
    band: float | None = Field(None, ge=1, allow_inf_nan=False)
    temperature: float = Field(1.0, gt=0, allow_inf_nan=False)
    keep_shares: bool = False
    min_region: int = Field(0, ge=0)
    most_doubt: float = Field(MOST_DOUBT, ge=0, le=0.7)

    @property
    def pixel_rule(self) -> SampleRule:
        """The rule for pixels by themselves: where masks are of one kind, with ``whole_masks``."""
        return "Q" if self.rule == "whole_masks" else self.rule
