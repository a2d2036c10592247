"""Decoding against Pillow and hand-made arithmetic, and the zoo of files that can't be read."""

from __future__ import annotations

import hashlib
import io
import os
import platform
import struct
import subprocess
import sys
import threading
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from mixednoise.data import decode
from mixednoise.data.decode import (
    UnreadableImageError,
    decode_bytes,
    decode_image,
    read_image_size,
)
from mixednoise.data.grey_levels import scale_to_uint8
from mixednoise.data.prepare import prepare_bytes, prepare_file
from mixednoise.errors import DataError


def picture(height=30, width=44, seed=0) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return cv2.GaussianBlur(noise, (0, 0), 2)


def encoded(image: Image.Image, format: str, **options) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def by_pillow(data: bytes) -> np.ndarray:
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB"))


RGB = Image.fromarray(picture())
ALPHA = Image.fromarray(np.dstack([picture(), picture(seed=1)[..., 0]]))
BILEVEL = RGB.convert("L").point(lambda level: 255 * (level > 127)).convert("1")
MODES = {
    "rgb": (RGB, ("PNG", "TIFF", "BMP", "JPEG")),
    "grey": (RGB.convert("L"), ("PNG", "TIFF", "BMP", "JPEG")),
    "palette": (RGB.quantize(16), ("PNG", "TIFF", "BMP")),
    "bilevel": (BILEVEL, ("PNG", "TIFF", "BMP")),
    "alpha": (ALPHA, ("PNG", "TIFF", "BMP")),
    "grey-alpha": (ALPHA.convert("LA"), ("PNG", "TIFF")),
}


@pytest.mark.parametrize(
    ("mode", "format"), [(mode, f) for mode, (_, formats) in MODES.items() for f in formats]
)
def test_eight_bits_as_pillow_decodes_them(mode, format):
    data = encoded(MODES[mode][0], format)
    image, native_size = decode_bytes(data)
    np.testing.assert_array_equal(image, by_pillow(data))
    assert image.dtype == np.uint8
    assert native_size == (30, 44)


def test_palette_with_a_transparent_colour_as_pillow_decodes_them():
    data = encoded(RGB.quantize(16), "PNG", transparency=3)
    np.testing.assert_array_equal(decode_bytes(data).image, by_pillow(data))


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_compressed_tiff(compression):
    data = encoded(RGB, "TIFF", compression=compression)
    np.testing.assert_array_equal(decode_bytes(data).image, picture())


