"""Known public data sets, each as its files come."""

from __future__ import annotations

import numpy as np
import pytest
from reader_fixtures import touch, write_table

from mixednoise.data.checks import check_table
from mixednoise.data.readers import read_dataset
from mixednoise.errors import ConfigError, DataError


@pytest.mark.parametrize("preset", [None, "kaggle_dr"])
def test_kaggle_dr_knows_both_eyes_of_a_patient(tmp_path, preset):
    touch(tmp_path / "train", ["10_left.jpeg", "10_right.jpeg", "13_left.jpeg"])
    path = write_table(
        tmp_path / "trainLabels.csv", "image,level", ["10_left,0", "10_right,2", "13_left,4"]
    )
    ds = read_dataset(path, preset=preset)
    assert ds.table["group"].tolist() == ["10", "10", "13"]
    assert ds.class_names == ("0", "2", "4")
    assert ds.ordinal
    assert ds.table["path"][0] == str(tmp_path / "train" / "10_left.jpeg")


def test_kaggle_dr_stops_at_a_grade_that_does_not_exist(tmp_path):
    touch(tmp_path, ["1_left.png", "1_right.png", "2_left.png"])
    rows = ["1_left,0", "1_right,1", "2_left,7"]
    path = write_table(tmp_path / "trainLabels.csv", "image,level", rows)
    with pytest.raises(DataError, match=r"'7' in trainLabels.csv, line 4") as caught:
        read_dataset(path)
    assert caught.value.expected == "0, 1, 2, 3, 4"


def test_two_common_columns_are_not_taken_for_eyepacs(tmp_path):
    touch(tmp_path, ["a.png", "b.png"])
    path = write_table(tmp_path / "t.csv", "image,level", ["a.png,low", "b.png,high"])
    assert read_dataset(path).class_names == ("high", "low")


@pytest.mark.parametrize("preset", [None, "eyeq"])
def test_eyeq_quality_codes_become_words(tmp_path, preset):
    touch(tmp_path, ["10_left.jpeg", "10_right.jpeg", "13_left.jpeg", "13_right.jpeg"])
    path = write_table(
        tmp_path / "Label_EyeQ_train.csv",
        ",image,quality,DR_grade",
        [
            "0,10_left.jpeg,0,0",
            "1,10_right.jpeg,2,1",
            "2,13_left.jpeg,1,2",
            "3,13_right.jpeg,,2",
        ],
    )
    ds = read_dataset(path, preset=preset)
    assert ds.table["quality"].tolist()[:3] == ["good", "reject", "usable"]
    assert ds.table["quality"].isna().tolist() == [False, False, False, True]
    assert ds.table["group"].tolist() == ["10", "10", "13", "13"]
    assert ds.ordinal
    assert ds.labels.tolist() == [0, 1, 2, 2]


def test_eyeq_folder_with_a_table_per_split(tmp_path):
    touch(tmp_path / "images", ["1_left.png", "2_left.png", "3_left.png"])
    header = ",image,quality,DR_grade"
    write_table(tmp_path / "Label_EyeQ_train.csv", header, ["0,1_left,0,0", "1,2_left,1,1"])
    write_table(tmp_path / "Label_EyeQ_test.csv", header, ["0,3_left,0,1"])
    ds = read_dataset(tmp_path, preset="eyeq")
    assert ds.table["split"].tolist() == ["train", "train", "test"]


def make_ddr(folder):
    """Two gradable and one ungradable image per split; a third grade in train alone."""
    lists = {
        "train": ["a.jpg 0", "b.jpg 2", "c.jpg 5", "d.jpg 1", "e.jpg 5"],
        "valid": ["f.jpg 0", "g.jpg 2", "h.jpg 5"],
        "test": ["i.jpg 0", "j.jpg 2", "k.jpg 5"],
    }
    for name, lines in lists.items():
        write_table(folder / f"{name}.txt", lines[0], lines[1:])
        touch(folder / name, [line.split()[0] for line in lines])
    return folder


@pytest.mark.parametrize("preset", [None, "ddr"])
def test_ddr_sets_ungradable_images_aside(tmp_path, preset):
    ds = read_dataset(make_ddr(tmp_path), preset=preset)
    assert ds.table["id"].tolist() == [f"{name}.jpg" for name in "abdfgij"]
    assert ds.table["split"].tolist() == ["train"] * 3 + ["val"] * 2 + ["test"] * 2
    assert ds.class_names == ("0", "1", "2")
    assert ds.labels.tolist() == [0, 2, 1, 0, 2, 0, 2]
    assert ds.ordinal
    assert ds.set_aside["id"].tolist() == ["c.jpg", "e.jpg", "h.jpg", "k.jpg"]
    assert set(ds.set_aside["reason"]) == {"ungradable"}
    assert ds.table["noise_group"].isna().all()
    assert (ds.table["true_label"] == -1).all()
    assert ds.table["path"][0] == str(tmp_path / "train" / "a.jpg")


def test_ddr_random_labels_make_the_noise_of_the_protocol(tmp_path):
    make_ddr(tmp_path)
    drawn = set()
    for seed in range(12):
        ds = read_dataset(tmp_path, ungradable="random_label", seed=seed)
        again = read_dataset(tmp_path, ungradable="random_label", seed=seed)
        table = ds.table.set_index("id")
        assert table["noise_group"]["c.jpg"] == table["noise_group"]["e.jpg"] == "mis_l"
        assert table["quality"]["c.jpg"] == "ungradable"
        assert table["true_label"]["c.jpg"] == -1
        assert (ds.table["noise_group"] == "mis_l").sum() == 2
        clean = ds.table[ds.table["noise_group"] == "correct"]
        assert (clean["true_label"] == clean["label"]).all()
        # Validation and test stay free of them.
        assert ds.set_aside["id"].tolist() == ["h.jpg", "k.jpg"]
        assert ds.labels.tolist() == again.labels.tolist()
        drawn |= {table["label"]["c.jpg"], table["label"]["e.jpg"]}
    assert drawn == {0, 1, 2}


