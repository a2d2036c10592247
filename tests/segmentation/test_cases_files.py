"""Reading images and masks at the depth and on the grid on which they are stored, and writing."""

from __future__ import annotations

import io
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from case_fixtures import AFFINE, grey, square, write_image, write_nifti
from PIL import Image

from mixednoise.errors import DataError
from mixednoise.segmentation.cases import (
    Case,
    CaseSet,
    MaskFiles,
    UnreadableCaseError,
    read_image,
    read_mask,
    write_like,
)
from mixednoise.segmentation.labels import IGNORE

RGB = np.random.default_rng(0).integers(0, 256, (4, 5, 3), dtype=np.uint8)
DEEP = np.array([[0, 300], [40000, 65535]], np.uint16)


def one(image, mask=None, *, values=(0, 255), ignore=None) -> CaseSet:
    files = None if mask is None else MaskFiles(mask)
    names = tuple(f"c{i}" for i in range(len(values)))
    return CaseSet((Case("a", "a", (image,), files),), names, values, ignore)


def test_a_case_that_has_moved():
    truth = MaskFiles(Path("t.png"))
    case = Case("a", "a", (Path("a.png"),), MaskFiles(classes=(("cup", Path("c.png")),)), truth)
    moved = case.moved(Path("new").joinpath)
    assert moved.images == (Path("new/a.png"),)
    assert moved.mask == MaskFiles(classes=(("cup", Path("new/c.png")),))
    assert moved.truth == truth
    assert truth.moved(Path("new").joinpath) == MaskFiles(Path("new/t.png"))


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".npy"])
def test_grey_and_colour_as_stored(tmp_path, ending):
    for array, expected in ((grey(1), grey(1)[None]), (RGB, RGB.transpose(2, 0, 1))):
        picture = read_image(Case("a", "a", (write_image(tmp_path / f"a{ending}", array),)))
        assert picture.array.dtype == np.uint8
        assert np.array_equal(picture.array, expected)
        assert picture.spacing is None
        assert picture.affine is None


@pytest.mark.parametrize("ending", [".png", ".tif", ".npy"])
def test_16_bits_keep_their_levels(tmp_path, ending):
    array = read_image(Case("a", "a", (write_image(tmp_path / f"a{ending}", DEEP),))).array
    assert array.dtype == np.float32
    assert np.array_equal(array[0], DEEP)


def test_alpha_is_left_out_and_a_palette_looked_up(tmp_path):
    rgba = write_image(tmp_path / "a.png", np.dstack([RGB, np.full((4, 5), 7, np.uint8)]))
    assert np.array_equal(read_image(Case("a", "a", (rgba,))).array, RGB.transpose(2, 0, 1))
    image = Image.fromarray(np.array([[0, 1]], np.uint8))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / "p.png")
    array = read_image(Case("p", "p", (tmp_path / "p.png",))).array
    assert array[:, 0].T.tolist() == [[10, 20, 30], [40, 50, 60]]


@pytest.mark.parametrize("bits", [1, 2, 4, 8])
def test_a_palette_mask_gives_its_indices(tmp_path, bits):
    index = np.array([[0, 1, 1, 0], [1, 0, 0, 1]], np.uint8) * min(2**bits - 1, 5)
    image = Image.fromarray(index)
    image.putpalette(list(range(255, 0, -1))[: 3 * 2**bits])
    buffer = io.BytesIO()
    image.save(buffer, "PNG", bits=bits, transparency=0)
    path = tmp_path / "a.png"
    path.write_bytes(buffer.getvalue())
    assert path.read_bytes()[24:26] == bytes([bits, 3])  # depth, palette
    case_set = one(path, path, values=tuple(range(6)))
    assert np.array_equal(read_mask(case_set, case_set.cases[0]), index)


def test_masks_in_other_clothes(tmp_path):
    """One bit, grey saved as RGB with alpha, floating point: the same mask."""
    mask = square() > 0
    paths = [
        write_image(tmp_path / "bit.png", mask),
        write_image(tmp_path / "rgba.png", np.dstack([square()] * 4)),
        write_image(tmp_path / "f.npy", mask * 255.0),
        write_image(tmp_path / "deep.tif", square().astype(np.uint16)),
        write_nifti(tmp_path / "n.nii.gz", (mask.T * 255.0)[..., None]),
    ]
    for path in paths:
        case_set = one(path, path)
        assert np.array_equal(read_mask(case_set, case_set.cases[0]), mask), path


@pytest.mark.parametrize(
    ("array", "ending", "reason"),
    [
        (RGB, ".png", "colour"),
        (grey(0), ".jpg", "JPEG"),
        (square() / 7, ".npy", "no whole numbers"),
        (np.zeros((2, 2, 2, 2)), ".npy", "no mask"),
    ],
)
def test_what_is_no_mask(tmp_path, array, ending, reason):
    path = write_image(tmp_path / f"a{ending}", array)
    case_set = one(path, path)
    with pytest.raises(UnreadableCaseError, match=reason):
        read_mask(case_set, case_set.cases[0])


def test_unknown_values_are_told(tmp_path):
    path = write_image(tmp_path / "a.png", square(value=3))
    with pytest.raises(DataError, match="3 in 6 pixels"):
        read_mask(one(path, path), one(path, path).cases[0])


