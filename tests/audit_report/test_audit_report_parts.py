"""The numbers on the page, worked by hand."""

from __future__ import annotations

import json
import re

import numpy as np
import pandas as pd
import pytest

from mixednoise.audit.commands import next_commands
from mixednoise.audit.folder import Manifest
from mixednoise.audit.order import review_order
from mixednoise.audit.report.charts import Scale, nice_ticks, path_of
from mixednoise.audit.report.copies import contradicting_copies
from mixednoise.audit.report.counts import (
    Tally,
    patients_with_issues,
    suggested_changes,
    tallies,
    tally,
)
from mixednoise.audit.report.galleries import _some_of_every_class
from mixednoise.audit.report.history import history_charts
from mixednoise.audit.report.image_quality import image_quality_part
from mixednoise.audit.report.plane import MAX_POINTS, embedded_json, plane_points
from mixednoise.audit.report.results import results_of
from mixednoise.audit.report.truth import truth_part
from mixednoise.audit.report.verdicts import Verdicts
from mixednoise.audit.report.words import explanation, findings, headline, not_judged
from mixednoise.pages.heat import DARKEST

CLASSES = ["a", "b", "c"]


def verdicts_of(**columns) -> Verdicts:
    n = len(next(iter(columns.values())))
    table = pd.DataFrame({"id": [f"i{k}" for k in range(n)], "given_label": "a"} | columns)
    manifest = Manifest(data="", method="qmix", classes=CLASSES, images=n, fingerprint="")
    return Verdicts.of(table, manifest)


# ---- order and codes


def test_issues_come_first_then_the_lowest_quality_and_the_unknown_last() -> None:
    issue = [False, True, False, True, True, False]
    quality = [0.1, 0.5, np.nan, np.nan, 0.2, 0.05]
    assert review_order(issue, quality).tolist() == [4, 1, 3, 5, 0, 2]
    assert review_order([True] * 3, [0.5] * 3).tolist() == [0, 1, 2]


def test_states_come_from_groups_and_issues() -> None:
    found = verdicts_of(
        group=["correct", "mis_h", "mis_l", "", ""],
        is_label_issue=[True, True, True, True, False],
    )
    assert found.state.tolist() == [0, 1, 2, 1, -1]
    assert verdicts_of(loss=[1.0, 2.0]).state.tolist() == [-1, -1]


def test_a_label_that_the_manifest_lacks_is_a_class_all_the_same() -> None:
    found = verdicts_of(given_label=["c", "rare", "a"])
    assert found.classes == [*CLASSES, "rare"]
    assert found.given.tolist() == [2, 3, 0]


# ---- counts


def test_groups_are_counted_per_given_class() -> None:
    found = verdicts_of(
        given_label=["a", "a", "a", "b", "b", "c"],
        group=["correct", "correct", "mis_h", "mis_l", "", ""],
    )
    assert tally(found).counts == (2, 1, 1)
    assert tally(found).not_judged == 2
    assert [(one.name, one.counts) for one in tallies(found)] == [
        ("a", (2, 1, 0)),
        ("b", (0, 0, 1)),
    ]
    assert tallies(found)[0].shares == pytest.approx((2 / 3, 1 / 3, 0))


def test_changes_are_the_suggestions_for_labels_that_look_wrong() -> None:
    found = suggested_changes(
        verdicts_of(
            given_label=["a", "a", "b", "a", "c"],
            suggested_label=["b", "b", "a", "", "a"],
            group=["mis_h", "mis_h", "mis_h", "mis_l", "correct"],
        )
    )
    assert found is not None
    assert found.names == ["a", "b"]
    assert [[cell.count for cell in row] for row in found.cells] == [[0, 2], [1, 0]]
    assert found.cells[0][1].opacity == DARKEST
    assert found.cells[1][0].opacity == DARKEST / 2
    assert found.pairs == [(0, 1, 2), (1, 0, 1)]
    assert suggested_changes(verdicts_of(group=["correct"])) is None


def test_patients_need_two_doubts_to_be_listed() -> None:
    found, count = patients_with_issues(
        verdicts_of(
            patient=["p", "p", "p", "q", "q", "r", "r", "r", "", ""],
            group=[
                "mis_h",
                "mis_l",
                "mis_h",
                "mis_h",
                "correct",
                "mis_h",
                "mis_h",
                "",
                *["mis_h"] * 2,
            ],
        )
    )
    assert count == 2
    assert [(row.name, row.images, row.wrong, row.unreadable) for row in found] == [
        ("p", 3, 2, 1),
        ("r", 2, 2, 0),
    ]
    assert found[0].ids == ["i0", "i1", "i2"]


