"""All stages on discs that take a second to learn."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import pytest
import torch
from discs import TINY, noisy_discs
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from mixednoise.errors import DataError, RunError
from mixednoise.evaluation.mask_metrics import MaskEvaluator
from mixednoise.noise.corrupt_masks import corrupt_masks
from mixednoise.progress import Silent
from mixednoise.segmentation.cases import read_cases
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.estimator import ConfidentSegmentation, load_segmentation
from mixednoise.segmentation.loop import SegmentationLoop
from mixednoise.segmentation.pipeline import reopen, run_stages
from mixednoise.segmentation.stages import trial
from mixednoise.segmentation.stages.judged import JudgedSource
from mixednoise.segmentation.stages.teachers import passes

CONFIG = SegmentationConfig(**TINY, epochs=2, folds=2, test_fraction=0.2, val_fraction=0.1, seed=3)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with the cases, a cache of its own, and one finished run."""
    folder = tmp_path_factory.mktemp("discs")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEDNOISE_CACHE", str(folder / "cache"))
        cases = noisy_discs(folder, 20)
        stage, metrics = run_stages(cases, CONFIG, folder / "run", progress=Silent())
        yield folder, cases, stage, metrics


def test_a_run_leaves_what_the_documentation_promises(home):
    folder, _, stage, metrics = home
    run = folder / "run"
    for name in ("student.safetensors", "student_best.safetensors", "folds.csv", "report.html"):
        assert (run / name).stat().st_size > 0
    assert json.loads((run / "metrics.json").read_text())["split"] == "test"
    learned = pd.read_csv(run / "folds.csv")
    maps = {path.stem for path in (run / "error_maps").glob("*.png")}
    assert maps == set(learned["name"])
    images = pd.read_csv(run / "error_maps" / "images.csv").set_index("name")
    parts = pd.read_csv(run / "error_maps" / "components.csv").groupby("name")["pixels"]
    flagged = images[images["flagged_pixels"] > 0]
    assert len(flagged) > 0
    np.testing.assert_array_equal(
        flagged[["flagged_pixels", "components", "largest_component"]],
        parts.agg(["sum", "size", "max"]).loc[flagged.index],
    )
    assert parts.ngroups == len(flagged)
    assert "Suspected regions, one by one" in (run / "report.html").read_text()
    for path in (run / "error_maps").glob("*.png"):
        picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert picture.shape == (32, 32)
        assert set(np.unique(picture)) <= {0, 255}
    splits = pd.read_csv(run / "cases.csv").groupby("group")["split"].nunique()
    assert splits.max() == 1, "no patient in two splits"
    assert set(metrics["identification"]) == {"Q (shares)", "argmax"}
    assert metrics["truth"] == "true masks"
    assert len(stage.prepared.rows("test")) == 4


def test_each_case_is_judged_by_the_teacher_that_never_saw_its_patient(home):
    folder, _, stage, _ = home
    for fold in (0, 1):
        teacher = folder / "run" / "round_1" / "teachers" / f"fold_{fold}.safetensors"
        with safe_open(teacher, framework="pt") as file:
            told = json.loads(file.metadata()["metadata"])
        assert told["fold"] == fold
    groups = np.array(stage.folds.groups)
    assert not set(groups[stage.folds.judged_by(0)]) & set(groups[stage.folds.learned_by(0)])


def test_teachers_take_as_many_steps_as_the_student(home):
    run = home[0] / "run"
    folds = pd.read_csv(run / "folds.csv")["fold"]
    for fold in (0, 1):
        passes_made = len(pd.read_csv(run / f"round_1/teachers/fold_{fold}/history.csv"))
        seen, wanted = int((folds != fold).sum()), 2 * len(folds)
        assert (passes_made - 1) * seen < wanted <= passes_made * seen
    assert len(pd.read_csv(run / "student" / "history.csv")) == 2


def test_passes_of_teachers_that_are_asked_for_are_theirs(home, tmp_path):
    config = CONFIG.model_copy(update={"teacher_epochs": 1})
    run_stages(home[1], config, tmp_path / "run", until="teachers", progress=Silent())
    told = sorted((tmp_path / "run").glob("round_1/teachers/*/history.csv"))
    assert [len(pd.read_csv(path)) for path in told] == [1, 1]


def test_passes_are_rounded_up():
    assert passes(40, cases=197, learned=98) == 81
    assert passes(10, cases=100, learned=80) == 13
    assert passes(3, cases=7, learned=7) == 3


