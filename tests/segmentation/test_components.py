"""Connected components of suspected pixels, one by one: by hand, and against scipy."""

import numpy as np
import pandas as pd
import pytest
from mask_helpers import random_set
from scipy import ndimage

from mixednoise.segmentation.components import COLUMNS
from mixednoise.segmentation.confident import (
    ArraySource,
    ErrorSettings,
    estimate,
    iter_errors,
    write_errors,
)

NAMES = ["background", "lung", "heart"]


def one_case(shape, changes, ignored=()):
    """A mask of background and its probabilities.

    ``changes`` is a list of (place, given, proposed, probability of the given class).
    """
    mask = np.zeros(shape, np.uint8)
    for place, given, _, _ in changes:
        mask[place] = given
    values = np.full((3, *shape), 0.1)
    np.put_along_axis(values, mask[None], 0.8, axis=0)
    for place, given, proposed, own in changes:
        values[(slice(None), *place)] = 0.05
        values[(given, *place)] = own
        values[(proposed, *place)] = 0.95 - own
    for place in ignored:
        mask[place] = 255
    return mask, values


#: Four components: five pixels that touch at corners, twice three, and a single one.
FLAT = one_case(
    (5, 8),
    [
        ((0, 0), 1, 0, 0.1), ((0, 1), 1, 0, 0.2), ((1, 2), 1, 2, 0.3),
        ((2, 2), 2, 0, 0.05), ((3, 2), 2, 0, 0.05),
        ((0, 6), 0, 2, 0.4), ((0, 7), 0, 1, 0.3), ((1, 7), 1, 0, 0.2),
        ((3, 5), 2, 1, 0.1), ((3, 6), 2, 1, 0.1), ((3, 7), 2, 1, 0.4),
        ((4, 0), 0, 2, 0.4),
    ],
    ignored=[(0, 3), (0, 4), (2, 5), (4, 4)],
)  # fmt: skip
#: What is known of them; 36 pixels are labelled. In the second, each class is proposed once, and
#: the given one is not what is proposed in its place.
FLAT_ROWS = [
    ("a", 1, 5, 0.1389, 0, 1.2, 1.4, 0, 0, 0, 1, 4, 3, "lung", "background", 0.14),
    ("a", 2, 3, 0.08333, 0, 0.33, 6.67, 0, 0, 6, 1, 2, 2, "background", "lung", 0.3),
    ("a", 3, 3, 0.08333, 0, 3, 6, 0, 3, 5, 1, 1, 3, "heart", "lung", 0.2),
    ("a", 4, 1, 0.02778, 0, 4, 0, 0, 4, 0, 1, 1, 1, "background", "heart", 0.4),
]


def written(out, cases, *, names=("a",), class_names=NAMES, **options):
    masks, values = zip(*cases, strict=True)
    source = ArraySource(list(masks), list(values), names=list(names))
    settings = ErrorSettings(rule="argmax", **options)
    write_errors(source, out, settings, class_names=class_names, overwrite=True)
    return pd.read_csv(out / "components.csv", keep_default_na=False)


def expected(rows):
    return pd.DataFrame(rows, columns=list(COLUMNS))


@pytest.mark.parametrize(("least", "left"), [(0, 4), (2, 3), (3, 3), (4, 1), (6, 0)])
def test_components_of_a_picture(tmp_path, least, left):
    table = written(tmp_path / "out", [FLAT], min_region=least)
    assert list(table.columns) == list(COLUMNS)
    assert len(table) == left
    if left:
        pd.testing.assert_frame_equal(table, expected(FLAT_ROWS[:left]), check_dtype=False)
    images = pd.read_csv(tmp_path / "out" / "images.csv")
    assert images["components"].tolist() == [left]
    assert images["flagged_pixels"].tolist() == [table["pixels"].sum()]


def test_components_of_a_volume(tmp_path):
    case = one_case(
        (3, 4, 5),
        [
            ((0, 1, 1), 1, 2, 0.1), ((1, 2, 2), 1, 2, 0.1), ((2, 2, 2), 0, 2, 0.3),
            ((2, 2, 3), 1, 0, 0.3), ((0, 3, 4), 2, 0, 0.25),
        ],
        ignored=[(0, 0, 0)],
    )  # fmt: skip
    table = written(tmp_path / "out", [case], class_names=None)
    rows = [
        ("a", 1, 4, 0.0678, 1.25, 1.75, 2, 0, 1, 1, 3, 2, 3, 1, 2, 0.2),
        ("a", 2, 1, 0.01695, 0, 3, 4, 0, 3, 4, 1, 1, 1, 2, 0, 0.25),
    ]
    pd.testing.assert_frame_equal(table, expected(rows), check_dtype=False)


