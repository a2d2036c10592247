"""The table in memory: order, filters, lists, neighbours, caches."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from audit_folders import write_audit
from mixednoise.audit.folder import Manifest
from mixednoise.errors import RunError
from mixednoise.review.decisions import Decisions
from mixednoise.review.server.board import Board
from mixednoise.review.server.cache import ByteCache
from mixednoise.review.server.filters import Filter, window
from mixednoise.review.server.neighbours import Neighbours
from mixednoise.review.server.samples import Samples


def manifest(n: int, **more) -> Manifest:
    values = {"data": "d", "method": "qmix", "classes": ["normal", "cataract"], "images": n}
    return Manifest(**values | {"fingerprint": "f"} | more)


def samples(**columns) -> Samples:
    n = len(next(iter(columns.values())))
    table = pd.DataFrame({"id": [f"s{row}" for row in range(n)]} | columns)
    return Samples(table, manifest(n))


def rows(chosen: Filter, found: Samples, board: Board | None = None) -> list[int]:
    mask = chosen.among(found) if board is None else chosen.listed(found, board, "Ana")
    return np.flatnonzero(mask).tolist()


def test_issues_come_first_worst_labels_first():
    found = samples(
        is_label_issue=[False, True, False, True, True, False],
        label_quality=[0.1, 0.4, np.nan, np.nan, 0.2, 0.1],
    )
    assert found.order.tolist() == [4, 1, 3, 0, 5, 2]
    assert found.place[found.order].tolist() == list(range(6))


def test_the_truth_is_not_told_to_reviewers(tmp_path):
    folder = write_audit(tmp_path / "audit", truth=True)
    found = Samples(folder.read_table(), folder.read_manifest())
    told = str([found.full(row) for row in range(len(found))])
    assert "given" in told
    assert "true_label" not in told
    assert "noise_group" not in told


def test_filters_choose_by_what_is_in_the_table():
    found = samples(
        is_label_issue=[True, True, False, False],
        group=["mis_h", "mis_l", "correct", ""],
        given_label=["normal", "cataract", "normal", "normal"],
        suggested_label=["cataract", "", "normal", "normal"],
        split=["train", "train", "train", "test"],
        reasons=["dark; predicted X", "same image as s3 with another label (a)", "", "noisy; dark"],
        patient=["p1", "p2", "p1", "Q9"],
        same_as=["", "s3", "", ""],
    )
    assert rows(Filter(), found) == [0, 1, 2, 3]
    assert rows(Filter(scope="issues"), found) == [0, 1]
    assert rows(Filter(facets=(("group", "mis_l"),)), found) == [1]
    assert rows(Filter(facets=(("suggested_label", ""),)), found) == [1]
    assert rows(Filter(facets=(("given_label", "normal"), ("split", "test"))), found) == [3]
    assert rows(Filter(facets=(("given_label", "glaucoma"),)), found) == []
    assert rows(Filter(fault="dark"), found) == [0, 3]
    assert rows(Filter(fault="duplicate"), found) == [1, 3]
    assert rows(Filter(fault="birds"), found) == []
    assert rows(Filter(words="DARK noisy"), found) == [3]
    assert rows(Filter(words="q9"), found) == [3]
    assert rows(Filter(words="s2"), found) == [2]
    assert found.facets()["fault"] == [("dark", 2), ("noisy", 1), ("duplicate", 2)]
    assert found.facets()["given_label"] == [("normal", 3), ("cataract", 1)]


def test_filters_choose_by_what_was_decided(tmp_path):
    found = samples(given_label=["a"] * 5, suggested_label=["b"] * 5)
    log = Decisions(tmp_path / "d.sqlite", "f")
    board = Board(log, found)
    log.record("s0", "Ana", "agree")
    log.record("s1", "Ana", "unsure")
    log.record("s1", "Ben", "keep")
    log.record("s2", "Ben", "agree")
    last = log.record("s0", "Ben", "keep")
    board.refresh()
    assert rows(Filter(status="all"), found, board) == [0, 1, 2, 3, 4]
    assert rows(Filter(status="open"), found, board) == [2, 3, 4]
    assert rows(Filter(status="mine"), found, board) == [0, 1]
    assert rows(Filter(status="unsure"), found, board) == [1]
    assert rows(Filter(status="untouched"), found, board) == [3, 4]
    assert rows(Filter(status="differing"), found, board) == [0]
    # What is decided from now on stays in the list, so that there is a way back.
    log.record("s4", "Ana", "keep")
    log.record("s3", "Ben", "keep")
    board.refresh()
    assert rows(Filter(status="open", since=last.revision), found, board) == [2, 3, 4]
    assert rows(Filter(status="open"), found, board) == [2, 3]


def test_the_board_follows_what_others_decide_and_take_back(tmp_path):
    found = samples(given_label=["a"] * 3, suggested_label=["b"] * 3)
    ours, theirs = (Decisions(tmp_path / "d.sqlite", "f") for _ in range(2))
    board = Board(ours, found)
    first = theirs.record("s1", "Ben", "agree")
    theirs.record("elsewhere", "Ben", "agree")
    second = theirs.record("s1", "Ben", "exclude")
    board.refresh()
    assert board.standing(1) == [second]
    assert board.changed_since(0) == [1]
    assert board.changed_since(second.revision) == []
    ours.record("s1", "Ana", "keep")
    board.refresh()
    assert board.differs(1)
    everything = np.ones(3, bool)
    assert board.progress(everything, "Ana") == {
        "total": 3, "mine": 1, "anybody": 1, "differing": 1,
        "reviewers": [{"name": "Ben", "decided": 1}, {"name": "Ana", "decided": 1}],
    }  # fmt: skip
    before = board.revision
    assert theirs.undo("Ben").number == second.number
    assert theirs.undo("Ben", "s1").number == first.number
    board.refresh()
    assert [one.reviewer for one in board.standing(1)] == ["Ana"]
    assert not board.differs(1)
    assert board.changed_since(before) == [1]
    # Another server that starts now comes to the same.
    assert Board(theirs, found).standing(1) == board.standing(1)
    assert board.last("Ana").id == "s1"
    assert board.last("Ben") is None


def test_a_window_of_the_list_around_a_sample():
    found = samples(label_quality=[0.5, 0.1, 0.4, 0.2, 0.3], is_label_issue=[True] * 5)
    everything = np.ones(5, bool)
    start = window(found, everything, before=1, after=2)
    assert (start.rows, start.first, start.total) == ([1, 3], 0, 5)
    middle = window(found, everything, around=4, before=1, after=1)
    assert (middle.rows, middle.first, middle.at, middle.listed) == ([3, 4, 2], 1, 2, True)
    # A sample that is not in the list any more still has a place in it.
    mask = everything.copy()
    mask[4] = False
    gone = window(found, mask, around=4, before=1, after=1)
    assert (gone.rows, gone.first, gone.at, gone.listed) == ([3, 2], 1, 2, False)
    end = window(found, everything, around=0, before=0, after=9)
    assert (end.rows, end.at) == ([0], 4)
    assert window(found, ~everything, around=0).rows == []


@pytest.mark.parametrize("count", [3, 40])
def test_neighbours_are_those_of_a_plain_search(tmp_path, monkeypatch, count):
    rng = np.random.default_rng(0)
    features = rng.normal(size=(40, 8))
    features[7] = 0
    features[11] = features[3]
    features /= np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    np.save(tmp_path / "f.npy", features.astype(np.float16))
    monkeypatch.setattr("mixednoise.review.server.neighbours._CHUNK", 9)
    found = Neighbours(tmp_path / "f.npy", 40).of(3, count)
    stored = features.astype(np.float16).astype(np.float64)
    wanted = stored @ stored[3]
    wanted[3] = -np.inf
    assert [row for row, _ in found][:3] == np.argsort(-wanted)[:3].tolist()
    assert len(found) == min(count, 39)
    assert found[0][0] == 11
    np.testing.assert_allclose([value for _, value in found], np.sort(wanted)[::-1][: len(found)],
                               atol=2e-3)  # fmt: skip
    assert Neighbours(tmp_path / "f.npy", 40).of(7, 3) == []


def test_features_of_another_table_are_refused(tmp_path):
    np.save(tmp_path / "f.npy", np.zeros((4, 2), np.float16))
    with pytest.raises(RunError, match="does not belong"):
        Neighbours(tmp_path / "f.npy", 5)
    (tmp_path / "g.npy").write_bytes(b"nothing")
    with pytest.raises(RunError, match="can't be read"):
        Neighbours(tmp_path / "g.npy", 5)


def test_a_cache_keeps_what_was_asked_for_last_within_its_limit():
    made: list[str] = []

    def make(name: str) -> bytes:
        made.append(name)
        return bytes(40)

    cache = ByteCache(100, len)
    for name in ("a", "b", "a", "c", "a", "b"):
        cache.get(name, lambda name=name: make(name))
    # b went when c came: a had been asked for later.
    assert made == ["a", "b", "c", "b"]
    assert cache.bytes == 80
    cache.get("huge", lambda: bytes(101))
    assert cache.bytes == 80
