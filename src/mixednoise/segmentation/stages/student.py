"""The student: from scratch, on all training cases, through what is suspected of their masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from mixednoise.io import atomic_write
from mixednoise.models.segmenters import save_segmenter
from mixednoise.segmentation.labels import ErrorMap
from mixednoise.segmentation.learner import make_learner
from mixednoise.segmentation.loop import SegmentationLoop
from mixednoise.segmentation.stages.agreement import mask_agreement
from mixednoise.segmentation.stages.context import Judged, Stage
from mixednoise.segmentation.stages.judged import calibrations_of, flagged_map, stored_probabilities
from mixednoise.training.checkpoint import fingerprint

Array = np.ndarray[Any, Any]
STUDENT_SEED = 7


def train_student(stage: Stage, *, corrected: bool = True) -> dict[str, Any]:
    """Train it unless it is there already; leave last and best weights.

    Args:
        stage: with its error maps, where the method makes any.
        corrected: learn from the masks with what is suspected of them; else as they were given.

    Returns:
        ``seconds`` of training and ``best_epoch`` (1-based, None without validation).
    """
    config = stage.config
    if config.method == "confident" and not corrected:
        config = config.model_copy(update={"targets": "noisy"})
    judged = judged_maps(stage) if config.method == "confident" and corrected else None
    untouched = [] if corrected else ["masks as given"]
    loop = SegmentationLoop(
        stage.fabric,
        make_learner(stage.segmenter(STUDENT_SEED), config),
        stage.learning_set(stage.train, judged),
        config,
        run=stage.run.student,
        progress=stage.progress,
        fingerprint=fingerprint(stage.prepared.fingerprint, config.method, *untouched),
        name="student",
        validate=mask_agreement(stage, stage.prepared.rows("val").tolist()),
    )
    loop.resume()
    loop.fit()
    best = loop.state.best_epoch
    if stage.is_first and not stage.run.model.exists():
        last = {key: value.clone() for key, value in loop.segmenter.state_dict().items()}
        if loop.load_best():
            save_segmenter(stage.run.best_model, loop.segmenter, stage.metadata(epoch=best + 1))
        loop.segmenter.load_state_dict(last)
        save_segmenter(stage.run.model, loop.segmenter, stage.metadata(epoch=config.epochs))
    stage.fabric.barrier()
    return {
        "seconds": round(loop.state.seconds, 1),
        "best_epoch": best + 1 if best >= 0 else None,
    }


def judged_maps(stage: Stage) -> Judged:
    """What is suspected of each training case, as the networks see it; kept on disk."""
    maps: Judged = {"flagged": FlaggedMaps(stage)}
    config = stage.config
    if config.targets == "soft" or stage.prepared.cases.num_classes > 2:
        fitted = calibrations_of(stage)

        def proposed(row: int) -> Array:
            stored = stored_probabilities(stage, row)
            return fitted[row].apply(stored) if fitted[row].changes else stored

        maps["proposed"] = proposed
    return maps


class FlaggedMaps:
    """Error maps of the training cases at the size that networks see, in one mapped file.

    Args:
        stage: of which the error maps are there.
    """

    def __init__(self, stage: Stage) -> None:
        path = stage.run.student / f"flagged_{stage.number + 1}.u8"
        self._shapes = {row: stage.store.shape(row) for row in stage.train.tolist()}
        sizes = [int(np.prod(shape)) for shape in self._shapes.values()]
        starts = np.concatenate([[0], np.cumsum(sizes)]).tolist()
        self._start = dict(zip(self._shapes, starts, strict=False))
        if stage.is_first:
            with atomic_write(path) as temporary, temporary.open("wb") as file:
                for row in self._shapes:
                    file.write(flagged_map(stage, row).tobytes())
        stage.fabric.barrier()
        self._bytes = np.memmap(path, dtype=np.bool_, mode="r")

    def __call__(self, row: int) -> ErrorMap:
        """Of one case, bool (*S)."""
        shape, start = self._shapes[row], self._start[row]
        found: ErrorMap = self._bytes[start : start + int(np.prod(shape))].reshape(shape)
        return found
