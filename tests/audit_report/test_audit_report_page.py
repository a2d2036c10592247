"""The page: complete, self-contained, bounded, and harmless whatever the names in it."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import numpy as np
import pandas as pd
import pytest
from report_helpers import CLASSES, audit_with, cards, empty, headings, points_of, report_of

from audit_folders import write_audit
from html_page import Page
from mixednoise.audit.folder import AuditFolder, Manifest, fingerprint_of, read_text_table
from mixednoise.audit.located import LocatedImages
from mixednoise.audit.report import write_report
from mixednoise.audit.report.pictures import LARGEST
from mixednoise.errors import RunError
from mixednoise.io import write_csv, write_json
from mixednoise.pages.embed import data_uri

ALL = {
    *("summary", "next", "classes", "wrong", "unreadable", "copies", "plane", "pictures", "poor"),
    *("truth", "training", "made", "means", "means-not", "viewer-title"),
}


#: Filled by the page's script: the box under the mouse, and the enlarged image with its text.
SCRIPTED = {"plane-tip", "viewer-picture", "viewer-text"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> AuditFolder:
    return write_audit(
        tmp_path_factory.mktemp("audits") / "first", n=24, classes=CLASSES, truth=True
    )


@pytest.fixture(scope="module")
def page(folder) -> Page:
    return report_of(folder)


def test_page_needs_nothing_from_outside(folder, page) -> None:
    text = folder.report.read_text(encoding="utf-8")
    assert "://" not in text
    assert not page.all("link")
    sources = [image["src"] for image in page.all("img")]
    assert sources
    assert all(source.startswith("data:image/jpeg;base64,") for source in sources)
    assert all(link["href"].startswith("#") for link in page.all("a"))


def test_only_our_own_script_may_run(page) -> None:
    policy = next(m["content"] for m in page.all("meta") if "http-equiv" in m)
    allowed = re.search(r"script-src 'sha256-([^']+)'", policy)[1]
    ours = [script for script, tag in zip(page.scripts, page.all("script"), strict=True) if not tag]
    assert [base64.b64encode(hashlib.sha256(ours[0].encode()).digest()).decode()] == [allowed]
    assert len(ours) == 1
    assert "default-src 'none'" in policy
    assert "unsafe-inline'; script-src" in policy  # of styles alone


def test_every_section_is_there_and_linked_to(page) -> None:
    assert headings(page) == ALL
    targets = {str(a["id"]) for _, a in page.tags if "id" in a}
    assert {link["href"][1:] for link in page.all("a")} <= targets
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))


def test_summary_counts_what_the_table_says(page) -> None:
    # 24 rows: 4 of the test split; of 20 judged ones 6 wrong, 4 unreadable, and the two copies
    # with different labels that both look right.
    assert "12 of 20 labels need a second look." in page.text
    assert "6 look wrong although the image can be read" in page.text
    assert "4 belong to images that can’t be read" in page.text
    assert "2 look right, but a copy of the image has another label" in page.text
    assert "Not judged: 4 in the test split" in page.text
    assert "1 picture comes more than once with different labels; 1 as exact copies" in page.text
    assert "1 image could not be used" in page.text
    assert "image file not found 1 gone.png" in page.text


def test_next_commands_name_the_folder(folder, page) -> None:
    here = folder.path.absolute()
    assert f"mixednoise review {here}" in page.text
    assert f"mixednoise apply {here} --out corrected.csv" in page.text
    train = "mixednoise train corrected.csv --group-column patient --out runs/second"
    assert train in page.text


def test_folders_with_spaces_and_quotes_can_be_typed(tmp_path) -> None:
    page = report_of(write_audit(tmp_path / "it's mine"))
    assert "it'\"'\"'s mine" in page.text


def test_cards_hold_what_a_reader_needs(folder, page) -> None:
    table = read_text_table(folder.table).set_index("id")
    wrong = cards(page, "wrong")
    assert len(wrong) == 6
    shown = [table.index[int(card["id"].split("-")[1])] for card in wrong]
    quality = table.loc[shown, "label_quality"].tolist()
    assert quality == sorted(quality)
    classes = dict(enumerate(CLASSES))
    for card, name in zip(wrong, shown, strict=True):
        assert classes[int(card["data-given"])] == table.loc[name, "given_label"]
        assert classes[int(card["data-suggested"])] == table.loc[name, "suggested_label"]
        for reason in table.loc[name, "reasons"].split("; "):
            assert reason in page.text
    unreadable = cards(page, "unreadable")
    assert {card["data-suggested"] for card in unreadable} == {"-1"}
    surest = [table["p_mis_l"].iloc[int(card["id"].split("-")[1])] for card in unreadable]
    assert surest == sorted(surest, reverse=True)
    assert len(cards(page, "copy")) == 2
    alts = [image["alt"] for image in page.all("img")]
    assert all(
        re.fullmatch(r"Image im\d+\.png, labelled (normal|cataract|glaucoma)", a) for a in alts
    )


def test_points_are_the_judged_rows(folder, page) -> None:
    table = read_text_table(folder.table)
    judged = table[table["group"] != ""]
    points = points_of(page)
    assert points["id"] == judged["id"].tolist()
    assert points["loss"] == pytest.approx(judged["loss"], abs=1e-4)
    assert points["state"] == judged["group"].map({"correct": 0, "mis_h": 1, "mis_l": 2}).tolist()
    assert points["truth"] == judged["noise_group"].map(
        {"correct": 0, "mis_h": 1, "mis_l": 2}
    ).tolist()  # fmt: skip
    keys = {card["id"] for kind in ("wrong", "unreadable", "poor") for card in cards(page, kind)}
    linked = {key for key in points["card"] if key}
    assert linked
    assert linked <= keys


@pytest.mark.parametrize(
    ("lacking", "gone"),
    [
        (["p_correct", "p_mis_h", "p_mis_l"], set()),
        (["loss"], {"plane"}),
        (["image_quality"], {"pictures", "poor"}),
        (["true_label", "noise_group"], {"truth"}),
        (["same_as", "patient", "confidence", "self_confidence", "reasons"], set()),
        (["label_quality", "predicted_label", "suggested_label"], set()),
    ],
)
@pytest.mark.parametrize("how", ["empty", "no column"])
def test_what_is_missing_is_left_out(tmp_path, lacking, gone, how) -> None:
    def change(table):
        if how == "no column":
            return table.drop(columns=lacking)
        return empty(table, *lacking)

    folder = audit_with(tmp_path / "a", change, features=False)
    page = report_of(folder)
    assert headings(page) == ALL - gone
    assert not re.search(r"\b(nan|None|NaT)\b", page.text)
    text = folder.report.read_text(encoding="utf-8")
    boxes = re.findall(r"<(ul|ol|dl|tbody|div|section)([^>]*)>\s*</\1>", text)
    assert {re.search('id="([^"]+)"', rest)[1] for _, rest in boxes} <= SCRIPTED


def test_without_verdicts_the_doubtful_are_shown(tmp_path) -> None:
    def change(table):
        empty(table, "p_correct", "p_mis_h", "p_mis_l", "group")
        table["is_label_issue"] = False

    page = report_of(audit_with(tmp_path / "a", change), method="cross_entropy")
    assert "No label was judged." in page.text
    assert headings(page) == ALL - {"classes", "wrong", "unreadable", "means", "means-not"} | {
        "doubted"
    }
    assert cards(page, "doubted")


def test_without_doubts_the_page_says_so(tmp_path) -> None:
    def change(table):
        table.loc[table["group"] != "", "group"] = "correct"
        table["is_label_issue"] = False
        table["predicted_label"] = table["suggested_label"] = table["given_label"]

    page = report_of(audit_with(tmp_path / "a", change))
    assert "No label looks wrong in 20 images." in page.text
    assert not {"wrong", "unreadable", "doubted"} & headings(page)


def test_an_audit_of_issues_without_groups(tmp_path) -> None:
    def change(table):
        table["is_label_issue"] = table["group"].isin(["mis_h"])
        empty(table, "group")

    page = report_of(audit_with(tmp_path / "a", change))
    assert "6 of 6 labels need a second look." in page.text
    assert len(cards(page, "wrong")) == 6


@pytest.mark.parametrize("damage", ["gone", "broken", "other"])
def test_a_run_that_is_gone_or_damaged_leaves_its_section_out(tmp_path, damage) -> None:
    folder = write_audit(tmp_path / "a")
    for name in ("history.csv", "metrics.json", "config.yaml"):
        file = folder.run / name
        if damage == "gone":
            file.unlink()
        else:
            file.write_text("\x00{[" if damage == "broken" else "[]", encoding="utf-8")
    assert headings(report_of(folder)) >= {"summary", "wrong", "plane"}
    assert "training" not in headings(report_of(folder, run=""))


def test_images_that_cannot_be_read_leave_a_note(tmp_path) -> None:
    folder = write_audit(tmp_path / "a", n=24)
    images = tmp_path / "a_data" / "images"
    (images / "im001.png").unlink()
    (images / "im003.png").write_bytes(b"no picture at all")
    page = report_of(folder)
    whole = report_of(write_audit(tmp_path / "b", n=24))
    assert page.text.count("no picture") == len(whole.all("img")) - len(page.all("img")) > 1
    assert "file not found" in page.text


def test_pictures_come_out_of_arrays_as_well(tmp_path) -> None:
    page = report_of(write_audit(tmp_path / "a", arrays=True))
    assert page.all("img")
    assert "no picture" not in page.text
    assert "--out corrected.npz" in page.text


EVIL = "</script><script>alert('x')</script><img src=x onerror=alert(1)>&amp;\"<!--"


def test_every_text_of_the_users_is_harmless(tmp_path) -> None:
    def change(table):
        for column in ("given_label", "suggested_label", "predicted_label", "true_label"):
            table[column] = table[column].replace("cataract", EVIL)
        table["id"] = [f"{name}{EVIL}" for name in table["id"]]
        table["reasons"] = table["reasons"] + f"; {EVIL}"
        table["patient"] = EVIL

    folder = audit_with(tmp_path / "a", change)
    page = report_of(
        folder,
        classes=["normal", EVIL, "glaucoma"],
        group_column=EVIL,
        data=f"/data/{EVIL}",
        method=EVIL,
    )
    assert len(page.all("script")) == 2
    assert not [a for _, a in page.tags if any(name.startswith("on") for name in a)]
    assert all(image["src"].startswith("data:") for image in page.all("img"))
    assert EVIL in page.text
    assert "</" not in page.scripts[-1]
    assert "<!--" not in page.scripts[-1]
    points = points_of(page)
    assert points["classes"] == ["normal", EVIL, "glaucoma"]
    assert points["id"][0] == f"im000.png{EVIL}"


def test_names_that_are_no_text_do_not_stop_the_report(tmp_path) -> None:
    page = report_of(write_audit(tmp_path / "a"), data="/data/Aufnahme_\udcfc.csv", run="/r\udcfc")
    assert r"Aufnahme_\udcfc.csv" in page.text


def test_an_earlier_report_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch) -> None:
    folder = write_audit(tmp_path / "a")
    folder.report.write_text("earlier")

    def fail(self, row, *, min_side=None):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(LocatedImages, "read", fail)
        with pytest.raises(KeyboardInterrupt):
            write_report(folder, folder.read_manifest())
    assert folder.report.read_text() == "earlier"
    report_of(folder)
    assert folder.report.stat().st_size > 10_000


def test_the_manifest_need_not_be_written_yet(tmp_path) -> None:
    folder = write_audit(tmp_path / "a")
    manifest = folder.read_manifest()
    folder.manifest.unlink()
    write_report(folder, manifest)
    assert Page(folder.report.read_text()).all("img")


def test_a_table_that_is_not_there_is_an_error(tmp_path) -> None:
    folder = write_audit(tmp_path / "a")
    folder.table.unlink()
    with pytest.raises(RunError, match="can't be read"):
        report_of(folder)


def test_ten_thousand_images_stay_below_twenty_megabytes(tmp_path, monkeypatch) -> None:
    folder, manifest = large_audit(tmp_path, 10_000)
    read = []
    noise = np.random.default_rng(0).integers(0, 256, (112, 112, 3)).astype(np.uint8)
    assert len(data_uri(noise, largest=LARGEST)) > LARGEST  # as large as a thumbnail may be

    def picture(self, row, *, min_side=None):
        read.append(row)
        return noise

    monkeypatch.setattr(LocatedImages, "read", picture)
    write_report(folder, manifest)
    # What is read is bounded: more images make no more pictures.
    assert 200 < len(read) < 400
    assert folder.report.stat().st_size < 20e6
    points = json.loads(Page(folder.report.read_text(encoding="utf-8")).scripts[-1])
    assert len(points["id"]) == 10_000


def large_audit(path, n: int) -> tuple[AuditFolder, Manifest]:
    """An audit of many images that aren't there, every section of it as full as it gets."""
    rng = np.random.default_rng(0)
    classes = [f"a class with a long name {k}" for k in range(12)]
    given, other = rng.integers(0, 12, (2, n))
    names = np.array(classes, dtype=object)
    p = rng.dirichlet([1, 1, 1], n)
    ids = [f"some/folder/of/a/hospital/image_{k:06d}.png" for k in range(n)]
    twin = np.where(rng.random(n) < 0.1, np.roll(ids, 1), "")
    table = pd.DataFrame(
        {
            "id": ids,
            "split": "train",
            "given_label": names[given],
            "suggested_label": names[other],
            "p_correct": p[:, 0],
            "p_mis_h": p[:, 1],
            "p_mis_l": p[:, 2],
            "loss": rng.exponential(2, n),
            "entropy": rng.random(n) * 2,
            "group": np.array(["correct", "mis_h", "mis_l"])[p.argmax(axis=1)],
            "is_label_issue": p.argmax(axis=1) > 0,
            "label_quality": rng.random(n),
            "predicted_label": names[other],
            "reasons": "predicted another class with 0.97 in 4 of 4 looks, given it with less "
            "than 0.01; loss above 99 % of its given class; dark; out of focus",
            "true_label": names[other],
            "noise_group": np.array(["correct", "mis_h", "mis_l"])[p.argmax(axis=1)],
            "patient": [f"patient {k // 3}" for k in range(n)],
            "image_quality": rng.random(n),
            "same_as": twin,
        }
    )
    folder = AuditFolder(path)
    write_csv(folder.table, table)
    write_csv(
        folder.images,
        pd.DataFrame({"id": ids, "path": ids, "array_index": -1, "bytes": 1, "digest": ""}),
    )
    manifest = Manifest(
        data="/data/labels.csv",
        method="qmix",
        classes=classes,
        images=n,
        fingerprint=fingerprint_of(table, classes),
    )
    return folder, manifest


def test_metrics_are_told_with_their_intervals(tmp_path) -> None:
    folder = write_audit(tmp_path / "a")
    scores = {"accuracy": 0.61, "macro_f1": 0.5, "qwk": None, "n": 40}
    write_json(
        folder.run / "metrics.json",
        {
            "split": "test",
            "last": scores,
            "best": scores | {"accuracy": 0.7},
            "best_epoch": 3,
            "intervals": {"last": {"accuracy": [0.55, 0.66], "macro_f1": [None, None]}},
            "confusion": {"last": [[20, 5], [10, 5]]},
            "per_class": {"last": {"normal": {"sensitivity": 0.8, "support": 25}}},
        },
    )
    page = report_of(folder)
    assert "accuracy 0.610 (0.550–0.660) 0.700" in page.text
    assert "macro F1 0.500 0.500" in page.text
    assert "weighted kappa" not in page.text
    assert "25 of 40 predictions are right (62.5%)" in page.text
    assert "normal 25 0.800 – – –" in page.text
    assert "normal 20 80.0% 5 20.0% 25" in page.text
