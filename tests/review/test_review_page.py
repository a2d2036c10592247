"""The page in a real browser: what a reviewer does, and what it leaves."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from review_client import serving

from audit_folders import write_audit
from browser import chromium, page_in
from mask_audits import WORST, write_mask_audit
from mixednoise.audit.located import digest_of_files
from mixednoise.io import write_csv
from mixednoise.review.decisions import Decisions

#: Chromium tells of every answer that is an error.
REFUSED = r"Failed to load resource"
#: The page takes decisions on what was looked at for a moment.
READY = "body.ready"


@pytest.fixture(scope="module")
def browser():
    with chromium() as found:
        yield found


@pytest.fixture
def folder(tmp_path):
    return write_audit(tmp_path / "audit", n=24)


@contextmanager
def reviewing(browser, server, name: str = "Ana", **options):
    """The page, with a name given and the first sample seen."""
    # Chromium draws without a graphics card here: few pixels, no motion.
    quick = {"width": 1160, "height": 640, "reduced_motion": "reduce"}
    with page_in(browser, **quick | options) as page:
        page.set_default_timeout(15_000)
        page.goto(server.url)
        if name:
            page.fill("#name", name)
            page.keyboard.press("Enter")
        page.wait_for_selector("body.started")
        page.wait_for_selector(READY)
        yield page


def sample(page) -> str:
    return page.inner_text("#sample-id")


def press(page, *keys: str) -> None:
    """Press keys that lead to another sample, and look at each."""
    for key in keys:
        before = sample(page)
        page.keyboard.press(key)
        page.wait_for_function(
            "before => document.querySelector('#sample-id').textContent !== before"
            " || document.body.classList.contains('finished')",
            arg=before,
        )
        page.wait_for_selector(f"{READY}, body.finished")


def wait_for(page, name: str) -> None:
    page.wait_for_function(
        "id => document.querySelector('#sample-id').textContent === id", arg=name
    )


def said(page, words: str) -> None:
    page.wait_for_function(
        "words => document.querySelector('#said').textContent.includes(words)", arg=words
    )


def decided(folder) -> dict[str, tuple[str, ...]]:
    """id -> action and label of each reviewer, as it stands on the disk."""
    log = Decisions(folder.decisions, folder.read_manifest().fingerprint, read_only=True)
    return {one.id: (one.action, one.label, one.reviewer, one.note) for one in log.standing()}


def order(folder) -> list[str]:
    table = folder.read_table()
    table = table[table["is_label_issue"]].sort_values("label_quality", kind="stable")
    return table["id"].tolist()


def test_from_the_first_sample_to_the_last_by_keyboard(browser, folder):
    issues = order(folder)
    with serving(folder) as server, reviewing(browser, server) as page:
        assert "key=" not in page.url
        assert sample(page) == issues[0]
        press(page, "a", "k", "x", "u")
        told = decided(folder)
        assert [told[name][0] for name in issues[:4]] == ["agree", "keep", "exclude", "unsure"]
        assert {one[2] for one in told.values()} == {"Ana"}
        said(page, f"{issues[3]}: unsure. 4 of {len(issues)} by you.")
        assert page.get_attribute("#said", "aria-live") == "polite"
        assert f"4 of {len(issues)} by you" in page.inner_text("#progress")
        page.keyboard.press("r")
        page.keyboard.press("2")
        page.wait_for_function(
            "id => document.querySelector('#sample-id').textContent !== id", arg=issues[4]
        )
        assert decided(folder)[issues[4]][:2] == ("relabel", "cataract")
        page.wait_for_selector(READY)
        # A note goes with the decision.
        page.keyboard.press("n")
        page.keyboard.type("disc not seen")
        page.keyboard.press("Enter")
        press(page, "a")
        assert decided(folder)[issues[5]][3] == "disc not seen"
        # What is decided stays in the list, so that there is a way back.
        press(page, "ArrowLeft")
        assert sample(page) == issues[5]
        assert page.locator("[data-action=agree]").get_attribute("aria-pressed") == "true"
        assert page.input_value("#note") == "disc not seen"
        # Taken back, one after the other.
        page.keyboard.press("z")
        said(page, "Taken back: agree")
        page.wait_for_selector(READY)
        page.keyboard.press("Control+z")
        said(page, "Taken back: relabel")
        assert sample(page) == issues[4]
        assert set(decided(folder)) == set(issues[:4])
        # Everything is there again after a reload: name, place, decisions.
        page.reload()
        page.wait_for_selector("body.started")
        page.wait_for_selector(READY)
        assert page.inner_text("#who") == "Ana"
        assert sample(page) == issues[4]
        assert f"4 of {len(issues)} by you" in page.inner_text("#progress")
        press(page, *"a" * (len(issues) - 4))
        assert page.inner_text("#done h2") == "All decided"
        assert f"mixednoise apply {folder.path} --out corrected.csv" in page.inner_text("#done")
        assert set(decided(folder)) == set(issues)
        page.click("#done button:has-text('all samples')")
        page.wait_for_selector("body:not(.finished)")
        assert sample(page) not in issues


def test_nobody_decides_on_what_was_not_seen(browser, folder):
    issues = order(folder)
    with serving(folder) as server, reviewing(browser, server) as page:
        # A key that is held down, or hit twice.
        page.evaluate(
            """() => { for (const repeat of [false, true, true, false]) document.body.dispatchEvent(
                new KeyboardEvent('keydown', { key: 'a', bubbles: true, repeat })); }"""
        )
        wait_for(page, issues[1])
        page.wait_for_selector(READY)
        assert set(decided(folder)) == {issues[0]}
        assert sample(page) == issues[1]
        # Nor is Enter on a button.
        page.locator("[data-action=keep]").focus()
        for _ in range(10):
            page.keyboard.down("Enter")
            page.wait_for_timeout(60)
        page.keyboard.up("Enter")
        wait_for(page, issues[2])
        page.wait_for_selector(READY)
        assert set(decided(folder)) == set(issues[:2])
        page.locator("#view").focus()
        # Not in a field either, nor with a dialog open.
        page.keyboard.press("n")
        page.keyboard.type("axku")
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        page.wait_for_selector("#keys-dialog[open]")
        page.keyboard.press("a")
        page.keyboard.press("Escape")
        page.keyboard.press("Control+a")
        page.wait_for_timeout(200)
        assert set(decided(folder)) == set(issues[:2])


def test_two_reviewers_see_each_other_and_where_they_differ(browser, folder):
    first, second, *_ = order(folder)
    with (
        serving(folder) as server,
        reviewing(browser, server, "Ana") as ana,
        reviewing(browser, server, "Ben") as ben,
    ):
        press(ana, "a")
        ana.keyboard.press("ArrowLeft")
        # The other window is told without being asked.
        ben.wait_for_function(
            "() => document.querySelector('#decided').textContent.includes('Ana agree')"
        )
        assert "1 by anybody" in ben.inner_text("#progress")
        said(ben, "Ana has decided: agree")
        press(ben, "k")
        said(ben, "Others want something else: Ana.")
        ana.wait_for_selector(".chip.alarm")
        assert ana.inner_text("#sample-id") == first
        assert "Ben keep" in ana.inner_text("#decided")
        ben.click("#show-filters")
        ben.select_option("#filter-status", "=differing")
        wait_for(ben, first)
        assert ben.locator("#list li").count() == 1
        ben.wait_for_selector(READY)
        # Agreed in the end.
        # Agreed in the end.
        ben.keyboard.press("a")
        ben.wait_for_function("() => document.body.classList.contains('finished')")
        assert decided(folder)[first][0] == "agree"
        # Who wants to judge alone sees what others decided only afterwards.
        log = Decisions(folder.decisions, folder.read_manifest().fingerprint)
        log.record(second, "Ben", "keep", note="a secret")
        ana.click("#who")
        ana.check("#blind")
        ana.keyboard.press("Enter")
        press(ana, "ArrowRight")
        ana.wait_for_function(
            "() => document.querySelector('#decided').textContent.includes('Others have decided')"
        )
        assert "Ben" not in ana.inner_text("#decided")
        press(ana, "a", "ArrowLeft")
        assert "Ben keep" in ana.inner_text("#decided")
        assert "a secret" in ana.inner_text("#decided")


def test_two_windows_of_one_reviewer_overwrite_nothing(browser, folder):
    first = order(folder)[0]
    with (
        serving(folder) as server,
        reviewing(browser, server, "Ana") as one,
        reviewing(browser, server, "Ana", allowed=[REFUSED]) as other,
    ):
        # The other window does not hear of it.
        other.route("**/api/changes*", lambda route: route.fulfill(json={"revision": 0}))
        other.wait_for_timeout(200)
        press(one, "x")
        other.keyboard.press("a")
        said(other, "Look again, then decide.")
        assert decided(folder)[first][0] == "exclude"
        assert sample(other) == first
        assert other.locator("[data-action=exclude]").get_attribute("aria-pressed") == "true"
        other.wait_for_selector(READY)
        press(other, "a")
        assert decided(folder)[first][0] == "agree"


def test_filters_search_and_samples_to_compare_with(browser, folder):
    table, issues = folder.read_table(), order(folder)
    with serving(folder) as server, reviewing(browser, server) as page:
        page.click("#show-filters")
        page.select_option("#filter-scope", "=all")
        page.select_option("#filter-group", "=mis_l")
        page.wait_for_function(
            "() => document.querySelector('#sample-place').textContent.endsWith('of 4')"
        )
        assert page.locator("#list li").count() == int((table["group"] == "mis_l").sum())
        assert "leave out" in page.inner_text("[data-action=agree]")
        page.keyboard.press("Escape")
        page.locator("#view").focus()
        page.keyboard.press("/")
        page.keyboard.type("birds")
        page.wait_for_function("() => document.body.classList.contains('finished')")
        assert page.inner_text("#done h2") == "No sample matches the filter"
        page.fill("#words", "")
        page.wait_for_function("() => !document.body.classList.contains('finished')")
        page.click("#filters button:has-text('Clear')")
        page.wait_for_function(
            "n => document.querySelector('#sample-place').textContent.endsWith(n)",
            arg=f"of {len(order(folder))}",
        )
        assert page.inner_text("#show-filters") == "Filter"
        # What was set with the mouse gives the keys back: letters decide, arrows move.
        page.locator("#list button").first.click()
        wait_for(page, issues[0])
        page.select_option("#filter-status", "=all")
        page.locator("input[aria-label^=Brightness]").click()
        page.wait_for_selector(READY)
        press(page, "ArrowRight", "k")
        assert set(decided(folder)) == {issues[1]}
        # Samples to compare with, and to go to.
        page.wait_for_selector("#alike .thumb img[src^=blob]")
        assert page.locator("#alike .thumb").count() == 8
        assert "Same patient" in page.locator("#similar h3").all_inner_texts()
        page.locator("#alike .thumb").first.click()
        page.wait_for_selector("#peek-dialog[open] img[src^=blob] >> nth=1")
        there = page.inner_text("#peek-title")
        page.click("#peek-dialog button:has-text('Go to it')")
        wait_for(page, there)
        assert there != issues[2]


def test_zoom_light_and_every_pixel_when_it_is_needed(browser, folder):
    y, x = np.mgrid[:1200, :1800]
    pixels = np.stack([x / 8, y / 5, (x + y) / 12], -1).astype(np.uint8)
    first = order(folder)[0]
    images = folder.read_images()
    row = images.index[images["id"] == first][0]
    file = Path(images["path"][row])
    cv2.imwrite(str(file), pixels)
    images.loc[row, ["digest", "bytes"]] = digest_of_files([file])
    write_csv(folder.images, images)
    asked: list[str] = []
    with serving(folder) as server, reviewing(browser, server) as page:
        page.on("request", lambda request: asked.append(request.url))
        width = "() => document.querySelector('.photo').getBoundingClientRect().width"
        natural = "document.querySelector('.photo').naturalWidth"
        assert page.evaluate(natural) == 1600
        fitting = page.evaluate(width)
        box = page.locator("#view").bounding_box()
        assert fitting <= box["width"] + 1
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        # What lies below the pointer stays there.
        spot = """([x, y]) => { const r = document.querySelector('.photo').getBoundingClientRect();
            return [(x - r.left) / r.width, (y - r.top) / r.height]; }"""
        at = [box["x"] + 100, box["y"] + 100]
        before = page.evaluate(spot, at)
        page.mouse.wheel(0, -800)
        page.wait_for_function(f"() => ({width})() > {fitting * 2}")
        assert page.evaluate(spot, at) == pytest.approx(before, abs=0.01)
        page.wait_for_function(f"() => {natural} === 1800")
        assert any(url.endswith(f"/api/image/{row}/full") for url in asked)
        page.mouse.down()
        page.mouse.move(at[0] + 60, at[1] + 40)
        page.mouse.up()
        assert page.evaluate(spot, [at[0] + 60, at[1] + 40]) == pytest.approx(before, abs=0.01)
        page.keyboard.press("0")
        assert page.evaluate(width) == pytest.approx(fitting, abs=1)
        page.keyboard.press("+")
        assert page.evaluate(width) == pytest.approx(fitting * 1.25, abs=1)
        light = "document.querySelector('.photo').style.filter"
        page.keyboard.press("b")
        page.keyboard.press("i")
        assert "brightness(1.15)" in page.evaluate(light)
        assert "invert(1)" in page.evaluate(light)
        page.keyboard.press("v")
        assert page.evaluate(light) == "none"
        page.keyboard.press("e")
        assert "brightness" in page.evaluate(light)
        # None of it is a decision.
        assert not folder.decisions.exists() or decided(folder) == {}


def test_many_classes_with_odd_names(browser, tmp_path):
    """What is in files is text, never markup; a class is found by typing a part of its name."""
    evil = "<img src=x onerror=alert(1)>"
    classes = [*(f"finding {number}" for number in range(12)), evil]
    folder = write_audit(tmp_path / "audit", n=24, classes=classes)
    table = folder.read_table()
    table["reasons"] = [f"{evil}; <script>alert(2)</script>"] * len(table)
    write_csv(folder.table, table)
    first, second, *_ = order(folder)
    log = Decisions(folder.decisions, folder.read_manifest().fingerprint)
    log.record(first, f"Ben {evil}", "relabel", label=evil, note=f"note {evil}")
    dialogs = []
    with serving(folder) as server, reviewing(browser, server, f"A {evil}") as page:
        page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
        assert evil in page.inner_text("#details")
        assert f"note {evil}" in page.inner_text("#decided")
        page.keyboard.press("r")
        page.keyboard.type("ing 1")
        assert page.locator("#classes li").count() == 3
        page.keyboard.type("1")
        assert page.locator("#classes li span:first-of-type").all_inner_texts() == ["finding 11"]
        page.keyboard.press("Enter")
        said(page, "relabel: finding 11")
        log_of = Decisions(folder.decisions, folder.read_manifest().fingerprint).standing
        assert [(one.id, one.label) for one in log_of(f"A {evil}")] == [(first, "finding 11")]
        wait_for(page, second)
        page.wait_for_selector(READY)
        # Esc goes back, and nothing is decided.
        page.keyboard.press("r")
        page.keyboard.type("IMG")
        assert page.locator("#classes li span:first-of-type").all_inner_texts() == [evil]
        page.keyboard.press("Escape")
        page.wait_for_timeout(200)
        assert len(log_of(f"A {evil}")) == 1
        assert page.locator("img[src='x'], main script").count() == 0
    assert dialogs == []


def test_images_that_changed_or_are_gone_are_told_and_can_be_decided(browser, folder):
    images = folder.read_images().set_index("id")["path"]
    first, second, *_ = order(folder)
    cv2.imwrite(images[first], np.full((40, 40, 3), 90, np.uint8))
    Path(images[second]).unlink()
    with serving(folder) as server, reviewing(browser, server, allowed=[REFUSED]) as page:
        assert "changed since the audit" in page.inner_text(".notice")
        press(page, "k")
        assert sample(page) == second
        assert "file not found" in page.inner_text(".notice")
        press(page, "x")
        assert page.locator(".notice").is_hidden()
    assert [decided(folder)[name][0] for name in (first, second)] == ["keep", "exclude"]


def test_a_server_that_is_gone_is_told_and_nothing_is_said_to_be_kept(browser, folder):
    with serving(folder) as server, reviewing(browser, server, allowed=[REFUSED]) as page:
        press(page, "a")
        here = sample(page)
        server.should_exit = True
        page.wait_for_selector("#trouble:not([hidden])")
        assert "does not answer" in page.inner_text("#trouble")
        page.keyboard.press("a")
        said(page, "Not kept")
        assert sample(page) == here
    assert len(decided(folder)) == 1


def test_marks_on_masks(browser, tmp_path):
    folder = write_mask_audit(tmp_path / "audit", volumes=True)
    with serving(folder) as server, reviewing(browser, server) as page:
        page.wait_for_selector(".layer.suspected[src^=blob]")
        assert page.locator("[data-action=relabel]").count() == 0
        layers = {
            name: page.locator(f".layer.{name}") for name in ("given", "suspected", "proposed")
        }
        assert all(layer.is_visible() for layer in layers.values())
        page.keyboard.press("2")
        assert layers["suspected"].is_hidden()
        assert page.locator("#layer-suspected").get_attribute("aria-pressed") == "false"
        page.keyboard.press("h")
        assert not any(layer.is_visible() for layer in layers.values())
        page.keyboard.press("h")
        page.click("#layer-suspected")
        assert all(layer.is_visible() for layer in layers.values())
        page.get_by_label("Opacity: Given mask").fill("0.25")
        page.locator("#view").focus()
        assert layers["given"].evaluate("one => one.style.opacity") == "0.25"
        # They lie on the image, pixel for pixel, when it is zoomed as well.
        page.keyboard.press("+")
        boxes = [page.locator(".photo").bounding_box(), layers["given"].bounding_box()]
        assert boxes[0] == boxes[1]
        assert f"slice {WORST + 1} of 5, 48 suspected" in page.inner_text("#slice-told")
        before = layers["suspected"].get_attribute("src")
        page.keyboard.press("PageDown")
        page.wait_for_function("() => document.querySelector('#slice').value === '1'")
        page.wait_for_function(
            "src => document.querySelector('.layer.suspected').src !== src", arg=before
        )
        page.keyboard.press("ArrowUp")
        assert "slice 3 of 5, 0 suspected" in page.inner_text("#slice-told")
        press(page, "a")
        # The opacity is remembered.
        assert layers["given"].evaluate("one => one.style.opacity") == "0.25"
    assert decided(folder)["c00"][0] == "agree"


def box_of(page, selector):
    """Where it is; the page may just be drawing it anew."""
    for _ in range(100):
        page.wait_for_selector(selector)
        if found := page.locator(selector).bounding_box():
            return found
        page.wait_for_timeout(20)
    raise AssertionError(f"{selector} is nowhere")


def test_it_fits_every_window_and_names_what_can_be_pressed(browser, folder):
    issues = order(folder)
    with serving(folder) as server, reviewing(browser, server) as page:
        for number, (width, height) in enumerate([(1400, 900), (800, 1100), (390, 780)], 1):
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            for action in ("agree", "keep", "relabel", "exclude", "unsure", "undo"):
                box = box_of(page, f"[data-action={action}]")
                assert box["y"] >= 0
                assert box["y"] + box["height"] <= height
                assert box["height"] >= 40
            view = box_of(page, "#view")
            assert view["width"] * view["height"] > 0.25 * width * height
            if width < 1000:
                page.click("#show-list")
            page.locator("#list button").nth(number).click()
            wait_for(page, issues[number])
            assert page.locator("#list").is_visible() == (width > 1000)
            page.wait_for_selector(READY)
            page.locator("[data-action=keep]").click()
            said(page, f"{issues[number]}: keep")
        unnamed = page.evaluate(
            """[...document.querySelectorAll('button, input, select, textarea')].filter((one) =>
                !one.closest('[hidden]') && !(one.innerText || one.ariaLabel || one.title ||
                one.labels?.[0]?.innerText)).map((one) => one.outerHTML)"""
        )
        assert unnamed == []
    assert {decided(folder)[name][0] for name in issues[1:4]} == {"keep"}
