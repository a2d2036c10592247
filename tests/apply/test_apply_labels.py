"""From decisions to a labels file: every sample has the label, split and patient that it should."""

from __future__ import annotations

import json
import shlex

import cv2
import numpy as np
import pandas as pd
import pytest
from apply_audits import apply, audit_of, change_manifest, decide, image, labels_of, log_of, rows

from audit_folders import write_audit
from mixednoise import CrossEntropySingle
from mixednoise.cli import run
from mixednoise.data.readers import read_dataset
from mixednoise.errors import ConfigError
from mixednoise.progress import Silent
from tiny_data import FAST


@pytest.fixture
def audit(tmp_path):
    """24 images, classes normal and cataract, two to a patient; see ``audit_folders``."""
    return write_audit(tmp_path / "audit", n=24)


def source_of(folder):
    return folder.path.parent / f"{folder.path.name}_data" / "labels.csv"


def test_every_sample_gets_what_was_decided(audit, tmp_path):
    source = source_of(audit)
    before, given = source.read_bytes(), rows(source).set_index("image")
    decide(audit, ("1", "agree"), ("2", "relabel", "normal"), ("3", "agree"), ("0", "keep"))
    decide(audit, ("6", "exclude"), ("8", "unsure"))
    told = apply(audit, tmp_path / "corrected.csv")
    assert {name: told[name] for name in ("relabelled", "excluded", "kept", "unsure")} == {
        "relabelled": 2, "excluded": 2, "kept": 1, "unsure": 1,
    }  # fmt: skip

    read = read_dataset(tmp_path / "corrected.csv")
    table, ours = read.table, rows(tmp_path / "corrected.csv")
    assert ours["id"].tolist() == [name for name in given.index if name not in (image(3), image(6))]
    now = dict(zip(ours["id"], np.array(read.class_names)[read.labels], strict=True))
    changed = {image(1): "cataract", image(2): "normal"}
    assert now == {name: changed.get(name, given["label"][name]) for name in now}
    assert table["split"].tolist() == given["split"][ours["id"]].tolist()
    assert table["group"].tolist() == given["patient"][ours["id"]].tolist()
    assert [cv2.imread(path).tobytes() for path in table["path"]] == [
        cv2.imread(str(source.parent / "images" / name)).tobytes() for name in ours["id"]
    ]
    assert ours["original_label"].tolist() == given["label"][ours["id"]].tolist()
    decision = dict(zip(ours["id"], ours["decision"], strict=True))
    assert {name: what for name, what in decision.items() if what} == {
        image(0): "keep", image(1): "relabel", image(2): "relabel", image(8): "unsure",
    }  # fmt: skip
    assert source.read_bytes() == before

    left_out = rows(tmp_path / "corrected.excluded.csv")
    assert list(left_out) == list(ours)
    assert left_out["id"].tolist() == [image(3), image(6)]
    log = rows(tmp_path / "corrected.changes.csv")
    assert log[["id", "split", "from", "to", "action", "reviewers"]].to_numpy().tolist() == [
        [image(1), "train", "normal", "cataract", "relabel", "ann"],
        [image(2), "train", "cataract", "normal", "relabel", "ann"],
        [image(3), "train", "cataract", "", "exclude", "ann"],
        [image(6), "train", "cataract", "", "exclude", "ann"],
    ]


def test_the_log_says_who_when_and_why(audit, tmp_path):
    log = log_of(audit)
    first = log.record(image(1), "ann", "agree", note="lens is cloudy")
    last = log.record(
        image(1), "bob", "relabel", label="cataract", note="agreed", source="fiftyone"
    )
    apply(audit, tmp_path / "corrected.csv")
    (row,) = rows(tmp_path / "corrected.changes.csv").to_dict("records")
    assert row["reviewers"] == "ann; bob"
    assert row["source"] == "review; fiftyone"
    assert row["when"] == last.at >= first.at
    assert row["why"].startswith("ann: lens is cloudy; bob: agreed; audit: predicted cataract")


def test_beside_the_original_the_names_stay(audit):
    decide(audit, ("1", "agree"))
    out = source_of(audit).with_name("corrected.csv")
    apply(audit, out)
    assert "id" not in rows(out)
    assert labels_of(out)[image(1)] == "cataract"
    assert list(labels_of(out)) == list(labels_of(source_of(audit)))


def test_elsewhere_the_paths_are_absolute(audit, tmp_path, monkeypatch):
    decide(audit, ("1", "agree"))
    (tmp_path / "deep" / "down").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "deep")
    apply(audit, tmp_path / "deep" / "down" / "corrected.csv")
    moved = tmp_path / "corrected.csv"
    (tmp_path / "deep" / "down" / "corrected.csv").rename(moved)
    assert len(read_dataset(moved)) == 24


