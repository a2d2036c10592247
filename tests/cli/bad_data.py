"""Tiny data as people have it, for commands that are used wrongly, and how wrong use has to end."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from mixednoise.cli import run
from tiny_data import coloured_images

TINY = [
    "--method", "cross_entropy_single", "--backbone", "resnet10_tiny", "--image-size", "28",
    "--batch-size", "8", "--epochs", "1", "--device", "cpu",
]  # fmt: skip
CLASSES = ("red", "green", "blue")
SIZE = 30


def write_data(folder: Path, n: int = SIZE, **columns: Sequence[str]) -> pd.DataFrame:
    """``labels.csv`` (image, label, and whatever columns are given) and ``images/`` of PNGs."""
    (folder / "images").mkdir(parents=True)
    images, classes = coloured_images(n)
    names = [f"im{i:03d}.png" for i in range(n)]
    for name, image in zip(names, images, strict=True):
        cv2.imwrite(str(folder / "images" / name), image[..., ::-1])
    labels = np.array(CLASSES)[classes]
    table = pd.DataFrame({"image": names, "label": labels} | columns)
    table.to_csv(folder / "labels.csv", index=False)
    return table


def png_of(height: int, width: int) -> bytes:
    """A whole PNG file of this size; nobody who is careful gets to decode its pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body


def half_a_jpeg() -> bytes:
    """The first half of a JPEG file."""
    image = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = cv2.imencode(".jpg", image)[1].tobytes()
    return data[: len(data) // 2]


def everything_in(folder: Path) -> dict[str, bytes | None]:
    """Every file below a folder with its content, and every folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


def refused(capsys, arguments: Sequence[object], *words: str, status: int = 2) -> str:
    """Run a command that must fail in one clear message; returns what it said on stderr."""
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == status
    said = capsys.readouterr().err
    assert len(re.findall(r"^error: ", said, flags=re.MULTILINE)) == 1, said
    assert "what to do: " in said, said
    for unwanted in ("Traceback", "Problem(", "warning: warn", "[/"):
        assert unwanted not in said, said
    for word in words:
        assert word in said, (word, said)
    return said
