"""What an audit says of the images: duplicates, and faults that tell one image from another."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from mixednoise.audit.build import with_pictures
from mixednoise.audit.pictures import find_duplicates, quality_reasons
from mixednoise.progress import Silent

IDS = ["a", "b", "c", "d", "e", "f"]
GIVEN = ["cat", "dog", "cat", "cat", "dog", "cat"]


def test_who_comes_again_and_with_what_label():
    # a, b and c look the same; d and e are the same bytes, and show nothing that could look alike.
    found = find_duplicates(IDS, GIVEN, ["", "a", "a", "", "", ""], ["1", "2", "1", "3", "3", "4"])
    assert found.reasons == [
        "same image as b with another label (dog)",
        "same image as a with another label (cat) and 1 more such",
        "same image as b with another label (dog)",
        "same image as e with another label (dog)",
        "same image as d with another label (cat)",
        "",
    ]
    assert found.identical.tolist() == [False, False, False, True, True, False]
    assert found.similar.tolist() == [True, True, True, True, True, False]


def test_same_label_is_told_of_the_later_ones_alone():
    found = find_duplicates(["a", "b", "c"], ["x"] * 3, ["", "a", ""], ["1", "1", ""])
    assert found.reasons == ["", "same image as a", ""]
    assert not found.identical.any()
    assert not found.similar.any()


def test_unknown_content_is_nobodys_copy():
    found = find_duplicates(["a", "b"], ["x", "y"], ["", ""], ["", ""])
    assert found.reasons == ["", ""]
    assert not found.similar.any()


def test_links_chain():
    # a looks like b, b is the same file as c: all three are one group.
    found = find_duplicates(["a", "b", "c"], ["x", "x", "y"], ["", "a", ""], ["1", "2", "2"])
    assert found.reasons[0] == "same image as c with another label (y)"
    assert found.identical.tolist() == [False, True, True]
    assert found.similar.tolist() == [True, True, True]


def quality(reasons: list[str], same_as: list[str] | None = None) -> pd.DataFrame:
    n = len(reasons)
    scores = dict.fromkeys(
        ("exposure", "evenness", "contrast", "focus", "detail", "noise", "colour"), 1.0
    )
    unreadable = [text.startswith("can't be read") for text in reasons]
    table = pd.DataFrame({"quality": 1.0, **scores}, index=range(n))
    table.loc[unreadable, "exposure"] = np.nan
    return table.assign(field_of_view=True, same_as=same_as or [""] * n, hash="", reasons=reasons)


def test_what_is_said_of_most_images_is_said_of_none():
    told, common = quality_reasons(quality(["dark; small", "small", "small", ""]))
    assert told == ["dark", "", "", ""]
    assert common == ["small"]
    # Of half of them is not of most.
    assert quality_reasons(quality(["dark", "dark", "", ""]))[1] == []


def test_reasons_of_unreadable_files_stay_whole_and_copies_are_told_elsewhere():
    told, common = quality_reasons(
        quality(
            ["can't be read: odd; very odd", "dark; same image as x; y", "same image as x; y", ""],
            ["", "x; y", "x; y", ""],
        )
    )
    assert told == ["can't be read: odd; very odd", "dark", "", ""]
    assert common == []


@pytest.mark.parametrize(
    ("digests", "predicted", "group", "expected"),
    [
        # The very same file with two labels: one of them is wrong, whatever the model says.
        (["1", "1"], ["cat", "dog"], ["correct", "correct"], [True, True]),
        # What merely looks the same: the one that the model doubts.
        (["1", "2"], ["cat", "cat"], ["correct", "correct"], [False, True]),
        (["1", "2"], ["cat", "dog"], ["correct", "mis_h"], [False, True]),
        # Nothing is said against what was not judged.
        (["1", "1"], ["cat", "cat"], ["correct", ""], [True, False]),
    ],
)
def test_which_copies_are_label_issues(digests, predicted, group, expected):
    table = pd.DataFrame(
        {
            "id": ["a", "b"],
            "given_label": ["cat", "dog"],
            "predicted_label": predicted,
            "group": group,
            "is_label_issue": [name == "mis_h" for name in group],
            "reasons": ["model", ""],
        }
    )
    found = with_pictures(table, quality(["dark", ""], ["", "a"]), digests, Silent())
    assert found["is_label_issue"].tolist() == expected
    assert found["reasons"].tolist() == [
        "model; dark; same image as b with another label (dog)",
        "same image as a with another label (cat)",
    ]
    assert found["image_quality"].tolist() == [1.0, 1.0]
