"""Single-frame DICOM images, shown as their header asks for: rescale, window, inversion, palette.

Needs the extra ``dicom`` (pydicom), which is imported when the first DICOM file is met. Formulas
are those of DICOM PS3.3, section C.11.2 (grey levels to display values).
"""

from __future__ import annotations

import importlib
import io
import threading
import warnings
from typing import Any

import cv2
import numpy as np

from mixednoise.data.grey_levels import map_to_uint8, robust_range, scale_to_uint8
from mixednoise.data.unreadable import NEEDS_PYDICOM, UnreadableImageError

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
Values = np.ndarray[Any, Any]

# Filters for warnings belong to the whole process: two threads at once would mix them up.
_pydicom_lock = threading.Lock()


def decode_dicom(data: bytes, *, max_bytes: int) -> Pixels:
    """Decode a single-frame DICOM file.

    Stored values go through the modality rescale (slope, intercept, or table), then through the
    first window (``LINEAR``, ``LINEAR_EXACT`` or ``SIGMOID``) or VOI table. Without either, more
    than 8 bits are scaled robustly (:func:`.grey_levels.scale_to_uint8`) and 8 bits kept as they
    are. ``MONOCHROME1`` is inverted, so that bright means bright. Pixel padding becomes black.

    Args:
        data: the file's bytes.
        max_bytes: the most memory that the decoded pixels may take.

    Returns:
        uint8 (H, W, 3) RGB.

    Raises:
        UnreadableImageError: several frames, no pixels, too large, damaged, compressed in a way
            that no installed decoder knows, or pydicom is not installed.
    """
    pydicom = _import_pydicom()
    with _pydicom_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = pydicom.dcmread(io.BytesIO(data))
            _check(header, max_bytes)
            image = _shown(header)
        except UnreadableImageError:
            raise
        except Exception as error:
            # pydicom raises about every built-in error on damaged files.
            raise _unreadable(error) from error
    if image.ndim == 2:
        image = np.asarray(cv2.cvtColor(image, cv2.COLOR_GRAY2RGB), np.uint8)
    return np.ascontiguousarray(image)


def read_dicom_size(data: bytes) -> tuple[int, int]:
    """(height, width) in pixels, from the header alone; errors as :func:`decode_dicom`."""
    pydicom = _import_pydicom()
    with _pydicom_lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            header = pydicom.dcmread(io.BytesIO(data), stop_before_pixels=True)
            return int(header.Rows), int(header.Columns)
        except Exception as error:
            raise _unreadable(error) from error


def _import_pydicom() -> Any:
    try:
        return importlib.import_module("pydicom")
    except ImportError as error:
        # One image that can't be read never ends a run: those beside it may be of other formats.
        # When pydicom is there the next time, it is read.
        raise UnreadableImageError(NEEDS_PYDICOM, retry=True) from error


def _check(header: Any, max_bytes: int) -> None:
    """Refuse what can't be shown as one image, before a pixel is decoded."""
    if "PixelData" not in header:
        raise UnreadableImageError("DICOM without pixels")
    frames = int(header.get("NumberOfFrames") or 1)
    if frames > 1:
        raise UnreadableImageError(f"DICOM with {frames} frames; single frames are read")
    values = int(header.Rows) * int(header.Columns) * int(header.get("SamplesPerPixel", 1))
    needed = values * max(1, int(header.BitsAllocated) // 8)
    if needed > max_bytes:
        raise UnreadableImageError(
            f"{header.Columns} x {header.Rows} pixels would take {needed / 1e9:.1f} GB; "
            f"the limit is {max_bytes / 1e9:.1f} GB"
        )


def _shown(header: Any) -> Pixels:
    """Display values 0-255, (H, W) or (H, W, 3)."""
    from pydicom.pixels import apply_color_lut

    stored: Values = header.pixel_array  # YCbCr is converted to RGB here
    if stored.ndim not in (2, 3) or (stored.ndim == 3 and stored.shape[2] != 3):
        raise UnreadableImageError(f"DICOM pixels of shape {stored.shape}; grey or RGB are read")
    photometric = str(header.get("PhotometricInterpretation", "MONOCHROME2"))
    if photometric == "PALETTE COLOR":
        stored = apply_color_lut(stored, header)
        top = float(np.iinfo(stored.dtype).max)
        return map_to_uint8(stored, lambda block: block * (255.0 / top))
    if stored.ndim == 3:
        return stored if stored.dtype == np.uint8 else scale_to_uint8(stored)
    image = _windowed(header, stored)
    if photometric == "MONOCHROME1":
        image = np.asarray(255 - image, np.uint8)
    padding = header.get("PixelPaddingValue")
    if padding is not None:
        image[stored == padding] = 0
    return image


def _windowed(header: Any, stored: Values) -> Pixels:
    """Modality transformation, then window or table, then 8 bits."""
    from pydicom.pixels import apply_modality_lut, apply_voi_lut

    slope = float(header.get("RescaleSlope") or 1.0)
    intercept = float(header.get("RescaleIntercept") or 0.0)
    if "ModalityLUTSequence" in header:
        stored, slope, intercept = apply_modality_lut(stored, header), 1.0, 0.0
    if (window := _window(header)) is not None:
        return map_to_uint8(stored, lambda block: window(slope * block + intercept))
    if "VOILUTSequence" in header:
        table_input = np.rint(stored * slope + intercept).astype(np.int64)
        bits = int(header.VOILUTSequence[0].LUTDescriptor[2])
        shown = apply_voi_lut(table_input, header, index=0)
        return map_to_uint8(shown, lambda block: block * (255.0 / (2**bits - 1)))
    if stored.dtype == np.uint8 and (slope, intercept) == (1.0, 0.0):
        return stored.copy()
    padding = header.get("PixelPaddingValue")
    if slope < 0:
        low, high = robust_range(stored, excluded=padding)
        span = max(high - low, 1e-12)
        return map_to_uint8(stored, lambda block: (high - block) * (255.0 / span))
    # A positive slope and an intercept change nothing between two percentiles.
    return scale_to_uint8(stored, excluded=padding)


def _window(header: Any) -> Any:
    """The first window as a function from modality values to 0-255, or None without one."""
    centre, width = _first(header.get("WindowCenter")), _first(header.get("WindowWidth"))
    kind = str(header.get("VOILUTFunction") or "LINEAR").upper()
    if centre is None or width is None or width <= 0:
        return None
    if kind == "SIGMOID":
        return lambda values: 255.0 / (1.0 + np.exp(-4.0 * (values - centre) / width))
    if kind == "LINEAR_EXACT":
        return lambda values: 255.0 * ((values - centre) / width + 0.5)
    # LINEAR: the width counts grey levels, so that its ends are width - 1 apart.
    span = max(width - 1.0, 1e-12)
    return lambda values: 255.0 * np.clip((values - (centre - 0.5)) / span + 0.5, 0.0, 1.0)


def _first(value: Any) -> float | None:
    """The first of one or several numbers."""
    if value is None or value == "":
        return None
    try:
        return float(value)
    except TypeError:
        return float(value[0]) if len(value) else None


def _unreadable(error: Exception) -> UnreadableImageError:
    """A few words; pydicom's own text may quote what the header says of the patient."""
    text = str(error).lower()
    if "plugin" in text or "missing dependencies" in text or "decod" in text:
        reason = "DICOM compressed in a way that no installed decoder knows, or damaged"
        return UnreadableImageError(reason, retry=True)
    return UnreadableImageError(f"damaged DICOM file ({type(error).__name__})")
