"""Decisions out of Label Studio: its two exports, with what annotators did there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from exchange_helpers import decide, decided_audit, decided_masks, export, given_labels, log_of

from mixednoise.audit.folder import AuditFolder
from mixednoise.errors import ConfigError
from mixednoise.jobs.import_decisions import import_decisions

LEAVE_OUT = "leave this image out"
EARLY, LATE = "2020-01-01T10:00:00.123456Z", "2999-01-01T10:00:00.000000Z"


class Project:
    """What Label Studio makes of exported tasks, and of what people choose there."""

    def __init__(self, folder: AuditFolder, out: Path) -> None:
        self.folder = folder
        export(folder, "label-studio", out)
        self.tasks = json.loads((out / "tasks.json").read_text())
        for number, task in enumerate(self.tasks, 1):
            task["id"] = number
            for annotation in task["annotations"]:
                # Whoever imports tasks is the author of the annotations in them.
                annotation |= {"completed_by": 1, "created_at": EARLY, "updated_at": EARLY}

    def annotate(self, sample: str, *, who: object = 2, at: str = EARLY, **choices: str) -> None:
        """A new annotation: ``label``, ``decision`` and ``note``; nothing = skipped."""
        result = [self._result(name, text) for name, text in choices.items()]
        annotation = {"id": len(self.tasks), "completed_by": who, "result": result}
        annotation |= {"was_cancelled": not choices, "created_at": at, "updated_at": at}
        self.task(sample)["annotations"].append(annotation)

    def change(self, sample: str, label: str) -> None:
        """Another choice in an annotation that came along; its region keeps its id."""
        (annotation,) = self.task(sample)["annotations"]
        (result,) = annotation["result"]
        result["value"]["choices"] = [label]

    def save(self, path: Path) -> Path:
        path.write_text(json.dumps(self.tasks))
        return path

    def save_short(self, path: Path) -> Path:
        """JSON-MIN: skipped tasks and ids of regions are not in it."""
        entries = []
        for task in self.tasks:
            for annotation in task["annotations"]:
                if annotation["was_cancelled"]:
                    continue
                entry = {**task["data"], "id": task["id"]}
                for result in annotation["result"]:
                    ((kind, values),) = result["value"].items()
                    entry[result["from_name"]] = values[0] if len(values) == 1 else {kind: values}
                at = annotation["updated_at"]
                entry |= {"annotator": annotation["completed_by"], "annotation_id": 5}
                entries.append(entry | {"created_at": at, "updated_at": at, "lead_time": 3.0})
        path.write_text(json.dumps(entries))
        return path

    def task(self, sample: str) -> dict:
        return next(task for task in self.tasks if task["data"]["sample"] == sample)

    def _result(self, name: str, text: str) -> dict:
        kind = "text" if name == "note" else "choices"
        told = {"id": f"r{name}", "from_name": name, "to_name": "image", "value": {kind: [text]}}
        return told | {"type": "textarea" if name == "note" else "choices"}


@pytest.fixture
def project(tmp_path) -> Project:
    return Project(decided_audit(tmp_path / "audit"), tmp_path / "out")


def bring(project: Project, path: Path, **options) -> dict:
    return import_decisions(project.folder.path, path, "label-studio", **options)


def imported(project: Project) -> dict[str, tuple]:
    log = log_of(project.folder).log()
    entries = (one for one in log if one.source == "label-studio")
    return {one.id: (one.reviewer, one.action, one.label, one.note) for one in entries}


def annotate_some(project: Project) -> None:
    given = given_labels(project.folder)
    project.annotate("im000.png", label=given["im000.png"])
    project.annotate("im007.png", label="mild AMD", note="drusen")
    # The suggestion is chosen already when the task opens: leaving out has the last word.
    project.annotate("im009.png", label="normal", decision=LEAVE_OUT)
    project.annotate("im010.png", who={"id": 7, "email": "eve@clinic.org"})
    project.change("im004.png", "cataract")


WANTED = {
    "im000.png": ("label-studio user 2", "keep", "", ""),
    "im007.png": ("label-studio user 2", "relabel", "mild AMD", "drusen"),
    "im009.png": ("label-studio user 2", "exclude", "", ""),
    "im010.png": ("eve@clinic.org", "unsure", "", ""),
    "im004.png": ("label-studio user 1", "relabel", "cataract", ""),
}


def test_annotations_become_decisions(project, tmp_path):
    annotate_some(project)
    told = bring(project, project.save(tmp_path / "export.json"))
    assert imported(project) == WANTED
    assert (told["found"], told["new"]) == (5, 5)
    # im001, im002, im003, im005, im006 came along as decided, and nobody touched them.
    assert told["skipped"] == {"as it was exported": 5}
    times = {one.id: one.at for one in log_of(project.folder).log()}
    assert times["im007.png"] == "2020-01-01T10:00:00.123+00:00"


def test_the_short_form_says_the_same(project, tmp_path):
    annotate_some(project)
    bring(project, project.save_short(tmp_path / "short.json"))
    # Skipped tasks are not in it.
    assert imported(project) == {k: v for k, v in WANTED.items() if k != "im010.png"}


@pytest.mark.parametrize("again", ["save", "save_short"])
def test_the_same_file_again_adds_nothing(project, tmp_path, again):
    annotate_some(project)
    bring(project, project.save(tmp_path / "export.json"))
    before = log_of(project.folder).log()
    told = bring(project, getattr(project, again)(tmp_path / "again.json"))
    assert told["new"] == 0
    assert told["skipped"]["imported before"] == told["found"]
    assert log_of(project.folder).log() == before


def test_spaces_around_a_name_make_no_other_reviewer(project, tmp_path):
    project.annotate("im007.png", label="normal")
    file = project.save(tmp_path / "export.json")
    assert bring(project, file, reviewer=" anna ")["new"] == 1
    assert bring(project, file, reviewer="anna")["new"] == 0
    with pytest.raises(ConfigError, match="no name"):
        bring(project, file, reviewer="a" * 100)


def test_a_changed_mind_is_new_and_an_old_file_is_not(project, tmp_path):
    project.annotate("im007.png", label="normal")
    old = project.save(tmp_path / "old.json")
    bring(project, old)
    project.annotate("im007.png", label="mild AMD", at=LATE)
    told = bring(project, project.save(tmp_path / "new.json"))
    assert told["new"] == 1
    assert told["skipped"]["replaced later in the file"] == 1
    assert imported(project)["im007.png"][2] == "mild AMD"
    assert bring(project, old)["new"] == 0
    for _ in range(2):
        log_of(project.folder).undo("label-studio user 2", "im007.png")
    assert bring(project, old)["new"] == 0, "what was taken back is not brought back by it"


def test_what_was_taken_back_stays_so(project, tmp_path):
    project.annotate("im007.png", label="normal")
    file = project.save(tmp_path / "export.json")
    bring(project, file)
    log_of(project.folder).undo("label-studio user 2")
    told = bring(project, file)
    assert told["new"] == 0
    assert any("--again" in why for why in told["skipped"])
    assert "im007.png" not in {one.id for one in log_of(project.folder).standing()}


def test_what_was_taken_back_comes_again_when_that_is_wanted(project, tmp_path):
    project.annotate("im007.png", label="normal")
    file = project.save(tmp_path / "export.json")
    bring(project, file)
    log_of(project.folder).undo("label-studio user 2")
    assert bring(project, file, again=True)["new"] == 1
    assert imported(project)["im007.png"][1] == "keep"
    assert bring(project, file, again=True)["skipped"]["imported before"] == 1


def test_a_later_word_on_the_review_page_stays(project, tmp_path):
    project.annotate("im007.png", label="normal", at=EARLY)
    decide(project.folder, ("eve", "im007.png", "exclude", ""))
    told = bring(project, project.save(tmp_path / "export.json"), reviewer="eve")
    assert told["new"] == 0
    assert told["skipped"]["older than what the same reviewer decided here"] == 1


def test_a_second_opinion_counts_where_it_is_the_same(project, tmp_path):
    """ann's decision on im001 went out; user 2 comes to the same, on their own."""
    label = project.task("im001.png")["data"]["decided"]
    project.annotate("im001.png", label=label)
    told = bring(project, project.save(tmp_path / "export.json"))
    assert imported(project) == {"im001.png": ("label-studio user 2", "relabel", label, "")}
    assert told["skipped"] == {"as it was exported": 6}


