import numpy as np
import pytest

from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.segmentation.folds import (
    Folds,
    make_folds,
    must_be_unseen,
    names_digest,
    read_folds,
)

NAMES = [f"case{i}" for i in range(11)]
PATIENTS = ["a", "a", "a", "b", "b", "c", "d", "e", "f", "g", "h"]


@pytest.mark.parametrize("count", [2, 3, 5])
def test_every_case_is_judged_once_by_a_teacher_that_never_saw_its_patient(count):
    folds = make_folds(NAMES, PATIENTS, count, seed=1)
    judged = np.concatenate([folds.judged_by(f) for f in range(count)])
    assert sorted(judged) == list(range(len(NAMES)))
    for teacher in range(count):
        known = {PATIENTS[i] for i in folds.learned_by(teacher)}
        assert known
        assert not known & {PATIENTS[i] for i in folds.judged_by(teacher)}


def test_folds_are_nearly_equal_although_patients_are_not():
    sizes = np.bincount(make_folds(NAMES, PATIENTS, 3, seed=4).fold)
    assert sizes.max() - sizes.min() <= 1


def test_one_seed_one_distribution_another_seed_another():
    first, again, other = (make_folds(NAMES, PATIENTS, 3, seed=s).fold.tolist() for s in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("count", [1, 9])
def test_impossible_numbers_of_folds_are_refused(count):
    with pytest.raises(ConfigError, match="2 to 8"):
        make_folds(NAMES, PATIENTS, count, seed=0)


def test_a_patient_in_two_folds_is_refused():
    with pytest.raises(DataError, match="patient 'a' is in two folds"):
        Folds(("x", "y"), ("a", "a"), np.array([0, 1]), 2)


def test_the_table_is_read_back(tmp_path):
    folds = make_folds(["01", "NA", "x"], ["1", "None", "3"], 2, seed=0)
    folds.write(tmp_path / "folds.csv")
    again = read_folds(tmp_path / "folds.csv", ["01", "NA", "x"], ["1", "None", "3"])
    assert (again.names, again.groups, again.count) == (folds.names, folds.groups, 2)
    assert again.fold.tolist() == folds.fold.tolist()
    with pytest.raises(RunError, match="about other cases"):
        read_folds(tmp_path / "folds.csv", ["01", "NA", "y"], ["1", "None", "3"])
    with pytest.raises(RunError, match="made with other patients") as error:
        read_folds(tmp_path / "folds.csv", ["01", "NA", "x"], ["1", "1", "3"])
    assert "--groups" in str(error.value)
    (tmp_path / "folds.csv").write_text("name,fold\nx,zero\n")
    with pytest.raises(RunError, match="can't be read"):
        read_folds(tmp_path / "folds.csv", ["x"], ["x"])


def test_a_teacher_that_saw_the_case_may_not_judge_it():
    folds = make_folds(NAMES, PATIENTS, 2, seed=0)
    honest = names_digest(NAMES[i] for i in folds.learned_by(0))
    must_be_unseen(folds, 0, honest, source="teacher.safetensors")
    cheat = names_digest(NAMES)
    with pytest.raises(RunError, match="never seen the cases of fold 0"):
        must_be_unseen(folds, 0, cheat, source="teacher.safetensors")
    with pytest.raises(RunError, match="never seen the cases of fold 1"):
        must_be_unseen(folds, 1, honest, source="teacher.safetensors")
