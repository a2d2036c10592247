"""Spent memory is one error that says what to do, wherever it runs out."""

import errno

import pytest
import torch

import mixednoise
from mixednoise.errors import ConfigError, TrainingError
from mixednoise.memory import memory_told, out_of_memory
from mixednoise.progress import Silent
from tiny_data import FAST, coloured_dataset, coloured_images

SPENT = {
    "python": MemoryError(),
    "torch": torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    "cpu": RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 9\nframe #0"),
    "system": OSError(errno.ENOMEM, "Cannot allocate memory"),
}
OTHERS = [RuntimeError("shape mismatch"), OSError(errno.ENOSPC, "No space left"), KeyError("x")]


def failing(error):
    def fail(*_, **__):
        raise error

    return fail


@pytest.mark.parametrize("error", SPENT.values(), ids=SPENT)
def test_fit_and_predict_say_what_to_do(error, monkeypatch):
    model = mixednoise.CrossEntropySingle(**FAST, epochs=1).fit(
        coloured_dataset(40), progress=Silent()
    )
    spent = failing(error)
    monkeypatch.setattr("mixednoise.workflow.prediction.network_probabilities", spent)
    monkeypatch.setattr("mixednoise.training.loop.Loop.fit", spent)
    images = coloured_images(4)[0]
    for use in (
        lambda: model.predict_proba(images),
        lambda: model.predict(images),
        lambda: list(model.predict_stream(model.image_batches(images))),
        lambda: model.fit(coloured_dataset(40), progress=Silent()),
    ):
        with pytest.raises(TrainingError, match="not enough memory") as caught:
            use()
        assert caught.value.__cause__ is error
        assert "batch_size" in caught.value.fix
        assert "frame #0" not in str(caught.value)


@pytest.mark.parametrize("error", OTHERS, ids=lambda error: type(error).__name__)
def test_other_errors_stay_what_they_are(error):
    with pytest.raises(type(error)) as caught, memory_told():
        raise error
    assert caught.value is error


def test_errors_of_ours_are_not_told_twice():
    quoting = TrainingError("out of memory", expected="a", found="b", fix="c")
    assert out_of_memory(quoting) is None
    with pytest.raises(ConfigError, match="no weights"), memory_told():
        raise ConfigError("no weights", expected="a", found="b", fix="c")
