"""What can't be applied: one clear message, exit status 2, nothing written, nothing lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from apply_audits import change_manifest, decide, image, log_of, rows

from audit_folders import write_audit
from mixednoise.cli import run


@pytest.fixture
def audit(tmp_path):
    folder = write_audit(tmp_path / "audit", n=12)
    decide(folder, ("1", "agree"))
    return folder


@pytest.fixture
def refused(audit, tmp_path, capsys):
    """Runs the command, and gives the message; nothing may have been written."""

    def everything() -> dict[Path, bytes]:
        files = (path for path in tmp_path.rglob("*") if path.is_file())
        # SQLite's own files beside a log that is read.
        return {path: path.read_bytes() for path in files if "sqlite-" not in path.name}

    def command(*more: str, out: str | None = "corrected.csv") -> str:
        before = everything()
        place = [] if out is None else ["--out", str(tmp_path / out)]
        assert run(["apply", str(audit.path), *place, *more]) == 2
        error = capsys.readouterr().err
        assert "Traceback" not in error
        assert everything() == before
        return error

    return command


def data(audit):
    return audit.path.parent / f"{audit.path.name}_data"


def test_no_audit(refused, audit):
    audit.manifest.unlink()
    error = refused()
    assert "holds no audit" in error
    assert "mixednoise audit" in error


def test_nothing_decided(refused, audit):
    audit.decisions.unlink()
    error = refused()
    assert "nothing is decided" in error
    assert f"mixednoise review {audit.path}" in error
    assert "nothing is decided" in refused("--undo", "last", out=None)
    assert not audit.decisions.exists()
    log_of(audit).log()  # the page was opened, and nobody decided
    assert "an empty log" in refused()


def test_decisions_of_another_audit(refused, audit, tmp_path):
    other = write_audit(tmp_path / "other", n=8)
    decide(other, ("1", "agree"))
    shutil.copy(other.decisions, audit.decisions)
    assert "belongs to another audit" in refused()
    assert "belongs to another audit" in refused("--undo", "all")


def test_data_that_are_gone(refused, audit):
    shutil.move(data(audit), audit.path.parent / "elsewhere")
    error = refused()
    assert "not where it was" in error
    assert "--data PATH" in error


def test_data_that_have_moved_are_found_again(audit, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.move(data(audit), moved)
    (tmp_path / "pixels").mkdir()
    shutil.move(moved / "images", tmp_path / "pixels" / "images")
    command = ["apply", str(audit.path), "--out", str(tmp_path / "a.csv"), "--quiet"]
    roots = ["--data", str(moved / "labels.csv"), "--image-root", str(tmp_path / "pixels")]
    assert run([*command, *roots]) == 0
    table = rows(tmp_path / "a.csv").set_index("id")
    assert table["image"][image(1)] == "pixels/images/im001.png"
    assert table["label"][image(1)] == "cataract"


def test_labels_that_have_changed(refused, audit):
    table = rows(data(audit) / "labels.csv")
    table.loc[4, "label"] = "cataract"
    table.loc[[2, 3], "patient"] = "p2r"
    table.drop(index=7).to_csv(data(audit) / "labels.csv", index=False)
    error = refused()
    assert "is not what was audited" in error
    assert "1 image gone: im007.png" in error
    assert "1 label changed: im004.png was 'normal', is 'cataract'" in error
    assert "2 patients changed: im002.png was 'p1r', is 'p2r'" in error


def test_an_image_that_is_gone(refused, audit):
    (data(audit) / "images" / image(2)).unlink()
    assert "1 image gone: im002.png: image file not found" in refused()


def test_a_damaged_table(refused, audit):
    table = rows(audit.table)
    table.loc[0, "given_label"] = "cataract"
    table.to_csv(audit.table, index=False)
    assert "is not the table of this audit" in refused()


@pytest.mark.parametrize(
    "out", ["corrected.csv", "corrected.changes.csv", "corrected.excluded.csv"]
)
def test_a_result_that_is_there(refused, tmp_path, out):
    (tmp_path / out).write_text("mine")
    error = refused()
    assert "exists already" in error
    assert "--overwrite" in error


def test_overwrite_replaces_earlier_results_alone(refused, audit, tmp_path):
    (tmp_path / "corrected.csv").write_text("mine")
    assert "no earlier result" in refused("--overwrite")
    (tmp_path / "corrected.csv").unlink()
    decide(audit, ("3", "exclude"))
    command = ["apply", str(audit.path), "--out", str(tmp_path / "corrected.csv"), "--quiet"]
    assert run(command) == 0
    assert (tmp_path / "corrected.excluded.csv").exists()
    decide(audit, ("3", "keep"))
    assert run([*command, "--overwrite"]) == 0
    assert not (tmp_path / "corrected.excluded.csv").exists(), "nothing is left out any more"
    assert len(rows(tmp_path / "corrected.csv")) == 12


def test_the_original_is_never_the_result(refused):
    for more in ((), ("--overwrite",)):
        assert "is the original" in refused(*more, out="audit_data/labels.csv")
        assert "belongs to the audit" in refused(*more, out="audit/audit.csv")


def test_a_folder_that_is_read_as_a_whole_gets_no_new_files(refused, audit):
    change_manifest(audit, data=str(data(audit)))
    assert "lies inside the data" in refused(out="audit_data/corrected.csv")


def test_names_of_results(refused, tmp_path):
    for out in ("corrected.npz", "corrected", "corrected.tsv"):
        error = refused(out=out)
        assert "ends in .csv" in error
        assert "--out corrected.csv" in error
    arrays = write_audit(tmp_path / "arrays", n=12, arrays=True)
    assert run(["apply", str(arrays.path), "--out", str(tmp_path / "a.csv")]) == 2


def test_a_disk_that_can_not_be_written(audit, capsys):
    assert run(["apply", str(audit.path), "--out", "/proc/corrected.csv"]) == 2
    assert "can't be written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wish", "told"),
    [
        (("--trust-audit", "1.5"), "a probability from 0.5 to 1"),
        (("--undo", "sinse=now"), "did you mean"),
        (("--undo", "since=yesterday"), "a date or a time"),
        (("--undo", "last=none"), "last=5"),
        (("--undo", "id=a", "--undo", "id=b"), "id once"),
        (("--undo", "reviewer=bob"), "1 that stand, by ann"),
    ],
)
def test_wishes_that_can_not_be_fulfilled(refused, wish, told):
    assert told in refused(*wish)


def test_no_place_for_the_result(refused):
    assert "add --out" in refused(out=None)
    assert "--weights does nothing without --out" in refused("--undo", "all", "--weights", out=None)


def test_an_audit_without_groups_can_not_be_trusted(refused, audit):
    table = rows(audit.table)
    table[["p_correct", "p_mis_h", "p_mis_l"]] = ""
    table.to_csv(audit.table, index=False)
    assert "can't be trusted unseen" in refused("--trust-audit", "0.9")


def test_refusing_takes_nothing_back(refused, audit):
    (data(audit) / "images" / image(2)).unlink()
    refused("--undo", "all")
    assert len(log_of(audit).standing()) == 1
