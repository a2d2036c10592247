"""A folder per class."""

from __future__ import annotations

import pytest
from reader_fixtures import touch, write_table

from mixednoise.data.checks import check_table
from mixednoise.data.readers import read_dataset
from mixednoise.errors import DataError


def test_class_folders_sorted_with_relative_ids(tmp_path):
    touch(tmp_path, ["normal/b.PNG", "normal/a.jpg", "cataract/deep/c.dcm", "cataract/d.tif"])
    touch(tmp_path, ["normal/Thumbs.db", "normal/.hidden.png", ".git/x.png", "__MACOSX/x.png"])
    ds = read_dataset(tmp_path)
    assert ds.class_names == ("cataract", "normal")
    assert sorted(zip(ds.table["id"], ds.labels.tolist(), strict=True)) == [
        ("cataract/d.tif", 0),
        ("cataract/deep/c.dcm", 0),
        ("normal/a.jpg", 1),
        ("normal/b.PNG", 1),
    ]
    assert ds.table["path"].tolist() == [str(tmp_path / name) for name in ds.table["id"]]
    assert ds.table["split"].isna().all()


def test_images_beside_the_class_folders_are_set_aside(tmp_path):
    touch(tmp_path, ["a/1.png", "b/2.png", "loose.png", ".hidden.png"])
    ds = read_dataset(tmp_path)
    assert ds.class_names == ("a", "b")
    assert ds.table["id"].tolist() == ["a/1.png", "b/2.png"]
    assert ds.set_aside["id"].tolist() == ["loose.png"]
    assert "beside the class folders" in ds.set_aside["reason"][0]


def test_images_beside_the_class_folders_of_a_split_are_set_aside(tmp_path):
    ds = read_dataset(touch(tmp_path, ["train/a/1.png", "test/b/2.png", "test/loose.png", "0.png"]))
    assert len(ds) == 2
    assert sorted(ds.set_aside["id"]) == ["0.png", "test/loose.png"]


def test_grades_as_folders_sort_by_value(tmp_path):
    ds = read_dataset(touch(tmp_path, [f"{i}/x.png" for i in range(11)]))
    assert ds.class_names == tuple(str(i) for i in range(11))
    assert ds.ordinal


def test_split_folders_by_any_of_their_names(tmp_path):
    names = ["Train/a/1.png", "Train/b/2.png", "validation/a/3.png", "test/b/1.png"]
    ds = read_dataset(touch(tmp_path, names))
    split = dict(zip(ds.table["id"], ds.table["split"], strict=True))
    assert split == {
        "Train/a/1.png": "train",
        "Train/b/2.png": "train",
        "validation/a/3.png": "val",
        "test/b/1.png": "test",
    }
    assert ds.class_names == ("a", "b")


def test_an_empty_class_folder_is_a_class_and_stops(tmp_path):
    touch(tmp_path, ["a/1.png", "b/2.png"])
    (tmp_path / "c").mkdir()
    ds = read_dataset(tmp_path)
    assert ds.class_names == ("a", "b", "c")
    report = check_table(ds)
    assert report.stopped
    assert "c (0 elsewhere)" in report.text()


def test_user_order_and_unknown_folder(tmp_path):
    touch(tmp_path, ["well/1.png", "sick/2.png", "sik/3.png"])
    with pytest.raises(DataError, match=r"'sik' in sik/3.png \(did you mean 'sick'\?\)"):
        read_dataset(tmp_path, class_names=["well", "sick"])


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ([], "is empty"),
        (["1.png", "2.jpg"], "holds images but no class folders"),
        (["a/1.txt", "b/2.txt"], "hold no images"),
        (["notes.txt"], "holds no class folders"),
        (["train/1.png"], "holds images but no class folders"),
        (["train/a/1.png", "extra/b/2.png"], "mixes folders of splits with other folders"),
    ],
)
def test_one_clear_message_for_other_folders(tmp_path, names, what):
    touch(tmp_path, names)
    with pytest.raises(DataError, match=what) as caught:
        read_dataset(tmp_path)
    assert caught.value.expected
    assert caught.value.fix
    assert caught.value.found


@pytest.mark.parametrize("mark", [("audit.json",), ("config.yaml", "samples.csv")])
def test_results_are_no_classes(tmp_path, mark):
    """A folder of runs: their plots would be read as images otherwise."""
    touch(tmp_path, ["first/plots/curves.png", "second/plots/curves.png"])
    touch(tmp_path, [f"second/{name}" for name in mark])
    with pytest.raises(DataError, match="holds results of mixednoise") as told:
        read_dataset(tmp_path)
    assert "second" in str(told.value)


def test_a_folder_of_images_and_one_table_is_that_table(tmp_path):
    touch(tmp_path, ["images/a.png", "images/b.png", "masks/a.png"])
    write_table(tmp_path / "whatever.csv", "image,label", ["a.png,x", "b.png,y"])
    assert read_dataset(tmp_path).class_names == ("x", "y")
    write_table(tmp_path / "other.csv", "image,label", ["a.png,x"])
    with pytest.raises(DataError, match="holds 2 tables") as caught:
        read_dataset(tmp_path)
    assert "other.csv, whatever.csv" in str(caught.value)


def test_class_folders_with_some_table_beside_them(tmp_path):
    touch(tmp_path, ["a/1.png", "b/2.png"])
    write_table(tmp_path / "cameras.csv", "camera,price", ["x,1"])
    assert read_dataset(tmp_path).class_names == ("a", "b")


def test_other_text_files_do_not_make_it_ddr(tmp_path):
    touch(tmp_path, ["a/1.png", "b/2.png"])
    (tmp_path / "train.txt").write_text("a/1.png\n")
    (tmp_path / "test.txt").write_text("b/2.png\n")
    assert read_dataset(tmp_path).class_names == ("a", "b")
