from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from monai.metrics import compute_average_surface_distance, compute_hausdorff_distance

from mixednoise.errors import ConfigError, DataError
from mixednoise.evaluation import mask_counts
from mixednoise.evaluation.mask_counts import dice_scores, mask_confusion
from mixednoise.evaluation.mask_metrics import MACRO, MaskEvaluator
from mixednoise.evaluation.mask_surface import hd95_assd
from mixednoise.segmentation.labels import IGNORE

NAN = float("nan")


def blob(shape: tuple[int, ...], seed: int) -> np.ndarray:
    """A few overlapping boxes, one of them at the rim."""
    rng = np.random.default_rng(seed)
    region = np.zeros(shape, dtype=bool)
    for k in range(3):
        low = [0 if k == 0 else int(rng.integers(side - 2)) for side in shape]
        size = [int(rng.integers(2, max(3, side // 2))) for side in shape]
        region[tuple(slice(a, a + b) for a, b in zip(low, size, strict=True))] = True
    return region


def slow_surface(region: np.ndarray) -> list[tuple[int, ...]]:
    points = []
    for at in itertools.product(*(range(side) for side in region.shape)):
        if not region[at]:
            continue
        for axis, step in itertools.product(range(region.ndim), (-1, 1)):
            near = list(at)
            near[axis] += step
            outside = not 0 <= near[axis] < region.shape[axis]
            if outside or not region[tuple(near)]:
                points.append(at)
                break
    return points


def slow_distances(own: np.ndarray, other: np.ndarray, spacing: tuple[float, ...]) -> list[float]:
    return [
        min(
            math.sqrt(sum(((a - b) * s) ** 2 for a, b, s in zip(p, q, spacing, strict=True)))
            for q in slow_surface(other)
        )
        for p in slow_surface(own)
    ]


def test_dice_by_hand_without_ignored_pixels() -> None:
    truth = np.array([[0, 0, 1, 1], [2, 2, IGNORE, 1]], dtype=np.uint8)
    predicted = np.array([[0, 1, 1, 1], [2, 0, 1, 7]], dtype=np.uint8)
    predicted[1, 3] = 1
    # class 0: 2*1/(2+2); class 1: 2*3/(4+3); class 2: 2*1/(1+2); the seventh pixel isn't counted
    assert dice_scores(predicted, truth, 3) == pytest.approx([0.5, 6 / 7, 2 / 3])


def test_values_under_ignored_pixels_do_not_matter() -> None:
    truth = np.array([0, 1, IGNORE], dtype=np.uint8)
    assert list(dice_scores(np.array([0, 1, 99]), truth, 2)) == [1, 1]


@pytest.mark.parametrize(("rule", "expected"), [("nan", [1, NAN, 0]), ("one", [1, 1, 0])])
def test_empty_against_empty_by_stated_rule(rule, expected) -> None:
    truth, predicted = np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)
    truth[0], predicted[1] = 2, 2
    found = dice_scores(predicted, truth, 3, empty=rule)
    assert found == pytest.approx([2 * 8 / 24, *expected[1:]], nan_ok=True)


def test_confusion_in_chunks_equals_a_loop(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    own, other = rng.integers(0, 4, (2, 7, 9)).astype(np.uint8)
    expected = np.zeros((4, 4), dtype=int)
    for t, p in zip(other.ravel(), own.ravel(), strict=True):
        expected[t, p] += 1
    monkeypatch.setattr(mask_counts, "CHUNK", 10)
    assert (mask_confusion(own, other, 4) == expected).all()


@pytest.mark.parametrize(
    ("shape", "spacing"),
    [((11, 9), (1.0, 1.0)), ((11, 9), (0.5, 2.0)), ((6, 7, 5), (3.0, 1.0, 0.7))],
)
def test_surface_distances_equal_a_double_loop_and_monai(shape, spacing) -> None:
    for seed in range(4):
        own, other = blob(shape, seed), blob(shape, seed + 100)
        forth, back = slow_distances(own, other, spacing), slow_distances(other, own, spacing)
        expected = (
            max(np.percentile(forth, 95), np.percentile(back, 95)),
            (sum(forth) + sum(back)) / (len(forth) + len(back)),
        )
        found = hd95_assd(own, other, spacing=spacing)
        assert found == pytest.approx(expected)
        pair = [torch.as_tensor(m[None, None].astype(np.float32)) for m in (own, other)]
        options = {"include_background": True, "spacing": list(spacing)}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            hd95 = compute_hausdorff_distance(*pair, percentile=95, **options)
            assd = compute_average_surface_distance(*pair, symmetric=True, **options)
        assert found == pytest.approx((float(hd95), float(assd)), rel=1e-5)


def test_surface_of_two_squares_by_hand() -> None:
    own, other = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    own[2:5, 2:5], other[2:5, 4:7] = True, True
    # Surfaces: the 8 outer pixels of each. Columns 2, 3 (ends only), 4 against columns 4, 5, 6:
    # from own: 2, 2, 2 (column 2), 1, 1 (column 3), 0, 0, 0; the same the other way round.
    assert hd95_assd(own, other) == pytest.approx((2.0, 8 / 8))


def test_one_or_both_regions_empty() -> None:
    empty, full = np.zeros((3, 4), bool), np.ones((3, 4), bool)
    assert hd95_assd(empty, empty) == pytest.approx((NAN, NAN), nan_ok=True)
    assert hd95_assd(empty, empty, empty="one") == (0.0, 0.0)
    assert hd95_assd(empty, full) == pytest.approx((NAN, NAN), nan_ok=True)
    assert hd95_assd(full, empty, unmatched="diagonal") == (5.0, 5.0)
    assert hd95_assd(full, empty, unmatched="diagonal", spacing=(2, 2)) == (10.0, 10.0)


@pytest.mark.parametrize("spacing", [(1.0,), (1.0, 0.0), (1.0, NAN), -1.0])
def test_spacing_that_does_not_fit(spacing) -> None:
    with pytest.raises(ConfigError, match="spacing"):
        hd95_assd(np.ones((3, 3), bool), np.ones((3, 3), bool), spacing=spacing)


def evaluator() -> MaskEvaluator:
    """Three cases, two foreground classes; class b is only in the last one."""
    scores = MaskEvaluator(["background", "a", "b"])
    truth = np.zeros((4, 6), np.uint8)
    truth[1:3, 1:3] = 1
    half = np.zeros_like(truth)
    half[1, 1:3] = 1
    both = truth.copy()
    both[3, 5] = 2
    scores.add("x", truth, truth, group="p1")
    scores.add("y", half, truth, group="p1")
    scores.add("z", truth, both, group="p2")
    return scores


def test_table_by_hand() -> None:
    table = evaluator().table().set_index(["class", "metric"])
    a, b, macro = (table.loc[(name, "dice")] for name in ("a", "b", MACRO))
    # class a: 1, 4/6, 1; class b: undefined twice, then 0 (missed); cases: 1, 2/3, 1/2
    assert (a["mean"], a["n"], a["left_out"]) == (pytest.approx(8 / 9), 3, 0)
    assert a["sd"] == pytest.approx(np.std([1, 2 / 3, 1], ddof=1))
    assert (b["mean"], b["n"], b["left_out"]) == (0.0, 1, 2)
    assert math.isnan(b["sd"])
    assert macro["mean"] == pytest.approx((1 + 2 / 3 + 1 / 2) / 3)
    assert table.loc[("b", "hd95"), "n"] == 0
    # rows 1 against rows 1-2: every surface pixel at 0, two of the truth's at 1
    assert table.loc[("a", "assd"), "mean"] == pytest.approx(2 / 6 / 3)


def test_summary_counts_missed_and_spurious() -> None:
    summary = evaluator().summary()
    assert summary["cases"] == 3
    assert summary["per_class"]["b"]["missed"] == 1
    assert summary["per_class"]["b"]["spurious"] == 0
    assert summary["per_class"]["a"]["dice"]["n"] == 3
    assert set(summary["macro"]) == {"dice", "hd95", "assd"}


def test_scores_are_matched_by_name_and_pixels_are_counted() -> None:
    scores = evaluator()
    assert list(scores.scores("dice", "a").index) == ["x", "y", "z"]
    assert scores.scores()["z"] == pytest.approx(0.5)
    rows = scores.cases()
    assert list(rows.columns) == [
        *("name", "group", "class", "dice", "hd95", "assd", "truth_pixels", "predicted_pixels")
    ]
    y = rows[(rows["name"] == "y") & (rows["class"] == "a")].iloc[0]
    assert (y["truth_pixels"], y["predicted_pixels"], y["group"]) == (4, 2, "p1")


def test_intervals_equal_a_loop_over_patients() -> None:
    table = evaluator().table(rng=np.random.default_rng(3), resamples=20)
    rng = np.random.default_rng(3)
    dice = {0: [1, 2 / 3], 1: [1]}  # class a of the two patients
    draws = []
    for _ in range(20):
        picked = [value for unit in rng.integers(2, size=2) for value in dice[unit]]
        draws.append(np.mean(picked))
    row = table[(table["class"] == "a") & (table["metric"] == "dice")].iloc[0]
    assert (row["low"], row["high"]) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])))


