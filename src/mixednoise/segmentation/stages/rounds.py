"""Rounds of teachers: the second one learns from masks that the first one has corrected."""

from __future__ import annotations

from dataclasses import replace

from mixednoise.segmentation.error_settings import MOST_DOUBT
from mixednoise.segmentation.stages.context import Judged, Stage
from mixednoise.segmentation.stages.judged import (
    doubt_about_masks,
    found_wrong_masks,
    read_state,
)
from mixednoise.segmentation.stages.judging import find_errors, judge
from mixednoise.segmentation.stages.student import judged_maps
from mixednoise.segmentation.stages.teachers import train_teachers
from mixednoise.segmentation.stages.trial import compared, remembered
from mixednoise.training.checkpoint import fingerprint

#: In the run folder: how the second round fared, where masks were corrected in doubt.
PROOF = "second_round.json"


def judge_in_rounds(stage: Stage, *, only_teachers: bool = False) -> Stage | None:
    """Teachers, judgement and error maps, round by round.

    Args:
        stage: with its folds.
        only_teachers: stop at the teachers: the last, or with ``rounds='auto'`` the first, since
            whether there will be others is not known before these have judged.

    Returns:
        The stage with as many rounds as there were; None if it was to stop at the teachers.
    """
    if stage.run.rounds is not None:
        stage = _with_rounds(stage, stage.run.rounds)
    may_end = stage.config.rounds == "auto"
    judged: Judged | None = None
    for number in range(stage.rounds):
        turn, last = replace(stage, round_=number), number == stage.rounds - 1
        train_teachers(turn, judged)
        if only_teachers and (may_end or last):
            return None
        judge(turn)
        if may_end and number > 0 and not _proven(turn):
            stage = _with_rounds(stage, number)
            find_errors(stage)
            break
        find_errors(turn)
        if last:
            break
        if may_end and not found_wrong_masks(turn):
            # Of masks of one kind corrections are few: teachers would learn the same again.
            return _with_rounds(stage, number + 1)
        judged = judged_maps(turn)
    return stage


def _proven(turn: Stage) -> bool:
    """Whether masks that were corrected in doubt have made better teachers.

    Hard images shade off into easy ones: corrected by teachers that err there, their masks make
    worse teachers. Masks that are told apart without doubt need no proof.

    Args:
        turn: a round after the first, whose teachers have judged.
    """
    first = replace(turn, round_=turn.number - 1)
    if doubt_about_masks(first) <= MOST_DOUBT:
        return True
    made_by = [read_state(one.probabilities)["made_by"] for one in (first, turn)]
    trial = remembered(
        turn, turn.run.path / PROOF, fingerprint(made_by), lambda: compared(first, turn)
    )
    turn.progress.message(
        f"agreement with unseen masks, Dice: {trial.given:.3f} of teachers that learned from "
        f"masks as given, {trial.corrected:.3f} from those corrected as a whole"
        + ("" if trial.used else ": no gain, so pixels are judged one by one")
    )
    return trial.used


def _with_rounds(stage: Stage, rounds: int) -> Stage:
    """The stage of a run that has ended after so many rounds, on disk, too."""
    stage.fabric.barrier()  # nobody reads any more what is moved now
    if stage.is_first:
        stage.run.end_rounds(rounds)
    stage.fabric.barrier()
    return replace(stage, rounds=rounds)
