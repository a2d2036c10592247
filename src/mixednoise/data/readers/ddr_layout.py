"""DDR (Li et al. 2019): ``train.txt``, ``valid.txt``, ``test.txt`` with lines ``name.jpg grade``.

Grade 5 is no disease: the image could not be graded.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mixednoise.data.class_names import canonical
from mixednoise.data.image_files import find_images, is_image
from mixednoise.data.readers.assemble import assemble
from mixednoise.data.readers.options import ReadOptions
from mixednoise.data.readers.presets import DR_GRADES
from mixednoise.data.readers.raw_rows import RawRows
from mixednoise.data.readers.split_names import split_of_file
from mixednoise.data.readers.table_file import read_text
from mixednoise.data.report import counted
from mixednoise.data.table import Dataset, Split
from mixednoise.errors import DataError

UNGRADABLE = "5"
_REASON = "ungradable"


def ddr_files(folder: Path) -> list[Path]:
    """The lists of a DDR folder: train, then val, then test; empty where it is none."""
    by_split: dict[Split | None, Path] = {}
    for path in sorted(folder.glob("*.txt")):
        by_split.setdefault(split_of_file(path.stem), path)
    splits: tuple[Split, ...] = ("train", "val", "test")
    return [by_split[split] for split in splits if split in by_split]


def looks_like_ddr(path: Path) -> bool:
    """Whether a text file begins like one of DDR's lists: an image name and a grade from 0 to 5."""
    with path.open("rb") as file:
        words = file.readline(1000).decode("utf-8", "replace").rsplit(None, 1)
    return len(words) == 2 and is_image(words[0]) and words[1] in (*DR_GRADES, UNGRADABLE)


def read_ddr(source: Path, files: Sequence[Path], options: ReadOptions) -> Dataset:
    """Read DDR's lists; images lie beside them, in a folder of the split's name, or in images/.

    With ``ungradable="set_aside"`` images of grade 5 are set aside. With ``"random_label"`` those
    of the training split become the mislabeled, low-quality images of the QMix protocol: each gets
    a label drawn uniformly from the grades, ``noise_group`` ``mis_l`` and no ``true_label``, while
    the grades of all other images are taken for the truth. Validation and test never hold them.

    Raises:
        DataError: no lists, a line that is not ``name grade``, or any of the problems of
            :func:`mixednoise.data.readers.read_dataset`.
    """
    options.refuse_columns("the text files of DDR")
    if not files:
        raise DataError(
            f"{source} does not look like DDR",
            expected="train.txt, valid.txt and test.txt with a line per image: name.jpg grade",
            found="none of them",
            fix="give the folder that holds these files",
        )
    ids: list[str] = []
    labels: list[str] = []
    splits: list[str] = []
    places: list[str] = []
    paths: list[str] = []
    reasons: list[str] = []
    looked_in: list[Path] = []
    for path in files:
        names, grades, lines = _read_list(path)
        home = path.absolute().parent
        folders = [home / path.stem, home, home / "images", home / path.stem / "images"]
        found, missing = find_images(names, folders, options.image_root)
        ids += names
        labels += grades
        splits += [split_of_file(path.stem) or ""] * len(names)
        places += [f"{path.name}, line {line}" for line in lines]
        paths += found
        reasons += missing
        looked_in += [folder for folder in folders if folder.is_dir()]
    ungradable = [canonical(label) == UNGRADABLE for label in labels]
    raw = RawRows(
        source=source,
        ids=ids,
        labels=labels,
        where=places.__getitem__,
        paths=paths,
        reasons=reasons,
        split=splits,
        quality=[_REASON if bad else "" for bad in ungradable],
        allowed=DR_GRADES,
        label_of="the grades",
        looked_in=looked_in + ([options.image_root] if options.image_root else []),
        ordinal=True,
    )
    _treat_ungradable(raw, ungradable, options)
    return assemble(raw, options)


def _treat_ungradable(raw: RawRows, ungradable: Sequence[bool], options: ReadOptions) -> None:
    """Set images without a grade aside, or label those of the training split by chance."""
    grades = sorted(
        {canonical(g) for g, bad in zip(raw.labels, ungradable, strict=True) if not bad}
    )
    names = options.class_names or tuple(grade for grade in grades if grade in DR_GRADES)
    rng = np.random.default_rng(options.seed)
    label_by_chance = options.ungradable == "random_label" and len(names) > 0
    if label_by_chance:
        raw.true_label = list(raw.labels)
        raw.noise_group = ["correct"] * len(raw.labels)
    for row in np.flatnonzero(ungradable):
        if label_by_chance and raw.split is not None and raw.split[row] == "train":
            raw.labels[row] = names[rng.integers(len(names))]
            if raw.true_label is not None and raw.noise_group is not None:
                raw.true_label[row], raw.noise_group[row] = "", "mis_l"
        else:
            raw.reasons[row] = _REASON
            raw.labels[row] = ""
            if raw.true_label is not None:
                raw.true_label[row] = ""


def _read_list(path: Path) -> tuple[list[str], list[str], list[int]]:
    """Names, grades and line numbers of one list."""
    names, grades, numbers, bad = [], [], [], []
    for number, line in enumerate(read_text(path).splitlines(), 1):
        if not line.strip():
            continue
        parts = line.rsplit(None, 1)
        if len(parts) != 2:
            bad.append(number)
            continue
        names.append(parts[0].strip())
        grades.append(parts[1])
        numbers.append(number)
    if bad:
        raise DataError(
            f"{path} has {counted(len(bad), 'line')} that can't be read",
            expected="name.jpg grade",
            found=f"one word in line {bad[0]}",
            fix="correct the line",
        )
    if not names:
        raise DataError(
            f"{path} is empty",
            expected="a line per image: name.jpg grade",
            found="no line with text in it",
            fix="copy it again",
        )
    return names, grades, numbers
