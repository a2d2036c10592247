"""From the bytes of an image file to RGB pixels, or to a reason why not.

PNG, JPEG, TIFF (first page) and BMP are decoded by OpenCV, DICOM by pydicom. The rules:

- Always RGB, 8 bits. Grey is repeated, a palette looked up, CMYK converted; alpha is ignored.
- More than 8 bits, signed or floating-point values: see :func:`.grey_levels.scale_to_uint8`.
- The orientation in EXIF (or in TIFF's own tag) is applied: pixels are as a viewer shows them.
- Truncated files are refused, not shown in part. A JPEG that is damaged inside but has its end is
  decoded as every viewer does; it can't be told from a whole one cheaply.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np

from mixednoise.data.dicom import decode_dicom, read_dicom_size
from mixednoise.data.file_format import is_dicom, read_header
from mixednoise.data.grey_levels import scale_to_uint8
from mixednoise.data.image_header import ImageHeader
from mixednoise.data.quiet import quiet_decoders
from mixednoise.data.unreadable import UnreadableImageError

__all__ = [
    "Decoded",
    "UnreadableImageError",
    "decode_bytes",
    "decode_image",
    "hash_bytes",
    "read_image_file",
    "read_image_size",
]

Pixels = np.ndarray[Any, np.dtype[np.uint8]]

#: The most memory that one decoded image may take: 200 million pixels of 8-bit RGB, 100 million of
#: 16-bit RGB. A file of more bytes than this is not read either.
MAX_DECODED_BYTES = 600_000_000
#: Images above this are decoded one at a time, so that many workers can't add them up.
_LARGE_BYTES = 64_000_000
_large = threading.RLock()

_REDUCED = {
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


class Decoded(NamedTuple):
    """Pixels, and the size that the whole image has.

    Attributes:
        image: uint8 (H, W, 3) RGB; smaller than the whole image where it was reduced.
        native_size: (height, width) of the whole image in pixels, after rotation.
    """

    image: Pixels
    native_size: tuple[int, int]


def decode_image(path: Path | str, *, min_side: int | None = None) -> Pixels:
    """Read an image file.

    Args:
        path: PNG, JPEG, TIFF, BMP or single-frame DICOM, recognised by content, not by name.
        min_side: lets the decoder shrink a JPEG by 2, 4 or 8, many times faster than decoding it
            whole, as long as its shorter side keeps at least this many pixels.

    Returns:
        uint8 (H, W, 3) RGB, 0-255.

    Raises:
        UnreadableImageError: with a short reason.
    """
    try:
        return decode_bytes(read_image_file(path), min_side=min_side).image
    except UnreadableImageError as error:
        raise UnreadableImageError(error.reason, str(path), retry=error.retry) from error


def read_image_size(path: Path | str) -> tuple[int, int]:
    """(height, width) in pixels as stored, before any rotation, without decoding a pixel.

    Raises:
        UnreadableImageError: as :func:`decode_image`, as far as the header tells.
    """
    try:
        data = read_image_file(path)
        if is_dicom(data):
            return read_dicom_size(data)
        header = read_header(data)
    except UnreadableImageError as error:
        raise UnreadableImageError(error.reason, str(path), retry=error.retry) from error
    return header.height, header.width


def read_image_file(path: Path | str) -> bytes:
    """The bytes of an image file.

    Raises:
        UnreadableImageError: no such file, a folder, no permission, far too large.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            _refuse_no_image(os.fstat(file.fileno()))
            return file.read()
    except UnreadableImageError:
        raise
    except FileNotFoundError as error:
        raise UnreadableImageError("file not found") from error
    except IsADirectoryError as error:
        raise UnreadableImageError("not an image: a folder") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UnreadableImageError(reason, retry=True) from error
    except ValueError as error:
        raise UnreadableImageError(f"no file name: {error}") from error


