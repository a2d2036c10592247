"""Where each image of a data set goes in a result folder, and by which value a table names it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import NamedTuple

from mixednoise.data.image_files import IMAGE_SUFFIXES

#: The folder beside the table in which images are looked for.
IMAGES = "images"


class Place(NamedTuple):
    """Attributes: ``value`` in the table, and ``file`` relative to the result folder."""

    value: str
    file: str


def plan_places(ids: Sequence[str], paths: Sequence[str], new_suffix: Sequence[str]) -> list[Place]:
    """Keep the user's image values where that is possible, and every file name unique.

    A value changes when its file gets another format (``x.jpg`` degraded becomes ``x.png``; a value
    without a suffix stays), when it leads out of the folder (absolute, ``..``), or when two values
    would mean the same file (also where letter case does not count).

    Args:
        ids: the user's image values, unique.
        paths: the file of each, '' where there is none.
        new_suffix: suffix of the file that is written, '' where the file is taken over as it is.

    Returns:
        One place per row; every value leads to its file, and to no other, when looked for in the
        result folder and then in its :data:`IMAGES`.
    """
    plans = [_plan(*row) for row in zip(ids, paths, new_suffix, strict=True)]
    files: list[str] = [""] * len(plans)
    used: set[str] = set()
    # Rows that can keep their name come first; whoever has to change anyway steps aside.
    for row in sorted(range(len(plans)), key=lambda row: plans[row].renamed):
        files[row] = _free_name(plans[row], used)
        used.add(files[row].casefold())
    stems = Counter(_stem(name).casefold() for name in files)
    places = []
    for plan, name in zip(plans, files, strict=True):
        bare = not plan.has_suffix and stems[_stem(name).casefold()] == 1
        places.append(Place(plan.prefix + (_stem(name) if bare else name), f"{IMAGES}/{name}"))
    return places


class _Plan(NamedTuple):
    prefix: str  # 'images/' where the user's value begins with it
    stem: str
    suffix: str
    has_suffix: bool  # the user's value has one
    renamed: bool


def _plan(image_id: str, path: str, new_suffix: str) -> _Plan:
    name = _inside(image_id)
    prefix = f"{IMAGES}/" if name.startswith(f"{IMAGES}/") else ""
    name = name.removeprefix(prefix)
    own = PurePosixPath(path.replace("\\", "/")).suffix
    has_suffix = bool(own) and name.lower().endswith(own.lower()) and len(name) > len(own)
    has_suffix = has_suffix or bool(_known_suffix(name))
    cut = len(own) if own and name.lower().endswith(own.lower()) else len(_known_suffix(name))
    stem, given = (name[:-cut], name[-cut:]) if has_suffix else (name, own)
    suffix = new_suffix or given
    return _Plan(prefix, stem, suffix, has_suffix, prefix + stem + suffix != image_id)


def _inside(image_id: str) -> str:
    """A relative path that stays inside the folder, with ``/`` between its parts."""
    name = re.sub(r"[\x00-\x1f\x7f]", "_", image_id).replace("\\", "/")
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    if name.startswith("/") or re.match(r"[A-Za-z]:", name):
        parts = parts[-1:]
    return "/".join(parts).replace(":", "_") or "image"


def _known_suffix(name: str) -> str:
    """The image suffix that a name ends with, as it is written there, or ''."""
    return next(
        (
            name[-len(s) :]
            for s in IMAGE_SUFFIXES
            if name.lower().endswith(s) and len(name) > len(s)
        ),
        "",
    )


def _stem(name: str) -> str:
    suffix = _known_suffix(name)
    return name[: -len(suffix)] if suffix else name


def _free_name(plan: _Plan, used: set[str]) -> str:
    name, number = plan.stem + plan.suffix, 1
    while name.casefold() in used:
        number += 1
        name = f"{plan.stem}_{number}{plan.suffix}"
    return name
