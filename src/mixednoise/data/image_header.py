"""Headers of PNG, JPEG and BMP files: size, depth, and whether the file is whole."""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass

from mixednoise.data.unreadable import UnreadableImageError

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
BMP_HEADER_SIZES = frozenset({12, 16, 40, 52, 56, 64, 108, 124})


@dataclass(frozen=True)
class ImageHeader:
    """What the decoder needs to know beforehand.

    Attributes:
        format: ``PNG``, ``JPEG``, ``TIFF`` or ``BMP``.
        height, width: pixels as stored, before any rotation that EXIF asks for.
        channels: 1 (grey), 2 (grey, alpha), 3 or 4; a palette counts as 3.
        bits: per channel.
        buffered: a JPEG whose coefficients are all kept in memory while decoding (progressive).
        floating: TIFF with floating-point values.
        white_is_zero: TIFF whose smallest value is white.
        alpha_tag: TIFF whose colours the decoder would multiply by alpha: where to tell it not to.
    """

    format: str
    height: int
    width: int
    channels: int
    bits: int
    buffered: bool = False
    floating: bool = False
    white_is_zero: bool = False
    alpha_tag: int | None = None


def read_png(data: bytes) -> ImageHeader:
    """Walk the chunks up to IEND, checking the checksum of those that matter."""
    position, header = len(PNG_SIGNATURE), None
    view = memoryview(data)
    while True:
        if position + 12 > len(data):
            raise UnreadableImageError("truncated PNG: its end is missing")
        length, kind = struct.unpack_from(">I4s", data, position)
        end = position + 12 + length
        if end > len(data):
            raise UnreadableImageError("truncated PNG: its end is missing")
        # A capital first letter marks a chunk that is needed to show the image.
        if kind[:1].isupper():
            (checksum,) = struct.unpack_from(">I", data, end - 4)
            if zlib.crc32(view[position + 4 : end - 4]) != checksum:
                raise UnreadableImageError(
                    f"damaged PNG: wrong checksum in {kind.decode('ascii', 'ignore')}"
                )
        if header is None:
            if kind != b"IHDR":
                raise UnreadableImageError("damaged PNG: no header")
            width, height, bits, colour = struct.unpack_from(">IIBB", data, position + 8)
            channels = {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}.get(colour, 0)
            header = ImageHeader("PNG", height, width, channels, bits)
        if kind == b"IEND":
            return header
        position = end


# Inside compressed data FF is followed by 00, by a restart marker D0-D7, or by another FF.
_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_SEGMENTS = frozenset({0xC4, 0xCC, 0xDA, 0xDB, 0xDC, 0xDD, 0xFE, *range(0xE0, 0xF0)})


def read_jpeg(data: bytes) -> ImageHeader:
    """Walk the segments to the image data, then look for the marker that ends the image."""
    position, header = 2, None
    while True:
        marker, position = _next_marker(data, position)
        if marker == 0xD9:
            raise UnreadableImageError("damaged JPEG: no image data")
        (length,) = struct.unpack_from(">H", data, position)
        if position + length > len(data):
            raise UnreadableImageError("truncated JPEG: ends within its header")
        if marker in range(0xC0, 0xD0) and marker not in (0xC4, 0xC8, 0xCC):
            bits, height, width, channels = struct.unpack_from(">BHHB", data, position + 2)
            if bits != 8:
                raise UnreadableImageError(f"JPEG with {bits} bits per channel; 8 are read")
            header = ImageHeader("JPEG", height, width, channels, bits, marker == 0xC2)
        if marker == 0xDA:
            break
        position += length
    if header is None:
        raise UnreadableImageError("damaged JPEG: no size before the image data")
    # Several scans, one per colour, are buffered like a progressive image.
    if data[position + 2] < header.channels:
        header = ImageHeader("JPEG", header.height, header.width, header.channels, 8, True)
    position += length
    while (found := _MARKER.search(data, position)) is not None:
        marker, position = data[found.end() - 1], found.end()
        if marker == 0xD9:
            return header
        if marker in _SEGMENTS:
            (length,) = struct.unpack_from(">H", data, position)
            position += length
    raise UnreadableImageError("truncated JPEG: its end is missing")


def _next_marker(data: bytes, position: int) -> tuple[int, int]:
    """The next marker of a JPEG header, and where its contents start."""
    position = data.find(b"\xff", position)
    while position >= 0 and position + 1 < len(data) and data[position + 1] == 0xFF:
        position += 1
    if position < 0 or position + 4 > len(data):
        raise UnreadableImageError("truncated JPEG: ends within its header")
    return data[position + 1], position + 2


def read_bmp(data: bytes) -> ImageHeader:
    """Read either kind of BMP header; check the length where the pixels are not compressed."""
    offset, header_size = struct.unpack_from("<II", data, 10)
    if header_size == 12:
        width, height, _, bits = struct.unpack_from("<HHHH", data, 18)
        compression = 0
    else:
        width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    height = abs(height)
    if compression in (0, 3) and offset + (width * bits + 31) // 32 * 4 * height > len(data):
        raise UnreadableImageError("truncated BMP: its end is missing")
    return ImageHeader("BMP", height, width, 4 if bits == 32 else 3, 8)
