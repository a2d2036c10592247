"""A folder per split and class."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from exchange_helpers import (
    EXCLUDED,
    decide,
    decided_audit,
    expected_labels,
    export,
    given_labels,
    listed,
    original,
    pixels,
)

from audit_folders import write_audit
from mixednoise import read_dataset


def labels_in(out: Path) -> dict[str, tuple[str, str]]:
    """Name of each file -> (split, label), as the data set is read again."""
    dataset = read_dataset(out)
    names = np.array(dataset.class_names, dtype=object)[dataset.labels]
    files = [Path(path).name for path in dataset.table["path"]]
    return dict(zip(files, zip(dataset.table["split"], names, strict=True), strict=True))


def test_it_is_read_again_with_the_corrected_labels(audit, tmp_path):
    told = export(audit, "folders", tmp_path / "out")
    found = labels_in(tmp_path / "out")
    assert {name: label for name, (_, label) in found.items()} == expected_labels(audit)
    assert {name for name, (split, _) in found.items() if split == "test"} == {
        "im005.png",
        "im011.png",
    }
    assert (told["images"], told["changed"], told["left_out"]) == (11, 2, 1)
    left = listed(tmp_path / "out", "left_out.csv")
    assert left["id"].tolist() == [EXCLUDED]
    assert left["path"].tolist() == [str(original(audit, EXCLUDED))]
    assert left["reason"][0].startswith("excluded by ann")


def test_files_are_copies(audit, tmp_path):
    export(audit, "folders", tmp_path / "out")
    for _, row in listed(tmp_path / "out").iterrows():
        copy, source = tmp_path / "out" / row["file"], original(audit, row["id"])
        assert copy.read_bytes() == source.read_bytes()
        assert not copy.is_symlink()
        assert not copy.samefile(source), "editing the copy must not change the original"


def test_links_lead_to_the_originals(audit, tmp_path):
    export(audit, "folders", tmp_path / "out", images="link")
    for _, row in listed(tmp_path / "out").iterrows():
        link = tmp_path / "out" / row["file"]
        assert link.is_symlink()
        assert link.resolve() == original(audit, row["id"]).resolve()


def test_labels_as_given_and_as_suggested(audit, tmp_path):
    export(audit, "folders", tmp_path / "given", labels="given")
    given = {name: label for name, (_, label) in labels_in(tmp_path / "given").items()}
    assert given == given_labels(audit)
    export(audit, "folders", tmp_path / "suggested", labels="suggested")
    found = {name: label for name, (_, label) in labels_in(tmp_path / "suggested").items()}
    table = audit.read_table()
    table = table[table["suggested_label"] != ""]
    assert found == dict(zip(table["id"], table["suggested_label"], strict=True))
    assert set(listed(tmp_path / "suggested", "left_out.csv")["id"]) == {"im003.png", "im009.png"}


def test_the_test_split_and_differing_reviewers(audit, tmp_path):
    told = export(audit, "folders", tmp_path / "out")
    assert any("im008.png (ann: agree, bob: keep)" in line for line in told["warnings"])
    assert any("test split: im005.png" in line for line in told["warnings"])
    export(audit, "folders", tmp_path / "all", prefer="ann", include_test=True)
    found = labels_in(tmp_path / "all")
    assert found["im005.png"] == ("test", "cataract")
    suggested = audit.read_table().set_index("id").loc["im008.png", "suggested_label"]
    assert found["im008.png"] == ("train", suggested)


def test_two_files_of_one_name_are_both_there(tmp_path):
    folder = write_audit(tmp_path / "audit", n=4, classes=("normal", "cataract"))
    images = folder.read_images()
    for row, place in enumerate(("left", "right", "left", "right")):
        old = Path(images.loc[row, "path"])
        new = old.parent / place / f"eye{row // 2}.{'png' if row else 'PNG'}"
        new.parent.mkdir(exist_ok=True)
        old.rename(new)
        images.loc[row, "path"] = str(new)
    images.to_csv(folder.images, index=False)
    export(folder, "folders", tmp_path / "out", labels="given")
    found = listed(tmp_path / "out")
    assert len({name.lower() for name in found["file"]}) == 4
    for row, file in enumerate(found["file"]):
        assert (tmp_path / "out" / file).read_bytes() == Path(images.loc[row, "path"]).read_bytes()
    assert [Path(file).name for file in found["file"]][:2] == ["eye0.PNG", "eye0-2.png"]


def test_pixels_of_an_array_become_png(tmp_path):
    folder = decided_audit(tmp_path / "audit", arrays=True, patients=False)
    export(folder, "folders", tmp_path / "out", labels="given")
    source = np.load(tmp_path / "audit_data" / "images.npz")
    arrays = np.concatenate([source["train_images"], source["test_images"]])
    found = listed(tmp_path / "out")
    assert len(found) == len(arrays)
    for row, file in enumerate(found["file"]):
        np.testing.assert_array_equal(pixels(tmp_path / "out" / file)[..., ::-1], arrays[row])


def test_classes_that_no_folder_can_be_called(tmp_path):
    folder = write_audit(tmp_path / "audit", n=4, classes=("mild/AMD", "mild:AMD"))
    told = export(folder, "folders", tmp_path / "out", labels="given")
    assert told["folders"] == {"mild/AMD": "mild_AMD", "mild:AMD": "mild_AMD-2"}
    where = listed(tmp_path / "out").set_index("id")["file"]
    for name, label in given_labels(folder).items():
        assert told["folders"][label] in where[name].split("/")


@pytest.mark.parametrize("class_name", ["normal", "test"])
def test_without_splits_classes_come_first(tmp_path, class_name):
    """Unless a class is called like a split: then all of it is for training."""
    folder = write_audit(tmp_path / "audit", n=4, classes=(class_name, "cataract"))
    for path in (folder.table, folder.images):
        table = pd.read_csv(path)
        if "split" in table:
            table["split"] = ""
        table.to_csv(path, index=False)
    export(folder, "folders", tmp_path / "out", labels="given")
    tops = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert tops == ({"train"} if class_name == "test" else {"normal", "cataract"})
    found = {name: label for name, (_, label) in labels_in(tmp_path / "out").items()}
    assert found == given_labels(folder)


def test_images_that_have_changed_are_told(tmp_path):
    folder = write_audit(tmp_path / "audit", n=4)
    decide(folder, ("ann", "im001.png", "exclude", ""))
    original(folder, "im002.png").write_bytes(original(folder, "im000.png").read_bytes())
    told = export(folder, "folders", tmp_path / "out")
    assert any("changed since the audit: 1 image (im002.png)" in w for w in told["warnings"])


def all_judged(folder, *, own_splits: bool, **more) -> None:
    """As an audit of a whole data set leaves it: everything was learned from."""
    table = pd.read_csv(folder.table, keep_default_na=False)
    table.assign(split="train").to_csv(folder.table, index=False)
    told = {"own_splits": own_splits} | more
    folder.write_manifest(folder.read_manifest().model_copy(update=told))


@pytest.mark.parametrize("own_splits", [True, False])
def test_a_split_that_only_says_what_was_judged_is_none(tmp_path, own_splits):
    folder = write_audit(tmp_path / "audit", n=8, patients=False)
    all_judged(folder, own_splits=own_splits)
    export(folder, "folders", tmp_path / "out", labels="given")
    tops = {path.name for path in (tmp_path / "out").iterdir() if path.is_dir()}
    assert tops == ({"train"} if own_splits else {"normal", "cataract"})


def test_the_next_command_reads_the_folders_as_they_are_meant(tmp_path):
    grades = ("none", "mild", "severe")
    folder = write_audit(tmp_path / "audit", n=24, classes=grades)
    manifest = folder.read_manifest()
    changed = {"ordinal": True, "options": {"image_size": 64}}
    folder.write_manifest(manifest.model_copy(update=changed))
    told = export(folder, "folders", tmp_path / "out", labels="given")
    words = shlex.split(told["next"])
    assert words[:3] == ["mixednoise", "train", str(tmp_path / "out")]
    assert words[words.index("--classes") + 1] == "none,mild,severe"
    assert "--ordinal" in words
    assert words[words.index("--image-size") + 1] == "64"
    found = read_dataset(tmp_path / "out", class_names=list(grades), ordinal=True)
    assert (list(found.class_names), found.ordinal) == (list(grades), True)


def test_patients_that_folders_would_lose_are_told(tmp_path):
    folder = write_audit(tmp_path / "audit", n=8)
    all_judged(folder, own_splits=False)
    told = export(folder, "folders", tmp_path / "out", labels="given")
    assert any("'patient'" in line for line in told["warnings"])
    assert told["next"].startswith(f"mixednoise apply {folder.path}")
