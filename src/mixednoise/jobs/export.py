"""An audit in the format of another tool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.audit.folder import AuditFolder, Manifest
from mixednoise.audit.located import LocatedImages, located_images
from mixednoise.data.report import counted, examples
from mixednoise.errors import DataError
from mixednoise.exchange.export import Export
from mixednoise.exchange.options import check_options
from mixednoise.exchange.registry import Format, format_of
from mixednoise.exchange.result import must_be_apart_from_data
from mixednoise.exchange.selection import Selection, select
from mixednoise.io import must_be_new, must_be_writable
from mixednoise.jobs.apply import apply_decisions
from mixednoise.progress import Progress, Silent
from mixednoise.review.apply.deciding import rule
from mixednoise.review.apply.plan import Ruling
from mixednoise.review.apply.wishes import Wishes, check_classes
from mixednoise.review.decisions import Decisions


def export_audit(
    audit: Path,
    to: str,
    out: Path,
    *,
    labels: str = "corrected",
    prefer: str | None = None,
    include_test: bool = False,
    allow_new_class: bool = False,
    images: str | None = None,
    image_root: Path | None = None,
    data: Path | None = None,
    overwrite: bool = False,
    progress: Progress,
    **options: Any,
) -> dict[str, Any]:
    """Write images, labels or masks, and what the audit says, in the format of another tool.

    Args:
        audit: its folder.
        to: name of the format, see :data:`.registry.FORMATS`.
        out: folder (of ``csv`` the file) to be.
        labels: ``corrected`` by reviewers, ``given``, or ``suggested`` by the audit.
        prefer: the reviewer whose word counts where reviewers differ.
        include_test: let decisions change the test split as well.
        allow_new_class: labels of reviewers may be classes that the audit does not have.
        images: ``copy``, ``link`` or ``refer``; None = the first that the format has.
        image_root: where the images (of masks the data set) are now, if they have moved.
        data: where the labels are now, if they have moved; ``csv`` alone reads them.
        overwrite: replace an earlier export.
        progress: bars and lines.
        options: of one format: ``dataset_number``, ``dataset_name`` (``nnunet``).

    Returns:
        ``to, labels, images, changed, left_out, out``, and what the format adds.

    Raises:
        RunError: no audit, images that are gone, or something is in the way.
        ConfigError: a format, label or option that there is not, or that does not fit.
        DataError: what the format can't hold.
        TrainingError: the disk is full or can't be written to; nothing was changed.
    """
    folder, out = AuditFolder(Path(audit)), Path(out)
    manifest = folder.read_manifest()
    form = format_of(to, manifest.kind)
    asked: dict[str, Any] = {
        "prefer": prefer,
        "include_test": include_test,
        "allow_new_class": allow_new_class,
        "data": data,
        **options,
    }
    mode, which = check_options(form, manifest.kind, labels, images, asked)
    wishes = Wishes(
        prefer=prefer,
        include_test=include_test or form.as_decided,
        allow_new_class=allow_new_class,
    )
    if form.applied:
        wishes = replace(wishes, overwrite=overwrite, data=data)
        return _apply(form, audit, out, wishes, image_root, progress)
    table = folder.read_table()
    located = located_images(folder, root=image_root)
    files = [path for some in located.files for path in some]
    must_be_apart_from_data(out, Path(manifest.data), files)
    if form.name != "nnunet":  # whose folder holds other data sets, too
        must_be_new(out, overwrite=overwrite)
    must_be_writable(out)
    missing = located.missing()
    if len(missing) == len(table):
        # Before anything is said of single images.
        raise _gone(located, missing)
    rulings: dict[str, Ruling] = {}
    if which == "corrected":
        listener = Silent() if form.as_decided else progress
        rulings = _rulings(folder, manifest, table, located, wishes, listener)
    if not manifest.own_splits and table["split"].nunique() < 2:
        # Everything was judged, and so called train: a split of nothing.
        table = table.assign(split="")
    selection = select(table, rulings, which, for_review=form.for_review)
    _check_there(located, selection, folder, missing)
    export = Export(
        to, folder, manifest, table, which, selection, located, mode, out, overwrite, progress,
        {name: value for name, value in options.items() if value is not None},
    )  # fmt: skip
    more = form.write(export)
    _tell(export, progress)
    return export.summary | {"out": str(out)} | more


def _apply(
    form: Format,
    audit: Path,
    out: Path,
    wishes: Wishes,
    image_root: Path | None,
    progress: Progress,
) -> dict[str, Any]:
    """A format that `mixednoise apply` writes."""
    if form.name == "masks":
        wishes = replace(wishes, data=image_root)
    else:
        wishes = replace(wishes, image_root=image_root)
    told = apply_decisions(audit, out, wishes, progress)
    head = {"to": form.name, "labels": "corrected", "changed": told["relabelled"]}
    return head | {"left_out": told["excluded"]} | told


def _rulings(
    folder: AuditFolder,
    manifest: Manifest,
    table: pd.DataFrame,
    located: LocatedImages,
    wishes: Wishes,
    progress: Progress,
) -> dict[str, Ruling]:
    """What becomes of each sample, as `mixednoise apply` has it; nothing where nobody decided."""
    standing = []
    if folder.decisions.is_file():
        standing = Decisions(folder.decisions, manifest.fingerprint, read_only=True).standing()
    if not standing:
        wishes.check_reviewers(())
        progress.warning(
            f"nothing is decided in {folder.path}: labels go out as they were given "
            f"(decide with mixednoise review {folder.path})"
        )
        return {}
    found, _ = rule(folder, manifest, table, located, wishes, progress)
    if manifest.kind == "classification":
        check_classes(found, manifest.classes, allowed=wishes.allow_new_class)
    return {one.id: one for one in found}


def _check_there(
    located: LocatedImages, selection: Selection, folder: AuditFolder, missing: Sequence[int]
) -> None:
    """Refuse to begin where images are gone, or where nothing would go out."""
    if not selection.rows:
        raise DataError(
            f"nothing of {folder.path} is left to export",
            expected="at least one image that is not left out",
            found=f"{counted(len(selection.left_out), 'image')} left out",
            fix="choose other --labels",
        )
    out = {row.number for row in selection.rows}
    gone = [number for number in missing if number in out]
    if gone:
        raise _gone(located, gone)


def _gone(located: LocatedImages, numbers: Sequence[int]) -> DataError:
    places = [str(located.paths[n] or located.array_file) for n in numbers]
    return DataError(
        f"{counted(len(numbers), 'image')} of the audit can't be found",
        expected="the files that were audited, where they were then",
        found=examples(places, 3),
        fix="bring them back, or say where the data set is now with --image-root",
    )


def _tell(export: Export, progress: Progress) -> None:
    """What a user should know of what went out."""
    left = export.selection.left_out
    if left:
        told = examples((name for _, name, _ in left), 3)
        progress.message(f"left out: {counted(len(left), 'image')} ({told})")
