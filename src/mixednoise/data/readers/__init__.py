"""Readers: from the layouts that people have to one :class:`~mixednoise.data.table.Dataset`.

One module per layout (``folder_layout``, ``table_layout``, ``ddr_layout``, ``isic_layout``,
``npz_layout``); they meet in ``assemble``, which judges labels, splits and files the same way for
all of them.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mixednoise.data.readers.image_list import read_image_list
from mixednoise.data.readers.layouts import read_layout
from mixednoise.data.readers.options import MODEL, PRESETS, ReadOptions, Ungradable
from mixednoise.data.readers.remembered import remembers_reading
from mixednoise.data.table import Dataset
from mixednoise.data.take import take_images
from mixednoise.data.take import take_per_class as cap_classes

__all__ = ["PRESETS", "read_dataset", "read_for_model", "read_image_list"]


@remembers_reading
def read_dataset(
    path: str | os.PathLike[str],
    *,
    preset: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
    group_column: str | None = None,
    quality_column: str | None = None,
    weight_column: str | None = None,
    image_root: str | os.PathLike[str] | None = None,
    class_names: Sequence[str] | None = None,
    ordinal: bool | None = None,
    ungradable: Ungradable = "set_aside",
    take: int | None = None,
    take_per_class: int | None = None,
    seed: int = 0,
) -> Dataset:
    """Read a data set; opens no image.

    What ``path`` may be:

    - a folder per class, optionally below ``train``, ``val`` (``valid``, ``validation``), ``test``;
    - a CSV or TSV file with a header, or a folder that holds one (``labels.csv``) or one per split
      (``train.csv``, ``test.csv``);
    - a MedMNIST ``.npz`` file;
    - a known public data set: EyePACS (``kaggle_dr``), EyeQ (``eyeq``), DDR (``ddr``), DRTiD
      (``drtid``), HAM10000 (``ham10000``), ISIC 2019 and Task 3 of ISIC 2018 (``isic2019``),
      recognised by columns or files.

    Image values of a table are looked for beside it, in ``images/`` beside it, then under
    ``image_root``; a missing suffix is completed. Rows without a label or without an image file
    are set aside with a reason, never dropped.

    Args:
        path: file or folder.
        preset: name of a known public data set, None = recognise.
        image_column: column of the image file, None = recognise by common names, as for the others.
        label_column: column of the class.
        split_column: column that holds train, val, test.
        group_column: column of the patient (lesion, eye) that must not cross a split.
        quality_column: column of the user's own image quality.
        weight_column: column of sample weights, numbers from 0 up: a training image of weight 2 is
            learned from twice per epoch, of 0.3 in three epochs of ten, of 0 never. Only where it
            is named: a column ``weight`` of a hospital is in kilograms.
        image_root: folder below which images lie, searched last.
        class_names: the classes in order; any other label is an error. None = as
            ``corruption.json`` beside ``labels.csv`` says, else those that occur, integers by
            value, anything else by name.
        ordinal: whether the classes are grades in order. None = as ``corruption.json`` says, else
            yes for known sets of grades and for three or more consecutive integers.
        ungradable: what becomes of DDR's images of grade 5: ``set_aside``, or ``random_label``:
            those of the training split become mislabeled, low-quality images by the protocol of
            QMix (Hou et al. 2025).
        take: use about so many images, whole patients and of every split its share; None = all.
        take_per_class: use at most about so many images of every class, before ``take`` counts.
        seed: draws them, and the random labels of ``ungradable="random_label"``.

    Returns:
        The data set, its rows in the order of the source, and how it was read.

    Raises:
        DataError: the source can't be read or would spoil a result; one message holds everything
            that was found.
        ConfigError: an option can't have its value or does not go with the layout.
    """
    options = ReadOptions(
        preset=preset,
        image_column=image_column,
        label_column=label_column,
        split_column=split_column,
        group_column=group_column,
        quality_column=quality_column,
        weight_column=weight_column,
        image_root=None if image_root is None else Path(image_root).expanduser(),
        class_names=None if class_names is None else tuple(str(name) for name in class_names),
        ordinal=ordinal,
        ungradable=ungradable,
        seed=seed,
    )
    dataset = read_layout(Path(path).expanduser(), options)
    if take_per_class is not None:
        dataset = cap_classes(dataset, take_per_class, seed=seed)
    return dataset if take is None else take_images(dataset, take, seed=seed)


def read_for_model(
    path: str | os.PathLike[str],
    class_names: Sequence[str],
    *,
    preset: str | None = None,
    image_column: str | None = None,
    label_column: str | None = None,
    split_column: str | None = None,
    group_column: str | None = None,
    quality_column: str | None = None,
    image_root: str | os.PathLike[str] | None = None,
) -> Dataset:
    """:func:`read_dataset` with the classes of a trained model: a label that it doesn't know stops.

    Raises:
        DataError, ConfigError: as :func:`read_dataset`.
    """
    options = ReadOptions(
        preset=preset,
        image_column=image_column,
        label_column=label_column,
        split_column=split_column,
        group_column=group_column,
        quality_column=quality_column,
        image_root=None if image_root is None else Path(image_root).expanduser(),
        class_names=tuple(class_names),
        classes_of=MODEL,
    )
    return read_layout(Path(path).expanduser(), options)
