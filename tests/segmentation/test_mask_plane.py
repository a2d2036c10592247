"""The plane of masks in the report."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mixednoise.segmentation.report.plane import BOTTOM, LEFT, MAX_POINTS, RIGHT, TOP, mask_plane


def images(count: int, **columns: object) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    table = {
        "name": [f"c{n}" for n in range(count)],
        "model_dice": rng.uniform(0.2, 0.98, count),
        "model_loss": rng.uniform(0.02, 1.5, count),
    }
    return pd.DataFrame(table | columns)


def test_points_lie_where_their_numbers_are():
    table = images(3, model_dice=[0.99, 0.9, 0.0], model_loss=[0.1, 0.01, 1.0])
    table["p_wrong_mask"] = [0.01, np.nan, 0.97]
    plane = mask_plane(table)
    assert plane is not None
    assert plane.told
    by_name = {point.words.split(":")[0]: point for point in plane.points}
    assert by_name["c0"].x < by_name["c1"].x < by_name["c2"].x
    assert by_name["c2"].y < by_name["c0"].y < by_name["c1"].y, "upwards: less likely"
    # 0.1 is half way from 0.01 to 1, on a logarithmic axis.
    assert by_name["c1"].x == pytest.approx((by_name["c0"].x + by_name["c2"].x) / 2, abs=0.1)
    assert [by_name[name].wrong for name in ("c0", "c1", "c2")] == [False, None, True]
    assert by_name["c2"].words == "c2: Dice 0.00, loss 1, wrong as a whole: 97%"
    assert {text: place for place, text in plane.x_ticks}["0.1"] == by_name["c1"].x


def test_everything_is_inside_and_bounded():
    plane = mask_plane(images(MAX_POINTS + 10))
    assert plane is not None
    assert len(plane.points) == MAX_POINTS
    assert plane.total == MAX_POINTS + 10
    assert not plane.told
    assert all(LEFT <= point.x <= RIGHT and TOP <= point.y <= BOTTOM for point in plane.points)
    assert 3 <= len(plane.x_ticks) <= 10


def test_narrow_axes_have_ticks_too():
    plane = mask_plane(images(2, model_dice=[0.96, 0.93], model_loss=[0.05, 0.05]))
    assert plane is not None
    assert len(plane.x_ticks) >= 3
    assert len(plane.y_ticks) >= 1


def test_perfect_agreement_and_nothing_known():
    plane = mask_plane(images(2, model_dice=[1.0, 1.0], model_loss=[0.0, 0.0]))
    assert plane is not None
    assert np.isfinite([[point.x, point.y] for point in plane.points]).all()
    assert mask_plane(pd.DataFrame({"name": ["a"], "quality": [1.0]})) is None
    assert mask_plane(images(1, model_dice=[np.nan])) is None
