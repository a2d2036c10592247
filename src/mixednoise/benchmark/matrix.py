"""The matrix file: which methods, on which data, with which noise, how often."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from mixednoise.errors import ConfigError
from mixednoise.methods.config import Share, validated
from mixednoise.noise.mixed import LabelNoise

Judge = Literal["test", "val"]
#: The cell without noise on purpose.
NO_NOISE = "none"
_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"
Name = Annotated[str, Field(pattern=_NAME)]


def _all_different(seeds: list[int]) -> list[int]:
    twice = sorted({seed for seed in seeds if seeds.count(seed) > 1})
    if twice:
        raise ConfigError(
            "a seed stands in the matrix twice",
            expected="seeds that differ: each is a run of its own",
            found=f"seeds = {seeds}",
            fix=f"leave {twice[0]} there once",
        )
    return seeds


_OWN_PLACES = {"seed": "seeds = [...], at the top or in [data.NAME]", "preset": "[methods.NAME]"}


def own_places(options: dict[str, Any]) -> dict[str, Any]:
    """The options; refused where one of them is that of a seed or a method.

    Raises:
        ConfigError: ``seed`` or ``preset`` is among them.
    """
    for name, place in _OWN_PLACES.items():
        if name in options:
            raise ConfigError(
                f"{name!r} is no option that all runs could share",
                expected=f"{name} in its own place: {place}",
                found=f"{name} = {options[name]!r} among the options",
                fix="move it there",
            )
    return options


Seeds = Annotated[
    list[Annotated[int, Field(ge=0)]], Field(min_length=1), AfterValidator(_all_different)
]
Options = Annotated[dict[str, Any], AfterValidator(own_places)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataEntry(_Entry):
    """``[data.NAME]``: a data set, and how it is read.

    Attributes:
        path: file or folder; relative ones start from ``--root``, else from the matrix file.
        layout, image_column, label_column, split_column, group_column, weight_column, image_root,
            classes, ordinal, take, take_per_class: as in ``mixednoise train``.
        class_map: which class is mistaken for which, for noise of the kind ``class_map``.
        seeds: instead of those of the matrix.
        options: options of every method on this data.
    """

    path: Path
    layout: str | None = None
    image_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    group_column: str | None = None
    weight_column: str | None = None
    image_root: Path | None = None
    classes: list[str] | None = None
    ordinal: bool | None = None
    take: Annotated[int, Field(ge=1)] | None = None
    take_per_class: Annotated[int, Field(ge=1)] | None = None
    class_map: dict[str, str] = Field(default_factory=dict)
    seeds: Seeds | None = None
    options: Options = Field(default_factory=dict)


class NoiseEntry(_Entry):
    """``[noise.NAME]``: noise put in on purpose, as in ``mixednoise corrupt``.

    Attributes:
        mis_h, mis_l, kind, severity: as there.
        data: the data sets that get it; None = all.
    """

    mis_h: Share = 0.0
    mis_l: Share = 0.0
    kind: LabelNoise = "symmetric"
    severity: Share = 0.9
    data: list[str] | None = None

    @property
    def is_none(self) -> bool:
        """Whether nothing is put in."""
        return self.mis_h == 0 and self.mis_l == 0


class MethodEntry(_Entry):
    """``[methods.NAME]``: keys other than these are options of the method.

    Attributes:
        method: as in ``mixednoise train --method``; the entry's own name by default.
        preset: settings to start from.
        oracle: learn from the truly correct training samples alone (cells with noise only).
        options: options of the method.
    """

    method: str
    preset: str = "default"
    oracle: bool = False
    options: Options = Field(default_factory=dict)


class Matrix(_Entry):
    """A whole matrix file.

    Attributes:
        seeds: of split, noise and training alike.
        options: options of every run.
        data, noise, methods: the three sides of the matrix.
    """

    seeds: Seeds = [0]
    options: Options = Field(default_factory=dict)
    data: Annotated[dict[Name, DataEntry], Field(min_length=1)]
    noise: Annotated[dict[Name, NoiseEntry], Field(min_length=1)]
    methods: Annotated[dict[Name, MethodEntry], Field(min_length=1)]

    @model_validator(mode="before")
    @classmethod
    def _methods_by_name(cls, given: Any) -> Any:
        """Fill in names, and gather the options of each method."""
        methods = given.get("methods") if isinstance(given, Mapping) else None
        if not isinstance(methods, Mapping):
            return given
        own = set(MethodEntry.model_fields) - {"options"}
        gathered = {
            name: {
                "method": name,
                **{key: value for key, value in entry.items() if key in own},
                "options": {key: value for key, value in entry.items() if key not in own},
            }
            if isinstance(entry, Mapping)
            else entry
            for name, entry in methods.items()
        }
        return {**given, "methods": gathered}

    @model_validator(mode="after")
    def _noise_fits(self) -> Self:
        for noise, entry in self.noise.items():
            if entry.mis_h + entry.mis_l > 1:
                raise ConfigError(
                    f"noise {noise!r} is more than everything",
                    expected="mis_h + mis_l of at most 1",
                    found=f"{entry.mis_h:g} + {entry.mis_l:g}",
                    fix=f"lower one of them in [noise.{noise}]",
                )
            if (noise == NO_NOISE) != entry.is_none:
                raise ConfigError(
                    f"noise {noise!r} has the wrong name",
                    expected=f"[noise.{NO_NOISE}] without mis_h and mis_l, and any other name with",
                    found=f"mis_h {entry.mis_h:g}, mis_l {entry.mis_l:g}",
                    fix=f"the clean cell is called {NO_NOISE}",
                )
            unknown = [data for data in entry.data or () if data not in self.data]
            if unknown:
                raise ConfigError(
                    f"noise {noise!r} is for data that the matrix does not have",
                    expected=", ".join(self.data),
                    found=", ".join(unknown),
                    fix=f"correct the names in [noise.{noise}]",
                )
            for data, where in self.data.items():
                if entry.data is not None and data not in entry.data:
                    continue
                if entry.kind == "class_map" and not where.class_map:
                    raise ConfigError(
                        f"noise {noise!r} needs to know which classes of {data!r} are confused",
                        expected=f'[data.{data}.class_map] with lines such as mel = "nv"',
                        found="none",
                        fix=f"add it, or name the data sets that get it: [noise.{noise}] data = "
                        "[...]",
                    )
        return self


def read_matrix(path: Path) -> Matrix:
    """Read and check a matrix file; options of methods are checked when cells are made.

    Raises:
        ConfigError: not there, no TOML, an unknown key, a value that can't be.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ConfigError(
            f"the matrix {path} can't be read",
            expected="a TOML file with [data.NAME], [noise.NAME] and [methods.NAME]",
            found=str(reason),
            fix="see docs/benchmark.md for an example",
        ) from error
    return validated(Matrix, values)


def judged_by(split: str) -> Judge:
    """Check the name of a split.

    Raises:
        ConfigError: neither of the two.
    """
    if split == "test":
        return "test"
    if split == "val":
        return "val"
    raise ConfigError(
        f"figures of {split!r} can't be shown",
        expected="test or val",
        found=split,
        fix="pass --judge val while choosing options, and test at the end",
    )
