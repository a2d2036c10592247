"""Decisions on masks to a folder of corrected masks, which ``segment train`` takes as it is."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from segment_data import calibrated, read

from mixednoise.audit.build import make_audit
from mixednoise.audit.folder import AuditFolder
from mixednoise.cli import run
from mixednoise.jobs.segment_cases import CaseSource
from mixednoise.progress import Silent
from mixednoise.review.decisions import Decisions


@pytest.fixture(scope="module")
def mask_audit(segmented, tmp_path_factory):
    """The audit of the run of ``segmented``."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEDNOISE_CACHE", str(segmented / "cache"))
        out = tmp_path_factory.mktemp("masks") / "audit"
        return make_audit(segmented / "run", out, progress=Silent())


@pytest.fixture
def audit(mask_audit, decoded, tmp_path):
    """A copy of it on which nobody has decided."""
    shutil.copytree(mask_audit.path, tmp_path / "audit")
    return AuditFolder(tmp_path / "audit")


def decide(audit, *decisions):
    log = Decisions(audit.decisions, audit.read_manifest().fingerprint)
    for name, action in decisions:
        log.record(name, "ann", action, note="seen")


def doubted(audit):
    """Names of the judged masks, the most doubtful ones first."""
    table = audit.read_table().sort_values(
        ["is_label_issue", "label_quality"], ascending=[False, True]
    )
    return table["id"].tolist()


def apply(audit, *more):
    out = audit.path.parent / "corrected"
    return run(["apply", str(audit.path), "--out", str(out), *map(str, more)]), out


def test_masks_are_what_was_decided_and_train_takes_them(audit, decoded, tmp_path, capsys):
    agreed, kept, gone, unsure, *_ = doubted(audit)
    decide(audit, (agreed, "agree"), (kept, "keep"), (gone, "exclude"), (unsure, "unsure"))
    data = decoded / "data"
    before = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    status, out = apply(audit, "--json")
    assert status == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["relabelled"], told["excluded"], told["kept"], told["unsure"]) == (1, 1, 1, 1)
    assert {path: path.read_bytes() for path in before} == before

    cases = pd.read_csv(decoded / "run" / "cases.csv", dtype=str)
    names = sorted(set(cases["name"]) - {gone})
    assert told["images"] == len(names)
    for folder in ("images", "masks", "truth"):
        assert sorted(path.stem for path in (out / folder).iterdir()) == names
    given = read(data / "masks" / f"{agreed}.png")
    suspected = read(decoded / "run" / "error_maps" / f"{agreed}.png") > 0
    proposed = 255 * calibrated(decoded / "run", agreed).argmax(0)
    corrected = np.where(suspected, proposed, given)
    assert (corrected != given).any()
    np.testing.assert_array_equal(read(out / "masks" / f"{agreed}.png"), corrected)
    for name in names:
        np.testing.assert_array_equal(
            read(out / "images" / f"{name}.png"), read(data / "images" / f"{name}.png")
        )
        if name != agreed:
            np.testing.assert_array_equal(
                read(out / "masks" / f"{name}.png"), read(data / "masks" / f"{name}.png")
            )
    log = pd.read_csv(out / "changes.csv", keep_default_na=False, dtype=str)
    columns = ["action", "from", "to", "pixels"]
    assert (log["reviewers"] == "ann").all()
    assert log.set_index("id")[columns].to_dict("index") == {
        agreed: {
            "action": "relabel", "from": "given mask", "to": "proposed mask",
            "pixels": str((corrected != given).sum()),
        },
        gone: {"action": "exclude", "from": "given mask", "to": "", "pixels": ""},
    }  # fmt: skip
    assert log["why"].str.startswith("seen").all()

    again = read_as_told(told["next"])
    splits = dict(zip(cases["name"], cases["split"], strict=True))
    groups = dict(zip(cases["name"], cases["group"], strict=True))
    assert {case.name: case.split for case in again.cases} == {n: splits[n] for n in names}
    assert {case.name: case.group for case in again.cases} == {n: groups[n] for n in names}
    assert again.class_names == ("background", "foreground")
    assert all(case.truth is not None for case in again.cases)
    command = shlex.split(told["next"])[1:]
    command[command.index("--out") + 1] = str(tmp_path / "second")
    quick = ["--epochs", "1", "--until", "teachers", "--quiet", "--device", "cpu"]
    assert run([*command, *quick]) == 0
    # As the first time, but for what was said.
    first, second = (
        yaml.safe_load((folder / "config.yaml").read_text())["options"]
        for folder in (decoded / "run", tmp_path / "second")
    )
    assert second == first | {"epochs": 1}


def read_as_told(command):
    """The cases that a command of ``segment train`` reads."""
    words = shlex.split(command)
    assert words[:3] == ["mixednoise", "segment", "train"]
    pairs = list(zip(words[3::2], words[4::2], strict=True))
    given = {"--label-values": "0,1", **dict(pairs)}
    return CaseSource(
        images=tuple(value for option, value in pairs if option == "--images"),
        masks=(given["--masks"],),
        truth=(given["--truth"],),
        groups=given["--groups"],
        splits=given["--splits"],
        class_names=given["--class-names"].split(","),
        label_values=None
        if (Path(given["--masks"]) / "disc").exists()
        else tuple(map(int, given["--label-values"].split(","))),
    ).read(Silent())


