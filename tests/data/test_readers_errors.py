"""One clear message for each wrong path, file and column."""

from __future__ import annotations

import pytest
from reader_fixtures import labelled, touch, write_table

from mixednoise.data.readers import read_dataset
from mixednoise.errors import ConfigError, DataError


def error_of(path, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        read_dataset(path, **options)
    assert caught.value.exit_status == 2
    return caught.value


def test_missing_path_suggests_its_neighbour(tmp_path):
    labelled(tmp_path, ["a", "b"])
    error = error_of(tmp_path / "lables.csv")
    assert error.problem.endswith("lables.csv does not exist (did you mean 'labels.csv'?)")
    assert "no folder" in str(error_of(tmp_path / "nowhere" / "labels.csv"))


def test_wrong_column_name_lists_columns_and_suggests(tmp_path):
    error = error_of(labelled(tmp_path, ["a", "b"]), label_column="labell")
    assert "has no column 'labell'" in error.problem
    assert error.found == "columns image, label"
    assert error.fix == "did you mean 'label'?"


def test_no_column_looks_right(tmp_path):
    error = error_of(labelled(tmp_path, ["a", "b"], "picture,verdict"))
    assert "image or the label" in error.problem
    assert "picture, verdict" in str(error)
    assert "--image-column and --label-column" in str(error)


def test_no_header(tmp_path):
    touch(tmp_path, ["a.png", "b.png"])
    path = write_table(tmp_path / "t.csv", "a.png,0", ["b.png,1"])
    assert "has no header" in str(error_of(path))


@pytest.mark.parametrize("text", ["", "\n\n", "\ufeff"])
def test_empty_table(tmp_path, text):
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert error_of(tmp_path / "t.csv").problem.endswith("t.csv is empty")


def test_header_only(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,label", [])
    assert "has a header but no rows" in str(error_of(path))


@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\xff\xfe",
        b"image,label\na.png,\x00\x01\n",
        b"PK\x03\x04\x00\xff",
    ],
)
def test_binary_file_called_csv(tmp_path, content):
    (tmp_path / "t.csv").write_bytes(content)
    assert "binary data" in str(error_of(tmp_path / "t.csv"))


def test_other_encoding_names_the_line(tmp_path):
    (tmp_path / "t.csv").write_bytes("image,label\na.png,x\nb.png,Müller\n".encode("latin-1"))
    error = error_of(tmp_path / "t.csv")
    assert error.found == "line 3 is not UTF-8"


def test_a_column_appended_behind_a_carriage_return_is_not_lost_in_silence(tmp_path):
    touch(tmp_path, ["a.png", "b.png"])
    table = "image,label\r,split\na.png,x\r,train\nb.png,y\r,test\n"
    (tmp_path / "t.csv").write_bytes(table.encode())
    error = error_of(tmp_path / "t.csv")
    assert "end in different ways" in error.problem
    assert "inside of line 1" in error.found


@pytest.mark.parametrize(
    "table",
    [
        "image,note,label\ra.png,,x\rb.png,,y\r",
        'image,note,label\r\na.png,"two\rlines",x\r\nb.png,,y\r\n',
        "image,note,label\na.png,,x\r\nb.png,,y",
    ],
)
def test_ends_of_lines_that_cut_nothing_in_two(tmp_path, table):
    touch(tmp_path, ["a.png", "b.png"])
    (tmp_path / "t.csv").write_bytes(table.encode())
    found = read_dataset(tmp_path / "t.csv")
    assert found.table["id"].tolist() == ["a.png", "b.png"]


def test_two_columns_of_one_name(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,label,label", ["a.png,x,y"])
    assert "two columns of the same name" in str(error_of(path))


def test_rows_longer_than_the_header_and_open_quotes_name_the_line(tmp_path):
    path = write_table(tmp_path / "t.csv", "image,label", ["a.png,x", "b.png,y,z", "c.png,x,"])
    assert "more on line 3" in str(error_of(path))
    path = write_table(tmp_path / "u.csv", "image,label", ["a.png,x", 'b.png,"y', "c.png,x"])
    assert "damaged at line 3" in str(error_of(path))


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    def refuse(path):
        raise PermissionError(13, "Permission denied", str(path))

    touch(tmp_path, ["a/1.png", "b/2.png"])
    monkeypatch.setattr("os.scandir", refuse)
    error = error_of(tmp_path)
    assert str(tmp_path) in error.problem
    assert error.found == "Permission denied"


def test_unknown_kind_of_file(tmp_path):
    (tmp_path / "labels.xlsx").write_bytes(b"PK")
    assert "a .xlsx file" in str(error_of(tmp_path / "labels.xlsx"))


def test_most_images_missing_says_where_was_looked(tmp_path):
    rows = [f"{i}.png,{i % 2}" for i in range(5)]
    touch(tmp_path / "images", ["0.png", "1.png"])
    path = write_table(tmp_path / "t.csv", "image,label", rows)
    error = error_of(path)
    assert "3 of the 5 images" in error.problem
    assert f"looked in {tmp_path}, {tmp_path / 'images'}" in str(error)
    assert "--image-root" in str(error)
    # Exactly half is set aside, not fatal.
    touch(tmp_path / "images", ["2.png"])
    assert len(read_dataset(path).set_aside) == 2


def test_image_root_must_be_a_folder(tmp_path):
    path = labelled(tmp_path, ["a", "b"])
    with pytest.raises(ConfigError, match="is not a folder"):
        read_dataset(path, image_root=tmp_path / "nowhere")


def test_no_row_with_a_label(tmp_path):
    error = error_of(labelled(tmp_path, ["", "", ""]))
    assert "no row of" in error.problem
    assert "3 rows: no label" in str(error)


def test_tables_of_different_columns(tmp_path):
    touch(tmp_path, ["a.png", "b.png"])
    write_table(tmp_path / "train.csv", "image,label", ["a.png,x"])
    write_table(tmp_path / "test.csv", "image,grade", ["b.png,y"])
    assert "name their columns differently" in str(error_of(tmp_path))
    write_table(tmp_path / "test.csv", "image", ["b.png"])
    error = error_of(tmp_path)
    assert "test.csv looks like the label" in str(error)
