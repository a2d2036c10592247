"""``segment errors``: which model judged which mask, and what it had learned from."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from bad_data import everything_in, refused
from segment_data import read

import mixednoise
from mixednoise.cli import run
from mixednoise.segmentation.calibrated_source import calibrated
from mixednoise.segmentation.confident import ArraySource

COUNT = 12
NAMES = [f"m{number:02d}" for number in range(COUNT)]
JUDGE = np.arange(COUNT) % 2


def sets():
    """Masks with a fifth of their pixels at random; the second model overlooks class 2."""
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 3, (COUNT, 20, 24))
    masks = np.where(rng.random(truth.shape) < 0.2, rng.integers(0, 3, truth.shape), truth)
    logits = rng.normal(0, 1, (COUNT, 3, 20, 24)) + 2.5 * np.moveaxis(np.eye(3)[truth], -1, 1)
    logits[JUDGE == 1, 2] -= 2
    values = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return masks.astype(np.uint8), values.astype(np.float32)


@pytest.fixture
def data(tmp_path):
    """``Dataset004_Grain``, a cross-validated model of it, and the same in two flat folders."""
    root, model = tmp_path / "Dataset004_Grain", tmp_path / "results" / "Dataset004_Grain" / "2d"
    flat = [tmp_path / "masks", tmp_path / "values"]
    for folder in (root / "imagesTr", root / "labelsTr", *flat):
        folder.mkdir(parents=True)
    for name, judge, mask, p in zip(NAMES, JUDGE, *sets(), strict=True):
        cv2.imwrite(str(root / "imagesTr" / f"{name}_0000.png"), mask * 100)
        for folder in (root / "labelsTr", flat[0]):
            cv2.imwrite(str(folder / f"{name}.png"), mask)
        np.save(flat[1] / f"{name}.npy", p)
        place = model / f"fold_{judge}" / "validation"
        place.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(place / f"{name}.npz", probabilities=p[:, None])
    described = {"channel_names": {"0": "grey"}, "numTraining": COUNT, "file_ending": ".png",
                 "labels": {"background": 0, "fat": 1, "bone": 2}}  # fmt: skip
    (root / "dataset.json").write_text(json.dumps(described))
    return tmp_path


def of_folders(data):
    return ["--masks", data / "masks", "--probabilities", data / "values"]


def of_nnunet(data):
    model = data / "results" / "Dataset004_Grain" / "2d"
    return ["--nnunet", data / "Dataset004_Grain", "--probabilities", model]


def command(data, *more):
    return list(map(str, ["segment", "errors", "--out", data / "found", *more]))


def table(path, rows, header="name,judge"):
    path.write_text("\n".join([header, *(",".join(map(str, row)) for row in rows)]) + "\n")
    return path


@pytest.fixture
def judges(data):
    return table(data / "judges.csv", zip(NAMES, JUDGE, strict=True))


def told(data):
    return json.loads((data / "found" / "summary.json").read_text())


@pytest.mark.parametrize("given", ["table", "nnunet"])
def test_every_model_is_calibrated_by_itself(data, judges, given):
    more = [*of_folders(data), "--judges", judges] if given == "table" else of_nnunet(data)
    more += ["--rule", "argmax", "--calibrate", "shares", "--quiet"]
    assert run(command(data, *more)) == 0
    assert told(data)["judges"] == 2
    masks, values = sets()
    options = {"rule": "argmax", "calibrate": "shares"}
    expected = mixednoise.find_mask_errors(masks, values, judges=JUDGE, **options)
    found = np.stack([read(data / "found" / f"{name}.png") > 0 for name in NAMES])
    np.testing.assert_array_equal(found, expected)
    assert (found != mixednoise.find_mask_errors(masks, values, **options)).any()
    # What was found is opened again with the judges of then.
    out = ["--to", "masks", "--out", data / "out", "--quiet"]
    assert run(list(map(str, ["segment", "export", data / "found", *out]))) == 0
    source = calibrated(ArraySource(masks, values, judges=JUDGE), "shares")
    for index, name in enumerate(NAMES):
        proposed = source.read(index)[1].argmax(axis=0)
        corrected = np.where(expected[index], proposed, masks[index])
        np.testing.assert_array_equal(read(data / "out" / "masks" / f"{name}.png"), corrected)


def test_without_judges_nothing_is_told(data):
    assert run(command(data, *of_folders(data), "--quiet")) == 0
    assert told(data)["judges"] is None


@pytest.mark.parametrize(("count", "wrong"), [(20, 0), (19, 0), (20, 1)])
def test_models_that_repeat_every_mask(tmp_path, capsys, count, wrong):
    for kind in ("masks", "values"):
        (tmp_path / kind).mkdir()
    masks = np.random.default_rng(0).integers(0, 2, (count, 20, 24)).astype(np.uint8)
    values = np.where(np.stack([masks == 0, masks == 1], 1), 0.9, 0.1).astype(np.float32)
    masks[0, 0, :wrong] = 1 - masks[0, 0, :wrong]
    for number in range(count):
        cv2.imwrite(str(tmp_path / "masks" / f"m{number}.png"), masks[number])
        np.save(tmp_path / "values" / f"m{number}.npy", values[number])
    assert run(command(tmp_path, *of_folders(tmp_path))) == 0
    line = "probabilities agree with the masks everywhere"
    expected = int(count == 20 and not wrong)
    assert " ".join(capsys.readouterr().err.split()).count(line) == expected
    assert sum(line in notice for notice in told(tmp_path)["notices"]) == expected


@pytest.mark.parametrize("given", ["nothing", "learned", "folds", "folds written down"])
def test_what_was_not_checked_is_said(data, judges, capsys, given):
    more = of_nnunet(data) if given.startswith("folds") else of_folders(data)
    if given == "learned":
        of_others = [(1 - judge, name) for name, judge in zip(NAMES, JUDGE, strict=True)]
        learned = table(data / "learned.csv", of_others, "judge,name")
        more += ["--judges", judges, "--learned", learned]
    if given == "folds written down":
        folds = [{"train": [n for n, j in zip(NAMES, JUDGE, strict=True) if j != fold], "val": []}
                 for fold in (0, 1)]  # fmt: skip
        (data / "results" / "Dataset004_Grain" / "splits_final.json").write_text(json.dumps(folds))
    assert run(command(data, *more)) == 0
    checked = given in ("learned", "folds written down")
    said = " ".join(capsys.readouterr().err.split())
    line = "not checked whether the models have learned from these masks; --learned tells"
    assert said.count(line) == (0 if checked else 1)
    assert told(data)["out_of_sample"] == ("checked" if checked else "not checked")


def test_a_table_goes_before_the_folds(data):
    judges = table(data / "judges.csv", [(name, n % 3) for n, name in enumerate(NAMES)])
    assert run(command(data, *of_nnunet(data), "--judges", judges, "--quiet")) == 0
    assert told(data)["judges"] == 3


def test_judges_of_a_run_and_wrong_tables(data, judges, capsys):
    refused(capsys, command(data, "--run", "x", "--judges", judges), "--run and --judges")
    refused(capsys, command(data, "--run", "x", "--allow-in-sample"), "--run and --allow-in-sample")
    more = [*of_folders(data), "--judges"]
    short = table(data / "short.csv", [("m00", 1)])
    said = refused(capsys, command(data, *more, short), "no judge for 11 cases of 12")
    assert f"{short} names" in said
    assert not (data / "found").exists()


class TestInSample:
    """Models that have learned from what they judge."""

    def check(self, data, capsys, more, *words):
        """Refused before anything is written; done with a warning where it is allowed."""
        before = everything_in(data)
        said = refused(capsys, command(data, *more), *words, "--allow-in-sample")
        assert "hardly any error" in said
        assert everything_in(data) == before
        assert run(command(data, *more, "--allow-in-sample")) == 0
        said = capsys.readouterr().err
        assert said.count("learned from") == 1
        assert "hardly any error will be found there" in said
        (notice,) = [line for line in told(data)["notices"] if "learned from" in line]
        assert words[0] in notice

    @pytest.mark.parametrize("calibrate", ["none", "shares"])
    def test_fold_all(self, data, capsys, calibrate):
        model = data / "results" / "Dataset004_Grain" / "2d"
        for number in (0, 1):
            (model / f"fold_{number}" / "validation").rename(model / f"validation_{number}")
        (model / "fold_all").mkdir()
        (model / "validation_0").rename(model / "fold_all" / "validation")
        (model / "fold_1").rmdir()
        for path in (model / "validation_1").iterdir():
            path.rename(model / "fold_all" / "validation" / path.name)
        more = [*of_nnunet(data), "--calibrate", calibrate]
        self.check(data, capsys, more, "12 masks of 12 were judged by a model", "m00 (fold_all)")

    def test_fold_all_as_a_folder_of_probabilities(self, data, capsys):
        place = data / "fold_all" / "validation"
        place.parent.mkdir()
        (data / "values").rename(place)
        more = ["--masks", data / "masks", "--probabilities", place]
        self.check(data, capsys, more, "12 masks of 12 were judged by a model", "m00 (fold_all)")

    def test_fold_all_is_passed_over_beside_others(self, data, capsys):
        model = data / "results" / "Dataset004_Grain" / "2d"
        place = model / "fold_all" / "validation"
        place.mkdir(parents=True)
        for name in NAMES[:3]:
            (place / f"{name}.npz").write_bytes(b"not looked at")
        assert run(command(data, *of_nnunet(data))) == 0
        assert "note: fold_all has learned from every case: passed over" in capsys.readouterr().err
        masks, values = sets()
        expected = mixednoise.find_mask_errors(masks, values)
        found = np.stack([read(data / "found" / f"{name}.png") > 0 for name in NAMES])
        np.testing.assert_array_equal(found, expected)

    def test_splits_of_another_training(self, data, capsys):
        by_fold = [[n for n, j in zip(NAMES, JUDGE, strict=True) if j != f] for f in (0, 1)]
        path = data / "results" / "Dataset004_Grain" / "splits_final.json"
        path.write_text(json.dumps([{"train": names, "val": []} for names in by_fold]))
        assert run(command(data, *of_nnunet(data), "--quiet")) == 0, "as it should be"
        by_fold[1].append("m03")
        path.write_text(json.dumps([{"train": names, "val": []} for names in by_fold]))
        more = [*of_nnunet(data), "--overwrite", "--rule", "C"]
        self.check(data, capsys, more, "1 mask of 12 was judged by a model", "m03 (fold_1)")

    def test_a_table_of_what_models_have_learned(self, data, judges, capsys):
        others = [(1 - judge, name) for name, judge in zip(NAMES, JUDGE, strict=True)]
        learned = table(data / "learned.csv", others, "judge,name")
        more = [*of_folders(data), "--learned", learned, "--judges", judges]
        assert run(command(data, *more, "--quiet")) == 0, "each from the cases of the other"
        table(learned, [*others, (0, "m02"), (0, "m04.png"), (1, "elsewhere")], "judge,name")
        more += ["--overwrite"]
        words = "2 masks of 12 were judged by a model", "m02 (0), m04 (0)"
        self.check(data, capsys, more, *words)

    def test_what_the_only_model_has_learned(self, data, judges, capsys):
        learned = table(data / "learned.csv", [("net", "m05"), ("net", "other")], "judge,name")
        more = [*of_folders(data), "--learned", learned]
        self.check(data, capsys, more, "1 mask of 12 was judged by a model", "m05 (net)")

    def test_tables_that_tell_nothing(self, data, judges, capsys):
        learned = data / "learned.csv"
        more = command(data, *of_folders(data), "--learned", learned)
        table(learned, [(0, "m01"), (1, "m00")], "judge,name")
        refused(capsys, more, "2 models, but not which of them judged what", "--judges FILE")
        more += ["--judges", str(judges)]
        table(learned, [(0, "m01"), ("fold_1", "m00")], "judge,name")
        refused(capsys, more, "nothing of 1 model that judged", "nothing of 1; models 0, fold_1")
        table(learned, [(0, "case_1"), (1, "case_0")], "judge,name")
        refused(capsys, more, "names no case that was judged", "case_1 (learned.csv, line 2)")
        assert not (data / "found").exists()


def test_quiet_means_no_warnings_either(data, capfd):
    """As with every other command; what was noticed stands in summary.json."""
    (data / "values" / "m00.npy").unlink()
    cv2.imwrite(str(data / "masks" / "m01.png"), np.zeros((20, 24), np.uint8))
    assert run(command(data, *of_folders(data), "--quiet")) == 0
    assert capfd.readouterr().err == ""
    noticed = told(data)["notices"]
    words = ("no probabilities", "background alone", "not checked whether")
    assert sorted(map(noticed.count, noticed)) == [1, 1, 1]
    assert all(any(word in line for line in noticed) for word in words)
    assert run(command(data, *of_folders(data), "--overwrite")) == 0
    assert capfd.readouterr().err.count("warning: ") == 2
