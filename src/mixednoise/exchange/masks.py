"""The masks of an audit, as they go out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mixednoise.audit.located_cases import judged_stage
from mixednoise.audit.masks import GIVEN
from mixednoise.exchange.export import Export
from mixednoise.exchange.selection import Row
from mixednoise.segmentation.cases import Case, CaseSet, UnreadableCaseError, read_mask
from mixednoise.segmentation.export import Correction
from mixednoise.segmentation.labels import ErrorMap, Mask
from mixednoise.segmentation.stages.judged import JudgedSource


@dataclass(frozen=True)
class MaskCase:
    """One case on its way out.

    Attributes:
        row: of the export.
        case: its files.
        found: given mask, suspected pixels, proposal.
    """

    row: Row
    case: Case
    found: Correction

    @property
    def takes_proposal(self) -> bool:
        """Whether the proposed mask goes out."""
        return self.row.label != self.row.given

    @property
    def mask(self) -> Mask:
        """uint8 (*S), the mask that goes out: class index or IGNORE."""
        return self.found.corrected if self.takes_proposal else self.found.mask

    def doubted(self, export: Export) -> ErrorMap:
        """bool (*S): pixels of the mask that goes out which nobody has settled."""
        asked = export.labels == "corrected" and not self.row.settled
        return self.found.suspected if asked else np.zeros(self.found.mask.shape, bool)


class Masks:
    """Reads the masks of an audit from the run that judged them.

    Args:
        export: what goes out.
        others: splits whose cases, which nobody has judged, go out as well, with the given mask.

    Attributes:
        cases: of the run, their files where they are now.

    Raises:
        RunError: the run is gone, damaged, or without error maps.
    """

    def __init__(self, export: Export, others: Sequence[str] = ()) -> None:
        self._export = export
        self._stage = judged_stage(export.manifest, export.located)
        self._source = JudgedSource(self._stage)
        self.cases: CaseSet = self._stage.prepared.cases
        self._by_name = {case.name: case for case in self.cases.cases}
        audited = set(export.located.ids)
        export.rows.extend(
            Row(-1, case.name, split, GIVEN, GIVEN, GIVEN)
            for case, split in zip(self.cases.cases, self._stage.prepared.splits, strict=True)
            if split in others and case.mask is not None and case.name not in audited
        )

    def read(self) -> Iterator[MaskCase]:
        """Each row's masks, one at a time; what can't be read is left out, with the reason."""
        export = self._export
        for row in export.progress.track(list(export.rows), "masks"):
            case = self._by_name[row.id]
            try:
                found = self._found(case, self._source.place.get(row.id))
            except UnreadableCaseError as error:
                export.leave_out(row, f"can't be read: {error.reason}")
                continue
            yield MaskCase(row, case, found)

    def _found(self, case: Case, index: int | None) -> Correction:
        gone = next((path for path in case.images if not path.is_file()), None)
        if gone is not None:
            raise UnreadableCaseError("file not found", gone)
        if index is None:  # validation and test: nobody has judged them
            return Correction.untouched(case.name, read_mask(self.cases, case))
        return self._source.correction(index)
