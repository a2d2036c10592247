"""nnU-Net: what nobody has settled is to be ignored."""

from __future__ import annotations

import json

import numpy as np
import pytest
from exchange_helpers import add_unjudged, decide, decided_masks, export, listed, pixels

from mask_audits import truth
from mixednoise import read_nnunet
from mixednoise.errors import RunError
from nnunet_library import accepted, needs_nnunet

IGNORE = 2


def test_decisions_decide_what_is_ignored(tmp_path):
    folder = decided_masks(tmp_path / "audit")
    add_unjudged(folder, "v00", "val")
    add_unjudged(folder, "t00", "test")
    told = export(folder, "nnunet", tmp_path / "raw", dataset_number=7, dataset_name="Hearts")
    out = tmp_path / "raw" / "Dataset007_Hearts"
    assert told["folder"] == str(out)
    assert "-d 7 " in told["next"]
    found = {path.stem: pixels(path) for path in (out / "labelsTr").iterdir()}
    assert set(found) == {"c00", "c01", "c03", "c04", "c05", "v00"}, "c02 is left out"
    for name, label in found.items():
        given, suspected, proposed = truth(int(name[1:]))
        # c00 is agreed, c01 kept; c04 nobody has looked at; v00 nobody has judged.
        wanted = {"c00": proposed, "c04": np.where(suspected, IGNORE, given)}.get(name, given)
        np.testing.assert_array_equal(label, wanted)
    assert {path.stem for path in (out / "labelsTs").iterdir()} == {"t00"}
    assert listed(out, "left_out.csv")["id"].tolist() == ["c02"]
    assert read_nnunet(out).ignore_value == IGNORE
    assert json.loads((out / "dataset.json").read_text())["numTraining"] == 6


class TestNnunetItself:
    """Its integrity check and its reader."""

    pytestmark = needs_nnunet

    def test_takes_what_is_written(self, tmp_path):
        folder = decided_masks(tmp_path / "audit")
        export(folder, "nnunet", tmp_path / "raw", dataset_number=7, dataset_name="Hearts")
        labels = accepted(tmp_path / "raw" / "Dataset007_Hearts")
        assert set(labels) == {"c00", "c01", "c03", "c04", "c05"}
        given, suspected, _ = truth(4)
        np.testing.assert_array_equal(labels["c04"], np.where(suspected, IGNORE, given))

    def test_refuses_what_is_spoiled(self, tmp_path):
        folder = decided_masks(tmp_path / "audit")
        export(folder, "nnunet", tmp_path / "raw", dataset_number=7, dataset_name="Hearts")
        root = tmp_path / "raw" / "Dataset007_Hearts"
        (root / "labelsTr" / "c01.png").unlink()
        with pytest.raises(AssertionError, match="c01"):
            accepted(root)


def test_unsure_keeps_the_doubt(tmp_path):
    folder = decided_masks(tmp_path / "audit")
    decide(folder, ("ann", "c04", "unsure", ""))
    export(folder, "nnunet", tmp_path / "raw")
    given, suspected, _ = truth(4)
    label = pixels(tmp_path / "raw" / "Dataset001_Corrected" / "labelsTr" / "c04.png")
    np.testing.assert_array_equal(label, np.where(suspected, IGNORE, given))


@pytest.mark.parametrize("labels", ["given", "suggested"])
def test_without_reviewers_nothing_is_ignored(masks, tmp_path, labels):
    told = export(masks, "nnunet", tmp_path / "raw", labels=labels)
    assert told["ignored_pixels"] == 0
    for path in (tmp_path / "raw" / "Dataset001_Corrected" / "labelsTr").iterdir():
        given, _, proposed = truth(int(path.stem[1:]))
        np.testing.assert_array_equal(pixels(path), given if labels == "given" else proposed)


def test_beside_other_data_sets(masks, tmp_path):
    export(masks, "nnunet", tmp_path / "raw", dataset_number=1)
    export(masks, "nnunet", tmp_path / "raw", dataset_number=2)
    assert len(list((tmp_path / "raw").iterdir())) == 2
    with pytest.raises(RunError, match="exists already"):
        export(masks, "nnunet", tmp_path / "raw", dataset_number=2)
    export(masks, "nnunet", tmp_path / "raw", dataset_number=2, overwrite=True)


def test_copies_unless_links_are_asked_for(masks, tmp_path):
    for images in ("copy", "link"):
        export(masks, "nnunet", tmp_path / images, images=images)
        image = tmp_path / images / "Dataset001_Corrected" / "imagesTr" / "c01_0000.png"
        assert (image.stat().st_nlink > 1) == (images == "link")


def test_masks_are_what_apply_writes(masks, tmp_path):
    told = export(masks, "masks", tmp_path / "out")
    assert (told["changed"], told["left_out"]) == (1, 1)
    np.testing.assert_array_equal(pixels(tmp_path / "out" / "masks" / "c00.png"), 255 * truth(0)[2])
    assert (tmp_path / "out" / "changes.csv").exists()
