"""Which folders an audit may be written into."""

from __future__ import annotations

import pytest

from audit_folders import write_audit
from mixednoise.audit.folder import AuditFolder
from mixednoise.audit.target import check_audit_folder, open_audit_folder
from mixednoise.errors import RunError


@pytest.fixture
def folder(tmp_path):
    return write_audit(tmp_path / "audit")


def test_a_new_place_and_an_empty_one(tmp_path):
    (tmp_path / "empty").mkdir()
    for name in ("new", "empty", "deep/down/new"):
        check_audit_folder(AuditFolder(tmp_path / name), run=None)
    assert [path.name for path in tmp_path.iterdir()] == ["empty"], "looking leaves nothing"


def test_a_finished_audit_is_replaced_on_demand_alone(folder):
    for options in ({}, {"resume": True}):
        with pytest.raises(RunError, match="holds a finished audit"):
            check_audit_folder(folder, run=None, **options)
    check_audit_folder(folder, run=None, overwrite=True)
    (folder.path / "mine.txt").write_text("mine")
    assert open_audit_folder(folder) == ""
    assert {path.name for path in folder.path.iterdir()} == {"run", "mine.txt"}


def test_what_an_interruption_leaves(folder, tmp_path):
    folder.manifest.unlink()
    with pytest.raises(RunError, match="an audit that was interrupted"):
        check_audit_folder(folder, run=None)
    check_audit_folder(folder, run=None, resume=True)
    check_audit_folder(folder, run=None, overwrite=True)
    # Of a run elsewhere: tables, and no training.
    folder.run.rename(tmp_path / "run")
    with pytest.raises(RunError, match="an audit that was interrupted"):
        check_audit_folder(folder, run=tmp_path / "run")
    check_audit_folder(folder, run=tmp_path / "run", overwrite=True)


def test_the_training_inside_can_be_audited_where_it_is(folder):
    open_audit_folder(folder)
    assert [path.name for path in folder.path.iterdir()] == ["run"]
    check_audit_folder(folder, run=folder.run)
    with pytest.raises(RunError, match="exists already"):
        check_audit_folder(folder, run=folder.path.parent / "another")


def test_something_elses_folder_is_never_replaced(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").write_bytes(b"")
    for options in ({}, {"resume": True}, {"overwrite": True}):
        with pytest.raises(RunError, match=r"holiday\.jpg"):
            check_audit_folder(AuditFolder(tmp_path / "photos"), run=None, **options)
