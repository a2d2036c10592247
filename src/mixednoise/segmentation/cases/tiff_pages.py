"""Whether a TIFF file holds more than one picture."""

from __future__ import annotations

import struct

_NEW_SUBFILE_TYPE, _REDUCED_OR_MASK = 254, 0b101


def has_further_page(data: bytes) -> bool:
    """Whether a page follows the first that is neither a smaller copy of it nor its transparency.

    Args:
        data: a whole TIFF or BigTIFF file.
    """
    order = "<" if data[:2] == b"II" else ">"
    if data[2:4] in (b"+\x00", b"\x00+"):  # BigTIFF
        size, count_format, pointer, value_at, start = 20, "Q", "Q", 12, 8
    else:
        size, count_format, pointer, value_at, start = 12, "H", "I", 8, 4
    try:
        (page,) = struct.unpack_from(order + pointer, data, start)
        seen = {0}
        first = True
        while page not in seen:
            seen.add(page)
            (entries,) = struct.unpack_from(order + count_format, data, page)
            begin = page + struct.calcsize(count_format)
            kind = 0
            for place in range(begin, begin + min(entries, 1 << 12) * size, size):
                if struct.unpack_from(order + "H", data, place)[0] == _NEW_SUBFILE_TYPE:
                    (kind,) = struct.unpack_from(order + "I", data, place + value_at)
            if not first and not kind & _REDUCED_OR_MASK:
                return True
            first = False
            (page,) = struct.unpack_from(order + pointer, data, begin + entries * size)
    except struct.error:  # the pages behind the first can't be reached
        return False
    return False