def test_masks_of_single_classes_and_channels_in_files_of_their_own(
    audit, decoded, tmp_path, capsys
):
    run_folder = tmp_path / "run"
    shutil.copytree(decoded / "run", run_folder)
    told = json.loads((run_folder / "cases.json").read_text())
    told |= {"layout": "class_files", "class_names": ["background", "disc"], "label_values": [0, 1]}
    told["channel_names"] = ["T1", "T2"]
    for case in told["cases"]:
        case["images"] *= 2
        case["mask"], case["truth"] = {"disc": case["mask"]}, {"disc": case["truth"]}
    (run_folder / "cases.json").write_text(json.dumps(told))
    manifest = audit.read_manifest()
    audit.write_manifest(manifest.model_copy(update={"run": str(run_folder)}))
    images = pd.read_csv(audit.images, dtype=str)
    images["digest"] = ""  # of other files than these
    images.to_csv(audit.images, index=False)
    agreed, gone, *_ = doubted(audit)
    decide(audit, (agreed, "agree"), (gone, "exclude"))
    status, out = apply(audit, "--json")
    assert status == 0
    given = read(decoded / "data" / "masks" / f"{agreed}.png")
    suspected = read(decoded / "run" / "error_maps" / f"{agreed}.png") > 0
    proposed = 255 * calibrated(decoded / "run", agreed).argmax(0)
    np.testing.assert_array_equal(
        read(out / "masks" / "disc" / f"{agreed}.png"), np.where(suspected, proposed, given)
    )
    again = read_as_told(json.loads(capsys.readouterr().out)["next"])
    assert again.class_names == ("background", "disc")
    assert again.layout == "class_files"
    assert [path.parent.name for path in again.cases[0].images] == ["T1", "T2"]
    assert gone not in again.names
    assert len(again) == len(told["cases"]) - 1


def test_data_that_have_moved(audit, decoded, tmp_path, capsys):
    (name, *_) = doubted(audit)
    decide(audit, (name, "agree"))
    shutil.copytree(decoded / "data", tmp_path / "moved")
    run_folder = tmp_path / "run"
    shutil.copytree(decoded / "run", run_folder)
    told = json.loads((run_folder / "cases.json").read_text())
    for case in told["cases"]:
        case["images"] = [path.replace("/data/", "/gone/") for path in case["images"]]
        for which in ("mask", "truth"):
            case[which] = case[which].replace("/data/", "/gone/")
    (run_folder / "cases.json").write_text(json.dumps(told))
    manifest = audit.read_manifest()
    audit.write_manifest(manifest.model_copy(update={"run": str(run_folder)}))
    images = pd.read_csv(audit.images, dtype=str)
    images["path"] = images["path"].str.replace("/data/", "/gone/")
    images.to_csv(audit.images, index=False)
    status, out = apply(audit)
    assert status == 2
    assert "--data FOLDER" in capsys.readouterr().err
    assert not out.exists()
    status, out = apply(audit, "--data", tmp_path / "moved", "--quiet")
    assert status == 0
    assert len(list((out / "masks").iterdir())) == len(told["cases"])
    for path in (out / "truth").iterdir():
        np.testing.assert_array_equal(read(path), read(decoded / "data" / "truth" / path.name))


def test_what_is_refused(audit, decoded, capsys):
    assert apply(audit)[0] == 2
    told = capsys.readouterr().err
    assert "nothing is decided" in told
    assert "--trust-audit" not in told  # which would be refused
    assert "segment export" in told
    first, second, *_ = doubted(audit)
    decide(audit, (first, "agree"), (second, "exclude"))
    for wish in (["--weights"], ["--trust-audit", "0.9"], ["--allow-new-class"]):
        assert apply(audit, *wish)[0] == 2
        assert f"{wish[0]} does nothing for masks" in capsys.readouterr().err
    inside = ["apply", str(audit.path), "--out", str(decoded / "data" / "masks" / "new")]
    assert run(inside) == 2
    assert "lies inside the data" in capsys.readouterr().err
    assert run(["apply", str(audit.path), "--out", str(audit.path.parent / "corrected.csv")]) == 2
    assert "the name of a folder" in capsys.readouterr().err
    status, out = apply(audit, "--quiet")
    assert status == 0
    assert apply(audit)[0] == 2
    assert "exists already" in capsys.readouterr().err
    assert apply(audit, "--undo", "last", "--overwrite", "--quiet")[0] == 0
    assert len(list((out / "masks").iterdir())) == 12
    run_folder = audit.read_manifest()
    audit.write_manifest(run_folder.model_copy(update={"run": "/nowhere"}))
    assert apply(audit, "--overwrite")[0] == 2
    assert "/nowhere" in capsys.readouterr().err
    assert len(list((out / "masks").iterdir())) == 12


def test_a_mask_that_was_drawn_anew_since_stays_as_it_is(audit, decoded, tmp_path, capsys):
    (name, *_) = doubted(audit)
    decide(audit, (name, "agree"))
    images = pd.read_csv(audit.images, dtype=str)
    images.loc[images["id"] == name, "digest"] = "0" * 32  # what it was at the audit
    images.to_csv(audit.images, index=False)
    status, out = apply(audit)
    assert status == 0
    assert f"at the audit: {name}" in capsys.readouterr().err
    np.testing.assert_array_equal(
        read(out / "masks" / f"{name}.png"), read(decoded / "data" / "masks" / f"{name}.png")
    )
