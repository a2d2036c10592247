"""What the values in mask files mean: the classes, in order, and the pixels to ignore."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.report import counted, examples
from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.cases.masks import to_index
from mixednoise.segmentation.cases.values import settle_classes
from mixednoise.segmentation.labels import IGNORE, MAX_CLASSES, Mask


@dataclass(frozen=True)
class MaskValues:
    """The meaning of stored values.

    Attributes:
        names: of the K classes, background first.
        stored: the value of each.
        ignore_value: of pixels to ignore, or None.
    """

    names: tuple[str, ...]
    stored: tuple[int, ...]
    ignore_value: int | None = None

    def to_index(self, stored: np.ndarray[Any, Any]) -> Mask:
        """Class indices 0..K-1, 255 = ignore, uint8; every value has to be one of these."""
        return to_index(stored, self.stored, self.ignore_value)[0]

    def to_stored(self, mask: Mask) -> np.ndarray[Any, Any]:
        """The values of class indices, in the smallest of uint8, uint16 and int32 that has all."""
        table = np.zeros(256, dtype=np.int64)
        table[: len(self.stored)] = self.stored
        if self.ignore_value is not None:
            table[IGNORE] = self.ignore_value
        fitting: Any = np.int32
        if table.min() >= 0 and table.max() < 65536:
            fitting = np.uint8 if table.max() < 256 else np.uint16
        return table.astype(fitting)[mask]


def named_values(
    class_names: Sequence[str] | None,
    label_values: Sequence[int] | None,
    ignore_value: int | None,
) -> MaskValues | None:
    """The classes whose values the user has given, or None where the masks have to tell.

    Raises:
        ConfigError: names and values that don't fit together or repeat.
    """
    if label_values is None:
        return None
    values = tuple(label_values)
    names = tuple(class_names if class_names is not None else map(str, values))
    distinct = len(set(names)) == len(names) and len(set(values)) == len(values)
    fits = len(names) == len(values) and 2 <= len(values) <= MAX_CLASSES
    if not distinct or not fits or ignore_value in values:
        raise ConfigError(
            "class names and label values don't fit together",
            expected="a name and a value for each class, background first, none of them twice and "
            "none of them the value to ignore",
            found=f"names {examples(names)}; values {examples(values)}; to ignore: {ignore_value}",
            fix="correct --class-names, --label-values or --ignore-value",
        )
    return MaskValues(names, values, ignore_value)


def nnunet_values(masks: Path) -> MaskValues | None:
    """The classes of ``labelsTr`` as nnU-Net's ``dataset.json`` beside it names them.

    None where there is no such file, or where its labels are regions: then the values have to tell.
    """
    try:
        described = json.loads((masks.absolute().parent / "dataset.json").read_text("utf-8"))
        labels = {str(name): int(value) for name, value in described["labels"].items()}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return None
    ignore_value = labels.pop("ignore", None)
    pairs = sorted((value, name) for name, value in labels.items())
    if len(pairs) < 2 or pairs[0][0] != 0 or len({value for value, _ in pairs}) < len(pairs):
        return None
    return MaskValues(tuple(n for _, n in pairs), tuple(v for v, _ in pairs), ignore_value)


def values_of(
    found: Mapping[Path, Collection[int]],
    name: str,
    class_names: Sequence[str] | None,
    ignore_value: int | None,
) -> MaskValues:
    """What the values of a set of masks mean, by the rules of :func:`.values.settle_classes`.

    Args:
        found: mask -> its values.
        name: what to call a single foreground that nobody has named.
        class_names: background first, or None.
        ignore_value: the value to ignore, or None.

    Raises:
        DataError: values that can't be classes, or no foreground in any mask.
    """
    files: dict[int, list[Path]] = {}
    for file, values in found.items():
        for value in sorted(values):
            files.setdefault(value, []).append(file)
    names, stored = settle_classes(dict(sorted(files.items())), class_names, ignore_value)
    if class_names is None and len(names) == 2:
        names = (names[0], name)
    return MaskValues(names, stored, ignore_value)


def check_values(found: Mapping[Path, Collection[int]], known: MaskValues) -> None:
    """Refuse masks with values that no class has, and masks of background alone.

    Args:
        found: mask -> its values.
        known: the classes.

    Raises:
        DataError: with the masks and their values.
    """
    allowed = {*known.stored, *([] if known.ignore_value is None else [known.ignore_value])}
    strange = {file: sorted(set(values) - allowed) for file, values in found.items()}
    strange = {file: values for file, values in strange.items() if values}
    if strange:
        file = next(iter(strange))
        raise DataError(
            f"{counted(len(strange), 'mask')} with values that no class has",
            expected=f"only {examples(sorted(allowed), 20)}",
            found=f"{file}: {examples(strange[file], 8)}; masks: {examples(strange)}",
            fix="correct the masks, or name all values with --label-values and --ignore-value",
        )
    if not any(set(values) & set(known.stored[1:]) for values in found.values()):
        raise DataError(
            "no mask has any foreground",
            expected=f"pixels of {', '.join(known.names[1:])}",
            found=f"{counted(len(found), 'mask')} of background alone",
            fix="check the folder of the masks",
        )
