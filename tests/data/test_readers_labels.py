"""Labels: numbers, order, grades, slips of the pen; every message names file, line and value."""

from __future__ import annotations

import re

import pytest
from reader_fixtures import labelled, touch, write_table

from mixednoise.data.readers import read_dataset
from mixednoise.errors import ConfigError, DataError


def error_of(path, **options) -> str:
    with pytest.raises(DataError) as caught:
        read_dataset(path, **options)
    return str(caught.value)


def test_integers_sort_by_value_and_names_by_letter(tmp_path):
    assert read_dataset(labelled(tmp_path / "a", ["10", "2", "1", "10"])).class_names == (
        "1",
        "2",
        "10",
    )
    assert read_dataset(labelled(tmp_path / "b", ["b", "a10", "a2"])).class_names == (
        "a10",
        "a2",
        "b",
    )


def test_numbers_with_a_point_are_grades(tmp_path):
    ds = read_dataset(labelled(tmp_path, ["2.0", "0", "1.", "2", " 0.0 "]))
    assert ds.class_names == ("0", "1", "2")
    assert ds.labels.tolist() == [2, 0, 1, 2, 0]


@pytest.mark.parametrize(
    ("labels", "ordinal"),
    [
        (["0", "1", "2"], True),
        (["3", "1", "2", "4"], True),
        (["0", "1"], False),
        (["0", "2", "4"], False),
        (["a", "b", "c"], False),
    ],
)
def test_ordinal_is_three_consecutive_integers_or_what_the_user_says(tmp_path, labels, ordinal):
    path = labelled(tmp_path, labels)
    assert read_dataset(path).ordinal is ordinal
    assert read_dataset(path, ordinal=not ordinal).ordinal is not ordinal


def test_class_names_fix_set_and_order(tmp_path):
    path = labelled(tmp_path, ["severe", "none", "none"])
    ds = read_dataset(path, class_names=["none", "mild", "severe"])
    assert ds.class_names == ("none", "mild", "severe")
    assert ds.labels.tolist() == [2, 0, 0]


@pytest.mark.parametrize("names", [["a"], ["a", "a"], ["a", ""], ["1", "1.0"]])
def test_class_names_must_be_different_and_two_at_least(tmp_path, names):
    with pytest.raises(ConfigError, match="class names"):
        read_dataset(labelled(tmp_path, ["a", "b"]), class_names=names)


def test_a_label_outside_the_set_names_file_line_value_and_the_nearest_class(tmp_path):
    labels = ["cataract", "normal"] * 8
    labels[15] = "normla"  # row 16 below a header: line 17
    message = error_of(labelled(tmp_path, labels), class_names=["normal", "cataract"])
    assert "'normla' in labels.csv, line 17 (did you mean 'normal'?)" in message
    assert "--classes" in message


def test_lines_are_those_of_an_editor(tmp_path):
    """Blank lines and a quoted line break shift the row number away from the line."""
    touch(tmp_path, ["a.png", "b.png", "c.png", "d.png"])
    (tmp_path / "t.csv").write_text(
        'image,note,label\r\n\r\na.png,"two\nlines",x\r\n\r\nb.png,,y\r\n  \r\nc.png,,zz\r\n'
    )
    message = error_of(tmp_path / "t.csv", class_names=["x", "y"])
    assert "'zz' in t.csv, line 8" in message


