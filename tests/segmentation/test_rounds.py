"""A second round of teachers: when there is one, and when what it learned from is believed."""

import json

import numpy as np
import pandas as pd
import pytest
from discs import TINY, noisy_discs

from mixednoise.progress import Silent
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.error_settings import MOST_DOUBT
from mixednoise.segmentation.pipeline import run_stages
from mixednoise.segmentation.stages import rounds
from mixednoise.segmentation.stages.judging import DOUBT_ON_TRIAL, error_settings
from mixednoise.segmentation.stages.trial import Trial, agreement, compared

CONFIG = SegmentationConfig(**TINY, epochs=1, folds=2, seed=3)


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rounds")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEDNOISE_CACHE", str(folder / "cache"))
        yield noisy_discs(folder, 24)


def judged(cases, out, **options):
    config = CONFIG.model_copy(update=options)
    resume = out.exists()
    stage, _ = run_stages(cases, config, out, until="errors", resume=resume, progress=Silent())
    return stage


@pytest.fixture
def told(monkeypatch):
    """Masks are wrong as a whole, with that doubt; teachers of the second round are that good."""

    def tell(doubt, gain):
        monkeypatch.setattr(rounds, "found_wrong_masks", lambda _: True)
        monkeypatch.setattr(rounds, "doubt_about_masks", lambda _: doubt)
        compares = []

        def compare(first, second):
            compares.append((first.number, second.number))
            return Trial(gain > 0, 0.5, 0.5 + gain, gain, gain - 0.1, gain + 0.1)

        monkeypatch.setattr(rounds, "compared", compare)
        return compares

    return tell


def test_masks_told_apart_without_doubt_need_no_proof(cases, tmp_path, told):
    compares = told(MOST_DOUBT, -0.2)
    out = tmp_path / "run"
    assert judged(cases, out).rounds == 2
    assert not compares
    assert (out / "round_2" / "teachers" / "fold_1.safetensors").exists()
    for folder in (out, out / "round_1"):
        assert (folder / "error_maps" / "summary.json").exists()
    assert not (out / "rounds.json").exists()
    assert not (out / rounds.PROOF).exists()


def test_corrections_in_doubt_are_used_where_they_make_better_teachers(cases, tmp_path, told):
    compares = told(MOST_DOUBT + 0.01, 0.03)
    out = tmp_path / "run"
    stage = judged(cases, out)
    assert stage.rounds == 2
    assert compares == [(0, 1)]
    assert error_settings(stage).most_doubt == DOUBT_ON_TRIAL
    assert json.loads((out / rounds.PROOF).read_text())["used"] is True


def test_corrections_in_doubt_are_dropped_where_they_do_not(cases, tmp_path, told):
    compares = told(MOST_DOUBT + 0.01, -0.03)
    out = tmp_path / "run"
    stage = judged(cases, out)
    assert compares == [(0, 1)]
    assert stage.rounds == 1
    assert error_settings(stage).most_doubt == MOST_DOUBT
    proof = json.loads((out / rounds.PROOF).read_text())
    assert (proof["used"], proof["given"], proof["corrected"]) == (False, 0.5, 0.47)
    # What is left is what one round alone would have said.
    judged(cases, tmp_path / "once", rounds=1)
    for name in ("images.csv", "components.csv"):
        tables = [pd.read_csv(run / "error_maps" / name) for run in (out, tmp_path / "once")]
        pd.testing.assert_frame_equal(*tables)
    names = [case.name for case in cases.cases]
    for run in (out, tmp_path / "once"):
        assert {path.stem for path in (run / "probabilities").glob("*.npy")} == set(names)
    first, once = (
        np.load(run / "probabilities" / f"{names[0]}.npy") for run in (out, tmp_path / "once")
    )
    np.testing.assert_array_equal(first, once)
    # The second round's stay beside its teachers, and a second call does nothing.
    assert len(list((out / "round_2" / "probabilities").glob("*.npy"))) == len(names)
    before = (out / "error_maps" / "summary.json").stat().st_mtime_ns
    assert judged(cases, out).rounds == 1
    assert (out / "error_maps" / "summary.json").stat().st_mtime_ns == before
    assert compares == [(0, 1)]


def test_two_rounds_that_are_asked_for_are_made_whatever_is_found(cases, tmp_path, told):
    compares = told(0.6, -0.2)
    stage = judged(cases, tmp_path / "run", rounds=2)
    assert stage.rounds == 2
    assert not compares
    assert error_settings(stage).most_doubt == MOST_DOUBT


def test_generations_are_compared_on_the_same_masks(cases, tmp_path):
    stage = judged(cases, tmp_path / "run", rounds=2)
    first, second = (stage.__class__(**vars(stage) | {"round_": number}) for number in (0, 1))
    before, after = agreement(first), agreement(second)
    trial = compared(first, second)
    assert trial.given == pytest.approx(before.mean())
    assert trial.corrected == pytest.approx(after.mean())
    assert trial.used == (after.mean() > before.mean())
    assert compared(first, first).difference == 0
    assert not compared(first, first).used
