"""Masks and probabilities from arrays and folders: what is read, and what is refused how."""

import cv2
import numpy as np
import pytest
from mask_helpers import random_set

from mixednoise.errors import DataError
from mixednoise.segmentation.confident import (
    ArraySource,
    ErrorSettings,
    FolderSource,
    estimate,
    find_mask_errors,
)


@pytest.fixture
def folders(tmp_path):
    """Folders of three pairs, and their arrays."""
    masks, probabilities = random_set(np.random.default_rng(0), images=3, classes=2)
    (tmp_path / "masks").mkdir()
    (tmp_path / "values").mkdir()
    for name, mask, values in zip("abc", masks, probabilities, strict=True):
        cv2.imwrite(str(tmp_path / "masks" / f"{name}.png"), mask)
        np.save(tmp_path / "values" / f"{name}.npy", values.astype(np.float32))
    return tmp_path / "masks", tmp_path / "values", masks, probabilities.astype(np.float32)


def refusal(work, *words):
    """The message of the one error that is raised; it must hold these words."""
    with pytest.raises(DataError) as caught:
        work()
    text = str(caught.value)
    assert all(word in text for word in (*words, "expected:", "found:", "what to do:")), text
    return text


def search(masks, values, **options):
    source = FolderSource(masks, values, **options)
    return source, estimate(source, ErrorSettings())


def test_folder_is_read_as_the_arrays_are(folders):
    masks, values, mask_array, value_array = folders
    np.save(masks / "b.npy", mask_array[1].astype(np.int64))
    (masks / "b.png").unlink()
    np.savez_compressed(values / "c.npz", probabilities=value_array[2], other=np.zeros(2))
    (values / "c.npy").unlink()
    (masks / ".hidden.png").write_bytes(b"")
    source, found = search(masks, values)
    assert source.names == ["a", "b", "c"]
    assert source.num_classes == 2
    assert source.report.text() == ""
    for index in range(3):
        mask, p = source.read(index)
        assert mask.dtype == np.uint8
        np.testing.assert_array_equal(mask, mask_array[index])
        np.testing.assert_array_equal(p, value_array[index])
    expected = estimate(ArraySource(mask_array, value_array), ErrorSettings())
    np.testing.assert_array_equal(found.calibrated, expected.calibrated)


def test_volumes_in_one_folder_of_half_precision(tmp_path):
    masks, values = random_set(np.random.default_rng(1), images=2, shape=(3, 4, 5))
    (tmp_path / "m").mkdir()
    for i in range(2):
        np.save(tmp_path / "m" / f"{i}.npy", masks[i])
        np.save(tmp_path / f"{i}.npy", values[i].astype(np.float16))
    _, found = search(tmp_path / "m", tmp_path)
    assert found.pixels == masks.size


def test_missing_partners_and_damaged_files_are_set_aside(folders):
    masks, values, mask_array, _ = folders
    cv2.imwrite(str(masks / "lonely.png"), mask_array[0])
    (values / "b.npy").write_bytes((values / "b.npy").read_bytes()[:60])
    whole = (masks / "c.png").read_bytes()
    (masks / "c.png").write_bytes(whole[: len(whole) // 2])
    source, found = search(masks, values)
    assert source.names == ["a", "c"]  # b's header is damaged, c shows when it is read
    assert "1 mask has no probabilities" in source.report.text()
    assert "lonely" in source.report.text()
    assert "b.npy" in source.report.text()
    assert found.images == 1
    assert list(found.set_aside) == ["c"]
    assert "c.png: truncated PNG" in found.report.text()


def test_a_damaged_archive_is_set_aside(folders):
    masks, values, _, value_array = folders
    np.savez_compressed(values / "a.npz", value_array[0])
    (values / "a.npy").unlink()
    content = bytearray((values / "a.npz").read_bytes())
    content[400:420] = bytes(20)  # inside of the packed data
    (values / "a.npz").write_bytes(content)
    source, found = search(masks, values)
    assert found.images == 2
    assert "a.npz: damaged" in source.report.text() + found.report.text()


def test_nothing_left_is_an_error(folders):
    masks, values, *_ = folders
    for path in masks.iterdir():
        path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(3))
    refusal(lambda: FolderSource(masks, values), "no image is left", "a.png")
    refusal(lambda: FolderSource(masks / "no", values), "no folder of masks", "not there")
    refusal(lambda: FolderSource(masks, masks), "no probabilities in")
    for path in list(values.iterdir()):
        path.rename(values / f"x{path.name}")
    refusal(lambda: FolderSource(masks, values), "no mask has probabilities of the same name", "xa")


def test_all_shapes_are_judged_at_once(folders):
    masks, values, _, value_array = folders
    np.save(values / "a.npy", np.moveaxis(value_array[0], 0, -1))
    np.save(values / "b.npy", value_array[1].swapaxes(1, 2))
    np.save(values / "c.npy", np.concatenate([value_array[2], value_array[2]]) / 2)
    text = refusal(lambda: FolderSource(masks, values), "3 problems", "a don't fit", "last axis")
    assert "rows and columns are exchanged" in text
    assert "numpy.moveaxis(p, -1, 0)" in text


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: p[:1], ("one class only", "concatenate([1 - p, p])")),
        (lambda p: p[1], ("without an axis for the classes", "stack([1 - p, p])")),
        (lambda p: p[:, 1:], ("different sizes",)),
        (lambda p: (p * 255).astype(np.uint8), ("as uint8", "float16")),
    ],
)
def test_shapes_and_dtypes_that_do_not_fit(folders, change, words):
    masks, values, mask_array, value_array = folders
    refusal(lambda: ArraySource(mask_array, [change(p) for p in value_array]), *words)
    for name, p in zip("abc", value_array, strict=True):
        np.save(values / f"{name}.npy", change(p))
    refusal(lambda: FolderSource(masks, values), *words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda p: np.where(p > 0.9, np.nan, p), ("NaN or infinity", "predict this image again")),
        (lambda p: np.log(p / (1 - p)), ("look like logits", "softmax(logits)")),
        (np.log, ("are logarithms of probabilities", "exp")),
        (lambda p: p * 1.02, ("don't sum to 1", "1.02")),
        (lambda p: p + np.array([0.03, -0.03])[:, None, None], ("are negative", "set negative")),
        (lambda p: np.rint(p * 255), ("whole numbers", "divide by their sum")),
    ],
)
def test_values_that_are_no_probabilities(folders, change, words):
    masks, values, mask_array, value_array = folders
    value_array[1, 0, 0, :2] = [0.95, 0.01]
    value_array[1, 1] = 1 - value_array[1, 0]
    np.save(values / "b.npy", change(value_array[1]))
    refusal(lambda: search(masks, values), "the probabilities of b", *words)
    broken = value_array.copy()
    broken[1] = change(value_array[1])
    refusal(lambda: find_mask_errors(mask_array, broken), "the probabilities of 1", *words)


