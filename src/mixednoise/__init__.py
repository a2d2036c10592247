"""Train on medical images whose labels and pixels can't be trusted, and find out which ones.

The public names live here, flat; they are imported when first used, so that ``import mixednoise``
and ``mixednoise --help`` answer at once.

    >>> import mixednoise
    >>> dataset = mixednoise.read_dataset("labels.csv")            # doctest: +SKIP
    >>> model = mixednoise.QMix(epochs=30).fit(dataset)            # doctest: +SKIP
    >>> model.audit_[model.audit_.group == "mis_h"]                # doctest: +SKIP
    >>> mixednoise.audit_dataset(dataset, "audits/first")          # doctest: +SKIP

Wrong pixels of masks, from probabilities of any model, or from images and masks alone:

    >>> flagged = mixednoise.find_mask_errors(masks, probabilities)        # doctest: +SKIP
    >>> cases = mixednoise.read_cases("images", "masks")                   # doctest: +SKIP
    >>> mixednoise.ConfidentSegmentation().fit(cases).errors_              # doctest: +SKIP
"""

from __future__ import annotations

import importlib
import os
from typing import TYPE_CHECKING, Any

from mixednoise.errors import (
    ConfigError,
    DataError,
    InputError,
    MixedNoiseError,
    RunError,
    TrainingError,
)
from mixednoise.version import __version__

# Before torch is imported: idle OpenMP threads must sleep. Spinning, two threads on a busy
# two-core machine were measured up to 30 times slower than one.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

if TYPE_CHECKING:
    from mixednoise.audit.build import make_audit as audit_run
    from mixednoise.data.readers import read_dataset
    from mixednoise.data.table import Dataset
    from mixednoise.estimators import (
        SSCL,
        ConfidentLearning,
        CoTeaching,
        CrossEntropy,
        CrossEntropySingle,
        DivideMix,
        EarlyLearning,
        GeneralizedCrossEntropy,
        QMix,
        SymmetricCrossEntropy,
    )
    from mixednoise.evaluation.metrics import classification_metrics
    from mixednoise.jobs.audit import audit_dataset
    from mixednoise.loading import load
    from mixednoise.noise.corrupt import corrupt_dataset as corrupt
    from mixednoise.noise.corrupt_masks import corrupt_masks
    from mixednoise.segmentation.cases import read_cases, read_nnunet
    from mixednoise.segmentation.confident import find_mask_errors
    from mixednoise.segmentation.estimator import ConfidentSegmentation, load_segmentation
    from mixednoise.separation import SeparationSettings, separate

_HOMES = {
    "read_dataset": ("mixednoise.data.readers", "read_dataset"),
    "Dataset": ("mixednoise.data.table", "Dataset"),
    "QMix": ("mixednoise.estimators", "QMix"),
    "SSCL": ("mixednoise.estimators", "SSCL"),
    "CrossEntropy": ("mixednoise.estimators", "CrossEntropy"),
    "CrossEntropySingle": ("mixednoise.estimators", "CrossEntropySingle"),
    "SymmetricCrossEntropy": ("mixednoise.estimators", "SymmetricCrossEntropy"),
    "GeneralizedCrossEntropy": ("mixednoise.estimators", "GeneralizedCrossEntropy"),
    "EarlyLearning": ("mixednoise.estimators", "EarlyLearning"),
    "DivideMix": ("mixednoise.estimators", "DivideMix"),
    "ConfidentLearning": ("mixednoise.estimators", "ConfidentLearning"),
    "CoTeaching": ("mixednoise.estimators", "CoTeaching"),
    "audit_dataset": ("mixednoise.jobs.audit", "audit_dataset"),
    "audit_run": ("mixednoise.audit.build", "make_audit"),
    "load": ("mixednoise.loading", "load"),
    "classification_metrics": ("mixednoise.evaluation.metrics", "classification_metrics"),
    "corrupt": ("mixednoise.noise.corrupt", "corrupt_dataset"),
    "corrupt_masks": ("mixednoise.noise.corrupt_masks", "corrupt_masks"),
    "read_cases": ("mixednoise.segmentation.cases", "read_cases"),
    "read_nnunet": ("mixednoise.segmentation.cases", "read_nnunet"),
    "find_mask_errors": ("mixednoise.segmentation.confident", "find_mask_errors"),
    "ConfidentSegmentation": ("mixednoise.segmentation.estimator", "ConfidentSegmentation"),
    "load_segmentation": ("mixednoise.segmentation.estimator", "load_segmentation"),
    "SeparationSettings": ("mixednoise.separation", "SeparationSettings"),
    "separate": ("mixednoise.separation", "separate"),
}

__all__ = [
    "SSCL",
    "CoTeaching",
    "ConfidentLearning",
    "ConfidentSegmentation",
    "ConfigError",
    "CrossEntropy",
    "CrossEntropySingle",
    "DataError",
    "Dataset",
    "DivideMix",
    "EarlyLearning",
    "GeneralizedCrossEntropy",
    "InputError",
    "MixedNoiseError",
    "QMix",
    "RunError",
    "SeparationSettings",
    "SymmetricCrossEntropy",
    "TrainingError",
    "__version__",
    "audit_dataset",
    "audit_run",
    "classification_metrics",
    "corrupt",
    "corrupt_masks",
    "find_mask_errors",
    "load",
    "load_segmentation",
    "read_cases",
    "read_dataset",
    "read_nnunet",
    "separate",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'mixednoise' has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
