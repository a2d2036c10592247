"""scikit-learn's habits around the stages: construct, fit, predict, look at ``errors_``."""

from __future__ import annotations

import json
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.methods.config import changed_options, signature_of
from mixednoise.models.segmenters import Segmenter, load_segmenter
from mixednoise.progress import Progress
from mixednoise.segmentation.cases import CaseSet, plane_size, shrink_image
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.inference import (
    ArrayImages,
    Predictor,
    make_predictor,
    resized_probabilities,
)
from mixednoise.segmentation.pipeline import run_stages
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.training.devices import make_fabric
from mixednoise.workflow.run_folder import read_config

Image = np.ndarray[Any, np.dtype[Any]]
FloatArray = np.ndarray[Any, np.dtype[np.float32]]


class ConfidentSegmentation:
    """A segmenter for masks that can't be trusted: confident learning and SLSR.

    Teachers judge the masks that they have not seen, suspected pixels are smoothed, a student
    learns from all (Zhang et al., MICCAI 2020). Keyword arguments are the options
    (``docs/options.md``); an unknown one is an error. After :meth:`fit`:

    Attributes:
        config_: the options, ``auto`` resolved.
        classes_: K class names, the background first.
        errors_: a row per training mask, the worst first (``images.csv``); None where nothing was
            judged.
        metrics_: ``metrics.json``.
        segmenter_: the student after the last epoch.
        run_: the run folder.
    """

    def __init__(self, *, preset: str = "default", **options: Any) -> None:
        self.preset = preset
        self.config = SegmentationConfig.from_options(preset, **options)
        self.classes_: tuple[str, ...] = ()
        self.errors_: pd.DataFrame | None = None
        self.metrics_: dict[str, Any] = {}
        self.segmenter_: Segmenter | None = None
        self._predictor: Predictor | None = None

    def __repr__(self) -> str:
        return f"ConfidentSegmentation({changed_options(self.config)})"

    def fit(
        self,
        cases: CaseSet,
        *,
        out: str | Path | None = None,
        resume: bool = False,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Self:
        """Train teachers, find wrong pixels, train the student, evaluate, report.

        Args:
            cases: from :func:`mixednoise.read_cases` or :func:`mixednoise.read_nnunet`.
            out: run folder; None = a temporary one, gone with this object.
            resume: go on with the interrupted run in ``out``.
            overwrite: replace the earlier run in ``out``.
            progress: bars and lines; None shows them on stderr.

        Raises:
            DataError: the cases can't be learned from as they are; says what to do.
            RunError: ``out`` holds another run.
            TrainingError: the loss is no longer a number, or memory or disk is full.
        """
        if not isinstance(cases, CaseSet):
            raise DataError(
                "fit needs a set of cases",
                expected="what mixednoise.read_cases(images, masks) returns",
                found=type(cases).__name__,
                fix="read images and masks with mixednoise.read_cases first",
            )
        if out is None:
            temporary = tempfile.mkdtemp(prefix="mixednoise-")
            weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)
            out = Path(temporary) / "run"
        run_stages(
            cases,
            self.config,
            Path(out),
            preset=self.preset,
            resume=resume,
            overwrite=overwrite,
            progress=progress,
        )
        self._load(SegmentationRun(Path(out)))
        return self

    def _load(self, run: SegmentationRun) -> None:
        record = read_config(run.path, run.command)
        self.run_, self.classes_ = run.path, tuple(record["classes"])
        self.config_ = SegmentationConfig.from_record(record["options"])
        self.segmenter_, _ = load_segmenter(run.model)
        self._predictor = None
        table = run.path / "error_maps" / "images.csv"
        self.errors_ = pd.read_csv(table, dtype={"name": str}) if table.exists() else None
        self.metrics_ = json.loads(run.metrics.read_text(encoding="utf-8"))

    def predict_proba(self, images: Sequence[Image]) -> Iterator[FloatArray]:
        """Yield float32 (K, *S) for each image.

        Args:
            images: raw intensities (C, H, W) or (C, D, H, W), as in the training files, of any
                sizes.

        Raises:
            ConfigError: not fitted.
            DataError: another number of channels.
        """
        if self.segmenter_ is None:
            raise ConfigError(
                "this ConfidentSegmentation is not trained yet",
                expected="a fitted model",
                found="no network",
                fix="call fit(cases), or mixednoise.load_segmentation(run)",
            )
        if self._predictor is None:
            fabric = make_fabric(self.config_.model_copy(update={"device": self.config.device}))
            self.segmenter_.to(fabric.device)
            self._predictor = make_predictor(fabric, self.segmenter_, self.config_)
        for image in images:
            if image.ndim not in (3, 4) or len(image) != self.segmenter_.in_channels:
                raise DataError(
                    "this image can't be segmented",
                    expected=f"({self.segmenter_.in_channels}, H, W) or "
                    f"({self.segmenter_.in_channels}, D, H, W)",
                    found=str(image.shape),
                    fix="pass the channels first, as many as in training",
                )
            native = image.shape[1:]
            seen = shrink_image(image, plane_size(native, int(self.config_.image_size)))
            ((_, probabilities),) = self._predictor.predict(ArrayImages([seen]), [0])
            yield resized_probabilities(probabilities, native)

    def predict(self, images: Sequence[Image]) -> Iterator[np.ndarray[Any, np.dtype[np.uint8]]]:
        """Yield the most probable class of every pixel, uint8 (*S), for each image."""
        for probabilities in self.predict_proba(images):
            yield probabilities.argmax(axis=0).astype(np.uint8)


# Show the options in ``help()`` and in editors.
ConfidentSegmentation.__signature__ = signature_of(SegmentationConfig)  # type: ignore[attr-defined]


def load_segmentation(path: str | Path) -> ConfidentSegmentation:
    """Load a finished run of ``mixednoise segment train``. Nothing is unpickled.

    Raises:
        RunError: no such run, unfinished, damaged, or of another version.
    """
    run = SegmentationRun(Path(path))
    read_config(run.path, run.command)
    lacking = [p.name for p in (run.model, run.metrics) if not p.exists()]
    if lacking:
        raise RunError(
            f"{path} holds no finished run",
            expected="student.safetensors and metrics.json",
            found=f"a run that was interrupted: no {', '.join(lacking)}",
            fix="go on with the same `mixednoise segment train` command and --resume",
        )
    model = ConfidentSegmentation()
    model._load(run)
    return model


__all__ = ["ConfidentSegmentation", "load_segmentation"]
