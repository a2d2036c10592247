"""The folder of an audit: what is in it, and how later commands find it again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pandas as pd
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mixednoise.errors import RunError
from mixednoise.io import write_json
from mixednoise.version import __version__

#: Changes when older code can't read newer folders.
AUDIT_FORMAT = 1

Kind = Literal["classification", "segmentation"]


class Manifest(BaseModel):
    """``audit.json``: what was audited, and by what.

    Attributes:
        format: of the folder.
        version: of mixednoise.
        kind: labels of images, or masks.
        data: absolute path of the data set (masks: of the run that read them).
        reading: keyword arguments of :func:`mixednoise.read_dataset` that read it.
        run: absolute path of the run that the verdicts come from.
        method: its method.
        classes: names, in the order of their indices.
        ordinal: whether the classes are grades in order.
        group_column: the user's column of patients or lesions, '' = none.
        own_splits: whether the data set has splits; else those of the table are the run's.
        preset, options: what the method was told beside its defaults
            (:func:`mixednoise.methods.assignments.chosen_options`).
        folds: of the cross-validation, 0 = verdicts of one training.
        images: number of rows.
        fingerprint: of the classes and of what was said of every sample: tells whether decisions
            belong to this audit (:func:`fingerprint_of`).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = AUDIT_FORMAT
    version: str = __version__
    kind: Kind = "classification"
    data: str
    reading: dict[str, Any] = Field(default_factory=dict)
    run: str = ""
    method: str
    classes: list[str]
    ordinal: bool = False
    group_column: str = ""
    own_splits: bool = True
    preset: str = "default"
    options: dict[str, Any] = Field(default_factory=dict)
    folds: int = 0
    images: int
    fingerprint: str


@dataclass(frozen=True)
class AuditFolder:
    """Paths inside the folder of an audit.

    Attributes:
        path: the folder.
    """

    path: Path

    @property
    def manifest(self) -> Path:
        """What was audited: :class:`Manifest`."""
        return self.path / "audit.json"

    @property
    def table(self) -> Path:
        """Verdict per sample, CSV."""
        return self.path / "audit.csv"

    @property
    def parquet(self) -> Path:
        """The same, Parquet."""
        return self.path / "audit.parquet"

    @property
    def images(self) -> Path:
        """Where each image is: ``id,path,array_index,bytes,digest``, rows as in the table.

        ``path`` is absolute ('' where the pixels are in an array file, row ``array_index``);
        ``digest`` is the BLAKE2b-128 of the file's bytes (of the pixels, for arrays).
        """
        return self.path / "images.csv"

    @property
    def features(self) -> Path:
        """What the networks see in each image: float16 (N, D), rows of length 1 (or 0)."""
        return self.path / "features.npy"

    @property
    def report(self) -> Path:
        """One page, readable offline."""
        return self.path / "report.html"

    @property
    def set_aside(self) -> Path:
        """Images that can't be used, and why."""
        return self.path / "set_aside.csv"

    @property
    def run(self) -> Path:
        """The training run of an audit that trained for itself."""
        return self.path / "run"

    @property
    def decisions(self) -> Path:
        """What reviewers decided."""
        return self.path / "decisions.sqlite"

    @property
    def files(self) -> tuple[Path, ...]:
        """Its own files, the manifest first; neither ``run/`` nor decisions."""
        return (
            *(self.manifest, self.table, self.parquet, self.images, self.features),
            *(self.report, self.set_aside),
        )

    def read_manifest(self) -> Manifest:
        """What was audited.

        Raises:
            RunError: no audit, an unfinished one, a damaged one, or one of another version.
        """
        if not self.manifest.is_file():
            raise RunError(
                f"{self.path} holds no audit",
                expected="a folder made by `mixednoise audit`, with audit.json in it",
                found="no such folder" if not self.path.exists() else "no audit.json",
                fix="check the path, or make it: mixednoise audit DATA --out DIR"
                + (
                    f" (or mixednoise audit {self.path} --out DIR, for a training run)"
                    if (self.path / "config.yaml").is_file()
                    else ""
                ),
            )
        try:
            return Manifest.model_validate_json(self.manifest.read_bytes())
        except (OSError, ValidationError) as error:
            raise RunError(
                f"{self.manifest} can't be read",
                expected=f"audit format {AUDIT_FORMAT}, as mixednoise {__version__} writes it",
                found=str(error).splitlines()[0],
                fix="audit again into another folder, or use the version that made it",
            ) from error

    def write_manifest(self, manifest: Manifest) -> None:
        """Write it, last of all files: a folder with it is a finished audit."""
        write_json(self.manifest, manifest.model_dump(mode="json"))

    def read_table(self) -> pd.DataFrame:
        """``audit.csv``; text columns hold "" where there is nothing to say.

        Raises:
            RunError: not there, no such table, or not the one that was written.
        """
        manifest = self.read_manifest()
        table = read_text_table(self.table)
        if fingerprint_of(table, manifest.classes) != manifest.fingerprint:
            raise RunError(
                f"{self.table} is not the table of this audit",
                expected=f"{manifest.images:,} rows with the ids and labels of the audit",
                found=f"{len(table):,} rows with others",
                fix="restore the file (audit.parquet holds the same table), or audit again",
            )
        return table

    def read_images(self) -> pd.DataFrame:
        """``images.csv``, rows as in the table.

        Raises:
            RunError: not there or no such table.
        """
        return read_text_table(self.images)


#: What a decision is about: "agree" means this suggestion. Of masks, whose labels all read alike,
#: the number of suspected pixels tells one set from another.
_DECIDED_ON = ("id", "given_label", "suggested_label", "suspected_pixels")


def fingerprint_of(table: pd.DataFrame, classes: Iterable[str]) -> str:
    """Tell one audit from another: a digest of classes, ids, labels and suggestions, in order.

    Args:
        table: of the audit.
        classes: names, in the order of their indices.
    """
    digest = hashlib.blake2b(digest_size=16)

    def add(values: Iterable[Any]) -> None:
        text = "\x1f".join(map(str, values)) + "\x1e"
        digest.update(text.encode("utf-8", "backslashreplace"))

    add(classes)
    known = [name for name in _DECIDED_ON if name in table]
    for row in zip(*(table[name].tolist() for name in known), strict=True):
        add(row)
    return digest.hexdigest()


#: Columns of numbers (and of truth values) in ``audit.csv`` and ``images.csv``; all others are text
#: even where they look like numbers: an id 007 is no 7.
_TEXT = (
    *("id", "split", "given_label", "suggested_label", "group", "predicted_label", "reasons"),
    *("true_label", "noise_group", "same_as", "path", "digest", "hash", "patient", "worst_class"),
    "reason",
)


def read_text_table(path: Path) -> pd.DataFrame:
    """Read a table of ours; names stay text, even ``NA`` and ``007``.

    Raises:
        RunError: not there, or no table.
    """
    try:
        return pd.read_csv(
            path,
            dtype=dict.fromkeys(_TEXT, "string"),
            keep_default_na=False,
            na_values={},
            converters=None,
        ).pipe(_numbers)
    except (OSError, ValueError) as error:
        raise RunError(
            f"{path} can't be read",
            expected="a table as `mixednoise audit` writes it",
            found=getattr(error, "strerror", None) or str(error).splitlines()[0],
            fix="audit again into another folder",
        ) from error


def _numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Columns that are not text: an empty cell is no number."""
    for name in table.columns:
        if name not in _TEXT and table[name].dtype not in ("bool", "int64", "float64"):
            table[name] = pd.to_numeric(table[name].replace("", None))
    return table
