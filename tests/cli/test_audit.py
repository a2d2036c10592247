"""``mixednoise audit``: of a run, of data, and of what is neither."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from bad_data import CLASSES, SIZE, TINY, everything_in, refused, write_data

import mixednoise
from mixednoise.audit.folder import AuditFolder
from mixednoise.audit.located import located_images
from mixednoise.cli import run
from mixednoise.progress import Silent
from mixednoise.review.decisions import Decisions
from tiny_data import coloured_dataset


@pytest.fixture(scope="module")
def audited(trained, tmp_path_factory) -> AuditFolder:
    """The audit of the shared run."""
    folder = tmp_path_factory.mktemp("audited") / "audit"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEDNOISE_CACHE", str(trained / "cache"))
        assert run(["audit", str(trained / "run"), "--out", str(folder), "--quiet"]) == 0
    return AuditFolder(folder)


@pytest.fixture
def copied(trained, tmp_path, monkeypatch) -> Path:
    """Data and run in a place of their own, to be spoiled; the run knows where they are now."""
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(trained / "cache"))
    shutil.copytree(trained / "data", tmp_path / "data")
    shutil.copytree(trained / "run", tmp_path / "run")
    change_config(tmp_path / "run", data=str(tmp_path / "data"))
    return tmp_path


def change_config(folder: Path, **changes: object) -> None:
    """Write other values into ``config.yaml``; None removes a key."""
    path = folder / "config.yaml"
    record = {**yaml.safe_load(path.read_text()), **changes}
    kept = {key: value for key, value in record.items() if value is not None}
    path.write_text(yaml.safe_dump(kept))


def audit(*arguments: object) -> int:
    return run(["audit", *map(str, arguments), "--quiet"])


def test_a_run_becomes_a_whole_folder(audited, trained):
    there = {path.name for path in audited.path.iterdir()}
    assert there == {
        "audit.json", "audit.csv", "audit.parquet", "images.csv", "features.npy", "report.html",
        "set_aside.csv",
    }  # fmt: skip
    table, samples = audited.read_table(), pd.read_csv(trained / "run" / "samples.csv")
    labels = pd.read_csv(trained / "data" / "labels.csv")
    # Rows as in the user's file, verdicts as in the run.
    assert table["id"].tolist() == labels["image"].tolist()
    assert table["given_label"].tolist() == labels["label"].tolist()
    by_id = samples.set_index("id").loc[table["id"]]
    for name in ("p_correct", "p_mis_h", "p_mis_l", "loss", "entropy"):
        np.testing.assert_allclose(table[name], by_id[name], rtol=1e-5)
    assert table["split"].tolist() == by_id["split"].tolist()
    assert table["group"].tolist() == by_id["group"].fillna("").tolist()
    assert ((table["group"] != "") == (table["split"] == "train")).all()
    assert not audited.read_manifest().own_splits  # those of the table are the run's
    assert audited.read_manifest().options == {
        "backbone": "resnet10_tiny", "image_size": 28, "batch_size": 8, "epochs": 1,
    }  # fmt: skip
    parquet = pd.read_parquet(audited.parquet)
    assert parquet["id"].tolist() == table["id"].tolist()
    assert list(parquet) == list(table)
    assert parquet["label_quality"].tolist() == pytest.approx(table["label_quality"].tolist())


def test_what_the_networks_believe(audited, trained):
    table = audited.read_table()
    model = mixednoise.load(trained / "run")
    dataset = mixednoise.read_dataset(trained / "data")
    p = model.predict_proba(dataset)
    np.testing.assert_allclose(table["confidence"], p.max(axis=1), atol=1e-4)
    own = p[np.arange(SIZE), dataset.labels]
    np.testing.assert_allclose(table["self_confidence"], own, atol=1e-4)
    names = np.array(dataset.class_names)
    assert table["predicted_label"].tolist() == names[p.argmax(axis=1)].tolist()
    differs = table["predicted_label"] != table["given_label"]
    # One network, the image and its mirror image.
    said = table["reasons"][differs].str.extract(r"in (\d) of 2 looks")[0]
    assert set(said) <= {"1", "2"}
    assert len(said) == differs.sum()


def test_features_are_what_the_network_sees(audited, trained):
    features = np.load(audited.features)
    assert features.shape[0] == SIZE
    assert features.dtype == np.float16
    np.testing.assert_allclose(np.linalg.norm(features.astype(float), axis=1), 1, atol=2e-3)
    # Through the head they give the probabilities of the network: they are those of the last layer.
    (network,) = mixednoise.load(trained / "run").networks_
    weight = network.classifier.weight.detach().numpy()
    bias = network.classifier.bias.detach().numpy()
    logits = features.astype(float) @ weight.T
    # Rows have length 1: logits are known up to a positive factor and the bias.
    table = audited.read_table()
    guess = np.array([mixednoise.load(trained / "run").classes_.index(n) for n in
                      table["predicted_label"]])  # fmt: skip
    scales = np.geomspace(0.1, 100, 200)
    found = np.array([(s * logits + bias).argmax(axis=1) == guess for s in scales])
    assert found.any(axis=0).mean() > 0.9


def test_images_are_found_and_known_again(audited, trained, copied):
    located = located_images(audited)
    assert located.missing() == []
    assert {located.changed(row) for row in range(SIZE)} == {""}
    other = located_images(audited, root=copied / "data")
    (copied / "data" / "images" / "im003.png").write_bytes(b"something else")
    (copied / "data" / "images" / "im004.png").unlink()
    assert other.changed(3) == "another content"
    assert other.changed(4) == "file not found"
    assert other.changed(5) == ""
    assert other.missing() == [4]


def test_summary_for_machines_and_people(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(trained / "cache"))
    assert audit(trained / "run", "--out", tmp_path / "a", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    table = AuditFolder(tmp_path / "a").read_table()
    assert told["images"] == SIZE
    assert told["judged"] == (table["group"] != "").sum() == sum(told["groups"].values())
    assert told["label_issues"] == table["is_label_issue"].sum()
    assert told["next"] == f"mixednoise review {tmp_path / 'a'}"
    assert told["report"] == str(tmp_path / "a" / "report.html")
    assert run(["audit", str(trained / "run"), "--out", str(tmp_path / "b")]) == 0
    shown = capsys.readouterr()
    assert "mis_h: readable image, wrong label" in shown.out
    assert f"mixednoise review {tmp_path / 'b'}" in shown.err


def test_data_without_splits_is_judged_to_the_last_sample(copied, capsys):
    for name in ("im001.png", "im002.png"):
        (copied / "data" / "images" / name).write_bytes(b"no image")
    out = copied / "audit"
    assert audit(copied / "data", "--out", out, *TINY) == 0
    table = AuditFolder(out).read_table()
    assert len(table) == SIZE - 2
    assert (table["split"] == "train").all()
    assert (table["group"] != "").all()
    aside = pd.read_csv(AuditFolder(out).set_aside)
    assert aside["id"].tolist() == ["im001.png", "im002.png"]
    assert aside["reason"].notna().all()
    record = yaml.safe_load((out / "run" / "config.yaml").read_text())
    assert record["data"] == str(copied / "data")
    # The run inside is one like any other.
    assert audit(out / "run", "--out", copied / "again") == 0


@pytest.mark.parametrize(("told", "most"), [(["--take-per-class", 4], 4), (["--take", 12], 12)])
def test_part_of_the_data_for_a_first_try(copied, told, most):
    out = copied / "audit"
    assert audit(copied / "data", "--out", out, *TINY, *told) == 0
    table = AuditFolder(out).read_table()
    assert len(table) == 12
    assert table["given_label"].value_counts().max() <= most
    assert (table["group"] != "").all()


@pytest.mark.parametrize("splits", ["auto", "all"])
def test_folds_judge_what_they_have_not_seen(tmp_path, splits):
    split = ["test" if i % 5 == 4 else "train" for i in range(SIZE)]
    patients = (
        [f"p{i // 5}" for i in range(SIZE)] if splits == "all" else [str(i) for i in range(SIZE)]
    )
    if splits == "all":
        split = ["test" if i // 5 == 4 else "train" for i in range(SIZE)]
    write_data(tmp_path / "data", split=split, patient=patients)
    out = tmp_path / "audit"
    # In bf16 a network says something else of the same image in another batch.
    told = ("--folds", 2, "--splits", splits, "--precision", "32")
    command = (tmp_path / "data", "--out", out, *TINY, *told)
    assert audit(*command, "--group-column", "patient") == 0
    folder = AuditFolder(out)
    table, fold = folder.read_table(), pd.read_csv(out / "run" / "folds.csv", dtype={"id": str})
    judged = table["group"] != ""
    assert table["patient"].tolist() == patients
    if splits == "all":
        assert judged.all()
        assert len(fold) == SIZE
        assert table["split"].tolist() == split  # judged, and test all the same
        assert "Those of the test split (5 images) were judged, too" in " ".join(
            (out / "report.html").read_text().split()
        )
        assert pd.read_csv(out / "run" / "splits.csv")["split"].tolist() == split
    else:
        assert judged.tolist() == [name == "train" for name in split]
        assert table["split"].tolist() == split
    merged = fold.merge(table, on="id")
    assert not merged.drop_duplicates(["patient", "fold"])["patient"].duplicated().any()
    assert folder.read_manifest().folds == 2
    # Every judged sample: what the networks of its own fold say, which never saw it.
    dataset = mixednoise.read_dataset(tmp_path / "data", group_column="patient")
    for number in (0, 1):
        model = mixednoise.load(out / "run" / "folds" / f"fold_{number}" / "model.safetensors")
        p = model.predict_proba(dataset)
        mine = table["id"].isin(fold["id"][fold["fold"] == number]).to_numpy()
        np.testing.assert_allclose(table["confidence"][mine], p[mine].max(axis=1), atol=1e-4)
        own = p[mine, dataset.labels[mine]]
        np.testing.assert_allclose(table["loss"][mine], -np.log(own), atol=1e-3)
    assert np.load(folder.features).shape[0] == SIZE


@pytest.mark.parametrize("method", ["qmix", "sscl", "confident_learning"])
def test_every_kind_of_method_gives_verdicts(copied, method):
    options = [*TINY, "--epochs", 2, "--method", method]
    options += ["--warmup-epochs", 1] if method != "confident_learning" else ["--set", "folds=2"]
    assert audit(copied / "data", "--out", copied / "audit", *options) == 0
    folder = AuditFolder(copied / "audit")
    assert folder.read_manifest().method == method
    table = folder.read_table()
    assert (table["group"] != "").all()
    assert table["label_quality"].between(0, 1).all()
    assert ("agreed with the given label in" in " ".join(table["reasons"])) == (method == "sscl")
    known = {"looks", "looks_agreed", "belief_in_label"} & {*table}
    assert len(known) == (3 if method == "sscl" else 0)
    if method == "sscl":
        wrong = table[table["group"] == "mis_h"]
        assert (wrong["suggested_label"] != wrong["given_label"]).all()
        assert table["belief_in_label"].between(0, 1).all()


def test_from_python(copied, fast):
    dataset = mixednoise.read_dataset(copied / "data")
    model = mixednoise.CrossEntropySingle(epochs=1, **fast)
    folder = mixednoise.audit_dataset(dataset, copied / "audit", model=model, progress=Silent())
    assert len(folder.read_table()) == SIZE
    again = mixednoise.audit_run(folder.run, copied / "again", progress=Silent())
    assert again.read_manifest().fingerprint == folder.read_manifest().fingerprint
    with pytest.raises(mixednoise.DataError, match="in memory alone"):
        mixednoise.audit_dataset(coloured_dataset(30), copied / "none")
    assert not (copied / "none").exists()


def test_an_interrupted_audit_goes_on(copied, monkeypatch):
    from mixednoise.training.loop import Loop

    out, command = copied / "audit", (copied / "data", "--out", copied / "audit", *TINY)
    fits, original = [], Loop.fit

    def stop_in_the_second_fold(loop):
        fits.append(loop)
        if len(fits) == 2:
            raise KeyboardInterrupt
        original(loop)

    monkeypatch.setattr(Loop, "fit", stop_in_the_second_fold)
    assert audit(*command, "--folds", 2) == 130
    assert not AuditFolder(out).manifest.exists()
    assert audit(*command, "--folds", 2, "--resume") == 0
    assert len(fits) == 3, "the first fold was not trained again"
    assert len(AuditFolder(out).read_table()) == SIZE


def test_the_same_image_with_two_labels(copied):
    images = copied / "data" / "images"
    shutil.copyfile(images / "im000.png", images / "im010.png")
    out = copied / "audit"
    assert audit(copied / "data", "--out", out, *TINY) == 0
    table = AuditFolder(out).read_table().set_index("id")
    for name, other, label in (
        ("im000.png", "im010.png", CLASSES[10 % 3]),
        ("im010.png", "im000.png", CLASSES[0]),
    ):
        assert f"same image as {other} with another label ({label})" in table.loc[name, "reasons"]
        assert table.loc[name, "is_label_issue"]
    assert table.loc["im010.png", "same_as"] == "im000.png"


def test_decisions_are_never_lost(audited, trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(trained / "cache"))
    out = tmp_path / "audit"
    shutil.copytree(audited.path, out)
    folder = AuditFolder(out)
    log = Decisions(folder.decisions, folder.read_manifest().fingerprint)
    log.record("im000.png", "ada", "exclude")
    (out / "my notes.txt").write_text("mine")
    before = everything_in(out)
    command = ["audit", trained / "run", "--out", out]
    refused(capsys, command, "holds a finished audit", "--overwrite")
    refused(capsys, [*command, "--overwrite"], "reviewers have decided", "--set-decisions-aside")
    assert everything_in(out) == before
    assert audit(*command[1:], "--overwrite", "--set-decisions-aside") == 0
    assert not folder.decisions.exists()
    (kept,) = out.glob("decisions-*.sqlite")
    with sqlite3.connect(kept) as connection:
        assert connection.execute("SELECT id, reviewer FROM log").fetchall() == [
            ("im000.png", "ada")
        ]
    assert (out / "my notes.txt").read_text() == "mine"
    assert folder.read_manifest().images == SIZE


def test_a_run_of_an_earlier_version_needs_no_record_of_reading(copied):
    change_config(copied / "run", reading=None)
    assert audit(copied / "run", "--out", copied / "audit") == 0
    assert len(AuditFolder(copied / "audit").read_table()) == SIZE


def test_a_data_set_that_moved(copied, capsys):
    (copied / "data").rename(copied / "elsewhere")
    command = ["audit", copied / "run", "--out", copied / "audit"]
    refused(capsys, command, "is gone", "--data")
    assert not (copied / "audit").exists()
    assert audit(*command[1:], "--data", copied / "elsewhere") == 0
    assert AuditFolder(copied / "audit").read_manifest().data == str(copied / "elsewhere")
    (copied / "elsewhere" / "images").rename(copied / "pictures")
    command = ["audit", copied / "run", "--out", copied / "b", "--data", copied / "elsewhere"]
    refused(capsys, command, "are missing", "--image-root")
    assert audit(*command[1:], "--image-root", copied / "pictures") == 0
    assert located_images(AuditFolder(copied / "b")).missing() == []


def test_data_that_changed_since_the_run(copied, capsys):
    path = copied / "data" / "labels.csv"
    labels, command = pd.read_csv(path), ["audit", copied / "run", "--out", copied / "audit"]
    changed = labels.copy()
    changed.loc[4, "label"] = "red"
    changed.to_csv(path, index=False)
    refused(capsys, command, "1 label", "im004.png: was green, now red")
    labels.drop(index=[2, 3]).to_csv(path, index=False)
    refused(capsys, command, "2 images", "im002.png: no such row")
    labels.replace("red", "crimson").to_csv(path, index=False)
    refused(capsys, command, "other classes", "crimson")
    more = pd.concat([labels, labels.iloc[:1].assign(image="new.png")])
    shutil.copyfile(copied / "data/images/im000.png", copied / "data/images/new.png")
    more.to_csv(path, index=False)
    assert run([*map(str, command)]) == 0
    assert "1 image" in capsys.readouterr().err
    assert not (AuditFolder(copied / "audit").read_table()["id"] == "new.png").any()


def test_images_that_can_no_longer_be_read_keep_their_verdict(copied):
    (copied / "data" / "images" / "im006.png").write_bytes(b"gone bad")
    assert audit(copied / "run", "--out", copied / "audit") == 0
    table = AuditFolder(copied / "audit").read_table().set_index("id")
    assert "can't be read" in table.loc["im006.png", "reasons"]
    assert table.loc["im006.png", "image_quality"] == 0
    assert not np.load(AuditFolder(copied / "audit").features)[6].any()


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (
            lambda folder: (folder / "run" / "metrics.json").unlink(),
            ["no finished run", "--resume"],
        ),
        (lambda folder: (folder / "run" / "config.yaml").unlink(), ["looks like a run folder"]),
        (lambda folder: (folder / "run" / "config.yaml").write_text("{"), ["can't be read"]),
    ],
)
def test_runs_that_are_none(copied, capsys, spoil, words):
    spoil(copied)
    refused(capsys, ["audit", copied / "run", "--out", copied / "audit"], *words)
    assert not (copied / "audit").exists()


def test_places_that_are_refused(audited, copied, capsys):
    here = ["audit", copied / "run", "--out"]
    (copied / "file").write_text("")
    (copied / "full").mkdir()
    (copied / "full" / "mine.txt").write_text("mine")
    refused(capsys, [*here, copied / "file"], "is a file")
    refused(capsys, [*here, copied / "full"], "exists already", "mine.txt")
    refused(capsys, [*here, copied / "full", "--overwrite"], "exists already", "mine.txt")
    refused(capsys, [*here, copied / "run"], "exists already")
    refused(capsys, [*here, copied / "run", "--overwrite"], "exists already")
    refused(capsys, ["audit", audited.path, "--out", copied / "b"], "is the folder of an audit")
    folders = copied / "folders"
    for name in CLASSES:
        (folders / name).mkdir(parents=True)
    for i in range(SIZE):
        source = copied / "data" / "images" / f"im{i:03d}.png"
        shutil.copyfile(source, folders / CLASSES[i % 3] / source.name)
    refused(capsys, ["audit", folders, "--out", folders / "audit", *TINY], "lies inside the data")
    assert not (folders / "audit").exists()


def test_a_disk_that_takes_no_files(copied, capsys, monkeypatch):
    def read_only(**_):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("mixednoise.io.tempfile.TemporaryFile", read_only)
    refused(capsys, ["audit", copied / "run", "--out", copied / "audit"], "Read-only file system")
    assert not (copied / "audit").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--epochs", 3, "--folds", 2], ["--folds", "--epochs", "finished"]),
        (["--seed", 1], ["--seed"]),
        (["--classes", "a,b"], ["--classes"]),
        (["--take", 5, "--take-per-class", 2], ["--take", "--take-per-class"]),
        (["--workers", 0], ["--workers"]),
        (["--device", "abacus"], ["abacus"]),
    ],
)
def test_options_that_mean_nothing_for_a_run(copied, capsys, options, words):
    refused(capsys, ["audit", copied / "run", "--out", copied / "audit", *options], *words)
    assert not (copied / "audit").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--folds", 1], ["1 folds"]),
        (["--splits", "some"], ["auto, train, all"]),
        (["--folds", 40], ["40 folds", "30"]),
        (["--data", "elsewhere"], ["--data", "no run folder"]),
        (["--epochs", 0], ["epochs"]),
    ],
)
def test_options_that_mean_nothing_for_data(copied, capsys, options, words):
    command = ["audit", copied / "data", "--out", copied / "audit", *TINY, *options]
    refused(capsys, command, *words)
    assert not (copied / "audit" / "audit.json").exists()


def test_test_samples_are_judged_out_of_sample_or_not_at_all(tmp_path, capsys):
    write_data(tmp_path / "data", split=["test" if i % 5 == 4 else "train" for i in range(SIZE)])
    command = ["audit", tmp_path / "data", "--out", tmp_path / "audit", *TINY, "--splits", "all"]
    refused(capsys, command, "--folds")
    refused(
        capsys,
        [*command, "--folds", 2, "--method", "confident_learning"],
        "cross-validates by itself",
    )