def test_cmyk_jpeg_is_converted_to_rgb():
    data = encoded(RGB.convert("CMYK"), "JPEG", quality=95)
    difference = decode_bytes(data).image.astype(int) - by_pillow(data)
    assert np.abs(difference).max() <= 1


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(format, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encoded(RGB, format, exif=exif)
    image, native_size = decode_bytes(data)
    np.testing.assert_array_equal(image, by_pillow(data))
    assert native_size == ((44, 30) if orientation >= 5 else (30, 44))


# 16 bits: 1,000 pixels 0, 10, 20, ... 9990. numpy's percentiles interpolate between ranks:
# 0.5 % lies at rank 0.005 * 999 = 4.995 -> 49.95, 99.5 % at rank 994.005 -> 9940.05.
LOW, HIGH = 49.95, 9940.05


def ramp() -> np.ndarray:
    return (10 * np.arange(1000, dtype=np.uint16)).reshape(25, 40)


def expected_ramp() -> np.ndarray:
    rows = []
    for value in ramp().ravel().tolist():
        share = (value - LOW) / (HIGH - LOW)
        rows.append(round(255 * min(1.0, max(0.0, share))))
    return np.array(rows).reshape(25, 40)


@pytest.mark.parametrize("extension", [".png", ".tiff"])
def test_sixteen_bit_grey_is_stretched_between_percentiles(extension):
    data = cv2.imencode(extension, ramp())[1].tobytes()
    image = decode_bytes(data).image
    assert image.shape == (25, 40, 3)
    for channel in range(3):
        np.testing.assert_array_equal(image[..., channel], expected_ramp())


def test_sixteen_bit_colour_is_stretched_with_one_scale_for_all_channels():
    # In equal steps, the channels together are one ramp of 0..29990 in 3,000 values.
    values = (10 * np.arange(3000, dtype=np.uint16)).reshape(25, 40, 3)
    data = cv2.imencode(".png", values[..., ::-1])[1].tobytes()
    low, high = 10 * 0.005 * 2999, 10 * 0.995 * 2999
    expected = np.clip((values - low) / (high - low), 0, 1) * 255
    image = decode_bytes(data).image
    assert np.abs(image - expected).max() <= 0.5 + 1e-9


def test_sixteen_bit_alpha_is_ignored():
    values = np.random.default_rng(0).integers(0, 65536, (20, 20, 4), dtype=np.uint16)
    with_alpha = decode_bytes(cv2.imencode(".png", values)[1].tobytes()).image
    without = decode_bytes(cv2.imencode(".png", values[..., :3].copy())[1].tobytes()).image
    np.testing.assert_array_equal(with_alpha, without)


@pytest.mark.parametrize(("value", "expected"), [(0, 0), (32768, 128), (65535, 255), (257, 1)])
def test_constant_sixteen_bit_image_keeps_its_share_of_the_range(value, expected):
    data = cv2.imencode(".png", np.full((8, 8), value, np.uint16))[1].tobytes()
    assert np.unique(decode_bytes(data).image).tolist() == [expected]


def test_a_few_bright_pixels_in_a_flat_image_are_seen():
    flat = np.full((40, 40), 100, np.uint16)
    flat[0, 0] = 1100
    scaled = scale_to_uint8(flat)
    assert scaled[0, 0] == 255
    assert scaled[1, 1] == 0


def test_hot_pixels_do_not_darken_the_rest():
    values = np.tile(np.arange(1000, dtype=np.uint16), (20, 1))
    values[0, :50] = 65535
    assert scale_to_uint8(values)[5, 990] > 245


def test_values_that_are_not_finite():
    values = np.array([[np.nan, 0.0], [0.5, 1.0], [np.inf, 0.0]], np.float32)
    assert scale_to_uint8(values)[[0, 2], [0, 0]].tolist() == [0, 0]
    with pytest.raises(UnreadableImageError, match="finite"):
        scale_to_uint8(np.full((2, 2), np.nan))


def tiff(values: np.ndarray, photometric: int, *, planar: int = 1, kind: int = 1) -> bytes:
    """An uncompressed little-endian TIFF of one strip per plane, written by hand."""
    height, width = values.shape[:2]
    channels = 1 if values.ndim == 2 else values.shape[2]
    planes = np.moveaxis(values, -1, 0) if planar == 2 else values[None]
    pixels = [np.ascontiguousarray(plane).tobytes() for plane in planes]
    bits = 8 * values.dtype.itemsize
    body = b"".join(pixels)
    lists = 8 + len(body)
    offsets = [8 + i * len(pixels[0]) for i in range(len(pixels))]
    extra = struct.pack(f"<{channels}H", *[bits] * channels)
    extra += struct.pack(f"<{len(pixels)}I", *offsets)
    extra += struct.pack(f"<{len(pixels)}I", *map(len, pixels))

    def many(kind, numbers, place):
        return numbers[0] if len(numbers) == 1 else place

    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, channels, many(3, [bits] * channels, lists)),
        (259, 3, 1, 1),
        (262, 3, 1, photometric),
        (273, 4, len(pixels), many(4, offsets, lists + 2 * channels)),
        (277, 3, 1, channels),
        (278, 4, 1, height),
        (279, 4, len(pixels), many(4, [len(pixels[0])], lists + 2 * channels + 4 * len(pixels))),
        (284, 3, 1, planar),
        (339, 3, 1, kind),
    ]
    if len(pixels) > 1:
        tags[8] = (279, 4, len(pixels), lists + 2 * channels + 4 * len(pixels))
    directory = struct.pack("<H", len(tags))
    directory += b"".join(struct.pack("<HHII", *tag) for tag in tags) + struct.pack("<I", 0)
    return struct.pack("<2sHI", b"II", 42, lists + len(extra)) + body + extra + directory


def test_tiff_where_white_is_zero_is_inverted():
    np.testing.assert_array_equal(
        decode_bytes(tiff(ramp(), photometric=0)).image[..., 0], 255 - expected_ramp()
    )
    eight = picture()[..., 0]
    np.testing.assert_array_equal(
        decode_bytes(tiff(eight, photometric=0)).image[..., 0], 255 - eight
    )


def test_signed_and_floating_point_tiff():
    signed = ramp().astype(np.int16) - 5000
    np.testing.assert_array_equal(
        decode_bytes(tiff(signed, photometric=1, kind=2)).image[..., 1], expected_ramp()
    )
    floating = ramp().astype(np.float32) / 7
    image = decode_bytes(tiff(floating, photometric=1, kind=3)).image[..., 1]
    assert np.abs(image.astype(int) - expected_ramp()).max() <= 1


def test_sixteen_bit_tiff_with_separate_planes_is_refused_not_scrambled():
    values = np.random.default_rng(0).integers(0, 65536, (20, 24, 3), dtype=np.uint16)
    with pytest.raises(UnreadableImageError, match="separate planes"):
        decode_bytes(tiff(values, photometric=2, planar=2))


# JPEG, decoded smaller.


