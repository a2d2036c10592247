"""The matrix file: what it says, and what is refused before anything runs."""

import shlex
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from mixednoise.benchmark.cells import make_cells
from mixednoise.benchmark.data_checks import check_data
from mixednoise.benchmark.matrix import judged_by, read_matrix
from mixednoise.data.class_list import split_names
from mixednoise.errors import ConfigError, MixedNoiseError
from mixednoise.methods.assignments import parse_assignments

WHOLE = """
seeds = [0, 1]

[options]
image_size = 28

[data.skin]
path = "skin.csv"
group_column = "lesion_id"
class_map = {mel = "nv", bcc = "bkl"}
seeds = [5]

[data.eyes]
path = "eyes"
class_map = {a = "b"}
options = {epochs = 7}

[noise.none]
[noise.structured]
mis_h = 0.2
mis_l = 0.15
kind = "class_map"

[methods.qmix]
epochs = 20
separation = {memory = 0.5}

[methods.plain]
method = "cross_entropy"

[methods.oracle]
method = "cross_entropy"
oracle = true
"""


@pytest.fixture
def matrix(tmp_path):
    (tmp_path / "skin.csv").touch()
    (tmp_path / "eyes").mkdir()

    def write(text=WHOLE):
        (tmp_path / "matrix.toml").write_text(text)
        return tmp_path / "matrix.toml"

    return write


def cells_of(path, **wishes):
    return make_cells(read_matrix(path), Path("out"), path.parent, **wishes)


def test_cells_come_seed_by_seed_and_the_oracle_needs_noise(matrix):
    names = [cell.name for cell in cells_of(matrix())]
    assert names == [
        *("skin/none/qmix/5", "skin/none/plain/5"),
        *("skin/structured/qmix/5", "skin/structured/plain/5", "skin/structured/oracle/5"),
        *("eyes/none/qmix/0", "eyes/none/plain/0"),
        *("eyes/structured/qmix/0", "eyes/structured/plain/0", "eyes/structured/oracle/0"),
        *("eyes/none/qmix/1", "eyes/none/plain/1"),
        *("eyes/structured/qmix/1", "eyes/structured/plain/1", "eyes/structured/oracle/1"),
    ]


def test_the_command_of_a_cell_can_be_typed(matrix):
    path = matrix()
    by_name = {cell.name: cell for cell in cells_of(path)}
    cell = by_name["skin/structured/qmix/5"]
    corrupt, train = (shlex.split(part) for part in cell.command.split(" && "))
    folder = "out/data/skin_structured_5"
    assert corrupt == [
        *("mixednoise", "corrupt", str(path.parent / "skin.csv"), "--out", folder),
        *("--group-column", "lesion_id", "--mis-h", "0.2", "--mis-l", "0.15"),
        *("--kind", "class_map", "--class-map", "mel=nv", "--class-map", "bcc=bkl"),
        *("--severity", "0.9", "--seed", "5"),
    ]
    assert train[:7] == ["mixednoise", "train", f"{folder}/labels.csv", "--method", "qmix",
                         "--seed", "5"]  # fmt: skip
    assert train[-2:] == ["--out", "out/runs/skin/structured/qmix/5"]
    told = [word for previous, word in pairwise(train) if previous == "--set"]
    assert parse_assignments(told) == {
        "image_size": 28, "epochs": 20, "separation": {"memory": 0.5},
    }  # fmt: skip
    assert "--oracle" in by_name["skin/structured/oracle/5"].train
    assert "--group-column" in by_name["skin/none/qmix/5"].train


def test_weights_go_along_with_the_noisy_copy(matrix):
    path = matrix(WHOLE.replace('path = "skin.csv"', 'path = "skin.csv"\nweight_column = "trust"'))
    for cell in cells_of(path, only=["skin", "eyes"]):
        for words in (cell.train, cell.corrupt):
            named = ("--weight-column", "trust") in pairwise(words)
            assert named == (cell.data == "skin" and bool(words))


def test_nearer_options_win(matrix):
    by_name = {cell.name: " ".join(cell.train) for cell in cells_of(matrix())}
    assert "epochs=7" in by_name["eyes/none/plain/0"]  # of the data
    assert "epochs=20" in by_name["eyes/none/qmix/0"]  # of the method, over the data
    over = cells_of(matrix(), options={"epochs": 9, "separation": {"components": 3}}, only=["qmix"])
    assert all("epochs=9" in cell.train for cell in over)
    assert all("separation.memory=0.5" in cell.train for cell in over)


def test_text_that_looks_like_something_else_stays_text(matrix):
    path = matrix(WHOLE.replace("[methods.plain]", '[methods.plain]\nselect_by = "accuracy"'))
    train = next(cell.train for cell in cells_of(path) if cell.method == "plain")
    assert "select_by=accuracy" in train


