"""Scores of images by themselves, without any label: CleanVision's, and the plainest sharpness."""

from __future__ import annotations

import os
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from mixednoise.data.decode import decode_image


def has_cleanvision() -> bool:
    """Whether CleanVision is installed; it is no dependency of the project."""
    return find_spec("cleanvision") is not None


def cleanvision_scores(paths: list[str]) -> pd.DataFrame:
    """CleanVision's table of scores (high = good), one process, in the order of the paths."""
    from cleanvision import Imagelab  # type: ignore[import-not-found]

    lab = Imagelab(filepaths=paths)
    with Path(os.devnull).open("w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
        lab.find_issues(n_jobs=1, verbose=False)
    issues = lab.issues.loc[paths]
    return issues[[name for name in issues if name.endswith("_score")]]


def sharpness(paths: list[str]) -> np.ndarray:
    """Variance of the Laplacian of the grey image, float64 (N,): high = sharp."""
    return np.array(
        [
            cv2.Laplacian(cv2.cvtColor(decode_image(path), cv2.COLOR_RGB2GRAY), cv2.CV_64F).var()
            for path in paths
        ]
    )
