"""Predictions and annotations of one task."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixednoise.exchange.brush_rle import encode
from mixednoise.exchange.label_studio_config import (
    DECISION,
    IMAGE,
    KEEP,
    LABEL,
    LEAVE_OUT,
    MASK,
    TAKE,
    UNSURE,
    mark_of,
)
from mixednoise.exchange.masks import MaskCase
from mixednoise.exchange.selection import Row


def said(row: Row, *, masks: bool = False) -> str:
    """What reviewers came to, in the words of the labeling configuration; '' where they differ."""
    if row.action == "exclude":
        return LEAVE_OUT
    if row.action == "unsure":
        return UNSURE
    if not row.settled:
        return ""
    return (KEEP if row.action == "keep" else TAKE) if masks else row.label


def of_label(row: Row, version: str, score: float | None) -> dict[str, Any]:
    """``predictions`` and ``annotations`` of an image with a label."""
    predictions = []
    if row.suggested:
        result = _choice(f"suggested-{row.number}", LABEL, row.suggested)
        predictions.append(_prediction(version, score, [result]))
    words = said(row)
    control = DECISION if words == LEAVE_OUT else LABEL
    return {
        "predictions": predictions,
        "annotations": _annotations(words, [_choice(mark_of(row.id, words), control, words)]),
    }


def of_mask(
    item: MaskCase,
    mask: NDArray[np.uint8],
    names: Sequence[str],
    score: float | None,
) -> dict[str, Any]:
    """``predictions`` and ``annotations`` of an image with a mask.

    Args:
        item: the case.
        mask: uint8 (H, W), the one that goes out.
        names: of the classes, the background first.
        score: of both predictions.
    """
    predictions = []
    if item.found.suspected.any():
        regions = _regions(item.found.corrected, names, f"proposed-{item.row.number}")
        predictions.append(_prediction("proposed mask", score, regions))
    regions = _regions(item.found.mask, names, f"given-{item.row.number}")
    predictions.append(_prediction("given mask", score, regions))
    words = said(item.row, masks=True)
    result = [_choice(mark_of(item.row.id, words), DECISION, words)]
    if words != LEAVE_OUT:
        result += _regions(mask, names, f"mask-{item.row.number}")
    return {"predictions": predictions, "annotations": _annotations(words, result)}


def _prediction(version: str, score: float | None, result: list[Any]) -> dict[str, Any]:
    prediction = {"model_version": version, "result": result}
    return prediction if score is None else prediction | {"score": score}


def _annotations(words: str, result: list[Any]) -> list[dict[str, Any]]:
    if not words:
        return []
    skipped = words == UNSURE
    return [{"result": [] if skipped else result, "was_cancelled": skipped, "ground_truth": False}]


def _choice(name: str, control: str, words: str) -> dict[str, Any]:
    return {
        "id": name,
        "from_name": control,
        "to_name": IMAGE,
        "type": "choices",
        "value": {"choices": [words]},
    }


def _regions(mask: NDArray[np.uint8], names: Sequence[str], name: str) -> list[dict[str, Any]]:
    """A brush region per class that is there."""
    height, width = mask.shape
    return [
        {
            "id": f"{name}-{index}",
            "from_name": MASK,
            "to_name": IMAGE,
            "type": "brushlabels",
            "original_width": width,
            "original_height": height,
            "image_rotation": 0,
            "value": {
                "format": "rle",
                "rle": encode(mask == index),
                "brushlabels": [names[index]],
            },
        }
        for index in range(1, len(names))
        if (mask == index).any()
    ]
