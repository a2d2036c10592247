from __future__ import annotations

import base64
import re
from importlib import resources

import cv2
import numpy as np
import pandas as pd
import pytest
from mask_pages import case_of, report_of, table_of, written

from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.evaluation.identification import IdentificationEvaluator
from mixednoise.evaluation.mask_metrics import MaskEvaluator
from mixednoise.evaluation.paired import compare_methods
from mixednoise.pages.embed import data_uri
from mixednoise.pages.heat import MOST_CLASSES
from mixednoise.pages.histogram import histogram
from mixednoise.pages.numbers import points, share
from mixednoise.segmentation.labels import IGNORE
from mixednoise.segmentation.report import OverlayCase, draw_overlay, write_report
from mixednoise.segmentation.report.cards import changes_in
from mixednoise.segmentation.report.classes import joint_of, strata_of
from mixednoise.segmentation.report.inputs import worst_first
from mixednoise.segmentation.report.words import findings, headline

GIVEN, SUSPECTED, PROPOSED = (0x56, 0xB4, 0xE9), (0xD5, 0x5E, 0x00), (0xF0, 0xE4, 0x42)


# ---- overlays


def test_overlay_shows_all_three_marks_and_leaves_the_rest_grey() -> None:
    picture = draw_overlay(*case_of((32, 40)), width=160)
    assert picture.shape == (128, 160, 3)
    assert picture.dtype == np.uint8
    colours = {tuple(c) for c in picture.reshape(-1, 3).tolist()}
    assert {GIVEN, PROPOSED} <= colours
    away = picture[60:, 80:]
    assert (away == away[..., :1]).all()
    # columns 10 and 11 are suspected: there red outweighs blue between the two outlines
    spot = picture[20:28, 43:45].astype(int)
    assert (spot[..., 0] > spot[..., 2] + 60).all()


def test_outlines_are_solid_for_the_given_and_dashed_for_the_proposed_mask() -> None:
    mask = np.zeros((60, 60), np.uint8)
    mask[10:50, 10:50] = 1
    nothing = np.zeros_like(mask)
    given = draw_overlay(None, mask, mask > 1, nothing, width=60)
    proposed = draw_overlay(None, nothing, mask > 1, mask, width=60)
    rim = (slice(10, 50), 10)
    assert (given[rim] == GIVEN).all()
    dashes = (proposed[rim] == PROPOSED).all(axis=-1)
    assert 0.3 < dashes.mean() < 0.8


def test_a_single_suspected_pixel_survives_a_small_picture() -> None:
    mask = np.zeros((400, 400), np.uint8)
    flagged = np.zeros(mask.shape, bool)
    flagged[201, 333] = True
    picture = draw_overlay(None, mask, flagged, mask, width=50).astype(int)
    assert np.argwhere(picture[..., 0] != picture[..., 2]).tolist() == [[25, 41]]


def test_of_a_volume_the_slice_with_most_suspected_pixels_is_drawn() -> None:
    case = case_of((4, 16, 20))
    flagged = np.zeros(case.mask.shape, bool)
    flagged[1, 5, 5] = flagged[2, 5, 5:7] = True
    found = draw_overlay(case.image, case.mask, flagged, case.proposed, width=80)
    alone = draw_overlay(case.image[:, 2], case.mask[2], flagged[2], case.proposed[2], width=80)
    assert (found == alone).all()


def test_ignored_pixels_are_dark_and_have_no_outline() -> None:
    mask = np.full((20, 20), IGNORE, np.uint8)
    mask[:, :10] = 0
    picture = draw_overlay(None, mask, mask == 1, mask, width=20)
    assert (picture[:, :10] == 128).all()
    assert (picture[:, 10:] < 64).all()


@pytest.mark.parametrize(
    "image",
    [
        None,
        np.full((1, 16, 20), 7.0),
        np.full((1, 16, 20), np.nan),
        np.zeros((3, 16, 20), np.uint8),
    ],
)
def test_image_without_contrast_is_plain_grey(image) -> None:
    empty = np.zeros((16, 20), np.uint8)
    assert (draw_overlay(image, empty, empty > 0, empty, width=40) == 128).all()


