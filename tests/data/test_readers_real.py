"""Real data sets, with the numbers of their publishers."""

from __future__ import annotations

import numpy as np
import pytest

from mixednoise.data.checks import check_table
from mixednoise.data.readers import read_dataset
from mixednoise.data.splits import make_splits

pytestmark = pytest.mark.real_data


@pytest.mark.parametrize(
    ("path", "classes", "counts", "groups", "ordinal"),
    [
        ("odir3/labels.csv", "cataract glaucoma normal", (298, 306, 1074), 1009, False),
        (
            "ham10000/HAM10000_metadata.csv",
            "akiec bcc bkl df mel nv vasc",
            (327, 514, 1099, 115, 1113, 6705, 142),
            7470,
            False,
        ),
        ("eyepacs_eyeq/labels.csv", "0 1 2 3 4", (815, 65, 167, 30, 20), 549, True),
        ("retinamnist/retinamnist.npz", "0 1 2 3 4", (714, 186, 326, 282, 92), 0, True),
    ],
)
def test_as_published(real_data, path, classes, counts, groups, ordinal):
    ds = read_dataset(real_data / path)
    assert ds.class_names == tuple(classes.split())
    assert tuple(np.bincount(ds.labels).tolist()) == counts
    assert ds.table["group"].nunique() == groups
    assert ds.ordinal is ordinal
    assert not check_table(ds).stopped
    assert not check_table(make_splits(ds, seed=0)).stopped


def test_eyeq_quality_and_the_row_without_a_grade(real_data):
    ds = read_dataset(real_data / "eyepacs_eyeq" / "labels.csv")
    assert ds.set_aside["reason"].tolist() == ["no label"]
    counts = ds.table["quality"].value_counts().to_dict()
    assert counts == {"good": 258, "reject": 70, "usable": 54}


def test_retinamnist_keeps_its_own_splits(real_data):
    ds = read_dataset(real_data / "retinamnist" / "retinamnist.npz")
    train = np.bincount(ds.labels[ds.rows("train")]).tolist()
    assert train == [486, 128, 206, 194, 66]
    assert (len(ds.rows("val")), len(ds.rows("test"))) == (120, 400)