def test_a_teacher_that_saw_the_case_stops_the_run(home, tmp_path):
    _, cases, _, _ = home
    out = tmp_path / "run"
    run_stages(cases, CONFIG, out, until="teachers", progress=Silent())
    first, second = (out / "round_1" / "teachers" / f"fold_{fold}.safetensors" for fold in (0, 1))
    with safe_open(second, framework="pt") as file:
        save_file(load_file(second), first, metadata=file.metadata())
    with pytest.raises(RunError, match="never seen the cases of fold 0"):
        run_stages(cases, CONFIG, out, resume=True, progress=Silent())


def test_stage_by_stage_equals_all_at_once(home, tmp_path):
    folder, cases, _, metrics = home
    out = tmp_path / "run"
    for until in ("teachers", "errors", "student", "report"):
        _, found = run_stages(
            cases, CONFIG, out, until=until, resume=until != "teachers", progress=Silent()
        )
    whole, parts = (load_file(run / "student.safetensors") for run in (folder / "run", out))
    assert whole.keys() == parts.keys()
    assert all(torch.equal(whole[key], parts[key]) for key in whole)
    assert found["last"]["macro"] == metrics["last"]["macro"]
    # Once more: nothing is left to do, and nothing is done.
    before = (out / "student.safetensors").stat().st_mtime_ns
    run_stages(cases, CONFIG, out, resume=True, progress=Silent())
    assert (out / "student.safetensors").stat().st_mtime_ns == before


def test_a_run_is_not_overwritten_and_other_options_do_not_resume_it(home):
    folder, cases, _, _ = home
    with pytest.raises(RunError, match="exists already"):
        run_stages(cases, CONFIG, folder / "run", progress=Silent())
    other = CONFIG.model_copy(update={"epsilon": 0.5})
    with pytest.raises(RunError, match=r"epsilon: was 0\.8, now 0\.5"):
        run_stages(cases, other, folder / "run", resume=True, progress=Silent())


def test_a_run_inside_the_data_is_refused(home):
    folder, cases, _, _ = home
    with pytest.raises(RunError, match="lies inside the data"):
        run_stages(cases, CONFIG, folder / "masks" / "run", progress=Silent())


def test_a_finished_run_is_opened_again_with_its_judgement(home):
    folder, _, stage, _ = home
    again = reopen(folder / "run")
    old, new = JudgedSource(stage), JudgedSource(again)
    assert list(old.names) == list(new.names)
    for (mask, p), (same_mask, same_p) in zip(
        map(old.read, range(3)), map(new.read, range(3)), strict=True
    ):
        np.testing.assert_array_equal(mask, same_mask)
        np.testing.assert_array_equal(p, same_p)


def test_moved_images_are_told(home, tmp_path):
    folder, _, _, _ = home
    run = tmp_path / "run"
    run.mkdir()
    for name in ("config.yaml", "folds.csv"):
        (run / name).write_bytes((folder / "run" / name).read_bytes())
    told = json.loads((folder / "run" / "cases.json").read_text())
    told["cases"][0]["images"] = ["/nowhere/c00.png"]
    (run / "cases.json").write_text(json.dumps(told))
    with pytest.raises(DataError, match="have moved"):
        reopen(run)


def test_teachers_learn_once_where_masks_are_of_one_kind(home, tmp_path):
    folder, cases, stage, _ = home
    run = folder / "run"
    assert stage.rounds == 1
    assert json.loads((run / "rounds.json").read_text()) == {"rounds": 1}
    assert not (run / "round_2").exists()
    assert [path.name for path in (run / "round_1").iterdir()] == ["teachers"]
    # Interrupted between the two folders: the next call moves the other one.
    out = tmp_path / "run"
    run_stages(cases, CONFIG, out, until="errors", progress=Silent())
    (out / "error_maps").rename(out / "round_1" / "error_maps")
    again, _ = run_stages(cases, CONFIG, out, until="errors", resume=True, progress=Silent())
    assert again.error_maps == out / "error_maps"
    assert (out / "error_maps" / "summary.json").exists()


@pytest.mark.parametrize(
    "changes",
    [
        {"rounds": 2},
        {"rounds": 2, "rule": "Q"},
        {"targets": "soft", "calibrate": "temperature"},
        {"targets": "ignore", "band": 2.0, "rule": "both", "corrections": "proven"},
        {"targets": "weight", "loss": "dice_ce", "normalise": "dataset"},
        {"method": "pick_and_learn", "quality_width": 0.1, "normalise": "range"},
        {"method": "cross_entropy", "patch_size": 16},
    ],
    ids=lambda changes: "-".join(map(str, changes.values())),
)
def test_every_way_runs_and_gives_a_student(home, tmp_path, changes):
    _, cases, _, _ = home
    config = CONFIG.model_copy(update={"epochs": 1, **changes})
    _, metrics = run_stages(cases, config, tmp_path / "run", progress=Silent())
    assert 0 <= metrics["last"]["macro"]["dice"]["mean"] <= 1
    assert (tmp_path / "run" / "student.safetensors").exists()
    judged = config.method == "confident"
    assert (tmp_path / "run" / "report.html").exists() == judged
    assert (metrics["identification"] is not None) == judged


