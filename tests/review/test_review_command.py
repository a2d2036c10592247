"""`mixednoise review`: from the command to the summary, and what goes wrong before."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from review_client import Client

from audit_folders import write_audit
from mask_audits import write_mask_audit
from mixednoise.cli import run
from mixednoise.jobs import review as job
from mixednoise.review.decisions import Decisions
from mixednoise.review.server import serve


@pytest.fixture
def folder(tmp_path):
    return write_audit(tmp_path / "audit")


def client_at(url: str) -> Client:
    port, key = int(url.rpartition(":")[2].partition("/")[0]), url.rpartition("=")[2]
    client = Client(SimpleNamespace(port=port, access=SimpleNamespace(key=key)))
    client.login()
    return client


@pytest.fixture
def during(monkeypatch):
    """Do something once the page is there, then press Ctrl-C."""

    def prepare(what, ends=signal.SIGINT):
        wrong = []
        started = job.review

        def review(*args, on_start, **options):
            def then(url: str) -> None:
                on_start(url)
                threading.Thread(target=act, args=(url,)).start()

            def act(url: str) -> None:
                try:
                    what(url)
                except BaseException as error:
                    wrong.append(error)
                finally:
                    os.kill(os.getpid(), ends)

            told = started(*args, on_start=then, **options)
            assert not wrong, wrong
            return told

        monkeypatch.setattr(job, "review", review)

    return prepare


def start(folder, *options: str) -> int:
    return run(["review", str(folder.path), "--no-browser", *options])


def refused(capsys, folder, *words: str, options: tuple[str, ...] = ()) -> str:
    assert start(folder, *options) == 2
    said = capsys.readouterr().err
    for word in words:
        assert word in said, said
    assert "Traceback" not in said
    return said


def test_ctrl_c_ends_it_with_a_summary(folder, during, capsys):
    def decide(url: str) -> None:
        client = client_at(url)
        client.decide(1, "agree")
        client.decide(1, "keep", reviewer="Ben")
        client.decide(6, "unsure")

    during(decide)
    assert start(folder, "--port", "0") == 0
    said = capsys.readouterr()
    lines = said.out.split("\n")
    assert lines[0].startswith("review page: http://127.0.0.1:")
    issues = int(folder.read_table()["is_label_issue"].sum())
    assert f"decided 2 of {issues} samples; by " in said.out
    assert "Ana 2, Ben 1" in said.out
    assert "1 with different opinions" in said.out
    assert "1 unsure" in said.out
    assert f"next: mixednoise apply {folder.path} --out corrected.csv" in said.out
    assert "Ctrl-C" in said.err


def test_a_polite_kill_ends_it_as_well(folder, during, capsys):
    during(lambda url: client_at(url).decide(1, "agree"), signal.SIGTERM)
    assert start(folder, "--port", "0", "--json", "--quiet") == 0
    said = capsys.readouterr()
    url, _, summary = said.out.partition("\n")
    assert json.loads(url)["url"].startswith("http://127.0.0.1:")
    told = json.loads(summary)
    assert (told["decided"], told["reviewers"]) == (1, {"Ana": 1})
    assert said.err == ""


def test_nothing_decided_names_no_next_command(folder, during, capsys):
    during(lambda url: None)
    assert start(folder, "--port", "0") == 0
    said = capsys.readouterr().out
    assert "decided 0 of" in said
    assert "next:" not in said


def test_masks_end_in_a_folder_of_masks(tmp_path, during, capsys):
    folder = write_mask_audit(tmp_path / "audit")
    during(lambda url: client_at(url).decide(0, "agree"))
    assert start(folder, "--port", "0") == 0
    assert f"next: mixednoise apply {folder.path} --out corrected\n" in capsys.readouterr().out


def test_two_of_one_folder_both_work_and_say_so(folder, during, capsys):
    with job.FileLock(folder.path / job.LOCK):
        during(lambda url: client_at(url).decide(1, "agree"))
        assert start(folder, "--port", "0") == 0
    said = capsys.readouterr()
    assert "another `mixednoise review` of" in said.err
    assert "decided 1 of" in said.out


def test_the_name_goes_to_the_page(folder, during):
    names = []
    during(lambda url: names.append(client_at(url).get("/api/about")["reviewer"]))
    assert start(folder, "--port", "0", "--reviewer", " Dr.  Ana ") == 0
    assert names == ["Dr. Ana"]


def test_a_port_in_use_is_told_with_a_free_one(folder, capsys):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        said = refused(capsys, folder, f"port {port} is in use", "--port 0",
                       options=("--port", str(port)))  # fmt: skip
    free = int(said.partition("such as --port ")[2].partition(",")[0])
    with socket.create_server(("127.0.0.1", free)):
        pass


def test_the_usual_port_in_use_is_no_error(folder, during, capsys, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as other:
        usual = other.getsockname()[1]
        monkeypatch.setattr(serve, "DEFAULT_PORT", usual)
        ports = []
        during(lambda url: ports.append(client_at(url).server.port))
        assert start(folder) == 0
        assert ports[0] != usual
        assert f"port {usual} is in use: this page is on port {ports[0]}" in capsys.readouterr().err


def test_a_folder_without_an_audit(tmp_path, capsys):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("format: 1\n")
    for name in ("run", "none"):
        folder = SimpleNamespace(path=tmp_path / name)
        refused(capsys, folder, "holds no audit", "mixednoise audit")


def test_a_data_set_that_has_moved(folder, tmp_path, capsys):
    (tmp_path / "audit_data").rename(tmp_path / "moved")
    refused(capsys, folder, "no longer where", f"no folder {tmp_path / 'audit_data'}",
            "--image-root FOLDER")  # fmt: skip
    empty = tmp_path / "empty"
    empty.mkdir()
    refused(capsys, folder, "are not below", str(empty), options=("--image-root", str(empty)))


def test_decisions_of_another_set(folder, capsys):
    Decisions(folder.decisions, "another")
    before = folder.decisions.read_bytes()
    refused(capsys, folder, "belongs to another audit", "nothing was changed")
    assert folder.decisions.read_bytes() == before


def test_a_file_that_holds_no_decisions(folder, capsys):
    folder.decisions.write_text("birds")
    refused(capsys, folder, "decisions can't be kept", "not a database")


def test_a_disk_that_can_not_be_written(folder, capsys, monkeypatch):
    def connect(*args, **options):
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr("mixednoise.review.log_file.sqlite3.connect", connect)
    refused(capsys, folder, "readonly", "make the folder writable")


def test_a_name_that_is_none(folder, capsys):
    refused(capsys, folder, "no name of a reviewer", options=("--reviewer", "x" * 80))
    assert not folder.decisions.exists()


def test_packages_that_are_not_installed(folder, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    refused(capsys, folder, "two more packages", 'pip install "mixednoise[review]"', "uvicorn")


def test_a_browser_is_opened_with_a_key_that_works_once(folder, during, monkeypatch):
    """Everybody on the machine can see the command line of a browser."""
    opened: list[str] = []
    there = threading.Event()

    def open_browser(url: str) -> None:
        opened.append(url)
        there.set()

    monkeypatch.setattr("webbrowser.open", open_browser)
    monkeypatch.setenv("DISPLAY", ":0")

    def look(url: str) -> None:
        assert there.wait(10)
        assert opened[0] != url
        client = client_at(url)
        once = opened[0].rpartition("/")[2]
        assert client_at(opened[0]).get("/api/about")["samples"] == 12
        client.cookie = ""
        assert client.ask("GET", f"/{once}").status == 401

    during(look)
    assert run(["review", str(folder.path), "--port", "0"]) == 0


def test_no_browser_where_there_is_no_screen(folder, during, monkeypatch):
    if sys.platform in ("darwin", "win32"):
        pytest.skip("this system always has a screen")
    monkeypatch.setattr("webbrowser.open", lambda url: pytest.fail("opened"))
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    during(lambda url: None)
    assert run(["review", str(folder.path), "--port", "0"]) == 0


def test_nothing_is_left_behind_but_the_decisions(folder, during):
    before = {path.name for path in folder.path.iterdir()}
    during(lambda url: client_at(url).decide(0, "keep"))
    assert start(folder, "--port", "0") == 0
    assert {path.name for path in Path(folder.path).iterdir()} == before | {"decisions.sqlite"}
