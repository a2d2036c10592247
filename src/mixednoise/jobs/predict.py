"""Predict images into a CSV, block by block: memory does not grow with the number of images."""

from __future__ import annotations

import csv
import time
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.data.readers import read_dataset, read_image_list
from mixednoise.data.report import examples
from mixednoise.data.unreadable import remedy
from mixednoise.errors import DataError
from mixednoise.io import as_text, atomic_write, must_not_exist, write_csv
from mixednoise.loading import load
from mixednoise.progress import Progress


def predict_to_csv(
    run: Path | str,
    images: Path | str,
    out: Path | str,
    *,
    weights: str = "last",
    image_column: str | None = None,
    image_root: Path | None = None,
    device: str = "auto",
    overwrite: bool = False,
    progress: Progress,
) -> dict[str, Any]:
    """Write ``id,predicted_label,entropy,p_<class>...`` for every readable image.

    Args:
        run: run folder or model file.
        images: folder (searched below), one image, file list (.txt), CSV/TSV or .npz.
        out: CSV to write; unreadable images are listed beside it in ``*.unreadable.csv``.
        weights: ``last`` epoch or ``best`` on validation.
        image_column: column with the image names, for a CSV.
        image_root: folder of the images, if not beside the list.
        device: where to compute.
        overwrite: replace an earlier result.
        progress: bars and lines.

    Returns:
        ``images, unreadable, unreadable_file, first_unreadable, seconds, images_per_second``.

    Raises:
        DataError: no image at all, or none that can be read; nothing is written then.
        RunError: no finished run, or a result that is there already.
        TrainingError: the disk is full; nothing half-written is left.
    """
    target = Path(out)
    listed = target.with_name(f"{target.stem}.unreadable.csv")
    for result in (target, listed):
        must_not_exist(result, overwrite=overwrite)
    model = load(run)
    model.config_ = model.config_.model_copy(update={"device": device})
    batches = model.image_batches(_images(Path(images), image_column, image_root))
    failures: list[tuple[str, str]] = []
    start, count = time.perf_counter(), 0
    with (
        atomic_write(target) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(
            ["id", "predicted_label", "entropy", *(f"p_{name}" for name in model.classes_)]
        )
        for block in model.predict_stream(batches, weights=weights, progress=progress):
            failures += [(as_text(name), reason) for name, reason in block.failures]
            count += len(block.names)
            for name, p, entropy in zip(
                block.names, block.probabilities, block.entropy, strict=True
            ):
                label = model.classes_[int(p.argmax())]
                writer.writerow([as_text(name), label, f"{entropy:.6f}", *(f"{v:.6f}" for v in p)])
        if not count:
            raise DataError(
                f"none of the images in {images} can be read",
                expected="whole JPEG, PNG, TIFF, BMP or DICOM files",
                found=examples(f"{name}: {reason}" for name, reason in failures),
                fix=remedy(
                    (reason for _, reason in failures),
                    "correct the path, or the folder of the images by --image-root",
                ),
            )
    if failures:
        write_csv(listed, pd.DataFrame(failures, columns=["id", "reason"]))
    elif overwrite:
        listed.unlink(missing_ok=True)
    seconds = time.perf_counter() - start
    return {
        "images": count,
        "unreadable": len(failures),
        "unreadable_file": str(listed) if failures else None,
        "first_unreadable": ": ".join(failures[0]) if failures else None,
        "seconds": round(seconds, 3),
        "images_per_second": round((count + len(failures)) / max(seconds, 1e-9), 1),
    }


def _images(path: Path, image_column: str | None, image_root: Path | None) -> Any:
    """What the user points at, as something that can be decoded."""
    if path.suffix.lower() == ".npz":
        return read_dataset(path)
    if path.is_file() and path.suffix.lower() in (".csv", ".tsv", ".txt"):
        return read_image_list(path, image_column=image_column, image_root=image_root)
    return path