def test_three_classes_and_pixels_to_ignore(home, tmp_path):
    _, cases, _, _ = home
    masks = tmp_path / "masks"
    masks.mkdir()
    for case in cases.cases:
        disc = cv2.imread(str(case.mask.label_map), cv2.IMREAD_UNCHANGED) > 0
        three = disc.astype(np.uint8)
        three[:, 16:][disc[:, 16:]] = 2
        three[:2] = 9
        cv2.imwrite(str(masks / f"{case.name}.png"), three)
    three_classes = read_cases(
        cases.cases[0].images[0].parent, masks, class_names=["out", "left", "right"], ignore_value=9
    )
    config = CONFIG.model_copy(update={"epochs": 1, "targets": "slsr"})
    stage, metrics = run_stages(three_classes, config, tmp_path / "run", progress=Silent())
    assert set(metrics["last"]["per_class"]) == {"left", "right"}
    for path in (tmp_path / "run" / "error_maps").glob("*.png"):
        assert not cv2.imread(str(path), cv2.IMREAD_UNCHANGED)[:2].any(), "ignored pixels"
    assert len(stage.prepared.rows("train")) == 14


@pytest.mark.parametrize(
    ("names", "flip", "warned"),
    [
        (("background", "Left lung"), "horizontal", True),
        (("background", "kidney_right"), "both", True),
        (("background", "Left lung"), "none", False),
        (("background", "bright spot"), "horizontal", False),
    ],
)
def test_mirroring_classes_that_name_a_side_is_warned_of(home, tmp_path, names, flip, warned):
    _, cases, _, _ = home
    patches = CONFIG.patches.model_copy(update={"flip": flip})
    config = CONFIG.model_copy(update={"patches": patches, "method": "cross_entropy", "epochs": 1})
    progress = Silent()
    run_stages(replace(cases, class_names=names), config, tmp_path / "run", progress=progress)
    assert any("patches.flip=none" in line for line in progress.warnings) == warned


def test_the_estimator_predicts_at_the_size_of_the_image(home):
    folder, _, _, _ = home
    model = load_segmentation(folder / "run")
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 255, (1, *s), dtype=np.uint8) for s in ((32, 32), (50, 41), (32, 32))]
    found = list(model.predict_proba(images))
    for image, probabilities in zip(images, found, strict=True):
        assert probabilities.shape == (2, *image.shape[1:])
        np.testing.assert_allclose(probabilities.sum(0), 1, atol=1e-5)
    with pytest.raises(DataError, match="can't be segmented"):
        next(model.predict_proba([np.zeros((3, 32, 32), np.uint8)]))


def test_fit_without_a_folder_keeps_nothing(home):
    _, cases, _, _ = home
    model = ConfidentSegmentation(**TINY, epochs=1)
    model.fit(cases, progress=Silent())
    assert list(model.errors_["quality"]) == sorted(model.errors_["quality"])
    assert model.metrics_["split"] is None
    assert {found["images"] for found in model.metrics_["identification"].values()} == {20}
    with pytest.raises(DataError, match="read_cases"):
        model.fit([1, 2, 3])


def test_a_training_case_without_mask_stops_before_training(home, tmp_path):
    _, cases, _, _ = home
    first = replace(cases.cases[0], mask=None)
    lacking = replace(cases, cases=(first, *cases.cases[1:]))
    with pytest.raises(DataError, match="no mask"):
        run_stages(lacking, CONFIG, tmp_path / "run", progress=Silent())
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["teacher 2/2", "student"])
def test_interrupted_and_resumed_equals_unbroken(home, tmp_path, monkeypatch, name):
    folder, cases, _, _ = home
    out = tmp_path / "run"
    original = SegmentationLoop.steps

    def stop(self, epoch, batches, total, step, note=""):
        def broken(batch):
            if self.name == name and epoch == 1:
                raise KeyboardInterrupt
            return step(batch)

        return original(self, epoch, batches, total, broken, note)

    with monkeypatch.context() as patch:
        patch.setattr(SegmentationLoop, "steps", stop)
        with pytest.raises(KeyboardInterrupt):
            run_stages(cases, CONFIG, out, progress=Silent())
    assert not (out / "student.safetensors").exists()
    run_stages(cases, CONFIG, out, resume=True, progress=Silent())
    for file in ("student.safetensors", "student_best.safetensors"):
        whole, resumed = (load_file(run / file) for run in (folder / "run", out))
        assert all(torch.equal(whole[key], resumed[key]) for key in whole)


