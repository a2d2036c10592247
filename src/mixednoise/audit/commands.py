"""What to type after an audit."""

from __future__ import annotations

import shlex
from pathlib import Path

from mixednoise.audit.folder import Manifest

_AGAIN = "Train again on what came of it; apply ends by printing this command in full."


def next_commands(folder: Path, manifest: Manifest) -> list[tuple[str, str]]:
    """``(what for, command line)``, in the order in which they are used.

    Args:
        folder: of the audit.
        manifest: what was audited.
    """
    out = _corrected(manifest)
    if manifest.kind == "segmentation":
        what = "masks"
        train = ["segment", "train", "--images", f"{out}/images", "--masks", f"{out}/masks"]
    else:
        what = "labels"
        train = ["train", out, "--method", manifest.method]
        if manifest.group_column:
            train += ["--group-column", manifest.group_column]
        if manifest.ordinal:
            train.append("--ordinal")
    return [
        (f"Look at the suspicious {what} and decide, one by one.", _line("review", str(folder))),
        (
            f"Turn the decisions into a new set of {what}; your own files stay as they are.",
            apply_command(folder, manifest),
        ),
        (_AGAIN, _line(*train, "--out", "runs/second")),
    ]


def apply_command(folder: Path, manifest: Manifest) -> str:
    """The command line that makes a data set of the decisions; see :func:`next_commands`."""
    return _line("apply", str(folder), "--out", _corrected(manifest))


def _corrected(manifest: Manifest) -> str:
    """A folder of masks, or a labels file: pixels and labels in one array file come back as one."""
    if manifest.kind == "segmentation":
        return "corrected"
    return "corrected.npz" if manifest.data.lower().endswith(".npz") else "corrected.csv"


def _line(*words: str) -> str:
    return shlex.join(["mixednoise", *words])
