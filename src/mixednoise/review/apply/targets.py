"""Where a corrected labels file may be written: nothing of the user's is lost."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mixednoise.audit.folder import AuditFolder
from mixednoise.errors import RunError
from mixednoise.io import must_not_exist
from mixednoise.review.apply.log import changes_file, excluded_file


def check_target(
    out: Path, *, suffix: str, source: Path, overwrite: bool, folder: AuditFolder | None = None
) -> None:
    """Refuse, before the work, a place in which something would be lost.

    Args:
        out: the labels file to be.
        suffix: that it must have.
        source: the labels file, folder or array file that it is made of.
        overwrite: an earlier result may be replaced.
        folder: the audit.

    Raises:
        RunError: another suffix, the original itself, a file of the audit, a place inside a folder
            that is read as data, or a file that is there already.
    """
    if out.suffix.lower() != suffix:
        raise RunError(
            f"{out} can't hold the corrected labels",
            expected=f"a name that ends in {suffix}"
            + (
                ", as the data set has its pixels and labels in one such file"
                if suffix == ".npz"
                else ""
            ),
            found=out.suffix or "no suffix",
            fix=f"--out {out.with_suffix(suffix).name}",
        )
    targets = (out, changes_file(out), excluded_file(out))
    kept = [] if folder is None else [*folder.files, folder.decisions]
    for target in targets:
        if _among(target, [source]):
            raise RunError(
                f"{target} is the original",
                expected="another file: the originals are never changed",
                found="the data set that was audited" if folder else "the file to go back from",
                fix="choose another --out",
            )
        if _among(target, kept):
            raise RunError(
                f"{target} belongs to the audit",
                expected="a file that is not one of its own",
                found=str(target),
                fix="choose another --out",
            )
    if source.is_dir() and source.resolve() in out.resolve().parents:
        raise RunError(
            f"{out} lies inside the data",
            expected=f"a place outside of {source}, which is read as a whole",
            found="a place where it would be read as data the next time",
            fix="choose another --out",
        )
    if overwrite and out.is_file() and not changes_file(out).is_file():
        raise RunError(
            f"{out} is no earlier result of this command",
            expected=f"a labels file with {changes_file(out).name} beside it",
            found="a file without",
            fix="choose another --out; --overwrite replaces earlier results only",
        )
    for target in targets:
        must_not_exist(target, overwrite=overwrite)


def _among(path: Path, files: Iterable[Path]) -> bool:
    place = path.resolve()
    return any(file.resolve() == place for file in files)
