"""Decisions are kept at once, whatever happens to the process, the disk or the file."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from mixednoise.errors import ConfigError, RunError
from mixednoise.review.decisions import Decision, Decisions, OvertakenError
from mixednoise.review.log_file import transaction

# Prints a number once it is kept, and goes on until it is killed.
WRITER = """
import sys
from pathlib import Path
from mixednoise.review.decisions import Decisions
log = Decisions(Path(sys.argv[1]), "f")
for number in range(int(sys.argv[3])):
    log.record(f"s{number}", sys.argv[2], "keep")
    print(number, flush=True)
"""


@pytest.fixture
def log(tmp_path) -> Decisions:
    return Decisions(tmp_path / "decisions.sqlite", "f")


def again(log: Decisions) -> Decisions:
    """The same file, as another process finds it."""
    return Decisions(log.path, "f", read_only=True)


def writer(path: Path, reviewer: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path), reviewer, str(count)],
        stdout=subprocess.PIPE,
        text=True,
    )


@contextmanager
def no_writing(folder: Path):
    """A read-only disk: for root, who may write anywhere, as somebody else."""
    modes = {path: path.stat().st_mode for path in (folder, *folder.iterdir())}
    above = [path for path in folder.parents if path.stat().st_uid == os.getuid()]
    modes |= {path: path.stat().st_mode for path in above}
    folder.chmod(0o555)
    for path in folder.iterdir():
        path.chmod(0o444)
    for path in above:
        path.chmod(path.stat().st_mode | 0o055)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)
        for path, mode in modes.items():
            path.chmod(mode)


def test_a_decision_is_kept_as_it_was_taken(log):
    made = log.record("im1.png", " Ana ", "relabel", label="7", note="two lines\nof it")
    assert (made.id, made.reviewer, made.action, made.label) == ("im1.png", "Ana", "relabel", "7")
    assert made.note == "two lines\nof it"
    assert made.source == "review"
    assert made.at.endswith("+00:00")
    assert not made.undone
    assert again(log).standing() == [made]


def test_names_are_kept_whatever_is_in_them(log):
    names = ["007", "NA", "a'; DROP TABLE log; --", "Ä/ö\\", "\u202egnp.exe", "x" * 500]
    for name in names:
        log.record(name, name, "keep", note=name)
    assert [one.id for one in again(log).standing()] == names
    assert [one.reviewer for one in again(log).standing()] == names


def test_the_newest_decision_of_each_reviewer_stands(log):
    log.record("a", "Ana", "agree")
    second = log.record("a", "Ben", "exclude")
    third = log.record("a", "Ana", "keep")
    fourth = log.record("b", "Ana", "unsure")
    assert log.standing() == [second, third, fourth]
    assert log.standing("Ana") == [third, fourth]
    assert [one.action for one in log.log()] == ["agree", "exclude", "keep", "unsure"]


def test_undo_brings_back_what_was_replaced(log):
    first = log.record("a", "Ana", "agree")
    log.record("a", "Ana", "keep")
    other = log.record("a", "Ben", "exclude")
    taken = log.undo("Ana")
    assert taken is not None
    assert (taken.action, bool(taken.undone)) == ("keep", True)
    assert log.standing() == [first, other]
    assert log.undo("Ana").id == "a"
    assert log.undo("Ana") is None
    assert log.standing() == [other]
    assert len(log.log()) == 3


def test_undo_of_one_sample_leaves_newer_ones_alone(log):
    log.record("a", "Ana", "agree")
    newer = log.record("b", "Ana", "agree")
    assert log.undo("Ana", "a").id == "a"
    assert log.standing() == [newer]


def test_undo_takes_back_nothing_but_what_is_shown(log):
    shown = log.record("a", "Ana", "agree")
    newer = log.record("b", "Ana", "agree")
    assert log.undo("Ana", number=shown.number) is None
    assert log.standing() == [shown, newer]
    assert log.undo("Ana", number=newer.number).id == "b"


def test_a_decision_from_a_stale_page_is_refused(log):
    first = log.record("a", "Ana", "agree", replaces=0)
    with pytest.raises(OvertakenError, match="in another window"):
        log.record("a", "Ana", "exclude", replaces=0)
    assert log.standing() == [first]
    assert log.record("a", "Ana", "exclude", replaces=first.number).action == "exclude"
    # What others decide overtakes nobody.
    log.record("a", "Ben", "keep", replaces=0)


def test_since_tells_of_decisions_and_of_what_was_taken_back(log):
    first = log.record("a", "Ana", "agree")
    assert log.since(0) == [first]
    assert log.since(first.revision) == []
    second = log.record("b", "Ben", "keep")
    taken = log.undo("Ana")
    assert [one.number for one in log.since(first.revision)] == [second.number, first.number]
    assert log.since(second.revision) == [taken]
    assert log.since(taken.revision) == []


def test_many_are_kept_all_or_none(log):
    def made(action: str, label: str = "") -> Decision:
        return Decision(9, "a", "Ana", action, label, "", "fiftyone", "2026-01-02T03:04:05Z", "no")

    with pytest.raises(ConfigError):
        log.record_many([made("keep"), made("relabel")])
    assert log.log() == []
    assert log.record_many([made("keep"), made("relabel", "x")]) == 2
    kept = log.log()
    assert [(one.number, one.source, one.at, one.undone) for one in kept] == [
        (1, "fiftyone", "2026-01-02T03:04:05Z", ""),
        (2, "fiftyone", "2026-01-02T03:04:05Z", ""),
    ]
    assert [one.revision for one in kept] == [1, 2]


@pytest.mark.parametrize(
    ("reviewer", "action", "label", "problem"),
    [
        ("Ana", "delete", "", "there is no decision 'delete'"),
        ("  ", "keep", "", "a decision needs a reviewer"),
        ("Ana", "relabel", "", "relabel goes with a label"),
        ("Ana", "keep", "cataract", "keep goes with no label"),
    ],
)
def test_what_is_no_decision_is_refused(log, reviewer, action, label, problem):
    with pytest.raises(ConfigError, match=problem):
        log.record("a", reviewer, action, label=label)
    assert log.log() == []


def test_a_process_that_is_killed_loses_nothing(log):
    process = writer(log.path, "Ana", 10_000)
    told = [int(process.stdout.readline()) for _ in range(5)]
    process.send_signal(signal.SIGKILL)
    told += [int(line) for line in process.stdout.read().split()]
    process.wait()
    process.stdout.close()
    kept = [one.id for one in again(log).standing()]
    # What was said to be kept is there; one more may be, of which nothing was said.
    assert kept[: len(told)] == [f"s{number}" for number in told]
    assert len(kept) <= len(told) + 1
    log.record("after", "Ben", "keep")
    assert sqlite3.connect(log.path).execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_decision_is_on_the_disk_when_it_is_kept(log):
    """Loss of power can't be tried here: SQLite promises it for these two settings."""
    with transaction(log.path) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_processes_and_threads_write_at_the_same_time(log):
    processes = [writer(log.path, name, 25) for name in ("Ana", "Ben")]
    with ThreadPoolExecutor(3) as threads:
        list(threads.map(lambda k: log.record(f"t{k}", "Cem", "agree"), range(25)))
    for process in processes:
        assert len(process.communicate()[0].split()) == 25
    entries = log.log()
    assert len(entries) == 75
    assert sorted(one.revision for one in entries) == list(range(1, 76))
    assert {len(log.standing(name)) for name in ("Ana", "Ben", "Cem")} == {25}


