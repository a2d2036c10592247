"""What the values in label maps mean, where nobody has said so."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mixednoise.data.report import counted, examples
from mixednoise.errors import DataError
from mixednoise.progress import Progress
from mixednoise.segmentation.cases.masks import count_values, read_values
from mixednoise.segmentation.cases.threads import in_threads
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError

#: More values than this are no classes that nobody has named, but grey levels.
MOST_UNNAMED = 64
_OFTEN_IGNORED = 255

#: Value -> the files that have it.
ValuesFound = dict[int, list[Path]]


def find_values(
    paths: Sequence[Path], *, progress: Progress | None = None, workers: int | None = None
) -> ValuesFound:
    """Read every label map once and gather the values in it; unreadable ones are left out here."""

    def values(path: Path) -> list[int]:
        try:
            return sorted(count_values(read_values(path)[0]))
        except UnreadableCaseError:
            return []

    found: ValuesFound = {}
    each = in_threads(values, paths, "reading mask values", progress=progress, workers=workers)
    for path, some in zip(paths, each, strict=True):
        for value in some:
            found.setdefault(value, []).append(path)
    return dict(sorted(found.items()))


def settle_classes(
    found: ValuesFound, class_names: Sequence[str] | None, ignore_value: int | None
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """Names and values of the classes, from the values in the masks.

    0 is the background. With names: the values 0..K-1, or as many values as there are names, in
    their order. Without: every value is a class. 255 beside other classes is never guessed at: it
    may be a class, or stand for "not labelled".

    Returns:
        (class_names, label_values), K of each.

    Raises:
        DataError: the values can't be classes, or fit the names in no way.
    """
    values = [value for value in found if value != ignore_value]
    foreground = [value for value in values if value != 0]
    if class_names is not None:
        return tuple(class_names), _fit_to_names(values, class_names, found)
    if len(values) > MOST_UNNAMED:
        raise DataError(
            f"the masks hold {len(values)} different values",
            expected="one value per class",
            found=f"{examples(values, 8)}; for instance in {found[values[-1]][0]}",
            fix="masks that were saved as JPEG or resized with interpolation must be made again; "
            "if these are classes, name the value of each with --label-values",
        )
    if _OFTEN_IGNORED in foreground and len(foreground) > 1:
        raise DataError(
            "the masks hold 255 beside the values of other classes: what does it mean?",
            expected="one value per class",
            found=f"values {examples(values, 12)}; 255 in "
            f"{counted(len(found[_OFTEN_IGNORED]), 'mask')}, such as {found[_OFTEN_IGNORED][0]}",
            fix="if it means 'not labelled', say --ignore-value 255; if it is a class, or the same "
            "class as another value, name the value of each class with --label-values",
        )
    if not foreground:
        raise DataError(
            "the masks hold one value only",
            expected="the background, and a class beside it",
            found=examples(values) or "no mask that can be read",
            fix="check the folder of the masks",
        )
    if len(foreground) == 1:
        return ("background", "foreground"), (0, foreground[0])
    every = (0, *foreground) if 0 in values else tuple(foreground)
    names = [f"class_{value}" if value else "background" for value in every]
    return tuple(names), every


def _fit_to_names(
    values: Sequence[int], class_names: Sequence[str], found: ValuesFound
) -> tuple[int, ...]:
    number = len(class_names)
    if all(0 <= value < number for value in values):
        return tuple(range(number))
    every = tuple(values) if 0 in values else (0, *values)
    if len(every) == number:
        return every
    if len(values) == number:
        return tuple(values)
    strange = [value for value in values if not 0 <= value < number]
    raise DataError(
        f"the values in the masks don't fit {number} class names",
        expected=f"0 to {number - 1}, or {number} different values",
        found=f"{examples(values, 12)}; {strange[0]} for instance in {found[strange[0]][0]}",
        fix="name the value of each class with --label-values, or what is to be ignored with "
        "--ignore-value",
    )
