"""Error maps, their summary and the ranking of the masks, written into a folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd

from mixednoise.data.report import Report
from mixednoise.errors import DataError
from mixednoise.io import write_csv, write_json
from mixednoise.noise.result_folder import check_target, new_result
from mixednoise.progress import Progress, Silent
from mixednoise.segmentation.components import component_table
from mixednoise.segmentation.error_settings import ErrorSettings
from mixednoise.segmentation.estimate import Estimate
from mixednoise.segmentation.estimation import estimate
from mixednoise.segmentation.image_errors import ImageErrors, iter_errors
from mixednoise.segmentation.labels import Mask
from mixednoise.segmentation.sources import ProbabilitySource
from mixednoise.version import __version__

#: Value of a suspected pixel in a map on disk; all others are 0.
SUSPECTED = 255
TABLE, COMPONENTS, SUMMARY = "images.csv", "components.csv", "summary.json"

Writer = Callable[[str, Mask], None]


@dataclass(frozen=True)
class Summary:
    """What was written.

    Attributes:
        out: the folder.
        estimate: joint, thresholds, error rates.
        flagged_pixels: of all images.
        flagged_per_class: (K,) of them per given class.
        images_flagged: images with at least one flagged pixel.
        worst: up to ten names, the lowest quality first.
        notices: what was noticed on the way, one sentence each; warnings among them were shown.
        disagreeing_share: labelled pixels with another class than the most probable one.
    """

    out: Path
    estimate: Estimate
    flagged_pixels: int
    flagged_per_class: np.ndarray[Any, np.dtype[np.int64]]
    images_flagged: int
    worst: tuple[str, ...]
    notices: tuple[str, ...]
    disagreeing_share: float

    @property
    def images(self) -> int:
        """Images searched."""
        return self.estimate.images

    @property
    def flagged_share(self) -> float:
        """Flagged pixels as a share of the labelled ones."""
        return self.flagged_pixels / self.estimate.pixels

    def to_json(self, class_names: Sequence[str] | None = None) -> dict[str, Any]:
        """What ``summary.json`` holds: the estimate, and what was flagged."""
        names = list(class_names or map(str, range(len(self.flagged_per_class))))
        return {
            "version": __version__,
            "class_names": names,
            **self.estimate.to_json(),
            "flagged_pixels": self.flagged_pixels,
            "flagged_share": self.flagged_share,
            "flagged_per_class": dict(zip(names, self.flagged_per_class.tolist(), strict=True)),
            "images_flagged": self.images_flagged,
            "worst": list(self.worst),
            "notices": list(self.notices),
        }


def write_errors(
    source: ProbabilitySource,
    out: Path | str,
    settings: ErrorSettings,
    *,
    writer: Writer | None = None,
    class_names: Sequence[str] | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Summary:
    """Search all masks and write what was found.

    Into ``out``: ``NAME.png`` per image (``NAME.npy`` for volumes) of 0 and 255 = suspected wrong;
    ``images.csv``, worst mask first; ``components.csv``, every connected component of suspected
    pixels, image by image; ``summary.json``, written last. The folder is whole or not
    there at all. What else an earlier result holds stays: maps of images that are gone, too.

    Args:
        source: masks and probabilities; read several times.
        out: folder to be.
        settings: how to search.
        writer: called with name and uint8 map (0 and 255) in place of writing ``NAME.png``: where
            and when its files appear is its own affair.
        class_names: K names for the columns of the table; None = the indices.
        overwrite: an earlier result in ``out`` may be replaced.
        progress: where bars and warnings go.

    Raises:
        RunError: ``out`` holds something already, or can't be written to.
        DataError: see :func:`~mixednoise.segmentation.estimation.estimate`; or the class names
            don't fit.
        TrainingError: the disk is full.
    """
    progress, out = progress or Silent(), Path(out)
    if class_names is not None and len(set(class_names)) != source.num_classes:
        raise DataError(
            "the class names don't fit the probabilities",
            expected=f"{source.num_classes} different names, as the probabilities have classes",
            found=", ".join(class_names),
            fix="name every class, the background too, in the order of the probabilities",
        )
    maps = [] if writer else [f"{name}{s}" for name in source.names for s in (".png", ".npy")]
    check_target(out, [*maps, COMPONENTS, TABLE, SUMMARY], overwrite=overwrite, sources=[])
    noticed = _report_of(source)
    noticed.tell(progress)
    found = estimate(source, settings, progress)
    news = Report(_report_of(source).problems[len(noticed.problems) :])
    news.tell(progress)
    notices = (noticed + news + found.report).problems
    written: list[str] = []
    # The folder as a whole is moved into place: no file in it needs a temporary name of its own.
    with new_result(out, written) as work:
        rows: list[dict[str, Any]] = []
        per_class = np.zeros(source.num_classes, np.int64)
        disagreeing = labelled = 0
        with component_table(work / COMPONENTS, class_names) as listed:
            for image in iter_errors(source, found, settings, progress, components=True):
                picture = image.flagged.astype(np.uint8) * np.uint8(SUSPECTED)
                if writer is None:
                    written.append(_write_map(work, image, picture))
                else:
                    writer(image.name, picture)
                rows.append(image.row(class_names))
                per_class += image.flagged_per_class
                disagreeing += image.disagreeing_pixels
                labelled += image.pixels
                if image.measured is not None:
                    listed.add(image.name, image.measured, image.pixels)
        table = pd.DataFrame(rows).sort_values(
            ["quality", "flagged_pixels", "name"], ascending=[True, False, True]
        )
        summary = Summary(
            out=out,
            estimate=found,
            flagged_pixels=int(per_class.sum()),
            flagged_per_class=per_class,
            images_flagged=int((table["flagged_pixels"] > 0).sum()),
            worst=tuple(table["name"].head(10)),
            notices=tuple(problem.what for problem in notices),
            disagreeing_share=disagreeing / max(labelled, 1),
        )
        write_csv(work / TABLE, table)
        write_json(work / SUMMARY, summary.to_json(class_names))
        written += [COMPONENTS, TABLE, SUMMARY]
    return summary


def _report_of(source: ProbabilitySource) -> Report:
    """What a source has noticed so far; not every source keeps a report."""
    report = getattr(source, "report", None)
    return report if isinstance(report, Report) else Report()


def _write_map(folder: Path, image: ImageErrors, picture: Mask) -> str:
    """Write one map; the folder as a whole is what is moved into place."""
    if picture.ndim == 3:
        name = f"{image.name}.npy"
        np.save(folder / name, picture)
        return name
    name = f"{image.name}.png"
    (folder / name).write_bytes(cv2.imencode(".png", picture)[1].tobytes())
    return name
