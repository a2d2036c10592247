"""MONAI's own reader gets what went out."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from exchange_helpers import (
    CLASSES,
    add_unjudged,
    decided_masks,
    expected_labels,
    export,
    original,
)
from monai.data import PILReader, load_decathlon_datalist

from mask_audits import picture, truth
from mixednoise.audit.folder import AuditFolder


def lists(out: Path, *, masks: bool) -> dict[str, list[dict]]:
    content = json.loads((out / "datalist.json").read_text())
    names = [name for name in ("training", "validation", "test") if name in content]
    return {n: load_decathlon_datalist(out / "datalist.json", masks, n) for n in names}


@pytest.mark.parametrize("images", ["refer", "copy"])
def test_labels(audit, tmp_path, images):
    out = tmp_path / "out"
    export(audit, "monai", out, images=images)
    found = lists(out, masks=False)
    assert set(found) == {"training", "test"}, "MONAI can't read an empty list"
    everything = [*found["training"], *found["test"]]
    labels = {item["audit"]["id"]: CLASSES[item["label"]] for item in everything}
    assert labels == expected_labels(audit)
    for item in everything:
        source, name = Path(item["image"]), item["audit"]["id"]
        assert source.read_bytes() == original(audit, name).read_bytes()
        assert (source == original(audit, name)) == (images == "refer")
    assert {item["audit"]["id"] for item in found["test"]} == {"im005.png", "im011.png"}


def test_a_copy_can_be_moved(audit, tmp_path):
    export(audit, "monai", tmp_path / "out", images="copy")
    (tmp_path / "out").rename(tmp_path / "moved")
    for item in lists(tmp_path / "moved", masks=False)["training"]:
        assert Path(item["image"]).is_file()


def test_masks(tmp_path):
    folder = decided_masks(tmp_path / "audit", classes=("background", "heart", "lung"))
    add_unjudged(folder, "v00", "val")
    out = tmp_path / "out"
    told = export(folder, "monai", out)
    assert told["lists"] == {"training": 5, "validation": 1}
    found = lists(out, masks=True)
    names = [item["audit"]["id"] for item in found["training"]]
    assert names == ["c00", "c01", "c03", "c04", "c05"], "c02 is left out"
    loaded = {item["audit"]["id"]: load(item) for item in found["training"]}
    for name, (image, mask) in loaded.items():
        given, _, proposed = truth(int(name[1:]), 3)
        np.testing.assert_array_equal(mask, proposed if name == "c00" else given)
        np.testing.assert_array_equal(image, picture(int(name[1:])))
    assert {item["fold"] for item in found["training"]} == {0, 1}
    _, mask = load(found["validation"][0])
    np.testing.assert_array_equal(mask, truth(0, 3)[0])


def test_volumes_keep_their_grid(tmp_path):
    folder: AuditFolder = decided_masks(tmp_path / "audit", volumes=True)
    export(folder, "monai", tmp_path / "out", labels="suggested")
    (first, *_) = lists(tmp_path / "out", masks=True)["training"]
    mask, image = nib.load(first["label"]), nib.load(first["image"])
    np.testing.assert_array_equal(mask.affine, image.affine)
    proposed = truth(0, volumes=True)[2]
    np.testing.assert_array_equal(np.asarray(mask.dataobj), proposed.transpose(2, 1, 0))


def load(item: dict) -> tuple[np.ndarray, np.ndarray]:
    """Image and label as MONAI reads them, rows first."""
    reader = PILReader()
    return tuple(reader.get_data(reader.read(item[name]))[0].T for name in ("image", "label"))
