"""The check before hours are spent: every fault of a case set in one report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from case_fixtures import AFFINE, grey, square, write_image, write_nifti, write_pairs

from mixednoise.errors import DataError
from mixednoise.segmentation.cases import check_cases, read_cases, set_aside


def report_of(folder, **options):
    return check_cases(read_cases(folder / "images", folder / "masks"), **options)


def only(report, severity: str):
    found = report.of(severity)
    assert len(found) == 1, report.text()
    return found[0]


def test_nothing_wrong(tmp_path):
    assert report_of(write_pairs(tmp_path)).problems == []


def test_different_sizes_name_both(tmp_path):
    write_pairs(tmp_path)
    write_image(tmp_path / "masks" / "b_segmentation.png", square(5, 9))
    problem = only(report_of(tmp_path), "stop")
    assert problem.what == "1 image with a mask of another size"
    assert problem.found == "b.png 6 x 9, b_segmentation.png 5 x 9"
    assert problem.rows == (1,)


def test_values_that_no_class_has(tmp_path):
    write_pairs(tmp_path)
    case_set = read_cases(tmp_path / "images", tmp_path / "masks")
    write_image(tmp_path / "masks" / "c_segmentation.png", square(value=254))
    problem = only(check_cases(case_set), "stop")
    assert problem.what == "1 mask with values that no class has"
    assert "c_segmentation.png: 254 in 6 pixels" in problem.found
    assert problem.expected == "0 (background), 255 (foreground)"


def test_all_faults_in_one_report(tmp_path):
    write_pairs(tmp_path, "abcdef")
    (tmp_path / "images" / "a.png").write_bytes(b"")
    write_image(tmp_path / "masks" / "b_segmentation.png", square(5, 9))
    write_image(tmp_path / "masks" / "c_segmentation.png", square() * 0)
    (tmp_path / "masks" / "d_segmentation.png").unlink()
    write_image(tmp_path / "images" / "e.png", np.dstack([grey(0)] * 3))
    write_image(tmp_path / "images" / "f.jpg", grey(0))
    text = report_of(tmp_path).text()
    for part in (
        "empty file", "of another size", "1 mask of 5 is empty", "2 images of 7 have no mask",
        "different numbers of channels", "2 cases share a name",
    ):  # fmt: skip
        assert part in text, (part, text)
    with pytest.raises(DataError, match="4 problems to solve first"):
        report_of(tmp_path).raise_if_stopped()


def test_unreadable_files_are_set_aside(tmp_path):
    write_pairs(tmp_path)
    (tmp_path / "images" / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "masks" / "c_segmentation.png").write_text("<html>")
    case_set = read_cases(tmp_path / "images", tmp_path / "masks")
    report = check_cases(case_set)
    assert not report.stopped
    left, reasons = set_aside(case_set, report)
    assert left.names == ("b",)
    assert reasons == {
        "a": "truncated PNG: its end is missing",
        "c": "mask: not an image: a web page",
    }
    (tmp_path / "images" / "b.png").write_bytes(b"")
    assert check_cases(case_set).stopped


def test_missing_masks_stop_unless_allowed(tmp_path):
    write_pairs(tmp_path)
    (tmp_path / "masks" / "b_segmentation.png").unlink()
    case_set = read_cases(tmp_path / "images", tmp_path / "masks")
    assert only(check_cases(case_set), "stop").what == "1 image of 3 has no mask"
    report = check_cases(case_set, allow_missing=True)
    assert not report.stopped
    assert set_aside(case_set, report)[1] == {"b": "no mask"}
    assert read_cases(tmp_path / "images").cases[0].mask is None
    assert (
        check_cases(read_cases(tmp_path / "images")).problems == []
    )  # nothing to be predicted with


def test_classes_that_do_not_occur(tmp_path):
    write_pairs(tmp_path, value=1)
    write_image(tmp_path / "masks" / "a_segmentation.png", square(value=2))
    names = ["bg", "one", "two", "three"]
    case_set = read_cases(tmp_path / "images", tmp_path / "masks", class_names=names)
    problem = only(check_cases(case_set), "stop")
    assert problem.what == "1 class occurs in no mask"
    assert problem.found.startswith("three")
    report = check_cases(case_set, allow_absent=True)
    assert not report.stopped
    assert "one in 2 of 3, two in 1 of 3" in report.text()


def test_affines_that_differ(tmp_path):
    moved = AFFINE.copy()
    moved[0, 3] += 0.5
    volume = np.zeros((3, 4, 5), np.uint8)
    volume[1] = 1
    for name, affine in (("a", AFFINE), ("b", moved), ("c", AFFINE + 1e-5)):
        write_nifti(tmp_path / "images" / f"{name}.nii.gz", volume)
        write_nifti(tmp_path / "masks" / f"{name}.nii.gz", volume, affine)
    problem = only(report_of(tmp_path), "stop")
    assert "1 image with a mask that lies elsewhere" in problem.what
    assert "-2 0 0 5" in problem.found
    assert "-2 0 0 5.5" in problem.found
    assert report_of(tmp_path, affine_tolerance=1.0).problems == []


@pytest.mark.parametrize("of", ["first", "second"])
def test_files_of_the_classes_that_lie_elsewhere(tmp_path, of):
    moved = AFFINE.copy()
    moved[0, 3] += 12
    volume = np.zeros((3, 4, 5), np.uint8)
    places = {"heart": volume.copy(), "lung": volume.copy()}
    places["heart"][1], places["lung"][2] = 1, 1
    for name in "ab":
        write_nifti(tmp_path / "images" / f"{name}.nii.gz", volume)
        for number, (folder, mask) in enumerate(places.items()):
            spoilt = name == "b" and of == ["first", "second"][number]
            path = tmp_path / "masks" / folder / f"{name}.nii.gz"
            write_nifti(path, mask, moved if spoilt else AFFINE)
    stops = {problem.what: problem for problem in report_of(tmp_path).of("stop")}
    torn = stops["1 mask whose class files lie elsewhere than one another: affines differ"]
    assert "heart/b.nii.gz [-2 0 0 " in torn.found
    assert "lung/b.nii.gz [-2 0 0 " in torn.found
    assert torn.rows == (1,)
    # The first file stands for the mask beside its image.
    assert len(stops) == (2 if of == "first" else 1)
    assert report_of(tmp_path, affine_tolerance=13).of("stop") == []


def test_channels_of_different_size(tmp_path):
    for channel, shape in (("t1", (6, 9)), ("t2", (6, 8))):
        write_image(tmp_path / channel / "a.png", grey(0, *shape))
    problem = only(check_cases(read_cases([tmp_path / "t1", tmp_path / "t2"])), "stop")
    assert problem.what == "1 image whose channels differ in size"
    assert problem.found == "a.png: 6 x 9; a.png: 6 x 8"


def test_a_patient_in_two_splits(tmp_path):
    write_pairs(tmp_path)
    case_set = read_cases(tmp_path / "images", tmp_path / "masks")
    cases = [replace(case, group="p", split="train") for case in case_set.cases]
    case_set = replace(case_set, cases=(*cases[:2], replace(cases[2], split="test")))
    assert "p in train (a) and test (c)" in only(check_cases(case_set), "stop").found


def test_overlaps_are_counted_and_missing_class_files_told(tmp_path):
    for name in "ab":
        write_image(tmp_path / "images" / f"{name}.png", grey(0))
        write_image(tmp_path / "masks" / "lung" / f"{name}.png", square())
    shifted = np.roll(square(), 1, axis=1)  # shares 2 of 3 columns in 2 rows
    write_image(tmp_path / "masks" / "heart" / "a.png", shifted)
    report = report_of(tmp_path)
    assert not report.stopped
    assert "4 pixels of 1 mask belong to more than one class" in report.text()
    assert "1 mask without the file of some class" in report.text()
    assert "b (heart)" in report.text()