def test_ddr_one_list_and_a_damaged_list(tmp_path):
    make_ddr(tmp_path)
    ds = read_dataset(tmp_path / "train.txt")
    assert ds.table["split"].tolist() == ["train"] * 3
    (tmp_path / "valid.txt").write_text("f.jpg 0\ng.jpg\n")
    with pytest.raises(DataError, match=r"valid.txt has 1 line") as caught:
        read_dataset(tmp_path)
    assert "line 2" in str(caught.value)


def test_ddr_label_outside_its_grades(tmp_path):
    make_ddr(tmp_path)
    (tmp_path / "test.txt").write_text("i.jpg 0\n\nj.jpg 6\n")
    with pytest.raises(DataError, match=r"'6' in test.txt, line 3"):
        read_dataset(tmp_path)


@pytest.mark.parametrize("preset", [None, "drtid"])
def test_drtid_grade_is_given_and_grade_gt_is_true(tmp_path, preset):
    touch(tmp_path, ["a.jpg", "b.jpg", "c.jpg"])
    path = write_table(
        tmp_path / "t.csv", "image,Grade,Grade_gt", ["a.jpg,1,2", "b.jpg,0,0", "c.jpg,2,"]
    )
    ds = read_dataset(path, preset=preset)
    assert ds.labels.tolist() == [1, 0, 2]
    assert ds.table["true_label"].tolist() == [2, 0, -1]
    assert ds.ordinal


def test_drtid_as_released_two_fields_per_eye(tmp_path):
    grades = tmp_path / "Ground Truths" / "DR_grade"
    header = "ID,Grade,Macula,Optic disc,LR"
    rows = ["7,0,7_1,7_2,L", "8,3,8_2,8_1,R"]
    write_table(grades / "a. DR_grade_Training.csv", header, rows)
    write_table(grades / "b. DR_grade_Testing.csv", header, ["9,3,9_1,9_2,L"])
    images = touch(
        tmp_path / "Original Images", [f"{i}_{j}.jpg" for i in (7, 8, 9) for j in (1, 2)]
    )
    ds = read_dataset(tmp_path, preset="drtid")
    assert ds.table["id"].tolist() == ["7_1", "7_2", "8_2", "8_1", "9_1", "9_2"]
    assert ds.table["group"].tolist() == ["7", "7", "8", "8", "9", "9"]
    assert ds.table["split"].tolist() == ["train"] * 4 + ["test"] * 2
    assert ds.labels.tolist() == [0, 0, 1, 1, 1, 1]
    assert ds.class_names == ("0", "3")
    assert ds.table["path"][2] == str(images / "8_2.jpg")
    assert not check_table(ds).stopped


@pytest.mark.parametrize("preset", [None, "ham10000"])
def test_ham10000_groups_by_lesion_and_completes_names(tmp_path, preset):
    part = touch(tmp_path / "HAM10000_images_part_1", ["ISIC_1.jpg", "ISIC_2.jpg"])
    touch(tmp_path / "HAM10000_images_part_2", ["ISIC_3.jpg"])
    path = write_table(
        tmp_path / "HAM10000_metadata.csv",
        "lesion_id,image_id,dx,dx_type,age,sex,localization",
        [
            "HAM_1,ISIC_1,nv,histo,80.0,male,scalp",
            "HAM_1,ISIC_2,nv,histo,80.0,male,scalp",
            "HAM_2,ISIC_3,mel,histo,45.0,female,back",
        ],
    )
    for source in (path, tmp_path):
        ds = read_dataset(source, preset=preset)
        assert ds.table["group"].tolist() == ["HAM_1", "HAM_1", "HAM_2"]
        assert ds.table["path"][0] == str(part / "ISIC_1.jpg")
        assert ds.class_names == ("mel", "nv")
        assert not ds.ordinal


def test_preset_errors(tmp_path):
    touch(tmp_path, ["a.png"])
    path = write_table(tmp_path / "t.csv", "image,label", ["a.png,x"])
    with pytest.raises(ConfigError, match=r"unknown preset 'eyeqq' \(did you mean 'eyeq'\?\)"):
        read_dataset(path, preset="eyeqq")
    with pytest.raises(DataError, match="not a table of the preset ham10000") as caught:
        read_dataset(path, preset="ham10000")
    assert caught.value.expected == "the columns image_id,dx,lesion_id"
    for preset in ("ddr", "medmnist"):
        with pytest.raises(DataError, match=f"preset {preset} does not fit"):
            read_dataset(path, preset=preset)
    with pytest.raises(DataError, match="does not look like DDR"):
        read_dataset(tmp_path, preset="ddr")
    with pytest.raises(DataError, match="does not look like medmnist"):
        read_dataset(tmp_path, preset="medmnist")
    with pytest.raises(ConfigError, match="ungradable"):
        read_dataset(path, ungradable="drop")


def test_a_named_preset_accepts_named_columns(tmp_path):
    touch(tmp_path, ["1_left.png", "2_left.png"])
    path = write_table(tmp_path / "t.csv", "eye,grading", ["1_left,0", "2_left,3"])
    ds = read_dataset(path, preset="kaggle_dr", image_column="eye", label_column="grading")
    assert ds.table["group"].tolist() == ["1", "2"]
    assert np.array_equal(ds.labels, [0, 1])
