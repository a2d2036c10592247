"""Rows as tables, against numbers worked by hand."""

import pandas as pd
import pytest

from mixednoise.benchmark import run
from mixednoise.benchmark.tables import as_judged, leads, main_metric, tables


def row(method, noise, seed, last, best=None, data="skin", **more):
    return {
        "method": method, "data": data, "noise": noise, "seed": seed,
        "macro_f1_last": last, "macro_f1_best": last if best is None else best,
        "val_macro_f1_last": last / 2, "val_macro_f1_best": last / 2,
        "qwk_last": None, "qwk_best": None, "correct_auroc": 0.9, "mis_l_auroc": None,
        "seconds": 90.0,
    } | more  # fmt: skip


ROWS = pd.DataFrame(
    [
        row("qmix", "none", 0, 0.80),
        row("cross_entropy", "none", 0, 0.81),
        row("qmix", "mixed", 0, 0.70, 0.72),
        row("qmix", "mixed", 1, 0.74, 0.74),
        row("cross_entropy", "mixed", 0, 0.62),
        row("oracle", "mixed", 0, 0.82),
        row("qmix", "mixed", 0, 0.50, data="eyes"),
        row("cross_entropy", "mixed", 0, 0.52, data="eyes"),
        row("oracle", "mixed", 0, 0.56, data="eyes"),
        row("qmix", "strong", 0, 0.40),
    ]
)


def line(text, method):
    """Cells of every line of a method."""
    return [
        [cell.strip() for cell in found.strip("|").split("|")]
        for found in text.splitlines()
        if found.startswith(f"| {method} |")
    ]


def test_mean_and_spread_per_cell():
    skin, eyes, overall = line(tables(ROWS), "qmix")
    # mean of .70 and .74, sample deviation .02 * sqrt(2)
    assert skin == [
        "qmix", "0.800 (0.800)", "0.720 ± 0.028 (0.730 ± 0.014)", "0.400 (0.400)",
        "0.90", "", "1.5",
    ]  # fmt: skip
    assert eyes[1] == "0.500 (0.500)"
    # seed 0 of the two cells with all methods: (.70 + .50) / 2; leads +.08, -.02; gaps .20, .04
    assert overall == ["qmix", "0.600", "+3.0", "25 %", "-2.0"]


def test_methods_are_ranked_and_missing_cells_said():
    text = tables(ROWS)
    ranked = text[text.index("Mean over") :]
    assert "Of 3 cells 2 have a run of every method." in ranked
    assert ranked.index("| oracle") < ranked.index("| qmix") < ranked.index("| cross_entropy")


def test_methods_are_compared_on_the_seeds_that_all_of_them_have():
    """A lucky seed that only one method has run says nothing of the others."""
    lucky = ROWS[(ROWS["method"] == "qmix") & (ROWS["noise"] != "none")].assign(
        seed=7, macro_f1_last=1.0
    )
    assert (
        tables(pd.concat([ROWS, lucky])).partition("Mean over")[2]
        == (tables(ROWS).partition("Mean over")[2])
    )


def test_the_spread_of_the_mean_is_that_of_whole_runs_of_the_matrix():
    figures = {  # cell -> method -> seeds 0, 1
        "a": {"qmix": (0.70, 0.72), "cross_entropy": (0.60, 0.66)},
        "b": {"qmix": (0.50, 0.56), "cross_entropy": (0.50, 0.50)},
    }
    rows = pd.DataFrame(
        row(method, noise, seed, value)
        for noise, methods in figures.items()
        for method, values in methods.items()
        for seed, value in enumerate(values)
    )
    (overall,) = line(tables(rows).partition("Mean over")[2], "qmix")
    # seed 0: (.70 + .50) / 2 = .60, seed 1: .64; leads .05 and .06
    assert overall[1:3] == ["0.620 ± 0.028", "+5.5 ± 0.7"]
    # A seed that is missing in one cell is no run of the matrix. Leads: .08 (a), 0 (b).
    fewer = rows[~((rows["noise"] == "b") & (rows["seed"] == 1))]
    (overall,) = line(tables(fewer).partition("Mean over")[2], "qmix")
    assert overall[1:3] == ["0.605", "+4.0"]


def test_leads_are_paired_by_seed_and_sorted():
    ahead = leads(ROWS)
    assert list(ahead.index) == ["oracle", "qmix"]  # the baseline itself is left out
    assert list(ahead.columns) == [("skin", "none"), ("skin", "mixed"), ("eyes", "mixed")]
    # seed 0 alone: cross-entropy has not run seed 1
    assert ahead.loc["qmix"].tolist() == pytest.approx([-1, 8, -2])
    assert ahead.loc["oracle"].tolist() == pytest.approx([float("nan"), 20, 4], nan_ok=True)
    assert leads(ROWS, "val").loc["qmix"].tolist() == pytest.approx([-0.5, 4, -1])
    assert leads(ROWS[ROWS["method"] != "cross_entropy"]).empty


def test_options_are_chosen_on_validation():
    text = tables(ROWS, "val")
    assert "validation split" in text
    assert line(text, "qmix")[0][1] == "0.400 (0.400)"


def test_the_picture_shows_the_split_that_is_judged():
    shown = as_judged(ROWS, "val")
    assert shown["macro_f1_last"].tolist() == (ROWS["macro_f1_last"] / 2).tolist()
    assert as_judged(ROWS, "test") is not ROWS
    untested = ROWS.assign(macro_f1_last=[None, *ROWS["macro_f1_last"][1:]])
    assert len(as_judged(untested, "test")) == len(ROWS) - 1


def test_auroc_is_the_mean_over_noises_and_spreads_over_seeds():
    rows = pd.DataFrame(
        [
            row("qmix", noise, seed, 0.5, correct_auroc=auroc)
            for noise, seed, auroc in [
                ("a", 0, 0.90), ("b", 0, 0.70), ("a", 1, 0.92), ("b", 1, 0.72), ("a", 2, 0.01),
            ]
        ]
    )  # fmt: skip
    # a: (.90 + .92 + .01) / 3 = .61, b: .71; seeds 0 and 1 have both: .80 and .82
    assert line(tables(rows), "qmix")[0][3] == "0.66 ± 0.01"


def test_two_classes_that_are_no_grades_are_judged_by_macro_f1():
    two = ROWS.assign(qwk_last=0.3, main_metric="macro_f1")
    assert main_metric(two) == "macro_f1"


def test_grades_are_judged_by_kappa():
    grades = ROWS.assign(qwk_last=0.5, qwk_best=0.6, val_qwk_last=0.4)
    assert main_metric(grades) == "qwk"
    assert line(tables(grades), "oracle")[0][2] == "0.500 (0.600)"


def test_without_noise_there_is_nothing_to_rank():
    assert "Mean over" not in tables(ROWS[ROWS.noise == "none"])


def test_many_cells_are_drawn_also_where_the_baseline_stands_alone(tmp_path):
    alone = pd.DataFrame([row("cross_entropy", f"noise {k}", 0, 0.5) for k in range(6)])
    rivals = pd.concat([alone, alone.assign(method="qmix", macro_f1_last=0.6)])
    for name, rows in {"alone": alone, "rivals": rivals}.items():
        run._draw(rows, "test", tmp_path / name)
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    # Six blocks of bars are higher than one line of the heat map.
    heights = [
        int.from_bytes((tmp_path / n).read_bytes()[20:24], "big") for n in ("alone", "rivals")
    ]
    assert heights[0] > heights[1]
