"""Case sets from folders: which mask belongs to which image, classes, groups, splits."""

from __future__ import annotations

import numpy as np
import pytest
from case_fixtures import grey, square, write_image, write_pairs

from mixednoise.errors import ConfigError, DataError
from mixednoise.segmentation.cases import read_cases, read_mask, read_split_folders
from mixednoise.segmentation.labels import IGNORE


def whats(case_set) -> list[tuple[str, str]]:
    return [(problem.severity, problem.what) for problem in case_set.findings.problems]


def test_masks_with_a_suffix_are_matched_and_binary_values_found(tmp_path):
    write_pairs(tmp_path)
    case_set = read_cases(tmp_path / "images", tmp_path / "masks")
    assert case_set.names == ("a", "b", "c")
    assert case_set.class_names == ("background", "foreground")
    assert case_set.label_values == (0, 255)
    assert case_set.layout == "label_map"
    assert [case.group for case in case_set.cases] == ["a", "b", "c"]
    mask = read_mask(case_set, case_set.cases[1])
    assert mask.dtype == np.uint8
    assert np.array_equal(mask, square(value=1))


@pytest.mark.parametrize("suffix", ["", "_mask", "-seg", "_Segmentation", "_label", ".gt"])
def test_usual_suffixes(tmp_path, suffix):
    write_image(tmp_path / "i" / "p1.png", grey(0))
    write_image(tmp_path / "m" / f"p1{suffix}.png", square())
    case_set = read_cases(tmp_path / "i", tmp_path / "m")
    assert case_set.cases[0].mask is not None
    assert not case_set.findings.problems


def test_an_exact_name_wins_and_two_masks_stop(tmp_path):
    write_image(tmp_path / "i" / "p.png", grey(0))
    write_image(tmp_path / "m" / "p.png", square())
    write_image(tmp_path / "m" / "p_mask.png", square())
    case_set = read_cases(tmp_path / "i", tmp_path / "m")
    assert case_set.cases[0].mask.label_map.name == "p.png"
    write_image(tmp_path / "m" / "p.tif", square())
    assert ("stop", "1 image with more than one mask") in whats(
        read_cases(tmp_path / "i", tmp_path / "m")
    )


def test_images_and_masks_in_one_folder(tmp_path):
    for name in ("benign (1)", "benign (2)"):
        write_image(tmp_path / f"{name}.png", grey(0))
        write_image(tmp_path / f"{name}_mask.png", square())
    case_set = read_cases(tmp_path, tmp_path)
    assert case_set.names == ("benign (1)", "benign (2)")
    assert case_set.cases[1].mask.label_map.name == "benign (2)_mask.png"


def test_sub_folders_of_patients_give_names_and_groups(tmp_path):
    for patient in ("p1", "p2"):
        for number in (1, 2):
            write_image(tmp_path / "i" / patient / f"slice{number}.png", grey(number))
            write_image(tmp_path / "m" / patient / f"slice{number}.png", square())
    case_set = read_cases(tmp_path / "i", tmp_path / "m", groups="folder")
    assert case_set.names == ("p1_slice1", "p1_slice2", "p2_slice1", "p2_slice2")
    assert [case.group for case in case_set.cases] == ["p1", "p1", "p2", "p2"]
    assert [case.mask.label_map.parent.name for case in case_set.cases] == ["p1", "p1", "p2", "p2"]


def test_class_folders_and_the_overlap_rule(tmp_path):
    write_image(tmp_path / "i" / "a.png", grey(0, 2, 4))
    lung, heart = np.array([[1, 1, 0, 0]] * 2, np.uint8), np.array([[0, 1, 1, 0]] * 2, np.uint8)
    write_image(tmp_path / "m" / "lung" / "a.png", lung * 255)
    write_image(tmp_path / "m" / "heart" / "a.png", heart)
    case_set = read_cases(tmp_path / "i", tmp_path / "m", class_names=["lung", "heart"])
    assert case_set.class_names == ("background", "lung", "heart")
    assert case_set.layout == "class_files"
    assert read_mask(case_set, case_set.cases[0]).tolist() == [[1, 2, 2, 0]] * 2
    folders = {"heart": tmp_path / "m" / "heart", "lung": tmp_path / "m" / "lung"}
    other = read_cases(tmp_path / "i", folders)
    assert read_mask(other, other.cases[0]).tolist() == [[2, 2, 1, 0]] * 2
    assert read_cases(tmp_path / "i", tmp_path / "m").class_names[1:] == ("heart", "lung")
    with pytest.raises(ConfigError, match="no folders of masks"):
        read_cases(tmp_path / "i", tmp_path / "m", class_names=["background", "lung", "liver"])


def test_left_over_and_missing_masks_are_told(tmp_path):
    write_pairs(tmp_path)
    write_image(tmp_path / "images" / "d.png", grey(3))
    write_image(tmp_path / "masks" / "z.png", square())
    case_set = read_cases(tmp_path / "images", tmp_path / "masks")
    assert case_set.named("d").mask is None
    assert whats(case_set) == [("warn", "1 mask without an image")]