def test_half_precision_may_sum_less_exactly(folders):
    _, _, masks, values = folders
    off = values * np.float32(1.004)
    refusal(lambda: find_mask_errors(masks, off), "don't sum to 1")
    assert find_mask_errors(masks, off.astype(np.float16)).shape == masks.shape


def test_mask_values_that_no_class_has(folders):
    masks, values, mask_array, value_array = folders
    wrong = mask_array.astype(np.int32)
    wrong[2, 0, :3] = [7, -1, 255]
    text = refusal(lambda: find_mask_errors(wrong, value_array), "mask of 2", "-1, 7, 255")
    assert "--ignore-value 255" in text
    refusal(lambda: find_mask_errors(mask_array / 2, value_array), "no whole numbers", "float64")
    cv2.imwrite(str(masks / "b.png"), np.where(mask_array[1] == 1, 200, 0))
    refusal(lambda: search(masks, values), "mask of b", "200")


def test_masks_of_0_and_255_are_two_classes_where_all_are_like_that(folders):
    masks, values, mask_array, value_array = folders
    for name, mask in zip("abc", mask_array, strict=True):
        cv2.imwrite(str(masks / f"{name}.png"), mask * 255)
    _, found = search(masks, values)
    expected = estimate(ArraySource(mask_array, value_array), ErrorSettings())
    np.testing.assert_array_equal(found.calibrated, expected.calibrated)
    # Asked for as the ignore label, 255 is no class.
    _, found = search(masks, values, ignore_label=255)
    assert found.ignored_pixels == (mask_array == 1).sum()
    assert found.class_counts.tolist() == [(mask_array == 0).sum(), 0]
    # One mask of 0 and 1 makes it unclear what 255 is.
    cv2.imwrite(str(masks / "c.png"), mask_array[2])
    refusal(lambda: search(masks, values), "1 in c, 255 in a")


def test_arrays_of_0_and_255_are_two_classes_too(folders):
    masks, values, mask_array, value_array = folders
    for name, mask in zip("abc", mask_array, strict=True):
        (masks / f"{name}.png").unlink()
        np.save(masks / f"{name}.npy", mask * np.uint8(255))
    _, found = search(masks, values)
    expected = estimate(ArraySource(mask_array, value_array), ErrorSettings())
    np.testing.assert_array_equal(found.calibrated, expected.calibrated)


def test_nothing_labelled_is_an_error(folders):
    *_, masks, values = folders
    refusal(
        lambda: find_mask_errors(np.full_like(masks, 255), values, ignore_label=255),
        "no pixel is labelled",
    )
    refusal(lambda: ArraySource(masks[:2], values), "2 masks, 3 of probabilities")
    refusal(lambda: ArraySource(masks, values, names=["a", "a", "b"]), "2 of them different")
