"""The cases of a run of masks, with their files where an audit has found them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from mixednoise.audit.folder import Manifest
from mixednoise.audit.located import LocatedImages
from mixednoise.errors import RunError
from mixednoise.segmentation.cases import Case, CaseSet
from mixednoise.segmentation.cases.case import MaskFiles

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
    from mixednoise.segmentation.stages.judging import was_judged

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
        images, masks = paths[: len(case.images)], paths[len(case.images) :]
        return replace(case, images=images, mask=_moved_mask(case.mask, masks))

    return replace(cases, cases=tuple(map(moved, cases.cases)))


def _moved_mask(mask: MaskFiles | None, paths: tuple[Path, ...]) -> MaskFiles | None:
    if mask is None or not paths:
        return mask
    if mask.label_map is not None:
        return MaskFiles(label_map=paths[0])
    names = [name for name, _ in mask.classes]
    return MaskFiles(classes=tuple(zip(names, paths, strict=True)))
