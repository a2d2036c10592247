"""``mixednoise audit`` of a run that has judged masks."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from bad_data import refused
from segment_data import read

from mixednoise.audit.folder import AuditFolder
from mixednoise.audit.located import located_images
from mixednoise.audit.masks import mask_table
from mixednoise.audit.table import COLUMNS
from mixednoise.cli import run


@pytest.fixture(scope="module")
def audited(segmented, tmp_path_factory) -> AuditFolder:
    folder = tmp_path_factory.mktemp("masks") / "audit"
    assert run(["audit", str(segmented / "run"), "--out", str(folder), "--quiet"]) == 0
    return AuditFolder(folder)


def test_every_judged_mask_has_its_row(audited, segmented):
    table = audited.read_table().set_index("id")
    errors = pd.read_csv(segmented / "run" / "error_maps" / "images.csv").set_index("name")
    folds = pd.read_csv(segmented / "run" / "folds.csv").set_index("name")
    assert sorted(table.index) == sorted(errors.index)
    assert audited.read_manifest().kind == "segmentation"
    for name, row in table.iterrows():
        flagged = read(segmented / "run" / "error_maps" / f"{name}.png") > 0
        assert row["suspected_pixels"] == flagged.sum()
        assert row["suspected_share"] == pytest.approx(flagged.mean(), abs=1e-5)
        assert row["is_label_issue"] == bool(flagged.any())
        assert row["suggested_label"] == ("proposed mask" if flagged.any() else "given mask")
        assert row["given_label"] == "given mask"
        assert row["fold"] == folds.loc[name, "fold"]
        assert row["label_quality"] == errors.loc[name, "quality"]
        mask = read(segmented / "data" / "masks" / f"{name}.png") > 0
        inside, outside = (flagged & mask).sum(), (flagged & ~mask).sum()
        worst = "foreground" if inside > outside else "background"
        assert worst in row["worst_class"] or inside == outside
        assert f"{flagged.sum():,} pixels suspected" in row["reasons"]
    assert (table["patient"] == [f"p{int(name[1:]) // 2}" for name in table.index]).all()
    assert table["image_quality"].between(0, 1).all()
    assert tuple(audited.read_table().columns[: len(COLUMNS)]) == COLUMNS
    assert table["loss"].tolist() == pytest.approx(errors.loc[table.index, "model_loss"].tolist())


def test_masks_that_are_wrong_as_a_whole_are_called_mislabeled():
    errors = pd.DataFrame(
        {
            "name": ["a", "b"], "quality": [0.9, 0.2], "flagged_pixels": [0, 40],
            "flagged_share": [0.0, 0.1], "components": [0, 1], "largest_component": [0, 40],
            "model_dice": [0.95, 0.4], "model_loss": [0.01, 0.7], "p_wrong_mask": [0.02, 0.99],
            "flagged_background": [0, 10], "flagged_heart": [0, 30],
        }
    )  # fmt: skip
    cases = SimpleNamespace(
        class_names=("background", "heart"),
        cases=[SimpleNamespace(name=name, group=name) for name in "ab"],
    )
    table = mask_table(SimpleNamespace(errors=errors, cases=cases, folds={"a": 0, "b": 1}))
    assert table["group"].tolist() == ["correct", "mis_h"]
    assert table["p_mis_h"].tolist() == [0.02, 0.99]
    assert table["p_correct"].tolist() == pytest.approx([0.98, 0.01])
    assert table["is_label_issue"].tolist() == [False, True]
    unknown = mask_table(
        SimpleNamespace(
            errors=errors.drop(columns=["p_wrong_mask", "model_loss"]), cases=cases, folds={}
        )
    )
    assert unknown["group"].tolist() == ["", ""]
    assert unknown[["p_correct", "p_mis_h", "loss"]].isna().all(axis=None)


def test_image_and_mask_are_known_again(audited, segmented, tmp_path):
    located = located_images(audited)
    assert {located.changed(row) for row in range(len(located))} == {""}
    shutil.copytree(segmented / "data", tmp_path / "data")
    moved = located_images(audited, root=tmp_path / "data")
    name = moved.ids[0]
    assert moved.files[0] == (
        tmp_path / "data" / "images" / f"{name}.png",
        tmp_path / "data" / "masks" / f"{name}.png",
    )
    picture = read(segmented / "data" / "images" / f"{name}.png")
    shown = moved.read(0)
    assert shown.shape == (*picture.shape, 3)
    assert np.corrcoef(shown[..., 0].ravel(), picture.ravel())[0, 1] > 0.99
    shutil.copyfile(moved.files[1][1], moved.files[0][1])
    assert moved.changed(0) == "another content"
    assert moved.changed(1) == ""


def test_a_run_without_error_maps(segmented, tmp_path, capsys):
    shutil.copytree(segmented / "run", tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "error_maps")
    command = ["audit", tmp_path / "run", "--out", tmp_path / "audit"]
    refused(capsys, command, "no error maps", "--resume")
    assert not (tmp_path / "audit").exists()


def test_options_and_places_that_make_no_sense(segmented, tmp_path, capsys):
    command = ["audit", segmented / "run", "--out"]
    refused(capsys, [*command, tmp_path / "a", "--epochs", 3], "--epochs")
    refused(capsys, [*command, tmp_path / "a", "--group-column", "x"], "--group-column")
    inside = Path(segmented / "data" / "images" / "audit")
    refused(capsys, [*command, inside], "lies inside the data")
    assert not inside.exists()
