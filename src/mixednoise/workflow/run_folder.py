"""The run folder: what a training run leaves behind, and how it is found again."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from mixednoise.data.report import counted
from mixednoise.errors import RunError
from mixednoise.io import must_be_writable, new_folder, write_text
from mixednoise.version import __version__

CONFIG = "config.yaml"
#: Changes when older code can't read newer run folders.
RUN_FORMAT = 1


@dataclass(frozen=True)
class RunFolder:
    """Paths inside a run folder (``docs/files.md``).

    Attributes:
        path: the folder.
        command: what makes such a folder.
        results: files that ``--overwrite`` may remove: our own, by name or pattern.
    """

    path: Path
    command: ClassVar[str] = "mixednoise train"
    results: ClassVar[tuple[str, ...]] = (
        "model.safetensors", "model_best.safetensors", "samples.csv", "metrics.json", "history.csv",
        "separation.csv", "splits.csv", "set_aside.csv", "data_report.txt",
        "checkpoints/last.ckpt", "checkpoints/best.safetensors", "plots/*.png",
        "folds.csv", "folds/*/history.csv", "folds/*/judged.*", "folds/*/checkpoints/*",
        "folds/*/separation.csv", "folds/*/model.safetensors", "out_of_fold.npy",
    )  # fmt: skip

    @property
    def config(self) -> Path:
        """Method, options and version."""
        return self.path / CONFIG

    @property
    def model(self) -> Path:
        """Networks after the last epoch."""
        return self.path / "model.safetensors"

    @property
    def best_model(self) -> Path:
        """Networks of the epoch that was best on validation."""
        return self.path / "model_best.safetensors"

    @property
    def samples(self) -> Path:
        """Verdict per sample."""
        return self.path / "samples.csv"

    @property
    def history(self) -> Path:
        """A row per epoch."""
        return self.path / "history.csv"

    @property
    def set_aside(self) -> Path:
        """Images that can't be used, and why."""
        return self.path / "set_aside.csv"

    @property
    def report(self) -> Path:
        """Everything that the checks of the data have found."""
        return self.path / "data_report.txt"

    @property
    def metrics(self) -> Path:
        """Metrics of the test split (of validation where there is no test split)."""
        return self.path / "metrics.json"

    @property
    def out_of_fold(self) -> Path:
        """Of a cross-validated run: float32 (N, L, C), rows as in ``samples.csv``: the softmax of
        each of L looks of networks that never saw the sample.
        """
        return self.path / "out_of_fold.npy"

    def fold(self, number: int) -> Path:
        """The networks of a fold of a cross-validated run."""
        return self.path / "folds" / f"fold_{number}" / "model.safetensors"

    @property
    def plots(self) -> Path:
        """Pictures."""
        return self.path / "plots"


def check_run_folder(
    run: RunFolder, record: dict[str, Any], *, resume: bool, overwrite: bool
) -> None:
    """Refuse, before any work, a folder in which :func:`start_run` would not start or resume.

    Arguments and errors are those of :func:`start_run`; nothing is written.
    """
    if resume and run.config.exists():
        _must_agree(read_config(run.path, run.command), record, run.path)
    elif resume and _holds_something(run.path):
        raise RunError(
            f"{run.path} can't be resumed",
            expected=f"a run folder with {CONFIG} in it",
            found="a folder without one",
            fix="check --out, or start a new run without --resume",
        )
    elif overwrite and _holds_something(run.path):
        _must_be_a_run(run)
    elif _holds_something(run.path):
        unfinished = run.config.exists() and not run.model.exists()
        raise RunError(
            f"{run.path} exists already",
            expected="a new or empty folder",
            found="a run that was interrupted" if unfinished else _what_is_in(run),
            fix="go on with it by --resume, choose another --out, or pass --overwrite to begin anew"
            if unfinished
            else "choose another --out, or pass --overwrite to replace an earlier run",
        )
    must_be_writable(run.config if run.path.is_dir() else run.path)


