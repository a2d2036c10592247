"""The run folder of a segmenter: where each stage leaves what the next one needs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mixednoise.io import write_json
from mixednoise.workflow.run_folder import RunFolder


@dataclass(frozen=True)
class SegmentationRun(RunFolder):
    """Paths inside a run folder (``docs/files.md``)."""

    command: ClassVar[str] = "mixednoise segment train"
    results: ClassVar[tuple[str, ...]] = (
        "student.safetensors", "student_best.safetensors", "folds.csv", "cases.csv", "cases.json",
        "metrics.json", "report.html", "set_aside.csv", "data_report.txt", "test_scores.csv",
        "round_*/teachers/*.safetensors", "round_*/teachers/*/history.csv",
        "round_*/teachers/*/checkpoints/*", "round_*/probabilities/*", "round_*/error_maps/*",
        "probabilities/*", "error_maps/*", "student/history.csv", "student/checkpoints/*",
        "student/*.u8", "rounds.json",
    )  # fmt: skip

    @property
    def model(self) -> Path:
        """The student after its last epoch: the run is finished once it and metrics are there."""
        return self.path / "student.safetensors"

    @property
    def best_model(self) -> Path:
        """The student of the epoch that was best on validation."""
        return self.path / "student_best.safetensors"

    @property
    def student(self) -> Path:
        """Checkpoints and history of the student."""
        return self.path / "student"

    @property
    def cases(self) -> Path:
        """Name, patient and split of every case."""
        return self.path / "cases.csv"

    @property
    def case_file(self) -> Path:
        """The files of every case, for later commands."""
        return self.path / "cases.json"

    @property
    def folds(self) -> Path:
        """Name, patient and fold of every case that is learned from."""
        return self.path / "folds.csv"

    @property
    def html(self) -> Path:
        """The report."""
        return self.path / "report.html"

    @property
    def test_scores(self) -> Path:
        """Scores of every test case."""
        return self.path / "test_scores.csv"

    @property
    def rounds(self) -> int | None:
        """Rounds of teachers, where they turned out to be fewer than there might have been."""
        if not self._rounds.exists():
            return None
        return int(json.loads(self._rounds.read_text(encoding="utf-8"))["rounds"])

    def end_rounds(self, rounds: int) -> None:
        """Make a round the last one: what it has judged goes to the run folder itself.

        What a later round has left there goes to a folder of its own. May be called again: goes on
        where it was interrupted.

        Args:
            rounds: how many there were.
        """
        write_json(self._rounds, {"rounds": rounds})
        for name in ("probabilities", "error_maps"):
            found, place = self._round(rounds - 1) / name, self.path / name
            if found.exists():
                if place.exists():
                    place.replace(self._round(rounds) / name)
                found.replace(place)

    @property
    def _rounds(self) -> Path:
        return self.path / "rounds.json"

    def of_round(self, name: str, round_: int, rounds: int) -> Path:
        """``probabilities`` or ``error_maps``: in the run folder for the last round of teachers,
        in ``round_N`` for earlier ones.
        """
        return self.path / name if round_ == rounds - 1 else self._round(round_) / name

    def teacher(self, fold: int, round_: int = 0) -> Path:
        """The network that judges a fold."""
        return self._round(round_) / "teachers" / f"fold_{fold}.safetensors"

    def _round(self, round_: int) -> Path:
        return self.path / f"round_{round_ + 1}"
