"""scikit-learn's habits around the training loop: construct, fit, predict, look at ``audit_``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from mixednoise.data.outside import must_be_outside
from mixednoise.data.table import Dataset
from mixednoise.data.unreadable import remedy
from mixednoise.errors import ConfigError, DataError
from mixednoise.memory import memory_told
from mixednoise.methods.base import FloatArray, Method
from mixednoise.methods.config import TrainingConfig, changed_options, signature_of
from mixednoise.models import Network, save_networks
from mixednoise.progress import Progress, default_progress
from mixednoise.training.devices import choose_device, make_fabric
from mixednoise.training.loop import Loop
from mixednoise.workflow.building import make_loop
from mixednoise.workflow.finish import finish_run
from mixednoise.workflow.fold_training import folds_of
from mixednoise.workflow.out_of_fold import OutOfFold, out_of_fold
from mixednoise.workflow.prediction import Block, ImageBatches, predict_batches
from mixednoise.workflow.prepare import Prepared, prepare, tell, write_findings
from mixednoise.workflow.records import model_metadata, run_record
from mixednoise.workflow.resolve import resolve
from mixednoise.workflow.run_folder import RunFolder, check_run_folder, start_run

Images = Dataset | np.ndarray[Any, np.dtype[np.uint8]] | Sequence[str | Path] | str | Path


class Estimator:
    """A classifier for images whose labels and pixels can't be trusted.

    Subclasses name a method. Keyword arguments are the method's options; an unknown one is an
    error. After :meth:`fit`:

    Attributes:
        config_: the options, ``auto`` resolved.
        classes_: class names, in the order of the probability columns.
        audit_: verdict per sample (``samples.csv``).
        history_: a row per epoch (``history.csv``).
        metrics_: ``metrics.json``.
        networks_: the networks after the last epoch.
        best_networks_: the networks of the epoch that was best on validation (maybe the last).
    """

    method: ClassVar[type[Method[Any]]]

    def __init__(self, *, preset: str = "default", **options: Any) -> None:
        self.preset = preset
        self.config: TrainingConfig = self.method.Config.from_options(preset, **options)
        self.classes_: tuple[str, ...] = ()
        self.networks_: list[Network] = []
        self.best_networks_: list[Network] = []
        self._metadata: dict[str, Any] = {}

    def __init_subclass__(cls) -> None:
        """Show the options in ``help()`` and in editors."""
        cls.__signature__ = signature_of(cls.method.Config)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({changed_options(self.config)})"

    # ---- training ------------------------------------------------------------------------------

    @memory_told()
    def fit(
        self,
        dataset: Dataset,
        *,
        out: str | Path | None = None,
        resume: bool = False,
        overwrite: bool = False,
        hold_back: bool = True,
        progress: Progress | None = None,
    ) -> Self:
        """Check the data, decode it once, train, evaluate, and say what every sample is.

        Args:
            dataset: from :func:`mixednoise.read_dataset`.
            out: run folder; needed to be able to resume. None keeps everything in memory.
            resume: go on with the interrupted run in ``out``.
            overwrite: replace the earlier run in ``out``.
            hold_back: make the validation and test parts that the data lacks. False: learn from,
                and judge, every sample without a split; then there may be nothing to choose the
                best epoch on, nor to measure it on.
            progress: bars and lines; None shows them on stderr.

        Raises:
            DataError: the data can't be trained on as they are; says what to do.
            RunError: ``out`` holds another run.
            TrainingError: the loss is no longer a number, memory is spent, or the disk is full.
        """
        if not isinstance(dataset, Dataset):
            raise DataError(
                "fit needs a data set",
                expected="what mixednoise.read_dataset(path) returns",
                found=type(dataset).__name__,
                fix="read the data with mixednoise.read_dataset first",
            )
        progress = progress or default_progress()
        if int(os.environ.get("RANK", "0")) > 0:
            progress = default_progress(quiet=True)  # torchrun: the first process speaks for all
        config = resolve(self.config, dataset, progress)
        run = None if out is None else RunFolder(Path(out))
        record = run_record(self.method.name, self.preset, dataset, config)
        # What is wrong with the folder is said before images are decoded, and what is wrong with
        # the data, the networks or their weights before anything is written.
        if run is not None:
            must_be_outside(run.path, dataset)
            check_run_folder(run, record, resume=resume, overwrite=overwrite)
        prepared = prepare(dataset, config, int(config.image_size), progress, hold_back=hold_back)
        tell(prepared, run, progress)
        fabric = make_fabric(config)
        count, fold_epochs = self.method.folds(config) or (0, 0)
        fold = folds_of(prepared, count, config.seed) if count else None
        loop = None if count else self._loop(fabric, config, prepared, run, progress)
        if run is not None:
            if fabric.global_rank == 0:
                start_run(run, record, resume=resume, overwrite=overwrite)
                write_findings(prepared, run)
            fabric.barrier()
        self.config_ = config
        self.classes_ = prepared.dataset.class_names
        if loop is None:
            assert fold is not None  # noqa: S101 - one of the two is there
            judged = out_of_fold(
                prepared,
                config,
                fold=fold,
                epochs=fold_epochs,
                fabric=fabric,
                run=None if run is None else run.path,
                progress=progress,
            )
            loop = self._loop(fabric, config, prepared, run, progress, judged)
        if resume:
            progress.message(
                f"resumed after epoch {loop.state.epoch}"
                if loop.resume()
                else "no finished epoch to go on from: starting with the first one"
            )
        loop.fit()
        self._finish(loop, prepared, run, progress)
        return self

    def _loop(
        self,
        fabric: Any,
        config: TrainingConfig,
        prepared: Prepared,
        run: RunFolder | None,
        progress: Progress,
        judged: OutOfFold | None = None,
    ) -> Loop:
        loop = make_loop(
            self.method,
            config,
            prepared.training_data(),
            fabric=fabric,
            run=None if run is None else run.path,
            progress=progress,
            out_of_fold=None if judged is None else judged.probabilities,
        )
        loop.state.seconds = 0.0 if judged is None else judged.seconds
        return loop

    def _finish(
        self, loop: Loop, prepared: Prepared, run: RunFolder | None, progress: Progress
    ) -> None:
        self._metadata = model_metadata(self.method.name, prepared.dataset, self.config_)
        result = finish_run(loop, prepared, run, self._metadata, progress)
        self.audit_: pd.DataFrame = result.audit
        self.history_: pd.DataFrame = result.history
        self.metrics_: dict[str, Any] = result.metrics
        self.networks_, self.best_networks_ = result.networks, result.best_networks

    # ---- using ---------------------------------------------------------------------------------

    def predict_proba(
        self, images: Images, *, weights: str = "last", progress: Progress | None = None
    ) -> FloatArray:
        """Class probabilities, float64 (N, C), columns as in ``classes_``.

        Args:
            images: a data set, uint8 pixels (N, H, W, 3), image paths, or a folder.
            weights: ``last`` epoch or ``best`` on validation.
            progress: bars; silent by default.

        Raises:
            DataError: an image can't be read (:meth:`predict_stream` sets such images
                aside instead).
            TrainingError: memory is spent.
        """
        batches = self.image_batches(images)
        parts = []
        for block in self.predict_stream(batches, weights=weights, progress=progress):
            if block.failures:
                name, reason = block.failures[0]
                raise DataError(
                    f"can't read {name}",
                    expected="readable images",
                    found=reason,
                    fix=remedy(
                        [reason], "remove it, or use predict_stream, which sets such images aside"
                    ),
                )
            parts.append(block.probabilities)
        if not parts:
            return np.zeros((0, len(self.classes_)))
        return np.concatenate(parts)

    def predict(self, images: Images, *, weights: str = "last") -> np.ndarray[Any, Any]:
        """Most probable class name per image (N,)."""
        chosen = self.predict_proba(images, weights=weights).argmax(axis=1)
        names: np.ndarray[Any, Any] = np.asarray(self.classes_)[chosen]
        return names

    def image_batches(self, images: Images) -> ImageBatches:
        """Decode and resize images as in training, in blocks, with bounded memory."""
        self._fitted()
        return ImageBatches(
            images,
            image_size=int(self.config_.image_size),
            crop=self.config_.crop,
            fit=self.config_.fit,
        )

    def predict_stream(
        self, batches: ImageBatches, *, weights: str = "last", progress: Progress | None = None
    ) -> Iterator[Block]:
        """Predictions block by block; unreadable images are listed in the blocks."""
        self._fitted()
        if weights not in ("last", "best"):
            raise ConfigError(
                f"there are no weights {weights!r}",
                expected="last or best",
                found=weights,
                fix="last = after the last epoch, best = chosen on validation",
            )
        networks = self.best_networks_ if weights == "best" else self.networks_
        device = choose_device(self.config_.device)
        progress = progress or default_progress(quiet=True)
        return (block for (block,) in predict_batches([networks], batches, device, progress))

    def _fitted(self) -> None:
        if not self.networks_:
            raise ConfigError(
                f"this {type(self).__name__} is not trained yet",
                expected="a fitted model",
                found="no networks",
                fix="call fit(dataset), or mixednoise.load(path)",
            )

    # ---- keeping -------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write the networks of the last epoch, with all that prediction needs, to one file."""
        self._fitted()
        save_networks(Path(path), self.networks_, self._metadata)

    @classmethod
    def from_networks(cls, networks: list[Network], metadata: dict[str, Any]) -> Self:
        """A trained model made of what :meth:`save` wrote: see :func:`mixednoise.load`."""
        model = cls()
        model._metadata = metadata
        # Where a model was trained says nothing about where it is used.
        options = metadata["options"] | {"device": "auto", "threads": None}
        model.config = model.config_ = cls.method.Config.from_record(options)
        model.classes_ = tuple(metadata["classes"])
        model.networks_ = model.best_networks_ = networks
        return model

    @property
    def ordinal_(self) -> bool:
        """Whether the classes are grades in order."""
        return bool(self._metadata.get("ordinal", False))
