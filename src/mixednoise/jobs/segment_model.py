"""A finished run as something that segments images, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mixednoise.errors import ConfigError, RunError
from mixednoise.memory import memory_told
from mixednoise.models.segmenters import load_segmenter
from mixednoise.progress import Progress
from mixednoise.segmentation.case_file import read_case_file
from mixednoise.segmentation.cases import (
    Case,
    CaseSet,
    Picture,
    UnreadableCaseError,
    plane_size,
    read_image,
    shrink_image,
)
from mixednoise.segmentation.cases.picture import bytes_of
from mixednoise.segmentation.cases.threads import in_threads
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.inference import (
    ArrayImages,
    FloatArray,
    make_predictor,
    resized_probabilities,
)
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.training.batches import ahead
from mixednoise.training.devices import make_fabric
from mixednoise.workflow.run_folder import read_config

WEIGHTS = ("last", "best")
#: Images are read in blocks of at most so many bytes (as far as headers tell), and one at least.
BLOCK_BYTES = 1 << 27


@dataclass(frozen=True)
class Segmented:
    """One image.

    Attributes:
        case: whose image it is.
        picture: as read; None where it can't be segmented.
        probabilities: float32 (K, *S) at the image's own size, by weights.
        reason: why it can't be segmented, or ''.
    """

    case: Case
    picture: Picture | None = None
    probabilities: dict[str, FloatArray] = field(default_factory=dict)
    reason: str = ""


class TrainedSegmenter:
    """The students of a run.

    Args:
        path: run folder.
        weights: any of ``last`` and ``best``; with ``optional`` those that are not there are left
            out, but for ``last``.
        device: where to compute.
        optional: see above.

    Attributes:
        run: the folder.
        cases: that it was trained on; their files may have moved.
        weights: that are there.

    Raises:
        RunError: no such run, unfinished, damaged, or of another version.
        ConfigError: no such weights, or no such device.
    """

    def __init__(
        self,
        path: Path,
        weights: Sequence[str],
        *,
        device: str = "auto",
        optional: bool = False,
    ) -> None:
        self.run = SegmentationRun(path)
        record = read_config(path, self.run.command)
        files = {"last": self.run.model, "best": self.run.best_model}
        strange = [name for name in weights if name not in WEIGHTS]
        if strange:
            raise ConfigError(
                f"there are no weights {strange[0]!r}",
                expected=" or ".join(WEIGHTS),
                found=strange[0],
                fix="choose one of these with --weights",
            )
        if not self.run.model.exists():
            raise RunError(
                f"{path} has no student yet",
                expected=self.run.model.name,
                found="a run that was stopped before its student was trained",
                fix="go on with the same `mixednoise segment train` command and --resume",
            )
        if optional:
            weights = [name for name in weights if name == "last" or files[name].exists()]
        elif "best" in weights and not self.run.best_model.exists():
            raise RunError(
                f"{path} has no best epoch",
                expected=self.run.best_model.name + ", chosen on validation cases",
                found="a run without validation cases",
                fix="use --weights last, or train with --val-fraction 0.1",
            )
        self.cases: CaseSet = read_case_file(self.run.case_file, must_exist=False)
        self.weights = tuple(weights)
        self.config = SegmentationConfig.from_record(record["options"] | {"device": device})
        fabric = make_fabric(self.config)
        segmenters = [load_segmenter(files[name], fabric.device)[0] for name in weights]
        self._predictors = [make_predictor(fabric, one, self.config) for one in segmenters]
        self._channels = segmenters[0].in_channels

    def segment(self, cases: Sequence[Case], progress: Progress) -> Iterator[Segmented]:
        """Pass images through every network, in their order; what can't be read is told.

        Args:
            cases: of which only the images are read.
            progress: a bar.

        Yields:
            One per case, as soon as it is there; a block of images is read ahead.
        """
        blocks = list(_blocks(cases, self.config.batch_size))

        def load(number: int) -> list[Segmented]:
            return in_threads(self._read, blocks[number], "")

        def passed() -> Iterator[Segmented]:
            for block in ahead(load, len(blocks)):
                yield from self._pass(block)

        with memory_told():
            yield from progress.track(passed(), "segmenting", total=len(cases))

    def _read(self, case: Case) -> Segmented:
        """A picture that fits the network, or the reason why there is none."""
        try:
            picture = read_image(case)
        except UnreadableCaseError as error:
            return Segmented(case, reason=error.reason)
        channels, axes = len(picture.array), len(picture.shape)
        if channels != self._channels:
            return Segmented(case, reason=f"channels: {channels}, the network takes "
                             f"{self._channels}")  # fmt: skip
        if axes < self.config.spatial_dims:
            return Segmented(case, reason="a flat image, the network takes volumes")
        return Segmented(case, picture)

    def _pass(self, block: Sequence[Segmented]) -> Iterator[Segmented]:
        size = int(self.config.image_size)
        readable = [one for one in block if one.picture is not None]
        seen = [
            shrink_image(one.picture.array, plane_size(one.picture.shape, size))
            for one in readable
            if one.picture is not None
        ]
        images, rows = ArrayImages(seen), range(len(seen))
        streams = [predictor.predict(images, rows) for predictor in self._predictors]
        # Networks go through the block side by side: probabilities of one image at a time.
        found = zip(*streams, strict=True)
        for one in block:
            if one.picture is None:
                yield one
                continue
            native = one.picture.shape
            probabilities = {
                name: resized_probabilities(values, native)
                for name, (_, values) in zip(self.weights, next(found), strict=True)
            }
            yield Segmented(one.case, one.picture, probabilities)


def _blocks(cases: Sequence[Case], most: int) -> Iterator[list[Case]]:
    """Neighbours that are read together: few enough, and small enough."""
    block: list[Case] = []
    size = 0
    for case in cases:
        own = bytes_of(case)
        if block and (len(block) == most or size + own > BLOCK_BYTES):
            yield block
            block, size = [], 0
        block.append(case)
        size += own
    if block:
        yield block
