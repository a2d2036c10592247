"""Bright discs on noise, as people have them: folders of images, masks and true masks."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

CASES = 12
SIDE = 32
QUICK = [
    "--network", "residual_unet_slim", "--image-size", "32", "--batch-size", "4", "--threads", "1",
    "--device", "cpu", "--precision", "32", "--lr", "3e-3", "--calibrate", "shares",
]  # fmt: skip
SPLIT = ["--test-fraction", "0.2", "--val-fraction", "0.1", "--epochs", "2"]


def write_discs(folder: Path, count: int = CASES) -> Path:
    """``images``, ``truth``, ``masks`` (every other one too large) and ``patients.csv``."""
    rng = np.random.default_rng(5)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    for name in ("images", "truth", "masks"):
        (folder / name).mkdir(parents=True)
    lines = ["name,patient"]
    for number in range(count):
        name, radius = f"c{number:02d}", rng.uniform(6, 9)
        y, x = rng.uniform(12, 20, 2)
        distance = np.hypot(rows - y, columns - x)
        disc, drawn = distance <= radius, distance <= radius + 3 * (number % 2)
        picture = np.clip(80 + 90 * disc + rng.normal(0, 20, disc.shape), 0, 255)
        for kind, array in (("images", picture), ("truth", disc * 255), ("masks", drawn * 255)):
            cv2.imwrite(str(folder / kind / f"{name}.png"), array.astype(np.uint8))
        lines.append(f"{name},p{number // 2}")
    (folder / "patients.csv").write_text("\n".join(lines) + "\n")
    return folder


def given(data: Path, *more: str) -> list[str]:
    """The options that name images, masks and patients."""
    return [
        "--images", str(data / "images"), "--masks", str(data / "masks"),
        "--groups", str(data / "patients.csv"), *more,
    ]  # fmt: skip


def read(path: Path) -> np.ndarray:
    """A picture as it is stored."""
    found = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    assert found is not None, path
    return found


def calibrated(run: Path, name: str) -> np.ndarray:
    """What a run makes of the probabilities of a case, from its files: softmax(log p + offsets)."""
    fold = pd.read_csv(run / "folds.csv").set_index("name")["fold"][name]
    state = json.loads((run / "probabilities" / "state.json").read_text())
    offsets = np.array(state["calibration"]["shares"][str(fold)]["offsets"])
    values = np.load(run / "probabilities" / f"{name}.npy").astype(np.float64)
    values *= np.exp(offsets)[:, None, None]
    return values / values.sum(0)
