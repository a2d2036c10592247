"""Masks and probabilities in two folders, files of the same names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mixednoise.data.report import counted, examples
from mixednoise.errors import ConfigError
from mixednoise.jobs.judged.judged import Judged, files_origin
from mixednoise.jobs.judged.true_masks import true_masks
from mixednoise.progress import Progress
from mixednoise.segmentation.calibrated_source import calibrated, calibrated_by
from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.cases import Case, CaseSet, MaskFiles, read_cases, read_image
from mixednoise.segmentation.cases.formats import NIFTI_ENDINGS, ending_of
from mixednoise.segmentation.cases.headers import check_geometry
from mixednoise.segmentation.cases.writing import encode, write_bytes
from mixednoise.segmentation.confident import FolderSource
from mixednoise.segmentation.labels import Mask
from mixednoise.segmentation.provenance import Provenance, check_out_of_sample


def judged_folders(
    masks: Path,
    probabilities: Path,
    *,
    images: Path | None = None,
    truth: Path | None = None,
    class_names: list[str] | None = None,
    ignore_value: int | None = None,
    told: Provenance,
    calibrate: Calibrate = "none",
    progress: Progress,
) -> Judged:
    """Masks and probabilities of the same names, see :class:`.confident.FolderSource`.

    Args:
        masks: a file per mask.
        probabilities: ``NAME.npy`` or ``NAME.npz``.
        images: for pictures in the report.
        truth: masks known to be right, for figures.
        class_names: K names.
        ignore_value: mask value of pixels to leave out.
        told: what is known of the models.
        calibrate: what is fitted to the probabilities.
        progress: warnings go there.

    Raises:
        ConfigError: the value to ignore is that of a class.
        DataError: shapes or names that don't fit, folders without files, masks that don't lie on
            their images, true masks that can't be used, models that have learned from what they
            judge (:func:`.provenance.check_out_of_sample`).
    """
    source = FolderSource(masks, probabilities, ignore_label=ignore_value, judges=told.judges)
    values = dict(zip(source.names, source.files, strict=True))
    checked = check_out_of_sample(source, values, told)
    source.report += checked.report
    known: dict[str, Callable[[], Mask]] = {}
    if truth is not None:
        known = true_masks(truth, source, ignore_value, progress)
        if len(known) < len(source):
            some = counted(len(source) - len(known), "mask")
            progress.warning(f"left out of the figures: {some} without a true mask")
    image = None
    pictures: dict[str, Case] = {}
    files = dict(zip(source.names, source.masks, strict=True))

    def case(name: str) -> Case:
        own = pictures[name].images if name in pictures else ()
        return Case(name, name, own, MaskFiles(label_map=files[name]))

    if images is not None:
        pictures = {case.name: case for case in read_cases(images).cases}
        lacking = [name for name in source.names if name not in pictures]
        if lacking:
            progress.warning(f"no image for {examples(lacking)}: no picture in the report")
        check_geometry([case(name) for name in source.names], progress).raise_if_stopped()

        def image(name: str) -> Any:
            return read_image(pictures[name]).array if name in pictures else None

    if ignore_value is not None and 0 <= ignore_value < source.num_classes:
        raise ConfigError(
            "the value to ignore is that of a class",
            expected=f"another one than 0 to {source.num_classes - 1}: the probabilities have "
            f"{source.num_classes} classes",
            found=f"--ignore-value {ignore_value}",
            fix="give the value of pixels that nobody has labelled, or leave it away",
        )
    fitted = calibrated(source, calibrate, progress)
    settled = calibrated_by(fitted)
    usual = ("background", *(f"class_{value}" for value in range(1, source.num_classes)))

    def write(folder: Path, name: str, picture: Mask) -> None:
        ending = _grid(files[name]) or (".png" if picture.ndim == 2 else ".npy")
        write_bytes(folder / f"{name}{ending}", encode(picture, ending, files[name]))

    def cases() -> CaseSet:
        return CaseSet(
            tuple(map(case, source.names)),
            tuple(class_names or usual),
            source.label_values,
            ignore_value,
            source=str(masks),
        )

    return Judged(
        fitted,
        source,
        settled,
        f"Masks of {masks}",
        None if class_names is None else tuple(class_names),
        cases=cases,
        origin=files_origin(values, settled, source),
        writer=write,
        endings={name: ending for name, path in files.items() if (ending := _grid(path))},
        image=image,
        truth=known,
        folders=tuple(path for path in (masks, probabilities, images, truth) if path is not None),
        out_of_sample=checked.complete,
    )


def _grid(path: Path) -> str:
    """The ending of a file whose grid its map shall have, '' of others."""
    ending = ending_of(path)
    return ending if ending in NIFTI_ENDINGS else ""
