"""``cases.json``: which files a run is about, so that a later command finds them again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from mixednoise.data.report import examples
from mixednoise.errors import DataError, RunError
from mixednoise.io import write_json
from mixednoise.segmentation.cases import Case, CaseSet, MaskFiles

FORMAT = 1


def write_cases(path: Path, cases: CaseSet, splits: tuple[str, ...]) -> None:
    """Write a case set with the split of every case; paths absolute."""
    rows = [
        {
            "name": case.name,
            "group": case.group,
            "split": split,
            "images": [str(image.resolve()) for image in case.images],
            "mask": _files(case.mask),
            "truth": _files(case.truth),
        }
        for case, split in zip(cases.cases, splits, strict=True)
    ]
    head = {
        "format": FORMAT,
        "source": cases.source,
        "layout": cases.layout,
        "class_names": list(cases.class_names),
        "label_values": list(cases.label_values),
        "ignore_value": cases.ignore_value,
        "channel_names": list(cases.channel_names),
    }
    write_json(path, {**head, "cases": rows})


def read_case_file(path: Path, *, must_exist: bool = True) -> CaseSet:
    """Read what :func:`write_cases` wrote, and check that the files are still there.

    Args:
        path: the file.
        must_exist: False where only names, splits and the meaning of values are wanted.

    Raises:
        RunError: the file is missing or damaged.
        DataError: files have moved since.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        _must_be_ours(told["format"])
        cases = tuple(
            Case(
                row["name"],
                row["group"],
                tuple(Path(image) for image in row["images"]),
                _mask(row["mask"]),
                _mask(row["truth"]),
                row["split"],
            )
            for row in told["cases"]
        )
        found = CaseSet(
            cases,
            tuple(told["class_names"]),
            tuple(told["label_values"]),
            told["ignore_value"],
            told["layout"],
            tuple(told["channel_names"]),
            told["source"],
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{path} can't be read",
            expected=f"a list of cases as `mixednoise segment train` writes it, format {FORMAT}",
            found=(str(error).splitlines() or [type(error).__name__])[0],
            fix="check that the folder is a run of `mixednoise segment train`",
        ) from error
    gone = [str(image) for case in cases for image in case.images if not image.exists()]
    if must_exist and gone:
        raise DataError(
            f"the images of {path.parent} have moved",
            expected="the files that the run was trained on, where they were then",
            found=f"{len(gone)} of them gone: {examples(gone, 3)}",
            fix="bring them back, or train again from where they are now",
        )
    return found


def with_masks_of_truth(cases: CaseSet) -> CaseSet:
    """The same set with its true masks in the place of the given ones, for an upper bound.

    Raises:
        DataError: a case that is learned from has no true mask.
    """
    lacking = [c.name for c in cases.cases if c.truth is None and c.split in (None, "train")]
    if lacking:
        raise DataError(
            "the upper bound needs a true mask for every case that is learned from",
            expected="masks known to be right, with --truth",
            found=f"{len(lacking)} cases without: {examples(lacking)}",
            fix="leave the method clean out, or add the masks",
        )
    clean = [replace(case, mask=case.truth or case.mask) for case in cases.cases]
    return replace(cases, cases=tuple(clean))


def _must_be_ours(found: Any) -> None:
    if found != FORMAT:
        raise ValueError(f"format {found}")


def _files(mask: MaskFiles | None) -> Any:
    if mask is None:
        return None
    if mask.label_map is not None:
        return str(mask.label_map.resolve())
    return {name: str(path.resolve()) for name, path in mask.classes}


def _mask(told: Any) -> MaskFiles | None:
    if told is None:
        return None
    if isinstance(told, str):
        return MaskFiles(label_map=Path(told))
    return MaskFiles(classes=tuple((name, Path(path)) for name, path in told.items()))
