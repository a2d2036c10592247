"""Are the corrections any good? They are tried on masks that nobody has learned from.

Where teachers are wrong more often than masks are, corrections do harm, and disagreement alone
does not tell the two apart. Held-out masks do: teachers that learn from corrected masks are asked
for the cases that they never saw, like those that learned from the masks as they were given. Wrong
masks are as wrong for both; the right ones tell which of the two is nearer to the truth.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from mixednoise.evaluation.paired import paired_bootstrap
from mixednoise.io import write_json
from mixednoise.segmentation.stages.agreement import agreement_scores
from mixednoise.segmentation.stages.context import Stage
from mixednoise.segmentation.stages.judged import calibrations_of, stored_probabilities
from mixednoise.segmentation.stages.judging import (
    error_settings,
    fit_calibrations,
    judge,
    made_from,
)
from mixednoise.segmentation.stages.student import judged_maps
from mixednoise.segmentation.stages.teachers import train_teachers
from mixednoise.training.checkpoint import fingerprint

SEED = 59


@dataclass(frozen=True)
class Trial:
    """How well two generations of teachers agree with masks that they never saw.

    Attributes:
        used: whether the student learns from corrected masks.
        given: mean foreground Dice with the given masks, of teachers that learned from masks as
            given.
        corrected: that of teachers that learned from corrected masks.
        difference: ``corrected - given``, over the same cases.
        low: lower end of its 95 % interval (bootstrap over patients); NaN below two.
        high: upper end.
    """

    used: bool
    given: float
    corrected: float
    difference: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """As plain values; undefined ones are None."""
        return {key: None if np.isnan(value) else value for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Trial:
        """What :meth:`to_json` wrote."""
        known: dict[str, Any] = {k: np.nan if v is None else v for k, v in values.items()}
        return cls(**known)

    def __str__(self) -> str:
        """For people."""
        found = (
            f"Agreement with unseen masks, Dice: {self.given:.3f} of teachers that learned from "
            f"masks as given, {self.corrected:.3f} from corrected ones"
        )
        if self.used:
            return f"{found}; the student learns from corrected masks"
        return (
            f"{found}; corrections do not help here, the student learns from the masks as they are "
            "(--corrections always would use them all the same)"
        )


def try_corrections(stage: Stage) -> Trial:
    """Train teachers once more, from corrected masks, and compare; unless that was done before.

    Their networks and probabilities are kept as those of one more round.

    Args:
        stage: with its error maps, of the last round.
    """
    turn = replace(stage, round_=stage.rounds, judgement=None)

    def trial() -> Trial:
        train_teachers(turn, judged_maps(stage))
        judge(turn)
        return compared(replace(stage, round_=0), turn)

    key = fingerprint(made_from(stage, error_settings(stage)), stage.config.targets)
    return remembered(stage, trial_file(stage), key, trial)


def remembered(stage: Stage, path: Path, key: str, trial: Callable[[], Trial]) -> Trial:
    """What a file tells of a trial; made, and written there, where it is of another one or none.

    Args:
        stage: of which the first process writes.
        path: of the file.
        key: of all that the trial depends on.
        trial: makes it.
    """
    if path.exists():
        told = json.loads(path.read_text(encoding="utf-8"))
        if told.pop("key") == key:
            return Trial.from_json(told)
    made = trial()
    if stage.is_first:
        write_json(path, {**made.to_json(), "key": key})
    stage.fabric.barrier()
    return made


def compared(first: Stage, second: Stage) -> Trial:
    """Two generations of teachers, by their agreement with masks that they never saw.

    Args:
        first: at the round of teachers that learned from masks as given.
        second: at that of teachers that learned from corrected ones.
    """
    before, after = agreement(first), agreement(second)
    groups = {case.name: case.group for case in first.prepared.cases.cases}
    result = paired_bootstrap(
        after.to_numpy(),
        before.to_numpy(),
        rng=np.random.default_rng((first.config.seed, SEED)),
        groups=np.array([groups[name] for name in before.index], dtype=object),
    )
    return Trial(
        bool(result.difference > 0),
        result.baseline_mean,
        result.mean,
        result.difference,
        result.low,
        result.high,
    )


def trial_file(stage: Stage) -> Path:
    """``trial.json`` of a run."""
    return stage.run.path / "trial.json"


def agreement(stage: Stage) -> pd.Series[float]:
    """Mean foreground Dice of a round of teachers with the given mask of each case they never saw.

    Their classes are as common as in the given masks (shares): teachers that name the foreground
    too rarely would otherwise be compared by that alone.

    Args:
        stage: of which the probabilities are there, at its ``round_``.

    Returns:
        By name of the case; NaN where no class is in either mask.
    """
    calibrations = calibrations_of(stage, fit_calibrations(stage, "shares"))
    return agreement_scores(
        stage,
        (
            (row, calibrations[row].apply(stored_probabilities(stage, row)))
            for row in stage.train.tolist()
        ),
    )