def test_a_tall_picture_stays_on_the_page() -> None:
    tall = np.zeros((1000, 10), np.uint8)
    assert draw_overlay(None, tall, tall > 0, tall, width=100).shape == (200, 2, 3)


def test_arrays_that_do_not_fit_are_refused() -> None:
    image, mask, flagged, proposed = case_of()
    for bad in (
        (image[:, 1:], mask, flagged, proposed),
        (image, mask, flagged[1:], proposed),
        (None, mask[0], flagged[0], proposed[0]),
        (None, mask[:0], flagged[:0], proposed[:0]),
    ):
        with pytest.raises(DataError, match="can't be drawn"):
            draw_overlay(*bad, width=40)


def test_pictures_are_bounded_whatever_they_show() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3)).astype(np.uint8)
    uri = data_uri(noise, largest=20_000)
    encoded = base64.b64decode(uri.removeprefix("data:image/jpeg;base64,"))
    assert len(encoded) <= 20_000
    assert cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR) is not None
    flat = np.zeros((30, 40, 3), np.uint8)
    flat[..., 0] = 250  # red stays red
    encoded = base64.b64decode(data_uri(flat).split(",")[1])
    blue, _, red = cv2.imdecode(np.frombuffer(encoded, np.uint8), cv2.IMREAD_COLOR)[15, 20]
    assert red > 200 > 50 > blue


# ---- words and numbers


def test_shares_never_pretend_to_be_nothing_or_everything() -> None:
    assert [share(x) for x in (0, 1e-7, 0.00123, 0.0321, 0.5, 0.999999, 1, None)] == [
        *("0%", "<0.01%", "0.12%", "3.2%", "50.0%", ">99.99%", "100%", "–")
    ]
    assert points(0.0213) == "+2.1"
    assert points(-0.004) == "−0.4"


def test_headline_says_how_much_and_where() -> None:
    flagged = np.array([0, 50, 0, 30, 20])
    assert headline(flagged, 10_000) == "1.0% of the labelled pixels look wrong, in 3 of 5 masks."
    assert headline(flagged, None) == "100 pixels in 3 of 5 masks look wrong."
    assert headline(np.zeros(5, int), 10_000) == "Nothing looks wrong in 5 masks."
    said = findings(flagged, 10_000, ["background", "heart"], [0.01, 0.1])
    assert "Half of all suspected pixels lies in 1 of 5 masks." in said
    assert "“heart”: an estimated 10.0%" in said[-1]


def test_worst_masks_come_first_and_unscored_ones_last() -> None:
    table = table_of(4)
    table["quality"] = [0.5, np.nan, 0.5, 0.2]
    table["flagged_pixels"] = [3, 9, 7, 1]
    order = worst_first(report_of(images=table))["name"]
    assert list(order) == ["case003", "case002", "case000", "case001"]


def test_changes_are_counted_by_pair_of_classes() -> None:
    mask = np.array([[1, 1, 1, 0, 2]], np.uint8)
    proposed = np.array([[0, 0, 2, 1, 2]], np.uint8)
    case = OverlayCase(None, mask, np.array([[1, 1, 1, 0, 1]]) > 0, proposed)
    assert changes_in(case, ["background", "lung", "heart"]) == (
        "drawn as lung, probably background: 2 pixels",
        "drawn as lung, probably heart: 1 pixel",
    )


def test_joint_of_many_classes_keeps_those_with_most_mistakes() -> None:
    classes = 40
    joint = np.diag(np.full(classes, 0.02))
    joint[30, 7], joint[3, 30] = 0.15, 0.05
    found = joint_of({"joint": joint.tolist()}, [f"c{k}" for k in range(classes)])
    assert found is not None
    assert len(found.names) == MOST_CLASSES
    assert found.left_out == classes - MOST_CLASSES
    assert {"c3", "c7", "c30"} <= set(found.names)
    assert found.pairs == [("c30", "c7", 0.15), ("c3", "c30", 0.05)]
    at = found.names.index("c30"), found.names.index("c7")
    strongest = max(cell.opacity for row in found.cells for cell in row)
    assert found.cells[at[0]][at[1]].opacity == strongest


