"""What the page asks for, and what it gets."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from review_client import Client, client_of, serving

from audit_folders import write_audit
from mixednoise.audit.located import digest_of_files
from mixednoise.errors import DataError, RunError
from mixednoise.io import write_csv
from mixednoise.progress import Silent
from mixednoise.review.decisions import Decisions
from mixednoise.review.server.room import open_room

N = 24


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_audit(tmp_path_factory.mktemp("review") / "audit", n=N)


@pytest.fixture(scope="module")
def server(folder):
    with serving(folder, reviewer="Dr. Ana") as server:
        yield server


@pytest.fixture
def client(server, folder):
    """A new page; the decisions of the test before are taken back."""
    log = Decisions(folder.decisions, folder.read_manifest().fingerprint)
    for name in {one.reviewer for one in log.standing()}:
        while log.undo(name):
            pass
    client = Client(server)
    client.login()
    return client


def image_file(folder, row: int) -> Path:
    return Path(folder.read_images()["path"][row])


def test_what_is_reviewed(client, folder):
    told = client.get("/api/about")
    table = folder.read_table()
    assert told["kind"] == "classification"
    assert told["classes"] == ["normal", "cataract"]
    assert (told["samples"], told["issues"]) == (N, int(table["is_label_issue"].sum()))
    assert told["reviewer"] == "Dr. Ana"
    assert told["neighbours"] is True
    assert dict(told["facets"]["split"]) == table["split"].value_counts().to_dict()
    assert told["next"] == f"mixednoise apply {folder.path} --out corrected.csv"


def test_the_list_is_in_order_and_in_pages(client, folder):
    table = folder.read_table()
    wanted = [
        *table[table["is_label_issue"]].sort_values("label_quality", kind="stable").index,
        *table[~table["is_label_issue"]].sort_values("label_quality", kind="stable").index,
    ]
    first = client.get("/api/queue?after=5")
    assert [one["row"] for one in first["samples"]] == wanted[:5]
    assert first["total"] == N
    page = client.get(f"/api/queue?around={wanted[7]}&before=2&after=3")
    assert [one["row"] for one in page["samples"]] == wanted[5:11]
    assert (page["first"], page["at"], page["listed"]) == (5, 7, True)
    issues = client.get("/api/queue?scope=issues&after=100")
    assert all(one["issue"] for one in issues["samples"])


def test_everything_about_a_sample(client, folder):
    table = folder.read_table()
    told = client.get("/api/sample/1")
    row = table.iloc[1]
    assert told["id"] == row["id"]
    assert (told["given"], told["suggested"]) == (row["given_label"], row["suggested_label"])
    assert "; ".join(told["reasons"]) == row["reasons"]
    assert told["numbers"]["p_mis_h"] == pytest.approx(row["p_mis_h"])
    assert told["numbers"]["image_quality"] == pytest.approx(row["image_quality"])
    partner = table.index[(table["patient"] == row["patient"]) & (table["id"] != row["id"])]
    assert [one["row"] for one in told["same_patient"]] == partner.tolist()
    assert told["decisions"] == []
    # The two rows that hold the same image know of each other.
    twin = int(table.index[table["same_as"] == table["id"][0]][0])
    assert [one["row"] for one in client.get("/api/sample/0")["same_image"]] == [twin]
    assert [one["row"] for one in client.get(f"/api/sample/{twin}")["same_image"]] == [0]
    # A sample that was not judged has no numbers, and is no error.
    unjudged = int(table.index[table["p_correct"].isna()][0])
    assert client.get(f"/api/sample/{unjudged}")["numbers"]["p_correct"] is None


def test_neighbours_come_with_their_labels(client, folder):
    features = np.load(folder.features).astype(np.float64)
    wanted = features @ features[2]
    wanted[2] = -np.inf
    told = client.get("/api/neighbours/2?count=4")
    assert [one["row"] for one in told] == np.argsort(-wanted)[:4].tolist()
    assert [one["similarity"] for one in told] == pytest.approx(np.sort(wanted)[:-5:-1], abs=2e-3)
    table = folder.read_table()
    assert [one["given"] for one in told] == [table["given_label"][one["row"]] for one in told]


def test_small_images_are_shown_without_loss(client, folder):
    for size in ("view", "full"):
        answer = client.ask("GET", f"/api/image/3/{size}")
        assert answer.headers["content-type"] == "image/png"
        stored = cv2.cvtColor(cv2.imread(str(image_file(folder, 3))), cv2.COLOR_BGR2RGB)
        np.testing.assert_array_equal(answer.pixels, stored)
        assert (answer.headers["x-image-width"], answer.headers["x-image-height"]) == ("32", "32")
        assert "x-image-changed" not in answer.headers
    assert client.ask("GET", "/api/image/3/thumb").headers["content-type"] == "image/jpeg"


def test_a_decision_is_in_the_file_before_the_answer(client, folder):
    answer = client.decide(1, "agree", note=" the disc ")
    assert answer.status == 200
    kept = Decisions(folder.decisions, folder.read_manifest().fingerprint, read_only=True)
    (entry,) = kept.standing()
    assert (entry.id, entry.reviewer, entry.action, entry.note) == (
        folder.read_table()["id"][1],
        "Ana",
        "agree",
        "the disc",
    )
    assert answer.json["made"]["number"] == entry.number
    assert client.get("/api/sample/1")["decisions"] == answer.json["decisions"]


def test_a_decision_names_the_sample_that_follows(client):
    rows = [one["row"] for one in client.get("/api/queue?scope=issues&after=100")["samples"]]

    def following(row: int, query: str, reviewer: str = "Ana") -> int | None:
        body = {"row": row, "reviewer": reviewer, "action": "keep"}
        return client.ask("POST", f"/api/decide?{query}", body).json["next"]

    opened = "scope=issues&status=open"
    assert following(rows[1], opened) == rows[2]
    # Not one that is decided already; from the start again where some were left out.
    assert following(rows[0], opened) == rows[2]
    assert following(rows[-1], opened) == rows[2]
    for row in rows[2:-2]:
        following(row, opened)
    assert following(rows[-2], opened) is None
    # A list of everything ends where it ends.
    assert following(rows[3], "scope=issues", "Ben") == rows[4]
    assert following(rows[-1], "scope=issues", "Ben") is None


def test_relabel_takes_a_class_of_the_audit_only(client):
    assert client.decide(1, "relabel", label="cataract").json["made"]["label"] == "cataract"
    for label in ("Cataract", "", "birds"):
        answer = client.decide(1, "relabel", label=label)
        assert answer.status == 422
        assert "class" in answer.json["problem"]
    assert client.decide(2, "keep", label="cataract").status == 422


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\x00b", "a\u202eb"])
def test_a_name_that_is_none_is_refused(client, name):
    answer = client.decide(1, "keep", reviewer=name)
    assert answer.status == 422
    assert "name" in answer.json["problem"]


def test_undo_takes_back_what_the_page_shows(client):
    first = client.decide(1, "agree").json["made"]["number"]
    second = client.decide(4, "keep").json["made"]["number"]
    assert client.undo(first).status == 409
    told = client.undo(second).json
    assert (told["row"], told["decisions"]) == (4, [])
    assert client.get("/api/queue?reviewer=Ana")["last"]["number"] == first
    assert client.undo(first).status == 200
    assert client.get("/api/queue?reviewer=Ana")["last"] is None


def test_a_stale_page_overwrites_nothing(client):
    number = client.decide(1, "agree", replaces=0).json["made"]["number"]
    answer = client.decide(1, "exclude", replaces=0)
    assert answer.status == 409
    assert "another window" in answer.json["problem"]
    assert [one["action"] for one in client.get("/api/sample/1")["decisions"]] == ["agree"]
    assert client.decide(1, "exclude", replaces=number).status == 200


def test_two_reviewers_see_each_other_and_where_they_differ(client, server):
    other = Client(server)
    other.login()
    revision = client.get("/api/queue")["revision"]
    client.decide(1, "agree")
    assert other.decide(1, "keep", reviewer="Ben").json["differs"] is True
    news = client.get(f"/api/changes?since={revision}&reviewer=Ana")
    assert [one["row"] for one in news["samples"]] == [1]
    assert {one["reviewer"]: one["action"] for one in news["samples"][0]["decisions"]} == {
        "Ana": "agree",
        "Ben": "keep",
    }
    assert news["progress"] == {
        "total": N, "mine": 1, "anybody": 1, "differing": 1,
        "reviewers": [{"name": "Ana", "decided": 1}, {"name": "Ben", "decided": 1}],
    }  # fmt: skip
    listed = client.get("/api/queue?status=differing")
    assert [one["row"] for one in listed["samples"]] == [1]
    assert client.get(f"/api/changes?since={news['revision']}")["samples"] == []
    assert client.get("/api/queue?status=open&reviewer=Ana")["total"] == N - 1


def test_a_second_server_of_the_folder_shows_the_same(client, folder):
    with client_of(folder) as second:
        client.decide(5, "unsure")
        second.decide(6, "keep", reviewer="Ben")
        assert {one["row"] for one in second.get("/api/changes?since=0")["samples"]} >= {5, 6}
        assert second.get("/api/sample/5")["decisions"][0]["action"] == "unsure"
        assert client.get("/api/sample/6")["decisions"][0]["reviewer"] == "Ben"


def test_many_browsers_at_once(client):
    def decide(k: int) -> int:
        return client.decide(k % N, "keep", reviewer=f"R{k // N}").status

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(decide, range(2 * N))) == {200}
    assert client.get("/api/queue?status=untouched")["total"] == 0


def test_what_is_no_question_gets_a_short_answer(client):
    for path in (
        "/api/sample/999", "/api/sample/-1", "/api/sample/x", "/api/image/999/view",
        "/api/image/1/huge", "/api/queue?status=birds", "/api/queue?around=999",
        "/api/queue?after=100000", "/api/neighbours/1?count=1000", "/api/mask/1",
        "/api/layer/1/given", "/api/nothing", "/docs", "/openapi.json", "/redoc", "/static/none.js",
    ):  # fmt: skip
        answer = client.ask("GET", path)
        assert answer.status in (404, 422), path
        assert set(answer.json) == {"problem"}, path
    assert client.ask("POST", "/api/decide", b"{not json").status == 422
    assert client.ask("POST", "/api/decide", {"row": 1}).status == 422
    assert client.decide(999, "keep").status == 404
    assert client.decide(1, "keep", extra=1).status == 422
    assert client.decide(1, "birds").status == 422
    # What the log can't count to
    beyond = 2**63
    assert client.ask("GET", f"/api/changes?since={beyond}").status == 422
    assert client.decide(1, "keep", replaces=beyond).status == 422
    assert client.undo(beyond).status == 422
    assert client.undo(beyond - 1).status == 409


def test_an_image_that_has_changed_since_the_audit_is_shown_as_such(tmp_path):
    folder = write_audit(tmp_path / "audit")
    with client_of(folder) as client:
        assert "x-image-changed" not in client.ask("GET", "/api/image/2/view").headers
        cv2.imwrite(str(image_file(folder, 2)), np.full((20, 30, 3), 200, np.uint8))
        answer = client.ask("GET", "/api/image/2/view")
        assert answer.headers["x-image-changed"] == "yes"
        assert answer.pixels.shape == (20, 30, 3)
        assert answer.headers["x-image-height"] == "20"


def test_an_image_that_is_gone_or_damaged_ends_nothing(tmp_path):
    folder = write_audit(tmp_path / "audit")
    with client_of(folder) as client:
        image_file(folder, 2).unlink()
        answer = client.ask("GET", "/api/image/2/view")
        assert (answer.status, answer.json["problem"]) == (404, "file not found")
        with image_file(folder, 3).open("r+b") as file:
            file.truncate(200)
        answer = client.ask("GET", "/api/image/3/view")
        assert answer.status == 415
        assert "truncated" in answer.json["problem"]
        assert str(tmp_path) not in answer.json["problem"]
        assert client.decide(2, "exclude").status == 200


def replaced(folder, row: int, file) -> None:
    """Put another image into an audit, as if it had been there from the start."""
    images = folder.read_images()
    digest, size = digest_of_files([file])
    images.loc[row, ["path", "bytes", "digest"]] = [str(file), size, digest]
    write_csv(folder.images, images)


def test_large_images_come_reduced_first_and_whole_when_asked(tmp_path):
    folder = write_audit(tmp_path / "audit")
    y, x = np.mgrid[:1000, :2000]
    pixels = np.stack([x / 10, y / 6, (x + y) / 16], -1).astype(np.uint8)
    cv2.imwrite(str(tmp_path / "large.tif"), pixels)
    replaced(folder, 0, tmp_path / "large.tif")
    with client_of(folder) as client:
        view = client.ask("GET", "/api/image/0/view")
        assert view.headers["content-type"] == "image/jpeg"
        assert view.pixels.shape == (800, 1600, 3)
        assert (view.headers["x-image-width"], view.headers["x-image-height"]) == ("2000", "1000")
        full = client.ask("GET", "/api/image/0/full")
        assert full.pixels.shape == (1000, 2000, 3)
        shown = full.pixels[..., ::-1].astype(int)
        assert np.abs(shown - pixels).mean() < 2
        assert max(client.ask("GET", "/api/image/0/thumb").pixels.shape) == 144


def test_dicom_is_shown_as_any_other_image(tmp_path):
    pytest.importorskip("pydicom")
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage

    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = "1.2.3"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    image = FileDataset("x", {}, file_meta=meta, preamble=b"\0" * 128)
    image.SOPClassUID, image.SOPInstanceUID = SecondaryCaptureImageStorage, "1.2.3"
    values = np.arange(24 * 16, dtype=np.uint16).reshape(24, 16) * 10
    image.Rows, image.Columns, image.SamplesPerPixel = 24, 16, 1
    image.BitsAllocated = image.BitsStored = 16
    image.HighBit, image.PixelRepresentation = 15, 0
    image.PhotometricInterpretation = "MONOCHROME2"
    image.PixelData = values.tobytes()
    image.save_as(tmp_path / "scan.dcm", enforce_file_format=True)
    folder = write_audit(tmp_path / "audit")
    replaced(folder, 0, tmp_path / "scan.dcm")
    with client_of(folder) as client:
        shown = client.ask("GET", "/api/image/0/view")
        assert shown.headers["content-type"] == "image/png"
        grey = shown.pixels[..., 0].astype(int)
        assert grey.shape == (24, 16)
        assert np.all(np.diff(grey.ravel()) >= 0)
        assert grey[0, 0] < 5
        assert grey[-1, -1] > 250


def test_pixels_in_an_array_file(tmp_path):
    folder = write_audit(tmp_path / "audit", arrays=True)
    with np.load(tmp_path / "audit_data" / "images.npz") as stored, client_of(folder) as client:
        np.testing.assert_array_equal(
            client.ask("GET", "/api/image/1/view").pixels, stored["train_images"][1]
        )
        assert client.get("/api/about")["next"].endswith("--out corrected.npz")


def test_a_data_set_that_has_moved_is_told_and_found_again(tmp_path):
    folder = write_audit(tmp_path / "audit")
    shutil.move(tmp_path / "audit_data", tmp_path / "elsewhere")
    with pytest.raises(DataError, match="no longer where") as told:
        open_room(folder.path, progress=Silent())
    assert f"no folder {tmp_path / 'audit_data'}" in str(told.value)
    assert "--image-root" in str(told.value)
    with client_of(folder, image_root=tmp_path / "elsewhere") as client:
        assert client.ask("GET", "/api/image/0/view").status == 200


def test_some_images_that_are_gone_are_told_at_the_start(tmp_path):
    folder = write_audit(tmp_path / "audit")
    image_file(folder, 4).unlink()
    progress = Silent()
    room = open_room(folder.path, progress=progress)
    assert len(room.samples) == 12
    (told,) = progress.warnings
    assert "1 of 12 images that were looked for are gone" in told


def test_an_audit_without_features_or_quality_has_less_to_show(tmp_path):
    folder = write_audit(tmp_path / "audit", features=False, patients=False)
    table = folder.read_table()
    lean = table[[name for name in table.columns if name not in ("same_as", "image_quality")]]
    write_csv(folder.table, lean)
    with client_of(folder) as client:
        assert client.get("/api/about")["neighbours"] is False
        assert client.get("/api/neighbours/0") == []
        told = client.get("/api/sample/0")
        assert told["same_patient"] == told["same_image"] == []


def test_features_that_do_not_fit_are_told_and_left_out(tmp_path):
    folder = write_audit(tmp_path / "audit")
    np.save(folder.features, np.zeros((3, 4), np.float16))
    progress = Silent()
    assert open_room(folder.path, progress=progress).neighbours is None
    assert "no similar images" in progress.warnings[0]


def test_a_table_that_was_edited_is_refused(tmp_path):
    folder = write_audit(tmp_path / "audit")
    table = pd.read_csv(folder.table)
    table.loc[0, "given_label"] = "cataract" if table["given_label"][0] == "normal" else "normal"
    write_csv(folder.table, table)
    with pytest.raises(RunError, match="is not the table of this audit"):
        open_room(folder.path, progress=Silent())
    assert not folder.decisions.exists()


KILLED = """
import sys, threading
sys.path[:0] = sys.argv[2:]
from mixednoise.audit.folder import AuditFolder
from pathlib import Path
from review_client import serving
with serving(AuditFolder(Path(sys.argv[1]))) as server:
    print(server.url, flush=True)
    threading.Event().wait()
