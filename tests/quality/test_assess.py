"""Many images: a row each, whatever becomes of one of them."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pictures
import pytest

from mixednoise.data.table import Dataset, make_table
from mixednoise.errors import DataError
from mixednoise.evaluation.ranking import binary_auc
from mixednoise.progress import Silent
from mixednoise.quality import assess_dataset, assess_file, assess_files
from mixednoise.quality.assess import COLUMNS, SCORES


def write(path, image):
    cv2.imwrite(str(path), image[..., ::-1])
    return str(path)


class Counting(Silent):
    def __init__(self):
        super().__init__()
        self.seen, self.total = 0, None

    def track(self, items, description, total=None):
        self.total = total
        for item in items:
            yield item
            self.seen += 1


@pytest.fixture
def files(tmp_path):
    """Good, blurred, a copy of the good one as JPEG, damaged, missing, black, black."""
    good = pictures.disc()
    black = np.zeros((64, 64, 3), np.uint8)
    (tmp_path / "damaged.png").write_bytes((tmp_path / "no.png").name.encode())
    return [
        write(tmp_path / "good.png", good),
        write(tmp_path / "blurred.png", pictures.blurred(pictures.disc(1), 5)),
        write(tmp_path / "copy.jpg", good),
        str(tmp_path / "damaged.png"),
        str(tmp_path / "missing.png"),
        write(tmp_path / "black.png", black),
        write(tmp_path / "black too.png", black),
    ]


def test_a_row_for_every_file(files):
    progress = Counting()
    ids = [Path(name).stem for name in files]
    table = assess_files(files, ids=ids, progress=progress)
    assert tuple(table.columns) == COLUMNS
    assert table["id"].tolist() == ids
    assert (progress.seen, progress.total) == (7, 7)
    told = dict(zip(ids, table["reasons"], strict=True))
    assert told["good"] == ""
    assert "out of focus" in told["blurred"]
    assert told["copy"] == "same image as good"
    assert told["damaged"].startswith("can't be read: ")
    assert told["missing"] == "can't be read: file not found"
    # What shows nothing is no copy of other pictures that show nothing.
    assert told["black"] == told["black too"]
    assert "no field of view found" in told["black"]
    assert table["same_as"].tolist() == ["", "", "good", "", "", "", ""]
    assert table["field_of_view"].tolist() == [True, True, True, False, False, False, False]
    unread = table.iloc[[3, 4]]
    assert (unread["quality"] == 0).all()
    assert unread[list(SCORES[1:])].isna().all(axis=None)
    assert (unread["hash"] == "").all()
    read = table.drop(index=[3, 4])
    assert read[list(SCORES)].apply(lambda column: column.between(0, 1)).all(axis=None)


def test_threads_change_nothing(files):
    pd.testing.assert_frame_equal(assess_files(files), assess_files(files, workers=3))


def test_nothing_at_all():
    table = assess_files([])
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 0


def test_ids_must_fit(files):
    with pytest.raises(DataError, match="7 ids"):
        assess_files(files, ids=["one"])


@pytest.mark.parametrize("radius", [0.46, 0.15], ids=["large disc", "small disc"])
def test_a_large_jpeg_is_judged_as_its_pixels_are(tmp_path, radius):
    """However much smaller it was decoded."""
    image = pictures.disc(side=1024, radius=radius)
    path = tmp_path / "large.jpg"
    cv2.imwrite(str(path), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
    png = assess_file(write(tmp_path / "large.png", image))
    jpg = assess_file(path)
    assert jpg.scores.reasons == png.scores.reasons
    assert jpg.scores.quality == pytest.approx(png.scores.quality, abs=0.05)
    assert jpg.measures.side == pytest.approx(2 * radius * 1024, rel=0.05)


def test_grey_alpha_and_16_bit_files_are_judged_alike(tmp_path):
    colour = pictures.disc()
    grey = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY)
    cv2.imwrite(str(tmp_path / "grey.png"), grey)
    cv2.imwrite(str(tmp_path / "deep.png"), grey.astype(np.uint16) * 257)
    cv2.imwrite(str(tmp_path / "alpha.png"), cv2.cvtColor(colour, cv2.COLOR_RGB2BGRA))
    write(tmp_path / "colour.png", colour)
    names = ("colour", "alpha", "grey", "deep")
    table = assess_files([tmp_path / f"{name}.png" for name in names], ids=names)
    # Sixteen bits are stretched to all of eight: brighter, but no other verdict.
    own = [text.split("same")[0].rstrip("; ") for text in table["reasons"]]
    assert own == ["", "", "", ""]
    assert table["quality"][1] == table["quality"][0]
    assert table["same_as"].tolist() == ["", "colour", "colour", "colour"]


def test_a_data_set_of_arrays_and_files(files):
    arrays = np.stack([pictures.disc(seed, side=128) for seed in (5, 6)])
    table = make_table(
        ["a", "b", "file"], [0, 0, 0], path=["", "", files[0]], array_index=[1, 0, -1]
    )
    judged = assess_dataset(Dataset(table, ("one",), Path("here"), arrays=arrays))
    assert judged["id"].tolist() == ["a", "b", "file"]
    alone = assess_files([files[0]])
    assert judged["quality"][2] == alone["quality"][0]
    assert judged["hash"][0] != judged["hash"][1]
    assert (judged["measured_side"][:2] < 128).all()


def test_memory_does_not_grow_with_the_number_of_images(tmp_path):
    """A single image more held on to would be 300 kB; of 60, 18 MB."""
    path = write(tmp_path / "one.png", pictures.disc(side=320))

    def peak(count):
        tracemalloc.start()
        assess_files([path] * count, ids=[str(i) for i in range(count)], workers=2)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    peak(2)  # what is imported when first used
    assert peak(60) < peak(10) + 2_000_000


@pytest.mark.real_data
def test_agrees_with_people_who_graded_fundus_photographs(real_data):
    folder = real_data / "eyepacs_eyeq"
    labels = pd.read_csv(folder / "labels.csv")
    labels = labels[labels["eyeq_quality"].isin([0, 2])]
    table = assess_files([folder / "images" / name for name in labels["image"]])
    assert binary_auc(labels["eyeq_quality"] == 0, table["quality"]) >= 0.97
