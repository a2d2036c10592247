"""Which masks of a set get noise, decided after all of them have been read once."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixednoise.errors import ConfigError
from mixednoise.noise.corrupt_images import in_threads
from mixednoise.noise.mask_files import MaskSet
from mixednoise.noise.mask_values import MaskValues, check_values, values_of
from mixednoise.progress import Progress
from mixednoise.segmentation.cases.masks import count_values, read_values


@dataclass(frozen=True)
class MaskPlan:
    """What is to be done with a set of masks.

    Attributes:
        mask_set: the files.
        meaning: of their values.
        labels: indices of the classes that get noise, ascending.
        counts: for each file, stored value -> pixels.
        chosen: rows of the files that get noise.
        key: what tells this set from others of the same seed.
    """

    mask_set: MaskSet
    meaning: MaskValues
    labels: tuple[int, ...]
    counts: tuple[dict[int, int], ...]
    chosen: frozenset[int]
    key: tuple[int, ...]

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of the classes that get noise, in the order of ``labels``."""
        return tuple(self.meaning.names[label] for label in self.labels)

    def generator(self, seed: int, row: int) -> np.random.Generator:
        """The source of chance of one mask, whichever others there are and whoever is first."""
        return np.random.default_rng([seed, 1, *self.key, row])


def plan_masks(
    mask_set: MaskSet,
    named: MaskValues | None,
    class_names: Sequence[str] | None,
    ignore_value: int | None,
    classes: Sequence[str] | None,
    alpha: float,
    seed: int,
    workers: int | None,
    progress: Progress,
) -> MaskPlan:
    """Read all masks, so that whatever is wrong with one is said before any work; then draw.

    Args:
        mask_set: the files.
        named: what the values mean; None = settled from the values that there are.
        class_names: background first, or None; with ``named``, without effect.
        ignore_value: the value to ignore, or None; with ``named``, without effect.
        classes: names of those that get noise; of a set that is a class folder, all do.
        alpha: share of the masks, 0..1: ``floor(alpha * n)`` are drawn.
        seed: of the draw.
        workers: threads.
        progress: a bar.

    Raises:
        UnreadableCaseError: a file is no mask.
        DataError: values that are no classes.
        ConfigError: a class that there is not.
    """
    files = mask_set.files

    def count(row: int) -> dict[int, int]:
        return count_values(read_values(files[row])[0])

    counts = in_threads(count, range(len(files)), "reading masks", workers, progress)
    found = {file: set(values) for file, values in zip(files, counts, strict=True)}
    meaning = named or values_of(found, mask_set.name, class_names, ignore_value)
    check_values(found, meaning)
    # Of a folder per class, `classes` has chosen the folders.
    wanted = meaning.names[1:] if mask_set.prefix or not classes else classes
    unknown = [name for name in wanted if name not in meaning.names[1:]]
    if unknown:
        raise ConfigError(
            f"there is no class {unknown[0]!r} to put noise into",
            expected=f"one of: {', '.join(meaning.names[1:])}",
            found=unknown[0],
            fix="correct --classes, or name the classes with --class-names",
        )
    # A folder per class draws by its name: the others may come and go without changing it.
    key = (zlib.crc32(mask_set.name.encode("utf-8", "surrogateescape")),) if mask_set.prefix else ()
    order = np.random.default_rng([seed, 0, *key]).permutation(len(files))
    # 0.29 * 100 is a hair below 29 in binary fractions.
    chosen = order[: math.floor(alpha * len(files) + 1e-9)]
    return MaskPlan(
        mask_set=mask_set,
        meaning=meaning,
        labels=tuple(sorted({meaning.names.index(name) for name in wanted})),
        counts=tuple(counts),
        chosen=frozenset(chosen.tolist()),
        key=key,
    )
