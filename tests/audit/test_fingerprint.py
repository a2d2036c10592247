"""Decisions go with the audit that they were made on, and with no other one."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from mask_audits import write_mask_audit
from mixednoise.audit.folder import AuditFolder, fingerprint_of
from mixednoise.errors import RunError
from mixednoise.review.decisions import Decisions

TABLE = pd.DataFrame(
    {"id": ["a", "b"], "given_label": ["cat", "dog"], "suggested_label": ["cat", "cat"]}
)


@pytest.mark.parametrize("column", TABLE.columns)
def test_ids_labels_and_suggestions_count(column: str) -> None:
    other = TABLE.copy()
    other.loc[1, column] = "bird"
    classes = ["bird", "cat", "dog"]
    assert fingerprint_of(other, classes) != fingerprint_of(TABLE, classes)
    assert fingerprint_of(TABLE, classes[::-1]) != fingerprint_of(TABLE, classes)
    assert fingerprint_of(TABLE[::-1], classes) != fingerprint_of(TABLE, classes)


def test_what_a_decision_does_not_depend_on_does_not_count() -> None:
    assert fingerprint_of(TABLE.assign(loss=[0.1, 2.0]), ["cat"]) == fingerprint_of(TABLE, ["cat"])


def test_cells_do_not_run_together() -> None:
    one = pd.DataFrame({"id": ["ab"], "given_label": ["c"]})
    two = pd.DataFrame({"id": ["a"], "given_label": ["bc"]})
    assert fingerprint_of(one, []) != fingerprint_of(two, [])


def test_masks_of_other_classes_or_errors_are_another_audit(tmp_path: Path) -> None:
    """Their names and labels are the same: "given mask", "proposed mask"."""
    hearts = write_mask_audit(tmp_path / "hearts", n=4)
    Decisions(hearts.decisions, hearts.read_manifest().fingerprint).record("c00", "ann", "agree")
    classes = ("background", "heart", "lung")
    both = write_mask_audit(tmp_path / "both", n=4, classes=classes)
    table = pd.read_csv(hearts.table)
    table.loc[0, "suspected_pixels"] += 1
    more = fingerprint_of(table, hearts.read_manifest().classes)
    assert more != hearts.read_manifest().fingerprint
    both.decisions.write_bytes(hearts.decisions.read_bytes())
    with pytest.raises(RunError, match="belongs to another audit"):
        Decisions(both.decisions, both.read_manifest().fingerprint)
    assert len(AuditFolder(hearts.path).read_table()) == 4
