"""DICOM display rules, against the formulas worked by hand and against pydicom's own."""

from __future__ import annotations

import io
import struct
import sys

import numpy as np
import pytest

from mixednoise.data.decode import UnreadableImageError, decode_bytes, decode_image, read_image_size

pydicom = pytest.importorskip("pydicom")

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_voi_lut
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

STORED = np.arange(600, dtype=np.uint16).reshape(20, 30)


def header(stored: np.ndarray, **elements) -> Dataset:
    """A secondary capture image with these pixels, and more header elements."""
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    ds.file_meta.MediaStorageSOPInstanceUID = "1.2.3"
    ds.SOPClassUID, ds.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    bits = 8 * stored.dtype.itemsize
    ds.Rows, ds.Columns = stored.shape[:2]
    ds.SamplesPerPixel = 3 if stored.ndim == 3 else 1
    ds.PhotometricInterpretation = "RGB" if stored.ndim == 3 else "MONOCHROME2"
    if stored.ndim == 3:
        ds.PlanarConfiguration = 0
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = bits, bits, bits - 1
    ds.PixelRepresentation = int(stored.dtype.kind == "i")
    ds.PixelData = stored.tobytes()
    ds.PatientName = "Nobody^Knows"
    for name, value in elements.items():
        setattr(ds, name, value)
    return ds


def written(ds: Dataset) -> bytes:
    buffer = io.BytesIO()
    pydicom.dcmwrite(buffer, ds, enforce_file_format=True)
    return buffer.getvalue()


def shown(stored: np.ndarray = STORED, **elements) -> np.ndarray:
    image = decode_bytes(written(header(stored, **elements))).image
    assert image.dtype == np.uint8
    assert image.shape == (*stored.shape[:2], 3)
    if stored.ndim == 2:
        np.testing.assert_array_equal(image[..., 0], image[..., 2])
    return image if stored.ndim == 3 else image[..., 0]


def test_window_worked_by_hand():
    # Centre 300, width 101: 249.5 -> black, 349.5 -> white, 100 grey levels between the ends.
    image = shown(WindowCenter=300, WindowWidth=101).ravel()
    assert image[[0, 249, 250, 300, 349, 350, 599]].tolist() == [0, 0, 1, 129, 254, 255, 255]


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
def test_windows_as_pydicom_applies_them(function):
    elements = {"WindowCenter": [300, 5], "WindowWidth": [180, 9], "VOILUTFunction": function}
    reference = apply_voi_lut(STORED, header(STORED, **elements), index=0) / 65535 * 255
    assert np.abs(shown(**elements) - reference).max() <= 0.51


def test_rescale_comes_before_the_window():
    # 2 * stored - 1024: the window around 0 is centred on the stored value 512.
    elements = {"RescaleSlope": 2, "RescaleIntercept": -1024, "WindowCenter": 0, "WindowWidth": 201}
    image = shown(**elements).ravel()
    centre = [round(255 * min(1, max(0, (2 * v - 1024 + 0.5) / 200 + 0.5))) for v in range(600)]
    assert image.tolist() == centre


def test_monochrome1_is_inverted():
    window = {"WindowCenter": 300, "WindowWidth": 101}
    np.testing.assert_array_equal(
        shown(PhotometricInterpretation="MONOCHROME1", **window), 255 - shown(**window)
    )


def test_without_a_window_more_than_eight_bits_are_stretched():
    low, high = 0.005 * 599, 0.995 * 599
    expected = np.clip((STORED - low) / (high - low), 0, 1) * 255
    assert np.abs(shown() - expected).max() <= 0.5 + 1e-9
    assert np.abs(shown(RescaleSlope=3, RescaleIntercept=-7) - expected).max() <= 0.5 + 1e-9
    assert np.abs(shown(RescaleSlope=-3) - (255 - expected)).max() <= 0.5 + 1e-9


def test_padding_becomes_black_and_is_left_out_of_the_stretch():
    padded = STORED.astype(np.int16)
    padded[:5] = -2000
    image = shown(padded, PixelPaddingValue=-2000, PhotometricInterpretation="MONOCHROME1")
    assert image[:5].max() == 0
    low, high = 150 + 0.005 * 449, 150 + 0.995 * 449
    expected = 255 - np.clip((STORED[5:] - low) / (high - low), 0, 1) * 255
    assert np.abs(image[5:] - expected).max() <= 0.5 + 1e-9


