"""Prediction on images that the model has never seen: decoded ahead, in blocks, bounded memory."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from mixednoise.data.decode import UnreadableImageError
from mixednoise.data.field_of_view import crop_field_of_view
from mixednoise.data.image_files import IMAGE_SUFFIXES, images_below
from mixednoise.data.prepare import prepare_file
from mixednoise.data.resize import resize_image
from mixednoise.data.table import Dataset
from mixednoise.errors import DataError
from mixednoise.memory import memory_told
from mixednoise.methods.base import FloatArray
from mixednoise.methods.ensemble import Ensemble
from mixednoise.models import Network
from mixednoise.progress import Progress
from mixednoise.training.scoring import network_probabilities

BLOCK = 128
Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Block:
    """Predictions of some images.

    Attributes:
        names: image names as given, those that could be read, n of them.
        probabilities: float64 (n, C).
        entropy: mean entropy of the networks in nats, float64 (n,).
        failures: (name, reason) of each image that could not be read.
    """

    names: list[str]
    probabilities: FloatArray
    entropy: FloatArray
    failures: list[tuple[str, str]] = field(default_factory=list)


class ImageBatches:
    """Images from a folder, a list of paths, a data set or an array, prepared as in training.

    Args:
        images: what to predict.
        image_size: side of the network's input in pixels.
        crop: as in training.
        fit: as in training.
    """

    def __init__(
        self,
        images: Dataset | Pixels | Sequence[str | Path] | str | Path,
        *,
        image_size: int,
        crop: Literal["none", "field_of_view"],
        fit: Literal["pad", "crop"],
    ) -> None:
        self.image_size, self.crop, self.fit = image_size, crop, fit
        self.names, self._sources = _sources(images)

    def __len__(self) -> int:
        return len(self.names)

    def _load(self, source: str | Path | Pixels) -> Pixels | UnreadableImageError:
        try:
            if not isinstance(source, np.ndarray):
                return prepare_file(source, self.image_size, crop=self.crop, fit=self.fit).pixels
            image = crop_field_of_view(source) if self.crop == "field_of_view" else source
            return resize_image(image, self.image_size, self.fit)
        except UnreadableImageError as error:
            return error

    def blocks(self) -> Iterator[tuple[list[str], Pixels, list[tuple[str, str]]]]:
        """Yield (names, uint8 (n, S, S, 3), failures), decoded ahead in threads."""
        workers = min(8, os.cpu_count() or 1)
        pool = ThreadPoolExecutor(workers, thread_name_prefix="mixednoise-decode")
        try:
            ahead: deque[list[Future[Pixels | UnreadableImageError]]] = deque()
            starts = list(range(0, len(self), BLOCK))
            for start in starts[:2]:
                ahead.append(self._submit(pool, start))
            for position, start in enumerate(starts):
                loaded = [future.result() for future in ahead.popleft()]
                if position + 2 < len(starts):
                    ahead.append(self._submit(pool, starts[position + 2]))
                names = self.names[start : start + BLOCK]
                good = [i for i, image in enumerate(loaded) if isinstance(image, np.ndarray)]
                failures = [
                    (name, image.reason)
                    for name, image in zip(names, loaded, strict=True)
                    if isinstance(image, UnreadableImageError)
                ]
                empty = np.zeros((0, self.image_size, self.image_size, 3), np.uint8)
                pixels = np.stack([loaded[i] for i in good]) if good else empty  # type: ignore[misc]
                yield [names[i] for i in good], pixels, failures
        finally:
            # After Ctrl-C nobody waits for the images that are queued.
            pool.shutdown(cancel_futures=True)

    def _submit(
        self, pool: ThreadPoolExecutor, start: int
    ) -> list[Future[Pixels | UnreadableImageError]]:
        return [pool.submit(self._load, source) for source in self._sources[start : start + BLOCK]]


def predict_batches(
    ensembles: Sequence[Sequence[Network]],
    batches: ImageBatches,
    device: torch.device,
    progress: Progress,
) -> Iterator[tuple[Block, ...]]:
    """Mean softmax of the networks of each ensemble, block by block; images are decoded once.

    Args:
        ensembles: networks in any mode; they are put into eval mode on ``device``.
        batches: the images.
        device: where to compute.
        progress: a bar counts images.

    Yields:
        A block per ensemble, all of the same images.

    Raises:
        TrainingError: memory is spent.
    """
    with memory_told():
        modules = [
            Ensemble(list(networks)).to(device, memory_format=torch.channels_last).eval()  # type: ignore[call-overload]
            for networks in ensembles
        ]
        for names, pixels, failures in _counted(batches, progress):
            images = torch.from_numpy(pixels).permute(0, 3, 1, 2).to(device)
            yield tuple(_predicted(module, images, names, failures) for module in modules)


def _predicted(
    ensemble: Ensemble, images: torch.Tensor, names: list[str], failures: list[tuple[str, str]]
) -> Block:
    if not names:
        classes: Any = ensemble.members[0].num_classes
        return Block([], np.zeros((0, classes)), np.zeros(0), failures)
    by_network = torch.stack(network_probabilities(ensemble, images)).double()
    entropy = -torch.xlogy(by_network, by_network).sum(dim=2).mean(dim=0)
    return Block(names, by_network.mean(dim=0).cpu().numpy(), entropy.cpu().numpy(), failures)


def _counted(batches: ImageBatches, progress: Progress) -> Iterator[Any]:
    """Blocks, while a bar advances by images."""
    blocks = batches.blocks()
    done, current = 0, None
    for number in progress.track(range(len(batches)), "predicting", total=len(batches)):
        if number == done:
            current = next(blocks)
            done += len(current[0]) + len(current[2])
            yield current


def _sources(images: Any) -> tuple[list[str], list[Any]]:
    """Names as the user gave them, and where each image comes from."""
    if isinstance(images, Dataset):
        names = images.table["id"].astype(str).tolist()
        if images.arrays is not None:
            return names, [images.arrays[i] for i in images.table["array_index"]]
        return names, images.table["path"].tolist()
    if isinstance(images, np.ndarray):
        if images.ndim != 4 or images.shape[-1] != 3 or images.dtype != np.uint8:
            raise DataError(
                "the image array has the wrong form",
                expected="uint8 pixels of shape (N, H, W, 3)",
                found=f"{images.dtype} {images.shape}",
                fix="convert with .astype('uint8'); repeat a grey channel three times",
            )
        return [str(i) for i in range(len(images))], list(images)
    if isinstance(images, str | Path):
        return _from_path(Path(images))
    paths = [Path(image) for image in images]
    return [str(path) for path in paths], list(paths)


def _from_path(path: Path) -> tuple[list[str], list[Any]]:
    """A folder (searched below, hidden files skipped), or one image file."""
    if path.is_dir():
        found = sorted(map(Path, images_below(path)))
        if not found:
            raise DataError(
                f"no images in {path}",
                expected=f"files that end in {', '.join(IMAGE_SUFFIXES)}",
                found=f"{sum(1 for _ in path.iterdir())} other entries",
                fix="check the path",
            )
        return [str(p.relative_to(path)) for p in found], list(found)
    if not path.exists():
        raise DataError(
            f"{path} does not exist",
            expected="a folder of images, an image, a file list or a CSV",
            found="nothing",
            fix="check the path",
        )
    return [str(path)], [path]
