"""A full disk, spent memory, Ctrl-C: one message, the right exit status, nothing half-written."""

from __future__ import annotations

import os
import signal
import time
from contextlib import contextmanager

import pytest
from bad_data import TINY, everything_in, refused

from mixednoise.cli import run

resource = pytest.importorskip("resource", reason="limits of file sizes are POSIX's")


@contextmanager
def files_end_at(size: int):
    """No file grows beyond this many bytes: for a writer, a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_no_room_for_decoded_images(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(tmp_path / "cache"))
    train = ["train", trained / "data", "--out", tmp_path / "run", *TINY]
    with files_end_at(30_000):  # 30 images of 28 x 28 x 3 bytes take 70,560
        said = refused(capsys, train, "disk is full", "0.1 MB", "MIXEDNOISE_CACHE", status=1)
    assert f"delete {tmp_path / 'cache' / 'stores'}" in said
    assert not (tmp_path / "run").exists()
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(trained / "run" / "config.yaml"))
    refused(capsys, train, "the cache for decoded images can't be used", "Not a directory")


def test_no_room_for_the_first_file_of_a_run(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(trained / "cache"))
    train = ["train", trained / "data", "--out", tmp_path / "run", *TINY]
    with files_end_at(100):
        refused(capsys, train, "can't write", "config.yaml", "free some space", status=1)
    assert not list(tmp_path.iterdir()), "the run never started"


@pytest.mark.parametrize("name", ["best.safetensors", "last.ckpt"])
def test_no_room_for_weights_and_going_on_when_there_is(
    trained, tmp_path, capsys, monkeypatch, name
):
    sizes = {p.name: p.stat().st_size for p in (trained / "run" / "checkpoints").iterdir()}
    assert sizes["best.safetensors"] < sizes["last.ckpt"]  # which holds the optimiser, too
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(trained / "cache"))
    out = tmp_path / "run"
    train = ["train", trained / "data", "--out", out, *TINY]
    with files_end_at(sizes[name] - 1000):
        said = refused(capsys, train, f"can't write {out / 'checkpoints' / name}", status=1)
    assert f"{out} keeps every finished epoch" in said
    assert not list(out.rglob(".*")), "no temporary file is left"
    assert not (out / "model.safetensors").exists()
    refused(capsys, train, "exists already", "a run that was interrupted", "by --resume")
    assert run([*map(str, train), "--resume", "--quiet"]) == 0
    assert (out / "model.safetensors").exists()


def test_no_room_for_results(trained, tmp_path, capsys):
    model, data = trained / "run", trained / "data"
    before = everything_in(trained)
    with files_end_at(400):
        for command in (["predict", model, data], ["corrupt", data]):
            refused(capsys, [*command, "--out", tmp_path / "x"], "can't write", status=1)
            assert not list(tmp_path.iterdir())
        capsys.readouterr()
        command = ["evaluate", str(model), str(data), "--out", str(tmp_path / "m.json")]
        assert run(command) == 1
    captured = capsys.readouterr()
    assert "macro_f1" in captured.out, "what was computed is not lost"
    assert "error: can't write" in captured.err
    assert not list(tmp_path.iterdir())
    assert everything_in(trained) == before


def test_no_memory(trained, tmp_path, capsys, monkeypatch):
    for error in (MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory: 9")):

        def fail(*_, error=error, **__):
            raise error

        monkeypatch.setattr("mixednoise.training.loop.Loop.fit", fail)
        out = tmp_path / type(error).__name__
        train = ["train", trained / "data", "--out", out, *TINY]
        refused(capsys, train, "not enough memory", "--batch-size", "--resume", status=1)


def test_a_bug_keeps_its_traceback(trained, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("a bug")

    monkeypatch.setattr("mixednoise.jobs.evaluate.evaluate_run", fail)
    with pytest.raises(RuntimeError, match="a bug"):
        run(["evaluate", str(trained / "run"), str(trained / "data")])


def press_ctrl_c(*_, **__):
    """The signal itself; Python's handler runs as soon as bytecode does."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(5)
    raise AssertionError("Ctrl-C was not noticed")


def interrupted(capsys, arguments, *words: str) -> None:
    capsys.readouterr()
    assert run([str(argument) for argument in arguments]) == 130
    said = capsys.readouterr().err
    assert said.splitlines()[-1].startswith("interrupted: "), said
    assert "Traceback" not in said
    assert "error" not in said
    for word in words:
        assert word in said, said


def test_ctrl_c_while_images_are_decoded(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mixednoise.workflow.prepare.PixelStore.build", press_ctrl_c)
    train = ["train", trained / "data", "--out", tmp_path / "run", *TINY]
    interrupted(capsys, train, "training had not begun")
    assert not list(tmp_path.iterdir())


def test_ctrl_c_while_training(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("MIXEDNOISE_CACHE", str(trained / "cache"))
    monkeypatch.setattr("mixednoise.training.loop.Loop._train", press_ctrl_c)
    train = ["train", trained / "data", "--out", tmp_path / "run", *TINY]
    interrupted(capsys, train, f"{tmp_path / 'run'} keeps every finished epoch", "--resume")


def test_ctrl_c_while_predicting_and_corrupting(trained, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("mixednoise.workflow.prediction.network_probabilities", press_ctrl_c)
    monkeypatch.setattr("mixednoise.noise.corrupt.write_csv", press_ctrl_c)
    model, data = trained / "run", trained / "data"
    for command in (["predict", model, data], ["corrupt", data]):
        interrupted(capsys, [*command, "--out", tmp_path / "x"], "nothing half-written")
        assert not list(tmp_path.iterdir()), "no result, no temporary file"


def test_ctrl_c_that_a_library_makes_an_error_of(trained, capsys, monkeypatch):
    def read(*_, **__):
        try:
            press_ctrl_c()
        except KeyboardInterrupt:
            raise ValueError("could not determine the shape") from None

    monkeypatch.setattr("mixednoise.models.weights.read_network_tensors", read)
    interrupted(capsys, ["evaluate", trained / "run", trained / "data"])
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler, "given back"


def test_a_reader_of_the_answer_that_goes_away(trained, capsys, monkeypatch):
    """``mixednoise evaluate ... | head``: no complaint."""
    ends = os.pipe()
    os.close(ends[0])

    class Stdout:
        encoding, errors = "utf-8", "strict"

        def write(self, text):
            return os.write(ends[1], text.encode())

        def flush(self):
            pass

        def isatty(self):
            return False

        def fileno(self):
            return ends[1]

    monkeypatch.setattr("sys.stdout", Stdout())
    assert run(["evaluate", str(trained / "run"), str(trained / "data"), "--quiet"]) == 1
    os.write(ends[1], b"goes nowhere, without an error")
    os.close(ends[1])
    assert capsys.readouterr().err == ""