def test_one_folder_per_channel(tmp_path):
    for channel in ("t1", "t2"):
        write_image(tmp_path / channel / "a.png", grey(0))
    write_image(tmp_path / "t1" / "b.png", grey(0))
    case_set = read_cases([tmp_path / "t1", tmp_path / "t2"])
    assert [path.parent.name for path in case_set.cases[0].images] == ["t1", "t2"]
    assert case_set.findings.stopped
    assert "b" in case_set.findings.text()


def test_truth_is_read_apart(tmp_path):
    write_pairs(tmp_path)
    write_image(tmp_path / "clean" / "a.png", np.zeros((6, 9), np.uint8))
    case_set = read_cases(tmp_path / "images", tmp_path / "masks", truth=tmp_path / "clean")
    assert not read_mask(case_set, case_set.cases[0], "truth").any()
    assert case_set.cases[1].truth is None


def test_groups_and_splits_from_csv(tmp_path):
    write_pairs(tmp_path)
    table = tmp_path / "meta.csv"
    table.write_text("image_id,lesion_id,Split\na.jpg,L1,training\nb,L1,test\nc,,\n")
    case_set = read_cases(tmp_path / "images", tmp_path / "masks", groups=table, splits=table)
    assert [case.group for case in case_set.cases] == ["L1", "L1", "c"]
    assert [case.split for case in case_set.cases] == ["train", "test", None]
    assert "names no group for 1 case" in case_set.findings.text()
    with pytest.raises(ConfigError, match="no column for the group"):
        read_cases(tmp_path / "images", groups=table, group_column="who")
    table.write_text("name,group\na,1\na,2\n")
    with pytest.raises(DataError, match="more than one group"):
        read_cases(tmp_path / "images", groups=table)


def test_sub_folders_named_as_splits(tmp_path):
    for split, name in (("train", "a"), ("test", "b")):
        write_image(tmp_path / "i" / split / f"{name}.png", grey(0))
        write_image(tmp_path / "m" / split / f"{name}.png", square())
    case_set = read_cases(tmp_path / "i", tmp_path / "m")
    assert [case.split for case in case_set.cases] == ["train", "test"]
    assert case_set.layout == "label_map"


def test_one_folder_per_split_with_classes_inside(tmp_path):
    for split, name in (("training", "a"), ("validation", "b")):
        for folder, image in (("images", grey(0)), ("lung", square()), ("heart", square() * 0)):
            write_image(tmp_path / split / folder / f"{name}.png", image)
    case_set = read_split_folders(tmp_path, masks=("lung", "heart"))
    assert [(case.name, case.split) for case in case_set.cases] == [("a", "train"), ("b", "val")]
    assert case_set.class_names == ("background", "lung", "heart")
    single = read_split_folders(tmp_path, masks="lung", class_names=["background", "lung"])
    assert single.label_values == (0, 255)
    with pytest.raises(DataError, match="no folder of a split"):
        read_split_folders(tmp_path / "training")


@pytest.mark.parametrize(
    ("values", "options", "expected"),
    [
        ((0, 1, 2), {}, (0, 1, 2)),
        ((0, 10, 200), {}, (0, 10, 200)),
        ((0, 2), {"class_names": ["bg", "a", "b"]}, (0, 1, 2)),
        ((0, 7, 9), {"class_names": ["bg", "a", "b"]}, (0, 7, 9)),
        ((0, 1, 255), {"ignore_value": 255}, (0, 1)),
        ((0, 5), {"label_values": [5, 0]}, (5, 0)),
    ],
)
def test_values_of_the_classes(tmp_path, values, options, expected):
    write_image(tmp_path / "i" / "a.png", grey(0, 1, len(values)))
    write_image(tmp_path / "m" / "a.png", np.array([values], np.uint8))
    case_set = read_cases(tmp_path / "i", tmp_path / "m", **options)
    assert case_set.label_values == expected
    ignored = options.get("ignore_value")
    index = [IGNORE if value == ignored else expected.index(value) for value in values]
    assert read_mask(case_set, case_set.cases[0]).tolist() == [index]


@pytest.mark.parametrize(
    ("values", "options", "message"),
    [
        ((0, 1, 255), {}, "what does it mean"),
        (range(0, 200), {}, "200 different values"),
        ((0, 0), {}, "one value only"),
        ((0, 1, 4, 7), {"class_names": ["bg", "a", "b"]}, "don't fit 3 class names"),
        ((0, 1), {"label_values": [0, 0]}, "can't be told apart"),
    ],
)
def test_values_that_are_no_classes(tmp_path, values, options, message):
    write_image(tmp_path / "i" / "a.png", grey(0, 1, len(values)))
    write_image(tmp_path / "m" / "a.png", np.array([values], np.uint8))
    with pytest.raises(DataError, match=message):
        read_cases(tmp_path / "i", tmp_path / "m", **options)


def test_folders_that_hold_nothing(tmp_path):
    with pytest.raises(DataError, match="there is no folder"):
        read_cases(tmp_path / "nowhere")
    (tmp_path / "readme.txt").write_text("no image")
    with pytest.raises(DataError, match="no image or mask"):
        read_cases(tmp_path)
