"""Masks and probabilities from folders, one image at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.errors import DataError
from mixednoise.segmentation.array_files import array_header, load, png_shape
from mixednoise.segmentation.cases.rasters import read_raster
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError
from mixednoise.segmentation.labels import IGNORE, Mask, Probabilities
from mixednoise.segmentation.sources import as_classes, shape_problem

Array = np.ndarray[Any, Any]


_TWO_LEVELS = Problem(
    "info",
    "masks hold the values 0 and 255: read as class 0 and class 1",
    fix="pass 255 as the ignore label if it marks pixels to leave out",
)


class FolderSource:
    """Pairs of files of the same stem: a mask and its probabilities.

    Files without a partner, and files that can't be read, are set aside and told in
    :attr:`report`. All shapes are checked at once, from the files' headers; values are checked
    when they are read.

    Args:
        masks: folder with ``NAME.png`` or ``NAME.npy``: (H, W), or (D, H, W) in npy.
        probabilities: folder with ``NAME.npy`` or ``NAME.npz``: (K, H, W) or (K, D, H, W). It may
            be the same folder; the masks are then its PNG files.
        ignore_label: mask value of pixels to leave out; None = every value is a class. Without
            one, and with two classes, PNG masks that hold nothing but 0 and 255 are read as 0 and
            1, if all of them are like that.

    Attributes:
        names: stems, sorted.
        num_classes: K.
        report: what was noticed, with what the first reading of the files adds.

    Raises:
        DataError: a folder is missing or has no pair; shapes that don't fit, all in one message.
    """

    def __init__(
        self, masks: Path | str, probabilities: Path | str, *, ignore_label: int | None = None
    ) -> None:
        self._ignore = ignore_label
        same = Path(masks).resolve() == Path(probabilities).resolve()
        mask_files = _listing(Path(masks), (".png",) if same else (".png", ".npy"), "masks")
        value_files = _listing(Path(probabilities), (".npy", ".npz"), "probabilities")
        self.report = _partners(mask_files, value_files)
        self._masks: list[Path] = []
        self._values: list[Path] = []
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
            self._masks.append(mask_files[name])
            self._values.append(value_files[name])
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
        if not self._masks:
            raise DataError(
                "no image is left",
                expected="at least one mask with its probabilities that can be read",
                found=examples(unreadable, separator="; "),
                fix="replace these files",
            )
        self.names = [path.stem for path in self._masks]
        self._first_with_255: str | None = None
        self._first_with_1: str | None = None

    def __len__(self) -> int:
        """Number of pairs."""
        return len(self._masks)

    def _check_headers(self, name: str, mask: Path, values: Path) -> Problem | None:
        shape, dtype = array_header(values)
        mask_shape = png_shape(mask) if mask.suffix.lower() == ".png" else array_header(mask)[0]
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
        name, path = self.names[index], self._masks[index]
        values = load(self._values[index])
        if path.suffix.lower() != ".png":
            return as_classes(name, load(path), self.num_classes, self._ignore), values
        mask = read_raster(path, as_mask=True)
        if self._ignore is None and self.num_classes == 2:
            mask = self._two_levels(name, mask)
        return as_classes(name, mask, self.num_classes, self._ignore), values

    def _two_levels(self, name: str, mask: Array) -> Array:
        """0 and 255 as 0 and 1, unless it is not clear that they are meant."""
        top = mask.max(initial=0)
        if top not in (1, IGNORE):
            return mask
        if top == IGNORE:
            if not np.isin(mask, (0, IGNORE)).all():
                return mask  # refused later, with its values
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
                fix="write all masks in one way; if 255 marks pixels to leave out, pass it as the "
                "ignore label",
            )
        return mask


def _listing(folder: Path, suffixes: tuple[str, ...], what: str) -> dict[str, Path]:
    """Files by stem.

    Raises:
        DataError: no folder, no such file, or two of one stem.
    """
    if not folder.is_dir():
        raise DataError(
            f"no folder of {what}",
            expected=f"a folder with files {' or '.join(suffixes)}",
            found=f"{folder} is {'a file' if folder.exists() else 'not there'}",
            fix="check the path",
        )
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file():
            if path.stem in found:
                raise DataError(
                    f"two files of {what} have the same name",
                    expected="one file per image",
                    found=f"{found[path.stem]}, {path}",
                    fix="remove one of them",
                )
            found[path.stem] = path
    if not found:
        raise DataError(
            f"no {what} in {folder}",
            expected=f"files NAME{' or NAME'.join(suffixes)}",
            found=f"{counted(len(list(folder.iterdir())), 'entry', 'entries')} of other kinds",
            fix="check the path",
        )
    return found


def _partners(masks: dict[str, Path], values: dict[str, Path]) -> Report:
    """Warnings for files without a partner.

    Raises:
        DataError: none has one.
    """
    if not masks.keys() & values.keys():
        raise DataError(
            "no mask has probabilities of the same name",
            expected="files of the same name in both folders: a.png and a.npy",
            found=f"masks {examples(sorted(masks))}; probabilities {examples(sorted(values))}",
            fix="rename the files",
        )
    problems = []
    for some, others, what, lacking in (
        (masks, values, "mask", "probabilities"),
        (values, masks, "file of probabilities", "mask"),
    ):
        alone = sorted(some.keys() - others.keys())
        if alone:
            plural = "masks" if what == "mask" else "files of probabilities"
            verb = "has" if len(alone) == 1 else "have"
            problems.append(
                Problem(
                    "warn",
                    f"{counted(len(alone), what, plural)} {verb} no {lacking}: set aside",
                    expected="files of the same name in both folders",
                    found=examples(alone),
                    fix="add what is missing, or go on without these images",
                )
            )
    return Report(problems)
