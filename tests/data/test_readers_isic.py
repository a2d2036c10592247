"""ISIC 2019 and 2018: a column per class, lesions and published splits beside the table."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from reader_fixtures import write_table

from mixednoise.data.checks import check_table
from mixednoise.data.readers import read_dataset, read_for_model
from mixednoise.data.splits import make_splits
from mixednoise.errors import DataError

CLASSES_2019 = ("MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC", "SCC", "UNK")
CLASSES_2018 = ("MEL", "NV", "BCC", "AKIEC", "BKL", "DF", "VASC")
TABLE = "ISIC_2019_Training_GroundTruth.csv"
IMAGES = "ISIC_2019_Training_Input"
LABELS = {
    "ISIC_0000000": "NV",
    "ISIC_0000001": "NV",
    "ISIC_0000002_downsampled": "MEL",
    "ISIC_0000003": "MEL",
    "ISIC_0000004": "SCC",
    "ISIC_0000005": "SCC",
}
NAMES = list(LABELS)
LESIONS = ("L1", "L1", "L2", "", "L3", "L3")


def row(image: str, label: str, classes: tuple[str, ...] = CLASSES_2019) -> str:
    return ",".join([image, *("1.0" if name == label else "0.0" for name in classes)])


def make_images(folder: Path, names: list[str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        grey = np.full((4, 5, 3), 10 * number, np.uint8)
        assert cv2.imwrite(str(folder / f"{name}.jpg"), grey)
    return folder


def make_isic(
    root: Path, labels: dict[str, str] | None = None, classes: tuple[str, ...] = CLASSES_2019
) -> Path:
    """The archive's table and images, without its metadata."""
    labels = labels or LABELS
    make_images(root / IMAGES, list(labels))
    rows = [row(image, label, classes) for image, label in labels.items()]
    return write_table(root / TABLE, ",".join(("image", *classes)), rows)


def add_lesions(root: Path, lesions: tuple[str, ...] = LESIONS) -> Path:
    return write_table(
        root / "ISIC_2019_Training_Metadata.csv",
        "image,age_approx,anatom_site_general,lesion_id,sex",
        [
            f"{name},55.0,head/neck,{lesion},male"
            for name, lesion in zip(NAMES, lesions, strict=True)
        ],
    )


def add_lists(folder: Path, **lists: list[str]) -> None:
    folder.mkdir(exist_ok=True)
    for split, names in lists.items():
        (folder / f"{split}.lst").write_text("\n".join([*names, ""]))


