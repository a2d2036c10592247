"""PNG, JPEG, TIFF and BMP files as they are stored: no scaling to 8 bits, no grey made colour."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mixednoise.data.decode import MAX_DECODED_BYTES, one_at_a_time, read_image_file
from mixednoise.data.file_format import is_dicom, read_header
from mixednoise.data.image_header import PNG_SIGNATURE, ImageHeader
from mixednoise.data.quiet import quiet_decoders
from mixednoise.data.unreadable import UnreadableImageError
from mixednoise.segmentation.cases.tiff_pages import has_further_page
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError

Array = np.ndarray[Any, Any]

_PNG_GREY, _PNG_PALETTE = 0, 3
_BMP_BITS = 28  # position of the two bytes that hold the bits per pixel


def read_raster(path: Path, *, as_mask: bool = False) -> Array:
    """Read an image file at the depth in which it is stored.

    Args:
        path: PNG, JPEG, TIFF (of one page) or BMP, recognised by content.
        as_mask: values are classes: a palette's indices are returned, not its colours; an image
            in colour is read only where it is grey in truth (its channels are equal); JPEG,
            which changes values, is refused. Without it, the orientation in EXIF is applied, a
            palette is looked up, and alpha is left out.

    Returns:
        (H, W) or (H, W, 3) RGB; uint8, uint16, or whatever number a TIFF holds.

    Raises:
        UnreadableCaseError: with a short reason.
    """
    try:
        data = read_image_file(path)
        header = _whole_header(data)
        with one_at_a_time(_needed_bytes(header)), quiet_decoders():
            return _decode_mask(data, header) if as_mask else _decode_image(data, header)
    except UnreadableImageError as error:
        raise UnreadableCaseError(error.reason, path, retry=error.retry) from error
    except MemoryError as error:
        raise UnreadableCaseError("not enough memory to decode it", path, retry=True) from error
    except (cv2.error, ValueError) as error:
        raise UnreadableCaseError("damaged or unusual image file", path) from error


def _whole_header(data: bytes) -> ImageHeader:
    """The header of a file that can be decoded: whole, of one page, fitting in memory."""
    if is_dicom(data):
        raise UnreadableImageError("a DICOM file")
    header = read_header(data)
    needed = _needed_bytes(header)
    if needed > MAX_DECODED_BYTES:
        raise UnreadableImageError(
            f"{header.width} x {header.height} pixels would take {needed / 1e9:.1f} GB; "
            f"the limit is {MAX_DECODED_BYTES / 1e9:.1f} GB"
        )
    if header.format == "TIFF" and has_further_page(data):
        raise UnreadableImageError("a TIFF of several pages; save volumes as NIfTI or npy")
    return header


def _needed_bytes(header: ImageHeader) -> int:
    return header.height * header.width * max(3, header.channels) * max(1, header.bits // 8)


def _decode_image(data: bytes, header: ImageHeader) -> Array:
    grey_bmp = header.format == "BMP" and int.from_bytes(data[_BMP_BITS : _BMP_BITS + 2], "little")
    if header.floating or header.bits > 16 or grey_bmp == 8:
        flags = cv2.IMREAD_UNCHANGED
    elif header.channels < 3:
        flags = cv2.IMREAD_GRAYSCALE | cv2.IMREAD_ANYDEPTH
    else:
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
    if header.alpha_tag is not None:
        # libtiff multiplies colours by unassociated alpha; an extra channel of unspecified meaning
        # (0) it leaves alone.
        data = data[: header.alpha_tag] + b"\0\0" + data[header.alpha_tag + 2 :]
    image = _imdecode(data, flags, header)
    if image.ndim == 2:
        return image
    if image.shape[2] < 3:
        return np.ascontiguousarray(image[..., 0])
    return np.ascontiguousarray(image[..., 2::-1])


def _decode_mask(data: bytes, header: ImageHeader) -> Array:
    if header.format == "JPEG":
        raise UnreadableImageError("a JPEG: its compression changes the values of a mask")
    step = 1
    if header.format == "PNG" and data[25] in (_PNG_GREY, _PNG_PALETTE):
        # Below 8 bits the decoder stretches grey levels over 0-255: undone for the indices of a
        # palette; a grey mask of one bit stays as viewers show it, 0 and 255.
        if data[25] == _PNG_PALETTE:
            step = 255 // ((1 << header.bits) - 1)
        data = _as_plain_grey(data)
    mask = _imdecode(data, cv2.IMREAD_UNCHANGED, header)
    if mask.ndim == 3:
        first = mask[..., 0]
        # A fourth channel is alpha, and so is the second of two.
        colours = mask[..., :3] if mask.shape[2] >= 3 else mask[..., :1]
        if (colours != first[..., None]).any():
            raise UnreadableImageError("an image in colour; a mask has one value per pixel")
        mask = np.ascontiguousarray(first)
    return mask // step if step > 1 else mask


def _imdecode(data: bytes, flags: int, header: ImageHeader) -> Array:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    if decoded is None or decoded.size == 0:
        raise UnreadableImageError(f"damaged or unusual {header.format} file")
    image = np.asarray(decoded)
    # OpenCV inverts this by itself in 8-bit files alone.
    if header.white_is_zero and image.dtype == np.uint16:
        image = np.asarray(65535 - image, np.uint16)
    return image


def _as_plain_grey(data: bytes) -> bytes:
    """A PNG with its palette and transparency taken out, so that indices come out as they are."""
    parts, position = [PNG_SIGNATURE], len(PNG_SIGNATURE)
    while position < len(data):
        length, kind = struct.unpack_from(">I4s", data, position)
        chunk = data[position + 8 : position + 8 + length]
        position += 12 + length
        if kind in (b"PLTE", b"tRNS", b"bKGD", b"gAMA", b"eXIf"):
            continue
        if kind == b"IHDR":
            chunk = chunk[:9] + bytes([_PNG_GREY]) + chunk[10:]
        parts += [struct.pack(">I4s", length, kind), chunk]
        parts.append(struct.pack(">I", zlib.crc32(kind + chunk)))
        if kind == b"IEND":
            break
    return b"".join(parts)
