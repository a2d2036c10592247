"""What is searched for errors, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.cases import CaseSet, read_image, read_mask, write_like
from mixednoise.segmentation.cases.apart import folders_of
from mixednoise.segmentation.cases.writing import template_ending
from mixednoise.segmentation.confident import ProbabilitySource
from mixednoise.segmentation.judges import models_by_name
from mixednoise.segmentation.labels import Mask

#: Beside the maps: the cases, and where their probabilities are.
CASES, ORIGIN = "cases.json", "origin.json"


@dataclass(frozen=True)
class Judged:
    """Masks with probabilities, and what else is known of them.

    Attributes:
        source: masks and probabilities, calibrated.
        plain: the same, not calibrated.
        calibrate: what was fitted.
        title: of the report.
        class_names: None = the indices.
        cases: the cases of the masks, once all masks have been read.
        origin: how :func:`.again.judged_again` finds masks and probabilities again.
        writer: ``(folder, name, map)`` writes a map as its mask is stored; None = PNG and npy.
        endings: of the maps, by name; () = PNG or npy.
        image: name -> image (C, *S), None where there is none.
        truth: name -> true mask; the names that have one.
        folders: of the files that are read.
        settings: of the search, where nothing else is asked for.
        out_of_sample: whether it was checked that no model judges what it has learned from.
    """

    source: ProbabilitySource
    plain: ProbabilitySource
    calibrate: Calibrate
    title: str
    class_names: tuple[str, ...] | None
    cases: Callable[[], CaseSet]
    origin: Mapping[str, Any]
    writer: Callable[[Path, str, Mask], None] | None = None
    endings: Mapping[str, str] = field(default_factory=dict)
    image: Callable[[str], Any] | None = None
    truth: Mapping[str, Callable[[], Mask]] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    out_of_sample: bool = True


def files_origin(
    files: Mapping[str, Path], calibrate: Calibrate, source: ProbabilitySource
) -> dict[str, Any]:
    """:attr:`Judged.origin` of files of probabilities."""
    places = {name: str(path.resolve()) for name, path in files.items()}
    judges = models_by_name(source)
    return {"calibrate": calibrate, "probabilities": places, "judges": judges}


def judged_as(
    cases: CaseSet,
    source: ProbabilitySource,
    plain: ProbabilitySource,
    *,
    calibrate: Calibrate,
    origin: Mapping[str, Any],
    folders: tuple[Path, ...] = (),
    settings: Mapping[str, Any] | None = None,
    out_of_sample: bool = True,
) -> Judged:
    """Masks of a case set, maps in their format and on their grid.

    Args:
        cases: those of the source, at least.
        source, plain, calibrate, origin, settings, out_of_sample: as of :class:`Judged`.
        folders: that are read beside those of the cases.
    """
    by_name = {case.name: case for case in cases.cases}

    def write(folder: Path, name: str, picture: Mask) -> None:
        write_like(cases, by_name[name], picture > 0, folder / name)

    return Judged(
        source,
        plain,
        calibrate,
        f"Masks of {cases.source}",
        cases.class_names,
        cases=lambda: cases,
        origin=origin,
        writer=write,
        endings={name: template_ending(by_name[name]) for name in source.names},
        image=lambda name: read_image(by_name[name]).array if by_name[name].images else None,
        truth={
            name: partial(read_mask, cases, by_name[name], "truth")
            for name in source.names
            if by_name[name].truth is not None
        },
        folders=(*folders_of(cases), *folders),
        settings=settings or {},
        out_of_sample=out_of_sample,
    )
