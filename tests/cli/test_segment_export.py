"""``mixednoise segment export``, ``report`` and ``compare``."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from segment_data import QUICK, calibrated, given, read

from mixednoise import read_nnunet
from mixednoise.cli import run


def export(folder, to, out, *more):
    command = ["segment", "export", str(folder / "run"), "--to", to, "--out", str(out)]
    return run([*command, *map(str, more)])


def judged(folder):
    """(name, given mask 0/1, suspected, class proposed) of every judged case, by hand."""
    for path in sorted((folder / "run" / "error_maps").glob("*.png")):
        probabilities = calibrated(folder / "run", path.stem)
        mask = read(folder / "data" / "masks" / path.name) // 255
        yield path.stem, mask, read(path) > 0, probabilities.argmax(0)


def test_corrected_masks(decoded, tmp_path, capsys):
    assert export(decoded, "masks", tmp_path / "out", "--json") == 0
    told = capsys.readouterr()
    answer = json.loads(told.out)
    cases = list(judged(decoded))
    assert answer["cases"] == len(cases)
    assert answer["flagged"] == sum(flagged.sum() for _, _, flagged, _ in cases)
    for name, mask, flagged, proposed in cases:
        corrected = read(tmp_path / "out" / "masks" / f"{name}.png")
        np.testing.assert_array_equal(corrected, 255 * np.where(flagged, proposed, mask))
    splits = pd.read_csv(decoded / "run" / "cases.csv")["split"]
    left = (splits != "train").sum()
    assert answer["not_exported"] == left
    assert f"not exported: {left} cases" in told.err


def test_nnunet_with_suspected_pixels_to_ignore(decoded, tmp_path):
    name = ["--dataset-number", 7, "--dataset-name", "Discs", "--quiet"]
    assert export(decoded, "nnunet", tmp_path / "raw", *name) == 0
    folder = tmp_path / "raw" / "Dataset007_Discs"
    found = read_nnunet(folder)
    assert found.class_names == ("background", "foreground")
    assert found.ignore_value == 2
    for case, mask, flagged, _ in judged(decoded):
        label = read(folder / "labelsTr" / f"{case}.png")
        np.testing.assert_array_equal(label, np.where(flagged, 2, mask))
    tests = pd.read_csv(decoded / "run" / "cases.csv").query("split == 'test'")["name"]
    assert {path.stem for path in (folder / "labelsTs").iterdir()} == set(tests)


def test_soft_targets(decoded, tmp_path):
    more = ["--epsilon", "0.5", "--towards", "probabilities", "--quiet"]
    assert export(decoded, "soft", tmp_path / "out", *more) == 0
    for name, mask, flagged, _ in judged(decoded):
        targets = np.load(tmp_path / "out" / "targets" / f"{name}.npy")
        probabilities = calibrated(decoded / "run", name)
        own = np.stack([1 - mask, mask]).astype(np.float32)
        expected = np.where(flagged, 0.5 * own + 0.5 * probabilities, own)
        np.testing.assert_allclose(targets, expected, atol=1e-3)


def test_the_report_again(decoded, tmp_path, capsys):
    assert run(["segment", "report", str(decoded / "run")]) == 2
    assert "--overwrite" in capsys.readouterr().err
    page = tmp_path / "page.html"
    assert run(["segment", "report", str(decoded / "run"), "--out", str(page), "--quiet"]) == 0
    assert page.read_text() == (decoded / "run" / "report.html").read_text()


@pytest.fixture(scope="module")
def compared(segmented, tmp_path_factory):
    """Two methods, one epoch, the cases of ``segmented``."""
    out = tmp_path_factory.mktemp("compared") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MIXEDNOISE_CACHE", str(segmented / "cache"))
        assert compare(segmented, out, "--quiet") == 0
    return out


def compare(folder, out, *more):
    truth = ["--truth", str(folder / "data" / "truth"), "--methods", "cross_entropy,cl_slsr,cl"]
    command = ["segment", "compare", *given(folder / "data", *truth), "--out", str(out)]
    return run([*command, *QUICK, "--test-fraction", "0.4", "--epochs", "1", *more])


def test_methods_are_scored_on_the_same_cases(compared):
    dice = {
        name: pd.read_csv(compared / name / "test_scores.csv").set_index("name")["dice"]
        for name in ("cross_entropy", "cl_slsr", "cl")
    }
    table = pd.read_csv(compared / "comparison.csv").query("`class` == 'all'")
    means = table.set_index("method")["dice"]
    paired = pd.read_csv(compared / "paired.csv").set_index("method")
    for name, scores in dice.items():
        assert list(scores.index) == list(dice["cross_entropy"].index)
        assert means[name] == pytest.approx(scores.mean())
    for name in ("cl_slsr", "cl"):
        difference = (dice[name] - dice["cross_entropy"]).mean()
        assert paired.loc[name, "difference"] == pytest.approx(difference)
    assert not (compared / "cl" / "round_1").exists(), "teachers are shared"
    page = (compared / "report.html").read_text()
    assert "cl_slsr, last" in page
    assert "cross_entropy, last" in page


def test_a_comparison_goes_on_where_it_was(decoded, compared, tmp_path, capsys):
    out = tmp_path / "out"
    shutil.copytree(compared, out)
    shutil.rmtree(out / "cl")
    before = (out / "cl_slsr" / "student.safetensors").stat().st_mtime_ns
    assert compare(decoded, out) == 2
    assert "exists already" in capsys.readouterr().err
    assert compare(decoded, out, "--resume", "--json") == 0
    told = capsys.readouterr()
    assert set(json.loads(told.out)["methods"]) == {"cross_entropy", "cl_slsr", "cl"}
    assert "cl_slsr: finished before" in told.err
    assert (out / "cl_slsr" / "student.safetensors").stat().st_mtime_ns == before
    assert (out / "cl" / "metrics.json").exists()