def test_copies_are_what_looks_the_same_or_is_the_same() -> None:
    found = verdicts_of(
        given_label=["a", "b", "a", "a", "b", "a", "c"],
        same_as=["", "i0", "", "i2", "", "", "i5"],
        is_label_issue=[False] * 6 + [True],
        label_quality=[0.5] * 7,
    )
    # i0 and i1 look the same; i2 and i3 too, with one label; i4 is byte for byte i1; i5 and i6.
    digests = ["", "x", "", "", "x", "y", "z"]
    groups = contradicting_copies(found, digests)
    assert [one.rows for one in groups] == [[5, 6], [0, 1, 4]]  # the issue first
    assert [one.identical for one in groups] == [False, False]  # i1 and i4 have one label
    assert [one.rows for one in contradicting_copies(found)] == [[5, 6], [0, 1]]
    exact = contradicting_copies(verdicts_of(given_label=["a", "b"]), ["x", "x"])
    assert [(one.rows, one.identical) for one in exact] == [([0, 1], True)]


def test_a_gallery_shows_some_of_every_class() -> None:
    given = np.array([0] * 90 + [1] * 10)
    rows = np.arange(100)
    shown = _some_of_every_class(rows, given, 20)
    assert len(shown) == 20
    assert shown == sorted(shown)
    assert shown[:15] == list(range(15))
    assert shown[15:] == [90, 91, 92, 93, 94]  # a quarter of the places, half of them shared out
    assert _some_of_every_class(rows[:7], given, 20) == list(range(7))


# ---- words


@pytest.mark.parametrize(
    ("counts", "contradicted", "said"),
    [
        ((5, 0, 0), 0, "No label looks wrong in 5 images."),
        ((4, 1, 0), 0, "1 of 5 labels needs a second look."),
        ((1200, 30, 4), 2, "36 of 1,234 labels need a second look."),
        ((0, 0, 0), 0, "No label was judged."),
    ],
)
def test_headline(counts, contradicted, said) -> None:
    assert headline(Tally("", counts, 0), contradicted) == said


def test_explanation_counts_one_and_many() -> None:
    assert explanation(Tally("", (0, 1, 1), 0), 1) == (
        "1 looks wrong although the image can be read; 1 belongs to an image that can’t be read "
        "well enough to tell; 1 looks right, but a copy of the image has another label."
    )
    assert explanation(Tally("", (3, 0, 0), 0)) == ""


def test_the_worst_class_needs_enough_images_to_be_named() -> None:
    found = verdicts_of(
        given_label=["a"] * 10 + ["b"] * 3,
        suggested_label=["b"] * 10 + ["c"] * 3,
        group=["mis_h"] * 2 + ["correct"] * 8 + ["mis_h"] * 3,
    )
    said = findings(found, tallies(found), suggested_changes(found), [])
    assert said[0] == "Labels of “a” look wrong most often: 2 of 10 (20.0%)."
    assert said[1] == "The most frequent doubt: labelled “b”, probably “c” (3 images)."


def test_unreadable_images_without_a_fault_are_told_of() -> None:
    found = verdicts_of(group=["mis_l"] * 3, image_quality=[0.1, 0.7, 0.9])
    assert findings(found, [], None, []) == [
        "Of 3 images that can’t be read, 1 has a measurable fault, such as blur or darkness; in "
        "the other 2 none was measured: they may be unusual or difficult rather than spoilt."
    ]


def test_why_images_were_not_judged() -> None:
    found = verdicts_of(split=["test", "val", "test", "train"], group=["", "", "", "correct"])
    assert not_judged(found).startswith(
        "Not judged: 1 in the validation split and 2 in the test split: dropping"
    )
    assert not_judged(verdicts_of(group=["correct"])) == ""
    assert not_judged(verdicts_of(group=["", "correct"], split="train")) == "Not judged: 1 image."


def test_commands_fit_what_was_audited(tmp_path) -> None:
    def commands(**manifest):
        values = {"data": "/d/x.csv", "method": "sscl", "classes": [], "images": 1}
        return next_commands(tmp_path, Manifest(**(values | {"fingerprint": ""} | manifest)))

    labels = [line for _, line in commands(ordinal=True)]
    assert labels == [
        f"mixednoise review {tmp_path}",
        f"mixednoise apply {tmp_path} --out corrected.csv",
        "mixednoise train corrected.csv --method sscl --ordinal --out runs/second",
    ]
    assert commands(data="/d/x.NPZ")[1][1].endswith("--out corrected.npz")
    told = {"seed": 3, "precision": "32", "separation.memory": 0.5}
    assert commands(preset="paper", options=told)[2][1] == (
        "mixednoise train corrected.csv --method sscl --preset paper --seed 3 "
        "--precision 32 --set separation.memory=0.5 --out runs/second"
    )
    masks = [line for _, line in commands(kind="segmentation", options={"epochs": 3})]
    assert masks[2].endswith("--epochs 3 --out runs/second")
    assert masks[1] == f"mixednoise apply {tmp_path} --out corrected"
    assert "mixednoise segment train --images corrected/images --masks corrected/masks" in masks[2]


# ---- plane


def test_points_are_thinned_but_never_those_with_a_card() -> None:
    n = MAX_POINTS + 500
    found = verdicts_of(group=["correct"] * n, loss=np.arange(n) / n, entropy=np.ones(n))
    points = plane_points(found, {3: "card-3", n - 2: "card-last"})
    assert len(points["id"]) == MAX_POINTS
    assert points["total"] == n
    assert {"i3", f"i{n - 2}", "i0", f"i{n - 1}"} <= set(points["id"])
    assert points["card"][points["id"].index("i3")] == "card-3"
    steps = np.diff([int(name[1:]) for name in points["id"]])
    assert steps.max() <= 2


