"""Corrected masks of an audit: a folder that ``mixednoise segment train`` takes as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pandas as pd

from mixednoise.audit.commands import option_words
from mixednoise.audit.folder import Manifest
from mixednoise.audit.located import LocatedImages
from mixednoise.audit.located_cases import judged_stage
from mixednoise.io import write_csv
from mixednoise.noise.result_folder import new_result
from mixednoise.progress import Progress
from mixednoise.review.apply.moved import all_located
from mixednoise.review.apply.plan import Ruling
from mixednoise.segmentation.cases import Case, read_mask
from mixednoise.segmentation.cases.apart import folders_of, must_be_apart
from mixednoise.segmentation.cases.case import MaskFiles
from mixednoise.segmentation.cases.formats import ending_of
from mixednoise.segmentation.export.corrected import MASKS, write_masks
from mixednoise.segmentation.export.corrections import Correction, refuse_overwriting
from mixednoise.segmentation.stages.judged import JudgedSource

IMAGES, TRUTH, CASES, CHANGES = "images", "truth", "cases.csv", "changes.csv"


class CorrectedMasks:
    """Writes the masks of an audit as its reviewers want them.

    Args:
        manifest: of the audit.
        located: its files.
        out: the folder to be.
        overwrite: replace an earlier result in it.

    Raises:
        RunError: the run or files of the data are gone, or ``out`` holds something or lies inside
            the data.
        ConfigError: ``out`` holds the data itself.
    """

    def __init__(
        self, manifest: Manifest, located: LocatedImages, out: Path, *, overwrite: bool
    ) -> None:
        self.out = out
        self._manifest = manifest
        stage = judged_stage(manifest, located)
        self.cases = all_located(stage.prepared.cases, located, Path(manifest.run))
        self._stage = replace(stage, prepared=replace(stage.prepared, cases=self.cases))
        self._has_truth = any(case.truth is not None for case in self.cases.cases)
        # The last one marks a whole result.
        self._names = (IMAGES, MASKS, *((TRUTH,) if self._has_truth else ()), CASES, CHANGES)
        must_be_apart(out, folders_of(self.cases))
        refuse_overwriting(self.cases, out, self._names, overwrite=overwrite)

    def write(
        self, rulings: Mapping[str, Ruling], changes: pd.DataFrame, progress: Progress
    ) -> int:
        """Write images (as links), masks, ``cases.csv`` and ``changes.csv``.

        Args:
            rulings: name -> ruling; cases without one keep their mask.
            changes: the change log; it gets a column ``pixels``, how many of the mask changed.
            progress: a bar.

        Returns:
            Number of cases.

        Raises:
            DataError: a mask can't be read.
            TrainingError: the disk is full or read-only; nothing was changed.
        """
        action = {name: ruling.action for name, ruling in rulings.items()}
        rows = [r for r, n in enumerate(self.cases.names) if action.get(n) != "exclude"]
        kept = self.cases.subset(rows)
        agreed = {name for name, what in action.items() if what == "relabel"}
        with new_result(self.out, self._names) as work:
            tally = write_masks(kept, self._corrections(rows, agreed), work / MASKS, progress)
            for case in kept.cases:
                self._link_images(case, work / IMAGES)
                if case.truth is not None:
                    _link_masks(case.truth, case.name, work / TRUTH)
            write_csv(work / CASES, self._table(rows))
            pixels = {row["name"]: row["changed"] for row in tally.rows}
            counted = changes["id"].map(pixels).astype("Int64")
            write_csv(work / CHANGES, changes.assign(pixels=counted))
        return len(kept)

    def next_command(self) -> list[str]:
        """Words of the command that learns from the result."""
        cases, out = self.cases, self.out
        folders = [out / IMAGES]
        if len(cases.cases[0].images) > 1:
            folders = [out / IMAGES / name for name in self._channels()]
        words = ["mixednoise", "segment", "train"]
        for folder in folders:
            words += ["--images", str(folder)]
        words += ["--masks", str(out / MASKS)]
        if self._has_truth:
            words += ["--truth", str(out / TRUTH)]
        for option in ("--groups", "--splits"):
            words += [option, str(out / CASES)]
        words += ["--class-names", ",".join(cases.class_names)]
        if cases.layout != "class_files":
            words += ["--label-values", ",".join(map(str, cases.label_values))]
        if cases.ignore_value is not None:
            words += ["--ignore-value", str(cases.ignore_value)]
        return [*words, *option_words(self._manifest), "--out", "runs/second"]

    def _corrections(self, rows: list[int], agreed: set[str]) -> Iterator[Correction]:
        """The mask of each case, with the proposal where it is agreed."""
        source = JudgedSource(self._stage)
        for row in rows:
            case = self.cases.cases[row]
            index = source.place.get(case.name) if case.name in agreed else None
            if index is None:
                yield Correction.untouched(case.name, read_mask(self.cases, case))
            else:
                yield source.correction(index)

    def _link_images(self, case: Case, folder: Path) -> None:
        several = len(case.images) > 1
        places = self._channels() if several else [""]
        for place, path in zip(places, case.images, strict=True):
            _link(path, folder / place / f"{case.name}{ending_of(path)}")

    def _channels(self) -> list[str]:
        """The folder of each channel that has a file of its own."""
        count = len(self.cases.cases[0].images)
        names = [name.replace("/", "_") for name in self.cases.channel_names]
        usable = len(names) == count and len(set(names)) == count and all(names)
        return names if usable else [f"channel_{number}" for number in range(count)]

    def _table(self, rows: list[int]) -> pd.DataFrame:
        cases = [self.cases.cases[row] for row in rows]
        splits = [self._stage.prepared.splits[row] for row in rows]
        names, groups = [case.name for case in cases], [case.group for case in cases]
        return pd.DataFrame({"name": names, "group": groups, "split": splits})


def _link_masks(mask: MaskFiles, name: str, folder: Path) -> None:
    if mask.label_map is not None:
        _link(mask.label_map, folder / f"{name}{ending_of(mask.label_map)}")
    for class_name, path in mask.classes:
        _link(path, folder / class_name / f"{name}{ending_of(path)}")


def _link(source: Path, target: Path) -> None:
    """A link to a file that stays where it is; a copy where there are no links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        target.symlink_to(source.resolve())
    except OSError:
        shutil.copyfile(source, target)
