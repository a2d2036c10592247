"""Decisions to a corrected data set: new labels or masks, a change log, the originals untouched."""

from __future__ import annotations

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.audit.commands import train_command
from mixednoise.audit.folder import AuditFolder, Manifest
from mixednoise.audit.located import LocatedImages, located_images
from mixednoise.data.readers.other_columns import read_other_columns
from mixednoise.data.table import Dataset
from mixednoise.errors import ConfigError
from mixednoise.progress import Progress
from mixednoise.review.apply.arrays import write_arrays
from mixednoise.review.apply.deciding import (
    choose_decisions,
    rule,
    take_back_decisions,
)
from mixednoise.review.apply.labels import (
    WEIGHT,
    correct_labels,
    sample_weights,
    weights_undecided,
)
from mixednoise.review.apply.log import changes_file, changes_table, excluded_file
from mixednoise.review.apply.restore import restore_labels
from mixednoise.review.apply.source import reading_of, reread
from mixednoise.review.apply.targets import check_target
from mixednoise.review.apply.undo import Selection, parse_selection
from mixednoise.review.apply.wishes import Wishes, check_classes
from mixednoise.review.apply.writing import write_labels
from mixednoise.review.decisions import Decisions


def apply_decisions(
    audit: Path, out: Path | None, wishes: Wishes, progress: Progress
) -> dict[str, Any]:
    """Make a corrected data set of an audit's decisions; or take decisions, or changes, back.

    Args:
        audit: the folder of an audit; to take changes back also a labels file that this function
            has written.
        out: labels file (.csv, or .npz where the data set is one) or, for masks, folder to be;
            None = only take decisions back.
        wishes: which decisions count, and what is allowed.
        progress: messages and warnings.

    Returns:
        ``out``; how many samples were ``relabelled``, ``excluded``, and looked at without a change:
        ``kept``, ``unsure``, ``disagreements``, ``withheld`` (of the test split),
        ``image_changed``; ``by_audit``: those of the changes that nobody has looked at; ``undone``:
        decisions taken back; ``images`` that are left; the files ``changes`` and
        ``excluded_rows``; ``next``: the command that trains on the result. Without ``out``
        ``undone`` and ``standing`` alone.

    Raises:
        RunError: no audit, nothing decided, decisions of another audit, data that have changed
            since, or a place in which something would be lost.
        ConfigError: wishes that can't be fulfilled.
        DataError, TrainingError: the data can't be read, the result can't be written.
    """
    selection = parse_selection(wishes.undo) if wishes.undo else None
    if audit.is_file():
        return _restore(audit, out, selection, wishes)
    folder = AuditFolder(audit)
    manifest, table = folder.read_manifest(), folder.read_table()
    if out is None and selection is not None:
        wishes.refuse(_APPLYING, "without --out")
        chosen = choose_decisions(folder, manifest, selection)
        taken = take_back_decisions(folder, manifest, chosen, progress)
        left = Decisions(folder.decisions, manifest.fingerprint, read_only=True).standing()
        return {"undone": taken, "standing": len(left)}
    if out is None:
        raise ConfigError(
            "there is no place for the result",
            expected="--out corrected.csv, or --undo alone to take decisions back",
            found="neither",
            fix="add --out",
        )
    make = _masks if manifest.kind == "segmentation" else _labels
    return make(folder, manifest, table, out, wishes, selection, progress)


_APPLYING = (
    *("reviewer", "prefer", "include_test", "trust_audit", "allow_new_class", "weights"),
    *("data", "image_root", "overwrite"),
)


