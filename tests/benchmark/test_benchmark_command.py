"""The command itself, with real training in processes of their own."""

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from mixednoise.cli.app import app
from tiny_data import coloured_images

MATRIX = """
[options]
backbone = "resnet10_tiny"
image_size = 28
epochs = 1
[data.colours]
path = "colours.npz"
[noise.none]
[noise.half]
mis_h = 0.5
[methods.cross_entropy_single]
[methods.oracle]
method = "cross_entropy_single"
oracle = true
"""


@pytest.fixture
def folder(tmp_path):
    parts = {}
    for seed, (split, n) in enumerate({"train": 30, "val": 15, "test": 15}.items()):
        images, labels = coloured_images(n, seed=seed)
        parts |= {f"{split}_images": images, f"{split}_labels": labels[:, None]}
    np.savez(tmp_path / "colours.npz", **parts)
    (tmp_path / "matrix.toml").write_text(MATRIX)
    return tmp_path


def test_a_benchmark_from_file_to_table(folder):
    words = ["benchmark", str(folder / "matrix.toml"), "--out", str(folder / "out"), "--quiet"]
    done = CliRunner().invoke(app, [*words, "--only", "half"])
    assert done.exit_code == 0, done.output
    rows = pd.read_csv(folder / "out" / "rows.csv")
    assert rows.method.tolist() == ["cross_entropy_single", "oracle"]
    assert rows[["macro_f1_last", "val_macro_f1_best", "seconds"]].notna().all(axis=None)
    assert rows.loc[0, "correct_auroc"] >= 0
    assert np.isnan(rows.loc[1, "correct_auroc"])  # nothing wrong is left to tell apart
    assert "| oracle |" in done.output
    again = CliRunner().invoke(app, [*words, "--only", "half"])
    assert again.exit_code == 0
    assert pd.read_csv(folder / "out" / "rows.csv").equals(rows)


def test_a_wrong_matrix_is_bad_input(folder):
    (folder / "matrix.toml").write_text(MATRIX.replace("epochs = 1", "epoch = 1"))
    done = CliRunner().invoke(
        app, ["benchmark", str(folder / "matrix.toml"), "--out", str(folder / "out")]
    )
    assert done.exit_code == 2
    assert not (folder / "out").exists()
