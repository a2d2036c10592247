"""``mixednoise quality``: of data sets, and of images that nobody has labelled."""

from __future__ import annotations

import json
import shutil

import cv2
import numpy as np
import pandas as pd
import pytest
from bad_data import refused, write_data

from mixednoise.cli import run
from mixednoise.quality.assess import COLUMNS


@pytest.fixture
def data(tmp_path):
    """Ten noisy images, one of them broken, one missing, one black, one twice."""
    write_data(tmp_path / "data", 10)
    images = tmp_path / "data" / "images"
    (images / "im002.png").write_bytes(b"no image")
    (images / "im003.png").unlink()
    cv2.imwrite(str(images / "im004.png"), np.zeros((40, 40, 3), np.uint8))
    shutil.copyfile(images / "im000.png", images / "im005.png")
    return tmp_path / "data"


def measure(*arguments: object) -> int:
    return run(["quality", *map(str, arguments), "--quiet"])


def test_every_row_of_a_data_set_has_its_line(data, tmp_path, capsys):
    out = tmp_path / "quality.csv"
    assert measure(data, "--out", out, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    table = pd.read_csv(out, keep_default_na=False)
    assert list(table) == list(COLUMNS)
    assert sorted(table["id"]) == [f"im{i:03d}.png" for i in range(10)]
    rows = table.set_index("id")
    assert rows.loc["im002.png", "reasons"].startswith("can't be read")
    assert rows.loc["im003.png", "reasons"] == "can't be read: image file not found"
    assert rows.loc["im004.png", "reasons"].startswith("no field of view found")
    assert rows.loc["im005.png", "same_as"] == "im000.png"
    assert (rows.loc[["im002.png", "im003.png", "im004.png"], "quality"] == 0).all()
    assert told["images"] == 10
    assert told["labelled"]
    assert told["unreadable"] == told["reasons"]["can't be read"] == 2
    assert told["reasons"]["same image as another one"] == 1
    assert [row["quality"] for row in told["worst"]] == sorted(
        row["quality"] for row in told["worst"]
    )


def test_people_see_the_worst(data, tmp_path, capsys):
    assert run(["quality", str(data), "--out", str(tmp_path / "q.csv")]) == 0
    shown = capsys.readouterr()
    assert "can't be read" in shown.out
    assert "im004.png" in shown.out
    assert "10 images in" in shown.err


@pytest.mark.parametrize("kind", ["folder", "image", "list", "table"])
def test_images_without_labels(data, tmp_path, kind, capsys):
    listed = tmp_path / "listed"
    listed.mkdir()
    (listed / "names.txt").write_text("im000.png\nim001.png\nim003.png\n")
    (listed / "names.csv").write_text("image,size\nim000.png,3\nim001.png,4\nim003.png,5\n")
    root = ("--image-root", data / "images")
    given = {
        "folder": (data / "images",),
        "image": (data / "images" / "im001.png",),
        "list": (listed / "names.txt", *root),
        "table": (listed / "names.csv", *root),
    }[kind]
    assert measure(*given, "--out", tmp_path / "q.csv", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert not told["labelled"]
    ids = pd.read_csv(tmp_path / "q.csv")["id"].tolist()
    assert ids == {
        "folder": [f"im{i:03d}.png" for i in range(10) if i != 3],
        "image": ["im001.png"],
    }.get(kind, ["im000.png", "im001.png", "im003.png"])
    assert told["unreadable"] == {"folder": 1, "image": 0}.get(kind, 1)


def test_any_number_of_workers_finds_the_same(data, tmp_path):
    threads = cv2.getNumThreads()
    for workers in (1, 3):
        assert measure(data, "--out", tmp_path / f"{workers}.csv", "--workers", workers) == 0
    assert (tmp_path / "1.csv").read_bytes() == (tmp_path / "3.csv").read_bytes()
    assert cv2.getNumThreads() == threads


def test_wrong_use(data, tmp_path, capsys):
    out = tmp_path / "q.csv"
    out.write_text("mine")
    command = ["quality", data, "--out"]
    refused(capsys, [*command, out], "exists already", "--overwrite")
    assert out.read_text() == "mine"
    refused(capsys, [*command, tmp_path / "b.csv", "--workers", 0], "--workers")
    refused(
        capsys, ["quality", tmp_path / "nothing", "--out", tmp_path / "b.csv"], "does not exist"
    )
    (tmp_path / "empty").mkdir()
    refused(capsys, ["quality", tmp_path / "empty", "--out", tmp_path / "b.csv"], "what to do")
    (tmp_path / "words.csv").write_text("a,b\n1,2\n")
    refused(capsys, ["quality", tmp_path / "words.csv", "--out", tmp_path / "b.csv"], "column")
    assert not (tmp_path / "b.csv").exists()
    assert measure(data, "--out", out, "--overwrite") == 0
