from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from mixednoise.audit.table import audit_table
from mixednoise.data.table import Dataset, make_table
from mixednoise.errors import DataError

NAMES = ("normal", "cataract", "glaucoma")
BASE = [
    *("id", "split", "given_label", "suggested_label", "p_correct", "p_mis_h", "p_mis_l"),
    *("loss", "entropy", "group", "is_label_issue", "label_quality", "predicted_label", "reasons"),
]
NOT_JUDGED = [np.nan] * 3


def dataset(labels: list[int], **columns: object) -> Dataset:
    ids = [f"eye_{i}.jpg" for i in range(len(labels))]
    columns = {"split": ["train"] * len(labels)} | columns
    return Dataset(make_table(ids, labels, **columns), NAMES, Path("labels.csv"))  # type: ignore[arg-type]


def audit(
    labels: list[int], p: list[list[float]], proba: list[list[float]], **options: object
) -> pd.DataFrame:
    """Loss and entropy follow from the probabilities, as after the last epoch."""
    probabilities = np.array(proba, dtype=np.float64).reshape(-1, 3)
    given = probabilities[np.arange(len(labels)), labels]
    columns = options.pop("columns", {})
    return audit_table(
        dataset(labels, **columns),  # type: ignore[arg-type]
        p=np.array(p, dtype=np.float64).reshape(-1, 3),
        loss=-np.log(given),
        entropy=-(probabilities * np.log(np.clip(probabilities, 1e-12, 1))).sum(axis=1),
        probabilities=probabilities,
        **options,  # type: ignore[arg-type]
    )


def test_columns_are_those_that_users_scripts_rely_on() -> None:
    plain = audit([0], [[1, 0, 0]], [[0.9, 0.1, 0]])
    assert list(plain) == BASE
    known = audit(
        [0, 0],
        [[1, 0, 0]] * 2,
        [[0.9, 0.1, 0]] * 2,
        columns={"true_label": [2, -1], "noise_group": ["mis_h", pd.NA]},
    )
    assert list(known) == [*BASE, "true_label", "noise_group"]
    assert known["true_label"].tolist() == ["glaucoma", ""]
    assert known["noise_group"].tolist() == ["mis_h", ""]


def test_each_group_has_its_verdict() -> None:
    table = audit(
        [0, 0, 0],
        [[0.9, 0.08, 0.02], [0.02, 0.95, 0.03], [0.0, 0.1, 0.9]],
        [[0.8, 0.1, 0.1], [0.01, 0.97, 0.02], [0.34, 0.36, 0.3]],
    )
    assert table["id"].tolist() == ["eye_0.jpg", "eye_1.jpg", "eye_2.jpg"]
    assert table["group"].tolist() == ["correct", "mis_h", "mis_l"]
    assert table["given_label"].tolist() == ["normal"] * 3
    assert table["predicted_label"].tolist() == ["normal", "cataract", "cataract"]
    # No label is offered for an image that can't be read.
    assert table["suggested_label"].tolist() == ["normal", "cataract", ""]
    assert table["is_label_issue"].tolist() == [False, True, True]
    assert table["is_label_issue"].dtype == bool
    # The geometric mean of both odds, a fifth of a vote for either side added to the verdict.
    odds = np.sqrt([1.1 / 0.3 * 0.8 / 0.2, 0.22 / 1.18 * 0.01 / 0.99, 0.2 / 1.2 * 0.34 / 0.66])
    assert table["label_quality"].tolist() == pytest.approx(odds / (1 + odds))
    assert table["loss"].tolist() == pytest.approx(-np.log([0.8, 0.01, 0.34]))
    assert table["p_mis_h"].tolist() == pytest.approx([0.08, 0.95, 0.1])


def test_reasons_can_be_checked_by_a_person() -> None:
    table = audit(
        [0, 0, 0],
        [[0.9, 0.08, 0.02], [0.02, 0.95, 0.03], [0.0, 0.1, 0.9]],
        [[0.8, 0.1, 0.1], [0.01, 0.97, 0.02], [0.34, 0.33, 0.33]],
        looks=([40, 3, 20], [40, 40, 40]),
    )
    assert table["reasons"].tolist() == [
        "",
        "predicted cataract with 0.97, given normal with 0.01; "
        "agreed with the given label in 3 of 40 looks",
        "network undecided (entropy 1.00 of its maximum); "
        "no label suggested for an unreadable image; "
        "agreed with the given label in 20 of 40 looks",
    ]


def test_an_unreadable_image_that_looks_unlike_the_others_is_told_so() -> None:
    table = audit(
        [0] * 5,
        [[0.9, 0.1, 0.0]] * 3 + [[0.0, 0.1, 0.9]] * 2,
        [[0.8, 0.1, 0.1]] * 3 + [[0.9, 0.05, 0.05]] * 2,
        unusual=[0.5, 0.4, 0.6, 0.3, 30.0],
    )
    assert table["unusual"].tolist() == pytest.approx([0.4, 0.2, 0.6, 0.0, 0.8])
    assert table["reasons"][4] == (
        "looks less like the others than 80 % of the images; "
        "no label suggested for an unreadable image"
    )
    assert "less like the others" not in " ".join(table["reasons"][:4])


