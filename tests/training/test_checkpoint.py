import numpy as np
import pytest
import torch

from mixednoise.errors import RunError, TrainingError
from mixednoise.training.checkpoint import (
    LAST,
    fingerprint,
    load_checkpoint,
    save_checkpoint,
)


def test_values_come_back_as_they_were(tmp_path):
    state = {
        "weights": {"a": torch.arange(3.0)},
        "memory": [{"means": np.arange(6.0).reshape(2, 3), "n": 4}, None],
        "history": [{"epoch": 1, "loss": float("nan")}],
        "best": float("-inf"),
        "scalar": np.float64(0.5),
    }
    save_checkpoint(tmp_path, state)
    back = load_checkpoint(tmp_path)
    assert torch.equal(back["weights"]["a"], torch.arange(3.0))
    np.testing.assert_array_equal(back["memory"][0]["means"], state["memory"][0]["means"])
    assert back["memory"][1] is None
    assert np.isnan(back["history"][0]["loss"])
    assert back["best"] == float("-inf")
    assert back["scalar"] == 0.5


def test_no_checkpoint_yet(tmp_path):
    assert load_checkpoint(tmp_path) is None


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "an empty file"),
        (b"not a checkpoint", "a file of another kind (16 bytes)"),
        (b"PK\x03\x04 truncated", "a file that was cut short (14 bytes are there)"),
    ],
)
def test_a_damaged_checkpoint_is_said_clearly(tmp_path, content, found):
    (tmp_path / LAST).write_bytes(content)
    with pytest.raises(RunError, match="can't be read") as caught:
        load_checkpoint(tmp_path)
    assert caught.value.found == found


def test_a_checkpoint_that_was_cut_short_or_changed_is_said_in_plain_words(tmp_path):
    save_checkpoint(tmp_path, {"weights": torch.arange(5000.0)})
    whole = (tmp_path / LAST).read_bytes()
    (tmp_path / LAST).write_bytes(whole[:-400])
    with pytest.raises(RunError, match="cut short"):
        load_checkpoint(tmp_path)
    at = whole.index(b"data.pkl") + 100
    (tmp_path / LAST).write_bytes(whole[:at] + b"\xff" * 20 + whole[at + 20 :])
    with pytest.raises(RunError, match="damaged inside"):
        load_checkpoint(tmp_path)


class Evil:
    def __reduce__(self):
        return (eval, ("__import__('pathlib').Path('harm').touch()",))


def test_code_in_a_checkpoint_is_never_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"format": 1, "x": Evil()}, tmp_path / LAST)
    with pytest.raises(RunError, match="can't be read") as caught:
        load_checkpoint(tmp_path)
    assert not (tmp_path / "harm").exists()
    assert caught.value.found == "a file that is damaged inside, or that another program wrote"


def test_another_version_is_said_clearly(tmp_path):
    torch.save({"format": 999}, tmp_path / LAST)
    with pytest.raises(RunError, match="another version"):
        load_checkpoint(tmp_path)


def test_a_failing_write_keeps_the_old_checkpoint(tmp_path, monkeypatch):
    save_checkpoint(tmp_path, {"epoch": 1})

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(TrainingError, match="No space left"):
        save_checkpoint(tmp_path, {"epoch": 2})
    assert load_checkpoint(tmp_path)["epoch"] == 1
    assert [p.name for p in tmp_path.iterdir()] == [LAST]


def test_fingerprint_tells_data_apart():
    a = fingerprint(["x", "y"], np.array([0, 1]))
    assert a == fingerprint(["x", "y"], np.array([0, 1]))
    assert a != fingerprint(["x", "y"], np.array([1, 0]))
