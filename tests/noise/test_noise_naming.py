"""Image values: the user's own where possible, each leading to its own file."""

from __future__ import annotations

from pathlib import Path

from mixednoise.data.image_files import find_images
from mixednoise.noise.naming import plan_places


def plan(*rows: tuple[str, str, str]) -> list[tuple[str, str]]:
    ids, paths, suffixes = zip(*rows, strict=True)
    return [tuple(place) for place in plan_places(ids, paths, suffixes)]


def test_values_that_can_stay_stay():
    assert plan(
        ("a.jpg", "/d/a.jpg", ""),
        ("left/b.PNG", "/d/left/b.PNG", ""),
        ("c", "/d/c.jpeg", ""),
        ("d.0", "/d/d.0.tif", ""),
        ("train_00001", "", ".png"),
        ("images/e.jpg", "/d/images/e.jpg", ""),
    ) == [
        ("a.jpg", "images/a.jpg"),
        ("left/b.PNG", "images/left/b.PNG"),
        ("c", "images/c.jpeg"),
        ("d.0", "images/d.0.tif"),
        ("train_00001", "images/train_00001.png"),
        ("images/e.jpg", "images/e.jpg"),
    ]


def test_another_format_gets_its_suffix_unless_the_value_has_none():
    assert plan(("a.jpg", "/d/a.jpg", ".png"), ("b", "/d/b.jpg", ".png")) == [
        ("a.png", "images/a.png"),
        ("b", "images/b.png"),
    ]


def test_values_that_lead_outside_are_brought_inside():
    assert plan(
        ("/data/eyes/1.jpg", "/data/eyes/1.jpg", ""),
        ("../other/2.jpg", "/d/other/2.jpg", ""),
        ("C:\\eyes\\3.jpg", "/d/3.jpg", ""),
        ("x\\4.jpg", "/d/x/4.jpg", ""),
    ) == [
        ("1.jpg", "images/1.jpg"),
        ("other/2.jpg", "images/other/2.jpg"),
        ("3.jpg", "images/3.jpg"),
        ("x/4.jpg", "images/x/4.jpg"),
    ]


def test_whoever_has_to_change_steps_aside():
    assert plan(
        ("a.jpg", "/d/a.jpg", ".png"),
        ("a.png", "/d/a.png", ""),
        ("/x/b.jpg", "/x/b.jpg", ""),
        ("/y/b.jpg", "/y/b.jpg", ""),
        ("images/c.jpg", "/d/images/c.jpg", ""),
        ("c.jpg", "/d/c.jpg", ""),
        ("E.jpg", "/d/E.jpg", ""),
        ("e.jpg", "/d/e.jpg", ""),
    ) == [
        ("a_2.png", "images/a_2.png"),
        ("a.png", "images/a.png"),
        ("b.jpg", "images/b.jpg"),
        ("b_2.jpg", "images/b_2.jpg"),
        ("images/c.jpg", "images/c.jpg"),
        ("c_2.jpg", "images/c_2.jpg"),
        ("E.jpg", "images/E.jpg"),
        ("e_2.jpg", "images/e_2.jpg"),
    ]


def test_a_value_without_suffix_that_could_mean_two_files_gets_one():
    assert plan(("a", "/d/a.tif", ""), ("a.jpg", "/d/a.jpg", "")) == [
        ("a.tif", "images/a.tif"),
        ("a.jpg", "images/a.jpg"),
    ]


def test_every_value_is_found_where_the_reader_looks(tmp_path: Path):
    ids = [
        "a.jpg",
        "a",
        "A.jpg",
        "b/c",
        "b/c.png",
        "/r/d.jpg",
        "images/f.jpg",
        "images/images/f.jpg",
    ]
    ids += ["f.jpg", "images/b/c", "g.h", "x.dicom", "..", "i\nj.png", "k.jpeg", "k"]
    paths = [i if "." in i else f"{i}.jpg" for i in ids]
    for suffixes in ([""] * len(ids), [".png"] * len(ids), ["", ".png"] * (len(ids) // 2)):
        folder = tmp_path / str(hash(tuple(suffixes)))
        places = plan_places(ids, paths, suffixes)
        assert len({place.value for place in places}) == len(ids)
        for place in places:
            (folder / place.file).parent.mkdir(parents=True, exist_ok=True)
            (folder / place.file).write_text(place.file)
        found, _ = find_images([p.value for p in places], [folder, folder / "images"])
        assert [Path(path).read_text() if path else path for path in found] == [
            place.file for place in places
        ]
