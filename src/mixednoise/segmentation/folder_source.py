"""Masks and probabilities from folders, one image at a time."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.errors import DataError
from mixednoise.segmentation.array_files import PROBABILITIES, array_header, load, png_shape
from mixednoise.segmentation.cases.formats import ENDINGS, LOSSY_ENDINGS, ending_of
from mixednoise.segmentation.cases.masks import read_values
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError
from mixednoise.segmentation.files_by_name import files_by_name
from mixednoise.segmentation.judges import Told, judges_by_name
from mixednoise.segmentation.labels import IGNORE, Mask, Probabilities
from mixednoise.segmentation.partners import partners
from mixednoise.segmentation.sources import as_classes, check_shapes, shape_problem
from mixednoise.segmentation.two_levels import structure_value

Array = np.ndarray[Any, Any]

#: What masks may be: everything that keeps its values.
MASK_ENDINGS = tuple(ending for ending in ENDINGS if ending not in LOSSY_ENDINGS)

_TWO_LEVELS = Problem(
    "info",
    "masks hold the values 0 and 255: read as class 0 and class 1",
    fix="if 255 marks pixels to leave out, say --ignore-value 255 (Python: ignore_label)",
)


def mask_endings(masks: Path, probabilities: Collection[Path]) -> tuple[str, ...]:
    """:data:`MASK_ENDINGS`; without npy in a folder of probabilities, whose files those are."""
    shared = masks.resolve() in {folder.resolve() for folder in probabilities}
    return tuple(ending for ending in MASK_ENDINGS if not shared or ending != ".npy")


class FolderSource:
    """Pairs of files of the same stem: a mask and its probabilities.

    Files without a partner, and files that can't be read, are set aside and told in
    :attr:`report`. Shapes are checked at once, from the headers of PNG and npy files; the rest is
    checked when it is read.

    Args:
        masks: folder with ``NAME.png``, ``.tif``, ``.bmp``, ``.npy``, ``.nii`` or ``.nii.gz``:
            (H, W), or (D, H, W) in npy and NIfTI, whose last axis is D, as nnU-Net and SimpleITK
            have it.
        probabilities: folder with ``NAME.npy`` or ``NAME.npz``: (K, H, W) or (K, D, H, W). It may
            be the same folder; npy files are then no masks.
        ignore_label: mask value of pixels to leave out; None = every value is a class. Without
            one, and with two classes, masks that hold nothing but 0 and 255 are read as
            0 and 1, if all of them are like that.
        judges: which model judged which image: name -> model, or a CSV file with the columns name
            and judge; None = not known, or one judged all.

    Attributes:
        names: stems, sorted.
        masks, files: the file of each mask, and of its probabilities, in this order.
        num_classes: K.
        judges, models: see :class:`~mixednoise.segmentation.judges.Judges`.
        report: what was noticed, with what the first reading of the files adds.

    Raises:
        DataError: a folder is missing or has no pair; shapes that don't fit, all in one message;
            judges that are told for other images than these.
    """

    def __init__(
        self,
        masks: Path | str,
        probabilities: Path | str,
        *,
        ignore_label: int | None = None,
        judges: Told | None = None,
    ) -> None:
        self._ignore = ignore_label
        of_masks = mask_endings(Path(masks), {Path(probabilities)})
        mask_files = files_by_name(Path(masks), of_masks, "masks")
        value_files = files_by_name(Path(probabilities), PROBABILITIES, "probabilities")
        self.report = partners(mask_files, value_files)
        self.names: list[str] = []
        self.masks: list[Path] = []
        self.files: list[Path] = []
        self.num_classes = 0
        problems: list[Problem] = []
        unreadable: list[str] = []
        for name in sorted(mask_files.keys() & value_files.keys()):
            try:
                problem = self._check_headers(name, mask_files[name], value_files[name])
            except UnreadableCaseError as error:
                unreadable.append(f"{error.path}: {error.reason}")
                continue
            if problem is not None:
                problems.append(problem)
            self.names.append(name)
            self.masks.append(mask_files[name])
            self.files.append(value_files[name])
        if unreadable:
            problems.append(
                Problem(
                    "warn",
                    f"{counted(len(unreadable), 'file')} can't be read and will be set aside",
                    found=examples(unreadable, separator="; "),
                    fix="replace these files, or go on without their images",
                )
            )
        self.report += Report(problems)
        self.report.raise_if_stopped()
        if not self.masks:
            raise DataError(
                "no image is left",
                expected="at least one mask with its probabilities that can be read",
                found=examples(unreadable, separator="; "),
                fix="replace these files",
            )
        known = mask_files.keys() | value_files.keys()
        self.judges, self.models = judges_by_name(judges, self.names, known)
        self._first_with_255: str | None = None
        self._first_with_1: str | None = None

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self.masks)

    @property
    def label_values(self) -> tuple[int, ...]:
        """The value of each class in the masks, once they have been read."""
        return (0, IGNORE) if self._first_with_255 else tuple(range(self.num_classes))

    def _check_headers(self, name: str, mask: Path, values: Path) -> Problem | None:
        shape, dtype = array_header(values)
        ending = ending_of(mask)
        if ending == ".png":
            mask_shape = png_shape(mask)
        elif ending == ".npy":
            mask_shape = array_header(mask)[0]
        else:
            # Headers of these are read with the rest: what is wrong is told then.
            mask_shape = shape[1:]
        if not self.num_classes and len(shape) == len(mask_shape) + 1:
            self.num_classes = shape[0]
        found = shape_problem(mask_shape, shape, dtype, self.num_classes or 2)
        if found is None:
            return None
        return Problem(
            "stop",
            f"mask and probabilities of {name} don't fit: {found[0]}",
            expected="mask (H, W) or (D, H, W), floating-point probabilities (K, ...) of its size",
            found=f"{mask} {mask_shape}, {values} {shape} {dtype}",
            fix=found[1],
        )

    def read(self, index: int) -> tuple[Mask, Probabilities]:
        """One image, see :class:`~mixednoise.segmentation.sources.ProbabilitySource`."""
        name, path = self.names[index], self.masks[index]
        values = load(self.files[index])
        is_array = ending_of(path) == ".npy"
        mask = load(path) if is_array else read_values(path)[0]
        if mask.dtype.kind in "ui" and self._ignore is None and self.num_classes == 2:
            mask = self._two_levels(name, mask)
        classes = as_classes(name, mask, self.num_classes, self._ignore)
        check_shapes(name, classes, values, self.num_classes)
        return classes, values

    def _two_levels(self, name: str, mask: Array) -> Array:
        """0 and 255 as 0 and 1, unless it is not clear that they are meant."""
        top = structure_value(mask)
        if top is None:
            return mask  # other values are refused later, with them
        if top == IGNORE:
            if self._first_with_255 is None:
                self._first_with_255 = name
                self.report += Report([_TWO_LEVELS])
            mask = mask // IGNORE
        else:
            self._first_with_1 = self._first_with_1 or name
        if self._first_with_255 and self._first_with_1:
            raise DataError(
                "some masks mark the structure by 1, others by 255",
                expected="0 and 1 in all masks, or 0 and 255 in all masks",
                found=f"1 in {self._first_with_1}, 255 in {self._first_with_255}",
                fix="write all masks in one way; if 255 marks pixels to leave out, say "
                "--ignore-value 255 (Python: ignore_label)",
            )
        return mask
