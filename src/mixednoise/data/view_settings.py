"""How far a weak or strong view may wander from the image: every knob, its range, its default."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mixednoise.errors import ConfigError

#: Sides, in pixels, between which the strength of the views grows (on a log scale).
SMALL_SIDE, LARGE_SIDE = 28, 224

#: Knob -> value at SMALL_SIDE and below, value at LARGE_SIDE and above. A lesion that spans ten
#: pixels of a 224 px image spans one of a 28 px image, and bilinear resampling softens that one:
#: what is a harmless change of a large image erases the finding in a small one.
_GROWTH: dict[str, tuple[float, float]] = {
    "weak_rotation": (10.0, 15.0),
    "weak_shift": (0.03, 0.05),
    "weak_brightness": (0.04, 0.06),
    "strong_rotation": (15.0, 30.0),
    "strong_shift": (0.05, 0.10),
    "strong_scale": (0.06, 0.20),
    "strong_shear": (3.0, 10.0),
    "strong_brightness": (0.08, 0.20),
    "strong_contrast": (0.08, 0.20),
    "strong_saturation": (0.08, 0.20),
    "strong_channel_gain": (0.02, 0.06),
    "strong_grey": (0.05, 0.15),
    "strong_cutout": (0.12, 0.25),
}

_Degrees = Annotated[float, Field(ge=0, le=180)]
_Shear = Annotated[float, Field(ge=0, le=45)]
_Shift = Annotated[float, Field(ge=0, le=0.5)]
_Share = Annotated[float, Field(ge=0, le=1)]


def _knob(name: str, description: str) -> Any:
    return Field(_GROWTH[name][0], description=description)


class ViewSettings(BaseModel):
    """Strength of the weak and strong views. Zero (or false) switches a change off.

    The defaults are the gentlest ones, those of a 28 px image; :meth:`for_image_size` gives the
    ones that fit a size, :meth:`fitted_to` fits the knobs that were left alone. Each image of a
    batch draws its own values: uniform within +- the knob; factors log-uniform between
    ``1 / (1 + knob)`` and ``1 + knob``.

    Raises:
        pydantic.ValidationError: an unknown knob, or a value outside its range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)

    horizontal_flip: bool = Field(
        True,
        description="mirror half of the images left-right; false where the side means something "
        "(chest X-rays)",
    )
    vertical_flip: bool = Field(True, description="mirror half of the images top-bottom")
    padding: Literal["zeros", "reflection", "border"] = Field(
        "zeros",
        description="what comes in from beyond the edge: zeros (black, as around a fundus or a "
        "padded image), reflection or border (last pixel repeated)",
    )
    weak_rotation: _Degrees = _knob("weak_rotation", "degrees, 0 to 180")
    weak_shift: _Shift = _knob("weak_shift", "share of the side, 0 to 0.5")
    weak_brightness: _Share = _knob("weak_brightness", "factor, 0 to 1")
    strong_rotation: _Degrees = _knob("strong_rotation", "degrees, 0 to 180")
    strong_shift: _Shift = _knob(
        "strong_shift", "share of the side, 0 to 0.5; with the scale it makes the random crop"
    )
    strong_scale: _Share = _knob("strong_scale", "zoom factor, 0 to 1")
    strong_shear: _Shear = _knob("strong_shear", "degrees, 0 to 45")
    strong_brightness: _Share = _knob("strong_brightness", "factor, 0 to 1")
    strong_contrast: _Share = _knob("strong_contrast", "factor about the mean grey, 0 to 1")
    strong_saturation: _Share = _knob("strong_saturation", "factor, 0 to 1")
    strong_channel_gain: _Share = _knob(
        "strong_channel_gain", "factor of each colour channel on its own (stain, light), 0 to 1"
    )
    strong_grey: _Share = _knob("strong_grey", "share of the images that lose their colour, 0 to 1")
    strong_cutout: _Share = _knob(
        "strong_cutout", "largest side of the hidden square, as a share of the image's side, 0 to 1"
    )

    @classmethod
    def for_image_size(cls, size: int, **overrides: Any) -> Self:
        """Settings whose strength follows the image's side.

        Args:
            size: side of the square training image in pixels, > 0. From 28 px (gentle) to 224 px
                (full strength) each knob grows with the logarithm of the side.
            overrides: knobs to set by hand.

        Raises:
            ConfigError: ``size`` is not positive, or an override is unknown or out of range.
        """
        if size < 1:
            raise ConfigError(
                "the image size must be positive",
                expected="pixels, such as 64 or 224",
                found=repr(size),
                fix="pass a positive --image-size",
            )
        share = math.log(size / SMALL_SIDE) / math.log(LARGE_SIDE / SMALL_SIDE)
        share = min(max(share, 0.0), 1.0)
        knobs = {name: a + share * (b - a) for name, (a, b) in _GROWTH.items()}
        try:
            return cls(**{**knobs, **overrides})
        except ValidationError as error:
            raise _as_config_error(error, list(cls.model_fields)) from None

    def fitted_to(self, size: int) -> Self:
        """Keep the knobs that were set by hand; let the others follow the image size."""
        return self.for_image_size(size, **self.model_dump(include=self.model_fields_set))


def _as_config_error(error: ValidationError, known: list[str]) -> ConfigError:
    """Say in one message what every wrong knob should have been."""
    wrong = [(".".join(str(part) for part in item["loc"]), item) for item in error.errors()]
    expected = "; ".join(f"{name}: {item['msg']}" for name, item in wrong)
    if any(item["type"] == "extra_forbidden" for _, item in wrong):
        expected += f" (knobs: {', '.join(known)})"
    return ConfigError(
        f"wrong view settings: {', '.join(name for name, _ in wrong)}",
        expected=expected,
        found=", ".join(f"{name}={item['input']!r}" for name, item in wrong),
        fix="correct these settings, or leave them out to get what fits the image size",
    )
