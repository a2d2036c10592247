"""What an image file is, how large, and whether it is whole: from its bytes, no pixel decoded.

Decoders are asked only when the file is whole and its pixels fit in memory: they take a truncated
file for a partly grey image, and a 2 KB file that claims 20,000 x 20,000 pixels at its word.
"""

from __future__ import annotations

import struct

from mixednoise.data.image_header import (
    BMP_HEADER_SIZES,
    PNG_SIGNATURE,
    ImageHeader,
    read_bmp,
    read_jpeg,
    read_png,
)
from mixednoise.data.tiff_header import TIFF_SIGNATURES, read_tiff
from mixednoise.data.unreadable import UnreadableImageError

#: What other files are, so that the reason can name it: the start of the file -> its name.
_OTHERS = {
    b"GIF8": "a GIF file",
    b"\x00\x00\x00\x0cjP": "a JPEG 2000 file",
    b"\xff\x4f\xff\x51": "a JPEG 2000 file",
    b"%PDF": "a PDF file",
    b"PK\x03\x04": "a ZIP archive",
    b"\x1f\x8b": "a gzip archive",
    b"version https://git-lfs": "a Git LFS pointer (run `git lfs pull`)",
}


def is_dicom(data: bytes) -> bool:
    """Whether the bytes are a DICOM file (128 bytes of anything, then ``DICM``)."""
    return data[128:132] == b"DICM"


def read_header(data: bytes) -> ImageHeader:
    """Read the header of a PNG, JPEG, TIFF or BMP file and check that the file is whole.

    Raises:
        UnreadableImageError: empty, not an image of a known format, truncated, or damaged.
    """
    if not data:
        raise UnreadableImageError("empty file (0 bytes)")
    try:
        if data.startswith(PNG_SIGNATURE):
            header = read_png(data)
        elif data.startswith(b"\xff\xd8"):
            header = read_jpeg(data)
        elif data.startswith(TIFF_SIGNATURES):
            header = read_tiff(data)
        elif data.startswith(b"BM") and int.from_bytes(data[14:18], "little") in BMP_HEADER_SIZES:
            header = read_bmp(data)
        else:
            raise UnreadableImageError(_what_else(data))
    except (struct.error, IndexError, OverflowError) as error:
        raise UnreadableImageError("truncated or damaged file header") from error
    if header.height < 1 or header.width < 1:
        raise UnreadableImageError(f"an image of {header.width} x {header.height} pixels")
    if not 1 <= header.channels <= 4:
        raise UnreadableImageError(f"{header.channels} channels; 1 to 4 are read")
    return header


def _what_else(data: bytes) -> str:
    """Name what the file is instead of an image."""
    for start, name in _OTHERS.items():
        if data.startswith(start):
            return f"{name}, not PNG, JPEG, TIFF, BMP or DICOM"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a WebP file, not PNG, JPEG, TIFF, BMP or DICOM"
    start = data[:512]
    if not any(start):
        return "not an image: the file starts with zeros"
    if b"<html" in start.lower():
        return "not an image: a web page"
    if all(byte >= 32 or byte in b"\t\n\f\r" for byte in start):
        return "not an image: a text file"
    return "not an image: no PNG, JPEG, TIFF, BMP or DICOM"
