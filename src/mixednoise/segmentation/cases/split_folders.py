"""Case sets from one folder per split, each with its own folders of images and masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mixednoise.data.readers.split_names import split_of
from mixednoise.data.report import Report, examples
from mixednoise.errors import DataError
from mixednoise.progress import Progress
from mixednoise.segmentation.cases.case import CaseSet
from mixednoise.segmentation.cases.folders import list_entries
from mixednoise.segmentation.cases.readers import Folder, Masks, read_cases
from mixednoise.segmentation.cases.values import find_values, settle_classes


def read_split_folders(
    root: Folder,
    *,
    images: str = "images",
    masks: str | Sequence[str] | None = "masks",
    truth: str | Sequence[str] | None = None,
    class_names: Sequence[str] | None = None,
    label_values: Sequence[int] | None = None,
    ignore_value: int | None = None,
    progress: Progress | None = None,
    workers: int | None = None,
) -> CaseSet:
    """Read ``root/SPLIT/images`` and ``root/SPLIT/masks`` for every split that has a folder.

    Args:
        root: holds folders such as ``training`` and ``validation``.
        images: the folder of the images in each of them.
        masks: the folder of the masks, or several: one per class (``("lung", "heart")``).
        truth: the same for masks known to be right.
        class_names, label_values, ignore_value, progress, workers: see :func:`read_cases`.

    Returns:
        One case set; each case knows its split.

    Raises:
        DataError: no folder is named as a split, or as :func:`read_cases`.
    """
    top = Path(root)
    places = sorted(top.iterdir()) if top.is_dir() else []
    parts = [(split_of(place.name), place) for place in places if place.is_dir()]
    found = [(split, place) for split, place in parts if split and (place / images).is_dir()]
    if not found:
        raise DataError(
            f"no folder of a split in {root}",
            expected=f"folders such as train and test, each with {images} in it",
            found=examples(place.name for place in places) or "nothing",
            fix="name the folders of images and masks themselves",
        )

    def inside(place: Path, names: str | Sequence[str] | None) -> Masks | None:
        if names is None or isinstance(names, str):
            return None if names is None else place / names
        return {name: place / name for name in names}

    # The values of the first split alone may lack a class that another one has.
    if isinstance(masks, str) and label_values is None:
        paths = [e.path for _, place in found for e in list_entries(place / masks)]
        values = find_values(paths, progress=progress, workers=workers)
        class_names, label_values = settle_classes(values, class_names, ignore_value)
    sets = []
    for split, place in found:
        part = read_cases(
            place / images,
            inside(place, masks),
            truth=inside(place, truth),
            class_names=class_names,
            label_values=label_values,
            ignore_value=ignore_value,
            progress=progress,
            workers=workers,
        )
        sets.append(replace(part, cases=tuple(replace(c, split=split) for c in part.cases)))
    problems = [problem for part in sets for problem in part.findings.problems]
    cases = sorted((case for part in sets for case in part.cases), key=lambda case: case.name)
    return replace(sets[0], cases=tuple(cases), source=str(root), findings=Report(problems))
