"""Segment images into a folder of masks, block by block: memory does not grow with their number."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.report import examples
from mixednoise.errors import DataError, RunError
from mixednoise.io import write_csv
from mixednoise.jobs.segment_model import Segmented, TrainedSegmenter
from mixednoise.noise.result_folder import check_target, new_result
from mixednoise.progress import Progress
from mixednoise.segmentation.cases import Case, CaseSet, read_cases
from mixednoise.segmentation.cases.apart import must_be_apart
from mixednoise.segmentation.cases.folders import Entry, case_names, list_entries
from mixednoise.segmentation.cases.formats import ENDINGS, NIFTI_ENDINGS, ending_of, split_ending
from mixednoise.segmentation.cases.writing import encode, to_stored, write_bytes
from mixednoise.segmentation.labels import Mask

MASKS, PROBABILITIES = "masks", "probabilities"
UNREADABLE, TABLE = "unreadable.csv", "predictions.csv"
#: nnU-Net's name of the file of one channel.
_CHANNEL = re.compile(r"(.+)_(\d{4})$")


def predict_masks(
    run: Path,
    images: Sequence[Path],
    out: Path,
    *,
    weights: str = "last",
    probabilities: bool = False,
    device: str = "auto",
    overwrite: bool = False,
    progress: Progress,
) -> dict[str, Any]:
    """Write ``masks/NAME``, ``predictions.csv`` and, where there are any, ``unreadable.csv``.

    Masks have the values and the format of the masks of training; those of NIfTI images are NIfTI
    with the image's affine. Where training had a folder per class, there is one per class here.

    Args:
        run: run folder.
        images: folders (searched below) or files, one per channel.
        out: folder to be; whole or not there.
        weights: ``last`` epoch or ``best`` on validation.
        probabilities: write ``probabilities/NAME.npy``, float16 (K, *S), too.
        device: where to compute.
        overwrite: replace an earlier result.
        progress: bars and lines.

    Returns:
        ``images, unreadable, unreadable_file, first_unreadable, seconds, images_per_second``.

    Raises:
        DataError: no image at all, or none that can be segmented; nothing is written then.
        RunError: no finished run, or a result that is there already.
        TrainingError: the disk is full; nothing is left.
    """
    must_be_apart(out, filter(Path.is_dir, images))
    # What an earlier result had and this one has not must not stay beside it.
    second = probabilities or (out / PROBABILITIES).exists()
    written = [MASKS, *([PROBABILITIES] if second else []), UNREADABLE, TABLE]
    check_target(out, [MASKS, PROBABILITIES, UNREADABLE, TABLE], overwrite=overwrite, sources=[])
    _must_be_a_prediction(out)
    model = TrainedSegmenter(run, [weights], device=device)
    cases = list_images(images, model.cases)
    start, rows, failures = time.perf_counter(), list[dict[str, Any]](), list[tuple[str, str]]()
    with new_result(out, written) as work:
        for name in written[:-2]:
            (work / name).mkdir()
        for one in model.segment(cases, progress):
            if one.picture is None:
                failures.append((one.case.name, one.reason))
                continue
            values = one.probabilities[weights]
            mask = values.argmax(axis=0).astype(np.uint8)
            for path, data in encoded_masks(model.cases, one, mask):
                write_bytes(work / MASKS / path, data)
            if probabilities:
                data = encode(values.astype(np.float16), ".npy")
                write_bytes(work / PROBABILITIES / f"{one.case.name}.npy", data)
            counts = np.bincount(mask.ravel(), minlength=len(values)).tolist()
            rows.append(
                {
                    "name": one.case.name,
                    "image": str(one.case.images[0]),
                    "confidence": round(float(values.max(axis=0).mean()), 6),
                    **{
                        f"pixels_{name}": count
                        for name, count in zip(model.cases.class_names, counts, strict=True)
                    },
                }
            )
        if not rows:
            raise DataError(
                f"none of the images in {examples(images)} can be segmented",
                expected="images as in training: " + ", ".join(ENDINGS),
                found=examples(f"{name}: {reason}" for name, reason in failures),
                fix="check the folder, and that it is the right run",
            )
        write_csv(work / UNREADABLE, pd.DataFrame(failures, columns=["name", "reason"]))
        write_csv(work / TABLE, pd.DataFrame(rows))
    seconds = time.perf_counter() - start
    return {
        "images": len(rows),
        "unreadable": len(failures),
        "unreadable_file": str(out / UNREADABLE) if failures else None,
        "first_unreadable": ": ".join(failures[0]) if failures else None,
        "seconds": round(seconds, 3),
        "images_per_second": round(len(cases) / max(seconds, 1e-9), 1),
    }


def _must_be_a_prediction(out: Path) -> None:
    """Refuse to replace masks that somebody has drawn: `masks/` is what many call theirs.

    Raises:
        RunError: what is there is no earlier result, or more than that.
    """
    if not (out / TABLE).exists():
        return
    try:
        table = pd.read_csv(out / TABLE, dtype=str, keep_default_na=False)
        names = {Path(name).name for name in table["name"]}
    except (ValueError, KeyError, OSError) as error:
        raise _not_ours(out, f"a {TABLE} that is none of this command") from error
    for folder in (MASKS, PROBABILITIES):
        for file in sorted((out / folder).rglob("*")):
            if file.is_file() and split_ending(file.name)[0] not in names:
                raise _not_ours(out, f"{file.relative_to(out)}, of which {TABLE} does not tell")


def _not_ours(out: Path, found: str) -> RunError:
    return RunError(
        f"{out} holds something that is not a result of this command",
        expected=f"an earlier result, every mask of which stands in its {TABLE}",
        found=found,
        fix="choose another --out, or move it away",
    )


def list_images(images: Sequence[Path], trained: CaseSet) -> list[Case]:
    """The images that a user points at, as cases without masks.

    Args:
        images: folders or files, one per channel.
        trained: cases of training; where they came from nnU-Net, files of one folder that end in
            the number of a channel are put together.

    Raises:
        DataError: no image, two of the same name, or one without all its channels.
    """
    if any(path.is_file() for path in images):
        unknown = [path for path in images if not ending_of(path)]
        if unknown:
            raise DataError(
                f"{unknown[0]} is no image",
                expected="a file ending in " + ", ".join(ENDINGS) + ", or a folder of such files",
                found=unknown[0].suffix or "no ending" if unknown[0].is_file() else "no file",
                fix="correct the path",
            )
        name = split_ending(images[0].name)[0]
        return [Case(name, name, tuple(images))]
    entries = list_entries(images[0]) if len(images) == 1 else []
    if entries and trained.layout == "nnunet" and all(_CHANNEL.match(e.stem) for e in entries):
        return _by_channel(entries, max(1, len(trained.channel_names)))
    found = read_cases(images)
    found.findings.raise_if_stopped()
    twice = [name for name in found.names if found.names.count(name) > 1]
    if twice:
        raise DataError(
            "two images have the same name",
            expected="a different name for each image, its ending aside",
            found=examples(dict.fromkeys(twice)),
            fix="rename them, or segment them one after the other",
        )
    return list(found.cases)


def _by_channel(entries: Sequence[Entry], channels: int) -> list[Case]:
    """``NAME_0000``, ``NAME_0001``, ... of one folder as one image each."""
    files: dict[str, list[Entry]] = {}
    for entry, name in zip(entries, case_names(entries), strict=True):
        files.setdefault(name[: -len("_0000")], []).append(entry)
    # Colour is one file with three channels.
    wanted = 1 if all(len(parts) == 1 for parts in files.values()) else channels
    lacking = [name for name, parts in files.items() if len(parts) != wanted]
    if lacking:
        raise DataError(
            f"{len(lacking)} images without some channel",
            expected=f"{wanted} files per image, as in training",
            found=examples(f"{name}: {len(files[name])}" for name in lacking),
            fix="add the files, or take these images out",
        )
    return [Case(name, name, tuple(e.path for e in parts)) for name, parts in files.items()]


def encoded_masks(trained: CaseSet, one: Segmented, mask: Mask) -> list[tuple[Path, bytes]]:
    """Relative paths and bytes of the files of a predicted mask.

    Args:
        trained: cases of training, whose masks give format and values.
        one: the image.
        mask: class indices (*S).
    """
    image = one.case.images[0]
    ending = next((ending_of(c.mask.paths[0]) for c in trained.cases if c.mask), ".png")
    template = image if ending_of(image) in NIFTI_ENDINGS else None
    if template is not None:
        ending = ending_of(image)
    elif mask.ndim == 3 or ending in NIFTI_ENDINGS:
        ending = ".npy" if mask.ndim == 3 else ".png"
    name = one.case.name + ending
    if trained.layout != "class_files":
        return [(Path(name), encode(to_stored(trained, mask), ending, template))]
    return [
        (Path(class_name) / name, encode(to_stored(trained, mask == index), ending, template))
        for index, class_name in enumerate(trained.class_names[1:], 1)
    ]
