"""The commands as a user types them: exit status, files, messages."""

import json
import os
import signal
import subprocess
import sys
import time

import cv2
import numpy as np
import pandas as pd
import pytest

from mixednoise.cli import run
from tiny_data import coloured_images

FAST = ["--backbone", "resnet10_tiny", "--image-size", "28", "--batch-size", "16", "--device",
        "cpu", "--quiet"]  # fmt: skip
NAMES = np.array(["red", "green", "blue"])


@pytest.fixture
def data(tmp_path):
    """60 PNGs and a labels.csv with patients."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    images, classes = coloured_images(60)
    for i, image in enumerate(images):
        cv2.imwrite(str(folder / "images" / f"im{i:03d}.png"), image[..., ::-1])
    table = pd.DataFrame(
        {
            "image": [f"im{i:03d}.png" for i in range(60)],
            "label": NAMES[classes],
            "patient": [f"p{i // 3:02d}" for i in range(60)],
        }
    )
    table.to_csv(folder / "labels.csv", index=False)
    return folder


def train(data, out, *more):
    return run(
        ["train", str(data / "labels.csv"), "--out", str(out), "--method", "cross_entropy_single",
         "--epochs", "2", *FAST, *more]
    )  # fmt: skip


def test_train_evaluate_predict(data, tmp_path, capsys):
    out = tmp_path / "run"
    assert train(data, out, "--group-column", "patient", "--json") == 0
    metrics = json.loads(capsys.readouterr().out)
    assert metrics == json.loads((out / "metrics.json").read_text())

    labels = str(data / "labels.csv")
    result = tmp_path / "evaluated.json"
    assert (
        run(["evaluate", str(out), labels, "--split", "test", "--out", str(result), "--quiet"]) == 0
    )
    evaluated = json.loads(result.read_text())
    # the same images, decoded again: the same figures
    assert evaluated["last"]["accuracy"] == pytest.approx(metrics["last"]["accuracy"])
    assert evaluated["last"]["macro_auc"] == pytest.approx(metrics["last"]["macro_auc"], abs=1e-6)

    predictions = tmp_path / "predictions.csv"
    (data / "images" / "broken.png").write_bytes(b"not an image")
    assert (
        run(["predict", str(out), str(data / "images"), "--out", str(predictions), "--quiet"]) == 0
    )
    table = pd.read_csv(predictions)
    assert list(table.columns) == [
        "id", "predicted_label", "entropy", "p_blue", "p_green", "p_red",
    ]  # fmt: skip
    assert len(table) == 60
    np.testing.assert_allclose(
        table.filter(like="p_").drop(columns="predicted_label", errors="ignore").sum(axis=1),
        1,
        atol=1e-4,
    )
    unreadable = pd.read_csv(tmp_path / "predictions.unreadable.csv")
    assert unreadable.id.tolist() == ["broken.png"]


def test_patients_never_cross_a_split(data, tmp_path):
    assert train(data, tmp_path / "run", "--group-column", "patient") == 0
    splits = pd.read_csv(tmp_path / "run" / "splits.csv")
    assert splits.groupby("group").split.nunique().max() == 1


def test_nothing_is_overwritten_without_being_asked(data, tmp_path, capsys):
    out = tmp_path / "run"
    assert train(data, out) == 0
    before = (out / "model.safetensors").read_bytes()
    assert train(data, out) == 2
    assert "exists already" in capsys.readouterr().err
    assert (out / "model.safetensors").read_bytes() == before
    assert train(data, out, "--overwrite") == 0


def test_overwrite_does_not_touch_a_folder_that_is_no_run(data, tmp_path, capsys):
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    assert train(data, precious, "--overwrite") == 2
    assert "not a run folder" in capsys.readouterr().err
    assert (precious / "thesis.txt").read_text() == "years of work"


def test_corrupt_writes_input_for_train(data, tmp_path):
    noisy = tmp_path / "noisy"
    status = run(
        ["corrupt", str(data / "labels.csv"), "--out", str(noisy), "--mis-h", "0.3", "--mis-l",
         "0.2", "--quiet", "--group-column", "patient"]
    )  # fmt: skip
    assert status == 0
    table = pd.read_csv(noisy / "labels.csv")
    assert {"image", "label", "split", "true_label", "noise_group"} <= set(table.columns)
    assert (noisy / "corruption.json").exists()
    # what was said of the clean table is true of this one, too
    assert table["patient"].tolist() == table["group"].tolist()
    assert train(noisy, tmp_path / "run", "--group-column", "patient") == 0
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(metrics["separation"]) >= {"correct_auroc", "mis_l_auroc"}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--label-column", "lable"], ["lable", "label"]),
        (["--method", "qmics"], ["no method", "qmix"]),
        (["--set", "lamda_c=1"], ["lamda_c"]),
        (["--set", "separation.memry=1"], ["separation"]),
        (["--backbone", "resnet19"], ["resnet19", "resnet18"]),
        (["--device", "cuda:9"], ["cuda:9", "cpu"]),
        (["--epochs", "0"], ["epochs"]),
        (["--classes", "red,green"], ["blue"]),
    ],
)
def test_wrong_use_is_one_message_and_status_2(data, tmp_path, capsys, arguments, words):
    out = tmp_path / "run"
    command = ["train", str(data / "labels.csv"), "--out", str(out), *FAST, *arguments]
    assert run(command) == 2
    captured = capsys.readouterr()
    assert all(word in captured.err for word in words), captured.err
    assert "Traceback" not in captured.err
    assert not out.exists(), "nothing is written for a run that never started"


def test_usage_errors_have_status_2(capsys):
    assert run(["train"]) == 2
    assert run(["no-such-command"]) == 2
    assert run(["train", "x", "--out", "y", "--no-such-option"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_missing_data_and_missing_run(tmp_path, capsys):
    assert run(["train", str(tmp_path / "none.csv"), "--out", str(tmp_path / "run")]) == 2
    assert run(["predict", str(tmp_path / "none"), str(tmp_path), "--out", "x.csv"]) == 2
    assert run(["evaluate", str(tmp_path), str(tmp_path), "--split", "test"]) == 2
    text = capsys.readouterr().err
    assert text.count("error:") == 3
    assert "Traceback" not in text


def test_every_command_has_help_with_an_example():
    for command in ("train", "evaluate", "predict", "corrupt", "demo"):
        done = subprocess.run(
            [sys.executable, "-m", "mixednoise", command, "--help"],
            capture_output=True, text=True, check=True, env=os.environ | {"COLUMNS": "100"},
        )  # fmt: skip
        assert "Example:" in done.stdout


def test_ctrl_c_has_status_130_and_says_how_to_resume(data, tmp_path):
    out = tmp_path / "run"
    command = [
        sys.executable, "-m", "mixednoise", "train", str(data / "labels.csv"), "--out", str(out),
        "--method", "cross_entropy_single", "--epochs", "500", *FAST,
    ]  # fmt: skip
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    checkpoint = out / "checkpoints" / "last.ckpt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "--resume" in err
    assert "Traceback" not in err
    assert checkpoint.exists()


def test_quiet_says_nothing_but_the_answer(data, tmp_path, capfd):
    assert train(data, tmp_path / "run", "--json") == 0
    captured = capfd.readouterr()
    assert json.loads(captured.out)
    assert captured.err == ""


def test_help_is_fast_enough_to_be_used():
    """No clock here (a busy machine would decide): what makes it slow is not imported."""
    code = (
        "import sys; from mixednoise.cli import run; run(['--help']);"
        "sys.exit(', '.join({'torch','pandas','numpy','monai','cv2'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
