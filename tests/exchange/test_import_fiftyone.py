"""Decisions out of FiftyOne: tags and edited labels of what it exports."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from exchange_helpers import decided_audit, decided_masks, export, given_labels, log_of

from mixednoise.audit.folder import AuditFolder
from mixednoise.jobs.import_decisions import import_decisions


class Session:
    """An exported data set, and what somebody does with it in FiftyOne."""

    def __init__(self, folder: AuditFolder, out: Path) -> None:
        self.folder, self.out = folder, out
        export(folder, "fiftyone", out)
        self.samples = json.loads((out / "samples.json").read_text())["samples"]

    def sample(self, name: str) -> dict:
        return next(sample for sample in self.samples if sample["audit_id"] == name)

    def save(self) -> Path:
        """As ``FiftyOneDataset``: the same fields, and some of FiftyOne's own."""
        for number, sample in enumerate(self.samples):
            sample |= {"_id": {"$oid": f"{number:024x}"}, "_media_type": "image"}
        (self.out / "samples.json").write_text(json.dumps({"samples": self.samples}))
        return self.out

    def save_labels(self, path: Path) -> Path:
        """As ``FiftyOneImageClassificationDataset`` with ``include_attributes``."""
        labels = {}
        for sample in self.samples:
            truth = sample["ground_truth"]
            known = {name: truth[name] for name in ("audit_id", "audit", "audit_label")}
            labels[sample["audit_id"]] = {"label": truth["label"], "attributes": known}
        path.mkdir()
        (path / "labels.json").write_text(json.dumps({"classes": None, "labels": labels}))
        return path


@pytest.fixture
def session(tmp_path) -> Session:
    return Session(decided_audit(tmp_path / "audit"), tmp_path / "out")


def bring(session: Session, path: Path) -> dict:
    return import_decisions(session.folder.path, path, "fiftyone", reviewer="eve")


def imported(session: Session) -> dict[str, tuple[str, str]]:
    log = log_of(session.folder).log()
    found = [one for one in log if one.source == "fiftyone"]
    assert {one.reviewer for one in found} <= {"eve"}
    return {one.id: (one.action, one.label) for one in found}


def test_tags_and_edited_labels(session):
    given = given_labels(session.folder)
    session.sample("im000.png")["tags"].append("keep")
    session.sample("im007.png")["tags"].append("Exclude")
    session.sample("im009.png")["ground_truth"]["tags"].append("unsure")
    session.sample("im006.png")["suggestion"]["tags"].append("agree")
    session.sample("im010.png")["tags"].append("relabel: mild AMD")
    session.sample("im011.png")["tags"].append(f"relabel:{given['im011.png']}")
    # Edited: to another class, and back to the given one of what was exported as corrected.
    session.sample("im002.png")["ground_truth"]["label"] = "mild AMD"
    session.sample("im001.png")["ground_truth"]["label"] = given["im001.png"]
    told = bring(session, session.save())
    assert imported(session) == {
        "im000.png": ("keep", ""),
        "im007.png": ("exclude", ""),
        "im009.png": ("unsure", ""),
        "im006.png": ("agree", ""),
        "im010.png": ("relabel", "mild AMD"),
        "im011.png": ("keep", ""),
        "im002.png": ("relabel", "mild AMD"),
        "im001.png": ("keep", ""),
    }
    assert told["skipped"] == {"nothing decided": 4}


def test_the_same_again_adds_nothing_and_a_changed_mind_does(session):
    session.sample("im000.png")["tags"].append("keep")
    assert bring(session, session.save())["new"] == 1
    assert bring(session, session.save() / "samples.json")["new"] == 0
    session.sample("im000.png")["tags"].remove("keep")
    session.sample("im000.png")["tags"].append("exclude")
    assert bring(session, session.save())["new"] == 1
    session.sample("im000.png")["tags"].remove("exclude")
    session.sample("im000.png")["tags"].append("keep")
    assert bring(session, session.save())["new"] == 1, "changed back is a change as well"


def test_labels_alone(session, tmp_path):
    session.sample("im002.png")["ground_truth"]["label"] = "mild AMD"
    told = bring(session, session.save_labels(tmp_path / "labels"))
    assert imported(session) == {"im002.png": ("relabel", "mild AMD")}
    assert told["skipped"] == {"nothing decided": 11}


def test_masks(tmp_path):
    session = Session(decided_masks(tmp_path / "audit"), tmp_path / "out")
    session.sample("c04")["tags"].append("agree")
    session.sample("c05")["ground_truth"]["tags"].append("exclude")
    bring(session, session.save())
    assert imported(session) == {"c04": ("agree", ""), "c05": ("exclude", "")}
