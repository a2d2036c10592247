"""Everything that a new user gets wrong with masks: one clear message, nothing left behind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pytest
import yaml
from bad_data import everything_in, refused
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from segment_data import QUICK, SPLIT, given, read, write_discs

from mixednoise.cli import run


@pytest.fixture
def data(tmp_path) -> Path:
    return write_discs(tmp_path / "data", 4)


def train(data: Path, *more: object) -> list[object]:
    return ["segment", "train", *given(data), "--out", data.parent / "run", *QUICK, *more]


def crop(folder: Path) -> None:
    cv2.imwrite(str(folder / "masks" / "c00.png"), read(folder / "masks" / "c00.png")[:20])


def stray_value(folder: Path) -> None:
    mask = read(folder / "masks" / "c00.png")
    mask[0, 0] = 7
    cv2.imwrite(str(folder / "masks" / "c00.png"), mask)


def one_is_missing(folder: Path) -> None:
    (folder / "masks" / "c00.png").unlink()


def no_files(folder: Path) -> None:
    shutil.rmtree(folder / "masks")
    (folder / "masks").mkdir()


def no_folder(folder: Path) -> None:
    shutil.rmtree(folder / "masks")


def as_they_are(folder: Path) -> None:
    """Nothing is wrong with the files."""


TUMOUR = ["--class-names", "air,disc,tumour", "--label-values", "0,255,3"]


@pytest.mark.parametrize(
    ("spoil", "options", "words"),
    [
        (crop, [], ["with a mask of another size", "c00.png 32 x 32, c00.png 20 x 32"]),
        (stray_value, [], ["255 beside the values of other classes", "--ignore-value 255"]),
        (stray_value, ["--class-names", "air,disc"], ["don't fit 2 class names", "0, 7, 255"]),
        (stray_value, ["--label-values", "0,255"], ["values that no class has", "7 in 1 pixel"]),
        (as_they_are, TUMOUR, ["1 class occurs in no mask", "tumour"]),
        (one_is_missing, [], ["1 image of 4 has no mask", "c00"]),
        (no_files, [], ["no image or mask in"]),
        (no_folder, [], ["there is no folder"]),
        (as_they_are, ["--set", "epsilo=0.5"], ["there is no option 'epsilo'", "epsilon"]),
        (as_they_are, ["--epsilon", "3"], ["option 'epsilon'", "less than or equal to 1"]),
        (as_they_are, ["--rule", "P"], ["'C', 'Q', 'PBNR'"]),
        (as_they_are, ["--network", "unnet"], ["no segmentation network 'unnet'", "unet"]),
        (as_they_are, ["--device", "cuda:9"], ["no device 'cuda:9'"]),
        (as_they_are, ["--preset", "papier"], ["no preset 'papier'", "paper"]),
        (as_they_are, ["--folds", "3"], ["there can't be 3 folds", "2 to 2"]),
        (as_they_are, ["--spatial-dims", "3"], ["these images are flat"]),
        (as_they_are, ["--patch-size", "20"], ["windows of this size", "--patch-size 24"]),
        (as_they_are, ["--test-fraction", "0.99"], ["nothing left to learn from"]),
        (as_they_are, ["--group-column", "who"], ["who", "name, patient", "--group-column"]),
        (as_they_are, ["--split-column", "part"], ["--split-column without a file", "--splits"]),
        (as_they_are, ["--nnunet", "raw"], ["--nnunet leaves no room for --images"]),
        (as_they_are, ["--label-values", "0,x"], ["0,x can't be read"]),
    ],
)
def test_training_stops_before_it_begins(data, capsys, spoil, options, words):
    spoil(data)
    before = everything_in(data)
    refused(capsys, train(data, *options), *words)
    assert everything_in(data) == before
    assert not (data.parent / "run").exists()


@pytest.mark.parametrize("quiet", [False, True])
def test_an_empty_mask_is_told_unless_nothing_is(data, capfd, quiet):
    cv2.imwrite(str(data / "masks" / "c01.png"), np.zeros((32, 32), np.uint8))
    more = ["--until", "teachers", "--epochs", "1", *["--quiet"] * quiet]
    assert run(list(map(str, train(data, *more)))) == 0
    said = capfd.readouterr().err
    if quiet:
        assert said == ""
        return
    assert "warning: 1 mask of 4 is empty: background alone" in said
    assert "c01" in said


def test_affines_that_differ(tmp_path, capsys):
    for number in range(3):
        for kind, values in (("images", np.float32), ("masks", np.uint8)):
            affine = np.diag([1.0, 1, 3, 1])
            if (number, kind) == (1, "masks"):
                affine[0, 3] = 12
            volume = np.zeros((16, 16, 2), values)
            volume[4:9, 4:9] = 1
            (tmp_path / kind).mkdir(exist_ok=True)
            nib.save(nib.Nifti1Image(volume, affine), tmp_path / kind / f"v{number}.nii.gz")
    command = ["segment", "train", "--images", tmp_path / "images", "--masks", tmp_path / "masks"]
    said = refused(capsys, [*command, "--out", tmp_path / "run"], "affines differ", "v1.nii.gz")
    assert "v0" not in said
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("place", ["masks", "masks/run", "images/a/b"])
def test_a_run_among_the_data_is_refused(data, capsys, place):
    before = everything_in(data)
    command = ["segment", "train", *given(data), *QUICK, "--overwrite", "--out", data / place]
    refused(capsys, command, "lies inside the data")
    assert everything_in(data) == before


def test_no_images_or_no_masks(tmp_path, capsys):
    train_, data = ["segment", "train", "--out", tmp_path / "run"], tmp_path / "data"
    data.mkdir()
    refused(capsys, train_, "no --images and --masks", "--nnunet FOLDER")
    refused(capsys, [*train_, "--images", data], "no --masks")
    refused(capsys, [*train_, "--nnunet", data], "no raw data of nnU-Net")
    refused(capsys, [*train_, "--split-folders", data], "no folder of a split")


@pytest.fixture
def spoilt(decoded, tmp_path):
    """A copy of the trained run."""
    return Path(shutil.copytree(decoded / "run", tmp_path / "copy"))


def again(decoded: Path, out: Path, *more: str) -> list[object]:
    truth = ["--truth", decoded / "data" / "truth"]
    first = ["segment", "train", *given(decoded / "data"), *truth, *QUICK, *SPLIT]
    return [*first, "--out", out, *more]


def test_an_earlier_run_is_not_lost(decoded, spoilt, capsys):
    before = everything_in(spoilt)
    refused(capsys, again(decoded, spoilt), "exists already", "--overwrite")
    refused(capsys, again(decoded, spoilt, "--resume", "--epsilon", "0.3"), "was 0.8, now 0.3")
    for wrong in (["--folds", "99"], ["--patch-size", "20"], ["--rule", "argmax", "--band", "2"]):
        refused(capsys, again(decoded, spoilt, "--overwrite", *wrong))
    assert everything_in(spoilt) == before


def test_a_teacher_that_has_seen_the_masks_it_judges(decoded, spoilt, capsys):
    first, second = (spoilt / "round_1" / "teachers" / f"fold_{n}.safetensors" for n in (0, 1))
    with safe_open(second, framework="pt") as file:
        save_file(load_file(second), first, metadata=file.metadata())
    before = everything_in(spoilt / "error_maps")
    words = "never seen the cases of fold 0", str(first)
    refused(capsys, again(decoded, spoilt, "--resume"), *words)
    assert everything_in(spoilt / "error_maps") == before


def test_a_run_of_another_version(decoded, spoilt, tmp_path, capsys):
    record = yaml.safe_load((spoilt / "config.yaml").read_text())
    (spoilt / "config.yaml").write_text(yaml.safe_dump(record | {"format": 99}))
    data, out = decoded / "data", ["--out", tmp_path / "out"]
    pairs = ["--images", data / "images", "--masks", data / "masks"]
    for command in (
        ["predict", spoilt, data / "images", *out],
        ["evaluate", spoilt, *pairs],
        ["export", spoilt, "--to", "masks", *out],
        ["errors", "--run", spoilt, *out],
        ["report", spoilt, *out],
    ):
        refused(capsys, ["segment", *command], "made by another version", "format 99")
    refused(capsys, again(decoded, spoilt, "--resume"), "made by another version")
    assert not (tmp_path / "out").exists()


def test_a_run_that_was_stopped_early(decoded, spoilt, tmp_path, capsys):
    (spoilt / "student.safetensors").unlink()
    out = ["--out", tmp_path / "out"]
    images = decoded / "data" / "images"
    refused(capsys, ["segment", "predict", spoilt, images, *out], "has no student yet", "--resume")
    next((spoilt / "probabilities").glob("*.npy")).unlink()
    refused(capsys, ["segment", "errors", "--run", spoilt, *out], "no judgement", "7 of 8")
    (spoilt / "error_maps" / "summary.json").unlink()
    for command in (["export", spoilt, "--to", "masks"], ["report", spoilt]):
        refused(capsys, ["segment", *command, *out], "error maps", "--resume")
    assert not (tmp_path / "out").exists()


def nan(p):
    p[0, 0, 0] = np.nan
    return p


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (nan, ["c00 hold NaN", "1 of 1,024 pixels"]),
        (lambda p: 8 * p - 4, ["look like logits", "softmax"]),
        (lambda p: p * 0.5, ["don't sum to 1"]),
        (lambda p: np.log(p + 1e-6) - np.log1p(2e-6), ["are logarithms"]),
        (lambda p: p[:, :9], ["different sizes", "(32, 32)", "(2, 9, 32)"]),
        (lambda p: p[0], ["without an axis for the classes", "numpy.stack"]),
    ],
)
def test_probabilities_that_are_none(segmented, tmp_path, capsys, change, words):
    for kind in ("masks", "probabilities"):
        (tmp_path / kind).mkdir()
    source = next((segmented / "run" / "probabilities").glob("*.npy"))
    values = np.load(source).astype(np.float32)
    np.save(tmp_path / "probabilities" / "c00.npy", change(values))
    shutil.copy(segmented / "data" / "masks" / f"{source.stem}.png", tmp_path / "masks" / "c00.png")
    command = ["segment", "errors", "--masks", tmp_path / "masks", "--probabilities",
               tmp_path / "probabilities", "--out", tmp_path / "out"]  # fmt: skip
    refused(capsys, command, *words)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--rule", "P"], ["option 'rule'"]),
        (["--temperature", "0"], ["option 'temperature'"]),
        (["--rule", "argmax", "--band", "2"], ["no thresholds that a band could change"]),
        (["--class-names", "air"], ["class names don't fit"]),
        (["--run", "somewhere"], ["a run has its own masks"]),
        (["--truth", "nowhere"], ["nowhere"]),
    ],
)
def test_errors_with_options_that_cannot_be(segmented, tmp_path, capsys, options, words):
    command = ["segment", "errors", "--masks", segmented / "data" / "masks", "--probabilities",
               segmented / "run" / "probabilities", "--out", tmp_path / "out"]  # fmt: skip
    refused(capsys, [*command, *options], *words)
    assert not (tmp_path / "out").exists()


def test_errors_without_masks_or_into_them(segmented, tmp_path, capsys):
    masks, values = segmented / "data" / "masks", segmented / "run" / "probabilities"
    command = ["segment", "errors", "--masks", masks]
    refused(capsys, [*command, "--out", tmp_path / "out"], "--probabilities FOLDER")
    before = everything_in(masks)
    into = [*command, "--probabilities", values, "--overwrite", "--out"]
    refused(capsys, [*into, masks], "lies inside the data")
    assert everything_in(masks) == before
    refused(capsys, ["segment", "errors", "--run", masks, "--out", tmp_path / "x"], "no run folder")


def test_predicting_wrongly(segmented, tmp_path, capsys):
    images = segmented / "data" / "images"
    predict = ["segment", "predict", segmented / "run"]
    out = ["--out", tmp_path / "out"]
    refused(capsys, [*predict, tmp_path / "nothing", *out], "there is no folder")
    refused(capsys, [*predict, images, *out, "--weights", "first"], "no weights 'first'")
    refused(capsys, [*predict, images, "--out", images / "out"], "lies inside the data")
    (tmp_path / "x.png").write_bytes(b"no image")
    refused(capsys, [*predict, tmp_path / "x.png", *out], "none of the images", "x: not an image")
    refused(capsys, ["segment", "predict", images, images, *out], "no run folder")
    assert not (tmp_path / "out").exists()
    assert not (images / "out").exists()


def test_evaluating_wrongly(segmented, tmp_path, capsys):
    data = segmented / "data"
    evaluate = ["segment", "evaluate", segmented / "run", "--images", data / "images"]
    with_masks = [*evaluate, "--masks", data / "truth"]
    refused(capsys, [*with_masks, "--split", "test"], "no case is in split 'test'")
    refused(capsys, [*with_masks, "--split", "last"], "no split 'last'")
    refused(capsys, [*with_masks, "--class-names", "air,lung"], "other classes than the run")
    refused(capsys, [*evaluate, "--masks", data / "images"], "no image has a mask")
    (tmp_path / "m.json").write_text("{}")
    refused(capsys, [*with_masks, "--out", tmp_path / "m.json"], "exists already")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--to", "masks", "--epsilon", "0.5"], ["--epsilon does nothing with --to masks"]),
        (["--to", "soft", "--epsilon", "5"], ["epsilon can't be used"]),
        (["--to", "nnunet", "--dataset-name", "my lungs"], ["my lungs"]),
        (["--to", "soft", "--dataset-number", "5"], ["--dataset-number does nothing"]),
    ],
)
def test_exporting_wrongly(decoded, tmp_path, capsys, options, words):
    command = ["segment", "export", decoded / "run", *options, "--out", tmp_path / "out"]
    refused(capsys, command, *words)
    assert not (tmp_path / "out").exists()


def test_an_export_never_touches_the_data(decoded, capsys):
    masks = decoded / "data" / "masks"
    before = everything_in(decoded / "data")
    command = ["segment", "export", decoded / "run", "--to", "masks", "--out", masks]
    refused(capsys, [*command, "--overwrite"], "lies inside the data")
    assert everything_in(decoded / "data") == before


def test_a_comparison_is_refused_before_its_first_method(data, capsys):
    out = data.parent / "out"
    compare = ["segment", "compare", *given(data), *QUICK, "--out", out]
    test = ["--test-fraction", "0.3"]
    refused(capsys, compare, "no cases to compare the methods on", "--test-fraction")
    refused(capsys, [*compare, *test], "the upper bound needs a true mask", "clean")
    refused(capsys, [*compare, *test, "--methods", "cl,cl_slrs"], "no method 'cl_slrs'", "cl_slsr")
    refused(capsys, [*compare, *test, "--methods", "cl,cl"], "named twice")
    assert not out.exists()
    (out / "thesis").mkdir(parents=True)
    some = ["--methods", "cl", "--overwrite"]
    refused(capsys, [*compare, *test, *some], "holds no comparison", "thesis")
    assert everything_in(out) == {"thesis": None}


def test_images_that_have_moved(spoilt, tmp_path, capsys):
    told = json.loads((spoilt / "cases.json").read_text())
    told["cases"][0]["images"] = ["/nowhere/c00.png"]
    (spoilt / "cases.json").write_text(json.dumps(told))
    export = ["segment", "export", spoilt, "--to", "masks", "--out", tmp_path / "out"]
    refused(capsys, export, "have moved", "/nowhere/c00.png")
