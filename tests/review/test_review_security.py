"""Who gets nothing, and what a browser is forbidden to do with what it gets."""

from __future__ import annotations

import os
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
from review_client import Client, client_of, serving

from audit_folders import write_audit
from mixednoise.review.decisions import Decisions
from mixednoise.review.server.files import static_files

API = ("/api/about", "/api/queue", "/api/changes", "/api/sample/0", "/api/image/0/view",
       "/api/neighbours/0")  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_audit(tmp_path_factory.mktemp("review") / "audit")


@pytest.fixture(scope="module")
def server(folder):
    with serving(folder) as server:
        yield server


@pytest.fixture
def client(server):
    client = Client(server)
    client.login()
    return client


@pytest.fixture
def nothing_decided(folder):
    yield
    log = Decisions(folder.decisions, folder.read_manifest().fingerprint)
    assert log.standing() == []


def test_it_listens_on_this_machine_alone(server):
    assert [one.getsockname()[0] for one in server.servers[0].sockets] == ["127.0.0.1"]


def test_without_the_key_there_is_nothing_but_a_page_that_says_so(server, nothing_decided):
    stranger = Client(server)
    page = stranger.ask("GET", "/")
    assert page.status == 401
    assert b"needs its key" in page.body
    assert "set-cookie" not in page.headers
    for path in API:
        assert stranger.ask("GET", path).status == 401
    assert stranger.decide(0, "keep").status == 401
    assert stranger.undo(1).status == 401


@pytest.mark.parametrize("key", ["", "x", "0" * 32, "é", "%00", "&key="])
def test_a_wrong_key_opens_nothing(server, key):
    answer = Client(server).ask("GET", f"/?key={key}".encode("ascii", "ignore").decode())
    assert answer.status == 401
    assert "set-cookie" not in answer.headers


def test_a_wrong_or_foreign_cookie_opens_nothing(server):
    client = Client(server)
    client.login()
    name, _, value = client.cookie.partition("=")
    for cookie in (f"{name}=", f"{name}={value[:-1]}", f"{name}={value}x", f"other={value}", value,
                   f"{name}={server.access.key}"):  # fmt: skip
        client.cookie = cookie
        assert client.ask("GET", "/api/about").status == 401, cookie
    client.cookie = f"first=1; {name}={value}; last=2"
    assert client.ask("GET", "/api/about").status == 200


def test_the_key_becomes_a_cookie_that_no_script_and_no_other_site_can_use(server):
    answer = Client(server).login()
    told = answer.headers["set-cookie"]
    assert "HttpOnly" in told
    assert "SameSite=Strict" in told
    assert server.access.key not in told
    assert str(server.port) in told.partition("=")[0]
    assert len(server.access.key) >= 32


def test_a_key_for_a_browsers_command_line_works_once(server):
    once = server.url_once.rpartition("/")[2]
    assert Client(server).ask("GET", f"/{once}").status == 200
    assert Client(server).ask("GET", f"/{once}").status == 401


def test_keys_of_two_servers_differ(server, folder):
    with serving(folder) as other:
        assert other.access.key != server.access.key
        assert Client(other).ask("GET", f"/?key={server.access.key}").status == 401


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example", "127.0.0.1:{port}@evil.ex",
     "localhost.evil.example:{port}", "0.0.0.0:{port}", "[::1]x", "127.0.0.1:x", "", "127.0.0.2"],
)  # fmt: skip
def test_a_foreign_name_that_leads_here_is_refused(server, client, host, nothing_decided):
    client.host = host.format(port=server.port)
    for method, path in (("GET", "/"), ("GET", f"/?key={server.access.key}"), ("GET", API[0])):
        # An empty Host is refused by the HTTP library already.
        assert client.ask(method, path).status in (400, 421)
    assert client.decide(0, "keep").status in (400, 421)


def test_names_of_this_machine_and_tunnels_are_fine(server, client):
    for host in ("localhost", f"localhost:{server.port}", "127.0.0.1:9", "[::1]:8765", "LOCALHOST"):
        client.host = host
        assert client.ask("GET", "/api/about").status == 200, host
        assert client.decide(0, "keep").status == 200, host
        number = client.get("/api/queue?reviewer=Ana")["last"]["number"]
        assert client.undo(number).status == 200


@pytest.mark.parametrize(
    "origin",
    [None, "null", "http://evil.example", "https://127.0.0.1:{port}", "http://127.0.0.1:1",
     "http://localhost:{port}", "http://127.0.0.1:{port}.evil.example"],
)  # fmt: skip
def test_what_a_page_of_another_site_sends_is_refused(server, client, origin, nothing_decided):
    origin = origin and origin.format(port=server.port)
    body = {"row": 0, "reviewer": "Ana", "action": "keep"}
    answer = client.ask("POST", "/api/decide", body, {"Origin": origin})
    assert (answer.status, answer.json) == (
        403,
        {"problem": "this request comes from another site"},
    )
    if origin:
        assert client.ask("GET", "/api/about", headers={"Origin": origin}).status == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_gets_no_image_into_its_page(client, site):
    headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}
    assert client.ask("GET", "/api/image/0/view", headers=headers).status == 403
    link = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    assert client.ask("GET", "/", headers=link).status == 200