def test_one_of_two_windows_wins(log):
    def decide(k: int) -> bool:
        try:
            log.record("a", "Ana", "keep", note=str(k), replaces=0)
        except OvertakenError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(decide, range(8))) == 1
    assert len(log.log()) == 1


def test_decisions_of_another_audit_are_left_alone(log):
    log.record("a", "Ana", "keep")
    before = log.path.read_bytes()
    with pytest.raises(RunError, match="belongs to another audit"):
        Decisions(log.path, "g")
    with pytest.raises(RunError, match="belongs to another audit"):
        Decisions(log.path, "g", read_only=True)
    assert log.path.read_bytes() == before
    assert len(again(log).standing()) == 1


def test_a_file_of_another_version_is_left_alone(log):
    with sqlite3.connect(log.path) as connection:
        connection.execute("UPDATE about SET value = '2' WHERE key = 'format'")
    connection.close()
    with pytest.raises(RunError, match="another version"):
        Decisions(log.path, "f")


def test_a_file_that_is_no_log_is_told_and_left_alone(tmp_path):
    path = tmp_path / "decisions.sqlite"
    path.write_bytes(b"no database at all" * 500)
    with pytest.raises(RunError, match="decisions can't be kept") as told:
        Decisions(path, "f")
    assert "put back a whole copy" in str(told.value)
    assert path.read_bytes() == b"no database at all" * 500


def test_a_damaged_log_is_told(log):
    some = Decision(0, "s", "Ana", "keep", "", "x" * 50, "review", "", "")
    log.record_many([some] * 200)
    content = bytearray(log.path.read_bytes())
    content[4096:8192] = b"\xff" * 4096
    log.path.write_bytes(content)
    with pytest.raises(RunError, match=r"malformed|not a database"):
        Decisions(log.path, "f").log()


def test_another_programs_database_gets_no_tables_of_ours(tmp_path):
    path = tmp_path / "decisions.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE birds (name TEXT)")
    with pytest.raises(RunError, match="something else, with birds"):
        Decisions(path, "f")
    tables = connection.execute("SELECT name FROM sqlite_master").fetchall()
    connection.close()
    assert tables == [("birds",)]


def test_reading_makes_no_file(tmp_path):
    with pytest.raises(RunError, match="nothing decided"):
        Decisions(tmp_path / "decisions.sqlite", "f", read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_a_read_only_disk_is_told_before_anybody_decides(tmp_path):
    folder = tmp_path / "audit"
    folder.mkdir()
    with no_writing(folder), pytest.raises(RunError, match="decisions can't be kept") as told:
        Decisions(folder / "decisions.sqlite", "f")
    assert "make the folder writable" in str(told.value)


def test_decisions_on_a_read_only_disk_can_be_read(tmp_path):
    folder = tmp_path / "audit"
    folder.mkdir()
    path = folder / "decisions.sqlite"
    Decisions(path, "f").record("a", "Ana", "keep")
    with no_writing(folder):
        assert [one.id for one in Decisions(path, "f", read_only=True).standing()] == ["a"]
        with pytest.raises(RunError, match="decisions can't be kept"):
            Decisions(path, "f")
