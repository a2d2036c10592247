"""Scores of images by themselves, without any label: CleanVision's, ours, plain sharpness."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from mixednoise.data.decode import decode_image
from mixednoise.quality import assess_files


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


def images_alone(paths: list[str]) -> Iterator[tuple[str, np.ndarray]]:
    """(name, float64 (N,), high = readable) of every score that asks no label and varies."""
    yield "image: sharpness", sharpness(paths)
    yield "image: quality", assess_files(paths)["quality"].to_numpy(float)
    if has_cleanvision():
        scores = cleanvision_scores(paths)
        scores = scores.loc[:, scores.std() > 0]
        for name in scores:
            yield f"CleanVision: {name.removesuffix('_score')}", scores[name].to_numpy(float)
        yield "CleanVision: the lowest", scores.min(axis=1).to_numpy(float)


def sharpness(paths: list[str]) -> np.ndarray:
    """Variance of the Laplacian of the grey image, float64 (N,): high = sharp."""
    return np.array(
        [
            cv2.Laplacian(cv2.cvtColor(decode_image(path), cv2.COLOR_RGB2GRAY), cv2.CV_64F).var()
            for path in paths
        ]
    )
