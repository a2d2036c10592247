"""Raw data as nnU-Net v2 keeps it: ``imagesTr``, ``labelsTr``, ``dataset.json``.

The format is documented in nnU-Net's "dataset format" and "ignore label" pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.errors import DataError
from mixednoise.segmentation.cases.case import Case, CaseSet, MaskFiles
from mixednoise.segmentation.cases.formats import ENDINGS, LOSSY_ENDINGS, RASTER_ENDINGS
from mixednoise.segmentation.cases.groups import read_groups

IGNORE_NAME, BACKGROUND_NAME = "ignore", "background"
_REQUIRED = ("channel_names", "labels", "numTraining", "file_ending")
_CHANNEL = re.compile(r"(.+)_(\d{4})$")


def read_nnunet(
    root: Path | str,
    *,
    groups: Path | str | None = None,
    name_column: str | None = None,
    group_column: str | None = None,
) -> CaseSet:
    """Read a raw data set of nnU-Net v2.

    Args:
        root: ``DatasetXXX_Name`` with ``dataset.json``, ``imagesTr`` and ``labelsTr``; cases of
            ``imagesTs`` that have labels in ``labelsTs`` become the split ``test``.
        groups: a CSV file with the patient of each case; None = every case is a patient.
        name_column, group_column: columns of that file; None = one of the usual names.

    Returns:
        The cases, by name; the class named ``ignore`` as ``ignore_value``.

    Raises:
        DataError: no such data set, a ``dataset.json`` of version 1, regions in place of labels,
            or a file format that is not read.
    """
    folder = Path(root)
    described = _read_json(folder)
    names, values, ignore_value = _labels(described["labels"], folder)
    channels = _in_order(described["channel_names"])
    ending = str(described["file_ending"])
    if ending not in ENDINGS or ending in LOSSY_ENDINGS:
        raise _wrong(
            folder, "a file format that is not read", ", ".join(_lossless()), f"{ending!r}",
            "convert images and labels to one of these",
        )  # fmt: skip
    findings: list[Problem] = []
    if isinstance(described.get("dataset"), dict):
        train = _listed(folder, described["dataset"], findings)
    else:
        train = _cases_in(folder, "Tr", ending, channels, findings)
    _check_number(described["numTraining"], len(train), folder, findings)
    test = _cases_in(folder, "Ts", ending, channels, findings)
    cases = [*train, *(case for case in test if case.mask is not None)]
    if groups is not None:
        told = read_groups(Path(groups), name_column, group_column)
        lacking = [case.name for case in cases if case.name not in told]
        if lacking:
            findings.append(
                Problem(
                    "warn",
                    f"{groups} names no group for {counted(len(lacking), 'case')}",
                    expected="the patient of each case",
                    found=examples(lacking),
                    fix="complete the file; each of them counts as a patient of its own",
                )
            )
        cases = [replace(case, group=told.get(case.name, case.name)) for case in cases]
    return CaseSet(
        tuple(sorted(cases, key=lambda case: case.name)),
        names,
        values,
        ignore_value,
        "nnunet",
        channels,
        str(folder),
        Report(findings),
    )


def _read_json(folder: Path) -> dict[str, Any]:
    path = folder / "dataset.json"
    try:
        described = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise _wrong(
            folder, "no raw data of nnU-Net", "a folder with a dataset.json", "none in it",
            "name the folder DatasetXXX_Name itself",
        ) from error  # fmt: skip
    except (OSError, ValueError) as error:
        raise _wrong(
            folder, "a dataset.json that can't be read", "JSON in UTF-8", str(error),
            "correct the file",
        ) from error  # fmt: skip
    if not isinstance(described, dict):
        described = {}
    lacking = [name for name in _REQUIRED if name not in described]
    if lacking:
        old = "modality" in described
        raise _wrong(
            folder,
            "a dataset.json of nnU-Net version 1" if old else "an incomplete dataset.json",
            ", ".join(_REQUIRED),
            f"without {', '.join(lacking)}",
            "convert it: nnUNetv2_convert_old_nnUNet_dataset" if old else "add what is missing",
        )
    return described


def _labels(labels: Any, folder: Path) -> tuple[tuple[str, ...], tuple[int, ...], int | None]:
    """(class names, values, value to ignore) from the ``labels`` of dataset.json."""
    if not isinstance(labels, Mapping) or not all(
        isinstance(value, int) and not isinstance(value, bool) for value in labels.values()
    ):
        regions = isinstance(labels, Mapping) and any(
            isinstance(value, list) for value in labels.values()
        )
        raise _wrong(
            folder,
            "labels that are regions, which overlap" if regions else "labels that are none",
            "labels as name: whole number, each pixel having one",
            json.dumps(labels)[:200],
            "write a dataset.json with one value per class"
            if regions
            else "version 2 wants name: value, in this order",
        )
    ignore = labels.get(IGNORE_NAME)
    by_value = {int(value): str(name) for name, value in labels.items() if name != IGNORE_NAME}
    values = sorted(by_value)
    consecutive = values == list(range(len(values))) and len(by_value) + (
        ignore is not None
    ) == len(labels)
    if not consecutive or (ignore is not None and ignore != len(values)):
        raise _wrong(
            folder, "labels that nnU-Net does not allow",
            "0 (background), 1, 2, ... without gaps, and 'ignore' the highest, if there is one",
            json.dumps(labels)[:200], "correct the labels",
        )  # fmt: skip
    return tuple(by_value[value] for value in values), tuple(values), ignore


def _in_order(channel_names: Any) -> tuple[str, ...]:
    if isinstance(channel_names, Mapping):
        return tuple(str(channel_names[key]) for key in sorted(channel_names, key=int))
    return tuple(str(name) for name in channel_names)


def _cases_in(
    folder: Path, part: str, ending: str, channels: tuple[str, ...], findings: list[Problem]
) -> list[Case]:
    images, labels = folder / f"images{part}", folder / f"labels{part}"
    if not images.is_dir():
        if part == "Tr":
            raise _wrong(
                folder, "no folder of training images", "imagesTr", "none",
                "name the folder DatasetXXX_Name itself",
            )  # fmt: skip
        return []
    found: dict[str, dict[int, Path]] = {}
    strange = []
    for path in sorted(images.iterdir()):
        if path.name.startswith(".") or not path.name.endswith(ending):
            continue
        parsed = _CHANNEL.match(path.name[: -len(ending)])
        if parsed is None:
            strange.append(path.name)
        else:
            found.setdefault(parsed[1], {})[int(parsed[2])] = path
    # A natural image in colour is one file with three channels.
    colour = ending in RASTER_ENDINGS and len(channels) == 3
    colour = colour and all(set(files) == {0} for files in found.values())
    wanted = {0} if colour else set(range(len(channels)))
    cases, incomplete = [], []
    for name, files in found.items():
        if set(files) != wanted:
            incomplete.append(f"{name} has {', '.join(f'{n:04d}' for n in sorted(files))}")
        label = labels / f"{name}{ending}"
        mask = MaskFiles(label) if label.is_file() else None
        paths = tuple(files[number] for number in sorted(files))
        cases.append(Case(name, name, paths, mask, None, "train" if part == "Tr" else "test"))
    if strange:
        findings.append(
            Problem(
                "warn",
                f"{counted(len(strange), 'file')} in {images} without the number of a channel",
                expected=f"NAME_0000{ending}",
                found=examples(strange),
                fix="not used; rename them",
            )
        )
    if incomplete:
        findings.append(
            Problem(
                "stop",
                f"{counted(len(incomplete), 'case')} in {images} without some channel",
                expected=", ".join(f"{number:04d}" for number in sorted(wanted)),
                found=examples(incomplete, separator="; "),
                fix="add the files, or correct channel_names in dataset.json",
            )
        )
    if part == "Tr" and not cases:
        raise _wrong(
            folder, "no training image", f"imagesTr/NAME_0000{ending}", "none", "add the files"
        )
    return cases


def _listed(folder: Path, listed: Mapping[str, Any], findings: list[Problem]) -> list[Case]:
    """The cases that dataset.json itself lists, with paths from its folder."""
    cases = []
    for name, files in sorted(listed.items()):
        try:
            images = tuple((folder / path).resolve() for path in files["images"])
            label = (folder / files["label"]).resolve()
        except (KeyError, TypeError):
            findings.append(
                Problem(
                    "stop",
                    f"dataset.json lists case {name} without its files",
                    expected='"images": [...] and "label": ...',
                    found=json.dumps(files)[:200],
                    fix="correct the file",
                )
            )
            continue
        mask = MaskFiles(label) if label.is_file() else None
        cases.append(Case(name, name, images, mask, None, "train"))
    return cases


def _check_number(told: Any, found: int, folder: Path, findings: list[Problem]) -> None:
    if told != found:
        findings.append(
            Problem(
                "warn",
                f"numTraining of {folder / 'dataset.json'} is not the number of cases",
                expected=str(found),
                found=str(told),
                fix="correct the file, or look for cases that are missing",
            )
        )


def _lossless() -> list[str]:
    return [ending for ending in ENDINGS if ending not in LOSSY_ENDINGS]


def _wrong(folder: Path, what: str, expected: str, found: str, fix: str) -> DataError:
    return DataError(f"{folder}: {what}", expected=expected, found=found, fix=fix)