def test_damaged_files(tmp_path):
    whole = write_image(tmp_path / "a.png", grey(0)).read_bytes()
    gz = write_nifti(tmp_path / "b.nii.gz", np.zeros((9, 9, 9))).read_bytes()
    pages = [Image.fromarray(grey(i)) for i in range(2)]
    pages[0].save(tmp_path / "p.tif", save_all=True, append_images=pages[1:])
    (tmp_path / "a.png").write_bytes(whole[:-20])
    (tmp_path / "b.nii.gz").write_bytes(gz[: len(gz) // 2])
    (tmp_path / "c.npy").write_text("not numpy")
    np.save(tmp_path / "d.npy", np.array([[1.0, np.nan]]))
    for name, reason in [
        ("a.png", "truncated PNG"), ("b.nii.gz", "damaged"), ("c.npy", "npy"),
        ("d.npy", "1 values are NaN"), ("e.png", "not found"), ("f.nii", "not found"),
        ("p.tif", "several pages"),
    ]:  # fmt: skip
        with pytest.raises(UnreadableCaseError, match=reason):
            read_image(Case("a", "a", (tmp_path / name,)))


def test_nifti_axes_are_reversed_and_nothing_else(tmp_path):
    xyz = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    picture = read_image(Case("a", "a", (write_nifti(tmp_path / "a.nii.gz", xyz),)))
    assert picture.array.shape == (1, 4, 3, 2)
    assert all(picture.array[0, z, y, x] == xyz[x, y, z] for x, y, z in np.ndindex(*xyz.shape))
    # mm per step: along x the first column of the affine has length 2, y 1.5, z 3.
    assert picture.spacing == pytest.approx((3, 1.5, 2))
    assert np.array_equal(picture.affine, AFFINE)
    four = write_nifti(tmp_path / "c.nii", np.arange(48.0).reshape(2, 3, 4, 2))
    assert read_image(Case("a", "a", (four,))).array.shape == (2, 4, 3, 2)


def test_npy_axes_follow_the_mask(tmp_path):
    stack = np.random.default_rng(0).random((7, 5, 6)).astype(np.float32)
    image = write_image(tmp_path / "a.npy", stack)
    plane = write_image(tmp_path / "m.npy", np.zeros((5, 6), np.uint8))
    volume = write_image(tmp_path / "v.npy", np.zeros((7, 5, 6), np.uint8))
    last = write_image(tmp_path / "l.npy", np.zeros((7, 5), np.uint8))
    assert read_image(one(image, plane).cases[0]).array.shape == (7, 5, 6)
    assert read_image(one(image, volume).cases[0]).array.shape == (1, 7, 5, 6)
    assert read_image(one(image, last).cases[0]).array.shape == (6, 7, 5)


def test_channels_in_several_files(tmp_path):
    first, second = (
        write_image(tmp_path / "a.png", grey(0)),
        write_image(tmp_path / "b.png", grey(1)),
    )
    picture = read_image(Case("a", "a", (first, second)))
    assert np.array_equal(picture.array, np.stack([grey(0), grey(1)]))
    deep = write_image(tmp_path / "c.png", np.full((6, 9), 999, np.uint16))
    assert read_image(Case("a", "a", (first, deep))).array.dtype == np.float32
    small = write_image(tmp_path / "d.png", grey(1, 3, 3))
    with pytest.raises(UnreadableCaseError, match=r"3 x 3, but a\.png"):
        read_image(Case("a", "a", (first, small)))


@pytest.mark.parametrize("ending", [".png", ".tif", ".bmp", ".npy"])
def test_written_like_the_mask(tmp_path, ending):
    path = write_image(tmp_path / f"m{ending}", square())
    case_set = one(path, path)
    array = np.zeros((6, 9), np.uint8)
    array[0, :4] = 1
    out = write_like(case_set, case_set.cases[0], array, tmp_path / "out" / "a.b")
    assert out == tmp_path / "out" / f"a.b{ending}"
    back = np.load(out) if ending == ".npy" else np.asarray(Image.open(out))
    assert np.array_equal(back, array * 255)
    assert [p.name for p in (tmp_path / "out").iterdir()] == [out.name]  # no temporary file
    error_map = write_like(case_set, case_set.cases[0], array == 1, tmp_path / "flags")
    flags = np.load(error_map) if ending == ".npy" else np.asarray(Image.open(error_map))
    assert np.array_equal(flags, np.where(array == 1, 255, 0))


@pytest.mark.parametrize(("ending", "shape"), [(".nii.gz", (2, 3, 4)), (".nii", (2, 3, 1))])
def test_nifti_written_onto_its_own_grid(tmp_path, ending, shape):
    values = np.random.default_rng(0).choice([0, 7, 9], shape).astype(np.float32)
    path = write_nifti(tmp_path / f"m{ending}", values)
    case_set = one(path, path, values=(0, 7), ignore=9)
    mask = read_mask(case_set, case_set.cases[0])
    out = nib.load(write_like(case_set, case_set.cases[0], mask, tmp_path / "o"))
    before = nib.load(path)
    assert np.array_equal(np.asarray(out.dataobj), values)
    assert out.shape == shape
    assert out.get_data_dtype() == np.uint8
    assert np.array_equal(out.affine, AFFINE)
    for name in ("descrip", "qform_code", "sform_code", "xyzt_units", "pixdim"):
        assert np.array_equal(out.header[name], before.header[name]), name
    wrong = np.zeros((9, 9), np.uint8)
    with pytest.raises(DataError, match="can't be stored"):
        write_like(case_set, case_set.cases[0], wrong, tmp_path / "wrong")


def test_values_that_have_no_place(tmp_path):
    path = write_image(tmp_path / "m.png", square())
    case_set = one(path, path)
    for index, message in ((IGNORE, "no value for them"), (2, "is no class")):
        with pytest.raises(DataError, match=message):
            write_like(
                case_set, case_set.cases[0], np.full((6, 9), index, np.uint8), tmp_path / "o"
            )
    many = write_like(case_set, case_set.cases[0], square(value=1), tmp_path / "o", values=(5, 600))
    assert np.array_equal(np.asarray(Image.open(many)), np.where(square(), 600, 5))
