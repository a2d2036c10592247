"""What is searched for errors, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.cases import Case, CaseSet, read_mask
from mixednoise.segmentation.cases.writing import encode, template_ending, write_bytes
from mixednoise.segmentation.confident import ProbabilitySource
from mixednoise.segmentation.labels import Mask
from mixednoise.segmentation.write_errors import SUSPECTED

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


def files_origin(files: Mapping[str, Path], calibrate: Calibrate) -> dict[str, Any]:
    """:attr:`Judged.origin` of files of probabilities."""
    places = {name: str(path.resolve()) for name, path in files.items()}
    return {"calibrate": calibrate, "probabilities": places}


def true_masks(cases: CaseSet, names: Sequence[str]) -> dict[str, Callable[[], Mask]]:
    """Readers of the true masks that there are."""
    by_name = {case.name: case for case in cases.cases}
    return {
        name: partial(read_mask, cases, by_name[name], "truth")
        for name in names
        if by_name[name].truth is not None
    }


def write_map(folder: Path, case: Case, picture: Mask, ending: str | None = None) -> None:
    """An error map in the format (or another one), and onto the grid, of its mask."""
    ending, template = ending or template_ending(case), case.mask.paths[0] if case.mask else None
    stored = (picture > 0).astype(np.uint8) * np.uint8(SUSPECTED)
    write_bytes(folder / f"{case.name}{ending}", encode(stored, ending, template))