def start_run(run: RunFolder, record: dict[str, Any], *, resume: bool, overwrite: bool) -> None:
    """Open a run folder for a new run, or an interrupted one to go on.

    Args:
        run: the folder.
        record: method, resolved options, data: what ``config.yaml`` holds.
        resume: go on with the run that is in the folder, if there is one.
        overwrite: replace what is in the folder.

    Raises:
        RunError: the folder holds something else, another version, or a run with other options.
        TrainingError: the disk is full. A folder that was not there before is not left behind.
    """
    check_run_folder(run, record, resume=resume, overwrite=overwrite)
    if resume and run.config.exists():
        return
    record = {"format": RUN_FORMAT, "version": __version__, **record}
    new = not run.path.exists()
    if overwrite and not new:
        _remove_old_results(run)
    else:
        new_folder(run.path)
    try:
        write_text(run.config, yaml.safe_dump(record, sort_keys=False, allow_unicode=True))
    except BaseException:
        if new:
            with suppress(OSError):
                run.path.rmdir()
        raise


def _holds_something(folder: Path) -> bool:
    """Whether there is a file of that name, or a folder with anything in it."""
    return folder.exists() and (not folder.is_dir() or any(folder.iterdir()))


def _what_is_in(run: RunFolder) -> str:
    if not run.path.is_dir():
        return "a file of that name"
    if run.config.exists():
        return "an earlier run"
    return f"{counted(sum(1 for _ in run.path.iterdir()), 'entry', 'entries')} that are no run"


def _must_be_a_run(run: RunFolder) -> None:
    if not run.config.exists():
        raise RunError(
            f"{run.path} is not a run folder",
            expected=f"a run folder with {CONFIG} in it, or an empty one",
            found=_what_is_in(run),
            fix="choose another --out; --overwrite replaces earlier runs only",
        )


def _remove_old_results(run: RunFolder) -> None:
    """Remove our own files of the earlier run, and nothing else."""
    for pattern in run.results:
        for file in list(run.path.glob(pattern)):
            file.unlink()


def read_config(path: Path | str, command: str = RunFolder.command) -> dict[str, Any]:
    """Read ``config.yaml`` of a run folder.

    Args:
        path: the folder.
        command: what makes such a folder, for the messages.

    Raises:
        RunError: no run folder, damaged, or written by a newer version.
    """
    folder = Path(path)
    config = folder / CONFIG
    if not config.is_file():
        raise RunError(
            f"{folder} is no run folder",
            expected=f"a folder made by `{command}`, with {CONFIG} in it",
            found="no such folder" if not folder.exists() else f"no {CONFIG}",
            fix="check the path",
        )
    try:
        record = yaml.safe_load(config.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RunError(
            f"{config} can't be read",
            expected=f"YAML as `{command}` writes it",
            found=str(error).splitlines()[0],
            fix="restore the file, or train again",
        ) from error
    if not isinstance(record, dict) or record.get("format") != RUN_FORMAT:
        found = record.get("format") if isinstance(record, dict) else type(record).__name__
        raise RunError(
            f"{folder} was made by another version",
            expected=f"run format {RUN_FORMAT} (mixednoise {__version__})",
            found=f"format {found}"
            + (f" (mixednoise {record.get('version')})" if isinstance(record, dict) else ""),
            fix="use the version that made it, or train again into another folder",
        )
    return record


def _must_agree(old: dict[str, Any], new: dict[str, Any], path: Path) -> None:
    """A resumed run must have the options of the run that was interrupted."""
    differences = [
        f"{key}: was {old.get(key)!r}, now {new.get(key)!r}"
        for key in ("method", "classes", "folds", "judged")
        if old.get(key) != new.get(key)
    ]
    before, now = old.get("options", {}), new.get("options", {})
    differences += [
        f"{key}: was {before.get(key)!r}, now {now.get(key)!r}"
        for key in sorted({*before, *now})
        # Where a run is computed may change; what is computed may not.
        if before.get(key) != now.get(key) and key not in ("device", "threads")
    ]
    if differences:
        raise RunError(
            f"{path} holds a run with other options",
            expected="the options of the interrupted run",
            found="; ".join(differences[:5]),
            fix="give the same options, or start a new run with another --out",
        )
