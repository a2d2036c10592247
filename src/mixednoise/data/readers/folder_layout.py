"""A folder per class, optionally below a folder per split."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

from mixednoise.data.image_files import IMAGE_SUFFIXES, images_below, is_image
from mixednoise.data.readers.assemble import assemble
from mixednoise.data.readers.options import ReadOptions
from mixednoise.data.readers.raw_rows import RawRows
from mixednoise.data.readers.split_names import split_of
from mixednoise.data.report import counted, examples
from mixednoise.data.table import Dataset
from mixednoise.errors import DataError

_LOOSE = "beside the class folders, so without a label"


def read_folders(root: Path, options: ReadOptions) -> Dataset:
    """Read ``root/CLASS/**/image`` or ``root/SPLIT/CLASS/**/image``.

    Ids are paths relative to ``root``, with forward slashes. Hidden files and folders, and files
    that are not images, are passed over; images beside the class folders are set aside.

    Raises:
        DataError: no class folders, no images, folders of runs, or split folders mixed with class
            folders.
    """
    options.refuse_columns("a folder per class")
    root = root.absolute()
    folders = sub_folders(root)
    if not folders:
        raise _no_class_folders(root)
    splits = [split_of(folder.name) for folder in folders]
    if any(splits) and not all(splits):
        mixed = [f.name for f, split in zip(folders, splits, strict=True) if split is None]
        raise DataError(
            f"{root} mixes folders of splits with other folders",
            expected="class folders only, or train, val and test folders only",
            found=", ".join(folder.name for folder in folders),
            fix=f"move {examples(mixed)} away",
        )
    class_folders = [
        (folder, split)
        for top, split in zip(folders, splits, strict=True)
        for folder in (sub_folders(top) if split else [top])
    ]
    if not class_folders:
        raise _no_class_folders(folders[0])
    results = [folder.name for folder, _ in class_folders if _is_result(folder)]
    if results:
        raise DataError(
            f"{root} holds results of mixednoise, not classes",
            expected="one folder of images per class, or a CSV with image and label columns",
            found=f"runs or audits: {examples(results)}",
            fix=f"name one of them, such as {root / results[0]}, where a run is asked for; or the "
            "data set itself",
        )
    found = [
        (path, folder.name, split)
        for folder, split in class_folders
        for path in images_below(folder)
    ]
    if not found:
        raise DataError(
            f"the folders in {root} hold no images",
            expected=f"files that end in {', '.join(IMAGE_SUFFIXES)}",
            found=_what_is_there(root),
            fix="give the folder that holds one folder of images per class",
        )
    loose = _loose_images(root, folders if any(splits) else [])
    reasons = [""] * len(found) + [_LOOSE] * len(loose)
    found += [(path, "", split_of(Path(path).parent.name)) for path in loose]
    ids = [path[len(str(root)) + 1 :].replace(os.sep, "/") for path, _, _ in found]
    raw = RawRows(
        source=root,
        ids=ids,
        labels=[label for _, label, _ in found],
        where=lambda row: ids[row],
        paths=[path for path, _, _ in found],
        reasons=reasons,
        split=[split or "" for _, _, split in found] if any(splits) else None,
        classes=tuple(dict.fromkeys(folder.name.strip() for folder, _ in class_folders)),
        label_of="the folder names",
    )
    return assemble(raw, options)


def _loose_images(root: Path, splits: list[Path]) -> list[str]:
    """Images that lie where the class folders do, and so in none of them."""
    return [
        str(path)
        for folder in (root, *splits)
        for path in sorted(folder.iterdir())
        if is_image(path.name) and not path.name.startswith(".") and path.is_file()
    ]


def _is_result(folder: Path) -> bool:
    """Whether a folder is a run or an audit, whose pictures are no data."""
    if (folder / "audit.json").is_file():
        return True
    beside = ("samples.csv", "history.csv", "folds.csv")
    return (folder / "config.yaml").is_file() and any((folder / n).is_file() for n in beside)


def sub_folders(folder: Path) -> list[Path]:
    """The visible folders in a folder, sorted by name."""
    with os.scandir(folder) as entries:
        names = [
            entry.name
            for entry in entries
            if entry.is_dir() and not entry.name.startswith((".", "__"))
        ]
    return [folder / name for name in sorted(names)]


def _no_class_folders(folder: Path) -> DataError:
    names = [entry.name for entry in folder.iterdir()]
    images = sum(map(is_image, names))
    if not names:
        problem, found = f"{folder} is empty", "nothing"
    elif images:
        problem = f"{folder} holds images but no class folders"
        found = f"{counted(images, 'image')} directly in it"
    else:
        problem, found = f"{folder} holds no class folders", _what_is_there(folder)
    return DataError(
        problem,
        expected="one folder of images per class, or a CSV with image and label columns",
        found=found,
        fix="sort the images into a folder per class, or give the CSV that holds their labels",
    )


def _what_is_there(root: Path) -> str:
    """The kinds of files below a folder, the most frequent first."""
    kinds = Counter(
        Path(name).suffix.lower() or "no suffix" for _, _, names in os.walk(root) for name in names
    )
    if not kinds:
        return "no files at all"
    return "files of other kinds: " + ", ".join(f"{n:,} {kind}" for kind, n in kinds.most_common(5))
