from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from mixednoise.errors import ConfigError, DataError
from mixednoise.evaluation.paired import compare_methods, paired_bootstrap

NAN = float("nan")
OWN = np.array([0.9, 0.8, 0.95, 0.7, 0.85, 0.6])
OTHER = np.array([0.85, 0.82, 0.9, 0.6, 0.85, 0.5])
PATIENTS = ["p", "p", "q", "q", "r", "s"]


def rng(seed: int = 5) -> np.random.Generator:
    return np.random.default_rng(seed)


def test_equals_a_loop_over_cases() -> None:
    found = paired_bootstrap(OWN, OTHER, rng=rng(), resamples=50)
    source = rng()
    draws = []
    for _ in range(50):
        pick = source.integers(6, size=6)
        draws.append((OWN[pick] - OTHER[pick]).mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])))
    assert found.share_above_zero == np.mean(np.array(draws) > 0)
    assert found.difference == pytest.approx(0.28 / 6)
    assert (found.cases, found.patients, found.left_out) == (6, 6, 0)


def test_whole_patients_are_drawn() -> None:
    found = paired_bootstrap(OWN, OTHER, rng=rng(), resamples=50, groups=PATIENTS)
    source = rng()
    rows = {0: [0, 1], 1: [2, 3], 2: [4], 3: [5]}
    draws = []
    for _ in range(50):
        pick = [row for unit in source.integers(4, size=4) for row in rows[unit]]
        draws.append((OWN[pick] - OTHER[pick]).mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.percentile(draws, [2.5, 97.5])))
    assert found.patients == 4


def test_cases_without_a_score_are_left_out_of_the_pair() -> None:
    own, other = OWN.copy(), OTHER.copy()
    own[0], other[1] = NAN, NAN
    found = paired_bootstrap(own, other, rng=rng())
    assert (found.cases, found.left_out) == (4, 2)
    assert found.mean == pytest.approx(OWN[2:].mean())
    assert found.baseline_mean == pytest.approx(OTHER[2:].mean())


def test_the_interval_covers_the_true_difference_about_as_often_as_it_says() -> None:
    source = rng(0)
    covered = 0
    for _ in range(200):
        found = paired_bootstrap(
            source.normal(0.1, 1, 40), np.zeros(40), rng=source, resamples=200, level=0.9
        )
        covered += found.low <= 0.1 <= found.high
    assert 165 <= covered <= 195


def test_same_scores_are_no_difference() -> None:
    found = paired_bootstrap(OWN, OWN, rng=rng())
    assert (found.difference, found.low, found.high, found.share_above_zero) == (0, 0, 0, 0)


def test_one_patient_has_no_interval() -> None:
    found = paired_bootstrap(OWN, OTHER, rng=rng(), groups=["p"] * 6)
    assert found.difference == pytest.approx(0.28 / 6)
    assert all(math.isnan(x) for x in (found.low, found.high, found.share_above_zero))
    nothing = paired_bootstrap([], [], rng=rng())
    assert nothing.cases == 0
    assert math.isnan(nothing.difference)


def test_methods_are_matched_by_name_and_meet_the_same_resamples() -> None:
    names = list("abcdef")
    base = pd.Series(OTHER, index=names)
    own = pd.Series(OWN, index=names).sample(frac=1, random_state=1)
    groups = dict(zip(names, PATIENTS, strict=True))
    table = compare_methods(
        {"ce": base, "student": own, "again": own}, "ce", rng=rng(), groups=groups
    )
    assert list(table["method"]) == ["student", "again"]
    assert (table["baseline"] == "ce").all()
    assert table["difference"].tolist() == pytest.approx([0.28 / 6] * 2)
    first, second = table.drop(columns="method").to_dict("records")
    assert first == second
    assert first["patients"] == 4


def test_bad_input() -> None:
    base = pd.Series(OTHER, index=list("abcdef"))
    with pytest.raises(ConfigError, match="no method 'x'"):
        compare_methods({"ce": base}, "x", rng=rng())
    with pytest.raises(DataError, match="not scored on the same cases") as error:
        compare_methods({"ce": base, "student": base.iloc[1:]}, "ce", rng=rng())
    assert "lacking: a" in str(error.value)
    with pytest.raises(DataError, match="scores a case twice"):
        compare_methods({"ce": base, "student": pd.concat([base, base])}, "ce", rng=rng())
    with pytest.raises(DataError, match="don't pair up"):
        paired_bootstrap(OWN, OTHER[1:], rng=rng())
    with pytest.raises(DataError, match="infinite"):
        paired_bootstrap(OWN, np.full(6, np.inf), rng=rng())
    with pytest.raises(DataError, match="groups"):
        paired_bootstrap(OWN, OTHER, rng=rng(), groups=["p"])
    with pytest.raises(ConfigError, match="bootstrap"):
        paired_bootstrap(OWN, OTHER, rng=rng(), level=1.0)