def error_of(path: Path, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        read_dataset(path, **options)
    return caught.value


@pytest.mark.parametrize("preset", [None, "isic2019"])
def test_the_class_is_the_column_with_the_1(tmp_path, preset):
    table = make_isic(tmp_path)
    for source in (table, tmp_path):
        ds = read_dataset(source, preset=preset)
        assert ds.class_names == ("MEL", "NV", "SCC")
        assert [ds.class_names[label] for label in ds.labels] == list(LABELS.values())
        assert ds.table["id"].tolist() == NAMES
        assert ds.table["path"][2] == str(tmp_path / IMAGES / f"{NAMES[2]}.jpg")
        assert ds.table[["split", "group"]].isna().all(axis=None)
        assert not ds.ordinal
        assert not len(ds.set_aside)
        assert not check_table(ds).stopped


def test_isic_2018_as_unpacked_with_a_folder_for_the_table(tmp_path):
    stem = "ISIC2018_Task3_Training"
    labels = {"ISIC_0024306": "AKIEC", "ISIC_0024307": "NV", "ISIC_0024308": "NV"}
    images = make_images(tmp_path / f"{stem}_Input", list(labels))
    rows = [row(image, label, CLASSES_2018) for image, label in labels.items()]
    header = ",".join(("image", *CLASSES_2018))
    path = write_table(
        tmp_path / f"{stem}_GroundTruth" / f"{stem}_GroundTruth.csv", header, rows, end="\r\n"
    )
    write_table(
        tmp_path / f"{stem}_LesionGroupings.csv",
        "image,lesion_id,diagnosis_confirm_type",
        [f"{image},HAM_1,histo" for image in list(labels)[1:]],
    )
    for source in (path, path.parent, tmp_path):
        ds = read_dataset(source)
        assert ds.class_names == ("AKIEC", "NV")
        assert ds.labels.tolist() == [0, 1, 1]
        assert ds.table["path"][0] == str(images / "ISIC_0024306.jpg")
        assert ds.table["group"].fillna("-").tolist() == ["-", "HAM_1", "HAM_1"]


def test_tables_of_several_splits_in_one_folder(tmp_path):
    names = {"Training": "a b", "Validation": "c d", "Test": "e f"}
    for split, images in names.items():
        stem = f"ISIC2018_Task3_{split}"
        make_images(tmp_path / f"{stem}_Input", images.split())
        rows = [
            row(image, label, CLASSES_2018)
            for image, label in zip(images.split(), ("DF", "NV"), strict=True)
        ]
        header = ",".join(("image", *CLASSES_2018))
        write_table(tmp_path / f"{stem}_GroundTruth" / f"{stem}_GroundTruth.csv", header, rows)
    ds = read_dataset(tmp_path)
    splits = dict(zip(ds.table["id"], ds.table["split"], strict=True))
    assert splits == dict(zip("abcdef", ["train"] * 2 + ["val"] * 2 + ["test"] * 2, strict=True))
    write_table(tmp_path / "a_GroundTruth.csv", header, rows)
    write_table(tmp_path / "b_GroundTruth.csv", header, rows)
    assert "a_GroundTruth.csv, b_GroundTruth.csv" in str(error_of(tmp_path))


def test_unk_is_a_class_where_a_row_has_it(tmp_path):
    table = make_isic(tmp_path, LABELS | {"ISIC_0000006": "UNK"})
    assert read_dataset(table).class_names == ("MEL", "NV", "SCC", "UNK")
    with pytest.raises(DataError, match=r"'UNK' in ISIC_2019_Training_GroundTruth.csv, line 8"):
        read_for_model(table, ("MEL", "NV", "SCC"))


def test_columns_in_lower_case_and_further_columns(tmp_path):
    make_images(tmp_path, ["a", "b"])
    lower = tuple(name.lower() for name in CLASSES_2019)
    path = write_table(
        tmp_path / "mine.csv",
        ",".join(("image", *lower, "score_weight")),
        [row("a", "nv", lower) + ",1.0", row("b", "ak", lower) + ",0.5"],
    )
    assert read_dataset(path).class_names == ("ak", "nv")


def test_a_label_column_counts_more_than_the_columns_of_classes(tmp_path):
    make_images(tmp_path, ["a", "b", "c"])
    rows = [
        row(image, "NV") + f",{label}"
        for image, label in zip("abc", ("nevus", "mole", "mole"), strict=True)
    ]
    path = write_table(tmp_path / "t.csv", ",".join(("image", *CLASSES_2019, "label")), rows)
    assert read_dataset(path).class_names == ("mole", "nevus")
    table = make_isic(tmp_path / "archive")
    add_lists(table.parent, train=NAMES[:4], test=NAMES[4:])
    ds = read_dataset(table, label_column="MEL")
    assert ds.class_names == ("0", "1")
    assert ds.labels.tolist() == [0, 0, 1, 1, 0, 0]
    assert ds.table["split"].tolist() == ["train"] * 4 + ["test"] * 2


def test_rows_without_exactly_one_class_are_told_with_their_lines(tmp_path):
    table = make_isic(tmp_path)
    lines = table.read_text().splitlines()
    lines[1] = NAMES[0] + ",0.0" * 9
    lines[2] = NAMES[1] + ",1.0,1" + ",0.0" * 7
    lines[3] = NAMES[2] + ",yes,1.0" + ",0" * 7
    lines[4] = NAMES[3] + ",0.7,0.3" + ",0" * 7
    table.write_text("\n".join([*lines, ""]))
    error = error_of(table)
    assert error.problem == f"4 rows of {table} without exactly one class"
    assert error.expected == f"1 in one of the columns {', '.join(CLASSES_2019)}, 0 in the others"
    assert error.found == (
        f"{TABLE}, line 2: no 1; {TABLE}, line 3: 1 in MEL and in NV; {TABLE}, line 4: MEL is 'yes'"
        f"; {TABLE}, line 5: MEL is '0.7', NV is '0.3'"
    )
    assert "blank all of them" in str(error.fix)


def test_a_row_of_blank_cells_has_no_label(tmp_path):
    table = make_isic(tmp_path)
    lines = table.read_text().splitlines()
    lines[1] = NAMES[0] + "," * 9
    lines[2] = NAMES[1] + ",,1" + "," * 7
    table.write_text("\n".join([*lines, ""]))
    ds = read_dataset(table)
    assert ds.set_aside[["id", "reason"]].to_numpy().tolist() == [[NAMES[0], "no label"]]
    assert ds.class_names[ds.labels[0]] == "NV"


def test_lesions_are_groups(tmp_path):
    table = make_isic(tmp_path)
    add_lesions(tmp_path)
    write_table(
        tmp_path / "ISIC_2019_Test_Metadata.csv", "image,age_approx,sex", [f"{NAMES[0]},5,"]
    )
    for source in (table, tmp_path):
        ds = read_dataset(source)
        assert ds.table["group"].fillna("-").tolist() == ["L1", "L1", "L2", "-", "L3", "L3"]
        assert ds.group_column == "lesion_id"
    assert read_dataset(table, group_column="lesion_id").table.equals(ds.table)


def test_groups_of_the_table_count_more_than_lesions_beside_it(tmp_path):
    table = make_isic(tmp_path)
    lines = table.read_text().splitlines()
    patients = ["patient", *"112233"]
    table.write_text("".join(f"{line},{p}\n" for line, p in zip(lines, patients, strict=True)))
    add_lesions(tmp_path)
    ds = read_dataset(table)
    assert ds.table["group"].tolist() == list("112233")
    assert ds.group_column == "patient"


def test_an_image_with_two_lesions_is_told(tmp_path):
    table = make_isic(tmp_path)
    add_lesions(tmp_path)
    write_table(tmp_path / "old_Metadata.csv", "image,lesion_id", [f"{NAMES[2]},L9"])
    assert error_of(table).found == (
        f"{NAMES[2]}: 'L2' in ISIC_2019_Training_Metadata.csv, line 4, "
        "'L9' in old_Metadata.csv, line 2"
    )


@pytest.mark.parametrize("place", [".", "ISIC"])
def test_lists_give_the_splits(tmp_path, place):
    table = make_isic(tmp_path)
    add_lists(tmp_path / place, train=NAMES[:3], val=["", NAMES[3]], test=[f"{NAMES[4]}.jpg", "X"])
    ds = read_dataset(table)
    assert ds.table["split"].tolist() == ["train"] * 3 + ["val", "test"]
    assert ds.set_aside[["id", "reason"]].to_numpy().tolist() == [
        [NAMES[5], "in none of train.lst, val.lst, test.lst"],
        ["X", "in test.lst, but not in the table"],
    ]
    assert "1 row set aside: in none of train.lst" in check_table(ds).text()


def test_labels_and_lists_together_in_a_folder_of_their_own(tmp_path):
    make_isic(tmp_path).rename(tmp_path / "GroundTruth.csv")
    (tmp_path / "ISIC").mkdir()
    path = (tmp_path / "GroundTruth.csv").rename(tmp_path / "ISIC" / "GroundTruth.csv")
    add_lists(tmp_path / "ISIC", train=NAMES[:4], test=NAMES[4:])
    add_lesions(tmp_path)
    for source in (path, path.parent, tmp_path):
        ds = read_dataset(source)
        assert ds.table["split"].tolist() == ["train"] * 4 + ["test"] * 2
        assert ds.table["group"][0] == "L1"
        assert ds.table["path"][0] == str(tmp_path / IMAGES / f"{NAMES[0]}.jpg")


def test_a_list_of_validation_images_that_is_not_there_is_made_up_for(tmp_path):
    labels = {f"ISIC_{number:07d}": ("NV", "MEL")[number % 2] for number in range(20)}
    table = make_isic(tmp_path, labels)
    add_lists(tmp_path, train=list(labels)[:16], test=list(labels)[16:])
    ds = make_splits(read_dataset(table), seed=0)
    assert len(ds.rows("val")) > 0
    assert ds.rows("test").tolist() == [16, 17, 18, 19]
    (tmp_path / "train.lst").unlink()
    alone = read_dataset(table)
    assert alone.table["split"].isna().sum() == 16
    assert make_splits(alone, seed=0).rows("test").tolist() == [16, 17, 18, 19]


def test_a_split_column_counts_more_than_lists(tmp_path):
    table = make_isic(tmp_path)
    lines = table.read_text().splitlines()
    splits = ["split", *["train"] * 4, "test", "test"]
    table.write_text("".join(f"{line},{s}\n" for line, s in zip(lines, splits, strict=True)))
    add_lists(tmp_path, train=NAMES[4:], test=NAMES[:4])
    assert read_dataset(table).table["split"].tolist() == splits[1:]


def test_an_image_in_two_lists_is_told(tmp_path):
    table = make_isic(tmp_path)
    add_lists(tmp_path, train=NAMES[:4], test=NAMES[3:])
    error = error_of(table)
    assert error.problem == f"1 image of {table} in more than one list of a split"
    assert error.found == f"{NAMES[3]}: train.lst, line 4, test.lst, line 1"
    assert f"rename train.lst and test.lst in {tmp_path}" in str(error.fix)


def test_lists_of_another_data_set_are_told(tmp_path):
    table = make_isic(tmp_path)
    add_lists(tmp_path, train=["x", "y"], test=["z"])
    error = error_of(table)
    assert error.problem == f"the lists train.lst, test.lst name no image of {table}"
    assert error.found == "x, y, z"


def test_a_lesion_in_two_lists_stops_and_the_way_on_is_true(tmp_path):
    table = make_isic(tmp_path)
    add_lesions(tmp_path)
    add_lists(tmp_path, train=[NAMES[0], *NAMES[2:5]], test=[NAMES[1], NAMES[5]])
    error = error_of(table)
    assert error.problem == f"2 groups (patients) of {table} in more than one split"
    assert error.found == "L1 in train and test, L3 in train and test"
    assert "rename train.lst and test.lst" in str(error.fix)
    assert "--group-column image" in str(error.fix)
    ds = read_dataset(table, group_column="image")
    assert ds.rows("test").tolist() == [1, 5]
    assert not check_table(ds, training=False).stopped
    for name in ("train", "test"):
        (tmp_path / f"{name}.lst").rename(tmp_path / f"{name}.lst.unused")
    ds = make_splits(read_dataset(table), seed=0)
    assert not check_table(ds, training=False).stopped
    assert ds.table.dropna(subset="group").groupby("group")["split"].nunique().max() == 1


def test_a_table_that_the_preset_does_not_fit(tmp_path):
    make_images(tmp_path, ["a"])
    path = write_table(tmp_path / "t.csv", "image,MEL,NV", ["a,1,0"])
    error = error_of(path, preset="isic2019")
    assert error.expected == "the columns image,mel,nv,bcc,ak,bkl,df,vasc"
