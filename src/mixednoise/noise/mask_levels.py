"""How large the radius of mask noise is, per class: given, or a preset of section 3 of the method.

The presets are radii of organs in chest radiographs of 256 x 256 pixels; masks of another size get
them in proportion to the shorter side of their slices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from mixednoise.errors import ConfigError
from mixednoise.noise.mask_checks import Radius, check_radius

Level = Literal["A", "B"]
LEVELS: dict[Level, dict[str, int]] = {
    "A": {"clavicle": 5, "heart": 14, "lung": 20},
    "B": {"clavicle": 10, "heart": 20, "lung": 30},
}
#: Shorter side, in pixels, for which the presets are.
LEVEL_SIDE = 256


def check_level(radius: Radius | Mapping[str, Radius] | None, level: str | None) -> None:
    """Refuse anything but one of a radius that can be used and a level that there is.

    Raises:
        ConfigError: neither, both, or one that can't be used.
    """
    if (radius is None) == (level is None):
        raise ConfigError(
            "it is not clear how large the noise is to be",
            expected="a radius in pixels, or a level (A, B), and not both",
            found="neither" if radius is None else f"radius {radius!r} and level {level!r}",
            fix="pass --radius, for example --radius 20, or --level A",
        )
    if level is not None and level not in get_args(Level):
        raise ConfigError(
            f"there is no level {level!r}",
            expected=", ".join(LEVELS),
            found=repr(level),
            fix="choose one of these, or pass --radius",
        )
    for each in radius.values() if isinstance(radius, Mapping) else [radius]:
        if each is not None:
            check_radius(each)


def check_radius_names(
    class_names: Sequence[str], radius: Radius | Mapping[str, Radius] | None, level: Level | None
) -> None:
    """Refuse radii that name other classes than those that get noise.

    Raises:
        ConfigError: a class without a radius, or a radius without a class.
    """
    for name in class_names:
        radius_of(name, (LEVEL_SIDE, LEVEL_SIDE), radius, level)
    strange = sorted(set(radius) - set(class_names)) if isinstance(radius, Mapping) else []
    if strange:
        raise ConfigError(
            f"there is a radius for {strange[0]!r}, which gets no noise",
            expected=f"radii for: {', '.join(dict.fromkeys(class_names))}",
            found=", ".join(strange),
            fix="correct --radius or --classes",
        )


def radius_of(
    class_name: str,
    shape: Sequence[int],
    radius: Radius | Mapping[str, Radius] | None,
    level: Level | None,
) -> Radius:
    """The radius for a class of a mask.

    Args:
        class_name: for a level it has to name the organ: ``lung``, ``Lungs``, ``left_lung``.
        shape: of the mask, (H, W) or (D, H, W).
        radius, level: as :func:`check_level` lets them pass.

    Raises:
        ConfigError: no radius for this class.
    """
    if isinstance(radius, Mapping):
        if class_name not in radius:
            raise ConfigError(
                f"class {class_name!r} has no radius",
                expected="a radius for each class that gets noise",
                found=", ".join(f"{name}={value}" for name, value in radius.items()),
                fix=f"add {class_name}=..., or leave the class out with --classes",
            )
        return radius[class_name]
    if radius is not None:
        return radius
    presets = LEVELS[level or "A"]
    words = {word.removesuffix("s") for word in re.split(r"[^a-z]+", class_name.lower())}
    organs = [organ for organ in presets if organ in words]
    if len(organs) != 1:
        raise ConfigError(
            f"level {level} has no radius for class {class_name!r}",
            expected=f"a class named after one of: {', '.join(presets)}",
            found=class_name,
            fix="pass --radius, or name the classes with --class-names",
        )
    return max(1, round(presets[organs[0]] * min(shape[-2:]) / LEVEL_SIDE))
