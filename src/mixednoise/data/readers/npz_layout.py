"""MedMNIST files (Yang et al. 2023): pixels and labels of three splits in one ``.npz``."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from mixednoise.data.readers.assemble import assemble
from mixednoise.data.readers.options import ReadOptions
from mixednoise.data.readers.raw_rows import RawRows
from mixednoise.data.table import SPLITS, Dataset
from mixednoise.errors import DataError

Array = npt.NDArray[Any]
_ORDINAL = ("retinamnist",)  # the only MedMNIST set whose classes are grades


def read_npz(path: Path, options: ReadOptions) -> Dataset:
    """Read ``train_images, train_labels, val_images, ...``; val and test may be absent.

    Images are uint8, (n, H, W) grey or (n, H, W, 3) RGB; labels are integers, (n,) or (n, 1). Grey
    becomes RGB. Ids are ``train_00012``. The pixels end up in one array of N*H*W*3 bytes; while
    reading, memory holds them twice.

    Raises:
        DataError: not an .npz file, keys missing, pickled objects inside (never loaded), or
            shapes and types other than these.
    """
    options.refuse_columns("an .npz file")
    parts = _load(path)
    total = sum(len(labels) for _, labels in parts.values())
    height, width = next(iter(parts.values()))[0].shape[1:3]
    pixels = np.empty((total, height, width, 3), np.uint8)
    ids: list[str] = []
    labels: list[str] = []
    splits: list[str] = []
    while parts:
        split = next(iter(parts))
        images, given = parts.pop(split)
        end = len(ids) + len(images)
        pixels[len(ids) : end] = images[..., None] if images.ndim == 3 else images
        ids += [f"{split}_{number:05d}" for number in range(len(images))]
        labels += [str(value) for value in given.reshape(-1).tolist()]
        splits += [split] * len(images)
    raw = RawRows(
        source=path,
        ids=ids,
        labels=labels,
        where=ids.__getitem__,
        paths=[""] * total,
        reasons=[""] * total,
        split=splits,
        label_of="the labels",
        arrays=pixels,
        ordinal=path.stem.casefold().startswith(_ORDINAL),
    )
    return assemble(_with_names(raw, options), options)


def _with_names(raw: RawRows, options: ReadOptions) -> RawRows:
    """Class codes replaced by the user's names, which are given in the order of the codes."""
    names = options.class_names
    if names is None or set(raw.labels) <= set(names):
        return raw
    code_names = {str(code): name for code, name in enumerate(names)}
    raw.labels = [code_names.get(label, label) for label in raw.labels]
    return raw


def _load(path: Path) -> dict[str, tuple[Array, Array]]:
    """Images and labels per split, checked."""
    try:
        with path.open("rb") as file:
            archive = np.load(file, allow_pickle=False)
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise _not_npz(path, "a single array")
            with archive:
                arrays = {name: archive[name] for name in _wanted(path, archive.files)}
    except DataError:
        raise
    except ValueError as error:
        if "allow_pickle" in str(error):
            raise DataError(
                f"{path} holds pickled Python objects, which are never loaded: they can run code",
                expected="arrays of numbers",
                found="an array of dtype object",
                fix="save images as uint8 and labels as integers with numpy.savez",
            ) from error
        raise _not_npz(path, str(error)) from error
    except MemoryError as error:
        raise _not_npz(path, "arrays larger than this machine's memory") from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise _not_npz(path, str(error)) from error
    if not all(isinstance(array, np.ndarray) for array in arrays.values()):
        raise _not_npz(path, "entries that are no arrays")
    parts = {
        split: (arrays[f"{split}_images"], arrays[f"{split}_labels"])
        for split in SPLITS
        if f"{split}_images" in arrays
    }
    first = parts["train"][0].shape[1:]
    for split, (images, labels) in parts.items():
        _check(path, split, images, labels, first)
    return {str(split): part for split, part in parts.items()}


def _wanted(path: Path, names: list[str]) -> list[str]:
    """Names of the arrays to read: images and labels of train, and of what else there is."""
    there = [s for s in SPLITS if s == "train" or {f"{s}_images", f"{s}_labels"} & set(names)]
    wanted = [f"{split}_{kind}" for split in there for kind in ("images", "labels")]
    lacking = [name for name in wanted if name not in names]
    if lacking:
        raise DataError(
            f"{path} lacks {', '.join(lacking)}",
            expected="train_images, train_labels, and the same for val and test",
            found=f"arrays {', '.join(sorted(names)) or 'none'}",
            fix="save the arrays under these names",
        )
    return wanted


def _not_npz(path: Path, found: str) -> DataError:
    return DataError(
        f"{path} can't be read as .npz",
        expected="a whole file as numpy.savez writes it",
        found=found,
        fix="download or save it again",
    )


def _check(path: Path, split: str, images: Array, labels: Array, first: tuple[int, ...]) -> None:
    """Shapes and types of one split."""
    shape = " x ".join(map(str, images.shape))
    if images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] not in (1, 3)):
        volumes = "; volumes (3-D MedMNIST) are not supported" if images.ndim > 3 else ""
        raise DataError(
            f"{split}_images of {path} is no stack of images",
            expected="n x height x width, or n x height x width x 3",
            found=f"{shape}{volumes}",
            fix="save the images as arrays of this shape",
        )
    if images.dtype != np.uint8:
        raise DataError(
            f"{split}_images of {path} has the wrong type of number",
            expected="uint8, 0 to 255",
            found=f"{images.dtype}",
            fix="convert the pixels to uint8 before saving",
        )
    if images.shape[1:] != first:
        raise DataError(
            f"{split}_images of {path} differs in size from train_images",
            expected=" x ".join(map(str, first)),
            found=" x ".join(map(str, images.shape[1:])),
            fix="resize the images to one size before saving",
        )
    if labels.shape not in ((len(images),), (len(images), 1)):
        many = "; several labels per image are not supported" if labels.ndim == 2 else ""
        raise DataError(
            f"{split}_labels of {path} does not fit {split}_images",
            expected=f"one label for each of the {len(images)} images",
            found=" x ".join(map(str, labels.shape))
            + (many if labels.shape[0] == len(images) else ""),
            fix="save one class number per image, as (n,) or (n, 1)",
        )
    if labels.dtype.kind not in "iub" and not (
        labels.dtype.kind == "f" and np.array_equal(labels, np.round(labels), equal_nan=True)
    ):
        raise DataError(
            f"{split}_labels of {path} are no class numbers",
            expected="whole numbers",
            found=f"{labels.dtype}, such as {labels.reshape(-1)[:1].tolist()}",
            fix="number the classes 0, 1, 2, ... before saving",
        )