@pytest.mark.parametrize(
    ("min_side", "expected"),
    [
        (None, (600, 1000)),
        (301, (600, 1000)),
        (300, (300, 500)),
        (150, (150, 250)),
        (75, (75, 125)),
        (10, (75, 125)),
    ],
)
def test_jpeg_is_decoded_only_as_large_as_needed(min_side, expected):
    data = encoded(Image.fromarray(picture(600, 1000)), "JPEG")
    image, native_size = decode_bytes(data, min_side=min_side)
    assert image.shape[:2] == expected
    assert native_size == (600, 1000)


def test_reduced_jpeg_shows_the_same_picture_the_right_way_up():
    exif = Image.Exif()
    exif[0x0112] = 6
    source = cv2.GaussianBlur(picture(600, 1000), (0, 0), 8)
    data = encoded(Image.fromarray(source), "JPEG", exif=exif, quality=95)
    image, native_size = decode_bytes(data, min_side=150)
    assert native_size == (1000, 600)
    reference = Image.fromarray(by_pillow(data)).resize((150, 250), Image.Resampling.BOX)
    assert np.abs(image.astype(int) - np.asarray(reference)).max() <= 3


def test_other_formats_are_never_reduced():
    assert decode_bytes(encoded(RGB, "PNG"), min_side=4).image.shape == (30, 44, 3)


def test_a_small_field_of_view_is_decoded_finely_enough():
    # A disc of 400 pixels in 1,600: reduced to suit the whole image it would have 50.
    image = np.zeros((1600, 1600, 3), np.uint8)
    cv2.circle(image, (800, 800), 200, (150, 90, 60), -1)
    stripes = np.zeros_like(image)
    stripes[:, ::8], stripes[:, 1::8] = 100, 100
    image = np.where(image > 0, image + stripes, 0).astype(np.uint8)
    data = encoded(Image.fromarray(image), "JPEG", quality=95)
    pixels, native_size = prepare_bytes(data, 200, crop="field_of_view")
    assert native_size == (1600, 1600)
    # Stripes with a period of 8 pixels survive at 200 pixels for 400, not at 200 for 50.
    assert np.ptp(pixels[95:105, 60:140, 0].mean(axis=0)) > 50


def test_decode_image_and_prepare_file_read_paths(tmp_path):
    path = tmp_path / "eye.of.a.needle"
    path.write_bytes(encoded(RGB, "PNG"))
    np.testing.assert_array_equal(decode_image(path), picture())
    np.testing.assert_array_equal(decode_image(str(path)), picture())
    np.testing.assert_array_equal(prepare_file(path, 44).pixels[7:37], picture())
    assert read_image_size(path) == (30, 44)


def test_content_hash_is_blake2b_of_the_bytes():
    expected = hashlib.blake2b(b"some bytes", digest_size=16).hexdigest()
    assert decode.hash_bytes(b"some bytes") == expected


# What can't be read.

JPEG = encoded(Image.fromarray(picture(200, 300)), "JPEG")
PROGRESSIVE = encoded(Image.fromarray(picture(200, 300)), "JPEG", progressive=True)
PNG = encoded(Image.fromarray(picture(200, 300)), "PNG")
TIFF = encoded(Image.fromarray(picture(200, 300)), "TIFF")
BMP = encoded(Image.fromarray(picture(200, 300)), "BMP")


