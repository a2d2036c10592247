"""Label Studio: its own checks where they are installed, and what its format says, always."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import parse_qs, urlparse
from xml.etree import ElementTree as ET

import cv2
import numpy as np
import pytest
from exchange_helpers import (
    CLASSES,
    CORRECTED,
    EXCLUDED,
    add_unjudged,
    decide,
    decided_audit,
    decided_masks,
    export,
    original,
    pixels,
)

from audit_folders import write_audit
from mask_audits import truth
from mixednoise.errors import ConfigError, DataError
from mixednoise.exchange.brush_rle import encode

LEAVE_OUT = "leave this image out"


def tasks_of(out: Path) -> list[dict]:
    return json.loads((out / "tasks.json").read_text())


def by_sample(out: Path) -> dict[str, dict]:
    return {task["data"]["sample"]: task for task in tasks_of(out)}


def served(task: dict, root: Path) -> Path:
    """What Label Studio serves: ``d`` of the address, below its document root."""
    address = urlparse(task["data"]["image"])
    assert address.path == "/data/local-files/"
    (place,) = parse_qs(address.query)["d"]
    return root / place


def chosen(annotation: dict) -> dict[str, list[str]]:
    return {
        result["from_name"]: result["value"]["choices"]
        for result in annotation["result"]
        if result["type"] == "choices"
    }


@pytest.fixture(scope="module")
def out(audit, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("label_studio") / "out"
    export(audit, "label-studio", place)
    return place


@pytest.fixture(scope="module")
def masked(tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("label_studio")
    folder = decided_masks(place / "audit")
    add_unjudged(folder, "t00", "test")
    export(folder, "label-studio", place / "out")
    return place / "out"


def test_tasks_come_in_the_order_of_review(audit, out):
    table = audit.read_table()
    table["rest"] = ~table["is_label_issue"]
    order = table.sort_values(["rest", "label_quality"])["id"].tolist()
    assert [task["data"]["sample"] for task in tasks_of(out)] == order


def test_images_are_served_from_the_export(audit, out):
    for name, task in by_sample(out).items():
        assert served(task, out).read_bytes() == original(audit, name).read_bytes()


def test_images_that_stay_where_they_are(audit, tmp_path):
    told = export(audit, "label-studio", tmp_path / "out", images="refer")
    root, storage = Path(told["document_root"]), Path(told["storage"])
    for name, task in by_sample(tmp_path / "out").items():
        assert served(task, root) == original(audit, name)
        assert storage in served(task, root).parents
    assert root in storage.parents, "Label Studio wants storage below its root"


def test_predictions_are_the_suggestions(audit, out):
    table = audit.read_table().set_index("id")
    for name, task in by_sample(out).items():
        suggested = table.loc[name, "suggested_label"]
        assert task["data"]["suggested_label"] == (suggested or "(no label)")
        if not suggested:
            assert task["predictions"] == []
            continue
        (prediction,) = task["predictions"]
        assert chosen(prediction) == {"label": [suggested]}
        assert prediction["model_version"] == "mixednoise qmix"
        same = suggested == table.loc[name, "predicted_label"]
        score = table.loc[name, "confidence" if same else "self_confidence"]
        assert prediction["score"] == pytest.approx(score, abs=1e-6)


def test_annotations_are_the_decisions(audit, out):
    tasks = by_sample(out)
    said = {name: chosen(t["annotations"][0]) for name, t in tasks.items() if t["annotations"]}
    # Decisions go out as what they are, those on the test split (im005) too.
    wanted = {name: {"label": [label]} for name, label in CORRECTED.items()}
    wanted |= {"im005.png": {"label": ["cataract"]}, EXCLUDED: {"decision": [LEAVE_OUT]}}
    wanted["im002.png"] = {"label": [tasks["im002.png"]["data"]["given_label"]]}
    assert said == wanted | {"im006.png": {}}
    assert tasks["im006.png"]["annotations"][0]["was_cancelled"], "unsure is a skipped task"
    assert tasks["im008.png"]["annotations"] == [], "ann and bob differ"
    assert tasks["im008.png"]["data"]["decided_by"] == "ann, bob"


def test_without_decisions_there_is_nothing_to_annotate(audit, tmp_path):
    told = export(audit, "label-studio", tmp_path / "out", labels="given")
    assert told["annotations"] == 0
    assert all(task["annotations"] == [] for task in tasks_of(tmp_path / "out"))


def test_the_configuration_offers_every_class(audit, out, tmp_path):
    choices = config_of(out)
    assert choices["label"] == list(CLASSES)
    assert choices["decision"] == [LEAVE_OUT]
    strange = write_audit(tmp_path / "audit", n=4, classes=('<5 "mm" & more', "5'"))
    export(strange, "label-studio", tmp_path / "out", labels="given")
    assert config_of(tmp_path / "out")["label"] == ['<5 "mm" & more', "5'"]


def config_of(out: Path) -> dict[str, list[str]]:
    """Control -> what can be chosen."""
    view = ET.parse(out / "labeling_config.xml").getroot()
    image = view.find("Image")
    assert image is not None
    assert image.get("value") == "$image"
    controls = [control for control in view if control.get("toName")]
    assert {control.get("toName") for control in controls} == {image.get("name")}
    return {control.get("name"): [c.get("value") for c in control] for control in controls}


def test_what_browsers_do_not_show_becomes_png(tmp_path):
    folder = write_audit(tmp_path / "audit", n=4)
    images = folder.read_images()
    path, deep = (Path(images.loc[row, "path"]) for row in (0, 1))
    picture = pixels(path)
    cv2.imwrite(str(path.with_suffix(".tif")), picture)
    cv2.imwrite(str(deep), picture.astype(np.uint16) * 256)
    images.loc[0, "path"] = str(path.with_suffix(".tif"))
    images.to_csv(folder.images, index=False)
    export(folder, "label-studio", tmp_path / "out")
    tasks = by_sample(tmp_path / "out")
    same, stretched = (pixels(served(tasks[f"im00{n}.png"], tmp_path / "out")) for n in (0, 1))
    np.testing.assert_array_equal(same, picture)
    assert stretched.dtype == np.uint8
    assert np.corrcoef(stretched.ravel(), picture.ravel())[0, 1] > 0.999
    with pytest.raises(ConfigError, match="not all images can stay") as error:
        export(folder, "label-studio", tmp_path / "other", images="refer")
    assert "2 images" in str(error.value)


def test_an_image_that_can_not_be_read_is_left_out(tmp_path):
    folder = write_audit(tmp_path / "audit", n=4)
    images = folder.read_images()
    broken = Path(images.loc[0, "path"]).with_suffix(".tif")
    broken.write_bytes(b"II*\0 nothing more")
    images.loc[0, "path"] = str(broken)
    images.to_csv(folder.images, index=False)
    told = export(folder, "label-studio", tmp_path / "out")
    assert (told["images"], told["left_out"]) == (3, 1)
    assert "im000.png" not in by_sample(tmp_path / "out")
    assert "can't be read" in (tmp_path / "out" / "left_out.csv").read_text()


def test_masks(masked):
    tasks = by_sample(masked)
    assert set(tasks) == {f"c{row:02d}" for row in range(6)}, "t00 was never audited"
    for name, task in tasks.items():
        given, suspected, proposed = truth(int(name[1:]))
        found = {p["model_version"]: regions(p) for p in task["predictions"]}
        wanted = {"given mask": {"heart": given > 0}}
        if suspected.any():
            wanted["proposed mask"] = {"heart": proposed > 0}
        assert found.keys() == wanted.keys()
        for version, classes in wanted.items():
            np.testing.assert_array_equal(found[version]["heart"], classes["heart"])
    said = {name: chosen(t["annotations"][0]) for name, t in tasks.items() if t["annotations"]}
    assert said == {
        "c00": {"decision": ["take the proposed mask"]},
        "c01": {"decision": ["keep the given mask"]},
        "c02": {"decision": [LEAVE_OUT]},
        "c03": {},
    }
    np.testing.assert_array_equal(regions(tasks["c00"]["annotations"][0])["heart"], truth(0)[2] > 0)
    assert config_of(masked)["mask"] == ["heart"]


def regions(told: dict) -> dict[str, np.ndarray]:
    """Class -> where its region is."""
    found = {}
    for result in told["result"]:
        if result["type"] == "brushlabels":
            size = result["original_height"], result["original_width"]
            (name,) = result["value"]["brushlabels"]
            assert result["value"]["format"] == "rle"
            found[name] = decode(result["value"]["rle"]).reshape(*size, 4)[..., 3] == 255
    return found


def decode(data: list[int]) -> np.ndarray:
    """Label Studio's runs, as its documentation of the stream says."""
    bits = iter("".join(f"{byte:08b}" for byte in data))

    def take(count: int) -> int:
        return int("".join(next(bits) for _ in range(count)), 2)

    total, width = take(32), take(5) + 1
    sizes = [take(4) + 1 for _ in range(4)]
    values: list[int] = []
    while len(values) < total:
        repeated = take(1)
        length = take(sizes[take(2)]) + 1
        values += [take(width)] * length if repeated else [take(width) for _ in range(length)]
    return np.array(values)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 1.0])
