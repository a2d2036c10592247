"""The report of an audit of masks: the page of its run, with the numbers of the audit."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from report_helpers import report_of

from mask_audits import write_mask_audit
from mixednoise.audit.folder import AuditFolder, read_text_table
from mixednoise.audit.report import write_report
from mixednoise.io import write_csv
from mixednoise.segmentation.report.inputs import MAX_CASES


def audit_of(path: Path, n: int = 4) -> AuditFolder:
    """An audit of masks; its run has the table of error maps, too."""
    folder = write_mask_audit(path, n)
    columns = ["id", "label_quality", "suspected_pixels", "suspected_share"]
    errors = read_text_table(folder.table)[columns].assign(components=1, largest_component=1)
    names = ["name", "quality", "flagged_pixels", "flagged_share", "components"]
    run = Path(folder.read_manifest().run)
    write_csv(
        run / "error_maps" / "images.csv", errors.set_axis([*names, "largest_component"], axis=1)
    )
    return folder


def test_masks_have_the_page_of_their_run_with_the_way_onwards(tmp_path) -> None:
    folder = audit_of(tmp_path / "masks")
    page = report_of(folder)
    assert "Audit of the masks of" in page.text
    # Two of four masks are drawn 6 columns of 8 pixels too large.
    assert "96 pixels in 2 of 4 masks look wrong." in page.text
    assert "drawn as heart, probably background: 48 pixels" in page.text
    assert len(page.all("img")) == 2 * 4
    assert f"mixednoise review {folder.path}" in page.text
    assert f"mixednoise apply {folder.path} --out corrected" in page.text
    assert "://" not in folder.report.read_text()


def test_what_is_not_drawn_is_in_the_table_of_the_audit(tmp_path) -> None:
    folder = audit_of(tmp_path / "masks", MAX_CASES + 2)
    shutil.rmtree(folder.read_manifest().run)
    assert "2 more are listed in audit.csv ." in report_of(folder).text


@pytest.mark.parametrize("gone", ["run", "images"])
def test_what_has_moved_is_told_of_and_left_out(tmp_path, gone) -> None:
    folder = audit_of(tmp_path / "masks")
    if gone == "run":
        shutil.rmtree(folder.read_manifest().run)
    else:
        for file in Path(f"{folder.path}_data/images").iterdir():
            file.unlink()
    page = report_of(folder)
    assert "96 pixels in 2 of 4 masks look wrong." in page.text
    assert not page.all("img")
    told = "Pictures and estimates are left out" if gone == "run" else "no picture:"
    assert told in page.text


def test_the_manifest_need_not_be_written_yet(tmp_path) -> None:
    folder = audit_of(tmp_path / "masks")
    manifest = folder.read_manifest()
    folder.manifest.unlink()
    write_report(folder, manifest)
    assert "4 masks" in folder.report.read_text()
