"""The page in a real browser: filters, keyboard, plane, colours, narrow screens, hostile names."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from report_helpers import CLASSES, audit_with

from audit_folders import write_audit
from browser import chromium, page_in
from mixednoise.audit.report import write_report

#: Two pages of cards that look wrong.
MANY = 120
WHITE = "rgb(255, 255, 255)"  # paper


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def report(tmp_path_factory) -> Path:
    folder = write_audit(
        tmp_path_factory.mktemp("seen") / "audit", n=MANY, classes=CLASSES, truth=True, side=16
    )
    write_report(folder, folder.read_manifest())
    return folder.report


@contextmanager
def opened(browser: Any, report: Path, **options: Any) -> Iterator[Any]:
    with page_in(browser, **options) as page:
        page.goto(report.as_uri())
        yield page


def shown(page: Any, gallery: str) -> Any:
    return page.locator(f"[data-gallery={gallery}] .card:visible")


def test_galleries_are_filtered_sorted_and_turned(browser, report) -> None:
    with opened(browser, report) as page:
        tools = page.locator("[data-gallery=wrong] .tools")
        assert shown(page, "wrong").count() == 24
        assert tools.locator("output").inner_text() == "24 of 30 shown"
        page.locator("[data-gallery=wrong] [data-more]").click()
        assert shown(page, "wrong").count() == 30
        # The keyboard goes on where the new images begin.
        assert page.evaluate("document.activeElement.closest('.card') !== null")

        tools.locator("[data-filter=given]").select_option(label="cataract")
        cards = shown(page, "wrong")
        assert 0 < cards.count() < 30
        assert {cards.nth(k).get_attribute("data-given") for k in range(cards.count())} == {"1"}
        name = cards.first.locator(".id").inner_text()
        tools.locator("[data-filter=text]").fill(name.upper())
        assert shown(page, "wrong").count() == 1
        tools.locator("[data-filter=text]").fill("no such image")
        assert shown(page, "wrong").count() == 0
        assert page.locator("[data-gallery=wrong] .none").is_visible()
        tools.get_by_role("button", name="reset").click()
        assert shown(page, "wrong").count() == 24

        tools.locator("[data-filter=sort]").select_option("id")
        names = shown(page, "wrong").locator(".id").all_inner_texts()
        assert names == sorted(names)
        tools.locator("[data-filter=sort]").select_option("p")
        sure = [float(card.get_attribute("data-p")) for card in shown(page, "wrong").all()]
        assert sure == sorted(sure, reverse=True)


def test_a_pair_of_classes_leads_to_its_images(browser, report) -> None:
    with opened(browser, report) as page:
        cell = page.locator("td[data-pair]").first
        pair = cell.get_attribute("data-pair").split()
        cell.get_by_role("button").press("Enter")
        cards = shown(page, "wrong")
        assert cards.count() == int(cell.inner_text())
        for card in cards.all():
            assert [card.get_attribute(f"data-{x}") for x in ("given", "suggested")] == pair


def test_images_are_enlarged_by_keyboard_alone(browser, report) -> None:
    with opened(browser, report) as page:
        cards = shown(page, "wrong")
        first, second = (cards.nth(k).locator(".id").inner_text() for k in (0, 1))
        cards.first.locator("button.open").focus()
        page.keyboard.press("Enter")
        viewer = page.locator("#viewer")
        assert viewer.is_visible()
        assert viewer.locator("#viewer-title").inner_text() == first
        assert viewer.locator("img").get_attribute("src").startswith("data:image/jpeg")
        assert viewer.get_by_text("label quality").is_visible()
        page.keyboard.press("ArrowRight")
        assert viewer.locator("#viewer-title").inner_text() == second
        page.keyboard.press("ArrowLeft")
        page.keyboard.press("ArrowLeft")
        assert viewer.locator("#viewer-place").inner_text() == "24 of 24"
        page.keyboard.press("Escape")
        assert not viewer.is_visible()
        # Back where the reader was.
        assert page.evaluate("document.activeElement.className") == "open"


def test_everything_can_be_reached_by_tab_and_the_focus_is_seen(browser, report) -> None:
    with opened(browser, report) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.className") == "skip"
        seen = set()
        for _ in range(60):
            page.keyboard.press("Tab")
            tag, outline, name = page.evaluate(
                "(() => { const e = document.activeElement, s = getComputedStyle(e);"
                "return [e.tagName, s.outlineStyle, e.getAttribute('aria-label') ||"
                " e.labels?.[0]?.innerText || e.innerText] })()"
            )
            seen.add(tag)
            assert outline != "none", tag
            assert name, tag
        assert {"A", "BUTTON", "SELECT", "INPUT", "DIV", "PRE"} <= seen


def test_the_plane_tells_of_the_point_under_the_mouse(browser, report) -> None:
    with opened(browser, report) as page:
        points = json.loads(page.locator("#points").text_content())
        page.locator("#plane-canvas").scroll_into_view_if_needed()
        row = next(k for k, card in enumerate(points["card"]) if card.startswith("wrong"))
        place = point_on_screen(page, points, row)
        page.mouse.move(*place)
        tip = page.locator("#plane-tip")
        assert tip.is_visible()
        assert tip.locator(".id").inner_text() == points["id"][row]
        assert tip.locator("img").get_attribute("src").startswith("data:image/jpeg")
        given, suggested = (points["classes"][points[x][row]] for x in ("given", "suggested"))
        assert f"{given} → {suggested}" in tip.inner_text()
        assert f"looks wrong: {round(100 * points['p'][1][row])}%" in tip.inner_text()
        page.mouse.click(*place)
        assert page.locator("#viewer-title").inner_text() == points["id"][row]
        page.keyboard.press("Escape")
        page.mouse.move(5, 5)
        assert not tip.is_visible()


def point_on_screen(page: Any, points: dict[str, Any], row: int) -> tuple[float, float]:
    """Where the page draws a point: 5 pixels inside of the axes, the largest values at the ends."""
    box = page.locator("#plane-canvas").bounding_box()
    wide, high = box["width"] - 52 - 16, box["height"] - 14 - 42
    x = 52 + 5 + points["loss"][row] / max(points["loss"]) * (wide - 10)
    y = 14 + high - 5 - points["entropy"][row] / max(points["entropy"]) * (high - 10)
    return box["x"] + x, box["y"] + y


def test_the_legend_switches_groups_and_classes(browser, report) -> None:
    with opened(browser, report) as page:
        points = json.loads(page.locator("#points").text_content())
        count = page.locator("[data-count='1']")
        assert count.inner_text() == str(points["state"].count(1))
        page.locator("#plane-class").select_option(label="glaucoma")
        both = zip(points["state"], points["given"], strict=True)
        assert count.inner_text() == str(list(both).count((1, 2)))
        page.locator("#plane-class").select_option("")
        page.locator("[data-state='1']").uncheck()
        page.locator("#plane-canvas").scroll_into_view_if_needed()
        row = points["state"].index(1)
        page.mouse.move(*point_on_screen(page, points, row))
        tip = page.locator("#plane-tip")
        assert not tip.is_visible() or tip.locator(".id").inner_text() != points["id"][row]
        page.locator("#plane-colour").select_option("truth")
        assert count.inner_text() == str(points["truth"].count(1))


def test_the_plane_can_be_walked_by_keyboard(browser, report) -> None:
    with opened(browser, report) as page:
        points = json.loads(page.locator("#points").text_content())
        places = list(zip(points["loss"], points["entropy"], strict=True))
        order = sorted(range(len(places)), key=places.__getitem__)
        canvas, said = page.locator("#plane-canvas"), page.locator("#plane-live")
        canvas.press("Home")
        assert points["id"][order[0]] in said.text_content()
        canvas.press("ArrowRight")
        assert points["id"][order[1]] in said.text_content()
        canvas.press("End")
        assert points["id"][order[-1]] in said.text_content()
        canvas.press("Escape")
        assert not page.locator("#plane-tip").is_visible()


def test_light_and_dark_follow_the_system_and_the_reader(browser, report) -> None:
    def background(page):
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    with opened(browser, report) as page:
        light = background(page)
        page.emulate_media(color_scheme="dark")
        dark = background(page)
        assert dark != light
        page.locator("#theme").click()
        assert background(page) == light
        page.reload()
        assert background(page) == light  # kept
        page.emulate_media(color_scheme="dark", media="print")
        assert background(page) == WHITE
        page.emulate_media(color_scheme="light", media="screen")
        page.locator("#theme").click()
        assert background(page) == dark
        page.emulate_media(media="print")
        assert background(page) == WHITE


def test_no_width_makes_the_page_scroll_sideways(browser, report) -> None:
    with opened(browser, report) as page:
        page.locator(".card .open:visible").first.click()
        for width in (1400, 820, 390, 320):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            box = page.locator("#viewer").bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= width


def test_every_text_stands_out_from_its_background(browser, report) -> None:
    script = (Path(__file__).parent / "contrast.js").read_text()
    with opened(browser, report) as page:
        page.locator("details").evaluate_all("all => all.forEach(one => { one.open = true })")
        assert page.evaluate(script) == {}
        page.emulate_media(color_scheme="dark")
        assert page.evaluate(script) == {}


def test_without_scripts_everything_but_the_plane_is_there(browser, report) -> None:
    with opened(browser, report, java_script_enabled=False) as page:
        assert shown(page, "wrong").count() == 30
        assert page.get_by_text("The plane needs JavaScript").is_visible()
        for hidden in (".tools", "[data-copy]", "#theme", "[data-more]", "#plane-box"):
            assert page.locator(f"{hidden}:visible").count() == 0


def test_names_cannot_run_anything(browser, tmp_path) -> None:
    evil = "</script><script>window.hit=1</script><img src=x onerror=window.hit=1><b>"

    def change(table):
        for column in ("given_label", "suggested_label", "predicted_label"):
            table[column] = table[column].replace("cataract", evil)
        table["id"] = [f"{name}{evil}" for name in table["id"]]
        table["reasons"] = f"{evil}; {evil}"

    folder = audit_with(tmp_path / "a", change)
    classes = ["normal", evil, "glaucoma"]
    manifest = folder.read_manifest().model_copy(update={"classes": classes, "data": evil})
    write_report(folder, manifest)
    with opened(browser, folder.report) as page:
        page.locator("#plane-canvas").press("End")
        assert evil in page.locator("#plane-live").text_content()
        shown(page, "wrong").first.locator(".open").click()
        assert evil in page.locator("#viewer-title").inner_text()
        page.wait_for_timeout(50)
        assert page.evaluate("window.hit") is None
        assert page.locator("#viewer b b, .card b b, .tip b").count() == 0


def test_commands_can_be_copied(browser, report) -> None:
    with opened(browser, report, permissions=["clipboard-read", "clipboard-write"]) as page:
        page.locator("[data-copy]").first.click()
        page.wait_for_function(
            "!document.querySelector('[data-copy]').textContent.includes('copy')"
        )
        command = page.locator(".command code").first.inner_text()
        if page.locator("[data-copy]").first.inner_text() == "copied":
            assert page.evaluate("navigator.clipboard.readText()") == command
        else:
            assert page.evaluate("getSelection().toString()") == command


@pytest.mark.parametrize(
    "html",
    [
        "<script>console.error('lost')</script>",
        "<script>throw Error('lost')</script>",
        "<img src='http://example.invalid/x.png'>",
    ],
)
def test_the_watch_over_pages_sees_what_it_should(browser, html) -> None:
    with pytest.raises(AssertionError, match=r"lost|asked for http"), page_in(browser) as page:
        page.set_content(html)