@pytest.mark.parametrize(
    ("labels", "slip"),
    [
        (["glaucoma"] * 5 + ["normal"] * 5 + ["glacoma"], "'glacoma' in labels.csv, line 12"),
        (["glaucoma"] * 5 + ["normal"] * 5 + ["glaucmoa"], "very similar to 'glaucoma' (5)"),
        (["Normal"] * 4 + ["normal"] * 6 + ["sick"] * 3, "'Normal' in labels.csv, line 2"),
        (["mild DR"] * 4 + ["mild_dr"] * 2 + ["none"] * 3, "but for case, spaces or zeros"),
        (["0", "1", "2"] * 4 + ["22"], "far from the other grades 0 to 2"),
        (["0", "1", "2"] * 4 + ["O"], "all other classes are numbers: 0 to 2"),
        (["0", "1", "2"] * 4 + ["-1"] * 3, "negative labels"),
    ],
)
def test_slips_stop_with_what_to_do(tmp_path, labels, slip):
    message = error_of(labelled(tmp_path, labels))
    assert slip in message
    assert "name every class with --classes" in message
    # ... and saying that the classes are right is enough.
    names = sorted(set(labels))
    assert read_dataset(labelled(tmp_path, labels), class_names=names).class_names == tuple(names)


@pytest.mark.parametrize(
    "labels",
    [
        ["T1"] * 5 + ["T2"] * 5 + ["T3"],  # digits differ on purpose
        ["0"] * 9 + ["1"] * 5 + ["2"] * 3 + ["4"],  # a rare grade
        ["nv"] * 9 + ["mel"] * 5 + ["df"],  # a rare class of another name
        ["glaucoma"] * 5 + ["glacoma"] * 3 + ["normal"] * 5,  # too many for a slip
        ["a", "b", "ab"],
    ],
)
def test_rare_classes_are_no_slips(tmp_path, labels):
    assert set(read_dataset(labelled(tmp_path, labels)).class_names) == set(labels)


def test_a_column_of_names_is_no_label(tmp_path):
    message = error_of(labelled(tmp_path, [f"patient {i}" for i in range(25)]))
    assert "25 different labels in 25 rows" in message
    assert "--label-column" in message


def test_all_problems_in_one_message(tmp_path):
    touch(tmp_path, [f"{i}.png" for i in range(8)])
    path = write_table(
        tmp_path / "t.csv",
        "image,label,split,patient",
        [
            "0.png,a,train,p1",
            "1.png,b,test,p1",
            "2.png,aa,train,p2",
            "3.png,b,tset,p3",
            "4.png,a,train,p4",
            "4.png,b,train,p4",
            "gone.png,b,train,p5",
        ],
    )
    message = error_of(path, class_names=["a", "b"])
    assert "3 problems" not in message
    assert "4 problems to solve first" in message
    assert "'aa' in t.csv, line 4" in message
    assert "'tset' in t.csv, line 5 (did you mean 'test'?)" in message
    assert "4.png: 'a' in t.csv, line 6, 'b' in t.csv, line 7" in message
    assert "p1 in train and test" in message


@pytest.mark.parametrize(
    ("header", "row", "what"),
    [
        ("image,label,split", "1.png,b,fold3", "unknown split in 1 row"),
        ("image,label,noise_group", "1.png,b,wrong", "unknown noise group in 1 row"),
    ],
)
def test_words_that_a_column_cannot_hold(tmp_path, header, row, what):
    touch(tmp_path, ["0.png", "1.png"])
    path = write_table(tmp_path / "t.csv", header, ["0.png,a,", row])
    message = error_of(path)
    assert what in message
    assert "t.csv, line 3" in message


def test_an_unknown_true_label_is_an_error_where_classes_are_fixed(tmp_path):
    touch(tmp_path, ["0.png", "1.png"])
    path = write_table(tmp_path / "t.csv", "image,label,true_label", ["0.png,a,b", "1.png,b,bb"])
    assert "a true label outside the set" in error_of(path, class_names=["a", "b"])
    assert read_dataset(path).class_names == ("a", "b", "bb")


def test_message_is_short_when_everything_is_wrong(tmp_path):
    message = error_of(
        labelled(tmp_path, [f"{a}{b}" for a in "abcdefghij" for b in "xyz"]),
        class_names=["left", "right"],
    )
    assert re.search(r"30 rows .* outside the set", message)
    assert "and 25 more" in message
    assert len(message) < 1500