def test_regions_as_label_studio_decodes_them(share):
    brush = pytest.importorskip("label_studio_sdk.converter.brush")
    # More than 65536 equal values: longer than one run can be.
    mask = np.random.default_rng(1).random((150, 131)) < share
    found = brush.decode_rle(encode(mask)).reshape(150, 131, 4)
    np.testing.assert_array_equal(found[..., 3], np.where(mask, 255, 0))
    np.testing.assert_array_equal(decode(encode(mask)), found.ravel())


@pytest.mark.filterwarnings("ignore")
def test_label_studio_takes_tasks_and_configuration(out, masked):
    interface = pytest.importorskip("label_studio_sdk.label_interface")
    for place in (out, masked):
        config = interface.LabelInterface((place / "labeling_config.xml").read_text())
        config.validate()
        for task in tasks_of(place):
            assert config.validate_task({"data": task["data"]})
            for prediction in task["predictions"]:
                assert config.validate_prediction(prediction, return_errors=True) == []
            assert all(map(config.validate_annotation, task["annotations"]))


def test_volumes_have_no_place_in_it(tmp_path):
    folder = decided_masks(tmp_path / "audit", volumes=True)
    with pytest.raises(DataError, match="label-studio takes no volumes"):
        export(folder, "label-studio", tmp_path / "out")


def test_a_new_class_of_a_reviewer_can_be_chosen_as_well(tmp_path):
    folder = decided_audit(tmp_path / "audit")
    decide(folder, ("ann", "im010.png", "relabel", "glaucoma"))
    with pytest.raises(ConfigError, match="classes that the audit does not have"):
        export(folder, "label-studio", tmp_path / "out")
    export(folder, "label-studio", tmp_path / "out", allow_new_class=True)
    assert config_of(tmp_path / "out")["label"] == [*CLASSES, "glaucoma"]
