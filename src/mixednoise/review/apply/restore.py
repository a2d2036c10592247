"""Back from a corrected labels file to the labels as they were, by its change log."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from mixednoise.data.image_files import find_images
from mixednoise.data.readers.table_file import read_table_file
from mixednoise.data.report import counted, examples
from mixednoise.errors import RunError
from mixednoise.io import atomic_write
from mixednoise.review.apply.labels import WEIGHT
from mixednoise.review.apply.log import BETWEEN, COLUMNS, changes_file, excluded_file
from mixednoise.review.apply.placing import image_values
from mixednoise.review.apply.undo import Entry, Selection


def restore_labels(corrected: Path, out: Path, selection: Selection) -> dict[str, int]:
    """Take changes of a corrected labels file back; the file itself stays as it is.

    Relabelled samples get the label that they had, samples that were left out come back at the end
    of the file. What is not taken back stands in the change log of ``out``.

    Args:
        corrected: as ``mixednoise apply`` wrote it, with its change log beside it.
        out: the file to be.
        selection: which changes.

    Returns:
        ``relabelled`` and ``returned``: how many samples got their label, or their place, back;
        ``changes``: how many changes are left.

    Raises:
        RunError: no change log, or labels that are not those that it says.
        ConfigError: no change is meant.
    """
    table, changes = _read(corrected, ("image", "label", "original_label")), _changes(corrected)
    stamps = zip(changes["id"], changes["reviewers"], changes["when"], strict=True)
    chosen = selection.choose(
        [Entry(name, tuple(who.split(BETWEEN)), when) for name, who, when in stamps]
    )
    meant = changes.iloc[chosen].set_index("id")
    relabelled = meant[meant["action"] == "relabel"]
    returned = meant[meant["action"] == "exclude"]
    parts = [table]
    if len(changes[changes["action"] == "exclude"]):
        parts.append(_read(excluded_file(corrected), ("image", "label", "original_label")))
    whole = pd.concat(parts, ignore_index=True).fillna("")
    names = whole["id"] if "id" in whole else whole["image"]
    is_out = np.arange(len(whole)) >= len(table)
    _must_be_there(corrected, relabelled, names[~is_out], whole["label"][~is_out])
    _must_be_there(corrected, returned, names[is_out], None)
    rows = names.isin(relabelled.index) & ~is_out
    back = names[rows].map(relabelled["from"])
    whole.loc[rows, "label"] = back
    if "noise_group" in whole and "true_label" in whole:
        known = rows & (whole["true_label"] != "") & (whole["noise_group"] != "mis_l")
        right = whole["label"] == whole["true_label"]
        whole.loc[known, "noise_group"] = np.where(right[known], "correct", "mis_h")
    undone = names.isin(meant.index)
    whole.loc[undone, "decision"] = ""
    if WEIGHT in whole and WEIGHT in meant:
        whole.loc[undone, WEIGHT] = names[undone].map(meant[WEIGHT])
    whole["image"] = _values(whole["image"].tolist(), corrected, out)
    stay = ~is_out | names.isin(returned.index).to_numpy(bool)
    rest = changes.drop(index=changes.index[chosen])
    with atomic_write(changes_file(out)) as log, atomic_write(out) as file:
        rest.to_csv(log, index=False)
        whole[stay].to_csv(file, index=False)
        if not stay.all():
            with atomic_write(excluded_file(out)) as left:
                whole[~stay].to_csv(left, index=False)
    if stay.all():
        excluded_file(out).unlink(missing_ok=True)
    return {"relabelled": len(relabelled), "returned": len(returned), "changes": len(rest)}


def _values(values: list[str], corrected: Path, out: Path) -> list[str]:
    """The image values as they lead to the same files from the new place."""
    here = corrected.absolute().parent
    if here == out.absolute().parent:
        return values
    paths, _ = find_images(values, [here, here / "images"])
    if not all(paths):
        return values
    return image_values(values, paths, out.absolute().parent)


def _read(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    if not path.is_file():
        raise RunError(
            f"there is no {path}",
            expected="a labels file as `mixednoise apply` wrote it, with its change log and the "
            "rows that it left out beside it",
            found="no such file",
            fix="put it back, or take back decisions in the audit: mixednoise apply DIR --undo all "
            "--out original.csv",
        )
    table = pd.DataFrame(read_table_file(path).columns, dtype="object")
    if not set(needed) <= set(table.columns):
        raise RunError(
            f"{path} was not written by `mixednoise apply`",
            expected=f"columns {', '.join(needed)}",
            found=", ".join(table.columns),
            fix="give the corrected labels file, or the folder of an audit",
        )
    return table


def _changes(corrected: Path) -> pd.DataFrame:
    path = changes_file(corrected)
    if path.is_file() and len(path.read_text(encoding="utf-8").splitlines()) < 2:
        return pd.DataFrame(columns=list(COLUMNS), dtype="object")
    return _read(path, COLUMNS)


def _must_be_there(
    corrected: Path, meant: pd.DataFrame, names: pd.Series[str], labels: pd.Series[str] | None
) -> None:
    """Refuse to guess where the file has been changed by other hands since."""
    lost = meant.index.difference(pd.Index(names))
    found = [f"{name}: gone" for name in lost]
    if labels is not None:
        now = dict(zip(names, labels, strict=True))
        told = zip(meant.index, meant["to"], strict=True)
        found += [f"{n}: {now[n]!r}, not {to!r}" for n, to in told if n in now and now[n] != to]
    if found:
        raise RunError(
            f"{corrected} is not as its change log says",
            expected="the labels that it was written with",
            found=f"{counted(len(found), 'sample')}: {examples(found)}",
            fix="put back the file, or choose other changes with --undo",
        )
