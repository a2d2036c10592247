"""Masks with probabilities, as ``segment errors`` takes them: from folders, or from a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mixednoise.data.report import counted, examples
from mixednoise.errors import DataError, RunError
from mixednoise.progress import Progress
from mixednoise.segmentation.calibrated_source import calibrated, calibrated_by
from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.cases import read_cases, read_image, read_mask, write_like
from mixednoise.segmentation.cases.apart import folders_of
from mixednoise.segmentation.cases.writing import template_ending
from mixednoise.segmentation.confident import FolderSource, ProbabilitySource
from mixednoise.segmentation.labels import Mask
from mixednoise.segmentation.pipeline import reopen
from mixednoise.segmentation.stages.judged import JudgedSource, run_calibrated_by
from mixednoise.segmentation.stages.judging import error_settings, fit_calibrations


@dataclass(frozen=True)
class Judged:
    """Masks with probabilities, and what else is known of them.

    Attributes:
        source: masks and probabilities, calibrated.
        plain: the same, not calibrated.
        calibrate: what was fitted.
        title: of the report.
        class_names: None = the indices.
        writer: ``(folder, name, map)`` writes a map as its mask is stored; None = PNG and npy.
        endings: of the maps, by name; () = PNG or npy.
        image: name -> image (C, *S), None where there is none.
        truth: name -> true mask; the names that have one.
        folders: of the files that are read.
        settings: of the search, where nothing else is asked for.
    """

    source: ProbabilitySource
    plain: ProbabilitySource
    calibrate: Calibrate
    title: str
    class_names: tuple[str, ...] | None
    writer: Callable[[Path, str, Mask], None] | None = None
    endings: Mapping[str, str] = field(default_factory=dict)
    image: Callable[[str], Any] | None = None
    truth: Mapping[str, Callable[[], Mask]] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)


def judged_folders(
    masks: Path,
    probabilities: Path,
    *,
    images: Path | None = None,
    truth: Path | None = None,
    class_names: list[str] | None = None,
    ignore_value: int | None = None,
    calibrate: Calibrate = "none",
    progress: Progress,
) -> Judged:
    """Masks and probabilities of the same names, see :class:`.confident.FolderSource`.

    Args:
        masks: ``NAME.png`` or ``NAME.npy``.
        probabilities: ``NAME.npy`` or ``NAME.npz``.
        images: for pictures in the report.
        truth: masks known to be right, for figures.
        class_names: K names.
        ignore_value: mask value of pixels to leave out.
        calibrate: what is fitted to the probabilities.
        progress: warnings go there.

    Raises:
        DataError: shapes or names that don't fit, folders without files.
    """
    source = FolderSource(masks, probabilities, ignore_label=ignore_value)
    known: dict[str, Callable[[], Mask]] = {}
    if truth is not None:
        # Read as the masks are: 0 and 255 mean the same in both.
        true = FolderSource(truth, probabilities, ignore_label=ignore_value)
        place = {name: row for row, name in enumerate(true.names)}
        known = {n: _reader(true, place[n]) for n in source.names if n in place}
        if not known:
            raise DataError(
                "no true mask belongs to a mask",
                expected="files of the same name in both folders",
                found=f"masks {examples(source.names)}; true masks {examples(true.names)}",
                fix="rename the files, or leave --truth away",
            )
        if len(known) < len(source):
            some = counted(len(source) - len(known), "mask")
            progress.warning(f"left out of the figures: {some} without a true mask")
    image = None
    if images is not None:
        cases = read_cases(images)
        pictures = {case.name: case for case in cases.cases}
        lacking = [name for name in source.names if name not in pictures]
        if lacking:
            progress.warning(f"no image for {examples(lacking)}: no picture in the report")

        def image(name: str) -> Any:
            return read_image(pictures[name]).array if name in pictures else None

    fitted = calibrated(source, calibrate, progress)
    return Judged(
        fitted,
        source,
        calibrated_by(fitted),
        f"Masks of {masks}",
        None if class_names is None else tuple(class_names),
        image=image,
        truth=known,
        folders=tuple(path for path in (masks, probabilities, images, truth) if path is not None),
    )


def judged_run(run: Path, *, calibrate: Calibrate | None = None, progress: Progress) -> Judged:
    """The masks of a run, with what teachers that never saw them say.

    Args:
        run: its folder.
        calibrate: what is fitted to each teacher's probabilities; None = as in the run.
        progress: messages go there.

    Raises:
        RunError: no such run, or its masks were not judged yet.
        DataError: its images have moved.
    """
    stage = reopen(run, progress=progress)
    cases = stage.prepared.cases
    files = [stage.probabilities / f"{cases.names[row]}.npy" for row in stage.train]
    there = sum(file.exists() for file in files)
    if stage.folds is None or there < len(files):
        raise RunError(
            f"{run} holds no judgement of its masks",
            expected="a run of method confident that got past its teachers",
            found=f"method {stage.config.method}, probabilities of {there} of {len(files)} masks",
            fix="go on with the same `mixednoise segment train` command and --resume",
        )
    by_name = {case.name: case for case in cases.cases}
    anew = None if calibrate is None else fit_calibrations(stage, calibrate)
    source = JudgedSource(stage, anew)

    def true(name: str) -> Callable[[], Mask]:
        return lambda: read_mask(cases, by_name[name], "truth")

    def writer(folder: Path, name: str, picture: Mask) -> None:
        write_like(cases, by_name[name], picture > 0, folder / name)

    return Judged(
        source,
        JudgedSource(stage, {}),
        run_calibrated_by(stage, anew),
        f"Masks of {cases.source}",
        cases.class_names,
        writer=writer,
        endings={name: template_ending(by_name[name]) for name in source.names},
        image=lambda name: read_image(by_name[name]).array,
        truth={name: true(name) for name in source.names if by_name[name].truth is not None},
        folders=folders_of(cases),
        settings=error_settings(stage).model_dump(),
    )


def _reader(source: FolderSource, row: int) -> Callable[[], Mask]:
    return lambda: source.read(row)[0]