def test_a_part_of_the_matrix(matrix):
    cells = cells_of(matrix(), only=["skin/none", "oracle/1"])
    assert [cell.name for cell in cells] == [
        *("skin/none/qmix/5", "skin/none/plain/5", "eyes/structured/oracle/1"),
    ]
    with pytest.raises(ConfigError, match="nothing to run"):
        cells_of(matrix(), only=["teeth"])


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("image_size = 28", "imagesize = 28", "image_size"),
        ("mis_l = 0.15", "mis_l = 0.95", "more than everything"),
        ("[noise.none]", "[noise.none]\nmis_h = 0.1", "wrong name"),
        ("[noise.structured]\nmis_h = 0.2\nmis_l = 0.15", "[noise.structured]", "wrong name"),
        ("class_map = {mel", "classmap = {mel", "classmap"),
        ('method = "cross_entropy"\n\n', 'method = "crossentropy"\n\n', "no method"),
        ('class_map = {mel = "nv", bcc = "bkl"}', "", "confused"),
        ('path = "skin.csv"', 'path = "skim.csv"', "does not exist"),
        ("seeds = [0, 1]", "seeds = []", "seeds"),
        ("mis_h = 0.2", 'mis_h = 0.2\ndata = ["teeth"]', "does not have"),
        ("[data.skin]", '[data."a/b"]', "data"),
        ("seeds = [0, 1]", "seeds = [0, 1", "can't be read"),
        ("epochs = 20", "warmup_epochs = 31", "warm-up"),
        ("seeds = [0, 1]", "seeds = [0, 0]", "twice"),
        ("image_size = 28", "seed = 4", "seed"),
        ("epochs = 20", "seed = 4", "seed"),
        ("image_size = 28", 'preset = "paper"', "preset"),
    ],
)
def test_mistakes_are_said_before_anything_runs(matrix, old, new, said):
    assert old in WHOLE
    with pytest.raises(ConfigError, match=said):
        cells_of(matrix(WHOLE.replace(old, new)))


def test_names_that_lead_to_one_folder_are_refused(matrix):
    text = WHOLE.replace("[data.eyes]", "[data.skin_x]").replace(
        "[noise.none]", "[noise.x_structured]\nmis_h = 0.1\ndata = ['skin']\n[noise.none]"
    )
    text = text.replace('class_map = {a = "b"}', 'class_map = {a = "b"}\nseeds = [5]')
    with pytest.raises(ConfigError, match="share their noisy data"):
        cells_of(matrix(text))


def test_options_of_the_command_line_set_no_seed(matrix):
    with pytest.raises(ConfigError, match="seed"):
        cells_of(matrix(), options={"seed": 4})


def test_class_names_may_hold_commas(matrix):
    path = matrix(WHOLE.replace('path = "eyes"', 'path = "eyes"\nclasses = ["dry, AMD", "normal"]'))
    words = next(cell.train for cell in cells_of(path) if cell.data == "eyes")
    assert split_names(words[words.index("--classes") + 1]) == ["dry, AMD", "normal"]
    assert split_names("normal, mild ,severe") == ["normal", "mild", "severe"]


def test_data_is_looked_at_before_anything_runs(tmp_path):
    for name in ("red", "green"):
        (tmp_path / "eyes" / name).mkdir(parents=True)
        cv2.imwrite(str(tmp_path / "eyes" / name / "0.png"), np.zeros((8, 8, 3), np.uint8))

    def check(entry, kind="class_map"):
        (tmp_path / "matrix.toml").write_text(
            f"[data.eyes]\npath = 'eyes'\n{entry}\n[noise.some]\nmis_h = 0.2\n"
            f"kind = '{kind}'\n[methods.gce]\n"
        )
        matrix = read_matrix(tmp_path / "matrix.toml")
        check_data(matrix, make_cells(matrix, Path("out"), tmp_path), tmp_path)

    check("class_map = {red = 'green'}")
    for entry, said in {
        "class_map = {red = 'blue'}": "unknown: blue",
        "class_map = {red = 'green'}\nclasses = ['red', 'blue']": "green",
    }.items():
        with pytest.raises(MixedNoiseError, match=said) as told:
            check(entry)
        assert "[data.eyes]" in "".join(told.value.__notes__)


def test_a_matrix_that_is_not_there(tmp_path):
    with pytest.raises(ConfigError, match="can't be read"):
        read_matrix(tmp_path / "no.toml")


def test_splits_to_judge_by():
    assert [judged_by("test"), judged_by("val")] == ["test", "val"]
    with pytest.raises(ConfigError):
        judged_by("train")


def test_the_example_of_the_documentation_can_be_read(tmp_path):
    page = Path(__file__).parents[2] / "docs" / "benchmark.md"
    example = page.read_text().split("```toml\n")[1].split("```")[0]
    (tmp_path / "ham10000").mkdir()
    (tmp_path / "ham10000" / "HAM10000_metadata.csv").touch()
    (tmp_path / "odir3").mkdir()
    (tmp_path / "odir3" / "labels.csv").touch()
    (tmp_path / "matrix.toml").write_text(example)
    names = [cell.name for cell in cells_of(tmp_path / "matrix.toml")]
    assert "fundus/symmetric/oracle/0" in names
    assert "skin/structured/qmix/2" in names
    assert not any(name.startswith("fundus/structured") for name in names)


@pytest.mark.parametrize(
    "path",
    sorted((Path(__file__).parents[2] / "benchmarks" / "matrices").glob("*.toml")),
    ids=lambda path: path.name,
)
def test_matrices_of_the_project_can_be_run(path, tmp_path):
    """Options and methods that they name are still there."""
    matrix = read_matrix(path)
    for entry in matrix.data.values():
        (tmp_path / entry.path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / entry.path).touch()
    assert make_cells(matrix, Path("out"), tmp_path)
