"""Find the wrong pixels of masks, given probabilities, and write what was found."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.data.report import examples
from mixednoise.errors import ConfigError
from mixednoise.io import write_json
from mixednoise.jobs.judged.judged import CASES, ORIGIN, Judged
from mixednoise.methods.config import validated
from mixednoise.noise.result_folder import check_target, new_result
from mixednoise.progress import Progress
from mixednoise.segmentation.bands import band_of_source
from mixednoise.segmentation.case_file import write_cases
from mixednoise.segmentation.cases import UnreadableCaseError
from mixednoise.segmentation.cases.apart import must_be_apart
from mixednoise.segmentation.cases.masks import read_values
from mixednoise.segmentation.cases.picture import size_text
from mixednoise.segmentation.confident import ErrorSettings, write_errors
from mixednoise.segmentation.report import OverlayCase, ReportInput, overview, write_report
from mixednoise.segmentation.stages.evaluation import COMPARING, FoundErrors, identify, rule_name
from mixednoise.segmentation.write_errors import COMPONENTS, SUMMARY, TABLE

REPORT = "report.html"

#: Models that never saw the masks contradict more than this share of the pixels of so many masks.
_NO_DISAGREEMENT, _ENOUGH_MASKS = 1e-5, 20
_AGREE = (
    "probabilities agree with the masks everywhere: were they made by models that have learned "
    "from them?"
)


def find_errors(
    judged: Judged,
    out: Path,
    options: Mapping[str, Any],
    *,
    overwrite: bool = False,
    progress: Progress,
) -> dict[str, Any]:
    """Write error maps, ``images.csv``, ``components.csv``, ``report.html`` and ``summary.json``.

    Args:
        judged: masks and probabilities.
        out: folder to be; whole or not there.
        options: of :class:`~mixednoise.segmentation.confident.ErrorSettings`; those that are not
            named are those of the run; ``band`` may be ``auto`` or ``none``.
        overwrite: replace an earlier result in ``out``.
        progress: bars and lines.

    Returns:
        The content of ``summary.json``: the estimate, what was flagged, and where the truth is
        known ``identification``; ``out_of_sample`` says whether it was ``checked`` that no model
        has learned from what it judges.

    Raises:
        ConfigError: an option that can't be.
        DataError: values that are no classes or no probabilities.
        RunError: ``out`` holds something, or lies inside the data.
        TrainingError: the disk is full.
    """
    settings = _settings(judged, options, progress)
    if settings.rule == "argmax" and settings.band is not None:
        raise ConfigError(
            "plain disagreement has no thresholds that a band could change",
            expected="--band with another rule, or --rule argmax without --band",
            found=f"--rule argmax --band {settings.band:g}",
            fix="leave one of them away",
        )
    must_be_apart(out, judged.folders)
    names = judged.source.names
    unsettled = (".png", ".npy")
    usual = [
        name + ending
        for name in names
        for ending in ([judged.endings[name]] if name in judged.endings else unsettled)
    ]
    about = [COMPONENTS, TABLE, REPORT, CASES, ORIGIN, SUMMARY]
    check_target(out, [*usual, *about], overwrite=overwrite, sources=[])
    written: list[str] = []
    with new_result(out, written) as work:
        own = judged.writer
        summary = write_errors(
            judged.source,
            work,
            settings,
            writer=None if own is None else lambda name, picture: own(work, name, picture),
            class_names=judged.class_names,
            overwrite=True,
            progress=progress,
        )
        estimated = summary.estimate
        content = summary.to_json(judged.class_names)
        tables = (COMPONENTS, TABLE, SUMMARY)
        maps = {path.name: path for path in work.iterdir() if path.name not in tables}
        left = [name for name in names if name not in estimated.set_aside]
        drawn = _Drawn(judged, maps)
        name = rule_name(settings.rule, judged.calibrate, content["whole_masks"])
        if estimated.images >= _ENOUGH_MASKS and summary.disagreeing_share < _NO_DISAGREEMENT:
            progress.warning(_AGREE)
            content["notices"].append(_AGREE)
        content["out_of_sample"] = "checked" if judged.out_of_sample else "not checked"
        content["identification"] = _identification(drawn, left, name, progress)
        write_report(
            ReportInput(
                title=judged.title,
                summary=content,
                images=pd.read_csv(work / TABLE, dtype={"name": str}),
                components=overview(work / COMPONENTS),
                class_names=judged.class_names or (),
                case=drawn.case,
                identification=content["identification"] or {},
                settings=settings.model_dump() | {"calibrate": judged.calibrate},
            ),
            work / REPORT,
            progress=progress,
        )
        if drawn.without_image:
            progress.warning(f"no picture in the report for {examples(drawn.without_image)}")
        cases = judged.cases()
        write_cases(work / CASES, cases, tuple(case.split or "train" for case in cases.cases))
        write_json(work / ORIGIN, judged.origin)
        write_json(work / SUMMARY, content)
        written += [*maps, *about]
    return content


def _settings(judged: Judged, options: Mapping[str, Any], progress: Progress) -> ErrorSettings:
    merged = {**judged.settings, **options, "keep_shares": judged.calibrate == "shares"}
    if merged.get("rule") == "argmax" and "band" not in options:
        merged["band"] = None
    if merged.get("band") == "none":
        merged["band"] = None
    if merged.get("band") == "auto":
        merged["band"] = band_of_source(judged.plain)
        progress.message(f"band: {merged['band']} pixels around the boundaries")
    return validated(ErrorSettings, merged)


class _Drawn:
    """The maps that were written, with masks, proposals and images."""

    def __init__(self, judged: Judged, maps: Mapping[str, Path]) -> None:
        self.judged = judged
        self.without_image: list[str] = []
        self._maps = {_stem(name): path for name, path in maps.items()}
        self._row = {name: row for row, name in enumerate(judged.source.names)}

    def case(self, name: str) -> OverlayCase:
        """What a picture is drawn from; grey in the place of an image that doesn't fit."""
        given, probabilities = self.judged.source.read(self._row[name])
        image = None
        try:
            image = None if self.judged.image is None else self.judged.image(name)
        except UnreadableCaseError as error:
            self.without_image.append(f"{name} ({error.reason})")
        if image is not None and image.shape[1:] != given.shape:
            sizes = f"{size_text(image.shape[1:])}, the mask {size_text(given.shape)}"
            self.without_image.append(f"{name} (the image is {sizes})")
            image = None
        proposed = probabilities.argmax(axis=0).astype(np.uint8)
        return OverlayCase(image, given, self.flagged(name), proposed)

    def flagged(self, name: str) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """The error map."""
        return np.asarray(read_values(self._maps[name])[0] > 0)

    def found(self, name: str) -> FoundErrors:
        """What is known of a mask that has a true one."""
        given, probabilities = self.judged.plain.read(self._row[name])
        truth = self.judged.truth[name]()
        return FoundErrors(name, given, probabilities, truth, self.flagged(name))


def _identification(
    drawn: _Drawn, names: list[str], rule: str, progress: Progress
) -> dict[str, Any] | None:
    """How well wrong pixels were found, beside plain disagreement; None without any truth."""
    known = [name for name in names if name in drawn.judged.truth]
    if not known:
        return None
    return identify(
        (drawn.found(name) for name in progress.track(known, COMPARING)),
        rule,
    )


def _stem(name: str) -> str:
    return name.removesuffix(".gz").rsplit(".", 1)[0]