def _refuse_no_image(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableImageError("not an image: no regular file")
    if status.st_size > MAX_DECODED_BYTES:
        raise UnreadableImageError(
            f"a file of {status.st_size / 1e9:.1f} GB; "
            f"the limit is {MAX_DECODED_BYTES / 1e9:.1f} GB"
        )


def _open_at_once(path: str, flags: int) -> int:
    """Open without waiting: opening a named pipe would wait for someone to write into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def hash_bytes(data: bytes | memoryview) -> str:
    """BLAKE2b of 16 bytes as 32 hexadecimal digits: the identity of an image's content."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def decode_bytes(data: bytes, *, min_side: int | None = None) -> Decoded:
    """Decode the bytes of an image file; arguments and errors as :func:`decode_image`."""
    if is_dicom(data):
        with one_at_a_time(len(data)):
            image = decode_dicom(data, max_bytes=MAX_DECODED_BYTES)
        return Decoded(image, (image.shape[0], image.shape[1]))
    header = read_header(data)
    factor = _reduction(header, min_side)
    needed = _decoded_bytes(header, factor)
    if needed > MAX_DECODED_BYTES:
        raise UnreadableImageError(
            f"{header.width} x {header.height} pixels would take {needed / 1e9:.1f} GB; "
            f"the limit is {MAX_DECODED_BYTES / 1e9:.1f} GB"
        )
    try:
        with one_at_a_time(needed), quiet_decoders():
            image = _decode(data, header, factor)
    except UnreadableImageError:
        raise
    except MemoryError as error:
        raise UnreadableImageError("not enough memory to decode it", retry=True) from error
    except (cv2.error, ValueError) as error:
        raise UnreadableImageError(f"damaged or unusual {header.format} file") from error
    return Decoded(image, _native_size(header, factor, image))


@contextmanager
def one_at_a_time(size: int) -> Iterator[None]:
    """Wait for other threads with images as large as this (bytes); small ones don't wait."""
    if size > _LARGE_BYTES:
        with _large:
            yield
    else:
        yield


def _reduction(header: ImageHeader, min_side: int | None) -> int:
    """How many times smaller OpenCV may decode: 1, or for JPEG 2, 4 or 8."""
    if min_side is None or header.format != "JPEG":
        return 1
    shorter = min(header.height, header.width)
    return next((factor for factor in (8, 4, 2) if -(-shorter // factor) >= min_side), 1)


def _decoded_bytes(header: ImageHeader, factor: int) -> int:
    """Memory that decoding will take."""
    pixels = header.height * header.width
    # A buffered JPEG keeps 16-bit coefficients of the whole image, however small the result.
    coefficients = 2 * pixels * header.channels if header.buffered else 0
    return pixels // factor**2 * 3 * max(1, header.bits // 8) + coefficients


def _decode(data: bytes, header: ImageHeader, factor: int) -> Pixels:
    """Let OpenCV decode, then bring whatever it returns to RGB uint8."""
    if factor > 1:
        flags = _REDUCED[factor]
    elif header.floating or header.bits > 16:
        flags = cv2.IMREAD_UNCHANGED
    elif header.bits > 8 and header.channels < 3:
        flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
    else:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    if header.alpha_tag is not None:
        # libtiff multiplies colours by unassociated alpha; an extra channel of unspecified meaning
        # (0) it leaves alone, so that alpha is ignored in TIFF as it is in PNG.
        patched = bytearray(data)
        patched[header.alpha_tag : header.alpha_tag + 2] = b"\0\0"
        data = bytes(patched)
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if decoded is None or decoded.size == 0:
        raise UnreadableImageError(f"damaged or unusual {header.format} file")
    image = np.asarray(decoded)
    if image.ndim == 3 and image.shape[2] != 3:
        image = np.ascontiguousarray(image[..., :3] if image.shape[2] > 3 else image[..., 0])
    if image.dtype != np.uint8:
        image = scale_to_uint8(image)
        # OpenCV inverts this by itself in 8-bit files alone.
        if header.white_is_zero:
            image = np.asarray(255 - image, np.uint8)
    if image.ndim == 2:
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)
    # In bands, so that a large image is not there twice.
    for top in range(0, image.shape[0], 256):
        band = image[top : top + 256]
        band[...] = cv2.cvtColor(band, cv2.COLOR_BGR2RGB)
    return image


def _native_size(header: ImageHeader, factor: int, image: Pixels) -> tuple[int, int]:
    """The whole image's (height, width), swapped where the decoder has turned it on its side."""
    height, width = header.height, header.width
    upright = (-(-height // factor), -(-width // factor))
    return (height, width) if image.shape[:2] == upright else (width, height)