def test_json_in_a_page_can_end_no_script() -> None:
    value = {"text": "</script><!-- & \u2028 'ä\udcfc", "numbers": [1.5, float("nan")]}
    text = embedded_json(value)
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"text": value["text"], "numbers": [1.5, None]}


# ---- charts


def test_ticks_are_round_and_inside() -> None:
    assert nice_ticks(0, 1, 6) == [0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert nice_ticks(0.31, 0.87, 4) == [0.4, 0.6, 0.8]
    assert nice_ticks(1, 3, 6, whole_numbers=True) == [1, 2, 3]
    assert nice_ticks(5, 5, 4) == [5]


def test_lines_and_areas_lie_where_the_numbers_say() -> None:
    assert Scale(0, 10, 100, 0)(2.5) == 75
    assert path_of([(0, 1), (2, 3)]) == "M0 1L2 3"
    history = pd.DataFrame(
        {
            "epoch": [1, 2, 3],
            "phase": ["warmup", "main", "main"],
            "loss": [3.0, np.nan, 1.0],
            "val_accuracy": [np.nan] * 3,
            "size_correct": [np.nan, 60, 80],
            "size_mis_h": [np.nan, 40, 20],
        }
    )
    loss, sizes = history_charts(history, 3)
    assert [curve.name for curve in loss.curves] == ["all parts"]
    assert [y for _, y in loss.curves[0].dots] == sorted(y for _, y in loss.curves[0].dots)
    assert len(loss.curves[0].dots) == 2
    assert loss.shaded is not None
    assert loss.marks
    # Of two areas the second begins where the first ends, at 80 % of the whole in epoch 3.
    heights = [re.findall(r"V([\d.]+)", curve.path) for curve in sizes.curves]
    assert heights[0][2] == heights[1][3]
    bottom, top = float(heights[0][3]), float(heights[1][2])
    assert (bottom - float(heights[0][2])) / (bottom - top) == pytest.approx(0.8, abs=1e-3)
    assert [curve.last for curve in sizes.curves] == ["80", "20"]
    assert history_charts(pd.DataFrame(), None) == []


# ---- image quality, truth, results


def test_faults_are_counted_once_per_image() -> None:
    found = verdicts_of(
        given_label=["a", "a", "b", "b"],
        image_quality=[0.2, 0.9, 0.4, 0.8],
        reasons=[
            "predicted b with 0.9, given a with 0.1; dark; dark; out of focus",
            "",
            "dark; same image as i0",
            "can't be read: truncated",
        ],
        group=["mis_h", "correct", "correct", "correct"],
    )
    part = image_quality_part(found, None)
    assert [(fault.name, fault.count) for fault in part.faults] == [
        ("dark", 2),
        ("out of focus", 1),
        ("file damaged", 1),
    ]
    assert "2 of 4 images (50.0%) have a quality below 0.5" in part.sentence
    assert "1 of these is among the labels in doubt" in part.sentence
    assert [(row.name, row.poor) for row in part.classes] == [("a", 1), ("b", 1)]
    assert part.gallery.rows == [0, 2]
    assert image_quality_part(verdicts_of(loss=[1.0]), None) is None


def test_the_list_is_marked_against_the_truth() -> None:
    found = verdicts_of(
        given_label=["a"] * 10,
        true_label=["b", "b", "a", "a", "b", *["a"] * 5],
        is_label_issue=[True, True, True, *[False] * 7],
        label_quality=[0.1, 0.2, 0.3, 0.9, 0.8, *[0.95] * 5],
        group=["mis_h", "mis_h", "mis_l", *["correct"] * 7],
        noise_group=["mis_h", "mis_l", "mis_l", *["correct"] * 7],
    )
    part = truth_part(found)
    # On the list: rows 0, 1, 2; really wrong: 0, 1, 4.
    assert "3 of 10 labels are really wrong." in part.sentences[0]
    assert "Of the 3 on the list, 2 are (precision 66.7%)" in part.sentences[0]
    assert "66.7% of all that are wrong (recall)" in part.sentences[0]
    assert "the first 10% of the list meets 33.3%" in part.sentences[1]
    # Pairs of a wrong and a right label: all but those of row 4 (0.8) with row 2 (0.3).
    assert dict(part.aurocs)["wrong labels, by label quality"] == f"{20 / 21:.3f}"
    assert part.groups.rows[1] == ["looks wrong", "1", "2", "1", "50.0%", "100%"]
    assert part.groups.rows[2] == ["can’t be read", "2", "1", "1", "100%", "50.0%"]
    assert truth_part(verdicts_of(group=["correct"])) is None


def test_no_results_without_a_measurement() -> None:
    assert results_of({}, CLASSES) is None
    assert results_of({"last": None, "best": None, "confusion": {"last": None}}, CLASSES) is None
    only_last = results_of({"last": {"accuracy": 0.5}, "best": {"accuracy": 0.5}}, CLASSES)
    assert only_last.overall.headings == ["", "last epoch"]  # no validation, no best epoch
