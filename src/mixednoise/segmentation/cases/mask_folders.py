"""How a folder of masks is laid out, and the masks of each image in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mixednoise.data.readers.split_names import split_of
from mixednoise.data.report import Problem, counted, examples
from mixednoise.errors import ConfigError
from mixednoise.segmentation.cases.case import MaskFiles
from mixednoise.segmentation.cases.folders import Entry, Matched, first_folders, list_entries, match


@dataclass(frozen=True)
class MaskFolders:
    """Where masks lie.

    Attributes:
        class_names: the classes beside the background, in order; () = label maps.
        entries: the files of each of them; of label maps, one list.
    """

    class_names: tuple[str, ...]
    entries: tuple[Sequence[Entry], ...]


def plan_masks(
    given: Path | str | Mapping[str, Path | str],
    images: Sequence[Entry],
    class_names: Sequence[str] | None,
    own: Sequence[Entry] | None = None,
) -> MaskFolders:
    """Tell label maps from one sub-folder per class.

    Args:
        given: a folder, or class name -> folder.
        images: the images, whose sub-folders say that sub-folders of masks are no classes.
        class_names: names of the classes, with or without the background.
        own: the files, where they have been listed already.

    Raises:
        ConfigError: class names that are not the folders' names.
        DataError: a folder that can't be read or is empty.
    """
    if isinstance(given, Mapping):
        names = _ordered(tuple(given), class_names)
        return MaskFolders(names, tuple(list_entries(Path(given[name])) for name in names))
    entries = list_entries(Path(given)) if own is None else own
    folders = first_folders(entries)
    wanted = set(class_names or ())
    named = bool(wanted & folders)
    as_images = folders <= first_folders(images) or all(split_of(f) for f in folders)
    if own is not None or "" in folders or (as_images and not named):
        return MaskFolders((), (entries,))
    names = _ordered(tuple(sorted(folders)), class_names)
    root = Path(given)
    return MaskFolders(names, tuple(list_entries(root / name) for name in names))


def find_masks(
    plan: MaskFolders,
    images: Sequence[Entry],
    names: Sequence[str],
    word: str,
    findings: list[Problem],
) -> list[MaskFiles | None]:
    """The mask of each image; what is missing, twofold or left over is added to ``findings``."""
    matches = [
        match(images, entries, name)
        for entries, name in zip(plan.entries, plan.class_names or ("",), strict=True)
    ]
    for matched in matches:
        _report_odd(matched, names, word, findings)
    if not plan.class_names:
        return [
            MaskFiles(matches[0].files[i]) if i in matches[0].files else None
            for i in range(len(images))
        ]
    result: list[MaskFiles | None] = []
    partial = []
    for i in range(len(images)):
        there = [
            (name, matched.files[i])
            for name, matched in zip(plan.class_names, matches, strict=True)
            if i in matched.files
        ]
        result.append(MaskFiles(classes=tuple(there)) if there else None)
        if 0 < len(there) < len(matches):
            absent = set(plan.class_names) - {name for name, _ in there}
            partial.append(f"{names[i]} ({', '.join(sorted(absent))})")
    if partial:
        findings.append(
            Problem(
                "warn",
                f"{counted(len(partial), word)} without the file of some class",
                expected="a file per class, empty where the class does not occur",
                found=examples(partial),
                fix="add the files; until then, these images count as having none of the class",
            )
        )
    return result


def _report_odd(matched: Matched, names: Sequence[str], word: str, findings: list[Problem]) -> None:
    if matched.several:
        found = [
            f"{names[i]}: {', '.join(str(path) for path in paths)}"
            for i, paths in matched.several.items()
        ]
        findings.append(
            Problem(
                "stop",
                f"{counted(len(found), 'image')} with more than one {word}",
                expected=f"one {word} per image",
                found=examples(found, 3, "; "),
                fix="keep the one that counts, or give each class a folder of its own",
            )
        )
    if matched.unclaimed:
        findings.append(
            Problem(
                "warn",
                f"{counted(len(matched.unclaimed), word)} without an image",
                expected="an image of the same name",
                found=examples(path.name for path in matched.unclaimed),
                fix="not used; to use them, name image and mask alike",
            )
        )


def _ordered(folders: tuple[str, ...], class_names: Sequence[str] | None) -> tuple[str, ...]:
    if class_names is None:
        return folders
    wanted = tuple(class_names)
    if wanted and wanted[0] not in folders:  # the background has no folder
        wanted = wanted[1:]
    if not wanted or not set(wanted) <= set(folders):
        raise ConfigError(
            "class names that are no folders of masks",
            expected=examples(folders, 12),
            found=examples(class_names, 12),
            fix="name each class as its folder; later ones cover earlier ones",
        )
    return wanted
