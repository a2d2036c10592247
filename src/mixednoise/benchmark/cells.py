"""Cells of a matrix: what is run, by which public commands, into which folders."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mixednoise.benchmark.matrix import DataEntry, Matrix, MethodEntry, NoiseEntry, own_places
from mixednoise.data.class_list import join_names
from mixednoise.errors import ConfigError
from mixednoise.estimators import estimator_named
from mixednoise.methods.assignments import setting_words
from mixednoise.methods.config import merged

PROGRAM = "mixednoise"
#: Of a noisy copy: what is learned from.
LABELS = "labels.csv"
#: Of a data set, as ``mixednoise train`` has them beside classes and grades.
READ_OPTIONS = (
    *("layout", "image_column", "label_column", "split_column", "group_column", "weight_column"),
    *("image_root", "take", "take_per_class"),
)


@dataclass(frozen=True)
class Cell:
    """One run.

    Attributes:
        data, noise, method, seed: where it stands in the matrix.
        corrupt: words of the command that makes its noisy data; empty where there is no noise.
        noisy: the folder that it makes; None where there is no noise.
        train: words of the command that trains, without those for resuming.
        run: its run folder.
        out: folder of the benchmark, which holds all that the cell makes.
    """

    data: str
    noise: str
    method: str
    seed: int
    corrupt: tuple[str, ...]
    noisy: Path | None
    train: tuple[str, ...]
    run: Path
    out: Path

    @property
    def name(self) -> str:
        """``data/noise/method/seed``."""
        return f"{self.data}/{self.noise}/{self.method}/{self.seed}"

    @property
    def file_name(self) -> str:
        """The name as that of a file; no part of it can hold a comma."""
        return self.name.replace("/", ",")

    @property
    def command(self) -> str:
        """What makes the cell: its noisy data, where there is noise, and its run."""
        train = shlex.join([PROGRAM, *self.train])
        return f"{self.corrupt_command} && {train}" if self.corrupt else train

    @property
    def command_alone(self) -> str:
        """The same into folders that no other cell uses: what a person types to repeat it."""
        made = [self.run, *([self.noisy, self.noisy / LABELS] if self.noisy else [])]
        again = Path("again", self.file_name)
        moved = {str(path): str(again / path.relative_to(self.out)) for path in made}
        return replace(
            self,
            corrupt=tuple(moved.get(word, word) for word in self.corrupt),
            train=tuple(moved.get(word, word) for word in self.train),
        ).command

    @property
    def corrupt_command(self) -> str:
        """The part of it that makes the noisy data."""
        return shlex.join([PROGRAM, *self.corrupt])


def make_cells(
    matrix: Matrix,
    out: Path,
    root: Path,
    *,
    options: Mapping[str, Any] | None = None,
    only: Sequence[str] = (),
) -> list[Cell]:
    """All cells, seed by seed, so that every method has its first seed before any has its second.

    Args:
        matrix: what is wanted.
        out: folder of the benchmark.
        root: where relative paths of data start.
        options: options of every run, over those of the matrix.
        only: parts of names; cells without any of them in ``data/noise/method/seed`` are left out.

    Raises:
        ConfigError: an option that a method does not have, data that is not there, or nothing left.
    """
    cells = list(_cells(matrix, out, root, own_places(dict(options or {}))))
    _must_differ(cells)
    return select_cells(cells, only)


def _must_differ(cells: Sequence[Cell]) -> None:
    """Refuse names that lead two cells with different noise to one folder."""
    made: dict[Path, Cell] = {}
    for cell in cells:
        if cell.noisy is None:
            continue
        first = made.setdefault(cell.noisy, cell)
        if (first.data, first.noise) != (cell.data, cell.noise):
            raise ConfigError(
                "two cells of the matrix would share their noisy data",
                expected="names of data and noise that differ when joined by _",
                found=f"data {first.data!r} with noise {first.noise!r}, data {cell.data!r} with "
                f"noise {cell.noise!r}: both {cell.noisy}",
                fix="give one of them another name",
            )


def select_cells(cells: Sequence[Cell], only: Sequence[str]) -> list[Cell]:
    """The cells whose names hold one of the parts; all of them where none is given.

    Raises:
        ConfigError: nothing is left.
    """
    chosen = [cell for cell in cells if not only or any(part in cell.name for part in only)]
    if not chosen:
        raise ConfigError(
            "there is nothing to run",
            expected="a part of data/noise/method/seed, such as ham10000/none",
            found=", ".join(only) or "an oracle in cells without noise",
            fix="see the names in the matrix file",
        )
    return chosen


def _cells(matrix: Matrix, out: Path, root: Path, over: Mapping[str, Any]) -> Iterator[Cell]:
    for entry in matrix.data.values():
        _must_exist(root / entry.path)
    seeds = {name: entry.seeds or matrix.seeds for name, entry in matrix.data.items()}
    for round_ in range(max(map(len, seeds.values()))):
        for data, entry in matrix.data.items():
            if round_ >= len(seeds[data]):
                continue
            seed = seeds[data][round_]
            for noise, made in matrix.noise.items():
                if made.data is not None and data not in made.data:
                    continue
                for method, chosen in matrix.methods.items():
                    if chosen.oracle and made.is_none:
                        continue  # every label is right: it would be the method itself
                    settings: dict[str, Any] = {}
                    for more in (matrix.options, entry.options, chosen.options, over):
                        settings = merged(settings, more)
                    corrupt, noisy = _corruption(data, entry, noise, made, seed, out, root)
                    run = out / "runs" / data / noise / method / str(seed)
                    try:
                        train = _training(entry, chosen, settings, seed, noisy, root)
                    except ConfigError as error:
                        error.add_note(f"  where: [methods.{method}] on [data.{data}]")
                        raise
                    yield Cell(
                        *(data, noise, method, seed, corrupt, noisy),
                        train=(*train, "--out", str(run)),
                        run=run,
                        out=out,
                    )


def _must_exist(path: Path) -> None:
    if not path.exists():
        raise ConfigError(
            f"{path} does not exist",
            expected="the data that the matrix names",
            found="nothing there",
            fix="correct the path, or say with --root where relative paths start",
        )


def _corruption(
    data: str, entry: DataEntry, noise: str, made: NoiseEntry, seed: int, out: Path, root: Path
) -> tuple[tuple[str, ...], Path | None]:
    """The command that puts noise in, and the folder that it makes."""
    if made.is_none:
        return (), None
    folder = out / "data" / f"{data}_{noise}_{seed}"
    words = ["corrupt", str(root / entry.path), "--out", str(folder), *_reading(entry, root)]
    words += ["--mis-h", f"{made.mis_h:g}", "--mis-l", f"{made.mis_l:g}", "--kind", made.kind]
    if made.kind == "class_map":
        for source, target in entry.class_map.items():
            words += ["--class-map", f"{source}={target}"]
    words += ["--severity", f"{made.severity:g}", "--seed", str(seed)]
    return tuple(words), folder


def _training(
    entry: DataEntry,
    chosen: MethodEntry,
    settings: Mapping[str, Any],
    seed: int,
    noisy: Path | None,
    root: Path,
) -> tuple[str, ...]:
    # A typo in an option is found here, before anything runs.
    estimator_named(chosen.method).method.Config.from_options(chosen.preset, **settings)
    source = root / entry.path if noisy is None else noisy / LABELS
    # A noisy copy has the usual column names, and its split; weights count where they are named.
    reading = _reading(entry, root)
    if noisy is not None:
        weights = ["--weight-column", entry.weight_column] if entry.weight_column else []
        reading = weights + _classes(entry)
    words = ["train", str(source), "--method", chosen.method, "--seed", str(seed), *reading]
    if chosen.preset != "default":
        words += ["--preset", chosen.preset]
    if chosen.oracle:
        words.append("--oracle")
    return (*words, *setting_words(settings))


def _reading(entry: DataEntry, root: Path) -> list[str]:
    words = []
    for name in READ_OPTIONS:
        value = getattr(entry, name)
        if value is not None:
            told = root / value if name == "image_root" else value
            words += ["--" + name.replace("_", "-"), str(told)]
    return words + _classes(entry)


def _classes(entry: DataEntry) -> list[str]:
    words = [] if entry.classes is None else ["--classes", join_names(entry.classes)]
    if entry.ordinal is not None:
        words.append("--ordinal" if entry.ordinal else "--nominal")
    return words
