"""Folders of masks with noise: what is written, what stays, and what is refused beforehand."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pandas as pd
import pytest
import typer
from scipy import ndimage
from typer.testing import CliRunner

from mixednoise.cli.guard import guarded
from mixednoise.cli.segment.corrupt import corrupt
from mixednoise.errors import ConfigError, DataError, RunError, TrainingError
from mixednoise.noise import corrupt_masks as module
from mixednoise.noise.corrupt_masks import corrupt_masks
from mixednoise.noise.mask_discs import disc
from mixednoise.progress import Silent


def mask(i: int, side: int = 40) -> np.ndarray:
    y, x = np.ogrid[:side, :side]
    return ((y - side // 2) ** 2 + (x - 14 - i % 9) ** 2 <= 100).astype(np.uint8)


def write_masks(folder: Path, n: int = 10, value: int = 255) -> Path:
    folder.mkdir(parents=True)
    for i in range(n):
        cv2.imwrite(str(folder / f"case_{i:02d}.png"), mask(i) * value)
    return folder


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """Ten binary masks, 0 and 255."""
    return write_masks(tmp_path / "lung")


def read(path: Path) -> np.ndarray:
    return cv2.imread(str(path), cv2.IMREAD_UNCHANGED)


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.mark.parametrize(
    ("alpha", "touched"), [(0, 0), (0.09, 0), (0.3, 3), (0.55, 5), (0.7, 7), (1, 10)]
)
def test_the_floor_of_alpha_times_n_masks_are_touched(masks, tmp_path, alpha, touched):
    before = fingerprint(masks)
    out = tmp_path / "noisy"
    result = corrupt_masks(masks, out, alpha=alpha, kind="dilate", radius=3)
    after = fingerprint(out)
    assert fingerprint(masks) == before
    assert set(after) == {*before, "corruption.csv", "corruption.json"}
    changed = {name for name in before if after[name] != before[name]}
    assert len(changed) == touched
    table = pd.read_csv(out / "corruption.csv")
    assert set(table["file"][table["touched"]]) == changed
    assert result.summary["touched_masks"] == touched


def test_29_percent_of_100_are_29(tmp_path):
    folder = write_masks(tmp_path / "many", 100)
    result = corrupt_masks(folder, tmp_path / "noisy", alpha=0.29, kind="dilate", radius=1)
    assert result.summary["touched_masks"] == 29


def test_the_table_and_the_summary_tell_what_the_files_hold(masks, tmp_path):
    out = tmp_path / "noisy"
    result = corrupt_masks(masks, out, alpha=0.6, kind="mixed", radius=(2, 4), seed=3)
    table = pd.read_csv(out / "corruption.csv", keep_default_na=False)
    assert list(table["name"]) == [f"case_{i:02d}" for i in range(10)]
    assert set(table["class"]) == {"lung"}
    for row in table.itertuples():
        clean, noisy = read(masks / row.file) > 0, read(out / row.file) > 0
        assert set(np.unique(read(out / row.file))) <= {0, 255}
        assert row.flipped_pixels == (clean ^ noisy).sum()
        assert row.clean_pixels == clean.sum()
        assert row.dice == pytest.approx(
            2 * (clean & noisy).sum() / (clean.sum() + noisy.sum()), abs=1e-6
        )
        if row.kind == "dilate":
            grown = ndimage.binary_dilation(clean, disc(row.radius))
            assert (noisy == grown).all()
        assert row.touched == (row.kind in ("dilate", "erode", "edge"))
        assert (2 <= row.radius <= 4) == row.touched
    told = json.loads((out / "corruption.json").read_text())
    assert told == json.loads(json.dumps(result.summary))
    assert told["truth"] == str(masks)
    assert (told["alpha"], told["kind"], told["radius"], told["seed"]) == (0.6, "mixed", [2, 4], 3)
    noisy_rows = table[table["touched"]]
    assert told["per_class"]["lung"]["mean_dice"] == pytest.approx(noisy_rows["dice"].mean())
    assert told["per_class"]["lung"]["flipped_share"] == pytest.approx(
        noisy_rows["flipped_pixels"].sum() / noisy_rows["clean_pixels"].sum()
    )


def test_one_seed_one_result_whatever_the_threads(masks, tmp_path):
    options = {"alpha": 0.7, "radius": (2, 6)}
    corrupt_masks(masks, tmp_path / "a", seed=5, workers=1, **options)
    corrupt_masks(masks, tmp_path / "b", seed=5, workers=4, **options)
    corrupt_masks(masks, tmp_path / "c", seed=6, **options)
    a, b, c = (fingerprint(tmp_path / name) for name in "abc")
    assert a == b
    assert a["corruption.csv"] != c["corruption.csv"]


def test_a_folder_per_class_is_drawn_from_independently(tmp_path):
    for name in ("lung", "heart", "images"):
        write_masks(tmp_path / "data" / name, 8)
    options = {"alpha": 0.5, "radius": {"lung": 3, "heart": (1, 2)}, "kind": "dilate", "seed": 1}
    both = corrupt_masks(tmp_path / "data", tmp_path / "a", classes=["lung", "heart"], **options)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [
        "corruption.csv",
        "corruption.json",
        "heart",
        "lung",
    ]
    touched = both.table[both.table["touched"]]
    names = {name: set(rows["name"]) for name, rows in touched.groupby("class")}
    assert [len(chosen) for chosen in names.values()] == [4, 4]
    assert names["lung"] != names["heart"]
    assert set(touched["radius"][touched["class"] == "lung"]) == {3}
    alone = corrupt_masks(
        tmp_path / "data", tmp_path / "b", classes=["lung"], **{**options, "radius": 3}
    )
    assert set(alone.table["name"][alone.table["touched"]]) == names["lung"]


def test_levels_are_presets_in_proportion_to_the_size(masks, tmp_path):
    table = corrupt_masks(masks, tmp_path / "noisy", alpha=1, level="B", kind="dilate").table
    assert set(table["radius"]) == {round(30 * 40 / 256)}
    other = write_masks(tmp_path / "kidney")
    with pytest.raises(ConfigError, match="clavicle, heart, lung"):
        corrupt_masks(other, tmp_path / "none", level="A")


def test_label_maps_keep_their_values_and_pixels_to_ignore(tmp_path):
    folder = tmp_path / "maps"
    folder.mkdir()
    clean = np.zeros((50, 50), dtype=np.uint8)
    clean[10:20, 10:20], clean[30:42, 10:40], clean[:, 25] = 128, 200, 7
    for name in "ab":
        cv2.imwrite(str(folder / f"{name}.png"), clean)
    named = {
        "class_names": ["nothing", "disc", "cup"],
        "label_values": [0, 128, 200],
        "ignore_value": 7,
    }
    result = corrupt_masks(
        folder, tmp_path / "noisy", alpha=1, kind="dilate", radius=2, classes=["cup"], **named
    )
    noisy = read(tmp_path / "noisy" / "a.png")
    expected = ndimage.binary_dilation(clean == 200, disc(2)) & (clean != 7)
    assert ((noisy == 200) == expected).all()
    assert ((noisy == 7) == (clean == 7)).all()
    assert ((noisy == 128) == (clean == 128)).all()
    assert list(result.table["class"]) == ["cup", "cup"]


def test_nnunet_s_ignore_label_is_no_class(tmp_path):
    folder = tmp_path / "Dataset001" / "labelsTr"
    folder.mkdir(parents=True)
    clean = mask(0)
    clean[:, 20] = 2
    cv2.imwrite(str(folder / "a.png"), clean)
    labels = {"background": 0, "lesion": 1, "ignore": 2}
    (folder.parent / "dataset.json").write_text(json.dumps({"labels": labels}))
    result = corrupt_masks(folder, tmp_path / "noisy", alpha=1, kind="dilate", radius=3)
    assert ((read(tmp_path / "noisy" / "a.png") == 2) == (clean == 2)).all()
    assert list(result.table["class"]) == ["lesion"]


def test_nifti_keeps_its_affine_and_npy_and_tiff_their_format(tmp_path):
    folder = tmp_path / "volumes"
    folder.mkdir()
    volume = np.zeros((20, 24, 6), dtype=np.int16)  # X, Y, Z
    volume[6:14, 8:16, 1:5] = 1
    affine = np.array([[-0.5, 0, 0, 3], [0, 0.7, 0, -9], [0, 0, 4, 1], [0, 0, 0, 1]])
    nib.save(nib.Nifti1Image(volume, affine), folder / "scan.nii.gz")
    np.save(folder / "array.npy", np.ascontiguousarray(volume.T.astype(bool)))
    cv2.imwrite(str(folder / "plane.tif"), volume[:, :, 2].astype(np.uint16))
    out = tmp_path / "noisy"
    corrupt_masks(folder, out, alpha=1, kind="dilate", radius=2)
    by_slice = np.zeros((5, 5, 1), dtype=bool)
    by_slice[:, :, 0] = disc(2)
    expected = ndimage.binary_dilation(volume, by_slice)
    written = nib.load(out / "scan.nii.gz")
    assert (written.affine == nib.load(folder / "scan.nii.gz").affine).all()
    assert np.allclose(written.affine, affine)
    assert (np.asarray(written.dataobj) == expected).all()
    assert (np.load(out / "array.npy") == expected.T).all()
    assert (read(out / "plane.tif") == expected[:, :, 2]).all()
    corrupt_masks(folder, tmp_path / "balls", alpha=1, kind="dilate", radius=2, volume=True)
    balls = ndimage.binary_dilation(volume, disc(2, ndim=3))
    assert (np.asarray(nib.load(tmp_path / "balls" / "scan.nii.gz").dataobj) == balls).all()


def test_emptied_masks_are_told_and_can_be_prevented(masks, tmp_path):
    progress = Silent()
    result = corrupt_masks(
        masks, tmp_path / "a", alpha=0.5, kind="erode", radius=11, progress=progress
    )
    assert result.table["emptied"].sum() == 5
    assert len(progress.warnings) == 1
    assert "5 of 5 touched masks lost every pixel" in progress.warnings[0]
    progress = Silent()
    kept = corrupt_masks(
        masks, tmp_path / "b", alpha=0.5, kind="erode", radius=11, on_empty="keep",
        progress=progress,
    )  # fmt: skip
    assert not kept.table["emptied"].any()
    assert (kept.table["outcome"] == "kept").sum() == 5
    assert "kept it as it was" in progress.warnings[0]
    assert all(
        fingerprint(tmp_path / "b")[name] == digest for name, digest in fingerprint(masks).items()
    )


def test_a_list_of_files(masks, tmp_path):
    files = sorted(masks.glob("*.png"))[:4]
    result = corrupt_masks(files, tmp_path / "noisy", alpha=0.5, kind="dilate", radius=2)
    assert len(result.table) == 4
    assert result.summary["truth"] == [str(file) for file in files]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": 1.5}, "0 .no mask. to 1"),
        ({"alpha": -0.1}, "0 .no mask. to 1"),
        ({"alpha": float("nan")}, "0 .no mask. to 1"),
        ({"radius": 0}, "whole number of pixels from 1"),
        ({"radius": (6, 3)}, "from the smaller to the larger"),
        ({"radius": None}, "neither"),
        ({"level": "A"}, "not both"),
        ({"radius": None, "level": "C"}, "A, B"),
        ({"radius": {"lungs": 3}}, "'lung' has no radius"),
        ({"radius": {"lung": 3, "hart": 3}}, "'hart', which gets no noise"),
        ({"kind": "blur"}, "dilate, erode"),
        ({"on_empty": "stop"}, "keep, resample, allow"),
        ({"seed": -1}, "seed"),
        ({"classes": ["liver"]}, "one of: lung"),
        ({"label_values": [0, 255], "class_names": ["a"]}, "don't fit together"),
    ],
)
def test_options_that_can_t_be_used_write_nothing(masks, tmp_path, options, message):
    with pytest.raises(ConfigError, match=message):
        corrupt_masks(masks, tmp_path / "noisy", **{"radius": 3, **options})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lung"]


def grey_levels(folder: Path) -> None:
    cv2.imwrite(str(folder / "case_03.png"), np.arange(1600, dtype=np.uint8).reshape(40, 40))


def truncated(folder: Path) -> None:
    file = folder / "case_03.png"
    file.write_bytes(file.read_bytes()[:60])


def in_colour(folder: Path) -> None:
    colours = np.zeros((40, 40, 3), dtype=np.uint8)
    colours[..., 0] = mask(0)
    cv2.imwrite(str(folder / "case_03.png"), colours)


def probabilities(folder: Path) -> None:
    np.save(folder / "soft.npy", np.full((40, 40), 0.5))


def twice(folder: Path) -> None:
    cv2.imwrite(str(folder / "case_03.tif"), mask(3))


def no_foreground(folder: Path) -> None:
    for file in folder.iterdir():
        cv2.imwrite(str(file), np.zeros((40, 40), dtype=np.uint8))


def only_jpeg(folder: Path) -> None:
    for file in sorted(folder.iterdir()):
        file.rename(file.with_suffix(".jpg"))


def nothing(folder: Path) -> None:
    for file in folder.iterdir():
        file.unlink()


def noise_already(folder: Path) -> None:
    (folder / "corruption.json").write_text("{}")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (grey_levels, "different values"),
        (truncated, "case_03.png"),
        (in_colour, "case_03.png"),
        (probabilities, "soft.npy"),
        (twice, "two masks are called 'case_03'"),
        (no_foreground, "one value only"),
        (only_jpeg, "JPEG"),
        (nothing, "an empty folder"),
        (noise_already, "noise in them already"),
    ],
)
def test_masks_that_can_t_be_used_write_nothing(masks, tmp_path, spoil, message):
    spoil(masks)
    with pytest.raises(DataError, match=message):
        corrupt_masks(masks, tmp_path / "noisy", radius=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lung"]


def test_values_that_no_named_class_has(masks, tmp_path):
    with pytest.raises(DataError, match=r"10 masks with values that no class has(.|\n)*255"):
        corrupt_masks(masks, tmp_path / "noisy", radius=3, label_values=[0, 1])


def test_places_that_are_refused(masks, tmp_path):
    with pytest.raises(DataError, match="nothing of that name"):
        corrupt_masks(tmp_path / "typo", tmp_path / "noisy", radius=3)
    for out in (masks, masks / "noisy"):
        with pytest.raises((ConfigError, RunError)):
            corrupt_masks(masks, out, radius=3, overwrite=True)
    assert len(list(masks.iterdir())) == 10
    out = tmp_path / "noisy"
    corrupt_masks(masks, out, radius=3)
    (out / "mine.txt").write_text("keep me")
    first = fingerprint(out)
    with pytest.raises(RunError, match="exists already"):
        corrupt_masks(masks, out, radius=3)
    corrupt_masks(masks, out, radius=3, seed=1, overwrite=True)
    second = fingerprint(out)
    assert second["mine.txt"] == first["mine.txt"]
    assert second["corruption.csv"] != first["corruption.csv"]
    (masks / "case_00.png").unlink()
    with pytest.raises(RunError, match="other masks"):
        corrupt_masks(masks, out, radius=3, overwrite=True)
    assert fingerprint(out) == second


def test_a_failure_in_the_middle_leaves_nothing(masks, tmp_path, monkeypatch):
    def full(*args: object) -> bytes:
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(module, "encode", full)
    with pytest.raises(TrainingError, match="No space left"):
        corrupt_masks(masks, tmp_path / "noisy", radius=3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lung"]


# The command ------------------------------------------------------------------------------------


@pytest.fixture
def command() -> typer.Typer:
    app = typer.Typer()
    app.command()(guarded(corrupt))
    return app


def test_the_command(command, masks, tmp_path):
    out = tmp_path / "noisy"
    arguments = ["--masks", str(masks), "--out", str(out), "--kind", "erode", "--radius", "2-3"]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    assert "5 of 10 masks touched" in done.output
    table = pd.read_csv(out / "corruption.csv", keep_default_na=False)
    assert set(table["kind"]) == {"", "erode"}
    assert set(table["radius"]) == {0, 2, 3}
    per_class = ["--radius", "lung=4", "--json", "--quiet", "--overwrite"]
    done = CliRunner().invoke(command, [*arguments[:4], *per_class])
    assert json.loads(done.output)["radius"] == {"lung": 4}


@pytest.mark.parametrize("radius", ["0", "5-", "big", "-3", "lung=", "3.5"])
def test_the_command_explains_a_wrong_radius(command, masks, tmp_path, radius):
    arguments = ["--masks", str(masks), "--out", str(tmp_path / "noisy"), f"--radius={radius}"]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 2
    assert "what to do" in done.output
    assert not (tmp_path / "noisy").exists()