def test_high_loss_and_close_calls_are_told() -> None:
    sure = [[0.9, 0.1, 0.0]] * 9
    table = audit(
        [0] * 9 + [0, 1],
        [[1.0, 0, 0]] * 9 + [[0.45, 0.55, 0.0], [0.5, 0.3, 0.2]],
        [*sure, [0.55, 0.4, 0.05], [0.6, 0.4, 0.0]],
    )
    # The tenth image given as normal: nine of ten have a lower loss.
    assert table["reasons"][9] == (
        "predicted the given normal all the same, with 0.55; loss above 90 % of its given class; "
        "close call: mis_h 0.55, correct 0.45"
    )
    assert table["suggested_label"][9] == "normal"
    assert table["reasons"][10] == (
        "kept although predicted normal with 0.60, given cataract with 0.40; "
        "close call: correct 0.50, mis_h 0.30"
    )


def test_unreadable_but_sure_network_still_gets_a_reason() -> None:
    table = audit([0], [[0, 0.1, 0.9]], [[0.999, 0.001, 0.0]])
    assert table["reasons"][0] == (
        "loss and entropy lie with the unreadable images; "
        "no label suggested for an unreadable image"
    )


def test_test_rows_are_scored_but_never_accused() -> None:
    table = audit(
        [0, 0],
        [NOT_JUDGED, NOT_JUDGED],
        [[0.001, 0.989, 0.01], [0.7, 0.2, 0.1]],
        columns={"split": ["test", "val"]},
    )
    assert table["split"].tolist() == ["test", "val"]
    assert table["group"].tolist() == ["", ""]
    assert table["is_label_issue"].tolist() == [False, False]
    assert table["suggested_label"].tolist() == ["normal", "normal"]
    assert table["p_correct"].isna().all()
    assert table["label_quality"].tolist() == pytest.approx([0.001, 0.7])
    assert table["predicted_label"].tolist() == ["cataract", "normal"]
    assert table["reasons"].tolist() == [
        "predicted cataract with 0.99, given normal with less than 0.01",
        "",
    ]


def test_rows_without_any_score() -> None:
    with np.errstate(invalid="ignore"):
        table = audit(
            [0, 2], [[1, 0, 0], NOT_JUDGED], [[0.9, 0.1, 0.0], NOT_JUDGED],
            columns={"split": ["train", pd.NA]},
        )  # fmt: skip
    assert table["predicted_label"].tolist() == ["normal", ""]
    assert table["split"].tolist() == ["train", ""]
    assert table["suggested_label"].tolist() == ["normal", "glaucoma"]
    assert np.isnan(table["label_quality"][1])
    assert table["reasons"][1] == "not scored"


def test_loss_is_ranked_within_the_given_class_and_among_judged_rows_only() -> None:
    # The rare class has higher losses throughout; its lowest one is nothing remarkable.
    low, high = [0.9, 0.05, 0.05], [0.6, 0.3, 0.1]
    table = audit(
        [0] * 5 + [1] * 2 + [1],
        [[1.0, 0, 0]] * 5 + [[0.1, 0.9, 0.0]] * 2 + [NOT_JUDGED],
        [low] * 5 + [high, [0.7, 0.2, 0.1], low],
    )
    assert "loss above" not in table["reasons"][5]
    assert table["reasons"][6] == "predicted normal with 0.70, given cataract with 0.20"


def test_equal_losses_are_not_above_each_other() -> None:
    table = audit([0] * 8, [[1.0, 0, 0]] * 4 + [[0, 1.0, 0]] * 4, [[0.3, 0.6, 0.1]] * 8)
    assert not table["reasons"].str.contains("loss above").any()


def test_group_can_be_given_and_unjudged_rows_stay_out() -> None:
    table = audit(
        [0, 0],
        [[0.6, 0.4, 0.0], NOT_JUDGED],
        [[0.2, 0.8, 0.0]] * 2,
        group=np.array([1, 0], np.int8),
    )
    assert table["group"].tolist() == ["mis_h", ""]
    assert table["suggested_label"].tolist() == ["cataract", "normal"]


def test_survives_csv_with_the_same_words(tmp_path: Path) -> None:
    table = audit([0, 1], [[0, 1, 0], [0, 0, 1]], [[0.1, 0.9, 0], [0.3, 0.4, 0.3]])
    table.to_csv(tmp_path / "samples.csv", index=False)
    again = pd.read_csv(tmp_path / "samples.csv", keep_default_na=False)
    assert again["suggested_label"].tolist() == ["cataract", ""]
    assert again["is_label_issue"].dtype == bool
    assert again["reasons"].tolist() == table["reasons"].tolist()


def test_empty_data_set() -> None:
    assert list(audit([], [], [])) == BASE
    assert len(audit([], [], [])) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"p": np.zeros((1, 3))}, "p doesn't fit"),
        ({"p": [[0.5, 0.6, 0.7]] * 2}, "rows of p are no probabilities"),
        ({"p": [[0.5, 0.5, np.nan]] * 2}, "rows of p are no probabilities"),
        ({"probabilities": [[3.0, -2.0, 0.0]] * 2}, "rows of probabilities are no probabilities"),
        ({"loss": [np.inf, 0]}, "1 infinite values"),
        ({"entropy": [0.0]}, "entropy doesn't fit"),
        ({"group": [0, 3]}, "group doesn't fit"),
        ({"looks": ([1], [1])}, "looks"),
    ],
)
def test_arrays_that_dont_fit(change: dict[str, object], message: str) -> None:
    arrays: dict[str, object] = {
        "p": [[1.0, 0, 0]] * 2,
        "loss": [0.1, 0.2],
        "entropy": [0.1, 0.2],
        "probabilities": [[0.8, 0.1, 0.1]] * 2,
    }
    with pytest.raises(DataError, match=message):
        audit_table(dataset([0, 1]), **(arrays | change))  # type: ignore[arg-type]
