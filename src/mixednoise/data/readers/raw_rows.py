"""What the readers of all layouts hand on: rows of text, nothing judged yet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from mixednoise.data.report import Problem


@dataclass
class RawRows:
    """N rows as a layout has read them.

    Attributes:
        source: the file or folder, for :attr:`Dataset.source`.
        ids: image value of each row.
        labels: label of each row as text, blank = none.
        where: names the place of a row as the user finds it: file and line.
        paths: absolute path of each image, '' = not found or in ``arrays``.
        reasons: why a row can't be used, '' = it can.
        split, group, quality, true_label, noise_group, weight: further cells, None = no such
            column.
        allowed: the only labels that can be right, None = any.
        classes: classes that exist even if no row has them (empty class folders).
        label_of: where labels come from, for messages.
        group_column: the column that groups come from, '' = none.
        weight_column: likewise of weights.
        looked_in: folders in which images were looked for.
        arrays: pixels, where the source holds them; row i belongs to table row i.
        ordinal: whether the classes are grades, None = judge by their names.
        nowhere: images that no row names but a file beside the table does, each with the reason
            why it is set aside.
        problems: what the layout's reader has found wrong itself.
        leak_fix: what to do if a group is in two splits, where the split column is not at fault.
    """

    source: Path
    ids: list[str]
    labels: list[str]
    where: Callable[[int], str]
    paths: list[str]
    reasons: list[str]
    split: list[str] | None = None
    group: list[str] | None = None
    quality: list[str] | None = None
    true_label: list[str] | None = None
    noise_group: list[str] | None = None
    weight: list[str] | None = None
    allowed: tuple[str, ...] | None = None
    classes: tuple[str, ...] = ()
    label_of: str = "the label"
    group_column: str = ""
    weight_column: str = ""
    looked_in: list[Path] = field(default_factory=list)
    arrays: npt.NDArray[np.uint8] | None = None
    ordinal: bool | None = None
    nowhere: list[tuple[str, str]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    leak_fix: str = ""
