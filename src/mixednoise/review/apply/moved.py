"""The files of all cases of a run, where an audit has found its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from mixednoise.audit.located import LocatedImages, files_of
from mixednoise.data.report import counted, examples
from mixednoise.errors import RunError
from mixednoise.segmentation.case_file import read_case_file
from mixednoise.segmentation.cases import CaseSet
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

    there = set(located.ids)
    found = [
        replace(
            case if case.name in there else case.moved(moved),
            truth=None if case.truth is None else case.truth.moved(moved),
        )
        for case in cases.cases
    ]
    missing = [case.name for case in found if not all(map(Path.is_file, files_of(case)))]
    if missing:
        raise RunError(
            "images or masks of this audit are not where they were",
            expected="all files of its run",
            found=f"{counted(len(missing), 'case')} without: {examples(missing)}",
            fix="say where the data set is now: --data FOLDER",
        )
    return replace(cases, cases=tuple(found))
