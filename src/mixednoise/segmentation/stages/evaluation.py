"""How good the students are, and how well wrong pixels were found, where the truth is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from mixednoise.evaluation.identification import IdentificationEvaluator
from mixednoise.evaluation.mask_metrics import MaskEvaluator
from mixednoise.io import write_csv, write_json
from mixednoise.models.segmenters import load_segmenter
from mixednoise.segmentation.calibration import Calibrate
from mixednoise.segmentation.cases import read_mask
from mixednoise.segmentation.inference import resized_probabilities
from mixednoise.segmentation.labels import ErrorMap, Mask, Probabilities, Rule
from mixednoise.segmentation.stages.context import Stage
from mixednoise.segmentation.stages.judged import (
    JudgedSource,
    flagged_map,
    run_calibrated_by,
    summary_of,
    was_judged,
)

#: Width of the boundary in which identification is scored by itself, pixels.
BOUNDARY = 5.0
INTERVAL_SEED = 31
COMPARING = "comparing error maps with the truth"


def evaluate(stage: Stage, trained: dict[str, Any]) -> dict[str, Any]:
    """Write ``metrics.json`` and ``test_scores.csv``.

    Test cases are scored against their true masks where these are known, else against the given
    ones; ``truth`` says which. Without test cases, validation cases are scored in their place.

    Args:
        stage: with its student.
        trained: what :func:`.student.train_student` returned.
    """
    split = next((name for name in ("test", "val") if len(stage.prepared.rows(name))), None)
    metrics: dict[str, Any] = {"split": split, "truth": None, "last": None, "best": None}
    if split is not None:
        rows = _scored_rows(stage, split)
        known = bool(rows) and all(stage.store.has_truth(row) for row in rows)
        metrics["truth"] = "true masks" if known else "given masks"
        for name, path in (("last", stage.run.model), ("best", stage.run.best_model)):
            if rows and path.exists():
                scores = score_cases(stage, path, rows, known=known)
                metrics[name] = scores.summary() | {
                    "intervals": intervals(scores, stage.config.seed)
                }
                if name == "last" and stage.is_first:
                    write_csv(stage.run.test_scores, scores.cases())
    metrics["identification"] = identification(stage)
    metrics |= trained
    if stage.is_first:
        write_json(stage.run.metrics, metrics)
    return metrics


def score_cases(stage: Stage, model: Any, rows: list[int], *, known: bool) -> MaskEvaluator:
    """Score one network on some cases, at the size of their masks.

    Args:
        stage: whose cases they are.
        model: file of the network.
        rows: the cases.
        known: against true masks; else against the given ones.
    """
    segmenter, _ = load_segmenter(model)
    segmenter.to(stage.fabric.device)
    cases = stage.prepared.cases
    scores = MaskEvaluator(cases.class_names)
    found = stage.predictor(segmenter).predict(stage.store, rows)
    for row, probabilities in stage.progress.track(found, "evaluating", total=len(rows)):
        case = cases.cases[row]
        truth = read_mask(cases, case, "truth" if known else "mask")
        predicted = resized_probabilities(probabilities, truth.shape).argmax(axis=0)
        scores.add(
            case.name,
            predicted.astype(np.uint8),
            truth,
            spacing=native_spacing(stage, row),
            group=case.group,
        )
    return scores


def native_spacing(stage: Stage, row: int) -> tuple[float, ...] | None:
    """Size of a pixel of the files along each axis; None = not known."""
    seen = stage.store.spacing(row)
    if seen is None:
        return None
    shapes = zip(seen, stage.store.shape(row), stage.store.native_shape(row), strict=True)
    return tuple(step * now / native for step, now, native in shapes)


def identification(stage: Stage) -> dict[str, Any] | None:
    """How well the wrong pixels of the training masks were found, beside plain disagreement.

    Returns:
        What :func:`identify` returns, or None where the truth is not known or nothing was judged.
    """
    rows = [row for row in stage.train.tolist() if stage.store.has_truth(row)]
    if not rows or not was_judged(stage):
        return None
    source = JudgedSource(stage, {})
    position = {row: index for index, row in enumerate(stage.train.tolist())}

    def found() -> Iterator[FoundErrors]:
        for row in stage.progress.track(rows, COMPARING):
            case = stage.prepared.cases.cases[row]
            given, probabilities = source.read(position[row])
            truth = read_mask(stage.prepared.cases, case, "truth")
            flagged = flagged_map(stage, row, native=True)
            yield FoundErrors(case.name, given, probabilities, truth, flagged)

    whole = summary_of(stage)["whole_masks"]
    name = rule_name(stage.config.rule, run_calibrated_by(stage), whole)
    return identify(found(), name)


def rule_name(rule: Rule, calibrate: Calibrate, whole: Mapping[str, Any] | None) -> str:
    """How a way to find wrong pixels is called in tables: ``Q``, ``argmax (shares)``.

    Args:
        rule: that was asked for.
        calibrate: what was done to the probabilities; never ``auto``.
        whole: ``whole_masks`` of the summary: a rule that found all masks of one kind was Q.
    """
    used = "Q" if rule == "whole_masks" and not (whole and whole["several_kinds"]) else rule
    return used if calibrate == "none" else f"{used} ({calibrate})"


class FoundErrors(NamedTuple):
    """One mask, what was said of it, and the truth.

    Attributes:
        name: of the case.
        given: uint8 (*S).
        probabilities: (K, *S), as the teacher says, not calibrated.
        truth: uint8 (*S).
        flagged: bool (*S), suspected pixels.
    """

    name: str
    given: Mask
    probabilities: Probabilities
    truth: Mask
    flagged: ErrorMap


def identify(found: Iterable[FoundErrors], rule: str) -> dict[str, Any]:
    """Scores of the maps and of plain disagreement: ``{rule: summary, "argmax": summary}``.

    Args:
        found: masks with their maps.
        rule: name of the way in which the maps were made.
    """
    evaluators = {name: IdentificationEvaluator(band=BOUNDARY) for name in (rule, "argmax")}
    for one in found:
        flagged = {"argmax": one.probabilities.argmax(axis=0) != one.given, rule: one.flagged}
        for name, evaluator in evaluators.items():
            evaluator.add(one.name, one.given, one.truth, flagged[name])
    return {name: evaluator.summary() for name, evaluator in evaluators.items()}


def _scored_rows(stage: Stage, split: str) -> list[int]:
    """Cases of the split that have something to be compared with; all with truth, if any has."""
    rows = stage.prepared.rows(split).tolist()
    with_truth = [row for row in rows if stage.store.has_truth(row)]
    return with_truth or [row for row in rows if stage.store.has_mask(row)]


def intervals(scores: MaskEvaluator, seed: int) -> dict[str, Any]:
    """95 % bootstrap intervals of the means, by patient: ``{class: {metric: [low, high]}}``."""
    rng = np.random.default_rng((seed, INTERVAL_SEED))
    table = scores.table(rng=rng)
    result: dict[str, Any] = {}
    for row in table.to_dict("records"):
        result.setdefault(str(row["class"]), {})[str(row["metric"])] = [row["low"], row["high"]]
    return result
