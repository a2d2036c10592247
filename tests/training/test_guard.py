import numpy as np

from mixednoise.training.guard import Guard

NAMES = ("healthy", "ill")
LABELS = np.array([0, 0, 1, 1])
BOTH = np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8]])
ONE = np.array([[0.9, 0.1]] * 4)


def look(guard, epoch, value, p=BOTH, warming_up=False):
    return guard.look(epoch, warming_up=warming_up, labels=LABELS, probabilities=p, value=value)


def test_says_once_when_training_after_the_warm_up_makes_it_worse():
    guard = Guard(NAMES, "macro_f1")
    for epoch in range(3):
        assert look(guard, epoch, 0.7, warming_up=True) == []
    lines = [look(guard, epoch, 0.6) for epoch in range(3, 8)]
    said = [line for found in lines for line in found]
    assert len(said) == 1
    assert "epoch 6" in said[0]
    assert "0.700" in said[0]
    assert "0.600" in said[0]


def test_is_silent_while_things_get_better():
    guard = Guard(NAMES, "macro_f1")
    look(guard, 0, 0.5, warming_up=True)
    assert all(look(guard, e, 0.5 + e / 20) == [] for e in range(1, 8))


def test_names_an_established_class_that_vanished_and_nothing_else():
    guard = Guard(NAMES, "macro_f1")
    assert look(guard, 0, 0.3, ONE) == [], "young networks skip rare classes"
    for epoch in range(1, 4):
        assert look(guard, epoch, 0.3, BOTH) == []
    first = look(guard, 4, 0.3, ONE)
    assert len(first) == 1
    assert "'ill'" in first[0]
    assert "epoch 5" in first[0]
    assert look(guard, 5, 0.3, ONE) == [], "said once"
    assert look(guard, 6, 0.3, BOTH) == []
    assert look(guard, 7, 0.3, ONE) == [], "it was not established again"


def test_goes_on_after_a_resume_as_if_nothing_had_happened():
    whole, first = Guard(NAMES, "macro_f1"), Guard(NAMES, "macro_f1")
    for guard in (whole, first):
        look(guard, 0, 0.7, warming_up=True)
        look(guard, 1, 0.6)
        look(guard, 2, 0.6)
    second = Guard(NAMES, "macro_f1")
    second.load_state_dict(first.state_dict())
    assert look(second, 3, 0.6) == look(whole, 3, 0.6) != []
