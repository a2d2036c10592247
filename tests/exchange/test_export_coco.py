"""COCO: its own library where it is installed, and what its format says, always."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from exchange_helpers import add_unjudged, decided_masks, export, pixels

from mask_audits import truth
from mixednoise.errors import DataError
from mixednoise.exchange.coco_rle import encode, run_lengths

THREE = ("background", "heart", "lung")


@pytest.fixture(scope="module")
def out(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("coco")
    folder = decided_masks(place / "audit", classes=THREE)
    add_unjudged(folder, "t00", "test")
    export(folder, "coco", place / "out")
    return place / "out"


@pytest.fixture(scope="module")
def content(out) -> dict:
    return json.loads((out / "annotations.json").read_text())


def wanted(name: str) -> np.ndarray:
    """The mask that goes out: c00 is agreed, all others keep theirs."""
    given, _, proposed = truth(0 if name == "t00" else int(name[1:]), 3)
    return proposed if name == "c00" else given


def test_what_the_format_asks(out, content):
    assert set(content) >= {"info", "images", "annotations", "categories"}
    assert [(c["id"], c["name"]) for c in content["categories"]] == [(1, "heart"), (2, "lung")]
    images = {image["id"]: image for image in content["images"]}
    cases = ["c00", "c01", "c03", "c04", "c05", "t00"]
    assert [image["case"] for image in content["images"]] == cases, "c02 is left out"
    assert images[6]["split"] == "test"
    for image in images.values():
        assert pixels(out / image["file_name"]).shape == (image["height"], image["width"])
    numbers = [annotation["id"] for annotation in content["annotations"]]
    assert len(set(numbers)) == len(numbers)
    for annotation in content["annotations"]:
        mask = wanted(images[annotation["image_id"]]["case"]) == annotation["category_id"]
        rows, columns = np.nonzero(mask)
        box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
        assert annotation["bbox"] == box
        assert annotation["area"] == mask.sum()
        assert annotation["iscrowd"] == 0
        assert annotation["segmentation"]["size"] == list(mask.shape)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # its own
def test_coco_reads_the_masks(out, content):
    coco_module = pytest.importorskip("pycocotools.coco")
    coco = coco_module.COCO(str(out / "annotations.json"))
    for image in content["images"]:
        mask = np.zeros((image["height"], image["width"]), np.uint8)
        for annotation in coco.loadAnns(coco.getAnnIds(image["id"])):
            mask[coco.annToMask(annotation) > 0] = annotation["category_id"]
        np.testing.assert_array_equal(mask, wanted(image["case"]))


@pytest.mark.parametrize("share", [0.0, 0.02, 0.5, 1.0])
def test_encoding_as_coco_does_it(share):
    library = pytest.importorskip("pycocotools.mask")
    mask = np.random.default_rng(3).random((61, 37)) < share
    theirs = library.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert encode(mask) == {"size": [61, 37], "counts": theirs["counts"].decode()}


def test_encoding_by_hand():
    # Columns: 0 1 1 | 0 0 1: one outside, two inside, two outside, one inside.
    mask = np.array([[0, 0], [1, 0], [1, 1]], bool)
    assert run_lengths(mask) == [1, 2, 2, 1]
    # 1, 2, 2, then 1 - 2 = -1: groups 1, 2, 2 and 11111, each with 48 added.
    assert encode(mask)["counts"] == "122" + chr(48 + 31)
    # Inside from the first pixel on: a run of 0 comes first. 16 needs a second group, since the
    # highest bit of the last one is the sign: 10000 with 100000 added, then 0.
    assert encode(np.ones((4, 4), bool))["counts"] == "0" + chr(48 + 16 + 32) + "0"


def test_masks_as_proposed(masks, tmp_path):
    export(masks, "coco", tmp_path / "out", labels="suggested")
    found = json.loads((tmp_path / "out" / "annotations.json").read_text())
    area = {a["image_id"]: a["area"] for a in found["annotations"]}
    assert area == {number: truth(number - 1)[2].sum() for number in range(1, 7)}


def test_pixels_to_ignore_are_told(tmp_path):
    """A mask with a value for what nobody has labelled."""
    folder = decided_masks(tmp_path / "audit")
    cases = Path(folder.read_manifest().run) / "cases.json"
    told = json.loads(cases.read_text()) | {"ignore_value": 9}
    cases.write_text(json.dumps(told))
    path = Path(told["cases"][5]["mask"])
    mask = pixels(path)
    mask[0, 0] = 9
    import cv2

    cv2.imwrite(str(path), mask)
    answer = export(folder, "coco", tmp_path / "out", labels="given")
    assert any("to ignore" in line and "c05" in line for line in answer["warnings"])


def test_volumes_have_no_place_in_it(tmp_path):
    folder = decided_masks(tmp_path / "audit", volumes=True)
    with pytest.raises(DataError, match="coco takes no volumes") as error:
        export(folder, "coco", tmp_path / "out")
    assert "nnunet" in str(error.value)
    assert not (tmp_path / "out").exists()
