"""Every fault lowers its own score, the more the worse, and is named; a good picture has none."""

from __future__ import annotations

import itertools

import cv2
import numpy as np
import pictures
import pytest

from mixednoise.data.field_of_view import find_field_of_view
from mixednoise.errors import ConfigError, DataError
from mixednoise.noise.images import degrade
from mixednoise.quality import Limits, assess_image
from mixednoise.quality.measures import measure
from mixednoise.quality.picture import COMMON_SIDE, RIM, WORKING_SIDE, working_picture

FAULTS = [
    ("focus", "out of focus", pictures.blurred),
    ("detail", "out of focus", pictures.blurred),
    ("exposure", "dark", pictures.darkened),
    ("exposure", "overexposed", pictures.brightened),
    ("noise", "noisy", pictures.noisy),
    ("contrast", "low contrast", pictures.flattened),
    ("evenness", "uneven light", pictures.shaded),
    ("colour", "colour cast", pictures.tinted),
]


@pytest.fixture(scope="module")
def image():
    return pictures.disc()


@pytest.mark.parametrize(("name", "word", "worsen"), FAULTS)
def test_every_fault_lowers_its_own_score_and_is_named(image, name, word, worsen):
    steps = [assess_image(image), *(assess_image(worsen(image, s)) for s in (1, 2, 4, 8))]
    values = [getattr(step.scores, name) for step in steps]
    assert values[0] > 0.5
    # Equal where a fault is still within what counts as none, then falling.
    assert all(later <= earlier for earlier, later in itertools.pairwise(values))
    assert values[-1] < 0.5 < values[0]
    assert len(set(values)) >= 4
    assert word not in steps[0].scores.reasons
    assert word in steps[-1].scores.reasons
    assert steps[-1].scores.quality < 0.8 * steps[0].scores.quality


def test_a_good_picture_has_no_reason(image):
    judged = assess_image(image)
    assert judged.scores.reasons == ()
    assert judged.scores.quality > 0.5
    assert judged.found


@pytest.mark.parametrize("kind", ["blur", "haze"])
def test_the_faults_that_the_package_makes_on_purpose_are_found(image, kind):
    bad = degrade(image, kind, 1.0, np.random.default_rng(0))
    assert assess_image(bad).scores.reasons
    assert assess_image(bad).scores.quality < 0.5


def test_quality_below_one_half_always_has_a_reason():
    image = pictures.disc(side=256)
    for _, _, worsen in FAULTS:
        for strength in (0.5, 1.5, 3, 6):
            judged = assess_image(worsen(image, strength)).scores
            assert judged.reasons or judged.quality >= 0.5


@pytest.mark.parametrize("change", [lambda i: i, *(worsen for _, _, worsen in FAULTS[:1])])
@pytest.mark.parametrize("strength", [0.3, 4.0])
def test_resolution_changes_no_verdict(change, strength):
    large = pictures.disc(side=1024)
    large = large if change.__code__.co_argcount == 1 else change(large, strength)
    small = cv2.resize(large, (256, 256), interpolation=cv2.INTER_AREA)
    of_large, of_small = assess_image(large), assess_image(small)
    assert of_large.scores.reasons == of_small.scores.reasons
    for name in ("quality", "exposure", "evenness", "contrast", "focus", "detail", "colour"):
        assert getattr(of_large.scores, name) == pytest.approx(
            getattr(of_small.scores, name), abs=0.05
        ), name
    assert of_large.measures.side == pytest.approx(4 * of_small.measures.side, rel=0.02)


