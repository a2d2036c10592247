"""A case: one image with its masks; a case set: many of them, and what their values mean."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from mixednoise.data.report import Report, examples
from mixednoise.errors import DataError
from mixednoise.segmentation.labels import IGNORE, MAX_CLASSES

#: ``label_map`` one file per mask, ``class_files`` one file per mask and class, ``nnunet`` as
#: nnU-Net v2 keeps its raw data (label maps, one image file per channel).
Layout = Literal["label_map", "class_files", "nnunet"]


@dataclass(frozen=True)
class MaskFiles:
    """The files of one mask: either a label map, or files of single classes.

    Attributes:
        label_map: a file with the value of a class in every pixel, or None.
        classes: (class name, file) pairs; in each file, other than 0 means: this class.
    """

    label_map: Path | None = None
    classes: tuple[tuple[str, Path], ...] = ()

    def __post_init__(self) -> None:
        if (self.label_map is None) == (not self.classes):
            raise ValueError("a mask is either one label map or files of classes")

    @property
    def paths(self) -> tuple[Path, ...]:
        """All files."""
        if self.label_map is not None:
            return (self.label_map,)
        return tuple(path for _, path in self.classes)

    def moved(self, where: Callable[[Path], Path]) -> MaskFiles:
        """The same mask, each file where ``where`` says."""
        return MaskFiles(
            None if self.label_map is None else where(self.label_map),
            tuple((name, where(path)) for name, path in self.classes),
        )


@dataclass(frozen=True)
class Case:
    """One image with its masks.

    Attributes:
        name: the stem of its files, unique in its set.
        group: the patient, lesion or other unit that must stay in one fold.
        images: one file per channel, or one file with all channels.
        mask: the mask to be examined, or None.
        truth: a mask known to be right, for evaluation alone, or None.
        split: ``train``, ``val``, ``test``, or None where nothing says.
    """

    name: str
    group: str
    images: tuple[Path, ...]
    mask: MaskFiles | None = None
    truth: MaskFiles | None = None
    split: str | None = None

    def moved(self, where: Callable[[Path], Path]) -> Case:
        """The same case, image and mask where ``where`` says; its truth stays."""
        mask = None if self.mask is None else self.mask.moved(where)
        return replace(self, images=tuple(map(where, self.images)), mask=mask)


@dataclass(frozen=True)
class CaseSet:
    """Cases, and what the values in their masks mean.

    Attributes:
        cases: in the order of their names.
        class_names: K names, ``class_names[0]`` the background.
        label_values: K values, the one that each class has in the files.
        ignore_value: the value of pixels that nobody has labelled, or None.
        layout: see :data:`Layout`.
        channel_names: of the image's channels where the data names them, else ().
        source: where the cases were found, for messages.
        findings: what reading has noticed; :func:`.check.check_cases` takes it into its report.

    Raises:
        DataError: fewer than 2 or more than 254 classes, names or values that repeat.
    """

    cases: tuple[Case, ...]
    class_names: tuple[str, ...]
    label_values: tuple[int, ...]
    ignore_value: int | None = None
    layout: Layout = "label_map"
    channel_names: tuple[str, ...] = ()
    source: str = ""
    findings: Report = field(default_factory=Report)

    def __post_init__(self) -> None:
        names, values = self.class_names, self.label_values
        if not 2 <= len(names) <= MAX_CLASSES:
            raise DataError(
                "the number of classes can't be used",
                expected=f"2 to {MAX_CLASSES}, the background being one of them",
                found=f"{len(names)}: {examples(names)}",
                fix="name the classes with --class-names",
            )
        if len(set(names)) < len(names) or len(set(values)) < len(values):
            raise DataError(
                "classes that can't be told apart",
                expected="a different name and a different value for each class",
                found=f"names {examples(names)}; values {examples(values)}",
                fix="correct --class-names or --label-values",
            )
        if len(values) != len(names) or self.ignore_value in values:
            raise DataError(
                "class names and values don't fit together",
                expected="one value per class, and another one for pixels to ignore",
                found=f"names {examples(names)}; values {examples(values)}; "
                f"to ignore: {self.ignore_value}",
                fix="correct --class-names, --label-values or --ignore-value",
            )

    def __len__(self) -> int:
        return len(self.cases)

    @property
    def num_classes(self) -> int:
        """K."""
        return len(self.class_names)

    @property
    def names(self) -> tuple[str, ...]:
        """The name of each case."""
        return tuple(case.name for case in self.cases)

    def named(self, name: str) -> Case:
        """The case of that name.

        Raises:
            DataError: there is none.
        """
        for case in self.cases:
            if case.name == name:
                return case
        raise DataError(
            f"no case {name!r} in {self.source or 'this case set'}",
            expected="the name of a case",
            found=f"{len(self)} cases: {examples(self.names)}",
            fix="correct the name",
        )

    def subset(self, rows: Iterable[int]) -> CaseSet:
        """The cases of these rows, in this order; everything else as it is."""
        return replace(self, cases=tuple(self.cases[row] for row in rows))

    def without(self, rows: Iterable[int]) -> CaseSet:
        """All cases but those of these rows."""
        gone = set(rows)
        return self.subset(row for row in range(len(self)) if row not in gone)

    def stored_value(self, index: int) -> int:
        """The value that a class index, or IGNORE, has in the files.

        Raises:
            DataError: IGNORE, and the files have no value for it.
        """
        if index != IGNORE:
            return self.label_values[index]
        if self.ignore_value is None:
            raise DataError(
                "a mask has pixels to ignore, and its files have no value for them",
                expected="masks without such pixels, or a value for them",
                found=f"values {examples(self.label_values)}, nothing to ignore",
                fix="name a value with --ignore-value",
            )
        return self.ignore_value
