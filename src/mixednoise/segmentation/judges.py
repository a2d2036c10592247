"""Which model judged which image.

The models of a cross-validation are unequal: one is better, or surer, than another. Whoever
compares masks by what models say of them has to know who said it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mixednoise.data.readers.table_file import TextTable
from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.errors import DataError
from mixednoise.segmentation.cases.formats import split_ending
from mixednoise.segmentation.cases.groups import NAME_COLUMNS, read_case_table

if TYPE_CHECKING:
    from mixednoise.segmentation.sources import ProbabilitySource

#: Case -> model, or a CSV file with the columns name and judge.
Told = Mapping[str, Any] | Path | str

JUDGE_COLUMNS = ("judge", "model", "fold")
_NOBODY = {"", "nan", "none"}


class Judges(NamedTuple):
    """The model that judged each image.

    Attributes:
        numbers: of each image, from 0; None = the same one judged all, as far as is known.
        models: the name of each number.
    """

    numbers: list[int] | None = None
    models: tuple[str, ...] = ()


class Row(NamedTuple):
    """A case and a model, and where that is said: ``judges.csv, line 4``."""

    name: str
    model: str
    where: str


def judges_in_order(told: Sequence[Any], count: int) -> Judges:
    """Number the models.

    Args:
        told: (N,) the model of each image: text or numbers.
        count: N.

    Raises:
        DataError: not N, or one that names nobody (None, NaN, blank).
    """
    if len(told) != count:
        raise DataError(
            "the judges don't belong to the masks",
            expected=f"the model that judged each of {counted(count, 'mask')}",
            found=f"{len(told)} of them",
            fix="pass one judge per mask",
        )
    models = [str(one).strip() for one in told]
    lacking = [index for index, model in enumerate(models) if model.casefold() in _NOBODY]
    if lacking:
        raise DataError(
            f"{counted(len(lacking), 'mask')} without a judge",
            expected="text or a number for the model that judged each mask",
            found=f"{told[lacking[0]]!r} at {examples(lacking)}",
            fix="name the model, or leave judges away where it is not known",
        )
    known = tuple(sorted(set(models)))
    number = {model: index for index, model in enumerate(known)}
    return Judges([number[model] for model in models], known)


def judges_by_name(told: Told | None, names: Sequence[str], known: Collection[str]) -> Judges:
    """The models of these images, each of which has to be told exactly once.

    Args:
        told: case -> model, or a CSV file with the columns name and judge; None = nothing.
        names: of the images.
        known: names that may be told, too: of masks without probabilities, say.

    Raises:
        DataError: no such file or column, a case that is told twice, not at all, or is none.
    """
    if told is None:
        return Judges()
    if isinstance(told, Mapping):
        of, where, file = {str(name): told[name] for name in told}, {}, "judges"
    else:
        rows, file = read_rows(Path(told)), str(told)
        _refuse_doubles(rows, file)
        of, where = {r.name: r.model for r in rows}, {r.name: r.where for r in rows}
    lacking = [name for name in names if name not in of]
    unknown = sorted(of.keys() - set(names) - set(known))
    problems = []
    if lacking:
        problems.append(
            Problem(
                "stop",
                f"{file} names no judge for {counted(len(lacking), 'case')} of {len(names)}",
                expected="every case once, with the model that judged it",
                found=f"nothing of {examples(lacking)}",
                fix="add them, or leave the judges away: all count as judged by one model then",
            )
        )
    if unknown:
        said = [f"{name} ({where[name]})" if name in where else name for name in unknown]
        problems.append(
            Problem(
                "stop",
                f"{file} names {counted(len(unknown), 'case')} that there "
                f"{'is' if len(unknown) == 1 else 'are'} not",
                expected=f"names of masks: {examples(sorted({*names, *known}))}",
                found=examples(said),
                fix="correct the names, or take these rows out",
            )
        )
    Report(problems).raise_if_stopped()
    return judges_in_order([of[name] for name in names], len(names))


def read_rows(path: Path) -> list[Row]:
    """All rows of a CSV file with the columns name and judge, in any order.

    Raises:
        DataError: no such file or column, or a blank cell in one of the two.
    """
    table = read_case_table(path, expected="a CSV file with the columns name and judge")
    names, models = _cells(table, path, NAME_COLUMNS), _cells(table, path, JUDGE_COLUMNS)
    rows = [
        Row(_case_name(name), model.strip(), table.where(index))
        for index, (name, model) in enumerate(zip(names, models, strict=True))
    ]
    blank = [row.where for row in rows if not row.name or row.model.casefold() in _NOBODY]
    if blank:
        raise DataError(
            f"{path} has {counted(len(blank), 'row')} without a name or a judge",
            expected="a case and a model in every row",
            found=examples(blank, separator="; "),
            fix="fill these cells, or take the rows out",
        )
    return rows


def judges_of(source: ProbabilitySource) -> list[int] | None:
    """The number of the model that judged each image; None = not known, or there is one."""
    numbers = getattr(source, "judges", None)
    return None if numbers is None else list(numbers)


def models_by_name(source: ProbabilitySource) -> dict[str, str] | None:
    """The name of the model that judged each image, by its name; None as :func:`judges_of`."""
    numbers = judges_of(source)
    if numbers is None:
        return None
    models = getattr(source, "models", None) or [str(n) for n in range(max(numbers) + 1)]
    return {name: models[number] for name, number in zip(source.names, numbers, strict=True)}


def _cells(table: TextTable, path: Path, usual: Sequence[str]) -> list[str]:
    column = next((found for name in usual if (found := table.find_column(name))), None)
    if column is None:
        raise DataError(
            f"{path} has no column {usual[0]}",
            expected=f"a column {' or '.join(usual)}",
            found=examples(table.columns, 12),
            fix=f"write {usual[0]} into its first line, above the "
            f"{'cases' if usual is NAME_COLUMNS else 'models'}",
        )
    return table.columns[column]


def _case_name(cell: str) -> str:
    """``a`` for ``a``, ``a.png`` and ``a.npz``."""
    return split_ending(cell.strip())[0].removesuffix(".npz")


def _refuse_doubles(rows: Sequence[Row], file: str) -> None:
    first: dict[str, Row] = {}
    again = []
    for row in rows:
        before = first.setdefault(row.name, row)
        if before is not row:
            again.append(
                f"{row.name}: {before.model} ({before.where}) and {row.model} ({row.where})"
            )
    if again:
        raise DataError(
            f"{file} names {counted(len(again), 'case')} more than once",
            expected="every case once, with the model that judged it",
            found=examples(again, separator="; "),
            fix="take the rows out that are wrong",
        )
