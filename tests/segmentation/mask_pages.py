"""Pages about masks, from made-up tables and pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd

from html_page import Page
from mixednoise.segmentation.report import OverlayCase, ReportInput, write_report


def table_of(n: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "name": [f"case{k:03d}" for k in range(n)],
            "quality": np.linspace(0.9, 0.3, n),
            "flagged_pixels": np.arange(n),
            "flagged_share": np.arange(n) / 1000,
            "components": 1,
            "largest_component": np.arange(n),
        }
    )


def case_of(shape: tuple[int, ...] = (16, 20), seed: int = 0) -> OverlayCase:
    rng = np.random.default_rng(seed)
    mask = np.zeros(shape, np.uint8)
    mask[..., 3:9, 4:12] = 1
    proposed = np.zeros_like(mask)
    proposed[..., 3:9, 4:10] = 1
    image = rng.integers(0, 256, (1, *shape)).astype(np.uint8)
    return OverlayCase(image, mask, mask != proposed, proposed)


SUMMARY = {
    "pixels": 10_000,
    "class_counts": [9000, 1000],
    "thresholds": [0.95, None],
    "error_rate": [0.01, 0.1],
    "flagged_per_class": {"background": 2, "heart": 8},
    "joint": [[0.891, 0.009], [0.01, 0.09]],
}


def report_of(**changes) -> ReportInput:
    values = {
        "title": "Masks of a test",
        "summary": SUMMARY,
        "images": table_of(5),
        "class_names": ["background", "heart"],
        "case": lambda name: case_of(),
    }
    return ReportInput(**(values | changes))


def written(tmp_path, **changes) -> Page:
    path = tmp_path / "report.html"
    write_report(report_of(**changes), path, overwrite=True)
    return Page(path.read_text(encoding="utf-8"))
