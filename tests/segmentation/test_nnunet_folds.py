"""What the folders of nnU-Net's results tell of its folds."""

from __future__ import annotations

import json

import pytest

from mixednoise.errors import DataError
from mixednoise.segmentation.nnunet_folds import fold_judges, fold_of, learned_from, superfluous

DATA_SET = "Dataset004_Grain"


@pytest.fixture
def model(tmp_path):
    """A folder of results: a and b were judged by fold 0, c by fold 1."""
    root = tmp_path / "nnUNet_results" / DATA_SET / "nnUNetTrainer__nnUNetPlans__2d"
    for place in ("fold_0/validation/a", "fold_0/validation/b", "fold_1/validation/c"):
        path = root / f"{place}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    return root


def files(model):
    return {path.stem: path for path in model.rglob("*.npz")}


def splits(*train):
    return json.dumps([{"train": list(names), "val": []} for names in train])


def test_the_fold_stands_in_the_path(model, tmp_path):
    assert fold_judges(files(model)) == {"a": "0", "b": "0", "c": "1"}
    assert fold_of(tmp_path / "fold_all" / "validation" / "a.npz") == "all"
    for other in ("fold_0/a.npz", "fold_x/validation/a.npz", "fold_0/validation/deep/a.npz"):
        assert fold_of(tmp_path / other) is None
    linked = tmp_path / "gathered"
    linked.mkdir()
    (linked / "c.npz").symlink_to(model / "fold_1" / "validation" / "c.npz")
    assert fold_of(linked / "c.npz") == "1"
    stray = tmp_path / "d.npz"
    assert fold_judges(files(model) | {"d": stray}) is None


@pytest.mark.parametrize("place", ["model", "results", "preprocessed", "environment"])
def test_splits_tell_what_a_fold_has_learned_from(model, tmp_path, monkeypatch, place):
    folder = {
        "model": model,
        "results": model.parent,
        "preprocessed": tmp_path / "nnUNet_preprocessed" / DATA_SET,
        "environment": tmp_path / "elsewhere" / DATA_SET,
    }[place]
    monkeypatch.delenv("nnUNet_preprocessed", raising=False)
    if place == "environment":
        monkeypatch.setenv("nnUNet_preprocessed", str(folder.parent))
    assert learned_from(files(model)) == {}, "nobody tells"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "splits_final.json").write_text(splits("c", "ab"))
    assert learned_from(files(model)) == {}
    (folder / "splits_final.json").write_text(splits("bc", "ab"))
    assert learned_from(files(model)) == {"b": "fold_0"}
    (folder / "splits_final.json").write_text(splits("c"))
    assert learned_from(files(model)) == {}, "nnU-Net draws folds that the list lacks"


def test_fold_all_has_learned_from_every_case(model):
    (model / "fold_0").rename(model / "fold_all")
    assert learned_from(files(model)) == {"a": "fold_all", "b": "fold_all"}
    assert superfluous(model.parent) == [model / "fold_all"]
    (model / "fold_1" / "validation" / "c.npz").unlink()
    assert superfluous(model.parent) == [], "there is no other"


@pytest.mark.parametrize("content", ["{", "[3]", '[{"val": []}]', '{"train": ["a"]}'])
def test_damaged_splits(model, content):
    (model / "splits_final.json").write_text(content)
    with pytest.raises(DataError, match=r"splits_final.json can't be read\n  expected: nnU-Net"):
        learned_from(files(model))