def test_one_annotator_gets_a_name(project, tmp_path):
    project.annotate("im007.png", label="normal")
    bring(project, project.save(tmp_path / "export.json"), reviewer="eve")
    assert imported(project)["im007.png"][0] == "eve"


def test_several_annotators_differ_under_their_own_names(project, tmp_path):
    project.annotate("im007.png", who=2, label="normal")
    project.annotate("im007.png", who=3, label="mild AMD")
    told = bring(project, project.save(tmp_path / "export.json"))
    assert told["reviewers"] == ["label-studio user 2", "label-studio user 3"]


def test_nothing_chosen_is_nothing_decided(project, tmp_path):
    project.annotate("im007.png", note="look again")
    told = bring(project, project.save(tmp_path / "export.json"))
    assert (told["found"], told["skipped"]["nothing chosen"]) == (0, 1)


def test_masks(tmp_path):
    project = Project(decided_masks(tmp_path / "audit"), tmp_path / "out")
    project.annotate("c04", decision="take the proposed mask")
    project.annotate("c05", decision="unsure")
    project.annotate("c03", decision="keep the given mask")
    told = bring(project, project.save(tmp_path / "export.json"))
    assert {name: said[1] for name, said in imported(project).items()} == {
        "c04": "agree",
        "c05": "unsure",
        "c03": "keep",
    }
    assert told["skipped"] == {"as it was exported": 4}


@pytest.mark.filterwarnings("ignore")
def test_the_short_form_of_label_studio_itself(project, tmp_path):
    """What its own converter makes of the long form."""
    converter = pytest.importorskip("label_studio_sdk.converter")
    annotate_some(project)
    config = (tmp_path / "out" / "labeling_config.xml").read_text()
    long = project.save(tmp_path / "export.json")
    for task in project.tasks:
        for annotation in task["annotations"]:
            annotation["lead_time"] = 1.0
    project.save(long)
    made = converter.Converter(config=config, project_dir=str(tmp_path))
    made.convert_to_json_min(str(long), str(tmp_path / "short"), is_dir=False)
    bring(project, tmp_path / "short" / "result.json")
    assert imported(project) == {k: v for k, v in WANTED.items() if k != "im010.png"}