"""


def test_a_server_that_is_killed_has_lost_nothing(tmp_path):
    folder = write_audit(tmp_path / "audit")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder.path), *sys.path],
        stdout=subprocess.PIPE,
        text=True,
    )
    url = process.stdout.readline().strip()
    port, key = int(url.rpartition(":")[2].partition("/")[0]), url.rpartition("=")[2]
    client = Client(type("Server", (), {"port": port, "access": type("A", (), {"key": key})})())
    client.login()
    for row, action in enumerate(("agree", "keep", "exclude", "unsure")):
        assert client.decide(row, action).status == 200
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    with client_of(folder) as client:
        told = [client.get(f"/api/sample/{row}")["decisions"][0]["action"] for row in range(4)]
        assert told == ["agree", "keep", "exclude", "unsure"]


def test_a_disk_that_fails_is_told_and_nothing_is_said_to_be_kept(tmp_path):
    folder = write_audit(tmp_path / "audit")
    with client_of(folder) as client:
        client.decide(0, "keep")
        for name in ("", "-wal", "-shm"):
            path = folder.decisions.with_name(folder.decisions.name + name)
            if path.exists():
                path.unlink()
        folder.decisions.mkdir()
        answer = client.decide(1, "keep")
        assert answer.status == 507
        assert "decisions can't be kept" in answer.json["problem"]
        # What cannot be read is not shown as undecided either.
        assert client.ask("GET", "/api/queue").status == 507
