"""What to type next."""

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
    here = str(folder)
    if manifest.kind == "segmentation":
        out, what = "corrected", "masks"
        train = ["segment", "train", "--images", f"{out}/images", "--masks", f"{out}/masks"]
    else:
        # Pixels and labels in one array file come back as one.
        out, what = f"corrected{_suffix(manifest.data)}", "labels"
        train = ["train", out, "--method", manifest.method]
        if manifest.group_column:
            train += ["--group-column", manifest.group_column]
        if manifest.ordinal:
            train.append("--ordinal")
    return [
        (f"Look at the suspicious {what} and decide, one by one.", _line("review", here)),
        (
            f"Turn the decisions into a new set of {what}; your own files stay as they are.",
            _line("apply", here, "--out", out),
        ),
        (_AGAIN, _line(*train, "--out", "runs/second")),
    ]


def _suffix(data: str) -> str:
    return ".npz" if data.lower().endswith(".npz") else ".csv"


def _line(*words: str) -> str:
    return shlex.join(["mixednoise", *words])
