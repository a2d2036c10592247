"""Where the user says that images and masks are: read in one way for every segment command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixednoise.data.report import examples
from mixednoise.errors import ConfigError
from mixednoise.progress import Progress
from mixednoise.segmentation.cases import CaseSet, read_cases, read_nnunet, read_split_folders

#: The folder of a split's images and masks, where nobody names them.
IMAGES, MASKS = Path("images"), Path("masks")


@dataclass(frozen=True)
class CaseSource:
    """What a command line says about its cases; :func:`.readers.read_cases` has the details.

    Attributes:
        images: folders, one per channel; or with ``split_folders`` the name of the one inside.
        masks: one folder, or one per class, which is called as its folder is.
        truth: likewise.
        nnunet: in place of all of these, a raw data set of nnU-Net.
        split_folders: holds a folder per split.
        groups: a CSV file, or ``folder``.
        group_column, splits, split_column, name_column, class_names, label_values, ignore_value:
            arguments of the reader.
    """

    images: tuple[Path, ...] = ()
    masks: tuple[Path, ...] = ()
    truth: tuple[Path, ...] = ()
    nnunet: Path | None = None
    split_folders: Path | None = None
    groups: str | None = None
    group_column: str | None = None
    splits: Path | None = None
    split_column: str | None = None
    name_column: str | None = None
    class_names: Sequence[str] | None = None
    label_values: Sequence[int] | None = None
    ignore_value: int | None = None

    @property
    def folders(self) -> tuple[Path, ...]:
        """Folders of files that are read, of which results must stay clear."""
        if self.nnunet is not None:
            return (self.nnunet,)
        if self.split_folders is not None:
            return ()  # a folder that is called like no split is not read
        return (*self.images, *self.masks, *self.truth)

    def read(self, progress: Progress) -> CaseSet:
        """Find the files; nothing of them is decoded but the values of label maps.

        Raises:
            ConfigError: options that contradict each other, or none that name the cases.
            DataError: folders that can't be read as cases.
        """
        self._check_columns()
        if self.nnunet is not None:
            self._only("--nnunet", "groups", "group_column", "name_column", "nnunet")
            return read_nnunet(
                self.nnunet,
                groups=self.groups,
                name_column=self.name_column,
                group_column=self.group_column,
            )
        if self.split_folders is not None:
            return self._by_split(self.split_folders, progress)
        lacking = [f"--{name}" for name in ("images", "masks") if not getattr(self, name)]
        if lacking:
            raise ConfigError(
                f"no {' and '.join(lacking)}",
                expected="--images FOLDER --masks FOLDER, --nnunet FOLDER or "
                "--split-folders FOLDER",
                found=examples([f"--{name} {path}" for name, path in self._given()]) or "none",
                fix=f"add {' and '.join(lacking)}",
            )
        return read_cases(
            self.images,
            _one_or_by_class(self.masks, "--masks"),
            truth=_one_or_by_class(self.truth, "--truth") if self.truth else None,
            groups=self.groups,
            group_column=self.group_column,
            splits=self.splits,
            split_column=self.split_column,
            name_column=self.name_column,
            class_names=self.class_names,
            label_values=self.label_values,
            ignore_value=self.ignore_value,
            progress=progress,
        )

    def _by_split(self, root: Path, progress: Progress) -> CaseSet:
        allowed = ("split_folders", "images", "masks", "truth", "class_names", "label_values")
        self._only("--split-folders", *allowed, "ignore_value")
        if len(self.images) > 1:
            raise ConfigError(
                "images of several channels in folders of splits can't be read",
                expected="one folder of images in each split",
                found=f"--images {examples(self.images)}",
                fix="put the images of each channel into one folder, with a sub-folder per split, "
                "and name these folders by --images",
            )

        def inside(folders: tuple[Path, ...]) -> str | tuple[str, ...]:
            names = tuple(map(str, folders))
            return names[0] if len(names) == 1 else names

        return read_split_folders(
            root,
            images=str((self.images or (IMAGES,))[0]),
            masks=inside(self.masks or (MASKS,)),
            truth=inside(self.truth) if self.truth else None,
            class_names=self.class_names,
            label_values=self.label_values,
            ignore_value=self.ignore_value,
            progress=progress,
        )

    def _given(self) -> Iterable[tuple[str, Any]]:
        for name in ("images", "masks", "truth"):
            for folder in getattr(self, name):
                yield name, folder

    def _check_columns(self) -> None:
        """A column of a file that nobody has named is a misunderstanding."""
        for column, files in (
            ("group_column", ("groups",)),
            ("split_column", ("splits",)),
            ("name_column", ("groups", "splits")),
        ):
            told = getattr(self, column)
            if told is not None and all(getattr(self, name) is None for name in files):
                named = " or ".join(f"--{name}" for name in files)
                raise ConfigError(
                    f"{_option(column)} without a file",
                    expected=f"{named} FILE, whose column {told} is",
                    found=f"{_option(column)} {told} alone",
                    fix=f"add {named}, or leave {_option(column)} away",
                )

    def _only(self, with_: str, *allowed: str) -> None:
        extra = [
            _option(name)
            for name, value in vars(self).items()
            if name not in allowed and value not in (None, ())
        ]
        if extra:
            raise ConfigError(
                f"{with_} leaves no room for {extra[0]}",
                expected="beside it at most "
                + examples((name for name in map(_option, allowed) if name != with_), 8),
                found=examples(extra, 8),
                fix=f"leave {'it' if len(extra) == 1 else 'these'} away, or {with_}",
            )


def _one_or_by_class(folders: tuple[Path, ...], option: str) -> Path | dict[str, Path]:
    """A folder; of several each is a class, called as the folder is."""
    if len(folders) == 1:
        return folders[0]
    by_class = {folder.resolve().name: folder for folder in folders}
    if len(by_class) < len(folders):
        raise ConfigError(
            f"two folders of {option} have the same name",
            expected="one folder per class, called as the class is",
            found=examples(folders),
            fix="rename one of them",
        )
    return by_class


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")
