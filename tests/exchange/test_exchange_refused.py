"""Exports and imports that are refused: one message, and nothing was written."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from exchange_helpers import decided_audit, export, log_of, original

from audit_folders import write_audit
from mixednoise.audit.folder import AuditFolder
from mixednoise.cli import run
from mixednoise.errors import ConfigError, DataError, MixedNoiseError, RunError
from mixednoise.jobs.export import export_audit
from mixednoise.jobs.import_decisions import import_decisions
from mixednoise.progress import Silent


@pytest.mark.parametrize(
    ("to", "options", "said"),
    [
        ("coco", {}, "coco does not go with an audit of labels"),
        ("voc", {}, "there is no format 'voc'"),
        ("folders", {"images": "refer"}, "--images refer does not go with --to folders"),
        ("csv", {"images": "copy"}, "--images copy does not go with --to csv"),
        ("label-studio", {"labels": "suggested"}, "--labels suggested does not go with"),
        ("folders", {"labels": "best"}, "there are no labels 'best'"),
        ("folders", {"prefer": "zoe"}, "nothing stands that 'zoe' has decided"),
        ("folders", {"prefer": "ann", "labels": "given"}, "--prefer does nothing with"),
        ("label-studio", {"include_test": True}, "--include-test does nothing with"),
        ("folders", {"allow_new_class": True, "labels": "given"}, "--allow-new-class does nothing"),
        ("folders", {"dataset_name": "X"}, "--dataset-name does nothing with --to folders"),
    ],
)
def test_options_that_do_not_fit(audit, tmp_path, to, options, said):
    with pytest.raises(ConfigError) as error:
        export(audit, to, tmp_path / "out", **options)
    assert said in str(error.value)
    assert not (tmp_path / "out").exists()


def test_formats_of_labels_for_masks(masks, tmp_path):
    with pytest.raises(ConfigError, match="folders does not go with an audit of masks") as error:
        export(masks, "folders", tmp_path / "out")
    assert "nnunet" in str(error.value)
    with pytest.raises(ConfigError, match="--allow-new-class does nothing with masks"):
        export(masks, "coco", tmp_path / "out", allow_new_class=True)


def test_places_in_which_something_would_be_lost(audit, tmp_path):
    out = tmp_path / "out"
    export(audit, "folders", out)
    before = sorted(out.rglob("*"))
    with pytest.raises(RunError, match="exists already"):
        export(audit, "folders", out)
    assert sorted(out.rglob("*")) == before
    with pytest.raises(RunError, match="lies inside the data"):
        export(audit, "folders", original(audit, "im000.png").parent / "out")
    with pytest.raises(RunError, match="not a result of this command"):
        export(audit, "folders", audit.path, overwrite=True)
    assert (audit.path / "images.csv").exists()
    with pytest.raises(RunError, match="can't be written"):
        export(audit, "folders", Path("/proc/out"))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match="is a file"):
        export(audit, "folders", tmp_path / "file", overwrite=True)


def test_what_was_exported_is_replaced_whole(audit, tmp_path):
    out = tmp_path / "out"
    export(audit, "label-studio", out)
    (out / "mine.txt").write_text("mine")
    export(audit, "folders", out, overwrite=True)
    assert {path.name for path in out.iterdir()} == {
        *("train", "test", "images.csv", "left_out.csv", "export.json", "mine.txt"),
    }


def test_an_export_that_fails_leaves_the_earlier_one(audit, tmp_path, monkeypatch):
    out = tmp_path / "out"
    export(audit, "folders", out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*")}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(MixedNoiseError, match="No space left"):
        export(audit, "folders", out, overwrite=True)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_images_that_are_gone_or_elsewhere(tmp_path):
    folder = write_audit(tmp_path / "audit", n=4)
    moved = tmp_path / "elsewhere"
    (tmp_path / "audit_data").rename(moved)
    with pytest.raises(DataError, match="4 images of the audit can't be found") as error:
        export(folder, "folders", tmp_path / "out")
    assert "--image-root" in str(error.value)
    export(folder, "folders", tmp_path / "out", image_root=moved)
    assert len(list((tmp_path / "out").rglob("*.png"))) == 4


def test_images_that_are_gone_are_not_taken_for_others(tmp_path):
    folder = decided_audit(tmp_path / "audit")
    (tmp_path / "audit_data").rename(tmp_path / "elsewhere")
    progress = Silent()
    with pytest.raises(DataError, match="12 images of the audit can't be found"):
        export_audit(folder.path, "folders", tmp_path / "out", progress=progress)
    assert not progress.warnings


def test_labels_that_have_moved(tmp_path, capsys):
    folder = decided_audit(tmp_path / "audit")
    (tmp_path / "audit_data").rename(tmp_path / "elsewhere")
    command = ["export", str(folder.path), "--quiet", "--out", str(tmp_path / "out.csv"), "--to"]
    assert run([*command, "csv"]) == 2
    assert "--data PATH" in capsys.readouterr().err
    there = ["--data", str(tmp_path / "elsewhere" / "labels.csv")]
    assert run([*command, "csv", *there]) == 0
    assert "cataract" in (tmp_path / "out.csv").read_text()
    assert run([*command, "folders", *there]) == 2
    assert "--data does nothing with --to folders" in capsys.readouterr().err


def test_nothing_decided_is_told(tmp_path):
    folder = write_audit(tmp_path / "audit", n=4)
    told = export(folder, "folders", tmp_path / "out")
    assert any("nothing is decided" in line for line in told["warnings"])
    assert told["changed"] == 0


def test_decisions_of_another_audit(audit, tmp_path):
    other = write_audit(tmp_path / "audit", n=4)
    shutil.copy(audit.decisions, other.decisions)
    with pytest.raises(RunError, match="belongs to another audit"):
        export(other, "folders", tmp_path / "out")


@pytest.fixture
def exported(tmp_path) -> Path:
    """A file of Label Studio, ready to be spoiled; the audit is ``audit`` beside it."""
    folder = decided_audit(tmp_path / "audit")
    export(folder, "label-studio", tmp_path / "out", labels="given")
    tasks = json.loads((tmp_path / "out" / "tasks.json").read_text())
    for task in tasks:
        told = {"id": "r", "from_name": "label", "to_name": "image", "type": "choices"}
        result = [told | {"value": {"choices": ["normal"]}}]
        task["annotations"] = [{"completed_by": 1, "result": result, "was_cancelled": False}]
    file = tmp_path / "export.json"
    file.write_text(json.dumps(tasks))
    return file


def refused(file: Path, source: str = "label-studio", **options) -> str:
    """The message for the audit beside the file; its log is as it was."""
    folder = AuditFolder(file.parent / "audit")
    before = log_of(folder).log()
    with pytest.raises(MixedNoiseError) as error:
        import_decisions(folder.path, file, source, **options)
    assert log_of(folder).log() == before
    return str(error.value)


def spoil(file: Path, change) -> None:
    tasks = json.loads(file.read_text())
    change(tasks)
    file.write_text(json.dumps(tasks))


def test_all_or_nothing(exported):
    """One bad entry among good ones, and none is recorded."""

    def strange(tasks):
        tasks[3]["annotations"][0]["result"][0]["value"]["choices"] = ["glaucoma"]

    spoil(exported, strange)
    said = refused(exported)
    assert "labels that are no class" in said
    assert "glaucoma (1 time)" in said
    assert "normal, cataract, mild AMD" in said


def test_samples_of_another_set(exported):
    def rename(tasks):
        for number, task in enumerate(tasks[:7]):
            task["data"]["sample"] = f"other{number}"

    spoil(exported, rename)
    said = refused(exported)
    assert "7 other ids: other0, other1" in said


def test_another_audit_of_the_same_ids(exported):
    spoil(exported, lambda tasks: tasks[0]["data"].update(audit="0" * 32))
    assert "comes from another audit" in refused(exported)


def test_tasks_that_were_never_exported(exported):
    spoil(exported, lambda tasks: tasks[2].update(data={"image": "x.png"}))
    assert "task 3 of" in refused(exported)


def test_two_labels_for_one_image(exported):
    def both(tasks):
        tasks[0]["annotations"][0]["result"][0]["value"]["choices"] = ["normal", "cataract"]

    spoil(exported, both)
    assert "several labels for" in refused(exported)


@pytest.mark.parametrize(
    ("spoilt", "found"),
    [
        (lambda task: task.update(annotations=5), "annotations: 5"),
        (lambda task: task.update(annotations=[None]), "annotations.0: None"),
        (lambda task: task["annotations"][0].update(result="cataract"), "'cataract'"),
        (lambda task: task["annotations"][0]["result"][0].update(value=5), "value: 5"),
        (lambda task: task["annotations"][0]["result"][0]["value"].update(choices=5), "choices: 5"),
        (lambda task: task["annotations"][0].update(updated_at=["now"]), "updated_at: ['now']"),
    ],
)
def test_damaged_tasks_are_named(exported, spoilt, found):
    spoil(exported, lambda tasks: spoilt(tasks[2]))
    said = refused(exported)
    assert "task 3 of" in said
    assert "not as Label Studio writes it" in said
    assert found in said


def test_damaged_entries_of_the_short_form_are_named(exported):
    short = {"sample": "im000.png", "annotation_id": 1, "label": {"choices": 7}}
    exported.write_text(json.dumps([short]))
    said = refused(exported)
    assert "task 1 of" in said
    assert "'choices': 7" in said


@pytest.mark.parametrize(
    ("spoilt", "found"),
    [
        ({"samples": [None]}, "None"),
        ({"samples": [{"audit_id": "im000.png", "tags": 5}]}, "tags: 5"),
        ({"samples": [{"audit_id": "im000.png", "ground_truth": "a"}]}, "ground_truth: 'a'"),
        ({"labels": {"a": {"attributes": 5}}}, "attributes: 5"),
    ],
)
def test_damaged_samples_are_named(tmp_path, spoilt, found):
    decided_audit(tmp_path / "audit")
    (tmp_path / "samples.json").write_text(json.dumps(spoilt))
    said = refused(tmp_path / "samples.json", "fiftyone", reviewer="eve")
    assert "not as FiftyOne writes it" in said
    assert found in said


def test_a_byte_order_mark_is_no_damage(exported):
    exported.write_bytes(b"\xef\xbb\xbf" + exported.read_bytes())
    folder = AuditFolder(exported.parent / "audit")
    assert import_decisions(folder.path, exported, "label-studio")["new"] == 12


def test_one_name_for_several_annotators(exported):
    spoil(exported, lambda tasks: tasks[0]["annotations"][0].update(completed_by=2))
    said = refused(exported, reviewer="eve")
    assert "label-studio user 1, label-studio user 2" in said


def test_contradictory_tags(tmp_path):
    folder = decided_audit(tmp_path / "audit")
    export(folder, "fiftyone", tmp_path / "out")
    file = tmp_path / "out" / "samples.json"
    content = json.loads(file.read_text())
    content["samples"][0]["tags"] += ["keep", "exclude"]
    (tmp_path / "samples.json").write_text(json.dumps(content))
    said = refused(tmp_path / "samples.json", "fiftyone", reviewer="eve")
    assert "contradict each other" in said
    assert "im000.png" in said


def test_fiftyone_needs_a_reviewer(tmp_path):
    decided_audit(tmp_path / "audit")
    (tmp_path / "samples.json").write_text('{"samples": []}')
    assert "--reviewer NAME" in refused(tmp_path / "samples.json", "fiftyone")


@pytest.mark.parametrize(
    ("content", "looks"),
    [
        (b"", "an empty file"),
        (b"id,label\na,b\n", "a table with the columns id, label"),
        (b"<View></View>\n", "XML or HTML: <View></View>"),
        (b'[{"data": 1', "JSON that is damaged or cut off"),
        (b"SQLite format 3\0...", "an SQLite database"),
        (b"PK\x03\x04...", "a compressed file"),
        (b"\x89PNG\r\n\x1a\n\xff\xfe", "no text"),
        (b'{"images": [], "annotations": [], "categories": []}', "COCO annotations"),
        (b"[]", "an empty JSON list"),
        (b'[{"a": 1}]', "a JSON list whose entries have a"),
        (b"3", "JSON: 3"),
    ],
)
@pytest.mark.parametrize("source", ["label-studio", "fiftyone"])
def test_files_of_another_format(tmp_path, content, looks, source):
    file = tmp_path / "export.json"
    decided_audit(tmp_path / "audit")
    file.write_bytes(content)
    said = refused(file, source, reviewer="eve")
    assert "is of another format" in said
    assert looks in said


def test_files_of_one_tool_taken_for_those_of_the_other(exported, tmp_path):
    assert "a Label Studio export whose entries" in refused(exported, "fiftyone", reviewer="eve")
    (tmp_path / "samples.json").write_text('{"samples": [{"filepath": "x.png"}]}')
    assert "samples of FiftyOne" in refused(tmp_path / "samples.json")
    assert "sample 1" in refused(tmp_path / "samples.json", "fiftyone", reviewer="eve")
    assert "no such file" in refused(tmp_path / "nothing.json")


def test_a_log_that_can_not_be_written(exported):
    log = exported.parent / "audit" / "decisions.sqlite"
    for path in log.parent.glob("decisions.sqlite*"):
        path.unlink()
    log.mkdir()
    with pytest.raises(RunError, match="decisions can't be kept"):
        import_decisions(log.parent, exported, "label-studio")


def test_the_commands(exported, tmp_path, capsys):
    audit = str(tmp_path / "audit")
    command = ["import", audit, str(exported), "--from", "label-studio"]
    assert run([*command, "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["new"] == 12
    assert "next: mixednoise apply" in told.err
    assert run([*command]) == 0
    assert "0 new, 12 imported before" in capsys.readouterr().err
    out = str(tmp_path / "folders")
    assert run(["export", audit, "--to", "folders", "--out", out, "--json"]) == 0
    told = capsys.readouterr()
    assert json.loads(told.out)["out"] == out
    assert "next: mixednoise train" in told.err
    assert run(["export", audit, "--to", "nnunet", "--out", str(tmp_path / "raw")]) == 2
    assert "expected: csv, folders, label-studio, fiftyone, monai" in capsys.readouterr().err
    assert run(["export", audit, "--to", "csv", "--out", str(tmp_path / "corrected.csv")]) == 0
    assert (tmp_path / "corrected.changes.csv").exists()
