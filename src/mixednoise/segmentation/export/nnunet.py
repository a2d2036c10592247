"""A raw data set for nnU-Net v2 in which suspected pixels have the label ``ignore``.

nnU-Net leaves pixels of that label out of its losses and its validation. Its documentation wants
the label to be named exactly ``ignore`` and to be the highest of consecutive integers:
0..K-1 are the classes, K is ``ignore``. Images and labels share one lossless format.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.data.report import counted, examples
from mixednoise.errors import ConfigError, RunError
from mixednoise.io import write_json
from mixednoise.noise.result_folder import new_result
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.cases.case import Case, CaseSet
from mixednoise.segmentation.cases.masks import read_mask
from mixednoise.segmentation.cases.nnunet import BACKGROUND_NAME, IGNORE_NAME
from mixednoise.segmentation.export.corrections import (
    TABLE,
    Corrections,
    ExportSummary,
    Tally,
    checked,
    refuse_overwriting,
)
from mixednoise.segmentation.export.nnunet_files import FileWriter, choose_ending
from mixednoise.segmentation.labels import IGNORE

_DATASET = "dataset.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_\-]*")


def write_nnunet(
    case_set: CaseSet,
    corrections: Corrections,
    out: Path | str,
    *,
    number: int,
    name: str,
    channel_names: Sequence[str] | None = None,
    link: bool = True,
    include_test: bool = True,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ExportSummary:
    """Write ``out/DatasetNNN_NAME`` with ``imagesTr``, ``labelsTr`` and ``dataset.json``.

    Every case with a correction goes to ``imagesTr``; cases of the split ``test`` without one go to
    ``imagesTs``, with their masks as they are in ``labelsTs``. Images keep their file where nnU-Net
    can read it; JPEG, palettes, transparency, mixed formats and several channels in one volume are
    converted without loss.

    Args:
        case_set: the cases.
        corrections: see :class:`.corrections.Correction`; read once, one at a time. Suspected
            pixels, and those that were to be ignored before, get the label ``ignore``.
        out: the folder that nnU-Net calls ``nnUNet_raw``.
        number: the data set's number, 1 to 999.
        name: the data set's name: letters, digits, ``_`` and ``-``.
        channel_names: one per channel, in order; nnU-Net chooses its normalisation by them (``CT``
            for Hounsfield units). None = as the data names them, R, G, B for colour, else
            ``image``.
        link: hard-link image files that need no conversion, where the file system can; else copy.
        include_test: see above.
        overwrite: replace an earlier result of the same name.
        progress: a bar over the cases.

    Raises:
        ConfigError: a number or name that nnU-Net does not allow, a class named ``ignore``, or
            channel names that are not one per channel.
        RunError: the folder has something in it already, or the number is taken.
        DataError: a correction does not fit its case, or an image can't be read.
        TrainingError: the disk is full or can't be written to; nothing was changed.
    """
    labels = nnunet_labels(case_set)
    folder = _folder(Path(out), number, name)
    writer = FileWriter(choose_ending(case_set.cases), link=link)
    test = [case for case in case_set.cases if case.split == "test"] if include_test else []
    names = ["imagesTr", "labelsTr", TABLE, _DATASET]
    if test or (folder / "imagesTs").exists() or (folder / "labelsTs").exists():
        names[2:2] = ["imagesTs", "labelsTs"]
    refuse_overwriting(case_set, folder, names, overwrite=overwrite)
    channels = _Channels(channel_names or case_set.channel_names)
    tally, progress = Tally(), progress or Silent()
    with new_result(folder, names) as work:
        for part in names[: names.index(TABLE)]:
            (work / part).mkdir()
        done = set()
        for case, correction in progress.track(
            checked(case_set, corrections), "writing for nnU-Net"
        ):
            ignored = correction.suspected | (correction.mask == IGNORE)
            label = np.where(ignored, case_set.num_classes, correction.mask).astype(np.uint8)
            channels.add(case, writer.write_image(case, label.shape, work / "imagesTr"))
            writer.write_label(case, label, work / "labelsTr")
            tally.add(correction)
            done.add(case.name)
        for case in progress.track([c for c in test if c.name not in done], "writing test cases"):
            mask = None if case.mask is None else read_mask(case_set, case)
            shape = None if mask is None else mask.shape
            channels.add(case, writer.write_image(case, shape, work / "imagesTs"))
            if mask is not None:
                label = np.where(mask == IGNORE, case_set.num_classes, mask).astype(np.uint8)
                writer.write_label(case, label, work / "labelsTs")
        tally.write(work)
        write_json(
            work / _DATASET,
            {
                "channel_names": channels.described(),
                "labels": labels,
                "numTraining": len(done),
                "file_ending": writer.ending,
                "name": name,
                "description": "suspected label errors have the label 'ignore'",
            },
        )
    return tally.summary(folder)


def nnunet_labels(case_set: CaseSet) -> dict[str, int]:
    """The ``labels`` of ``dataset.json``: background 0, the classes, ``ignore`` the highest.

    Raises:
        ConfigError: another class is named ``ignore`` or ``background``.
    """
    names = case_set.class_names
    if IGNORE_NAME in names or BACKGROUND_NAME in names[1:]:
        raise ConfigError(
            "a class has a name that nnU-Net keeps for itself",
            expected=f"names other than {IGNORE_NAME} and, for the first class alone, "
            f"{BACKGROUND_NAME}",
            found=examples(names, 12),
            fix="rename the class with --class-names",
        )
    every = (BACKGROUND_NAME, *names[1:], IGNORE_NAME)
    return {name: value for value, name in enumerate(every)}


class _Channels:
    """The names of the channels, checked against the first image and kept for all."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)

    def add(self, case: Case, found: tuple[int, bool]) -> None:
        """Take note of an image with this many channels, in colour or not."""
        number, colour = found
        if not self._names:
            usual = ("R", "G", "B") if colour else tuple(f"image_{i}" for i in range(number))
            self._names = ("image",) if number == 1 else usual
        if len(self._names) != number:
            raise ConfigError(
                "channel names and channels don't fit together",
                expected=f"{counted(len(self._names), 'channel')}: {examples(self._names)}",
                found=f"{number} in {case.name}",
                fix="name each channel once, in order, with --channel-names",
            )

    def described(self) -> dict[str, Any]:
        """As ``dataset.json`` has them."""
        return {str(index): name for index, name in enumerate(self._names)}


def _folder(out: Path, number: int, name: str) -> Path:
    if not 1 <= number <= 999 or _NAME.fullmatch(name) is None:
        raise ConfigError(
            "no number or name for a data set of nnU-Net",
            expected="a number from 1 to 999, and a name of letters, digits, _ and -",
            found=f"{number} and {name!r}",
            fix="choose others",
        )
    folder = out / f"Dataset{number:03d}_{name}"
    taken = sorted(
        place.name for place in out.glob(f"Dataset{number:03d}_*") if place.name != folder.name
    )
    if taken:
        raise RunError(
            f"number {number} is taken by another data set",
            expected="one data set per number: nnU-Net finds them by it",
            found=examples(out / there for there in taken),
            fix="choose another number",
        )
    return folder
