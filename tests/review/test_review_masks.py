"""Masks under review: what is drawn over the image is what the run has found."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
from review_client import Client, client_of, serving

from mask_audits import RIGHT, SLICES, WORST, picture, truth, write_mask_audit
from mixednoise.errors import RunError
from mixednoise.progress import Silent
from mixednoise.review.server.masks import upright
from mixednoise.review.server.room import open_room

COLOURS = {"given": "#56B4E9", "suspected": "#D55E00", "proposed": "#F0E442"}
#: Times that a layer is larger than a mask of 32 pixels.
SCALE = 32


@pytest.fixture(scope="module")
def flat(tmp_path_factory):
    folder = write_mask_audit(
        tmp_path_factory.mktemp("review") / "flat", classes=("background", "heart", "lung")
    )
    with serving(folder) as server:
        client = Client(server)
        client.login()
        yield client


@pytest.fixture(scope="module")
def volumes(tmp_path_factory):
    folder = write_mask_audit(tmp_path_factory.mktemp("review") / "deep", volumes=True)
    with serving(folder) as server:
        client = Client(server)
        client.login()
        yield client


def drawn(client: Client, path: str) -> np.ndarray:
    """RGBA of a layer."""
    answer = client.ask("GET", f"/api/layer/{path}")
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "image/png"
    return answer.pixels


def of_colour(layer: np.ndarray, name: str) -> np.ndarray:
    colour = [int(COLOURS[name][k : k + 2], 16) for k in (1, 3, 5)]
    return np.all(layer[..., :3] == colour, axis=-1) & (layer[..., 3] == 255)


def enlarged(mask: np.ndarray) -> np.ndarray:
    return np.kron(mask, np.ones((SCALE, SCALE), mask.dtype))


def rim(mask: np.ndarray, width: int) -> np.ndarray:
    """Pixels within ``width`` of the border of a region."""
    moved = [
        np.roll(mask, (dy, dx), (0, 1)) for dy in range(-width, width + 1)
        for dx in range(-width, width + 1)
    ]  # fmt: skip
    return np.any(moved, axis=0) & ~np.all(moved, axis=0)


def test_what_is_reviewed(flat):
    told = flat.get("/api/about")
    assert told["kind"] == "segmentation"
    assert told["colours"] == COLOURS
    assert told["issues"] == 2
    assert dict(told["facets"]["worst_class"]) == {"lung": 2, "": 2}
    assert told["next"].endswith("--out corrected")
    sample = flat.get("/api/queue")["samples"][0]
    assert (sample["id"], sample["suspected"]) == ("c00", 48)


def test_a_flat_case(flat):
    told = flat.get("/api/mask/0")
    assert (told["slices"], told["shown"], told["suspected"]) == (1, 0, [48])
    assert told["changes"] == ["drawn as lung, probably background: 48 pixels"]
    assert [one["name"] for one in told["classes"]] == ["heart", "lung"]
    assert flat.get("/api/mask/1")["suspected"] == [0]


def test_the_image_is_below_in_its_own_size(flat):
    answer = flat.ask("GET", "/api/image/0/view")
    assert answer.pixels.shape == (32, 32, 3)
    grey = answer.pixels[0, :, 0].astype(int)
    assert np.all(np.diff(grey) >= 0)
    assert (grey[0], grey[-1]) == (0, 255)
    assert max(flat.ask("GET", "/api/image/0/thumb").pixels.shape) == 144


def test_suspected_pixels_are_filled_and_nothing_else(flat):
    _, suspected, _ = truth(0, 3)
    layer = drawn(flat, "0/suspected")
    np.testing.assert_array_equal(of_colour(layer, "suspected"), enlarged(suspected))
    assert not layer[~enlarged(suspected)].any()
    assert not drawn(flat, "1/suspected").any()


@pytest.mark.parametrize("name", ["given", "proposed"])
def test_outlines_follow_the_masks(flat, name):
    given, _, proposed = truth(0, 3)
    layer = drawn(flat, f"0/{name}")
    line = of_colour(layer, name)
    mask = enlarged(given if name == "given" else proposed)
    near = np.any([rim(mask == value, 4) for value in np.unique(mask)], axis=0)
    assert not (line & ~near).any()
    # Every side has its line; that of the proposed mask is dashed.
    touched = np.any([rim(mask == value, 1) for value in np.unique(mask)], axis=0)
    share = line[touched].mean()
    assert share > 0.7 if name == "given" else 0.2 < share < 0.75
    assert (layer[..., 3] > 0).mean() < 0.1


def test_proposed_is_what_agreeing_takes(tmp_path):
    """Where nothing is suspected the given class stays, whatever the networks say."""
    folder = write_mask_audit(tmp_path / "audit")
    maps = tmp_path / "audit_run" / "error_maps"
    shutil.copy(maps / "c01.png", maps / "c00.png")
    room = open_room(folder.path, progress=Silent())
    case = room.layers.masks.read(0)
    np.testing.assert_array_equal(case.proposed[0], truth(0)[0])
    assert case.changes == ()


def test_one_class_alone_can_be_drawn(flat):
    heart, lung = drawn(flat, "0/given?of=1"), drawn(flat, "0/given?of=2")
    square = enlarged(truth(0, 3)[0] == 1)
    assert not (of_colour(heart, "given") & ~rim(square, 4)).any()
    right = np.zeros((32, 32), bool)
    right[RIGHT[0], 15:] = True
    assert of_colour(lung, "given")[enlarged(right)].any()
    assert not drawn(flat, "0/suspected?of=1").any()
    assert drawn(flat, "0/suspected?of=2").any()


def test_a_volume_begins_at_its_worst_slice(volumes):
    told = volumes.get("/api/mask/0")
    assert (told["slices"], told["shown"]) == (SLICES, WORST)
    assert told["suspected"] == [0, 1, 0, 48, 0]
    first, worst = drawn(volumes, "0/suspected"), drawn(volumes, f"0/suspected?slice={WORST}")
    np.testing.assert_array_equal(first, worst)
    np.testing.assert_array_equal(
        of_colour(worst, "suspected"), enlarged(truth(0, volumes=True)[1][WORST])
    )
    assert drawn(volumes, "0/suspected?slice=1").any()
    assert not drawn(volumes, "0/suspected?slice=2").any()


def test_slices_share_one_window(volumes):
    """A slice must not look brighter than another for its own sake."""
    shown = [
        volumes.ask("GET", f"/api/image/0/view?slice={place}").pixels.astype(int)
        for place in range(SLICES)
    ]
    means = [image.mean() for image in shown]
    assert np.all(np.diff(means) > 1)
    last = volumes.ask("GET", "/api/image/0/view?slice=999").pixels
    np.testing.assert_array_equal(last, shown[-1])


def test_volumes_are_seen_as_radiologists_see_them(tmp_path):
    """Front up, the right side on the left: rows and columns of this file run the other way."""
    folder = write_mask_audit(tmp_path / "audit", volumes=True, upside_down=True)
    given, suspected, _ = truth(0, volumes=True)
    with client_of(folder) as client:
        layer = drawn(client, "0/suspected")
        np.testing.assert_array_equal(
            of_colour(layer, "suspected"), enlarged(suspected[WORST, ::-1, ::-1])
        )
        shown = client.ask("GET", "/api/image/0/view").pixels[..., 0].astype(int)
        assert np.all(np.diff(shown[0]) <= 0)
    assert np.all(np.diff(picture(0)[0].astype(int)) >= 0)
    assert given.any()


def test_an_affine_that_swaps_axes_is_left_alone():
    assert upright(None) == (False, False)
    assert upright(np.diag([-1.0, -1, 1, 1])) == (False, False)
    assert upright(np.diag([1.0, 1, 1, 1])) == (True, True)
    assert upright(np.diag([-1.0, 1, 1, 1])) == (True, False)
    assert upright(np.eye(4)[[1, 0, 2, 3]]) == (False, False)


def test_masks_are_not_relabelled(flat):
    assert flat.decide(0, "relabel", label="heart").status == 422
    for action in ("agree", "keep", "exclude", "unsure"):
        answer = flat.decide(0, action, reviewer=f"R {action}")
        assert answer.status == 200
    assert flat.get("/api/sample/0")["differs"] is True


def test_an_image_that_has_changed_is_shown_as_such(tmp_path):
    folder = write_mask_audit(tmp_path / "audit")
    with client_of(folder) as client:
        assert client.get("/api/mask/0")["changed"] is False
        images = tmp_path / "audit_data" / "images"
        shutil.copy(images / "c01.png", images / "c00.png")
        assert client.get("/api/mask/0")["changed"] is True
        assert client.ask("GET", "/api/image/0/view").headers["x-image-changed"] == "yes"
        # A mask counts as well.
        masks = tmp_path / "audit_data" / "masks"
        shutil.copy(masks / "c02.png", masks / "c03.png")
        assert client.get("/api/mask/3")["changed"] is True


def test_a_mask_that_has_become_a_link_is_not_shown(tmp_path):
    folder = write_mask_audit(tmp_path / "audit")
    mask = tmp_path / "audit_data" / "masks" / "c00.png"
    shutil.copy(tmp_path / "audit_data" / "masks" / "c01.png", tmp_path / "other.png")
    with client_of(folder) as client:
        mask.unlink()
        mask.symlink_to(tmp_path / "other.png")
        for path in ("/api/mask/0", "/api/layer/0/given", "/api/image/0/view"):
            assert client.ask("GET", path).status == 403


def test_a_case_whose_files_are_gone_ends_nothing(tmp_path):
    folder = write_mask_audit(tmp_path / "audit")
    (tmp_path / "audit_data" / "masks" / "c00.png").unlink()
    (tmp_path / "audit_run" / "error_maps" / "c01.png").unlink()
    (tmp_path / "audit_run" / "probabilities" / "c03.npy").write_bytes(b"nothing")
    with client_of(folder) as client:
        assert client.ask("GET", "/api/mask/0").status == 404
        answer = client.ask("GET", "/api/mask/1")
        assert (answer.status, answer.json["problem"]) == (415, "there is no error map of c01")
        answer = client.ask("GET", "/api/layer/3/proposed")
        assert (answer.status, answer.json["problem"]) == (415, "its probabilities can't be read")
        assert client.get("/api/mask/2")["slices"] == 1
        assert client.decide(0, "exclude").status == 200


def test_masks_that_have_moved_are_found_again(tmp_path):
    folder = write_mask_audit(tmp_path / "audit")
    shutil.move(tmp_path / "audit_data", tmp_path / "elsewhere")
    with client_of(folder, image_root=tmp_path / "elsewhere") as client:
        assert client.get("/api/mask/0")["suspected"] == [48]


def test_a_run_that_is_gone_or_another_one_is_told(tmp_path):
    folder = write_mask_audit(tmp_path / "audit")
    shutil.move(tmp_path / "audit_run", tmp_path / "gone")
    with pytest.raises(RunError):
        open_room(folder.path, progress=Silent())
    shutil.move(tmp_path / "gone", tmp_path / "audit_run")
    (tmp_path / "audit_run" / "error_maps" / "summary.json").unlink()
    with pytest.raises(RunError, match="no error maps"):
        open_room(folder.path, progress=Silent())


def test_cases_of_another_run_are_told(tmp_path):
    folder = write_mask_audit(tmp_path / "audit", n=4)
    run = tmp_path / "audit_run"
    write_mask_audit(tmp_path / "fewer", n=3)
    shutil.rmtree(run)
    shutil.copytree(tmp_path / "fewer_run", run)
    assert len(pd.read_csv(run / "folds.csv")) == 3
    with pytest.raises(RunError, match="c03"):
        open_room(folder.path, progress=Silent())
