"""The first directory of a TIFF file: size, depth, and what the decoder would get wrong."""

from __future__ import annotations

import struct

from mixednoise.data.image_header import ImageHeader
from mixednoise.data.unreadable import UnreadableImageError

TIFF_SIGNATURES = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

# Tag numbers, by their names in the TIFF 6.0 specification.
_IMAGE_WIDTH, _IMAGE_LENGTH, _BITS_PER_SAMPLE, _PHOTOMETRIC = 256, 257, 258, 262
_SAMPLES_PER_PIXEL, _PLANAR_CONFIGURATION, _EXTRA_SAMPLES, _SAMPLE_FORMAT = 277, 284, 338, 339
_DATA_PLACES = ((273, 279), (324, 325))  # offsets and byte counts of strips, of tiles

#: Format letter of struct for each field type that holds whole numbers.
_WHOLE_NUMBERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MOST_VALUES = 1 << 20

_PALETTE, _WHITE_IS_ZERO, _SEPARATE_PLANES, _UNASSOCIATED_ALPHA, _FLOAT = 3, 0, 2, 2, 3


def read_tiff(data: bytes) -> ImageHeader:
    """Read the first page of a TIFF or BigTIFF file, and check that its pixels are all there.

    Raises:
        UnreadableImageError: truncated, or laid out in a way that OpenCV reads wrongly.
    """
    places = _directory(data)
    values = {tag: _numbers(data, *place) for tag, place in places.items()}

    def one(tag: int, otherwise: int) -> int:
        return values[tag][0] if values.get(tag) else otherwise

    height, width = one(_IMAGE_LENGTH, 0), one(_IMAGE_WIDTH, 0)
    bits, channels = one(_BITS_PER_SAMPLE, 1), one(_SAMPLES_PER_PIXEL, 1)
    photometric = one(_PHOTOMETRIC, 1)
    for offsets, counts in _DATA_PLACES:
        ends = zip(values.get(offsets, ()), values.get(counts, ()), strict=False)
        if any(offset + count > len(data) for offset, count in ends):
            raise UnreadableImageError("truncated TIFF: its end is missing")
    # OpenCV would interleave the planes wrongly, without a word (seen with version 5.0).
    if channels > 1 and bits > 8 and one(_PLANAR_CONFIGURATION, 1) == _SEPARATE_PLANES:
        raise UnreadableImageError(f"{bits}-bit TIFF with its channels in separate planes")
    alpha = one(_EXTRA_SAMPLES, 0) == _UNASSOCIATED_ALPHA
    return ImageHeader(
        "TIFF",
        height,
        width,
        3 if photometric == _PALETTE else channels,
        bits,
        floating=one(_SAMPLE_FORMAT, 1) == _FLOAT,
        white_is_zero=photometric == _WHITE_IS_ZERO,
        alpha_tag=places[_EXTRA_SAMPLES][3] if alpha else None,
    )


def _directory(data: bytes) -> dict[int, tuple[str, int, int, int]]:
    """Each tag's (byte order, field type, number of values, position of the values)."""
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in (b"+\x00", b"\x00+"):  # BigTIFF
        size, count_format, pointer, entry = 20, "Q", "Q", "HHQ"
        (start,) = struct.unpack_from(order + "Q", data, 8)
    else:
        size, count_format, pointer, entry = 12, "H", "I", "HHI"
        (start,) = struct.unpack_from(order + "I", data, 4)
    if start >= len(data):
        raise UnreadableImageError("truncated TIFF: its end is missing")
    (entries,) = struct.unpack_from(order + count_format, data, start)
    start += struct.calcsize(count_format)
    if start + entries * size > len(data):
        raise UnreadableImageError("truncated TIFF: its end is missing")
    places = {}
    for position in range(start, start + entries * size, size):
        tag, field_type, count = struct.unpack_from(order + entry, data, position)
        place = position + struct.calcsize(order + entry)
        letter = _WHOLE_NUMBERS.get(field_type)
        if letter is None:
            continue
        if count * struct.calcsize(letter) > struct.calcsize(pointer):
            (place,) = struct.unpack_from(order + pointer, data, place)
        places[tag] = (order, field_type, count, place)
    return places


def _numbers(data: bytes, order: str, field_type: int, count: int, place: int) -> tuple[int, ...]:
    """The values of one tag; none where they don't lie inside the file."""
    letter = _WHOLE_NUMBERS[field_type]
    if count > _MOST_VALUES or place + count * struct.calcsize(letter) > len(data):
        return ()
    return struct.unpack_from(f"{order}{count}{letter}", data, place)