@pytest.mark.slow
def test_the_student_is_better_than_its_masks(tmp_path):
    """Most masks are far too large, too small or frayed; the student never sees a right one."""
    for seed in range(2):
        cases = noisy_discs(tmp_path / str(seed), 48, size=64, seed=seed, radius=9)
        options = {**TINY, "image_size": 64, "epochs": 16, "test_fraction": 0.25, "seed": seed}
        config = SegmentationConfig(**options)
        stage, metrics = run_stages(cases, config, tmp_path / f"run{seed}", progress=Silent())
        given = MaskEvaluator(cases.class_names, surface=False)
        for row in stage.train.tolist():
            given.add(str(row), stage.store.mask(row), stage.store.truth(row))
        assert metrics["last"]["macro"]["dice"]["mean"] > given.scores().mean() + 0.1
        assert metrics["identification"]["Q"]["f1"] > 0.5


@pytest.mark.slow
@pytest.mark.real_data
def test_the_student_beats_cross_entropy_on_chest_images(tmp_path, real_data):
    """JSRT lungs, 70 % of the masks changed by 30 of 256 pixels; a fifth of the cases to test."""
    folder = real_data / "jsrt" / "training"
    corrupt_masks(folder / "lung", tmp_path / "masks", alpha=0.7, radius=30, seed=0)
    cases = read_cases(folder / "images", tmp_path / "masks", truth=folder / "lung")
    options = {**TINY, "lr": 1e-3, "batch_size": 8, "image_size": 64, "epochs": 40}
    dice = {}
    for method in ("cross_entropy", "confident"):
        config = SegmentationConfig(**options, test_fraction=0.2, method=method)
        _, metrics = run_stages(cases, config, tmp_path / method, progress=Silent())
        dice[method] = metrics["last"]["macro"]["dice"]["mean"]
    assert dice["confident"] > dice["cross_entropy"] + 0.02


def test_corrections_are_used_only_if_they_stand_the_trial(home, tmp_path, monkeypatch):
    folder, cases, _, _ = home
    proven = CONFIG.model_copy(update={"corrections": "proven"})
    agreement, seen = trial.agreement, {}

    def refuse(stage):
        """As if teachers agreed less with unseen masks after they learned from corrected ones."""
        seen[stage.round_] = agreement(stage)
        return seen[stage.round_] * 0 + (0.8 if stage.round_ == 0 else 0.7)

    with monkeypatch.context() as patch:
        patch.setattr(trial, "agreement", refuse)
        _, refused = run_stages(cases, proven, tmp_path / "refused", progress=Silent())
    assert refused["corrections"]["used"] is False
    assert refused["corrections"]["difference"] == pytest.approx(-0.1)
    baseline = CONFIG.model_copy(update={"method": "cross_entropy"})
    run_stages(cases, baseline, tmp_path / "plain", progress=Silent())
    students = {
        name: load_file(tmp_path / name / "student.safetensors") for name in ("refused", "plain")
    }
    always = load_file(folder / "run" / "student.safetensors")
    for key, plain in students["plain"].items():
        assert torch.equal(students["refused"][key], plain), "as if nobody had corrected anything"
    assert any(not torch.equal(students["plain"][key], always[key]) for key in always)
    assert "do not help here" in (tmp_path / "refused" / "report.html").read_text()
    # What is compared: Dice of each round with the given masks that its teachers never saw.
    assert set(seen) == {0, 1}
    assert not seen[0].equals(seen[1])
    # Resumed: the trial is over, its result stands.
    _, again = run_stages(cases, proven, tmp_path / "refused", resume=True, progress=Silent())
    assert again["corrections"] == refused["corrections"]


def test_agreement_is_the_dice_with_the_given_mask(home):
    _, _, stage, _ = home
    found = trial.agreement(replace(stage, round_=0))
    source = JudgedSource(stage)
    for index, name in enumerate(source.names):
        given, probabilities = source.read(index)
        said = probabilities.argmax(0)
        both = 2 * ((said == 1) & (given == 1)).sum() / ((said == 1).sum() + (given == 1).sum())
        assert found[name] == pytest.approx(both)
