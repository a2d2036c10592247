"""What is found before anything starts, and what of it stops."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from reader_fixtures import touch, write_table

from mixednoise.data.checks import (
    Problem,
    Report,
    check_splits,
    check_store,
    check_table,
    set_aside_unusable,
)
from mixednoise.data.readers import read_dataset
from mixednoise.data.table import Dataset, make_table
from mixednoise.errors import DataError


def dataset(labels, classes=("a", "b"), **columns) -> Dataset:
    ids = columns.pop("ids", [f"{i}.png" for i in range(len(labels))])
    return Dataset(make_table(ids, labels, **columns), tuple(classes), Path("t.csv"))


@dataclass
class FakeStore:
    readable: np.ndarray
    content_hash: np.ndarray
    reasons: list[str] = field(default_factory=list)


def store(hashes, unreadable=()) -> FakeStore:
    """Hashes by row; unreadable rows are truncated."""
    readable = np.array([row not in unreadable for row in range(len(hashes))])
    return FakeStore(readable, np.array(hashes), ["" if ok else "truncated" for ok in readable])


def found(report: Report) -> list[tuple[str, tuple[int, ...]]]:
    return [(problem.severity, problem.rows) for problem in report.problems]


def test_nothing_wrong_says_nothing():
    ds = dataset([0, 1] * 6, split=["train", "train", "val", "val", "test", "test"] * 2)
    report = check_table(ds)
    assert report.problems == []
    assert report.text() == ""
    report.raise_if_stopped()


def test_a_patient_in_two_splits_stops_with_names():
    ds = dataset(
        [0, 1, 0, 1, 0, 1],
        split=["train", "train", "train", "test", "test", None],
        group=["p1", "p2", None, "p1", None, "p2"],
    )
    report = check_table(ds)
    problem = report.of("stop")[0]
    assert problem.rows == (0, 3)
    assert problem.found == "p1 in train and test"
    assert problem.fix
    with pytest.raises(DataError, match="1 group"):
        report.raise_if_stopped()


def test_crossing_patients_are_counted_and_five_are_named():
    n = 8
    ds = dataset(
        [0, 0, 1, 1] * (n // 2),
        split=["train", "test"] * n,
        group=[f"p{i // 2}" for i in range(2 * n)],
    )
    assert found(check_splits(ds)) == [("stop", tuple(range(16)))]
    assert "p4 in train and test and 3 more" in check_splits(ds).text()


@pytest.mark.parametrize(
    ("labels", "split", "what"),
    [
        ([0, 0, 0], None, "all of one class"),
        ([0, 1, 0, 1], ["train", "test", "train", "test"], "1 class without an image to train on"),
        ([0, 1, 0, 1], ["val", "val", "test", "test"], "no images to train on"),
    ],
)
def test_classes_that_cannot_be_learned_stop_training_only(labels, split, what):
    ds = dataset(labels, split=split)
    report = check_table(ds)
    assert what in report.text()
    assert report.stopped
    assert not check_table(ds, training=False).stopped


def test_rows_without_a_split_can_still_be_trained_on():
    assert not check_table(dataset([0, 0, 1, 1], split=["test", None, None, None])).stopped


def test_few_images_and_evaluation_splits_without_a_class_are_warnings():
    ds = dataset(
        [0, 0, 0, 1, 1, 2],
        classes=("a", "b", "c"),
        split=["train", "val", "test", "train", "test", "train"],
    )
    report = check_table(ds)
    assert [problem.severity for problem in report.problems] == ["warn"] * 3
    text = report.text()
    assert "1 class with a single image" in text
    assert "the val split lacks 2 classes" in text
    assert "the test split lacks 1 class" in text


def test_two_images_of_a_similar_name_are_a_warning():
    ds = dataset([0] * 5 + [1] * 5 + [2] * 2, classes=("glaucoma", "normal", "glacoma"))
    report = check_table(ds)
    assert [problem.severity for problem in report.problems] == ["warn"]
    assert "'glacoma' (2): very similar to 'glaucoma' (5)" in report.text()


def test_tables_made_in_python_are_checked_too():
    ds = dataset([0, 1, 2, -1], ids=["x", "y", "x", "z"])
    assert found(check_table(ds))[:2] == [("stop", (0, 2)), ("stop", (2, 3))]


def test_no_rows():
    with pytest.raises(DataError, match="holds no image"):
        check_table(dataset([])).raise_if_stopped()


def test_missing_and_empty_files_are_set_aside(tmp_path):
    touch(tmp_path, [f"{i}.png" for i in range(5)])
    (tmp_path / "1.png").write_bytes(b"")
    (tmp_path / "3.png").unlink()
    (tmp_path / "folder").mkdir()
    paths = [str(tmp_path / f"{i}.png") for i in range(5)] + [str(tmp_path / "folder")]
    ds = dataset([0, 1, 0, 1, 0, 1], path=paths)
    report = check_table(ds)
    assert not report.stopped
    assert ("warn", (3, 5)) in found(report)
    assert ("warn", (1,)) in found(report)
    left = set_aside_unusable(ds, report)
    assert left.table["id"].tolist() == ["0.png", "2.png", "4.png"]
    assert dict(zip(left.set_aside["id"], left.set_aside["reason"], strict=True)) == {
        "1.png": "empty file (0 bytes)",
        "3.png": "image file not found",
        "5.png": "image file not found",
    }
    # Class b has lost all its images by that.
    assert check_splits(left).stopped
    assert set_aside_unusable(left, Report()) is left


def test_most_files_gone_stops(tmp_path):
    ds = dataset([0, 1, 0, 1], path=[str(tmp_path / f"{i}.png") for i in range(4)])
    assert check_table(ds).stopped


def test_what_reading_set_aside_is_told(tmp_path):
    touch(tmp_path, [f"{i}.png" for i in range(6)])
    rows = [f"{i}.png,{'ab'[i % 2]}" for i in range(4)]
    rows += ["4.png,", "5.png,", "gone.png,a", "0.png,a", "1.png,b"]
    report = check_table(read_dataset(write_table(tmp_path / "t.csv", "image,label", rows)))
    assert [(problem.severity, problem.what, problem.found) for problem in report.problems] == [
        ("info", "2 rows set aside: no label", "4.png, 5.png"),
        ("warn", "1 row set aside: image file not found", "gone.png"),
        ("info", "2 rows set aside: repeats another row", "0.png, 1.png"),
    ]


def test_unreadable_images_warn_and_are_set_aside():
    ds = dataset([0, 1, 0, 1])
    report = check_store(ds, store(["h0", "", "h2", "h3"], unreadable=[1]))
    assert found(report) == [("warn", (1,))]
    assert "1.png: truncated" in report.text()
    assert set_aside_unusable(ds, report).set_aside["id"].tolist() == ["1.png"]


def test_a_class_of_unreadable_images_stops():
    report = check_store(dataset([0, 1, 0, 0]), store(["a", "b", "c", "d"], unreadable=[1]))
    assert report.stopped
    assert "1 class without an image to train on" in report.text()
    everything = check_store(dataset([0, 1]), store(["", ""], unreadable=[0, 1]))
    assert found(everything) == [("stop", (0, 1))]


def test_identical_images():
    ds = dataset(
        [0, 1, 0, 0, 0, 1, 0, 1],
        split=["train", "train", "train", "train", "train", "test", "test", "test"],
    )
    hashes = ["labels", "labels", "same", "same", "leak", "leak", "", ""]
    report = check_store(ds, store(hashes))
    assert not report.stopped
    assert found(report) == [
        ("warn", (4, 5)),  # in two splits
        ("warn", (0, 1, 4, 5)),  # with different labels
        ("info", (2, 3)),
    ]
    text = report.text()
    assert "2 images, 1 set of identical content, in more than one split" in text
    assert "0.png (a, train) = 1.png (b, train); 4.png (a, train) = 5.png (b, test)" in text


def test_identical_images_before_a_split_is_made_are_no_leak():
    report = check_store(dataset([0, 0, 1, 1]), store(["x", "x", "y", "z"]))
    assert found(report) == [("info", (0, 1))]
    assert "0.png (a) = 1.png (a)" in report.text()


def test_a_store_of_other_data_is_refused():
    with pytest.raises(ValueError, match="3 images, the table 2 rows"):
        check_store(dataset([0, 1]), store(["", "", ""]))


def test_reports_add_up_and_one_error_holds_them_all():
    report = (
        Report([Problem("warn", "second", found="w")])
        + Report([Problem("stop", "first", expected="e", found="f", fix="do")])
        + Report([Problem("info", "third")])
    )
    lines = [line for line in report.text().splitlines() if not line.startswith("  ")]
    assert lines == ["error: first", "warning: second", "note: third"]
    with pytest.raises(DataError) as caught:
        report.raise_if_stopped()
    assert str(caught.value) == "first\n  expected: e\n  found: f\n  what to do: do"
    assert caught.value.__notes__ == ["also noticed: second"]
    with pytest.raises(DataError) as caught:
        (report + Report([Problem("stop", "fourth", fix="do this")])).raise_if_stopped()
    lines = str(caught.value).splitlines()
    assert lines[0] == "the data has 2 problems to solve first"
    assert lines[1:3] == ["1. first", "  expected: e"]
    assert lines[-2:] == ["2. fourth", "  what to do: do this"]
    Report([Problem("warn", "w")]).raise_if_stopped()
    with pytest.raises(DataError) as caught:
        Report([Problem("stop", "only", expected="e", found="f", fix="do")]).raise_if_stopped()
    assert (caught.value.problem, caught.value.fix) == ("only", "do")
