"""What every format is written from, and where to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixednoise.audit.folder import AuditFolder, Manifest
from mixednoise.audit.located import LocatedImages
from mixednoise.data.report import counted, examples
from mixednoise.data.unreadable import UnreadableImageError
from mixednoise.exchange.pictures import FOLDER, Images, Pictures
from mixednoise.exchange.result import result_folder
from mixednoise.exchange.selection import Labels, Row, Selection
from mixednoise.io import write_csv
from mixednoise.progress import Progress

if TYPE_CHECKING:
    import pandas as pd

#: Tables in every export that is a folder: which file is which image; what is not in it, and why.
LISTED, LEFT_OUT = "images.csv", "left_out.csv"


@dataclass
class Export:
    """An audit on its way into another tool's format.

    Attributes:
        to: name of the format.
        folder: the audit.
        manifest: what was audited.
        table: ``audit.csv``.
        labels: which labels go out.
        selection: of the rows.
        located: the images.
        images: how they go out.
        out: file or folder to be.
        overwrite: replace an earlier export.
        progress: bars and lines.
        options: of this format alone.
    """

    to: str
    folder: AuditFolder
    manifest: Manifest
    table: pd.DataFrame
    labels: Labels
    selection: Selection
    located: LocatedImages
    images: Images
    out: Path
    overwrite: bool
    progress: Progress
    options: dict[str, Any] = field(default_factory=dict)
    _listed: list[tuple[str, str, str, str, str]] = field(default_factory=list)

    @property
    def rows(self) -> list[Row]:
        """What goes out."""
        return self.selection.rows

    @property
    def classes(self) -> list[str]:
        """The classes, those that only reviewers use last."""
        known = self.manifest.classes
        return known + sorted({row.label for row in self.rows if row.label} - set(known))

    @property
    def is_masks(self) -> bool:
        """Whether masks were audited."""
        return self.manifest.kind == "segmentation"

    @cached_property
    def entries(self) -> list[dict[str, Any]]:
        """The rows of the table, as dictionaries."""
        return [{str(k): v for k, v in row.items()} for row in self.table.to_dict("records")]

    def number(self, row: Row, column: str) -> float | None:
        """A number of the table; None where there is none."""
        value = self.entries[row.number].get(column)
        return None if value is None or value != value else round(float(value), 6)

    @property
    def summary(self) -> dict[str, Any]:
        """What ``export.json`` and the command tell."""
        return {
            "to": self.to,
            "labels": self.labels,
            "images": len(self.rows),
            "changed": self.selection.changed,
            "left_out": len(self.selection.left_out),
        }

    @contextmanager
    def result(self, names: Sequence[str]) -> Iterator[Path]:
        """Yield an empty folder in which to make ``names``; see :func:`.result.result_folder`."""
        told = {"audit": self.manifest.fingerprint, "data": self.manifest.data}
        sources = [str(path) for files in self.located.files for path in files]
        with result_folder(
            self.out,
            (*names, LISTED, LEFT_OUT),
            told,
            overwrite=self.overwrite,
            sources=sources,
        ) as work:
            yield work
            self._write_lists(work)
            told |= self.summary

    def placed(
        self, pictures: Pictures, folder: Callable[[Row], str] = lambda _: FOLDER
    ) -> Iterator[tuple[Row, str]]:
        """Place the image of each row, and yield its path; what can't be read is left out.

        Args:
            pictures: of the export.
            folder: row -> where in the export.
        """
        for row in self.progress.track(self.rows, "images", total=len(self.rows)):
            try:
                path = pictures.place(row.number, folder(row))
            except UnreadableImageError as error:
                self.leave_out(row, f"can't be read: {error.reason}")
                continue
            self.listed(row, path)
            yield row, path

    def listed(self, row: Row, path: str) -> None:
        """Note in ``images.csv`` where the image of a row is."""
        self._listed.append((row.id, path, row.split, row.given, row.label))

    def leave_out(self, row: Row, why: str) -> None:
        """Note that a row can't be exported."""
        self.selection.left_out.append((row.number, row.id, why))

    def tell_of(self, pictures: Pictures) -> None:
        """Say what was converted, and which images are not what they were at the audit."""
        if pictures.converted:
            self.progress.message(
                f"written as PNG, since browsers don't show the originals: "
                f"{counted(pictures.converted, 'image')}"
            )
        if pictures.changed:
            self.progress.warning(
                f"changed since the audit: {counted(len(pictures.changed), 'image')} "
                f"({examples(pictures.changed, 3)}); what the audit says may not hold for them"
            )

    def _write_lists(self, work: Path) -> None:
        import pandas as pd

        gone = {name for _, name, _ in self.selection.left_out}
        self.selection.rows = [row for row in self.rows if row.id not in gone]
        columns = ["id", "file", "split", "given_label", "label"]
        write_csv(work / LISTED, pd.DataFrame(self._listed, columns=columns))
        every = self.located.paths
        left = self.selection.left_out
        paths = [str((every[row] if row >= 0 else None) or "") for row, _, _ in left]
        aside = pd.DataFrame(left, columns=["row", "id", "reason"])
        aside.insert(2, "path", paths)
        write_csv(work / LEFT_OUT, aside.drop(columns="row"))
