"""Fit, predict, audit, save and load, as a user of the Python interface does it."""

import json

import numpy as np
import pandas as pd
import pytest
import yaml

import mixednoise
from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.progress import Silent
from tiny_data import coloured_dataset, coloured_images

AUDIT_COLUMNS = [
    "id", "split", "given_label", "suggested_label", "p_correct", "p_mis_h", "p_mis_l", "loss",
    "entropy", "group", "is_label_issue", "label_quality", "predicted_label", "reasons",
    "true_label", "noise_group", "unusual",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """One trained run that several tests look at."""
    out = tmp_path_factory.mktemp("run") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEDNOISE_CACHE", str(out.parent / "cache"))
        model = mixednoise.QMix(
            backbone="resnet10_tiny", image_size=28, batch_size=16, device="cpu",
            epochs=10, warmup_epochs=4, seed=1,
        ).fit(coloured_dataset(300), out=out, progress=Silent())  # fmt: skip
    return out, model


def test_learns_through_wrong_labels(run):
    _, model = run
    images, classes = coloured_images(30, seed=9)
    assert (model.predict_proba(images).argmax(axis=1) == classes).mean() > 0.9
    assert set(model.predict(images)) == {"red", "green", "blue"}


def test_run_folder_has_every_file_of_the_contract(run):
    out, _ = run
    expected = ["model.safetensors", "config.yaml", "history.csv", "samples.csv", "metrics.json"]
    assert all((out / name).is_file() for name in expected)
    assert list((out / "plots").glob("*.png"))
    assert (out / "checkpoints" / "last.ckpt").is_file()


def test_samples_table_keeps_the_contract(run):
    out, model = run
    samples = pd.read_csv(out / "samples.csv")
    assert list(samples.columns) == AUDIT_COLUMNS
    assert len(samples) == 300
    train = samples[samples.split == "train"]
    p = train[["p_correct", "p_mis_h", "p_mis_l"]].to_numpy()
    np.testing.assert_allclose(p.sum(axis=1), 1, atol=1e-6)
    assert set(train.group) <= {"correct", "mis_h", "mis_l"}
    assert samples[samples.split != "train"].group.isna().all()
    pd.testing.assert_series_equal(model.audit_["p_correct"], samples["p_correct"])


def test_wrong_labels_are_found(run):
    _, model = run
    train = model.audit_[model.audit_.split == "train"]
    wrong = train.noise_group != "correct"
    assert train.is_label_issue[wrong].mean() > 0.8
    assert train.is_label_issue[~wrong].mean() < 0.2
    assert model.metrics_["separation"]["correct_auroc"] > 0.9


def test_metrics_keep_the_contract(run):
    out, _ = run
    metrics = json.loads((out / "metrics.json").read_text())
    names = {"accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "qwk", "ece"}
    assert names <= set(metrics["last"])
    assert names <= set(metrics["best"])
    assert metrics["split"] == "test"
    assert metrics["seconds"] > 0
    assert set(metrics["separation"]) >= {"correct_auroc", "mis_l_auroc"}


def test_kappa_of_classes_without_an_order_is_no_number(run):
    out, _ = run
    metrics = json.loads((out / "metrics.json").read_text())
    for which in ("last", "best"):
        assert metrics[which]["qwk"] is None
        assert metrics[which]["qwk_meaningful"] is False
        assert metrics["intervals"][which]["qwk"] == [None, None]
    assert pd.read_csv(out / "history.csv").val_qwk.isna().all()


def test_the_best_epoch_is_not_chosen_by_what_is_no_number(fast):
    model = mixednoise.CrossEntropySingle(**fast, epochs=1, select_by="qwk")
    with pytest.raises(ConfigError, match="QWK") as caught:
        model.fit(coloured_dataset(60), progress=Silent())
    assert "red, green, blue" in caught.value.found
    assert "--ordinal" in caught.value.fix
    two = mixednoise.CrossEntropySingle(**fast, epochs=1, select_by="qwk")
    two.fit(coloured_dataset(60, 2), progress=Silent())
    assert two.metrics_["last"]["qwk"] is not None


def test_history_has_a_row_per_epoch(run):
    out, model = run
    history = pd.read_csv(out / "history.csv")
    assert history.epoch.tolist() == list(range(1, 11))
    assert history.phase.tolist() == ["warmup"] * 4 + ["main"] * 6
    sizes = history[["size_correct", "size_mis_h", "size_mis_l"]].sum(axis=1)
    assert sizes[4:].tolist() == [180.0] * 6
    assert len(model.history_) == 10


def test_configuration_is_resolved_and_written(run):
    out, _ = run
    config = yaml.safe_load((out / "config.yaml").read_text())
    assert config["method"] == "qmix"
    assert config["options"]["image_size"] == 28
    assert config["classes"] == ["red", "green", "blue"]


def test_load_gives_the_same_predictions(run, tmp_path):
    out, model = run
    images, _ = coloured_images(8, seed=3)
    expected = model.predict_proba(images)
    np.testing.assert_array_equal(mixednoise.load(out).predict_proba(images), expected)
    model.save(tmp_path / "model.safetensors")
    loaded = mixednoise.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(images), expected)
    assert loaded.classes_ == ("red", "green", "blue")


def test_a_run_is_not_overwritten(run):
    out, _ = run
    before = (out / "metrics.json").read_bytes()
    model = mixednoise.CrossEntropy(epochs=1, backbone="resnet10_tiny", image_size=28)
    with pytest.raises(RunError, match="exists already"):
        model.fit(coloured_dataset(), out=out, progress=Silent())
    assert (out / "metrics.json").read_bytes() == before


def test_resume_with_other_options_is_refused(run):
    out, _ = run
    model = mixednoise.QMix(epochs=9, warmup_epochs=4, backbone="resnet10_tiny", image_size=28)
    with pytest.raises(RunError, match="epochs: was 10, now 9"):
        model.fit(coloured_dataset(300), out=out, resume=True, progress=Silent())


def test_resume_with_other_data_is_refused(run, fast):
    out, _ = run
    model = mixednoise.QMix(**fast, epochs=10, warmup_epochs=4, seed=1)
    with pytest.raises(RunError, match="other data"):
        model.fit(coloured_dataset(300, seed=5), out=out, resume=True, progress=Silent())


def test_a_run_of_another_version_is_said_clearly(run, tmp_path):
    out, _ = run
    (tmp_path / "config.yaml").write_text(
        (out / "config.yaml").read_text().replace("format: 1", "format: 99")
    )
    with pytest.raises(RunError, match="another version"):
        mixednoise.load(tmp_path)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(fast):
    def train(seed):
        model = mixednoise.QMix(**fast, epochs=2, warmup_epochs=1, seed=seed)
        model.fit(coloured_dataset(60), progress=Silent())
        return model.predict_proba(coloured_images(8)[0])

    first = train(0)
    np.testing.assert_array_equal(first, train(0))
    assert not np.array_equal(first, train(1))


@pytest.mark.parametrize("name", ["CrossEntropy", "CrossEntropySingle"])
def test_cross_entropy_goes_through_the_same_interface(name, fast):
    model = getattr(mixednoise, name)(**fast, epochs=2).fit(coloured_dataset(60), progress=Silent())
    assert len(model.networks_) == (2 if name == "CrossEntropy" else 1)
    assert list(model.audit_.columns) == AUDIT_COLUMNS
    assert model.metrics_["last"]["accuracy"] > 0.3


def test_a_data_set_without_splits_gets_them_written_down(tmp_path, fast):
    model = mixednoise.CrossEntropySingle(**fast, epochs=1)
    model.fit(coloured_dataset(90, split=False), out=tmp_path / "run", progress=Silent())
    splits = pd.read_csv(tmp_path / "run" / "splits.csv")
    assert set(splits.split) == {"train", "val", "test"}
    assert len(splits) == 90


def test_two_classes_and_a_tiny_class(fast):
    model = mixednoise.QMix(**fast, epochs=3, warmup_epochs=1)
    model.fit(coloured_dataset(40, 2), progress=Silent())
    assert model.predict_proba(coloured_images(4, 2)[0]).shape == (4, 2)


def test_unfitted_models_say_so():
    with pytest.raises(ConfigError, match="not trained"):
        mixednoise.QMix().predict_proba(coloured_images(1)[0])


def test_wrong_inputs_say_what_was_expected(run):
    _, model = run
    with pytest.raises(DataError, match="wrong form"):
        model.predict_proba(np.zeros((2, 28, 28), np.float32))
    with pytest.raises(ConfigError, match="no weights"):
        model.predict_proba(coloured_images(1)[0], weights="first")
    with pytest.raises(DataError, match="read_dataset"):
        mixednoise.QMix().fit("labels.csv")


def test_options_are_shown_in_the_signature():
    import inspect

    parameters = inspect.signature(mixednoise.QMix).parameters
    assert {"epochs", "warmup_epochs", "lambda_c", "preset"} <= set(parameters)
    assert parameters["temperature"].default == 0.5