def test_images_follow_each_other_and_count_anew(tmp_path):
    quiet = one_case((4, 4), [])
    small = one_case((2, 3), [((1, 1), 2, 1, 0.1)])
    cases, names = [FLAT, quiet, small], ["z,1", "quiet", "b"]
    table = written(tmp_path / "out", cases, names=names)
    assert table["name"].tolist() == ["z,1"] * 4 + ["b"]
    assert table["component"].tolist() == [1, 2, 3, 4, 1]
    assert table["share"].iloc[-1] == pytest.approx(1 / 6, abs=1e-4)
    # Made anew with the maps: nothing of the earlier table stays.
    again = written(tmp_path / "out", cases, names=names, min_region=4)
    assert again[["name", "pixels"]].to_numpy().tolist() == [["z,1", 5]]


def test_a_set_without_suspicion_has_an_empty_table(tmp_path):
    table = written(tmp_path / "out", [one_case((4, 4), [])])
    assert list(table.columns) == list(COLUMNS)
    assert table.empty


def test_components_are_measured_only_where_asked_for():
    source = ArraySource([FLAT[0]], [FLAT[1]])
    settings = ErrorSettings(rule="argmax")
    found = estimate(source, settings)
    (plain,) = iter_errors(source, found, settings)
    (measured,) = iter_errors(source, found, settings, components=True)
    assert plain.measured is None
    assert measured.measured.pixels.tolist() == [5, 3, 3, 1]
    assert plain.components == measured.components == 4


@pytest.mark.parametrize(("shape", "rate"), [((30, 23), 0.2), ((8, 12, 14), 0.05)])
@pytest.mark.parametrize("seed", range(3))
def test_components_equal_those_of_scipy(shape, rate, seed):
    rng = np.random.default_rng(seed)
    masks, values = random_set(rng, images=2, shape=shape)
    values = 0.4 * values + 0.6 * np.moveaxis(np.eye(3)[masks], -1, 1)
    for shift in (1, 2):
        wrong = rng.random(masks.shape) < rate / 2
        values = np.where(wrong[:, None], np.roll(values, shift, axis=1), values)
    masks[rng.random(masks.shape) < 0.05] = 255
    source, settings = ArraySource(masks, values), ErrorSettings(rule="argmax", min_region=2)
    found = estimate(source, settings)
    for image, mask, p in zip(
        iter_errors(source, found, settings, components=True), masks, values, strict=True
    ):
        labels, count = ndimage.label(image.flagged, np.ones([3] * len(shape)))
        each = range(1, count + 1)
        own = np.take_along_axis(p, np.where(mask == 255, 0, mask)[None].astype(int), axis=0)[0]
        sizes = ndimage.sum_labels(image.flagged, labels, each)
        assert count > 5
        assert len(set(sizes)) < count, "some are equally large"
        # scipy numbers by first pixel, so a stable sort by size is the order that is promised.
        order = np.argsort(-sizes, kind="stable")
        ours = image.measured
        assert ours.pixels.tolist() == sizes[order].tolist()
        centre = np.array(ndimage.center_of_mass(image.flagged, labels, each))[order]
        np.testing.assert_allclose(ours.centre[:, -len(shape) :], centre)
        np.testing.assert_allclose(ours.p_given, ndimage.mean(own, labels, each)[order])
        boxes = [ndimage.find_objects(labels)[k] for k in order]
        starts = [[axis.start for axis in box] for box in boxes]
        extents = [[axis.stop - axis.start for axis in box] for box in boxes]
        assert ours.start[:, -len(shape) :].tolist() == starts
        assert ours.extent[:, -len(shape) :].tolist() == extents
        for place, k in enumerate(order):
            inside = labels == k + 1
            given = np.bincount(mask[inside]).argmax()
            change = np.bincount(image.proposed[inside & (mask == given)]).argmax()
            assert (ours.given[place], ours.proposed[place]) == (given, change)