def test_no_case_and_one_case_have_no_interval() -> None:
    scores = MaskEvaluator(["background", "a"], surface=False)
    assert scores.table(rng=np.random.default_rng(0))["mean"].isna().all()
    scores.add("x", np.ones((2, 2), bool), np.ones((2, 2), bool))
    table = scores.table(rng=np.random.default_rng(0))
    assert list(table["metric"]) == ["dice", "dice"]
    assert (table["mean"] == 1).all()
    assert table["low"].isna().all()


def test_a_name_that_is_no_utf8_can_be_in_a_table() -> None:
    mask = np.ones((2, 2), np.uint8)
    scores = MaskEvaluator(["background", "a"])
    scores.add("Aufnahme_\udcfc", mask, mask)
    assert list(scores.cases()["name"]) == [r"Aufnahme_\xfc"]


def test_ignored_pixels_are_outside_for_surfaces_too() -> None:
    truth = np.zeros((5, 8), np.uint8)
    truth[1:4, 1:4] = 1
    truth[:, 6:] = IGNORE
    predicted = truth.copy()
    predicted[:, 6:] = 1  # far from the truth, and not looked at
    scores = MaskEvaluator(["background", "a"])
    scores.add("x", predicted, truth)
    assert scores.cases()[["dice", "hd95", "assd"]].iloc[0].tolist() == [1, 0, 0]


def test_bad_input_names_the_case() -> None:
    scores = MaskEvaluator(["background", "a"])
    good = np.zeros((3, 3), np.uint8)
    scores.add("x", good, good)
    with pytest.raises(DataError, match="x is scored twice"):
        scores.add("x", good, good)
    with pytest.raises(DataError, match="of y differ in size"):
        scores.add("y", np.zeros((3, 4), np.uint8), good)
    with pytest.raises(DataError, match="predicted mask of y holds values") as error:
        scores.add("y", good + 5, good)
    assert error.value.found == "uint8: 5"
    with pytest.raises(DataError, match="true mask of y holds values"):
        scores.add("y", good, good - 1.0)
    with pytest.raises(DataError, match="no class 'c'"):
        scores.scores("dice", "c")
    with pytest.raises(ConfigError, match="no rule 'zero'"):
        MaskEvaluator(["background", "a"], empty="zero")
    with pytest.raises(DataError, match="can't be called"):
        MaskEvaluator(["background", MACRO])