@pytest.mark.parametrize("shape", [(1024, 1024), (768, 1024), (512, 2048)])
def test_what_is_averaged_to_the_common_size_is_measured_alike_to_the_last_digit(shape):
    """Noise, stripes and specks: limits are near somewhere, and still no verdict can change."""
    rng = np.random.default_rng(0)
    sizes = (shape[1] * COMMON_SIDE // max(shape), shape[0] * COMMON_SIDE // max(shape))
    for sigma, light in itertools.product((2, 10, 40), (30, 90, 200)):
        grain = cv2.GaussianBlur(rng.normal(0, 30 * sigma, shape).astype(np.float32), (0, 0), sigma)
        large = np.clip(grain[..., None] + light, 0, 255).astype(np.uint8).repeat(3, axis=2)
        small = cv2.resize(large, sizes, interpolation=cv2.INTER_AREA)
        of_large, of_small = assess_image(large), assess_image(small)
        assert of_large.scores == of_small.scores
        assert (of_large.fingerprint == of_small.fingerprint).all()


def test_a_whole_disc_has_its_rim_taken_off_all_around():
    """Also where it touches its box, which is no edge of the image."""
    picture = working_picture(pictures.disc(radius=0.4))
    for side in (picture.inside, picture.inside.T):
        assert not side[:RIM].any()
        assert not side[-RIM:].any()


def test_a_disc_that_the_sensor_cuts_has_no_rim_there():
    image = pictures.disc(radius=0.45)
    quarter = pictures.SIDE // 4
    picture = working_picture(np.ascontiguousarray(image[quarter:-quarter]))
    assert picture.inside[0].any()
    assert picture.inside[-1].any()
    assert not picture.inside[:, :RIM].any()
    assert not picture.inside[:, -RIM:].any()


@pytest.mark.parametrize("value", [0, 9])
def test_black_has_no_field_of_view(value):
    judged = assess_image(np.full((90, 120, 3), value, np.uint8))
    assert not judged.found
    assert "no field of view found" in judged.scores.reasons
    assert judged.scores.quality == 0


def test_a_uniform_picture_is_blank():
    for image in (np.full((200, 200, 3), 128, np.uint8), np.full((300, 200, 3), 255, np.uint8)):
        judged = assess_image(image)
        assert judged.scores.reasons == ("blank",)
        assert judged.scores.quality == 0
    disc = pictures.disc()
    assert "blank" in assess_image(pictures.within(disc, np.full(disc.shape, 150))).scores.reasons


def test_the_border_counts_for_nothing(image):
    """The same disc, with twice as much black around it."""
    half = pictures.SIDE // 2
    wide = cv2.copyMakeBorder(image, half, half, half, half, cv2.BORDER_CONSTANT)
    alone, around = assess_image(image), assess_image(wide)
    assert around.scores.quality == pytest.approx(alone.scores.quality, abs=0.03)
    assert around.measures.light == pytest.approx(alone.measures.light, abs=3)
    assert around.measures.field_of_view == pytest.approx(
        alone.measures.field_of_view / 4, rel=0.05
    )


def test_the_share_of_a_disc_is_its_area():
    picture = working_picture(pictures.disc(radius=0.4))
    assert picture.share == pytest.approx(np.pi * 0.4**2, rel=0.04)
    assert picture.native_side == pytest.approx(0.8 * pictures.SIDE, rel=0.03)


@pytest.mark.parametrize("radius", [0.25, 0.4, 0.6])
def test_same_place_as_the_field_of_view_of_the_pixel_store(radius):
    image = pictures.disc(radius=radius)
    x0, y0, x1, y1 = find_field_of_view(image)
    assert working_picture(image).native_side == pytest.approx(
        max(x1 - x0, y1 - y0), abs=0.02 * pictures.SIDE
    )


def test_text_in_the_border_is_no_picture(image):
    small = cv2.copyMakeBorder(image, 200, 200, 200, 200, cv2.BORDER_CONSTANT)
    written = small.copy()
    cv2.putText(written, "OD 45", (10, 750), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (255, 255, 255), 3)
    assert working_picture(written).native_side == working_picture(small).native_side


def test_without_a_border_the_whole_image_is_the_field_of_view():
    square = pictures.disc(radius=2.0)
    judged = assess_image(square[:, :300])
    assert judged.measures.field_of_view == 1.0
    assert judged.measures.side == pictures.SIDE
    assert judged.scores.reasons == ()


def test_grey_pictures_have_no_colour_cast():
    grey = cv2.cvtColor(cv2.cvtColor(pictures.disc(), cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    judged = assess_image(grey)
    assert judged.scores.colour == pytest.approx(1.0)
    assert judged.scores.reasons == ()


@pytest.mark.parametrize("sigma", [3.0, 8.0])
def test_noise_is_measured_in_grey_values(sigma):
    grain = np.random.default_rng(0).normal(128, sigma, (WORKING_SIDE, WORKING_SIDE, 1))
    measured = measure(working_picture(np.rint(grain.repeat(3, axis=2)).astype(np.uint8)))
    assert measured.noise == pytest.approx(sigma, rel=0.05)
    # All of it is noise: nothing is left over as detail.
    assert measured.detail < 0.25 * sigma


def test_small_images_say_so(image):
    small = cv2.resize(image, (28, 28), interpolation=cv2.INTER_AREA)
    assert "small" in assess_image(small).scores.reasons
    assert "small" not in assess_image(image).scores.reasons


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 1), (5, 7), (2000, 9)])
def test_any_shape_can_be_measured(shape):
    rng = np.random.default_rng(0)
    judged = assess_image(rng.integers(0, 256, (*shape, 3), np.uint8))
    assert 0.0 <= judged.scores.quality <= 1.0
    assert "small" in judged.scores.reasons or max(shape) >= WORKING_SIDE


def test_the_image_is_not_changed(image):
    small = cv2.resize(image, (120, 120), interpolation=cv2.INTER_AREA)
    for given in (image, small):
        before = given.copy()
        assess_image(given)
        assert np.array_equal(given, before)


def test_limits_decide_what_is_a_fault(image):
    assert assess_image(image, Limits(light=250.0)).scores.reasons == ("dark",)
    with pytest.raises(ConfigError, match="focus=-1"):
        Limits(focus=-1)


@pytest.mark.parametrize(
    "wrong",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((0, 8, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused(wrong):
    with pytest.raises(DataError, match="uint8 RGB"):
        assess_image(wrong)
