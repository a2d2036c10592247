"""Runs the cells of a matrix, several at a time, and writes rows, tables and figures."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pandas as pd

from mixednoise.benchmark.cells import Cell, make_cells, select_cells
from mixednoise.benchmark.data_checks import check_data
from mixednoise.benchmark.earlier_results import PICTURE, ROWS, TABLE, EarlierResults
from mixednoise.benchmark.known_rows import known_rows
from mixednoise.benchmark.matrix import Judge, read_matrix
from mixednoise.benchmark.notes import (
    data_note,
    is_current,
    is_done,
    mark_begun,
    mark_data,
    mark_done,
    other_folders,
)
from mixednoise.benchmark.processes import Running, last_lines, locked, start
from mixednoise.benchmark.rows import rows_of
from mixednoise.benchmark.tables import BASELINE, as_judged, leads, tables
from mixednoise.data.report import counted, examples
from mixednoise.errors import RunError
from mixednoise.io import write_csv, write_text
from mixednoise.progress import Progress
from mixednoise.workflow.run_folder import CONFIG

POLL_SECONDS = 0.2
#: More cells than this are drawn as a heat map.
MOST_CELLS_AS_BARS = 4


@dataclass
class Outcome:
    """What a benchmark has come to.

    Attributes:
        rows: ``rows.csv``: a row per finished run.
        table: ``table.md``.
        failed: names of cells that did not finish, each with the end of its log.
        busy: names of cells that another process is running.
    """

    rows: pd.DataFrame
    table: str
    failed: dict[str, str] = field(default_factory=dict)
    busy: list[str] = field(default_factory=list)


def run_benchmark(
    matrix: Path,
    out: Path,
    *,
    root: Path | None = None,
    jobs: int = 1,
    options: Mapping[str, Any] | None = None,
    only: Sequence[str] = (),
    rows: Sequence[Path] = (),
    judge: Judge = "test",
    overwrite: bool = False,
    dry: bool = False,
    progress: Progress,
) -> Outcome:
    """Run what is not finished yet; finished runs are never repeated.

    Every cell is run by the public commands, in a process of its own, and goes on where it stopped.
    A cell that fails is told at the end and stops no other.

    Args:
        matrix: the matrix file.
        out: folder of the benchmark; ``rows.csv``, ``table.md``, ``comparison.png``, ``runs/``,
            ``data/``, ``logs/``.
        root: where relative paths of data start; None = beside the matrix file.
        jobs: cells at a time; they share the CPU's cores evenly.
        options: options of every run, over those of the matrix.
        only: parts of names of cells; others are not run, but stay in the rows.
        rows: ``rows.csv`` of other days or machines: cells that stand there with the same command
            are not run again.
        judge: split of the figures in ``table.md``.
        overwrite: repeat cells whose command has changed since they were run.
        dry: run nothing, only write rows, table and picture of what is there.
        progress: bars and lines.

    Raises:
        ConfigError: the matrix, an option, or a path can't be used.
        DataError: data can't be learned from as they are.
        RunError: a run is there that another command made, or results that are no benchmark's.
    """
    wanted = read_matrix(matrix)
    where = matrix.parent if root is None else root
    cells = make_cells(wanted, out, where, options=options)
    chosen = select_cells(cells, only)
    known = known_rows(rows, cells)
    if rows:
        progress.message(f"{len(known.rows)} of {counted(known.read, 'row')} are of this matrix")
    if known.other_commands:
        progress.warning(
            f"rows of {examples(known.other_commands)} came of other commands: they don't count"
        )
    earlier = EarlierResults(out)
    outcome = Outcome(pd.DataFrame(), "")
    removed: set[Path] = set()
    if not dry:
        removed = _of_other_commands(chosen, overwrite=overwrite)
        todo = [cell for cell in chosen if not (is_current(cell) or cell.name in known.rows)]
        check_data(wanted, todo, where)
        for folder in removed:
            shutil.rmtree(folder)
    if others := [cell.name for cell in cells if is_done(cell) and not is_current(cell)]:
        progress.warning(f"runs of {examples(others)} came of other commands: they don't count")
    remade = [cell.name for cell in cells if cell.run in removed]
    if kept := earlier.keep(rows_of(cells, known.rows), remade):
        progress.warning(f"{kept}: rows of runs that are no longer here; --rows takes them")
    if not dry:
        done = len(chosen) - len(todo)
        progress.message(
            f"{counted(len(chosen), 'run')}, {done} finished, {min(jobs, len(todo))} at a time"
        )
        _Queue(todo, out, jobs, progress, outcome).work(
            lambda: write_csv(out / ROWS, rows_of(cells, known.rows))
        )
    outcome.rows = rows_of(cells, known.rows)
    write_csv(out / ROWS, outcome.rows)
    if len(outcome.rows):
        outcome.table = tables(outcome.rows, judge)
        write_text(out / TABLE, outcome.table)
        _draw(outcome.rows, judge, out / PICTURE)
    return outcome


def _of_other_commands(cells: Sequence[Cell], *, overwrite: bool) -> set[Path]:
    """Folders of runs and noisy data that the matrix would make otherwise now.

    Raises:
        RunError: there are such, and they are not to be made anew.
    """
    other = {folder: commands for cell in cells for folder, commands in other_folders(cell).items()}
    if other and not overwrite:
        made, wanted = next(iter(other.values()))
        raise RunError(
            f"{counted(len(other), 'folder')} of this benchmark came of another command",
            expected=wanted,
            found=f"{made} (folders: {examples([str(folder) for folder in other])})",
            fix="give the changed method, noise or data another name, or pass --overwrite to make "
            "these folders anew",
        )
    return set(other)


@dataclass
class _Job:
    """A cell that is under way.

    Attributes:
        cell: it.
        steps: what is still to be done, with what notes it afterwards.
        held: closes the locks.
        locks: that its processes hold.
        running: the command of now.
    """

    cell: Cell
    steps: list[tuple[tuple[str, ...], Callable[[Running], None]]]
    held: ExitStack
    locks: list[IO[str]]
    running: Running | None = None


class _Queue:
    """The cells that are still to be run."""

    def __init__(
        self, cells: Sequence[Cell], out: Path, jobs: int, progress: Progress, outcome: Outcome
    ) -> None:
        self.waiting, self.out, self.jobs = list(cells), out, jobs
        self.progress, self.outcome = progress, outcome
        self.threads = max(1, (os.cpu_count() or 1) // jobs) if jobs > 1 else None
        self.active: list[_Job] = []

    def work(self, after_each: Callable[[], None]) -> None:
        """Run all of them; ``after_each`` is called whenever one has ended."""
        try:
            for _ in self.progress.track(range(len(self.waiting)), "runs"):
                if not self._one_more():
                    break
                after_each()
        finally:  # after an error or Ctrl-C some are still running
            for job in self.active:
                if job.running is not None:
                    job.running.stop()
                job.held.close()
        self.outcome.busy = [cell.name for cell in self.waiting]

    def _one_more(self) -> bool:
        """Wait until a cell has ended; False when all that are left are being run by others."""
        while True:
            self._fill()
            if not self.active:
                return False
            for job in self.active:
                if self._has_ended(job):
                    self.active.remove(job)
                    job.held.close()
                    return True
            time.sleep(POLL_SECONDS)

    def _fill(self) -> None:
        """Start cells until enough are under way; those whose locks are held elsewhere wait."""
        for cell in list(self.waiting):
            if len(self.active) >= self.jobs:
                return
            job = self._job(cell)
            if job is None:
                continue
            self.waiting.remove(cell)
            if is_done(cell):  # by another process, since we looked
                job.held.close()
            else:
                self.active.append(job)

    def _job(self, cell: Cell) -> _Job | None:
        """A job that holds the locks of its cell, None where another process holds one."""
        steps: list[tuple[tuple[str, ...], Callable[[Running], None]]] = []
        names = [cell.file_name]
        if cell.noisy is not None and data_note(cell) is None:
            # Whichever method comes first makes the data; the others wait for it.
            names.append(f"data,{cell.noisy.name}")
            steps.append(((*cell.corrupt, "--overwrite", "--quiet"), lambda _: mark_data(cell)))
        resume = ("--resume",) if (cell.run / CONFIG).exists() else ()
        steps.append(
            (
                (*cell.train, *resume, "--quiet"),
                lambda running: mark_done(cell, running.peak_memory_mb),
            )
        )
        held = ExitStack()
        files = [held.enter_context(locked(self.out / "locks" / name)) for name in names]
        locks = [file for file in files if file is not None]
        if len(locks) < len(files):
            held.close()
            return None
        mark_begun(cell)
        return _Job(cell, steps, held, locks)

    def _has_ended(self, job: _Job) -> bool:
        """Start the job's next command, or look how the last one fares."""
        log = self.out / "logs" / f"{job.cell.file_name}.txt"
        if job.running is None:
            job.running = start(job.steps[0][0], log, threads=self.threads, locks=job.locks)
            return False
        status = job.running.poll()
        if status is None:
            return False
        if status != 0:
            self.outcome.failed[job.cell.name] = last_lines(log) or f"exit status {status}"
            self.progress.warning(f"{job.cell.name} failed: see {log}")
            return True
        _, note = job.steps.pop(0)
        note(job.running)
        job.running = None
        if not job.steps:
            self.progress.message(f"{job.cell.name}  done")
        return not job.steps


def _draw(rows: pd.DataFrame, judge: Judge, path: Path) -> None:
    """Bars where they can be looked at or only the baseline was run, else a heat map."""
    from mixednoise.evaluation.plots import plot_comparison, plot_matrix, save_figure

    title = "Benchmark" if judge == "test" else "Benchmark, validation split"
    ahead, shown = leads(rows, judge), as_judged(rows, judge)
    if len(ahead) and ahead.shape[1] > MOST_CELLS_AS_BARS:
        save_figure(plot_matrix(ahead, baseline=BASELINE, title=title), path)
    elif len(shown):
        save_figure(plot_comparison(shown, title=title), path)
