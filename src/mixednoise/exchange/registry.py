"""The formats, by name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from mixednoise.audit.folder import Kind
from mixednoise.errors import ConfigError
from mixednoise.exchange.pictures import Images
from mixednoise.exchange.selection import LABELS, Labels

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixednoise.exchange.export import Export

BOTH: tuple[Kind, ...] = ("classification", "segmentation")


@dataclass(frozen=True)
class Format:
    """What can be said of a format before it is written.

    Attributes:
        name: as in ``--to``.
        title: what it is, in a few words.
        module: in this package; its ``write(export)`` returns what else there is to tell. '' where
            ``applied``.
        kinds: of audits that it goes with.
        images: how images can go out, the default first; () = it has no images.
        labels: which labels can go out.
        for_review: people decide there: nothing is left out.
        applied: `mixednoise apply` writes it.
        as_decided: decisions go out as what they are, those on the test split too.
        options: of this format alone.
    """

    name: str
    title: str
    module: str
    kinds: tuple[Kind, ...]
    images: tuple[Images, ...] = ()
    labels: tuple[Labels, ...] = LABELS
    for_review: bool = False
    as_decided: bool = False
    applied: bool = False
    options: tuple[str, ...] = ()

    def write(self, export: Export) -> dict[str, Any]:
        """Write it."""
        module = import_module(f"mixednoise.exchange.{self.module}")
        return cast("Callable[[Export], dict[str, Any]]", module.write)(export)


_EVERY: tuple[Images, ...] = ("copy", "link", "refer")
_REFERRING: tuple[Images, ...] = ("refer", "copy", "link")
FORMATS = {
    one.name: one
    for one in (
        Format(
            "csv", "labels file, as of mixednoise apply", "", ("classification",),
            labels=("corrected",), applied=True, options=("data",),
        ),
        Format(
            "folders", "a folder per split and class", "folders", ("classification",),
            ("copy", "link"),
        ),
        Format(
            "masks", "images and masks, as of mixednoise apply", "", ("segmentation",),
            labels=("corrected",), applied=True,
        ),
        Format(
            "label-studio", "tasks with predictions, for review", "label_studio", BOTH, _EVERY,
            ("corrected", "given"), for_review=True, as_decided=True,
        ),
        Format("fiftyone", "a FiftyOneDataset", "fiftyone", BOTH, _REFERRING, for_review=True),
        Format("coco", "one JSON of masks", "coco", ("segmentation",), _EVERY),
        Format(
            "nnunet", "raw data for nnU-Net v2", "nnunet", ("segmentation",), ("copy", "link"),
            options=("dataset_number", "dataset_name"),
        ),
        Format("monai", "a decathlon datalist", "monai", BOTH, _REFERRING),
    )
}  # fmt: skip


def format_of(to: str, kind: Kind) -> Format:
    """The format of that name.

    Raises:
        ConfigError: there is none, or it does not go with what was audited.
    """
    fitting = ", ".join(one.name for one in FORMATS.values() if kind in one.kinds)
    if to not in FORMATS:
        raise ConfigError(
            f"there is no format {to!r}",
            expected=fitting,
            found=to,
            fix="choose one of these with --to",
        )
    if kind not in FORMATS[to].kinds:
        what = "labels of images" if kind == "classification" else "masks"
        raise ConfigError(
            f"{to} does not go with an audit of {what}",
            expected=fitting,
            found=f"{to}: {FORMATS[to].title}",
            fix="choose one of these with --to",
        )
    return FORMATS[to]