def _labels(
    folder: AuditFolder,
    manifest: Manifest,
    table: pd.DataFrame,
    out: Path,
    wishes: Wishes,
    selection: Selection | None,
    progress: Progress,
) -> dict[str, Any]:
    """A corrected labels file, or array file."""
    located = located_images(folder)
    arrays = located.array_file is not None
    if arrays:
        wishes.refuse(("weights", "allow_new_class", "image_root"), "for labels in an .npz file")
    source, reading = reading_of(manifest, wishes.data, wishes.image_root)
    suffix = ".npz" if arrays else ".csv"
    check_target(out, suffix=suffix, source=source, overwrite=wishes.overwrite, folder=folder)
    if wishes.trust_audit is not None and table["p_mis_h"].isna().all():
        raise ConfigError(
            "this audit can't be trusted unseen",
            expected="probabilities of wrong labels and unreadable images (p_mis_h, p_mis_l)",
            found=f"none: the method {manifest.method} gives no such verdict",
            fix="leave --trust-audit away, or audit with --method qmix",
        )
    dataset = reread(folder, table, source, reading, progress)
    doomed = choose_decisions(folder, manifest, selection)
    here = _where_now(located, dataset, source)
    rulings, told = rule(folder, manifest, table, here, wishes, progress, without=doomed)
    check_classes(rulings, manifest.classes, allowed=wishes.allow_new_class)
    by_name, changes = {one.id: one for one in rulings}, changes_table(rulings)
    answer = {"out": str(out), **told}
    answer |= {"images": len(dataset) - told["excluded"], "changes": str(changes_file(out))}
    if arrays:
        write_arrays(source, out, dataset, by_name, changes)
        undone = take_back_decisions(folder, manifest, doomed, progress)
        answer |= {"undone": undone, "excluded_rows": None}
        return answer | {"next": train_command(out, manifest, reading)}
    if wishes.weights:
        changes[WEIGHT] = changes["id"].map(weights_undecided(dataset, by_name, table))
    corrected = correct_labels(
        dataset,
        by_name,
        folder=out.absolute().parent,
        other=read_other_columns(source, reading),
        weights=sample_weights(dataset, by_name, table) if wishes.weights else None,
    )
    needed = write_labels(out, corrected, changes, dataset.class_names, ordinal=dataset.ordinal)
    # Not before: what can't be written takes nothing back.
    undone = take_back_decisions(folder, manifest, doomed, progress)
    rest = str(excluded_file(out)) if len(corrected.excluded) else None
    answer |= {"undone": undone, "excluded_rows": rest}
    return answer | {"next": train_command(out, manifest, needed)}


def _masks(
    folder: AuditFolder,
    manifest: Manifest,
    table: pd.DataFrame,
    out: Path,
    wishes: Wishes,
    selection: Selection | None,
    progress: Progress,
) -> dict[str, Any]:
    """A folder of corrected masks."""
    from mixednoise.audit.masks import GIVEN, PROPOSED
    from mixednoise.review.apply.masks import CHANGES, CorrectedMasks

    wishes.refuse(("weights", "trust_audit", "allow_new_class", "image_root"), "for masks")
    if out.suffix.lower() in (".csv", ".npz"):
        raise ConfigError(
            f"{out} can't hold corrected masks",
            expected="the name of a folder to be: every mask is a file",
            found=str(out),
            fix=f"--out {out.with_suffix('')}",
        )
    located = located_images(folder, root=wishes.data)
    masks = CorrectedMasks(manifest, located, out, overwrite=wishes.overwrite)
    doomed = choose_decisions(folder, manifest, selection)
    rulings, told = rule(folder, manifest, table, located, wishes, progress, without=doomed)
    check_classes(rulings, (GIVEN, PROPOSED), allowed=False)
    images = masks.write({one.id: one for one in rulings}, changes_table(rulings), progress)
    undone = take_back_decisions(folder, manifest, doomed, progress)
    answer = {"out": str(out), **told, "undone": undone, "images": images}
    answer |= {"changes": str(out / CHANGES), "excluded_rows": None}
    return answer | {"next": shlex.join(masks.next_command())}


def _where_now(located: LocatedImages, dataset: Dataset, source: Path) -> LocatedImages:
    """The images of the audit where the data set has them now."""
    if located.array_file is not None:
        return replace(located, array_file=source)
    paths = dict(zip(dataset.table["id"], map(Path, dataset.table["path"]), strict=True))
    now = [paths[name] for name in located.ids]
    return replace(located, paths=list(now), files=[(path,) for path in now])


def _restore(
    corrected: Path, out: Path | None, selection: Selection | None, wishes: Wishes
) -> dict[str, Any]:
    """Changes of a corrected labels file taken back."""
    if corrected.suffix.lower() == ".npz":
        raise ConfigError(
            f"changes of {corrected} can't be taken back by its change log",
            expected="the folder of the audit, which knows the labels as they were",
            found="an .npz file",
            fix="mixednoise apply DIR --undo all --out original.npz",
        )
    if out is None or selection is None:
        raise ConfigError(
            f"{corrected} is a file",
            expected="the folder of an audit; or, to take changes back, a corrected labels file "
            "with --undo and --out",
            found="no --undo" if selection is None else "no --out",
            fix=f"mixednoise apply {corrected} --undo all --out original.csv",
        )
    wishes.refuse([name for name in _APPLYING if name != "overwrite"], "with a labels file")
    check_target(out, suffix=".csv", source=corrected, overwrite=wishes.overwrite)
    return {"out": str(out), **restore_labels(corrected, out, selection)}
