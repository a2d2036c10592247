"""Where probabilities come from: who judged what, and had learned from what.

A model repeats the masks that it was trained on, wrong ones too: it hardly ever contradicts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.judges import Told, models_by_name, read_rows
from mixednoise.segmentation.nnunet_folds import learned_from, seen_by_folds
from mixednoise.segmentation.sources import ProbabilitySource

_NOT_CHECKED = Problem(
    "info",
    "not checked whether the models have learned from these masks; --learned tells",
)


@dataclass(frozen=True)
class Provenance:
    """What the user says of the models.

    Attributes:
        judges: case -> model, or a CSV file with the columns name and judge; None = nothing.
        learned: a CSV file with the columns judge and name: the cases that each model was trained
            on; None = nothing.
        allow_in_sample: go on where a model judges what it has learned from.
    """

    judges: Told | None = None
    learned: Path | None = None
    allow_in_sample: bool = False


class Checked(NamedTuple):
    """What :func:`check_out_of_sample` has found.

    Attributes:
        report: a warning where models judge what they have learned from; a note where nothing
            tells.
        complete: whether it is known of every judge what it has learned from.
    """

    report: Report
    complete: bool


def check_out_of_sample(
    source: ProbabilitySource, files: Mapping[str, Path], told: Provenance
) -> Checked:
    """Refuse probabilities of models that were trained on the masks that they judge.

    nnU-Net's folds tell what they have learned from by themselves.

    Args:
        source: with its judges, where they are known.
        files: of its probabilities, by the name of the case.
        told: what the user says.

    Raises:
        ConfigError: a table of what models have learned from, but not which model judged what.
        DataError: a case whose judge has learned from it; or the table can't be read, or says
            nothing of a judge or of any case.
    """
    by_folds = seen_by_folds(files)
    complete = told.learned is not None or None not in by_folds.values()
    seen = learned_from(files, by_folds)
    if told.learned is not None:
        seen |= _in_table(told.learned, source)
    if not seen:
        return Checked(Report([] if complete else [_NOT_CHECKED]), complete)
    said = [f"{name} ({model})" for name, model in sorted(seen.items())]
    what = (
        f"{counted(len(seen), 'mask')} of {len(source)} {'was' if len(seen) == 1 else 'were'} "
        "judged by a model that has learned from "
        f"{'it' if len(seen) == 1 else 'them'}"
    )
    expected = "probabilities of models that never saw the masks, as cross-validation leaves them"
    if told.allow_in_sample:
        problem = Problem(
            "warn",
            f"{what}: hardly any error will be found there",
            expected=expected,
            found=examples(said),
            fix="predict each case with a model that was trained without it",
        )
        return Checked(Report([problem]), complete)
    raise DataError(
        what,
        expected=expected,
        found=examples(said),
        fix="predict each case with a model that was trained without it (nnU-Net: train folds 0 to "
        "4 with --npz); or --allow-in-sample, and hardly any error is found there",
    )


def _in_table(path: Path, source: ProbabilitySource) -> dict[str, str]:
    """Cases that their judge has learned from, by a table: name -> model."""
    rows = read_rows(path)
    models = {row.model for row in rows}
    judged = models_by_name(source)
    if judged is None:
        if len(models) > 1:
            raise ConfigError(
                f"{path} tells of {len(models)} models, but not which of them judged what",
                expected="--judges FILE beside --learned FILE",
                found=f"models {examples(sorted(models))}, no --judges",
                fix="name a CSV file with the columns name and judge",
            )
        judged = dict.fromkeys(source.names, models.pop())
        models = set(judged.values())
    silent = sorted(set(judged.values()) - models)
    if silent:
        raise DataError(
            f"{path} tells nothing of {counted(len(silent), 'model')} that judged masks",
            expected="the cases that each of them was trained on",
            found=f"nothing of {examples(silent)}; models {examples(sorted(models))}",
            fix="add their rows, or write their names as the judges are written",
        )
    if not {row.name for row in rows} & set(source.names):
        raise DataError(
            f"{path} names no case that was judged",
            expected=f"names of masks: {examples(source.names)}",
            found=examples([f"{row.name} ({row.where})" for row in rows]),
            fix="write the names as the files have them; of a model that has learned from other "
            "cases altogether nothing needs to be told",
        )
    return {row.name: row.model for row in rows if judged.get(row.name) == row.model}
