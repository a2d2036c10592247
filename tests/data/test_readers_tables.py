"""CSV and TSV: columns, images, splits, groups, what is set aside."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from reader_fixtures import labelled, touch, write_table

from mixednoise.data.readers import read_dataset, read_image_list
from mixednoise.data.table import Dataset, make_table
from mixednoise.errors import ConfigError, DataError


def test_table_in_order_of_the_file(tmp_path):
    path = labelled(tmp_path, ["mel", "nv", "mel", "bkl"])
    ds = read_dataset(path)
    assert ds.table["id"].tolist() == ["00.png", "01.png", "02.png", "03.png"]
    assert ds.class_names == ("bkl", "mel", "nv")
    assert ds.labels.tolist() == [1, 2, 1, 0]
    assert ds.table["path"].tolist() == [str(tmp_path / f"0{i}.png") for i in range(4)]
    assert ds.table["split"].isna().all()
    assert ds.table["true_label"].tolist() == [-1] * 4
    assert ds.source == path
    assert not ds.ordinal
    assert len(ds.set_aside) == 0


@pytest.mark.parametrize(
    "header",
    [
        "image_id,dx",
        "id_code,diagnosis",
        "filename,class",
        "file,grade",
        "Path,Target",
        "IMAGE,Level",
    ],
)
def test_common_column_names_in_any_case(tmp_path, header):
    ds = read_dataset(labelled(tmp_path, ["a", "b", "a", "b"], header))
    assert ds.labels.tolist() == [0, 1, 0, 1]


def test_named_columns_win_over_common_names(tmp_path):
    touch(tmp_path, ["a.png", "b.png"])
    path = write_table(
        tmp_path / "t.csv",
        "image,label,file name,finding,part,who,grading",
        ["x,9,a.png,sick,train,p1,good", "y,9,b.png,well,test,p2,poor"],
    )
    ds = read_dataset(
        path,
        image_column="file name",
        label_column="finding",
        split_column="part",
        group_column="who",
        quality_column="grading",
    )
    assert ds.table["id"].tolist() == ["a.png", "b.png"]
    assert ds.class_names == ("sick", "well")
    assert ds.table["split"].tolist() == ["train", "test"]
    assert ds.table["group"].tolist() == ["p1", "p2"]
    assert ds.table["quality"].tolist() == ["good", "poor"]


@pytest.mark.parametrize(
    ("name", "separator"), [("t.csv", ","), ("t.csv", ";"), ("t.csv", "\t"), ("t.tsv", "\t")]
)
@pytest.mark.parametrize(("encoding", "end"), [("utf-8-sig", "\r\n"), ("utf-16", "\n")])
def test_separators_and_encodings_of_spreadsheets(tmp_path, name, separator, encoding, end):
    touch(tmp_path, ["ä.png", "b.png"])
    text = end.join(
        separator.join(row) for row in (("image", "label"), ("ä.png", "1"), ("b.png", "2"))
    )
    (tmp_path / name).write_bytes(text.encode(encoding))
    ds = read_dataset(tmp_path / name)
    assert ds.table["id"].tolist() == ["ä.png", "b.png"]
    assert ds.class_names == ("1", "2")


def test_what_corrupt_writes_comes_back(tmp_path):
    touch(tmp_path / "images", ["a.png", "b.png", "c.png", "d.png"])
    write_table(
        tmp_path / "labels.csv",
        "image,label,split,true_label,noise_group,patient",
        [
            "images/a.png,mild,train,none,mis_h,7",
            "images/b.png,none,train,none,correct,7",
            "images/c.png,mild,val,mild,,8",
            "images/d.png,none,test,severe,correct,9",
        ],
    )
    ds = read_dataset(tmp_path)
    assert ds.class_names == ("mild", "none", "severe")
    assert ds.labels.tolist() == [0, 1, 0, 1]
    assert ds.table["true_label"].tolist() == [1, 1, 0, 2]
    assert ds.table["noise_group"].tolist()[:2] == ["mis_h", "correct"]
    assert ds.table["noise_group"].isna().tolist() == [False, False, True, False]
    assert ds.table["split"].tolist() == ["train", "train", "val", "test"]
    assert ds.table["group"].tolist() == ["7", "7", "8", "9"]


def test_the_verdict_column_of_an_audit_is_no_patient(tmp_path):
    touch(tmp_path, ["a.png", "b.png"])
    path = write_table(
        tmp_path / "t.csv", "image,label,group", ["a.png,x,correct", "b.png,y,mis_h"]
    )
    assert read_dataset(path).table["group"].isna().all()


def test_split_names(tmp_path):
    words = ["Train", "training", "VAL", "valid", "validation", "test", "testing", ""]
    rows = [f"{i}.png,{i % 2},{word}" for i, word in enumerate(words)]
    touch(tmp_path, [f"{i}.png" for i in range(8)])
    ds = read_dataset(write_table(tmp_path / "t.csv", "image,label,split", rows))
    assert ds.table["split"].tolist()[:7] == ["train"] * 2 + ["val"] * 3 + ["test"] * 2
    assert ds.table["split"].isna().tolist() == [False] * 7 + [True]


def test_a_table_per_split(tmp_path):
    touch(tmp_path, ["a.png", "b.png", "c.png"])
    write_table(tmp_path / "my_train.csv", "image,label", ["a.png,x", "b.png,y"])
    write_table(tmp_path / "my_test.csv", "image,label", ["c.png,y"])
    ds = read_dataset(tmp_path)
    by_id = dict(zip(ds.table["id"], ds.table["split"], strict=True))
    assert by_id == {"a.png": "train", "b.png": "train", "c.png": "test"}
    # The name of a single table tells nothing: it is all that there is.
    assert read_dataset(tmp_path / "my_train.csv").table["split"].isna().all()


def test_images_beside_the_table_then_in_images_then_under_the_root(tmp_path):
    data, root = tmp_path / "data", tmp_path / "elsewhere"
    touch(data, ["beside.png", "both.png", "images/inside.png", "images/both.png"])
    touch(root, ["both.png", "rooted.png", "deep/er/below.png", "sub/named.png"])
    names = ["beside.png", "inside.png", "both.png", "rooted.png", "below.png", "sub/named.png"]
    path = write_table(data / "t.csv", "image,label", [f"{n},{i % 2}" for i, n in enumerate(names)])
    ds = read_dataset(path, image_root=root)
    assert ds.table["path"].tolist() == [
        str(data / "beside.png"),
        str(data / "images" / "inside.png"),
        str(data / "both.png"),
        str(root / "rooted.png"),
        str(root / "deep" / "er" / "below.png"),
        str(root / "sub" / "named.png"),
    ]
    assert ds.table["id"].tolist() == names


@pytest.mark.parametrize(
    ("value", "file"),
    [
        ("ISIC_1", "ISIC_1.jpg"),
        ("ISIC_1", "ISIC_1.JPEG"),
        ("1.2.840.7", "1.2.840.7.dcm"),
        ("a/b", "a/b.tiff"),
        ("a\\b.bmp", "a/b.bmp"),
        ("scan.PNG", "scan.png"),
        ("scan.png", "scan.PNG"),
        ("no_suffix", "no_suffix"),
    ],
)
def test_suffix_is_completed_in_any_case(tmp_path, value, file):
    touch(tmp_path, [file, "other.png"])
    path = write_table(tmp_path / "t.csv", "image,label", [f"{value},x", "other,y"])
    ds = read_dataset(path)
    assert ds.table["path"][0] == str(tmp_path / file)
    assert ds.table["id"][0] == value


def test_absolute_image_paths(tmp_path):
    touch(tmp_path / "far", ["a.png", "b.png"])
    rows = [f"{tmp_path}/far/{name},{name[0]}" for name in ("a.png", "b.png")]
    ds = read_dataset(write_table(tmp_path / "here" / "t.csv", "image,label", rows))
    assert ds.table["path"].tolist() == [str(tmp_path / "far" / n) for n in ("a.png", "b.png")]


def test_a_name_in_two_folders_below_the_root_is_not_guessed(tmp_path):
    root = touch(tmp_path / "root", ["p1/1.png", "p2/1.png", "p1/2.png", "p1/3.png", "p1/4.png"])
    rows = [f"{i},{i % 2}" for i in (1, 2, 3, 4)]
    ds = read_dataset(write_table(tmp_path / "t.csv", "image,label", rows), image_root=root)
    assert ds.table["id"].tolist() == ["2", "3", "4"]
    assert ds.set_aside["reason"].tolist() == ["several images of that name under the image root"]


def test_rows_that_cannot_be_used_are_set_aside_with_a_reason(tmp_path):
    touch(tmp_path, [f"{i}.png" for i in range(4)])
    rows = ["0.png,a", "1.png,", "gone.png,b", ",a", "2.png,b", "2.png,b", "3.png,NA"]
    ds = read_dataset(write_table(tmp_path / "t.csv", "image,label", rows))
    assert ds.table["id"].tolist() == ["0.png", "2.png"]
    assert list(zip(ds.set_aside["id"], ds.set_aside["reason"], strict=True)) == [
        ("1.png", "no label"),
        ("gone.png", "image file not found"),
        ("", "no image name"),
        ("2.png", "repeats t.csv, line 6"),
        ("3.png", "no label"),
    ]


def test_a_class_may_be_called_na_if_the_user_says_so(tmp_path):
    path = labelled(tmp_path, ["NA", "AF", "NA"])
    assert read_dataset(path, class_names=["AF", "NA"]).labels.tolist() == [1, 0, 1]


def test_list_of_images_to_predict(tmp_path):
    touch(tmp_path, ["a.png", "images/b.jpg"])
    (tmp_path / "list.txt").write_text("a.png\n\n b \ngone.png\na.png\n")
    write_table(tmp_path / "t.csv", "number,image", ["1,a.png", "2,b", "3,gone.png"])
    for name in ("list.txt", "t.csv"):
        ds = read_image_list(tmp_path / name)
        assert ds.table["id"].tolist() == ["a.png", "b", "gone.png"]
        assert ds.table["path"].tolist() == [
            str(tmp_path / p) for p in ("a.png", "images/b.jpg", "gone.png")
        ]
        assert ds.class_names == ()
    with pytest.raises(DataError, match="no column 'picture'"):
        read_image_list(tmp_path / "t.csv", image_column="picture")


def test_cost_does_not_explode(tmp_path):
    """40,000 rows in 40 folders, the suffix missing: seconds if each row asked the disk."""
    rows = [f"{i % 40}/{i},{'ab'[i % 2]}" for i in range(40_000)]
    for folder in range(40):
        (tmp_path / str(folder)).mkdir()
    touch(tmp_path, ["0/0.png"])
    path = write_table(tmp_path / "t.csv", "image,label", rows)
    begin = time.process_time()
    with pytest.raises(DataError, match="39,999 of the 40,000"):
        read_dataset(path)
    assert time.process_time() - begin < 5


def test_column_options_need_columns(tmp_path):
    touch(tmp_path, ["x/a.png", "y/b.png"])
    with pytest.raises(ConfigError, match="label_column means nothing for a folder per class"):
        read_dataset(tmp_path, label_column="label")


def test_dtypes_are_those_that_others_rely_on(tmp_path):
    ds = read_dataset(labelled(tmp_path, ["a", "b"]))
    assert ds.labels.dtype == np.int64
    assert ds.table.dtypes[["id", "path", "split", "group"]].astype(str).tolist() == ["string"] * 4
    # Setting more rows aside later has to work on what reading has made.
    moved = ds.with_set_aside([0], ["unreadable"])
    assert moved.set_aside["reason"].tolist() == ["unreadable"]
    assert moved.table["id"].tolist() == ["01.png"]


def test_the_truly_correct_part_is_what_an_oracle_learns_from() -> None:
    table = make_table(
        ["a", "b", "c", "d", "e", "f"],
        [0, 1, 0, 1, 0, 1],
        split=["train", "train", "train", "val", "test", "train"],
        noise_group=["correct", "mis_h", "mis_l", "correct", "correct", "correct"],
    )
    whole = Dataset(table, ("x", "y"), Path("somewhere"))
    assert whole.truly_correct().table["id"].tolist() == ["a", "d", "e", "f"]
    unknown = Dataset(table.assign(noise_group=pd.NA), ("x", "y"), Path("somewhere"))
    with pytest.raises(DataError, match="does not tell which labels are right"):
        unknown.truly_correct()
    unsplit = Dataset(table.assign(split=pd.NA), ("x", "y"), Path("somewhere"))
    with pytest.raises(DataError, match="does not tell"):
        unsplit.truly_correct()


def test_an_oracle_needs_a_right_label_of_every_class() -> None:
    table = make_table(
        ["a", "b", "c"], [0, 1, 1], split=["train", "train", "val"],
        noise_group=["correct", "mis_h", "correct"],
    )  # fmt: skip
    with pytest.raises(DataError, match="none of y"):
        Dataset(table, ("x", "y"), Path("somewhere")).truly_correct()
