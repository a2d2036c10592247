"""The connected components on the page: how large they are, the largest, links to pictures."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from mask_pages import SUMMARY, table_of, written

from mixednoise.errors import DataError
from mixednoise.segmentation.components import COLUMNS
from mixednoise.segmentation.report import overview, regions
from mixednoise.segmentation.report.regions import size_rows


def table_file(folder: Path, sizes: list[int], **columns) -> Path:
    """A ``components.csv`` with components of these sizes, in case000, case001, ..."""
    count = len(sizes)
    values = dict.fromkeys(COLUMNS, [0] * count) | {
        "name": [f"case{k:03d}" for k in range(count)],
        "component": [1] * count,
        "pixels": sizes,
        "share": [0.01] * count,
        "centre_y": [4.6] * count,
        "centre_x": [1200.2] * count,
        "depth": [1] * count,
        "given": ["heart"] * count,
        "proposed": ["NA"] * count,
        "p_given": [0.125] * count,
    }
    path = folder / "components.csv"
    pd.DataFrame(values | columns).to_csv(path, index=False)
    return path


def test_sizes_are_counted_and_summed(tmp_path) -> None:
    sizes = [1, 4, 5, 19, 20, 99, 100, 499, 500, 2499]
    rows = size_rows(overview(table_file(tmp_path, sizes)))
    assert [(row.least, row.most) for row in rows] == [
        (1, 4), (5, 19), (20, 99), (100, 499), (500, 2499),
    ]  # fmt: skip
    assert [row.components for row in rows] == [2] * 5
    assert [row.left for row in rows] == [10, 8, 6, 4, 2]
    total = 3746
    assert [row.of_pixels * total for row in rows] == pytest.approx([5, 24, 119, 599, 2999])
    assert [row.left_pixels * total for row in rows] == pytest.approx(
        [3746, 3741, 3717, 3598, 2999]
    )
    assert rows[1].share == 0.2
    last = size_rows(overview(table_file(tmp_path, [70_000, 1])))[-1]
    assert (last.least, last.most, last.components) == (10_000, None, 1)


@pytest.mark.parametrize("block", [1, 3, 100])
def test_the_largest_are_found_block_by_block(tmp_path, monkeypatch, block) -> None:
    monkeypatch.setattr(regions, "_BLOCK", block)
    sizes = [7, 3, 50, 7, 9, 50, 1, 7, 8]
    found = overview(table_file(tmp_path, sizes), most=5)
    # Equally large ones in the order of the file: of three with 7 pixels the first one.
    assert found.largest["name"].tolist() == ["case002", "case005", "case004", "case008", "case000"]
    assert found.largest["pixels"].tolist() == [50, 50, 9, 8, 7]
    assert found.components[:3].tolist() == [2, 5, 2]
    assert found.pixels[:3].tolist() == [4, 38, 100]


def test_regions_are_on_the_page_with_links_to_pictures(tmp_path) -> None:
    found = overview(table_file(tmp_path, [3, 40, 1, 2, 9000]))
    page = written(tmp_path, images=table_of(5), components=found, max_cases=2)
    assert "Suspected regions, one by one" in page.text
    assert "1 to 4 3 60.0% 0.07% --min-region 1 5 100%" in page.text
    assert "20 to 99 1 20.0% 0.44% --min-region 20 2 99.93%" in page.text
    assert "centre (y, x)" in page.text
    assert "1 case004 9,000 1.0% heart → NA 0.125 5, 1,200 1" in page.text
    assert "case001 40 1.0%" in page.text
    # The pictures shown are those of the worst masks, case004 and case003.
    targets = [link["href"] for link in page.all("a")]
    assert targets == ["#mask-1", "#mask-2"] * 2


def test_links_need_pictures(tmp_path) -> None:
    found = overview(table_file(tmp_path, [3, 40]))
    page = written(tmp_path, images=table_of(2), components=found, case=None)
    assert "1 case001 40" in page.text
    assert not page.all("a")


def test_what_was_let_go_and_what_is_not_listed_is_said(tmp_path) -> None:
    found = overview(table_file(tmp_path, list(range(6, 70))))
    summary = SUMMARY | {"settings": {"min_region": 6}}
    page = written(tmp_path, images=table_of(5), components=found, summary=summary)
    assert "that leaves. Regions of fewer than 6 pixels have been let go already." in page.text
    assert "14 more are listed in components.csv" in page.text
    assert "50 case014 20" in page.text
    assert "case013 19" not in page.text


def test_volumes_tell_the_slice_too(tmp_path) -> None:
    found = overview(table_file(tmp_path, [9, 8], centre_z=[3.2, 0.0], depth=[2, 1]))
    page = written(tmp_path, images=table_of(2), components=found)
    assert "centre (z, y, x)" in page.text
    assert "heart → NA 0.125 3, 5, 1,200 1" in page.text


def test_nothing_suspected_and_nothing_known_leave_no_section(tmp_path) -> None:
    assert overview(tmp_path / "components.csv") is None
    for found in (None, overview(table_file(tmp_path, []))):
        page = written(tmp_path, components=found)
        assert "0.10% of the labelled pixels look wrong" in page.text
        assert "Suspected regions" not in page.text


def test_names_are_escaped_and_stay_text(tmp_path) -> None:
    evil = ["<script>alert('x')</script>", "NA"]
    found = overview(table_file(tmp_path, [9, 8], name=evil, given=["<b>", "001"]))
    page = written(tmp_path, images=table_of(2), components=found)
    assert not page.all("script")
    assert "1 <script>alert('x')</script> 9 1.0% <b> → NA" in page.text
    assert "2 NA 8 1.0% 001 → NA" in page.text


@pytest.mark.parametrize("text", ["", "name,pixels\na,many\n", "name\na\n"])
def test_another_file_in_its_place_is_refused(tmp_path, text) -> None:
    path = tmp_path / "components.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"components\.csv can't be read"):
        overview(path)