def test_the_users_own_columns_come_along(audit, tmp_path):
    source = source_of(audit)
    table = rows(source)
    table["age"] = [f"0{row}" for row in range(len(table))]
    table["Comment"] = ['a, "b"'] * len(table)
    table["weight"] = "72.5"
    table["decision"] = "of an earlier round"
    table.to_csv(source, index=False)
    decide(audit, ("3", "exclude"), ("5", "relabel", "cataract"))
    apply(audit, tmp_path / "corrected.csv")
    ours = rows(tmp_path / "corrected.csv").set_index("id")
    assert ours["age"][image(4)] == "04"
    assert set(ours["Comment"]) == {'a, "b"'}
    assert set(ours["weight"]) == {"72.5"}
    assert ours["decision"][image(5)] == "withheld"
    assert (read_dataset(tmp_path / "corrected.csv").table["weight"] == 1).all()
    apply(audit, tmp_path / "weighted.csv", weights=True)
    ours = rows(tmp_path / "weighted.csv")
    assert set(ours["weight"]) == {"72.5"}, "kilograms stay kilograms"
    assert (ours["sample_weight"].astype(float) <= 1).all()


def test_the_test_split_changes_only_on_demand(audit, tmp_path):
    decide(audit, ("5", "relabel", "cataract"), ("11", "exclude"), ("17", "keep"))
    told = apply(audit, tmp_path / "a.csv")
    assert (told["relabelled"], told["excluded"], told["withheld"], told["kept"]) == (0, 0, 2, 1)
    assert "--include-test" in " ".join(told["warnings"])
    assert labels_of(tmp_path / "a.csv") == labels_of(
        tmp_path / "a.csv", label_column="original_label"
    )
    assert len(rows(tmp_path / "a.changes.csv")) == 0
    assert not (tmp_path / "a.excluded.csv").exists()
    told = apply(audit, tmp_path / "b.csv", include_test=True)
    assert (told["relabelled"], told["excluded"], told["withheld"]) == (1, 1, 0)
    assert "can't be compared" in " ".join(told["warnings"])
    log = rows(tmp_path / "b.changes.csv")
    assert log["split"].tolist() == ["test", "test"]
    assert log["why"].str.contains("--include-test").all()


def test_where_reviewers_differ_nothing_changes_unless_one_is_preferred(audit, tmp_path):
    decide(audit, ("1", "agree"), ("2", "keep"), ("6", "agree"), ("8", "unsure"))
    decide(
        audit, ("1", "keep"), ("2", "relabel", "normal"), ("6", "agree"), ("8", "agree"), who="bob"
    )
    told = apply(audit, tmp_path / "a.csv")
    assert (told["disagreements"], told["relabelled"]) == (2, 2)
    assert "im001.png (ann: agree, bob: keep)" in " ".join(told["warnings"])
    ours = rows(tmp_path / "a.csv").set_index("id")
    assert ours.loc[[image(1), image(2)], "decision"].tolist() == ["disagreement"] * 2
    assert (ours["label"] != ours["original_label"]).sum() == 2
    apply(audit, tmp_path / "b.csv", prefer="bob")
    log = rows(tmp_path / "b.changes.csv").set_index("id")
    assert log.index.tolist() == [image(2), image(6), image(8)]
    assert log["reviewers"].tolist() == ["bob", "ann; bob", "bob"]
    assert log["why"][image(2)].startswith("against ann: keep")
    apply(audit, tmp_path / "c.csv", reviewer="ann")
    assert rows(tmp_path / "c.changes.csv")["id"].tolist() == [image(1), image(6)]


def test_a_reviewer_whom_nobody_knows(audit, tmp_path):
    decide(audit, ("1", "agree"))
    for wish in ("reviewer", "prefer"):
        with pytest.raises(ConfigError, match="did you mean 'ann'") as error:
            apply(audit, tmp_path / "a.csv", **{wish: "anne"})
        assert f"--{wish} anne" in str(error.value)
    with pytest.raises(ConfigError, match="--prefer does nothing"):
        apply(audit, tmp_path / "a.csv", prefer="ann", reviewer="ann")


