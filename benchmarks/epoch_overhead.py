"""What an epoch of QMix or SSCL costs beside the bare forward and backward passes that it needs.

Both run in one process, in turn, on the same networks and batch sizes: A is the epoch as the loop
runs it (reading from the pixel store, views, separation, targets, losses, optimiser); B is nothing
but the passes on random tensors already in memory. Prints the ratio A/B of each round, in CPU
seconds of the process on one thread: other work on the machine does not count.

    python benchmarks/epoch_overhead.py [--method sscl] [--images 512] [--size 64] [--rounds 5]
"""

from __future__ import annotations

import argparse
import functools
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from mixednoise.data.store import PixelStore, StoreSettings
from mixednoise.data.table import Dataset, make_table
from mixednoise.methods.base import Context
from mixednoise.methods.qmix import QMixMethod
from mixednoise.methods.sscl import SSCLMethod
from mixednoise.models import build_network
from mixednoise.progress import Silent
from mixednoise.training.batches import epoch_batches
from mixednoise.training.data import Part, TrainingData
from mixednoise.training.devices import make_fabric
from mixednoise.training.loop import Loop
from mixednoise.training.scoring import EVALUATION_BATCH


def random_data(n: int, size: int, root: Path) -> TrainingData:
    """Random images and labels of five classes in a pixel store."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 255, (n, size, size, 3), dtype=np.uint8)
    labels = rng.integers(0, 5, n)
    table = make_table([str(i) for i in range(n)], labels, array_index=list(range(n)))
    dataset = Dataset(table, tuple("abcde"), Path("random"), arrays=images)
    store = PixelStore.build(dataset, StoreSettings(image_size=size), root=root, progress=Silent())
    rows = np.arange(n)
    return TrainingData(
        store, Part(rows, labels), Part(rows[:0], labels[:0]), tuple("abcde"), False, size, "x"
    )


def bare_qmix(loop: Loop, size: int, batches: list[int]) -> None:
    """The passes alone: scoring, two weak views without and one strong view with a gradient."""
    module = loop.module
    module.eval()
    scored = sum(batches)
    with torch.inference_mode():
        for start in range(0, scored, EVALUATION_BATCH):
            module(random_images(min(EVALUATION_BATCH, scored - start), size))
    module.train()
    for n in batches:
        x = random_images(n, size)
        with torch.no_grad():
            module(torch.cat([x, x]))
        outputs = module(x, project=True)
        learn(loop, sum(logits.mean() + projected.mean() for logits, projected in outputs))


def bare_sscl(loop: Loop, size: int, batches: list[int]) -> None:
    """A weak and two strong views with a gradient, the strong ones through the slow branch too."""
    module = loop.module
    module.train()
    for n in batches:
        views = [random_images(n, size), random_images(2 * n, size)]
        ((logits, queries, _),) = module(views, project=True)
        learn(loop, logits.mean() + queries.mean())


@functools.cache
def random_images(n: int, size: int) -> torch.Tensor:
    """A batch that is in memory already."""
    with torch.inference_mode(False):  # of whoever asks first
        return torch.rand(n, 3, size, size).contiguous(memory_format=torch.channels_last)


def learn(loop: Loop, loss: torch.Tensor) -> None:
    """Backward pass and step."""
    loop.optimizer.zero_grad(set_to_none=True)
    loop.fabric.backward(loss)
    loop.optimizer.step()


METHODS = {
    "qmix": (QMixMethod, {"separation_epochs": None}, 2, bare_qmix),
    "sscl": (SSCLMethod, {}, 1, bare_sscl),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--method", choices=list(METHODS), default="qmix")
    parser.add_argument("--images", type=int, default=512)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--backbone", default="resnet18_slim")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    method, options, networks, bare_epoch = METHODS[arguments.method]
    config = method.Config.from_options(
        **options,
        epochs=1000,
        warmup_epochs=1,
        image_size=arguments.size,
        device="cpu",
        threads=1,
    )
    with tempfile.TemporaryDirectory() as folder:
        data = random_data(arguments.images, arguments.size, Path(folder))
        context = Context(data.class_names, data.train.labels, arguments.size)
        members = [
            build_network(arguments.backbone, num_classes=5, image_size=arguments.size)
            for _ in range(networks)
        ]
        loop = Loop(
            make_fabric(config), method(config, context), members, data,
            run=None, progress=Silent(), select_by="macro_f1",
        )  # fmt: skip
        batches = [len(b) for b in epoch_batches(arguments.images, 32, seed=0, epoch=1)]
        ratios = []
        for number in range(arguments.rounds + 1):
            start = time.process_time()
            loop.train_epoch(2 + number, torch.Generator().manual_seed(number))
            ours = time.process_time() - start
            start = time.process_time()
            bare_epoch(loop, arguments.size, batches)
            bare = time.process_time() - start
            if number > 0:  # the first round warms up
                ratios.append(ours / bare)
                print(f"epoch {ours:.2f} s, bare passes {bare:.2f} s, ratio {ours / bare:.3f}")
    print(f"median ratio {statistics.median(ratios):.3f} (goal: at most 1.15)")


if __name__ == "__main__":
    main()
