"""FiftyOne: its own import where it and its database are there, and its form, always."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
from exchange_helpers import (
    CLASSES,
    EXCLUDED,
    decided_audit,
    expected_labels,
    export,
    given_labels,
    original,
    pixels,
)

from mask_audits import truth
from mixednoise.jobs.import_decisions import import_decisions


@pytest.fixture(scope="module")
def out(audit, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("fiftyone") / "out"
    export(audit, "fiftyone", place)
    return place


def samples_of(out: Path) -> dict[str, dict]:
    content = json.loads((out / "samples.json").read_text())
    return {sample["audit_id"]: sample for sample in content["samples"]}


def test_labels(audit, out):
    samples, table = samples_of(out), audit.read_table().set_index("id")
    given = given_labels(audit)
    assert samples.keys() == given.keys(), "nothing is left out of what people look at"
    labels = {name: sample["ground_truth"]["label"] for name, sample in samples.items()}
    assert labels == expected_labels(audit) | {EXCLUDED: given[EXCLUDED]}
    for name, sample in samples.items():
        assert sample["given"]["label"] == given[name]
        suggested = table.loc[name, "suggested_label"]
        if suggested:
            assert sample["suggestion"]["label"] == suggested
            assert 0 <= sample["suggestion"]["confidence"] <= 1
        else:
            assert "suggestion" not in sample
        assert sample["is_label_issue"] == table.loc[name, "is_label_issue"]
        assert sample["label_quality"] == pytest.approx(table.loc[name, "label_quality"], abs=1e-6)
        assert "; ".join(sample["reasons"]) == table.loc[name, "reasons"]
        assert sample["filepath"] == str(original(audit, name))
    assert samples[EXCLUDED]["decision"] == "exclude"
    assert samples["im001.png"]["decision"] == "cataract"
    assert samples["im001.png"]["reviewers"] == ["ann"]
    assert samples["im005.png"]["tags"] == ["test"]


def test_a_form_that_any_version_reads(out):
    told = json.loads((out / "metadata.json").read_text())
    assert "version" not in told, "with it, FiftyOne expects its own schema of that version"
    assert told["media_type"] == "image"
    assert told["info"]["default_classes"] == list(CLASSES)


def test_masks(masks, tmp_path):
    out = tmp_path / "out"
    export(masks, "fiftyone", out)
    for name, sample in samples_of(out).items():
        given, suspected, proposed = truth(int(name[1:]))
        wanted = {"ground_truth": proposed if name == "c00" else given, "given": given}
        if suspected.any():
            wanted |= {"suggestion": proposed, "suspected": suspected}
        for field, mask in wanted.items():
            label = sample[field]
            assert label["_cls"] == "Segmentation"
            # Relative paths are understood in the folder of the field alone.
            assert label["mask_path"].startswith(f"fields/{field}/")
            np.testing.assert_array_equal(pixels(out / label["mask_path"]), mask)
        assert ("suspected" in sample) == suspected.any()
    told = json.loads((out / "metadata.json").read_text())["info"]
    assert told["default_mask_targets"] == {"0": "background", "1": "heart"}


@pytest.fixture
def fiftyone(monkeypatch):
    """FiftyOne with a database; its data sets of this test are deleted again."""
    if not os.environ.get("FIFTYONE_DATABASE_URI"):
        pytest.skip("no database for FiftyOne: FIFTYONE_DATABASE_URI names it")
    monkeypatch.setenv("FIFTYONE_DO_NOT_TRACK", "true")
    library = pytest.importorskip("fiftyone")
    before = set(library.list_datasets())
    yield library
    for name in set(library.list_datasets()) - before:
        library.delete_dataset(name)


@pytest.mark.filterwarnings("ignore")
def test_there_and_back_through_fiftyone(fiftyone, tmp_path):
    folder = decided_audit(tmp_path / "audit")
    export(folder, "fiftyone", tmp_path / "out")
    kind = fiftyone.types.FiftyOneDataset
    found = fiftyone.Dataset.from_dir(dataset_dir=str(tmp_path / "out"), dataset_type=kind)
    assert len(found) == 12
    assert found.default_classes == list(CLASSES)
    given = given_labels(folder)
    for sample in found:
        assert sample.given.label == given[sample.audit_id]
        if sample.audit_id == "im007.png":
            sample.tags.append("keep")
        elif sample.audit_id == "im009.png":
            sample.ground_truth.tags.append("exclude")
        elif sample.audit_id == "im000.png":
            sample.ground_truth.label = "mild AMD"
        sample.save()
    place = {"export_dir": str(tmp_path / "back"), "export_media": False}
    found.export(dataset_type=kind, **place)
    told = import_decisions(folder.path, tmp_path / "back", "fiftyone", reviewer="eve")
    assert (told["found"], told["new"]) == (3, 3)
    place = {"export_dir": str(tmp_path / "labels"), "export_media": False}
    kind = fiftyone.types.FiftyOneImageClassificationDataset
    found.export(dataset_type=kind, label_field="ground_truth", include_attributes=True, **place)
    told = import_decisions(folder.path, tmp_path / "labels", "fiftyone", reviewer="eve")
    assert (told["found"], told["new"]) == (1, 0), "the new label of im000, known by now"


@pytest.mark.filterwarnings("ignore")
def test_masks_in_fiftyone(fiftyone, masks, tmp_path):
    export(masks, "fiftyone", tmp_path / "out", images="copy")
    kind = fiftyone.types.FiftyOneDataset
    found = fiftyone.Dataset.from_dir(dataset_dir=str(tmp_path / "out"), dataset_type=kind)
    assert found.default_mask_targets == {0: "background", 1: "heart"}
    for sample in found:
        given, _, proposed = truth(int(sample.audit_id[1:]))
        wanted = proposed if sample.audit_id == "c00" else given
        np.testing.assert_array_equal(sample.ground_truth.get_mask(), wanted)
        assert Path(sample.filepath).is_file()