def test_a_new_class_needs_a_word(audit, tmp_path):
    decide(audit, ("1", "relabel", "glaucoma"))
    with pytest.raises(ConfigError, match="--allow-new-class") as error:
        apply(audit, tmp_path / "a.csv")
    assert "'glaucoma' for im001.png, by ann" in str(error.value)
    assert not list(tmp_path.glob("a.*"))
    apply(audit, tmp_path / "a.csv", allow_new_class=True)
    assert labels_of(tmp_path / "a.csv")["audit_data/images/im001.png"] == "glaucoma"


def test_images_that_are_others_by_now_keep_their_label(audit, tmp_path):
    decide(audit, ("1", "agree"), ("6", "agree"))
    pixels = np.zeros((32, 32, 3), np.uint8)
    cv2.imwrite(str(source_of(audit).parent / "images" / image(1)), pixels)
    told = apply(audit, tmp_path / "a.csv")
    assert (told["relabelled"], told["image_changed"]) == (1, 1)
    assert "im001.png" in " ".join(told["warnings"])
    assert rows(tmp_path / "a.csv").set_index("id")["decision"][image(1)] == "changed"


def test_the_audits_own_word_where_nobody_has_decided(audit, tmp_path):
    table = audit.read_table().set_index("id")
    decide(audit, ("1", "keep"), ("6", "unsure"))
    threshold = 0.83
    told = apply(audit, tmp_path / "a.csv", trust_audit=threshold)
    log = rows(tmp_path / "a.changes.csv").set_index("id")
    expected = {
        name: "relabel" if row["group"] == "mis_h" else "exclude"
        for name, row in table.iterrows()
        if row["split"] == "train" and name not in (image(1), image(6))
        and max(row["p_mis_h"], row["p_mis_l"]) >= threshold
    }  # fmt: skip
    assert 1 < len(expected) < table["is_label_issue"].sum() - 2, "the threshold divides them"
    assert log["action"].to_dict() == expected
    assert (log["source"] == "audit").all()
    assert (log["reviewers"] == "audit").all()
    assert told["by_audit"] == len(expected)
    relabelled = log[log["action"] == "relabel"]
    assert relabelled["to"].to_dict() == table["suggested_label"][relabelled.index].to_dict()


def test_the_audit_never_changes_validation_and_test_unseen(tmp_path, audit):
    table = audit.read_table()
    table.loc[table["id"] == image(6), "split"] = "val"
    table.loc[table["id"] == image(8), "split"] = "test"
    table.to_csv(audit.table, index=False)
    apply(audit, tmp_path / "a.csv", trust_audit=0.5, include_test=True)
    assert not {image(6), image(8)} & set(rows(tmp_path / "a.changes.csv")["id"])


def test_weights_by_what_was_looked_at(audit, tmp_path):
    decide(audit, ("1", "agree"), ("2", "keep"), ("8", "unsure"))
    told = apply(audit, tmp_path / "a.csv", weights=True, trust_audit=0.85)
    ours = rows(tmp_path / "a.csv").set_index("id")
    weight, table = ours["sample_weight"].astype(float), audit.read_table().set_index("id")
    assert weight[[image(1), image(2)]].tolist() == [1, 1]
    nobody = [image(0), image(4), image(8)]
    assert weight[nobody].tolist() == pytest.approx(
        table["label_quality"][nobody].tolist(), abs=1e-6
    )
    (by_audit, *_) = ours.index[(ours["decision"] == "relabel") & (ours.index != image(1))]
    assert weight[by_audit] == pytest.approx(table["p_mis_h"][by_audit], abs=1e-6)
    assert (weight[ours["split"] == "test"] == 1).all()
    assert "--weight-column sample_weight" in told["next"]
    read = read_dataset(tmp_path / "a.csv", weight_column="sample_weight")
    assert read.table["weight"].tolist() == pytest.approx(weight.tolist())


def test_weights_of_the_users_own_are_kept_or_multiplied(tmp_path):
    audit = write_audit(tmp_path / "audit", n=12)
    source = source_of(audit)
    table = rows(source).assign(trust=[str(row / 10) for row in range(1, 13)])
    table.to_csv(source, index=False)
    change_manifest(audit, reading=audit.read_manifest().reading | {"weight_column": "trust"})
    decide(audit, ("1", "agree"))
    told = apply(audit, tmp_path / "a.csv")
    assert "--weight-column trust" in told["next"]
    assert rows(tmp_path / "a.csv")["trust"].tolist() == table["trust"].tolist()
    apply(audit, tmp_path / "b.csv", weights=True)
    weight = rows(tmp_path / "b.csv").set_index("id")["sample_weight"].astype(float)
    assert weight[image(1)] == pytest.approx(0.2)
    quality = audit.read_table().set_index("id")["label_quality"][image(4)]
    assert weight[image(4)] == pytest.approx(0.5 * quality, abs=1e-6)


