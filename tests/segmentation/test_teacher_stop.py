"""Which weights are kept of a teacher: those of its best epoch, averaged over epochs."""

from math import isnan, nan

import numpy as np
import pytest
import torch
from discs import TINY, noisy_discs

from mixednoise.progress import Silent
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.loop import SegmentationLoop
from mixednoise.segmentation.pipeline import run_stages
from mixednoise.segmentation.stages import agreement, teachers
from mixednoise.segmentation.stages.agreement import mask_agreement, ranked_agreement
from mixednoise.segmentation.stages.teachers import load_teacher

EPOCHS = 3
CONFIG = SegmentationConfig(**TINY, epochs=2, teacher_epochs=EPOCHS, folds=2, rounds=1, seed=3)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("stop")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEDNOISE_CACHE", str(folder / "cache"))
        yield noisy_discs(folder, 16)


def weights_of(segmenter):
    return {name: value.clone().float() for name, value in segmenter.state_dict().items()}


def teach(cases, out, monkeypatch, agreements, **options):
    """Teachers whose agreement with unseen masks is as told; their weights after every epoch."""
    told, seen, judged = {}, {}, []

    def scripted(stage, rows):
        judged.append(list(rows))
        values = iter(agreements)
        return lambda segmenter: next(values)

    original = SegmentationLoop.train_epoch

    def watched(self, epoch, generator):
        done = original(self, epoch, generator)
        seen.setdefault(self.name, []).append(weights_of(self.segmenter))
        told.setdefault(self.name, []).append(done.value)
        return done

    monkeypatch.setattr(teachers, "ranked_agreement", scripted)
    monkeypatch.setattr(SegmentationLoop, "train_epoch", watched)
    config = CONFIG.model_copy(update=options)
    stage, _ = run_stages(cases, config, out, until="teachers", progress=Silent())
    return stage, seen, told, judged


def same(found, wanted):
    return all(torch.allclose(found[key], wanted[key], atol=1e-6) for key in wanted)


def test_the_epoch_that_agrees_best_with_unseen_masks_is_kept(cases, tmp_path, monkeypatch):
    stage, seen, told, judged = teach(cases, tmp_path / "run", monkeypatch, [0.1, 0.7, 0.4])
    assert told["teacher 1/2"] == [0.1, 0.7, 0.4]
    for fold in (0, 1):
        first, second, last = seen[f"teacher {fold + 1}/2"]
        mean = {key: 0.85 * first[key] + 0.15 * second[key] for key in first}
        kept = weights_of(load_teacher(stage, fold))
        # Counters of batches are whole numbers: their mean is one, too.
        floating = {key: value for key, value in mean.items() if "num_batches" not in key}
        assert same(kept, floating)
        assert not same(kept, {key: last[key] for key in floating})
        assert set(judged[fold]) == set(stage.train[stage.made_folds.judged_by(fold)].tolist())
        assert not set(judged[fold]) & set(stage.train[stage.made_folds.learned_by(fold)].tolist())


def test_the_last_epoch_is_kept_where_that_is_asked_for(cases, tmp_path, monkeypatch):
    stage, seen, told, judged = teach(
        cases, tmp_path / "run", monkeypatch, [0.1, 0.7, 0.4], teacher_stop="last"
    )
    assert not judged
    assert told["teacher 2/2"] == [None] * EPOCHS
    assert same(weights_of(load_teacher(stage, 1)), seen["teacher 2/2"][-1])


@pytest.mark.parametrize(("agreements", "best"), [([nan, 0.2, 0.1], 1), ([nan, nan, nan], None)])
def test_an_epoch_that_draws_nothing_is_no_best_one(cases, tmp_path, monkeypatch, agreements, best):
    stage, seen, _, _ = teach(cases, tmp_path / "run", monkeypatch, agreements)
    first, second, last = seen["teacher 1/2"]
    mean = {key: 0.85 * first[key] + 0.15 * second[key] for key in first}
    wanted = last if best is None else mean
    floating = {key: value for key, value in wanted.items() if "num_batches" not in key}
    assert same(weights_of(load_teacher(stage, 0)), floating)


def test_long_trainings_are_judged_now_and_then_and_at_the_end(cases, tmp_path, monkeypatch):
    monkeypatch.setattr(teachers, "VALIDATIONS", 2)
    _, _, told, _ = teach(cases, tmp_path / "run", monkeypatch, [0.5, 0.2, 0.1], teacher_epochs=5)
    # 5 epochs in 2 validations: every third, and the last one.
    assert told["teacher 1/2"] == [None, None, 0.5, None, 0.2]


def test_agreement_is_dice_with_the_given_masks(cases, tmp_path):
    stage, _ = run_stages(cases, CONFIG, tmp_path / "run", until="teachers", progress=Silent())
    teacher, rows = load_teacher(stage, 0), stage.train[:3].tolist()
    dice = []
    for row, probabilities in stage.predictor(teacher).predict(stage.store, rows):
        drawn, given = probabilities.argmax(axis=0) == 1, stage.store.mask(row) == 1
        dice.append(2 * (drawn & given).sum() / (drawn.sum() + given.sum()))
    assert mask_agreement(stage, rows)(teacher) == pytest.approx(sum(dice) / 3)
    assert mask_agreement(stage, []) is None


class Told:
    """A predictor that says what it is told to, and of whom it was asked."""

    def __init__(self, answers):
        self.answers, self.asked = answers, []

    def predict(self, store, rows):
        self.asked = list(rows)
        return ((row, self.answers(store.mask(row))) for row in rows)


@pytest.fixture
def judged(cases, tmp_path, monkeypatch):
    stage, _ = run_stages(cases, CONFIG, tmp_path / "run", until="teachers", progress=Silent())

    def ask(answers, rows):
        told = Told(answers)
        monkeypatch.setattr(type(stage), "predictor", lambda self, segmenter: told)
        return ranked_agreement(stage, rows)(None), told.asked

    return ask, stage.train.tolist()


def test_a_network_that_knows_where_without_naming_it_agrees(judged):
    ask, rows = judged

    def shy(mask):
        """Gives the structure less than one half everywhere, but most where it is."""
        structure = np.where(mask == 1, 0.3, 0.1)
        return np.stack([1 - structure, structure]).astype(np.float32)

    agreement_, asked = ask(shy, rows)
    assert agreement_ == pytest.approx(1, abs=0.01)
    assert asked == rows


def test_a_network_that_says_the_same_everywhere_agrees_with_nothing(judged):
    ask, rows = judged
    agreement_, _ = ask(lambda mask: np.full((2, *mask.shape), 0.5, np.float32), rows)
    assert isnan(agreement_) or agreement_ < 0.5


def test_of_many_unseen_masks_some_are_looked_at(judged, monkeypatch):
    ask, rows = judged
    monkeypatch.setattr(agreement, "MOST_CASES", 4)
    even = lambda mask: np.stack([mask == 0, mask == 1]).astype(np.float32)  # noqa: E731
    _, asked = ask(even, rows)
    assert asked == rows[::4]
    monkeypatch.setattr(agreement, "MOST_CASES", 100)
    # 32 x 32 pixels, two classes, two bytes: room for five cases and a half
    monkeypatch.setattr(agreement, "MOST_BYTES", 11 * 32 * 32 * 2)
    _, asked = ask(even, rows)
    assert asked == rows[::4]
