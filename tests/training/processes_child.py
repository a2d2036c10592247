"""One of two processes that train together: run by test_processes.py through torchrun."""

import sys
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
warnings.simplefilter("ignore")

import os

import numpy as np

import mixednoise
from mixednoise.progress import Silent
from tiny_data import FAST, coloured_dataset

out, method = Path(sys.argv[1]), sys.argv[2]
rank = os.environ["RANK"]
model = getattr(mixednoise, method)(**FAST, epochs=3, warmup_epochs=1, seed=3)
model.fit(coloured_dataset(), out=out / "run", progress=Silent())
weights = {
    f"{m}.{name}": tensor.numpy()
    for m, network in enumerate(model.networks_)
    for name, tensor in network.state_dict().items()
}
np.savez(out / f"weights_{rank}.npz", **weights)
model.audit_.to_csv(out / f"audit_{rank}.csv", index=False)