def test_known_truth_is_true_of_the_new_labels(audit, tmp_path):
    source = source_of(audit)
    table = rows(source)
    table["true_label"], table["noise_group"] = table["label"], "correct"
    for row, true, group in (
        (1, "cataract", "mis_h"),
        (3, "cataract", "mis_l"),
        (6, "normal", "mis_h"),
    ):
        table.loc[row, ["true_label", "noise_group"]] = true, group
    table.to_csv(source, index=False)
    decide(audit, ("1", "agree"), ("2", "relabel", "normal"), ("3", "relabel", "normal"))
    apply(audit, tmp_path / "a.csv")
    read = read_dataset(tmp_path / "a.csv").table
    assert read["noise_group"].tolist()[:7] == [
        "correct", "correct", "mis_h", "mis_l", "correct", "correct", "mis_h",
    ]  # fmt: skip
    assert read["true_label"].tolist() == read_dataset(source).table["true_label"].tolist()


@pytest.mark.parametrize("named", [("normal", "mild", "severe"), ("NA", "mild", "severe")])
def test_grades_and_odd_names_need_words_in_the_next_command(tmp_path, named):
    audit = write_audit(tmp_path / "audit", n=24, classes=named)
    reading = audit.read_manifest().reading | {"ordinal": True}
    change_manifest(audit, reading=reading, ordinal=True)
    decide(audit, ("1", "agree"))
    told = apply(audit, tmp_path / "a.csv")
    words = shlex.split(told["next"])
    assert words[words.index("--classes") + 1] == ",".join(named)
    assert "--ordinal" in words
    again = read_dataset(tmp_path / "a.csv", class_names=list(named), ordinal=True)
    assert len(again) == 24
    assert again.ordinal


def test_a_folder_per_class_becomes_a_labels_file(tmp_path):
    pixels = np.zeros((8, 8, 3), np.uint8)
    for number, name in enumerate(("a/1.png", "a/2.png", "b/1.png", "b/2.png", "b/3.png")):
        (tmp_path / "eyes" / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(tmp_path / "eyes" / name), pixels + number)
    audit = audit_of(tmp_path / "audit", tmp_path / "eyes")
    decide(audit, ("b/1.png", "agree"), ("a/2.png", "exclude"))
    apply(audit, tmp_path / "corrected.csv")
    assert labels_of(tmp_path / "corrected.csv") == {
        "eyes/a/1.png": "a", "eyes/b/1.png": "a", "eyes/b/2.png": "b", "eyes/b/3.png": "b",
    }  # fmt: skip
    assert rows(tmp_path / "corrected.csv")["id"].tolist() == [
        "a/1.png",
        "b/1.png",
        "b/2.png",
        "b/3.png",
    ]


def test_splits_that_the_audit_made_stay_and_those_that_it_did_not_make_are_not_there(tmp_path):
    folder = tmp_path / "eyes"
    folder.mkdir()
    names = [f"{row}.png" for row in range(6)]
    for number, name in enumerate(names):
        cv2.imwrite(str(folder / name), np.full((8, 8, 3), number, np.uint8))
    pd.DataFrame({"image": names, "label": list("ababab")}).to_csv(
        folder / "labels.csv", index=False
    )
    made = ["train", "train", "val", "train", "test", "test"]
    audit = audit_of(tmp_path / "made", folder / "labels.csv", made)
    decide(audit, ("0.png", "agree"))
    apply(audit, tmp_path / "a.csv")
    assert read_dataset(tmp_path / "a.csv").table["split"].tolist() == made
    audit = audit_of(tmp_path / "all", folder / "labels.csv", ["train"] * 6)
    decide(audit, ("0.png", "agree"))
    apply(audit, tmp_path / "b.csv")
    assert "split" not in rows(tmp_path / "b.csv"), "nothing would be left to test on"


def test_one_class_per_column_is_gone_after_a_correction(tmp_path):
    """ISIC's columns of one class each would say something else than the new label."""
    folder = tmp_path / "isic"
    folder.mkdir()
    columns = ["MEL", "NV", "BCC", "AK", "BKL", "DF", "VASC"]
    names = [f"ISIC_{row}" for row in range(8)]
    marks = {
        name: [float(row % 2 == place) for row in range(8)] for place, name in enumerate(columns)
    }
    table = pd.DataFrame({"image": names, **marks, "lesion_id": [f"l{row}" for row in range(8)]})
    table.to_csv(folder / "truth.csv", index=False)
    for name in names:
        cv2.imwrite(str(folder / f"{name}.jpg"), np.zeros((8, 8, 3), np.uint8))
    audit = audit_of(tmp_path / "audit", folder / "truth.csv")
    decide(audit, ("ISIC_0", "relabel", "NV"))
    apply(audit, folder / "corrected.csv")
    ours = rows(folder / "corrected.csv")
    assert list(ours) == ["image", "label", "lesion_id", "original_label", "decision"]
    assert labels_of(folder / "corrected.csv") == {
        name: "NV" if row % 2 or row == 0 else "MEL" for row, name in enumerate(names)
    }


