"""How training windows are chosen and changed: every knob, its range, its default."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class PatchSettings(BaseModel):
    """How windows are chosen and changed. Zero switches a change off, ``augment`` all of them.

    Each image of a batch draws its own values: rotation and brightness uniform within +- the knob,
    factors log-uniform between ``1 / (1 + knob)`` and ``1 + knob``.

    Raises:
        pydantic.ValidationError: an unknown knob, or a value outside its range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    augment: bool = Field(True, description="false = windows as they are cut")
    flip: Literal["none", "horizontal", "both", "all"] = Field(
        "horizontal",
        description="mirror half of the images: horizontal = left-right, both = also top-bottom, "
        "all = also the slices of volumes",
    )
    rotation: Annotated[float, Field(ge=0, le=180)] = Field(
        15.0, description="degrees, 0 to 180; volumes in the plane of their slices"
    )
    scale: Annotated[float, Field(ge=0, le=1)] = Field(0.15, description="zoom factor, 0 to 1")
    brightness: Annotated[float, Field(ge=0, le=2)] = Field(
        0.15, description="shift, as a share of the window's standard deviation, 0 to 2"
    )
    contrast: Annotated[float, Field(ge=0, le=2)] = Field(
        0.15, description="factor about the window's mean, 0 to 2"
    )
    padding: Literal["edge", "zeros"] = Field(
        "edge",
        description="what images show beyond their border: their last pixel, or zeros; masks are "
        "unlabelled there",
    )
    foreground: Annotated[float, Field(ge=0, le=1)] = Field(
        1 / 3,
        description="share of the windows that are put around a pixel of a class drawn from those "
        "in the mask, so that small structures are seen; matters where windows are smaller than "
        "images",
    )
