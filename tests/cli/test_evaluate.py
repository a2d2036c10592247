"""``mixednoise evaluate``: last and best networks on images that are decoded once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from bad_data import CLASSES, SIZE, TINY, write_data

import mixednoise
from mixednoise.cli import run
from mixednoise.data import prepare
from mixednoise.models import load_networks, save_networks


@pytest.fixture
def two_models(trained, tmp_path) -> Path:
    """A run whose best networks always say green, whatever the last ones say."""
    folder = Path(shutil.copytree(trained / "run", tmp_path / "run"))
    networks, metadata = load_networks(folder / "model_best.safetensors")
    green = list(metadata["classes"]).index("green")
    for network in networks:
        with torch.no_grad():
            network.classifier.bias.copy_(50.0 * torch.eye(3)[green])
    save_networks(folder / "model_best.safetensors", networks, metadata)
    return folder


def test_every_image_is_decoded_once_for_both(two_models, trained, capsys, monkeypatch):
    decoded = []

    def counting(path, *arguments, **options):
        decoded.append(Path(path).name)
        return prepare.prepare_file(path, *arguments, **options)

    monkeypatch.setattr("mixednoise.workflow.prediction.prepare_file", counting)
    command = ["evaluate", str(two_models), str(trained / "data"), "--split", "all", "--json"]
    assert run([*command, "--quiet"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert sorted(decoded) == [f"im{i:03d}.png" for i in range(SIZE)]

    dataset = mixednoise.read_dataset(trained / "data")
    names = [dataset.class_names[label] for label in dataset.labels]
    model = mixednoise.load(two_models)
    for weights in ("last", "best"):
        right = model.predict(dataset, weights=weights) == names
        assert result[weights]["accuracy"] == pytest.approx(right.mean())
    assert result["best"]["accuracy"] == pytest.approx(1 / 3), "all green"
    assert sum(row[1] for row in result["confusion"]["best"]) == SIZE


def test_kappa_is_told_of_grades_alone(trained, tmp_path, capsys):
    evaluate = ["evaluate", str(trained / "run"), str(trained / "data"), "--quiet"]
    assert run([*evaluate, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["last"]["qwk"] is None
    assert result["intervals"]["last"]["qwk"] == [None, None]
    assert run(evaluate) == 0
    shown = capsys.readouterr().out
    assert "qwk" not in shown
    assert "macro_f1" in shown

    out = tmp_path / "graded"
    train = ["train", trained / "data", "--out", out, *TINY, "--classes", ",".join(CLASSES)]
    assert run([*map(str, train), "--ordinal", "--quiet"]) == 0
    assert "QWK" in capsys.readouterr().out
    assert run(["evaluate", str(out), str(trained / "data"), "--quiet"]) == 0
    assert "qwk" in capsys.readouterr().out


def test_kappa_is_not_shown_after_training_on_names(trained, tmp_path, capsys):
    write_data(tmp_path / "data")
    train = ["train", tmp_path / "data", "--out", tmp_path / "run", *TINY, "--quiet"]
    assert run([*map(str, train)]) == 0
    shown = capsys.readouterr().out
    assert "QWK" not in shown
    assert "macro-F1" in shown
