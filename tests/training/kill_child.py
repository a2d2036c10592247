"""A training process that is killed: run by test_resume.py, never by hand."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import os
import signal

import mixednoise
from mixednoise.progress import Silent
from mixednoise.training import epochs
from tiny_data import FAST, coloured_dataset

out, epoch_to_die, signal_name, method = (
    *(Path(sys.argv[1]), int(sys.argv[2])),
    *sys.argv[3:],
)
steps = 0
original = epochs.learning_rate


def die(config, epoch, step, total):
    """In the middle of an epoch, after some of its steps."""
    if epoch == epoch_to_die and step == 2:
        os.kill(os.getpid(), getattr(signal, signal_name))
    return original(config, epoch, step, total)


epochs.learning_rate = die
model = getattr(mixednoise, method)(**FAST, epochs=4, warmup_epochs=2, seed=7)
model.fit(coloured_dataset(), out=out, progress=Silent())
