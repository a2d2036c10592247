"""Going back: decisions in the log, and labels by the change log."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from apply_audits import apply, change_manifest, decide, image, labels_of, log_of, rows

from audit_folders import write_audit
from mixednoise.cli import run
from mixednoise.errors import ConfigError, RunError
from mixednoise.review.apply.undo import Entry, Selection, parse_selection
from mixednoise.review.decisions import Decision


@pytest.fixture
def audit(tmp_path):
    """Three decisions of ann, one of them changed later, and two of bob."""
    folder = write_audit(tmp_path / "audit", n=24)
    decide(folder, ("1", "keep"), ("2", "relabel", "normal"), ("1", "agree"))
    decide(folder, ("3", "exclude"), ("6", "agree"), who="bob")
    return folder


def standing(audit):
    return {(one.id, one.reviewer): one.action for one in log_of(audit).standing()}


def test_the_last_decision_is_taken_back_and_the_one_before_it_stands(audit):
    told = apply(audit, None, undo=("last=3",))
    assert (told["undone"], told["standing"]) == (3, 2)
    assert standing(audit) == {(image(1), "ann"): "keep", (image(2), "ann"): "relabel"}
    assert len(log_of(audit).log()) == 5, "nothing is deleted"
    assert [bool(one.undone) for one in log_of(audit).log()] == [False] * 2 + [True] * 3


@pytest.mark.parametrize(
    ("words", "left"),
    [
        (("all",), {}),
        (("last",), {"1": "agree", "2": "relabel", "3": "exclude"}),
        (("id=im001.png",), {"2": "relabel", "3": "exclude", "6": "agree"}),
        (("reviewer=ann",), {"3": "exclude", "6": "agree"}),
        (("reviewer=bob", "last=1"), {"1": "agree", "2": "relabel", "3": "exclude"}),
        (
            ("reviewer=ann", "id=im001.png", "last"),
            {"1": "keep", "2": "relabel", "3": "exclude", "6": "agree"},
        ),
    ],
)
def test_what_is_taken_back(audit, words, left):
    apply(audit, None, undo=words)
    found = {sample: action for (sample, _), action in standing(audit).items()}
    assert found == {image(name): action for name, action in left.items()}


@pytest.mark.parametrize(
    "wishes",
    [
        {"reviewer": "cem"},  # has decided nothing
        {"reviewer": "bob", "undo": ("reviewer=bob",)},  # nothing of his would stand
    ],
)
def test_nothing_is_taken_back_when_the_result_can_not_be_made(audit, tmp_path, wishes):
    before = standing(audit)
    with pytest.raises(ConfigError, match="nothing stands"):
        apply(audit, tmp_path / "corrected.csv", **{"undo": ("last",)} | wishes)
    assert standing(audit) == before
    assert not (tmp_path / "corrected.csv").exists()


def test_nothing_is_taken_back_when_the_result_can_not_be_written(audit, tmp_path, monkeypatch):
    def full(*_, **__):
        raise RunError("no room", expected="room", found="none", fix="make room")

    monkeypatch.setattr("mixednoise.jobs.apply.write_labels", full)
    before = standing(audit)
    with pytest.raises(RunError, match="no room"):
        apply(audit, tmp_path / "corrected.csv", undo=("all",))
    assert standing(audit) == before


def test_since_a_time(audit):
    log = log_of(audit)
    # Times of its own: those of the fixture are too near to each other.
    log.take_back(one.number for one in log.log())
    noon = datetime.fromisoformat("2026-01-31T12:00:00+00:00")
    for hour, name in enumerate(("1", "2", "6")):
        at = (noon + timedelta(hours=hour)).isoformat()
        log.record_many([Decision(0, image(name), "ann", "exclude", "", "", "review", at, "")])
    apply(audit, None, undo=("since=2026-01-31T13:00:00+00:00",))
    assert standing(audit) == {(image(1), "ann"): "exclude"}


def test_a_time_without_a_zone_is_the_persons_own():
    wanted = parse_selection(["since=2026-01-31"])
    assert wanted.since == datetime(2026, 1, 31).astimezone()
    entries = [Entry("a", ("x",), "2026-01-29T10:00:00+00:00"), Entry("b", ("x",), "2026-02-02")]
    assert wanted.choose(entries) == [1]


def test_the_newest_are_the_last_whatever_their_order():
    entries = [Entry("a", ("x",), f"2026-01-0{day}") for day in (3, 1, 2)]
    assert Selection(last=2).choose(entries) == [0, 2]
    with pytest.raises(ConfigError, match="nothing to take back"):
        Selection(id="b").choose(entries)


def test_taking_back_and_applying_in_one_command(audit, tmp_path, capsys):
    out = tmp_path / "corrected.csv"
    command = ["apply", str(audit.path), "--out", str(out), "--json"]
    assert run(command) == 0
    assert json.loads(capsys.readouterr().out)["relabelled"] == 3
    assert run([*command, "--undo", "reviewer=ann", "--overwrite"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["undone"], told["relabelled"], told["excluded"]) == (3, 1, 1)
    assert "took back 3 decisions: im001.png (ann: keep)" in captured.err
    assert run([*command, "--undo", "all", "--overwrite"]) == 0
    assert labels_of(out) == labels_of(out, label_column="original_label")
    assert len(rows(out)) == 24
    assert len(rows(tmp_path / "corrected.changes.csv")) == 0


def test_back_to_the_original_labels_by_the_change_log(audit, tmp_path, capsys):
    source = tmp_path / "audit_data" / "labels.csv"
    apply(audit, tmp_path / "corrected.csv")
    before = (tmp_path / "corrected.csv").read_bytes()
    audit.manifest.unlink()  # the audit is not needed
    original = tmp_path / "original.csv"
    command = ["apply", str(tmp_path / "corrected.csv"), "--undo", "all", "--out", str(original)]
    assert run(command) == 0
    assert "3 labels as before, 1 image back" in capsys.readouterr().err
    given = dict(zip(*rows(source)[["image", "label"]].to_numpy().T, strict=True))
    table = rows(original)
    assert dict(zip(table["id"], table["label"], strict=True)) == given
    assert len(labels_of(original)) == 24, "every image is found"
    assert set(table["decision"]) <= {"", "keep", "withheld"}
    assert len(rows(tmp_path / "original.changes.csv")) == 0
    assert (tmp_path / "corrected.csv").read_bytes() == before


def test_one_change_back_and_the_others_stay_in_the_log(audit, tmp_path):
    apply(audit, tmp_path / "a.csv")
    (tmp_path / "deeper").mkdir()
    told = apply(tmp_path / "a.csv", tmp_path / "deeper" / "b.csv", undo=("id=im003.png",))
    assert (told["relabelled"], told["returned"], told["changes"]) == (0, 1, 3)
    table = rows(tmp_path / "deeper" / "b.csv").set_index("id")
    assert table["label"][image(3)] == "cataract"
    assert table["label"][image(1)] == "cataract"
    assert len(labels_of(tmp_path / "deeper" / "b.csv")) == 24, "found from another folder, too"
    told = apply(tmp_path / "deeper" / "b.csv", tmp_path / "c.csv", undo=("reviewer=ann",))
    assert (told["relabelled"], told["changes"]) == (2, 1)
    table = rows(tmp_path / "c.csv").set_index("id")
    assert table.loc[[image(1), image(2), image(6)], "label"].tolist() == [
        "normal", "cataract", "normal",
    ]  # fmt: skip


def test_what_stays_excluded_stays_beside_the_file(audit, tmp_path):
    decide(audit, ("8", "exclude"))
    apply(audit, tmp_path / "a.csv")
    apply(tmp_path / "a.csv", tmp_path / "b.csv", undo=("id=im008.png",))
    assert rows(tmp_path / "b.excluded.csv")["id"].tolist() == [image(3)]
    assert image(8) in set(rows(tmp_path / "b.csv")["id"])
    assert image(3) not in set(rows(tmp_path / "b.csv")["id"])


def test_known_truth_follows_the_label_back(audit, tmp_path):
    source = tmp_path / "audit_data" / "labels.csv"
    table = rows(source).assign(true_label="normal", noise_group="correct")
    table.loc[table["label"] == "cataract", "noise_group"] = "mis_h"
    table.to_csv(source, index=False)
    apply(audit, tmp_path / "a.csv")
    changed = rows(tmp_path / "a.csv").set_index("id")["noise_group"]
    assert changed[[image(1), image(2)]].tolist() == ["mis_h", "correct"]
    apply(tmp_path / "a.csv", tmp_path / "b.csv", undo=("all",))
    back = rows(tmp_path / "b.csv").set_index("id")["noise_group"]
    assert back.to_dict() == table.set_index("image")["noise_group"].to_dict()


def test_a_file_that_was_edited_since_is_not_guessed_at(audit, tmp_path):
    apply(audit, tmp_path / "a.csv")
    table = rows(tmp_path / "a.csv")
    table.loc[table["id"] == image(1), "label"] = "normal"
    table.to_csv(tmp_path / "a.csv", index=False)
    with pytest.raises(RunError, match="not as its change log says") as error:
        apply(tmp_path / "a.csv", tmp_path / "b.csv", undo=("all",))
    assert "im001.png: 'normal', not 'cataract'" in str(error.value)
    apply(tmp_path / "a.csv", tmp_path / "b.csv", undo=("id=im002.png",))


def test_files_that_are_no_result_of_apply(audit, tmp_path):
    source = tmp_path / "audit_data" / "labels.csv"
    with pytest.raises(RunError, match="not written by `mixednoise apply`"):
        apply(source, tmp_path / "b.csv", undo=("all",))
    apply(audit, tmp_path / "a.csv")
    (tmp_path / "a.excluded.csv").unlink()
    with pytest.raises(RunError, match=r"there is no .*excluded"):
        apply(tmp_path / "a.csv", tmp_path / "b.csv", undo=("all",))
    (tmp_path / "a.changes.csv").unlink()
    with pytest.raises(RunError, match=r"there is no .*changes"):
        apply(tmp_path / "a.csv", tmp_path / "b.csv", undo=("all",))
    with pytest.raises(ConfigError, match="--undo all --out"):
        apply(tmp_path / "a.csv", tmp_path / "b.csv")
    with pytest.raises(ConfigError, match="--undo all --out"):
        apply(tmp_path / "a.csv", None, undo=("all",))
    with pytest.raises(ConfigError, match="--weights does nothing with a labels file"):
        apply(tmp_path / "a.csv", tmp_path / "b.csv", undo=("all",), weights=True)
    with pytest.raises(RunError, match="is the original"):
        apply(tmp_path / "a.csv", tmp_path / "a.csv", undo=("all",), overwrite=True)


def test_weights_go_back_with_the_labels(audit, tmp_path):
    def weights(name):
        return rows(tmp_path / name).set_index("id")["sample_weight"].astype(float)

    quality = audit.read_table().set_index("id")["label_quality"]
    apply(audit, tmp_path / "a.csv", weights=True)
    assert weights("a.csv")[image(2)] == 1, "somebody has renamed it"
    apply(tmp_path / "a.csv", tmp_path / "b.csv", undo=("id=im002.png",))
    assert weights("b.csv")[image(2)] == pytest.approx(quality[image(2)], abs=1e-6)
    assert weights("b.csv")[image(1)] == 1
    apply(tmp_path / "a.csv", tmp_path / "c.csv", undo=("reviewer=bob",))
    assert weights("c.csv")[image(3)] == pytest.approx(quality[image(3)], abs=1e-6)


def test_a_second_round_starts_from_the_first(audit, tmp_path):
    """The corrected file is a data set like any other: audited again, and corrected again."""
    from audit_folders import write_audit as again

    out = tmp_path / "audit_data" / "corrected.csv"
    apply(audit, out)
    second = again(tmp_path / "second", n=24)
    table = second.read_table()
    first = rows(out)
    table = table[table["id"].isin(first["image"])].reset_index(drop=True)
    table["given_label"] = first["label"]
    table.to_csv(second.table, index=False)
    images = rows(second.images)
    images[images["id"].isin(first["image"])].to_csv(second.images, index=False)
    from mixednoise.audit.folder import fingerprint_of

    change_manifest(
        second,
        data=str(out),
        images=len(table),
        fingerprint=fingerprint_of(table, second.read_manifest().classes),
    )
    decide(second, ("4", "relabel", "cataract"))
    apply(second, tmp_path / "audit_data" / "again.csv")
    final = rows(tmp_path / "audit_data" / "again.csv").set_index("image")
    assert final["label"][image(4)] == "cataract"
    assert final["original_label"][image(1)] == "cataract", "as this audit found it"
    assert final["decision"].value_counts().to_dict() == {"": 22, "relabel": 1}
