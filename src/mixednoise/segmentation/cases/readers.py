"""Case sets from folders of images and folders of masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from mixednoise.data.readers.split_names import split_of
from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.errors import ConfigError
from mixednoise.progress import Progress
from mixednoise.segmentation.cases.case import Case, CaseSet, MaskFiles
from mixednoise.segmentation.cases.folders import (
    Entry,
    case_names,
    list_entries,
    match,
    separate_masks,
)
from mixednoise.segmentation.cases.groups import look_up, read_groups, read_splits
from mixednoise.segmentation.cases.mask_folders import MaskFolders, find_masks, plan_masks
from mixednoise.segmentation.cases.values import find_values, settle_classes

Folder = Path | str
Masks = Folder | Mapping[str, Folder]


def read_cases(
    images: Folder | Sequence[Folder],
    masks: Masks | None = None,
    *,
    truth: Masks | None = None,
    groups: Folder | None = None,
    group_column: str | None = None,
    splits: Folder | None = None,
    split_column: str | None = None,
    name_column: str | None = None,
    class_names: Sequence[str] | None = None,
    label_values: Sequence[int] | None = None,
    ignore_value: int | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
) -> CaseSet:
    """Match images and masks by name; sub-folders and suffixes such as ``_mask`` are allowed.

    Args:
        images: a folder, or one folder per channel. It may be the folder of the masks as well, as
            long as these have a suffix.
        masks: a folder of label maps; a folder with one sub-folder per class; or class name ->
            folder, in the order in which a later class covers an earlier one. None = no masks.
        truth: masks known to be right, laid out in the same way; for evaluation alone.
        groups: a CSV file with the patient of each case, or ``"folder"``: images of one
            sub-folder are one patient's. None = every image is a patient of its own.
        group_column, name_column: columns of that file; None = one of the usual names.
        splits: a CSV file with the split of each case. Without it, sub-folders named train, val,
            test (directly below ``images``) tell.
        split_column: a column of that file.
        class_names: K names, the background first; with one folder per class, their order. None =
            the folders' names in alphabetical order, or names made of the values.
        label_values: the K values of the classes in label maps. None = every label map is read
            once, and its values are taken for the classes: see :func:`.values.settle_classes`.
        ignore_value: the value of pixels that nobody has labelled.
        progress: shows the reading of values.
        workers: threads; None = one per core, at most 8.

    Returns:
        The cases in the order of their names. Images without a mask, masks without an image and
        the like are in its ``findings``.

    Raises:
        DataError: no files, or masks whose values can't be classes.
        ConfigError: options that contradict each other, or a column that there is not.
    """
    folders = [images] if isinstance(images, Path | str) else list(images)
    if not folders:
        raise ConfigError(
            "no folder of images", expected="a folder", found="none", fix="name one with --images"
        )
    source = str(folders[0])
    first = Path(folders[0])
    entries = list_entries(first)
    mask_entries: list[Entry] | None = None
    if isinstance(masks, Path | str) and Path(masks).resolve() == first.resolve():
        entries, mask_entries = separate_masks(entries)
    findings: list[Problem] = []
    files = _all_channels(entries, folders, findings)
    names = case_names(entries)
    plans: list[tuple[MaskFolders, list[MaskFiles | None]] | None] = []
    for given, own, word in ((masks, mask_entries, "mask"), (truth, None, "true mask")):
        if given is None:
            plans.append(None)
            continue
        plan = plan_masks(given, entries, class_names, own)
        plans.append((plan, find_masks(plan, entries, names, word, findings)))
    by_class = [plan[0].class_names for plan in plans if plan and plan[0].class_names]
    if by_class and len(by_class) < sum(plan is not None for plan in plans):
        raise ConfigError(
            "masks and true masks are laid out differently",
            expected="both as label maps, or both with one folder per class",
            found="one of each",
            fix="bring them into the same layout",
        )
    if by_class and any(names_ != by_class[0] for names_ in by_class):
        raise ConfigError(
            "masks and true masks have different classes",
            expected=examples(by_class[0], 12),
            found=examples(by_class[-1], 12),
            fix="name the folders of both alike",
        )
    given_masks = [plan[1] for plan in plans if plan]
    if by_class:
        settled = ("background", *by_class[0]), tuple(range(len(by_class[0]) + 1))
    else:
        settled = _classes(given_masks, class_names, label_values, ignore_value, progress, workers)
    case_groups = _groups(groups, name_column, group_column, names, entries, findings)
    case_splits = _splits(splits, name_column, split_column, names, entries)
    of_case = [plan[1] if plan else [None] * len(entries) for plan in plans]
    cases = [
        Case(name, case_groups[i], files[i], of_case[0][i], of_case[1][i], case_splits[i])
        for i, name in enumerate(names)
    ]
    return CaseSet(
        tuple(sorted(cases, key=lambda case: case.name)),
        *settled,
        ignore_value,
        "class_files" if by_class else "label_map",
        source=source,
        findings=Report(findings),
    )


def _all_channels(
    entries: Sequence[Entry], folders: Sequence[Folder], findings: list[Problem]
) -> list[tuple[Path, ...]]:
    """The files of each image, one per folder of a channel."""
    files: list[tuple[Path, ...]] = [(entry.path,) for entry in entries]
    for folder in folders[1:]:
        matched = match(entries, list_entries(Path(folder)))
        lacking = [entry.key for i, entry in enumerate(entries) if i not in matched.files]
        if lacking:
            findings.append(
                Problem(
                    "stop",
                    f"{counted(len(lacking), 'image')} without a file in {folder}",
                    expected="a file per image in the folder of each channel",
                    found=examples(lacking),
                    fix="add the files, or take these images out of the other folders",
                )
            )
        files = [
            (*some, matched.files[i]) if i in matched.files else some
            for i, some in enumerate(files)
        ]
    return files


def _classes(
    masks: Sequence[Sequence[MaskFiles | None]],
    class_names: Sequence[str] | None,
    label_values: Sequence[int] | None,
    ignore_value: int | None,
    progress: Progress | None,
    workers: int | None,
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    if label_values is not None:
        numbers = tuple(int(value) for value in label_values)
        if class_names is not None:
            return tuple(class_names), numbers
        if len(numbers) == 2:
            return ("background", "foreground"), numbers
        return ("background", *(f"class_{value}" for value in numbers[1:])), numbers
    if not masks:
        names = tuple(class_names or ("background", "foreground"))
        return names, tuple(range(len(names)))
    paths = [path for some in masks for files in some if files for path in files.paths]
    return settle_classes(
        find_values(paths, progress=progress, workers=workers), class_names, ignore_value
    )


def _groups(
    groups: Folder | None,
    name_column: str | None,
    group_column: str | None,
    names: Sequence[str],
    entries: Sequence[Entry],
    findings: list[Problem],
) -> list[str]:
    if groups is None:
        return list(names)
    if str(groups) == "folder":
        return [entry.parent or name for name, entry in zip(names, entries, strict=True)]
    found = look_up(read_groups(Path(groups), name_column, group_column), names, entries)
    lacking = [name for name, group in zip(names, found, strict=True) if not group]
    if lacking:
        findings.append(
            Problem(
                "warn" if len(lacking) < len(names) else "stop",
                f"{groups} names no group for {counted(len(lacking), 'case')} of {len(names):,}",
                expected="the patient of each case",
                found=examples(lacking),
                fix="complete the file; each of them counts as a patient of its own"
                if len(lacking) < len(names)
                else "name the columns with --name-column and --group-column",
            )
        )
    return [group or name for name, group in zip(names, found, strict=True)]


def _splits(
    splits: Folder | None,
    name_column: str | None,
    split_column: str | None,
    names: Sequence[str],
    entries: Sequence[Entry],
) -> list[str | None]:
    if splits is not None:
        cells = read_splits(Path(splits), name_column, split_column)
        return [cell or None for cell in look_up(cells, names, entries)]
    told = [split_of(entry.parent.split("/")[0]) for entry in entries]
    return list(told) if all(told) else [None] * len(entries)
