"""Masks of a case set, with probabilities from files that somebody else's model has left."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np

from mixednoise.data.report import examples
from mixednoise.errors import DataError
from mixednoise.segmentation.array_files import PROBABILITIES, array_header, load
from mixednoise.segmentation.cases import CaseSet, read_mask
from mixednoise.segmentation.files_by_name import files_by_name
from mixednoise.segmentation.judges import Told, judges_by_name
from mixednoise.segmentation.labels import Mask, Probabilities
from mixednoise.segmentation.partners import partners
from mixednoise.segmentation.sources import check_shapes


class CaseProbabilities:
    """Masks in any layout that case sets have, and a file of probabilities for each.

    nnU-Net gives pictures a depth of one: (K, 1, H, W) is taken for (K, H, W) there.

    Args:
        cases: with masks; those without probabilities are left out and told in :attr:`report`.
        files: name of a case -> ``.npy`` or ``.npz`` (K, *S) on the mask's grid; volumes have their
            axes in the order (D, H, W), as nnU-Net and SimpleITK have them.
        judges: which model judged which case: name -> model, or a CSV file with the columns name
            and judge; None = not known, or one judged all.

    Attributes:
        names: of the cases that have both.
        num_classes: K.
        judges, models: see :class:`~mixednoise.segmentation.judges.Judges`.
        report: what was noticed.

    Raises:
        DataError: no case has both, another number of classes than the case set has, or judges that
            are told for other cases than these.
        UnreadableCaseError: the first file of probabilities is damaged.
    """

    def __init__(
        self, cases: CaseSet, files: Mapping[str, Path], *, judges: Told | None = None
    ) -> None:
        self._set = cases
        self._cases = [c for c in cases.cases if c.mask is not None and c.name in files]
        self.names = [case.name for case in self._cases]
        self.num_classes = cases.num_classes
        self.files = {name: files[name] for name in self.names}
        self.report = partners([case.name for case in cases.cases if case.mask is not None], files)
        known = {case.name for case in cases.cases} | files.keys()
        self.judges, self.models = judges_by_name(judges, self.names, known)
        self._check_classes()

    def _check_classes(self) -> None:
        first = self.files[self.names[0]]
        shape, _ = array_header(first)
        if not shape or shape[0] != self.num_classes:
            raise DataError(
                "masks and probabilities have different classes",
                expected=f"{self.num_classes}: {examples(self._set.class_names, 12)}",
                found=f"{first} {shape}",
                fix="save probabilities of all classes, the background first, without one for "
                "pixels to ignore",
            )

    def __len__(self) -> int:
        return len(self.names)

    def read(self, index: int) -> tuple[Mask, Probabilities]:
        """One image, see :class:`~mixednoise.segmentation.sources.ProbabilitySource`."""
        case = self._cases[index]
        mask, values = read_mask(self._set, case), load(self.files[case.name])
        if values.ndim == 4 and mask.ndim == 2 and values.shape[1] == 1:
            values = np.asarray(values[:, 0])
        check_shapes(case.name, mask, values, self.num_classes)
        return mask, values


def files_below(folder: Path, without: Collection[Path] = ()) -> dict[str, Path]:
    """Files of probabilities by name, those in folders inside included.

    Args:
        folder: where they are.
        without: folders inside that are passed over.

    Raises:
        DataError: no such folder or file, or two of one name.
    """
    hint = "; nnU-Net leaves them in fold_*/validation when it trains with --npz"
    return files_by_name(
        folder, PROBABILITIES, "probabilities", below=True, hint=hint, without=without
    )