def test_eight_bits_and_colour_stay_as_they_are():
    grey = STORED.astype(np.uint8)
    np.testing.assert_array_equal(shown(grey), grey)
    colour = np.random.default_rng(0).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    np.testing.assert_array_equal(shown(colour), colour)


def test_palette():
    entries = np.array([[0, 65535, 257 * 7], [257 * 100, 0, 0]], np.uint16)  # two colours
    tables = {
        f"{name}PaletteColorLookupTableData": entries[:, i].tobytes()
        for i, name in enumerate(("Red", "Green", "Blue"))
    }
    descriptors = {
        f"{name}PaletteColorLookupTableDescriptor": [2, 0, 16] for name in ("Red", "Green", "Blue")
    }
    stored = np.array([[0, 1], [1, 0]], np.uint8)
    ds = header(stored, PhotometricInterpretation="PALETTE COLOR", **descriptors, **tables)
    image = decode_bytes(written(ds)).image
    assert image.tolist() == [[[0, 255, 7], [100, 0, 0]], [[100, 0, 0], [0, 255, 7]]]


def test_tables_take_the_place_of_rescale_and_window():
    modality, voi = Dataset(), Dataset()
    modality.LUTDescriptor, modality.ModalityLUTType = [4, 0, 16], "US"
    modality.LUTData = struct.pack("<4H", 3, 2, 1, 0)
    voi.LUTDescriptor = [4, 0, 16]
    voi.LUTData = struct.pack("<4H", 0, 257 * 10, 257 * 100, 65535)
    stored = np.array([[0, 1], [2, 3]], np.uint16)
    image = shown(stored, ModalityLUTSequence=[modality], VOILUTSequence=[voi])
    assert image.tolist() == [[255, 100], [10, 0]]


@pytest.mark.parametrize(
    ("elements", "reason"),
    [
        ({"NumberOfFrames": 5, "PixelData": STORED.tobytes() * 5}, "5 frames; single frames"),
        ({"Rows": 60_000, "Columns": 60_000}, r"would take 7\.2 GB"),
        ({"PixelData": STORED.tobytes()[:-500]}, "damaged"),
        ({"BitsAllocated": 13}, "damaged"),
    ],
)
def test_refused_with_a_reason_that_names_no_patient(elements, reason, tmp_path):
    path = tmp_path / "x.dcm"
    path.write_bytes(written(header(STORED, **elements)))
    with pytest.raises(UnreadableImageError, match=reason) as caught:
        decode_image(path)
    assert "Nobody" not in str(caught.value)


def test_without_pixels():
    ds = header(STORED)
    del ds.PixelData
    with pytest.raises(UnreadableImageError, match="without pixels"):
        decode_bytes(written(ds))


def test_compressed_without_a_decoder_is_worth_another_try():
    ds = header(STORED)
    ds.PixelData = pydicom.encaps.encapsulate([b"\xff\x4f\xff\x51" + bytes(60)])
    ds["PixelData"].VR = "OB"
    ds.file_meta.TransferSyntaxUID = pydicom.uid.HTJ2KLossless
    with pytest.raises(UnreadableImageError, match="compressed") as caught:
        decode_bytes(written(ds))
    assert caught.value.retry


def test_truncated_file():
    with pytest.raises(UnreadableImageError, match="DICOM"):
        decode_bytes(written(header(STORED))[:200])


def test_size_without_decoding(tmp_path):
    path = tmp_path / "x.dcm"
    path.write_bytes(written(header(STORED)))
    assert read_image_size(path) == (20, 30)


def test_without_pydicom_the_message_names_the_file_and_the_extra(tmp_path, monkeypatch):
    data = written(header(STORED))
    monkeypatch.setitem(sys.modules, "pydicom", None)
    with pytest.raises(UnreadableImageError, match=r'pip install "mixednoise\[dicom\]"') as caught:
        decode_bytes(data)
    assert caught.value.retry, "tried again when it may be installed"
    path = tmp_path / "scan"
    path.write_bytes(data)
    for read in (decode_image, read_image_size):
        with pytest.raises(UnreadableImageError, match=r"scan\n"):
            read(path)
