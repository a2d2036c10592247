"""What a caller can say about how a data set is to be read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from mixednoise.data.class_names import canonical, did_you_mean
from mixednoise.data.report import counted
from mixednoise.errors import ConfigError

Ungradable = Literal["set_aside", "random_label"]
#: Layouts that can be named; without a name they are recognised by their columns or files.
PRESETS = ("kaggle_dr", "eyeq", "ddr", "drtid", "ham10000", "isic2019", "medmnist")
USER, MODEL = "", "the classes of the model"
_COLUMNS = (
    *("image_column", "label_column", "split_column", "group_column", "quality_column"),
    "weight_column",
)


@dataclass(frozen=True)
class ReadOptions:
    """The arguments of :func:`mixednoise.data.readers.read_dataset`, checked."""

    preset: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    group_column: str | None = None
    quality_column: str | None = None
    weight_column: str | None = None
    image_root: Path | None = None
    class_names: tuple[str, ...] | None = None
    ordinal: bool | None = None
    ungradable: Ungradable = "set_aside"
    seed: int = 0
    #: Who says what the classes are, in words for messages; the user, unless it says otherwise.
    classes_of: str = USER

    def __post_init__(self) -> None:
        if self.preset is not None and self.preset not in PRESETS:
            raise ConfigError(
                f"unknown preset {self.preset!r}{did_you_mean(self.preset, PRESETS)}",
                expected=", ".join(PRESETS),
                found=self.preset,
                fix="choose one of these, or leave it out: layouts are recognised by themselves",
            )
        if self.ungradable not in get_args(Ungradable):
            raise ConfigError(
                f"unknown value {self.ungradable!r} for ungradable",
                expected=" or ".join(get_args(Ungradable)),
                found=str(self.ungradable),
                fix="choose one of these",
            )
        if self.image_root is not None and not self.image_root.is_dir():
            raise ConfigError(
                f"the image root {self.image_root} is not a folder",
                expected="the folder that holds the images",
                found="a file" if self.image_root.exists() else "nothing of that name",
                fix="correct --image-root",
            )
        if self.class_names is not None:
            self._check_class_names(self.class_names)

    def _check_class_names(self, names: tuple[str, ...]) -> None:
        distinct = {canonical(name) for name in names}
        if len(distinct) != len(names) or len(names) < 2 or "" in distinct:
            raise ConfigError(
                "the class names can't be used",
                expected="two or more different names",
                found=f"{counted(len(names), 'name')}: {', '.join(map(repr, names))}",
                fix="name every class once, in the order wanted",
            )

    def refuse_columns(self, layout: str) -> None:
        """Refuse column options where there is no table.

        Raises:
            ConfigError: a column is named, but ``layout`` has no columns.
        """
        named = [name for name in _COLUMNS if getattr(self, name) is not None]
        if named:
            raise ConfigError(
                f"{named[0]} means nothing for {layout}",
                expected="column names only with a CSV or TSV file",
                found=f"{named[0]}={getattr(self, named[0])!r}",
                fix="leave it out, or give the table instead of the folder",
            )
