"""From a set of cases to everything that is needed to start: checked, decoded, split, resolved."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.report import Report
from mixednoise.errors import ConfigError, DataError
from mixednoise.io import write_csv, write_text
from mixednoise.models.segmentation_networks import architecture
from mixednoise.progress import Progress
from mixednoise.segmentation.case_file import write_cases
from mixednoise.segmentation.cases import (
    CaseSet,
    CaseStore,
    UnreadableCaseError,
    check_cases,
    read_image,
    set_aside,
)
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.segmentation.splits import SPLITS, split_cases
from mixednoise.training.checkpoint import fingerprint
from mixednoise.training.devices import choose_device

IntArray = np.ndarray[Any, np.dtype[np.int64]]

#: ``image_size="auto"`` takes the images' own size up to these limits.
LARGEST_AUTO_SIZE_CPU = 128
LARGEST_AUTO_SIZE_ACCELERATOR = 512
#: ``patch_size="auto"``, by dimensions of the network.
LARGEST_AUTO_PATCH = {2: 256, 3: 64}
LOOK_AT = 16


@dataclass(frozen=True)
class PreparedCases:
    """Checked and decoded cases.

    Attributes:
        cases: N cases that can be used.
        store: their pixels, in the same order.
        splits: N of train, val, test.
        report: what the checks found.
        aside: name -> why, of the cases that can't be used.
    """

    cases: CaseSet
    store: CaseStore
    splits: tuple[str, ...]
    report: Report
    aside: dict[str, str]

    def rows(self, split: str) -> IntArray:
        """Positions of the cases of a split."""
        return np.flatnonzero(np.asarray(self.splits) == split)

    @cached_property
    def class_counts(self) -> IntArray:
        """(N, K) pixels of every class in each training mask, at the size that networks see."""
        classes, rows = self.cases.num_classes, self.rows("train").tolist()
        counts = np.zeros((len(rows), classes), np.int64)
        for place, row in enumerate(rows):
            pixels = self.store.mask(row).reshape(-1)
            counts[place] = np.bincount(pixels, minlength=IGNORE + 1)[:classes]
        return counts

    @property
    def fingerprint(self) -> str:
        """Changes when cases, their pixels or their splits do."""
        return fingerprint(list(self.cases.names), list(self.splits), self.store.content)

    def write(self, run: SegmentationRun) -> None:
        """Who is where, what was set aside and what the checks found."""
        table = pd.DataFrame(
            {
                "name": self.cases.names,
                "group": [case.group for case in self.cases.cases],
                "split": self.splits,
            }
        )
        write_csv(run.cases, table)
        write_cases(run.case_file, self.cases, self.splits)
        names, reasons = list(self.aside), list(self.aside.values())
        write_csv(run.set_aside, pd.DataFrame({"name": names, "reason": reasons}))
        write_text(run.report, self.report.text() + "\n")


def prepare_cases(cases: CaseSet, config: SegmentationConfig, progress: Progress) -> PreparedCases:
    """Check every file, decode it, split where no split was given.

    Args:
        cases: from the readers.
        config: ``image_size`` and ``patch_size`` resolved.
        progress: bars.

    Raises:
        DataError: what would spoil the result; all problems in one message.
    """
    report = check_cases(cases, progress=progress)
    report.raise_if_stopped()
    usable, aside = set_aside(cases, report)
    store = CaseStore.build(usable, image_size=int(config.image_size), progress=progress)
    if store.reasons:  # a file that was whole a moment ago
        aside |= store.reasons
        usable = usable.without(i for i, name in enumerate(usable.names) if name in store.reasons)
        store = CaseStore.build(usable, image_size=int(config.image_size), progress=progress)
    _must_be_deep_enough(store, config)
    splits = split_cases(
        [case.group for case in usable.cases],
        [case.split for case in usable.cases],
        val_fraction=config.val_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
    )
    lacking = [
        case.name
        for case, split in zip(usable.cases, splits, strict=True)
        if split == "train" and case.mask is None
    ]
    if lacking:
        raise DataError(
            "there are training cases without a mask",
            expected="a mask for every case that is learned from",
            found=f"{len(lacking)} without: {', '.join(lacking[:5])}",
            fix="add the masks, or take these images out",
        )
    return PreparedCases(usable, store, tuple(splits), report, aside)


def _must_be_deep_enough(store: CaseStore, config: SegmentationConfig) -> None:
    """The checks have seen that all images have the same number of axes."""
    if len(store.shape(0)) < config.spatial_dims:
        raise ConfigError(
            "these images are flat, and the network takes volumes",
            expected="--spatial-dims 2, or volumes",
            found=f"spatial_dims {config.spatial_dims}, images of "
            + " x ".join(map(str, store.native_shape(0))),
            fix="leave --spatial-dims away",
        )


def resolve_segmentation(
    config: SegmentationConfig, cases: CaseSet, progress: Progress
) -> SegmentationConfig:
    """Replace ``auto`` by what fits this machine and these images, and say so.

    Raises:
        ConfigError: there is no such device, or windows that the network can't take.
    """
    device = choose_device(config.device)
    on_cpu = device.type == "cpu"
    changes: dict[str, Any] = {}
    network = config.network
    if network == "auto":
        network = changes["network"] = "residual_unet_slim" if on_cpu else "residual_unet"
    size = config.image_size
    if size == "auto":
        most = LARGEST_AUTO_SIZE_CPU if on_cpu else LARGEST_AUTO_SIZE_ACCELERATOR
        size = changes["image_size"] = max(16, min(_longest_side(cases), most))
    divisor = architecture(network).divisor
    if config.patch_size == "auto":
        side = min(int(size), LARGEST_AUTO_PATCH[config.spatial_dims])
        changes["patch_size"] = -(-side // divisor) * divisor
    elif config.patch_size % divisor:
        raise ConfigError(
            f"{network} can't learn from windows of this size",
            expected=f"a multiple of {divisor}",
            found=f"patch_size {config.patch_size}",
            fix=f"choose --patch-size {-(-config.patch_size // divisor) * divisor}",
        )
    if changes:
        told = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in changes.items())
        progress.message(f"on {device.type}: {told} (chosen automatically)")
    return config.model_copy(update=changes)


def _longest_side(cases: CaseSet) -> int:
    """Longest side of the plane of the first images that can be read."""
    longest = 0
    for case in cases.cases[:LOOK_AT]:
        try:
            longest = max(longest, *read_image(case).array.shape[-2:])
        except (UnreadableCaseError, DataError):
            continue  # the checks will tell of it
    return longest or LARGEST_AUTO_SIZE_CPU


def count_by_split(splits: tuple[str, ...]) -> str:
    """``train 160, val 20, test 20``."""
    return ", ".join(f"{name} {splits.count(name)}" for name in SPLITS if name in splits)
