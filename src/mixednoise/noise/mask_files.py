"""Which mask files there are, and where corrupted ones can go.

Formats are those of :mod:`mixednoise.segmentation.cases`: PNG, TIFF and BMP (values as stored, a
palette's indices), ``.npy`` (H, W) or (D, H, W), and NIfTI, whose axes (X, Y, Z) become (Z, Y, X) =
(D, H, W): its slices are those of the file's third axis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mixednoise.data.report import counted, examples
from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.segmentation.cases.formats import ENDINGS, LOSSY_ENDINGS, split_ending

TABLE_FILE, SUMMARY_FILE = "corruption.csv", "corruption.json"
_MASK_ENDINGS = tuple(ending for ending in ENDINGS if ending not in LOSSY_ENDINGS)


@dataclass(frozen=True)
class MaskSet:
    """Masks that share the meaning of their values.

    Attributes:
        name: the class folder's name, or that of the folder with the masks.
        prefix: what goes before a file name in results: ``lung/`` for a class folder, else ''.
        files: sorted by name; stems are unique.
    """

    name: str
    prefix: str
    files: tuple[Path, ...]


def find_mask_sets(
    masks: Path | Sequence[Path], folders: Sequence[str] | None = None
) -> list[MaskSet]:
    """The masks of a folder or a list.

    Args:
        masks: a folder with masks, or one with a folder of masks per class, or a list of files.
        folders: of folders per class, the ones to take; None = all that hold masks.

    Raises:
        DataError: no folder, no masks in it, a class folder that there is not, two masks of a stem.
    """
    if not isinstance(masks, Path):
        files = sorted(masks, key=lambda file: file.name)
        missing = [file for file in files if not file.is_file()]
        if missing or not files:
            raise DataError(
                f"{counted(len(missing), 'mask')} not found" if missing else "there are no masks",
                expected="a list of mask files",
                found=examples(missing) or "an empty list",
                fix="correct the list",
            )
        return [_mask_set(files[0].absolute().parent.name, "", files)]
    if not masks.is_dir():
        raise DataError(
            f"there is no folder {masks}",
            expected="a folder with masks",
            found="a file" if masks.exists() else "nothing of that name",
            fix="correct --masks",
        )
    if files := _masks_in(masks):
        return [_mask_set(masks.absolute().name, "", files)]
    found = {place.name: _masks_in(place) for place in sorted(masks.iterdir()) if place.is_dir()}
    found = {name: files for name, files in found.items() if files and not name.startswith(".")}
    if not found:
        others = sorted(entry.name for entry in masks.iterdir())
        lossy = any(name.lower().endswith(LOSSY_ENDINGS) for name in others)
        raise DataError(
            f"{masks} holds no masks",
            expected=f"files ending in {', '.join(_MASK_ENDINGS)}, or a folder of them per class",
            found=examples(others) or "an empty folder",
            fix="JPEG changes the values of a mask when it compresses: export the masks as PNG"
            if lossy
            else "correct --masks",
        )
    unknown = [name for name in folders or [] if name not in found]
    if unknown:
        raise DataError(
            f"there is no folder {unknown[0]!r} with masks in {masks}",
            expected=f"one of: {', '.join(found)}",
            found=unknown[0],
            fix="correct --classes",
        )
    chosen = list(dict.fromkeys(folders)) if folders else list(found)
    return [_mask_set(name, f"{name}/", found[name]) for name in sorted(chosen)]


def check_place(out: Path, masks: Path | Sequence[Path], entries: Sequence[str]) -> None:
    """Refuse a result among its sources, noise upon noise, and a mixture with an earlier result.

    Args:
        out: the folder to be.
        masks: the folder or the files that are read.
        entries: the masks and class folders that the result will have.

    Raises:
        ConfigError: ``out`` lies in the folder of the masks.
        DataError: the masks have noise in them already.
        RunError: an earlier result in ``out`` has masks that this one would leave there.
    """
    for folder in [masks] if isinstance(masks, Path) else {file.parent for file in masks}:
        if (folder / SUMMARY_FILE).exists():
            raise DataError(
                "these masks have noise in them already",
                expected="clean masks, which can be taken for the truth",
                found=str(folder / SUMMARY_FILE),
                fix="corrupt the clean masks instead; that file names their folder",
            )
    place = out.resolve()
    if isinstance(masks, Path) and masks.resolve() in (place, *place.parents):
        raise ConfigError(
            f"{out} lies in the folder of the masks",
            expected="a folder apart from the masks, which are never changed",
            found=str(masks),
            fix="choose another --out",
        )
    if (out / TABLE_FILE).is_file():
        earlier = pd.read_csv(out / TABLE_FILE, usecols=["file"], dtype=str)["file"]
        left = sorted({file.split("/")[0] for file in earlier} - set(entries))
        if left:
            raise RunError(
                f"{out} holds a result of other masks",
                expected="a new folder, or an earlier result of the same masks",
                found=examples(left),
                fix="choose another --out, or remove that result",
            )


def _masks_in(folder: Path) -> list[Path]:
    """Visible files with the ending of a format that masks can have, sorted by name."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.name.lower().endswith(_MASK_ENDINGS)
        and not file.name.startswith(".")
        and file.is_file()
    )


def _mask_set(name: str, prefix: str, files: Sequence[Path]) -> MaskSet:
    seen: dict[str, Path] = {}
    for file in files:
        if not file.name.lower().endswith(_MASK_ENDINGS):
            raise DataError(
                f"{file} is no mask",
                expected=f"a file ending in {', '.join(_MASK_ENDINGS)}",
                found=file.name,
                fix="correct the list",
            )
        # Also where letter case does not count: results may go to such a disk.
        stem = split_ending(file.name)[0].casefold()
        if stem in seen:
            raise DataError(
                f"two masks are called {split_ending(file.name)[0]!r}",
                expected="one file per mask, with a name of its own",
                found=f"{seen[stem]} and {file}",
                fix="rename or remove one of them",
            )
        seen[stem] = file
    return MaskSet(name, prefix, tuple(files))
