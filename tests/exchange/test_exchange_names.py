"""Names of files in an export."""

from __future__ import annotations

import pytest

from mixednoise.exchange.file_names import UniqueNames, plain_name, safe_stem


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("images/left/001.png", "001"),
        ("a\\b.jpeg", "b"),
        ("1.2.840.113619", "1.2.840.113619"),
        ("scan.dcm", "scan"),
        (".hidden", "hidden"),
        ("what?*.png", "what__"),
        ("train/", "train"),
        ("...", "_"),
        ("é" * 200 + ".png", "é" * 90),
    ],
)
def test_stems(name, stem):
    assert safe_stem(name) == stem


def test_class_names():
    assert plain_name("a/b: <5") == "a_b_ _5"
    assert plain_name(" ") == "_"


def test_no_name_twice():
    names = UniqueNames()
    assert [names.take(stem, ".png") for stem in ("a", "A", "a", "a-2", "b")] == [
        "a.png",
        "A-2.png",
        "a-3.png",
        "a-2-2.png",
        "b.png",
    ]
