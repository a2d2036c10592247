"""``train.lst``, ``val.lst``, ``test.lst``: published splits, an image per line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from mixednoise.data.image_files import is_image
from mixednoise.data.readers.raw_rows import RawRows
from mixednoise.data.readers.split_names import split_of
from mixednoise.data.readers.table_file import read_text
from mixednoise.data.report import Problem, counted, examples
from mixednoise.data.table import SPLITS, Split


def find_split_lists(folders: Iterable[Path]) -> dict[Split, Path]:
    """The lists in the first of the folders that holds any: train, then val, then test."""
    for folder in folders:
        by_split = {split_of(path.stem): path for path in sorted(folder.glob("*.lst"))}
        if found := {split: by_split[split] for split in SPLITS if split in by_split}:
            return found
    return {}


def with_split_lists(raw: RawRows, lists: Mapping[Split, Path], image_column: str) -> RawRows:
    """Give rows the split of the list that names their image; suffixes such as .jpg don't count.

    A row in no list is set aside: who made the lists left it out. Without a list of the training
    images it has no split yet. An image that only a list names is told among those set aside.

    Args:
        raw: N rows, without splits.
        lists: as :func:`find_split_lists` finds them.
        image_column: name of the column of images, for messages.

    Returns:
        The rows with N splits ('' = none), and with problems where a list contradicts another one
        or has nothing to do with the table.
    """
    names = [path.name for path in lists.values()]
    places: dict[str, dict[Split, str]] = {}
    for split, path in lists.items():
        for number, line in enumerate(read_text(path).splitlines(), 1):
            if name := without_suffix(line):
                places.setdefault(name, {}).setdefault(split, f"{path.name}, line {number}")
    images = [without_suffix(value) for value in raw.ids]
    known = set(images)
    unlisted = f"in none of {', '.join(names)}" if "train" in lists else ""
    rename = f"rename {' and '.join(names)} in {next(iter(lists.values())).parent}"
    return replace(
        raw,
        split=[next(iter(places.get(image, [""]))) for image in images],
        reasons=[
            unlisted if unlisted and image not in places else reason
            for image, reason in zip(images, raw.reasons, strict=True)
        ],
        nowhere=[
            (name, f"in {lists[next(iter(there))].name}, but not in the table")
            for name, there in places.items()
            if name not in known
        ],
        problems=[*raw.problems, *_problems(raw, places, known, names, rename)],
        leak_fix=f"{rename}, and splits that keep groups together are made; to use these lists "
        f"as they are, with a test that promises too much, say --group-column {image_column}: "
        "then every image is a group of its own",
    )


def _problems(
    raw: RawRows,
    places: Mapping[str, Mapping[Split, str]],
    known: set[str],
    names: list[str],
    rename: str,
) -> list[Problem]:
    """Images in two lists; lists of other images."""
    problems = []
    twice = [f"{name}: {', '.join(at.values())}" for name, at in places.items() if len(at) > 1]
    if twice:
        problems.append(
            Problem(
                "stop",
                f"{counted(len(twice), 'image')} of {raw.source} in more than one list of a split",
                expected="each image in one list",
                found=examples(twice, separator="; "),
                fix=f"keep one of these lines each; or {rename}, and splits are made",
            )
        )
    if not known & places.keys():
        problems.append(
            Problem(
                "stop",
                f"the lists {', '.join(names)} name no image of {raw.source}",
                expected=f"an image of the table per line, such as {examples(raw.ids, 1)}",
                found=examples(places, 3) if places else "no line with text in it",
                fix=f"put the lists of this data set there; or {rename}, and splits are made",
            )
        )
    return problems


def without_suffix(name: str) -> str:
    """The name of an image as lists have it: ``x`` for ``x.jpg``."""
    name = name.strip()
    return name.rpartition(".")[0] if is_image(name) else name