def png_of_size(width: int, height: int) -> bytes:
    """A PNG header that promises a size, and hardly any pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 100)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


ZOO = {
    "empty": (b"", "empty file"),
    "text": (b"patient,label\n1,2\n", "text file"),
    "web page": (b"<!DOCTYPE html>\n<html><body>404</body></html>", "web page"),
    "lfs": (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", "git lfs pull"),
    "gif": (encoded(RGB.quantize(16), "GIF"), "GIF"),
    "zeros": (b"\0" * 1000, "zeros"),
    "noise": (b"\x01\x02" + bytes(range(256)), "not an image"),
    "jpeg half": (JPEG[: len(JPEG) // 2], "truncated JPEG"),
    "jpeg without end": (JPEG[:-2], "truncated JPEG"),
    "jpeg padded with zeros": (JPEG[: len(JPEG) // 2] + b"\0" * 9000, "truncated JPEG"),
    "jpeg header only": (JPEG[:100], "truncated JPEG"),
    "progressive half": (PROGRESSIVE[: len(PROGRESSIVE) // 2], "truncated JPEG"),
    "png half": (PNG[: len(PNG) // 2], "truncated PNG"),
    "png without end": (PNG[:-12], "truncated PNG"),
    "png damaged": (PNG[:500] + bytes([PNG[500] ^ 1]) + PNG[501:], "checksum"),
    "png too short inside": (png_of_size(300, 200), "damaged or unusual PNG"),
    "tiff half": (TIFF[: len(TIFF) // 2], "truncated TIFF"),
    "bmp half": (BMP[: len(BMP) // 2], "truncated BMP"),
    "five channels": (tiff(np.zeros((9, 9, 5), np.uint8), photometric=1), "5 channels"),
    "png bomb": (png_of_size(20_000, 20_000), "20000 x 20000 pixels would take 1.2 GB"),
}


@pytest.mark.parametrize("name", ZOO)
def test_unreadable_files_have_a_reason(name, tmp_path, capfd):
    data, reason = ZOO[name]
    path = tmp_path / "eye.jpg"
    path.write_bytes(data)
    with pytest.raises(UnreadableImageError) as caught:
        decode_image(path)
    assert reason in caught.value.reason
    assert str(path) in str(caught.value)
    assert str(tmp_path) not in caught.value.reason
    assert isinstance(caught.value, DataError)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "null"])
def test_paths_that_are_no_files(kind, tmp_path):
    path = tmp_path / "x.png"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(UnreadableImageError) as caught:
        decode_image("x\0y" if kind == "null" else path)
    assert (
        caught.value.reason
        in {
            "missing": ("file not found",),
            "folder": ("not an image: a folder", "not an image: no regular file"),
            "pipe": ("not an image: no regular file",),
            "null": ("no file name: embedded null byte",),
        }[kind]
    )


def test_permission_denied(tmp_path, monkeypatch):
    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(decode.os, "open", refuse)
    with pytest.raises(UnreadableImageError) as caught:
        decode_image(tmp_path / "x.png")
    assert caught.value.reason == "permission denied"
    assert caught.value.retry


def test_a_file_far_too_large_is_not_read(tmp_path):
    path = tmp_path / "huge.bmp"
    with path.open("wb") as file:
        file.truncate(5_000_000_000)  # sparse: takes no space
    with pytest.raises(UnreadableImageError, match=r"a file of 5\.0 GB"):
        decode_image(path)


def jpeg_of_size(width: int, height: int, sof: int) -> bytes:
    """A JPEG whose header claims another size (and another kind of coding)."""
    place = JPEG.index(b"\xff\xc0")
    size = struct.pack(">HH", height, width)
    return (
        JPEG[:place] + bytes([0xFF, sof]) + JPEG[place + 2 : place + 5] + size + JPEG[place + 9 :]
    )


def test_a_huge_jpeg_is_refused_unless_it_can_be_reduced():
    with pytest.raises(UnreadableImageError, match=r"would take 1\.2 GB"):
        decode_bytes(jpeg_of_size(20_000, 20_000, 0xC0))
    # Progressive coefficients of the whole image are kept, however small the result: 2 bytes each.
    with pytest.raises(UnreadableImageError, match=r"would take 2\.4 GB"):
        decode_bytes(jpeg_of_size(20_000, 20_000, 0xC2), min_side=224)


def test_a_real_huge_jpeg_is_read_reduced_in_little_memory():
    # 12,000 x 12,000 grey: 432 MB as RGB, 7 MB reduced by 8. Peak memory in a process of its own.
    code = (
        "import re, pathlib, cv2, numpy as np\n"
        "from mixednoise.data.decode import decode_bytes\n"
        "data = cv2.imencode('.jpg', np.zeros((12000, 12000), np.uint8))[1].tobytes()\n"
        "image, size = decode_bytes(data, min_side=64)\n"
        "assert image.shape == (1500, 1500, 3) and size == (12000, 12000)\n"
        # not ru_maxrss: a child starts with the peak of the process that started it
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) // 1024)\n"
    )
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert int(answer.stdout) < 450


DAMAGED = JPEG[: len(JPEG) // 2] + b"\0" * 400 + JPEG[len(JPEG) // 2 + 400 :]
glibc = pytest.mark.skipif(
    platform.libc_ver()[0] != "glibc", reason="C's stderr can be silenced in the GNU library only"
)


@glibc
def test_damage_inside_a_jpeg_stays_off_the_terminal(capfd):
    assert decode_bytes(DAMAGED).image.shape == (200, 300, 3)
    assert capfd.readouterr() == ("", "")


@glibc
def test_stderr_works_again_after_decoding(capfd):
    threads = [threading.Thread(target=decode_bytes, args=(DAMAGED,)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert cv2.utils.logging.getLogLevel() != cv2.utils.logging.LOG_LEVEL_SILENT
    assert capfd.readouterr().err == ""
    # libjpeg complains through C's stderr when asked without our silence.
    cv2.imdecode(np.frombuffer(DAMAGED, np.uint8), cv2.IMREAD_COLOR)
    assert "Corrupt JPEG data" in capfd.readouterr().err