def test_error_rates_of_a_band_follow_from_its_counts() -> None:
    part = {"class_counts": [80, 20], "thresholds": [0.7, 0.6]}
    counts = [[60, 20], [5, 15]]
    strata = [{"name": name, **part, "calibrated_counts": counts} for name in ("interior", "band")]
    found = strata_of({"strata": strata}, ["a", "b"])
    assert "near the boundaries" in found[1][0]
    assert [row.error_rate for row in found[1][1]] == pytest.approx([0.25, 0.25])
    assert strata_of({"strata": strata[:1]}, ["a", "b"]) == []


def test_histogram_counts_every_score() -> None:
    scores = np.array([0.42, 0.42, 0.61, 0.98, np.nan])
    found = histogram(scores)
    assert (found["low"], found["high"]) == pytest.approx((0.4, 1.0))
    assert sum(count for _, count, _, _ in found["bars"]) == 4
    for _, count, low, high in found["bars"]:
        inside = (scores >= low) & ((scores < high) | (high == found["high"]))
        assert count == inside.sum()
    assert max(height for height, *_ in found["bars"]) == 100
    assert histogram(np.array([np.nan])) is None
    assert sum(count for _, count, _, _ in histogram(np.array([1.0]))["bars"]) == 1
    with pytest.raises(DataError, match="quality"):
        histogram(np.array([1.5]))


# ---- the page


def test_page_needs_nothing_from_outside(tmp_path) -> None:
    page = written(tmp_path)
    text = (tmp_path / "report.html").read_text()
    assert "://" not in text
    assert not page.all("script")
    assert not page.all("link")
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    assert policy.startswith("default-src 'none'")
    assert len(page.all("img")) == 2 * 5
    assert all(image["src"].startswith("data:image/") for image in page.all("img"))
    assert "prefers-color-scheme: dark" in text
    targets = {figure["id"] for figure in page.all("figure")}
    assert {link["href"] for link in page.all("a")} == {f"#{target}" for target in targets}


def test_page_tells_the_numbers(tmp_path) -> None:
    page = written(tmp_path)
    assert "0.10% of the labelled pixels look wrong, in 4 of 5 masks." in page.text
    assert "case004 0.300 4 0.40% 1 4" in page.text
    assert "heart 1,000 8 10.0% –" in page.text  # a threshold that is not known
    assert "background 89.1% 0.90%" in page.text
    assert "drawn as heart, probably background: 12 pixels" in page.text


def test_only_the_worst_are_read_and_the_size_is_bounded(tmp_path) -> None:
    asked = []

    def case(name: str) -> OverlayCase:
        asked.append(name)
        return case_of((64, 64), seed=len(asked))

    page = written(tmp_path, images=table_of(2000), case=case, max_cases=4)
    assert asked == ["case1999", "case1998", "case1997", "case1996"]
    assert len(page.all("figure")) == 4
    assert "1,996 more are listed in images.csv" in page.text
    assert (tmp_path / "report.html").stat().st_size < 4 * 2 * 82_000 + 40_000


def test_every_text_of_the_users_is_escaped(tmp_path) -> None:
    evil = "<script>alert('x')</script>&amp;\""
    images = table_of(2)
    images.loc[0, "name"] = evil
    page = written(
        tmp_path,
        title=evil,
        images=images,
        class_names=["background", evil],
        settings={"note": evil},
        commands=[(evil, evil)],
        identification={evil: IdentificationEvaluator().summary()},
    )
    assert not page.all("script")
    assert page.text.count(evil) >= 9


