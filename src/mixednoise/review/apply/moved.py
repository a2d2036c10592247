"""The files of all cases of a run, where an audit has found its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mixednoise.audit.located import LocatedImages
from mixednoise.data.report import counted, examples
from mixednoise.errors import RunError
from mixednoise.segmentation.case_file import read_case_file
from mixednoise.segmentation.cases import CaseSet
from mixednoise.segmentation.cases.case import MaskFiles
from mixednoise.segmentation.run import SegmentationRun


def all_located(cases: CaseSet, located: LocatedImages, run: Path) -> CaseSet:
    """The cases with all their files where they are now: also those that the audit does not have.

    Args:
        cases: of the run; those of the audit have images and masks where they are now.
        located: the files of the audit.
        run: the run folder, which knows where they were.

    Raises:
        RunError: some are not there.
    """
    before = read_case_file(SegmentationRun(run).case_file, must_exist=False)
    first = located.ids[0]
    old, new = before.named(first).images[0], cases.named(first).images[0]
    # What differs at the front of the two paths is what has moved.
    while old.name == new.name and old != new:
        old, new = old.parent, new.parent

    def moved(path: Path) -> Path:
        return new / path.relative_to(old) if old in path.parents else path

    def files(mask: MaskFiles | None) -> MaskFiles | None:
        if mask is None:
            return None
        if mask.label_map is not None:
            return MaskFiles(label_map=moved(mask.label_map))
        return MaskFiles(classes=tuple((name, moved(path)) for name, path in mask.classes))

    there = set(located.ids)
    found = [
        replace(case, truth=files(case.truth))
        if case.name in there
        else replace(
            case,
            images=tuple(map(moved, case.images)),
            mask=files(case.mask),
            truth=files(case.truth),
        )
        for case in cases.cases
    ]
    missing = [
        case.name
        for case in found
        if not all(
            path.is_file() for path in (*case.images, *(case.mask.paths if case.mask else ()))
        )
    ]
    if missing:
        raise RunError(
            "images or masks of this audit are not where they were",
            expected="all files of its run",
            found=f"{counted(len(missing), 'case')} without: {examples(missing)}",
            fix="say where the data set is now: --data FOLDER",
        )
    return replace(cases, cases=tuple(found))