def test_what_the_audit_could_not_judge_comes_along(audit, tmp_path):
    source = source_of(audit)
    folder, table = source.parent, rows(source)
    cv2.imwrite(str(folder / "images" / "late.png"), np.zeros((8, 8, 3), np.uint8))
    late = {"image": "late.png", "label": "normal", "split": "train", "patient": "new"}
    pd.concat([table, pd.DataFrame([late])]).to_csv(source, index=False)
    decide(audit, ("1", "agree"))
    told = apply(audit, tmp_path / "a.csv")
    assert "1 image new since the audit" in " ".join(told["warnings"])
    (row,) = rows(tmp_path / "a.csv").query("id == 'late.png'").to_dict("records")
    assert (row["label"], row["decision"], row["split"]) == ("normal", "", "train")
    assert told["images"] == 25


def test_an_array_file_stays_one(tmp_path):
    audit = write_audit(tmp_path / "audit", n=24, arrays=True)
    source = tmp_path / "audit_data" / "images.npz"
    before = source.read_bytes()
    table = audit.read_table()
    wrong = table[(table["group"] == "mis_h")]["id"].tolist()
    decide(audit, (wrong[0], "agree"), (wrong[1], "exclude"))
    told = apply(audit, tmp_path / "corrected.npz")
    assert source.read_bytes() == before
    old, new = np.load(source), np.load(tmp_path / "corrected.npz")
    kept = [name for name in table["id"] if name != wrong[1]]
    assert [*new["train_ids"], *new["test_ids"]] == kept
    names = audit.read_manifest().classes
    given = dict(zip(table["id"], table["given_label"], strict=True))
    expected = [names.index(given[name]) for name in new["train_ids"]]
    place = new["train_ids"].tolist().index(wrong[0])
    expected[place] = 1 - expected[place]
    assert new["train_labels"].tolist() == expected
    assert new["train_labels"].dtype == old["train_labels"].dtype
    where = [int(name.rpartition("_")[2]) for name in new["train_ids"]]
    assert (new["train_images"] == old["train_images"][where]).all()
    words = shlex.split(told["next"])
    again = read_dataset(
        tmp_path / "corrected.npz", class_names=words[words.index("--classes") + 1].split(",")
    )
    assert len(again) == 23
    with pytest.raises(ConfigError, match="--weights"):
        apply(audit, tmp_path / "b.npz", weights=True)
    with pytest.raises(ConfigError, match="mixednoise apply DIR --undo all"):
        apply(tmp_path / "corrected.npz", tmp_path / "b.npz", undo=("all",))


def test_a_corrected_file_is_trained_on_by_the_command_that_is_told(
    audit, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    decide(audit, ("1", "agree"), ("3", "exclude"))
    command = ["apply", str(audit.path), "--out", "corrected.csv", "--weights"]
    assert run([*command, "--json"]) == 0
    captured = capsys.readouterr()
    told = json.loads(captured.out)
    assert (told["relabelled"], told["excluded"], told["images"]) == (1, 1, 23)
    assert "changed 1 label, excluded 1 image, left 0 disagreements" in captured.err
    assert told["next"] == (
        "mixednoise train corrected.csv --weight-column sample_weight --out runs/second"
    )
    progress = Told()
    model = CrossEntropySingle(**FAST, epochs=1)
    model.fit(read_dataset("corrected.csv", weight_column="sample_weight"), progress=progress)
    assert "by the sample weights of column 'sample_weight' an epoch has" in progress.text
    assert len(model.audit_) == 23


class Told(Silent):
    """Keeps every message."""

    text = ""

    def message(self, text):
        self.text += text


def test_quiet_says_nothing(audit, tmp_path, capsys):
    decide(audit, ("1", "agree"))
    assert run(["apply", str(audit.path), "--out", str(tmp_path / "a.csv"), "--quiet"]) == 0
    captured = capsys.readouterr()
    assert (captured.out, captured.err) == ("", "")