def test_paths_that_are_no_utf8_are_shown_escaped(tmp_path) -> None:
    page = written(tmp_path, title="masks of Aufnahme_\udcfc", settings={"masks": "x_\udcfc"})
    assert r"Aufnahme_\udcfc" in page.text
    assert r"x_\udcfc" in page.text


def test_a_picture_that_fails_is_told_of_and_left_out(tmp_path) -> None:
    def case(name: str) -> OverlayCase:
        if name == "case004":
            raise DataError("the image of case004 is broken")
        return case_of()

    page = written(tmp_path, case=case)
    assert "no picture: the image of case004 is broken" in page.text
    assert len(page.all("figure")) == 5
    assert len(page.all("img")) == 2 * 4


def test_results_with_a_known_truth_are_shown(tmp_path) -> None:
    _, given, flagged, truth = case_of()
    found = IdentificationEvaluator(band=2)
    found.add("x", given, truth, flagged)
    student, baseline = (
        MaskEvaluator(["background", "heart"]),
        MaskEvaluator(["background", "heart"]),
    )
    for k in range(3):
        student.add(str(k), truth, truth)
        baseline.add(str(k), given, truth)
    paired = compare_methods(
        {"student": student.scores(), "ce": baseline.scores()},
        "ce",
        rng=np.random.default_rng(0),
        resamples=50,
    )
    page = written(
        tmp_path,
        identification={"Q": found.summary()},
        masks={"student": student.summary(), "ce": baseline.summary()},
        paired=paired,
        settings={"rule": "Q", "network": {"name": "unet", "depth": None}},
        commands=[("Correct the masks.", "mixednoise segment export RUN")],
    )
    assert "Q 1.000 1.000 1.000 12 12 12 1.000" in page.text
    # Dice of the given mask: 2 * 36 / (48 + 36)
    assert "ce 3 0.857 ± 0.000" in page.text
    assert "student ce 3 +14.3 +14.3 to +14.3 100%" in page.text
    assert "network.name unet" in page.text
    assert "network.depth none" in page.text
    assert "mixednoise segment export RUN" in page.text


def test_a_page_of_nothing_but_a_table(tmp_path) -> None:
    page = written(tmp_path, summary={}, class_names=(), case=None)
    assert "10 pixels in 4 of 5 masks look wrong." in page.text
    assert not page.all("figure")
    assert not page.all("a")
    page = written(tmp_path, images=table_of(0))
    assert "No mask was checked." in page.text


def test_a_mask_without_an_image_is_drawn_on_grey(tmp_path) -> None:
    page = written(tmp_path, case=lambda name: case_of()._replace(image=None))
    assert len(page.all("img")) == 5
    assert not page.all("input")  # nothing to show without marks


def test_numbers_that_do_not_fit_stop_before_anything_is_written(tmp_path) -> None:
    path = tmp_path / "report.html"
    bad = [
        ({"images": table_of(3).drop(columns="quality")}, DataError, "not complete"),
        ({"images": pd.concat([table_of(2), table_of(1)])}, DataError, "listed twice"),
        ({"class_names": ["a", "b", "c"]}, DataError, "don't fit together"),
        ({"summary": {"joint": [[1.0], [0.0]]}}, DataError, "joint doesn't fit"),
        ({"max_cases": -1}, ConfigError, "that few masks"),
    ]
    for changes, error, words in bad:
        with pytest.raises(error, match=words):
            write_report(report_of(**changes), path)
    assert not list(tmp_path.iterdir())


def test_an_earlier_report_is_not_replaced_unasked(tmp_path) -> None:
    path = tmp_path / "report.html"
    path.write_text("mine")
    with pytest.raises(RunError, match="exists already"):
        write_report(report_of(), path)
    assert path.read_text() == "mine"


def test_templates_are_part_of_the_package() -> None:
    folder = resources.files("mixednoise.segmentation.report") / "templates"
    assert re.search(r"Content-Security-Policy", (folder / "report.html").read_text())
    assert (folder / "style.css").is_file()
