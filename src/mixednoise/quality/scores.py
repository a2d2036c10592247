"""From measures to scores, one number and words: fixed formulas, no learned model.

A measure x with limit a becomes a score of 0.5 at the limit:

- ``x^2 / (x^2 + a^2)`` where much is good (light, evenness, contrast, focus, detail);
- ``a^2 / (x^2 + a^2)`` where much is bad (overexposed pixels, noise, colour cast).

``quality = (focus^2 * detail * evenness)^(1/4) * min(1, 2 * worst)``, with ``worst`` the lowest of
all scores: what an image is worth is how much fine detail can be seen in it, how sharp, and in how
much of it; anything else counts only where it is beyond its limit. A quality below 0.5 always comes
with a reason. ``small`` and ``same image as`` are no faults of the picture and change no score.
"""

from __future__ import annotations

from dataclasses import dataclass

from mixednoise.errors import ConfigError
from mixednoise.quality.measures import Measures
from mixednoise.quality.picture import WORKING_SIDE

#: Both must lie below: a uniform field. Grey values, see :class:`.measures.Measures`.
BLANK_SPREAD, BLANK_STRUCTURE = 4.0, 1.0
#: All reasons that there are, in the order in which they are given.
FAULTS = (
    *("no field of view found", "blank", "dark", "overexposed", "uneven light", "low contrast"),
    *("out of focus", "noisy", "colour cast", "little detail", "small"),
)


@dataclass(frozen=True)
class Limits:
    """Where a score is 0.5 and its reason is given; see :class:`.measures.Measures` for units.

    The defaults were set on one half of the patients of EyePACS with EyeQ grades, such that none of
    its 124 good images is beyond one, and ``focus`` and ``evenness`` such that at most 2 % of
    dermatoscopic images (HAM10000) and chest X-rays (JSRT) are. Images that are soft by nature,
    such as ultrasound, want a lower ``focus`` and ``detail``.

    Attributes:
        light: median luminance, 0-255; darker is ``dark``.
        clipped: share of overexposed pixels; more is ``overexposed``.
        evenness: darkest tenth over median; less is ``uneven light``.
        contrast: grey values; less is ``low contrast``.
        focus: share of fine structure; less is ``out of focus``.
        detail: grey values; less is ``little detail``.
        noise: grey values; more is ``noisy``.
        cast: excess of a colour; more is ``colour cast``.
    """

    light: float = 40.0
    clipped: float = 0.1
    evenness: float = 0.3
    contrast: float = 1.2
    focus: float = 0.2
    detail: float = 2.0
    noise: float = 4.0
    cast: float = 0.15

    def __post_init__(self) -> None:
        wrong = {name: value for name, value in vars(self).items() if not 0 < value < float("inf")}
        if wrong:
            raise ConfigError(
                "a limit of image quality is out of range",
                expected="numbers above zero",
                found=", ".join(f"{name}={value}" for name, value in wrong.items()),
                fix="leave it out for the default, or pass a small number to switch it off",
            )


@dataclass(frozen=True)
class Scores:
    """Scores in [0, 1], 1 = good; the limit of each lies at 0.5.

    Attributes:
        quality: all in one number, see the module.
        exposure: neither dark nor overexposed, the product of both.
        evenness, contrast, focus, detail: more is better.
        noise: 1 = no noise.
        colour: 1 = no cast.
        reasons: plain words; empty where nothing is wrong.
    """

    quality: float
    exposure: float
    evenness: float
    contrast: float
    focus: float
    detail: float
    noise: float
    colour: float
    reasons: tuple[str, ...]


def score(measures: Measures, *, found: bool = True, limits: Limits | None = None) -> Scores:
    """Judge one image.

    Args:
        measures: of the image.
        found: whether a field of view was found; without one quality is 0.
        limits: defaults when not given.
    """
    at = limits or Limits()
    light = _rising(measures.light, at.light)
    overexposed = _falling(measures.clipped, at.clipped)
    evenness = _rising(measures.evenness, at.evenness)
    contrast = _rising(measures.contrast, at.contrast)
    focus = _rising(measures.focus, at.focus)
    detail = _rising(measures.detail, at.detail)
    noise = _falling(measures.noise, at.noise)
    colour = _falling(measures.cast, at.cast)
    worst = min(light, overexposed, evenness, contrast, focus, detail, noise, colour)
    combined = (focus**2 * detail * evenness) ** 0.25
    blank = (
        measures.spread < BLANK_SPREAD and max(measures.contrast, measures.detail) < BLANK_STRUCTURE
    )
    if blank or not found:
        said = ["no field of view found"] * (not found) + ["blank"] * blank
    else:
        faults = {
            "dark": light,
            "overexposed": overexposed,
            "uneven light": evenness,
            "low contrast": contrast,
            "out of focus": focus,
            "noisy": noise,
            "colour cast": colour,
        }
        said = [word for word, value in faults.items() if value < 0.5]
        # Whatever takes detail away has been named; only where nothing was is this news.
        if detail < 0.5 and not said:
            said.append("little detail")
    if measures.side < WORKING_SIDE:
        said.append("small")
    return Scores(
        quality=0.0 if blank or not found else combined * min(1.0, 2.0 * worst),
        exposure=light * overexposed,
        evenness=evenness,
        contrast=contrast,
        focus=focus,
        detail=detail,
        noise=noise,
        colour=colour,
        reasons=tuple(said),
    )


def _rising(value: float, limit: float) -> float:
    """0 at 0, 0.5 at the limit, towards 1."""
    return value**2 / (value**2 + limit**2)


def _falling(value: float, limit: float) -> float:
    """1 at 0, 0.5 at the limit, towards 0."""
    return limit**2 / (value**2 + limit**2)
