"""A data set beside what was written down of it."""

from pathlib import Path

import pandas as pd

from mixednoise.audit.compared import changed_values, given_names, lost_samples, new_samples
from mixednoise.data.table import Dataset, make_table

ASIDE = pd.DataFrame({"id": ["e"], "path": ["e.png"], "reason": ["truncated"]})
NOW = Dataset(make_table(["c", "b", "a"], [1, 0, 1]), ("cat", "dog"), Path("x"), set_aside=ASIDE)


def test_samples_come_and_go():
    assert lost_samples(["e", "a", "d"], NOW) == {"e": "truncated", "d": ""}
    assert new_samples(NOW, ["a"], None) == ["c", "b"]
    assert new_samples(NOW, ["a"], pd.DataFrame({"id": ["c"]})) == ["b"]


def test_labels_that_differ():
    then = pd.Series({"a": "cat", "b": "cat", "c": "cat", "d": "cat"})
    assert changed_values(then, given_names(NOW)) == [("a", "cat", "dog"), ("c", "cat", "dog")]