def test_forms_other_methods_and_huge_requests_are_refused(client, nothing_decided):
    body = b"row=0&reviewer=Ana&action=keep"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert client.ask("POST", "/api/decide", body, form).status == 415
    assert client.ask("POST", "/api/decide", body, {"Content-Type": "text/plain"}).status == 415
    assert client.ask("PUT", "/api/decide", b"{}").status == 405
    assert client.ask("DELETE", "/api/sample/0").status == 405
    assert client.ask("OPTIONS", "/api/decide").status == 405
    assert client.ask("POST", "/api/decide", {"note": "x" * 70_000}).status == 413
    none = {"Content-Length": None, "Transfer-Encoding": "chunked"}
    assert client.ask("POST", "/api/decide", b"0\r\n\r\n", none).status == 411


@pytest.mark.parametrize(
    "path",
    ["/static/../server/app.py", "/static/%2e%2e/server/app.py", "/static/..%2fserver%2fapp.py",
     "/static/%2fetc%2fpasswd", "/static//etc/passwd", "/../../etc/passwd", "/etc/passwd",
     "/api/image/..%2f..%2fetc%2fpasswd/view", "/api/image/0/..%2f..%2fpasswd",
     "/api/image/0/view/../../../../etc/passwd", "/api/sample/0%00", "/static/page.html%00.js",
     "/api/layer/0/..%2fgiven", "/audit.csv", "/decisions.sqlite", "/api/audit.json"],
)  # fmt: skip
def test_no_path_of_a_client_leads_to_a_file(client, path):
    answer = client.ask("GET", path)
    assert answer.status in (404, 422)
    assert b"root:" not in answer.body
    assert b"import" not in answer.body


def test_every_answer_forbids_what_the_page_does_not_need(server, client):
    stranger = Client(server)
    answers = [client.ask("GET", path) for path in ("/", "/static/main.js", "/nothing", *API)]
    answers += [client.decide(0, "birds"), stranger.ask("GET", "/"), stranger.decide(0, "keep")]
    client.host = "evil.example"
    answers.append(client.ask("GET", "/"))
    for answer in answers:
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in answer.headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == policy["frame-ancestors"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["img-src"] == "'self' blob:"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"
        assert "server" not in answer.headers
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_page_has_nothing_inline_and_nothing_from_outside():
    for name, file in static_files().items():
        text = file.data.decode()
        text = text.replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"(https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text.replace("// ", "")), name
        if name.endswith(".html"):
            assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text), name
        if name.endswith(".js"):
            assert not re.search(
                r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|new Function", text
            ), name


def test_all_that_the_page_loads_is_there(client):
    page = client.ask("GET", "/").body.decode()
    wanted = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page))
    scripts = [name for name in static_files() if name.endswith(".js")]
    for name in scripts:
        text = client.ask("GET", f"/static/{name}").body.decode()
        wanted |= {f"/static/{found}" for found in re.findall(r'from "\./([^"]+)"', text)}
    assert {f"/static/{name}" for name in scripts} <= wanted
    for path in wanted:
        assert client.ask("GET", path).status == 200, path


def file_of(folder, row: int) -> Path:
    return Path(folder.read_images()["path"][row])


def test_a_file_that_has_become_a_link_is_not_shown(tmp_path):
    folder = write_audit(tmp_path / "audit")
    secret = tmp_path / "secret.png"
    cv2.imwrite(str(secret), np.full((8, 8, 3), 77, np.uint8))
    with client_of(folder) as client:
        file_of(folder, 0).unlink()
        file_of(folder, 0).symlink_to(secret)
        for size in ("thumb", "view", "full"):
            answer = client.ask("GET", f"/api/image/0/{size}")
            assert answer.status == 403
            assert "link" in answer.json["problem"]
            assert str(tmp_path) not in answer.json["problem"]
    # The same for a server that starts later.
    with client_of(folder) as client:
        assert client.ask("GET", "/api/image/0/view").status == 403


def test_a_folder_that_has_become_a_link_while_it_runs_is_not_shown(tmp_path):
    folder = write_audit(tmp_path / "audit")
    images = file_of(folder, 0).parent
    other = tmp_path / "other"
    other.mkdir()
    cv2.imwrite(str(other / file_of(folder, 0).name), np.full((8, 8, 3), 77, np.uint8))
    with client_of(folder) as client:
        images.rename(tmp_path / "before")
        images.symlink_to(other)
        assert client.ask("GET", "/api/image/0/view").status == 403


def test_links_that_were_there_at_the_audit_are_fine(tmp_path):
    """Data sets are often made of links to one store."""
    folder = write_audit(tmp_path / "audit")
    store = tmp_path / "store"
    file = file_of(folder, 0)
    store.mkdir()
    file.rename(store / "0")
    file.symlink_to(store / "0")
    with client_of(folder) as client:
        assert client.ask("GET", "/api/image/0/view").status == 200


@pytest.mark.parametrize("kind", ["pipe", "folder", "text"])
def test_what_is_no_image_is_not_shown(tmp_path, kind):
    folder = write_audit(tmp_path / "audit")
    file = file_of(folder, 0)
    file.unlink()
    if kind == "pipe":
        os.mkfifo(file)
    elif kind == "folder":
        file.mkdir()
    else:
        file.write_text("root:x:0:0\n" * 50)
    with client_of(folder) as client:
        answer = client.ask("GET", "/api/image/0/full")
        assert answer.status == 415
        assert b"root:" not in answer.body
