"""The cases of a run of masks, with their files where an audit has found them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mixednoise.audit.folder import Manifest
from mixednoise.audit.located import LocatedImages, files_of
from mixednoise.errors import RunError
from mixednoise.segmentation.cases import Case, CaseSet

if TYPE_CHECKING:
    from mixednoise.segmentation.stages.context import Stage


def judged_stage(manifest: Manifest, located: LocatedImages) -> Stage:
    """The run that an audit of masks was made from: masks, error maps and probabilities.

    Args:
        manifest: of the audit.
        located: its files, rows as in its table.

    Raises:
        RunError: the run is gone, damaged, or without error maps.
    """
    from mixednoise.segmentation.pipeline import reopen
    from mixednoise.segmentation.stages.judged import was_judged

    stage = reopen(Path(manifest.run), device="cpu", pixels=False)
    if not was_judged(stage):
        raise RunError(
            f"{manifest.run} has no error maps any more",
            expected="the run that the audit was made from",
            found="no error maps in it",
            fix="restore the run folder, or audit again",
        )
    prepared = replace(stage.prepared, cases=located_cases(stage.prepared.cases, located))
    return replace(stage, prepared=prepared)


def located_cases(cases: CaseSet, located: LocatedImages) -> CaseSet:
    """The same cases; those of the audit with their files where they are now."""
    files = dict(zip(located.ids, located.files, strict=True))

    def moved(case: Case) -> Case:
        paths = files.get(case.name)
        if paths is None:
            return case
        return case.moved(dict(zip(files_of(case), paths, strict=True)).__getitem__)

    return replace(cases, cases=tuple(map(moved, cases.cases)))
