"""What the decisions of one or several reviewers come to."""

from __future__ import annotations

import pytest

from mixednoise.review.decisions import Decision
from mixednoise.review.outcome import outcomes, wanted

GIVEN, SUGGESTED = {"a": "normal", "b": "cataract"}, {"a": "cataract", "b": ""}


def said(*decisions: tuple[str, ...]) -> list[Decision]:
    """(reviewer, action, label, sample), the last two may be left out."""
    found = []
    for number, one in enumerate(decisions, 1):
        who, action, label, sample = (*one, *("", "a")[len(one) - 2 :])
        found.append(Decision(number, sample, who, action, label, "", "review", "", ""))
    return found


def outcome(*decisions: tuple[str, ...], prefer: str | None = None):
    result = outcomes(said(*decisions), given=GIVEN, suggested=SUGGESTED, prefer=prefer)
    return {name: (one.kind, one.label) for name, one in result.items()}


@pytest.mark.parametrize(
    ("action", "label", "result"),
    [
        ("agree", "", ("label", "cataract")),
        ("keep", "", ("label", "normal")),
        ("relabel", "glaucoma", ("label", "glaucoma")),
        ("exclude", "", ("exclude", "")),
        ("unsure", "", ("unsure", "")),
    ],
)
def test_what_one_decision_wants(action, label, result):
    decision = said(("Ana", action, label))[0]
    assert wanted(decision, given="normal", suggested="cataract") == result
    assert outcome(("Ana", action, label)) == {"a": result}


def test_agreeing_where_nothing_is_suggested_leaves_the_sample_out():
    assert outcome(("Ana", "agree", "", "b")) == {"b": ("exclude", "")}


def test_different_ways_to_the_same_label_are_no_disagreement():
    assert outcome(("Ana", "agree"), ("Ben", "relabel", "cataract")) == {"a": ("label", "cataract")}
    assert outcome(("Ana", "keep"), ("Ben", "relabel", "normal")) == {"a": ("label", "normal")}


def test_reviewers_who_want_different_things_disagree():
    assert outcome(("Ana", "agree"), ("Ben", "keep")) == {"a": ("disagreement", "")}
    assert outcome(("Ana", "agree"), ("Ben", "exclude")) == {"a": ("disagreement", "")}


def test_who_is_unsure_leaves_it_to_the_others():
    assert outcome(("Ana", "unsure"), ("Ben", "keep")) == {"a": ("label", "normal")}
    assert outcome(("Ana", "unsure"), ("Ben", "unsure")) == {"a": ("unsure", "")}
    # Somebody unsure does not settle a disagreement of two others.
    three = (("Ana", "unsure"), ("Ben", "keep"), ("Cem", "agree"))
    assert outcome(*three) == {"a": ("disagreement", "")}


def test_the_preferred_reviewer_decides_where_reviewers_differ():
    both = (("Ana", "agree"), ("Ben", "keep"))
    assert outcome(*both, prefer="Ana") == {"a": ("label", "cataract")}
    assert outcome(*both, prefer="Ben") == {"a": ("label", "normal")}
    assert outcome(*both, prefer="Cem") == {"a": ("disagreement", "")}
    unsure = (("Ana", "unsure"), ("Ben", "keep"), ("Cem", "agree"))
    assert outcome(*unsure, prefer="Ana") == {"a": ("disagreement", "")}


def test_every_sample_comes_by_itself_and_others_sets_are_left_alone():
    found = outcome(("Ana", "keep"), ("Ana", "keep", "", "b"), ("Ana", "keep", "", "elsewhere"))
    assert found == {"a": ("label", "normal"), "b": ("label", "cataract")}


def test_an_outcome_names_its_decisions():
    decisions = said(("Ana", "agree"), ("Ben", "keep"))
    result = outcomes(decisions, given=GIVEN, suggested=SUGGESTED)
    assert result["a"].decisions == tuple(decisions)
