"""The folder of results: what is in it, and what is never overwritten."""

import json

import cv2
import numpy as np
import pandas as pd
import pytest
from mask_helpers import random_set

from mixednoise.errors import DataError, RunError
from mixednoise.progress import Silent
from mixednoise.segmentation.confident import (
    ArraySource,
    ErrorSettings,
    FolderSource,
    find_mask_errors,
    write_errors,
)


@pytest.fixture
def source():
    masks, values = random_set(np.random.default_rng(0), images=4, dtype=np.float32)
    values[2] = np.moveaxis(np.eye(3, dtype=np.float32)[masks[2]], -1, 0)  # beyond any doubt
    return ArraySource(masks, values, names=["d", "a", "b", "c"]), masks, values


def test_maps_table_and_summary_agree(source, tmp_path):
    source, masks, values = source
    names = ["background", "lung", "heart"]
    summary = write_errors(source, tmp_path / "new" / "out", ErrorSettings(), class_names=names)
    out = summary.out
    assert sorted(p.name for p in out.iterdir()) == [
        "a.png", "b.png", "c.png", "components.csv", "d.png", "images.csv", "summary.json",
    ]  # fmt: skip
    flagged = dict(zip(source.names, find_mask_errors(masks, values), strict=True))
    for name, expected in flagged.items():
        written = cv2.imread(str(out / f"{name}.png"), cv2.IMREAD_UNCHANGED)
        np.testing.assert_array_equal(written, expected * 255)
    table = pd.read_csv(out / "images.csv")
    assert table["quality"].is_monotonic_increasing
    assert table["name"].iloc[-1] == "b"
    assert tuple(table["name"]) == summary.worst
    for row in table.itertuples():
        assert row.flagged_pixels == flagged[row.name].sum()
        assert row.flagged_pixels == row.flagged_background + row.flagged_lung + row.flagged_heart
        assert row.flagged_share == pytest.approx(flagged[row.name].mean(), abs=1e-6)
        assert row.largest_component <= row.flagged_pixels
    content = json.loads((out / "summary.json").read_text())
    assert content["rule"] == "Q"
    assert content["class_names"] == names
    assert (
        content["flagged_pixels"]
        == summary.flagged_pixels
        == sum(f.sum() for f in flagged.values())
    )
    assert content["images_flagged"] == sum(f.any() for f in flagged.values()) == 3
    assert np.sum(content["joint"]) == pytest.approx(1)
    assert content["expected_errors"] == summary.estimate.expected_errors
    assert content["settings"]["min_region"] == 0


def test_what_the_source_noticed_is_told_and_kept(tmp_path):
    masks, values = random_set(np.random.default_rng(2), images=2, classes=2)
    (tmp_path / "data").mkdir()
    for name, mask, p in zip(["a", "b"], masks, values, strict=True):
        cv2.imwrite(str(tmp_path / "data" / f"{name}.png"), mask * 255)
        np.save(tmp_path / "data" / f"{name}.npy", p)
    cv2.imwrite(str(tmp_path / "data" / "lonely.png"), masks[0] * 255)
    progress = Silent()
    folder = FolderSource(tmp_path / "data", tmp_path / "data")
    summary = write_errors(folder, tmp_path / "out", ErrorSettings(), progress=progress)
    assert [w.splitlines()[0] for w in progress.warnings] == [
        "1 mask has no probabilities: set aside"
    ]
    content = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert content["notices"] == list(summary.notices)
    assert "read as class 0 and class 1" in summary.notices[1]


def test_volumes_are_written_as_arrays(tmp_path):
    masks, values = random_set(np.random.default_rng(1), images=2, shape=(3, 6, 5))
    write_errors(ArraySource(masks, values), tmp_path / "out", ErrorSettings())
    written = np.load(tmp_path / "out" / "1.npy")
    np.testing.assert_array_equal(written, find_mask_errors(masks, values)[1] * 255)
    assert written.dtype == np.uint8


def test_a_writer_of_its_own(source, tmp_path):
    source, *_ = source
    seen = {}
    write_errors(source, tmp_path / "out", ErrorSettings(), writer=seen.__setitem__)
    assert list(seen) == source.names
    assert {value for picture in seen.values() for value in np.unique(picture)} == {0, 255}
    tables = ["components.csv", "images.csv", "summary.json"]
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == tables


def test_results_are_replaced_only_when_asked_and_others_never(source, tmp_path):
    source, *_ = source
    out = tmp_path / "out"
    write_errors(source, out, ErrorSettings())
    before = (out / "summary.json").read_bytes()
    with pytest.raises(RunError, match="exists already"):
        write_errors(source, out, ErrorSettings(rule="C"))
    assert (out / "summary.json").read_bytes() == before
    write_errors(source, out, ErrorSettings(rule="C"), overwrite=True)
    assert json.loads((out / "summary.json").read_text())["rule"] == "C"
    # A folder of masks of the same names is no earlier result.
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "a.png").write_bytes(b"a mask")
    with pytest.raises(RunError, match="not a result"):
        write_errors(source, mine, ErrorSettings(), overwrite=True)
    assert (mine / "a.png").read_bytes() == b"a mask"


def test_nothing_is_left_of_a_search_that_fails(source, tmp_path):
    source, masks, values = source
    with pytest.raises(DataError, match="3 different names"):
        write_errors(source, tmp_path / "out", ErrorSettings(), class_names=["a", "b"])

    def fail(name, picture):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_errors(source, tmp_path / "out", ErrorSettings(), writer=fail)
    with pytest.raises(DataError, match="logits"):
        write_errors(ArraySource(masks, values * 9), tmp_path / "out", ErrorSettings())
    assert list(tmp_path.iterdir()) == []
