"""What to type after an audit."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mixednoise.audit.folder import Manifest
from mixednoise.data.class_list import join_names
from mixednoise.methods.assignments import setting_words

_AGAIN = "Train again on what came of it; apply ends by printing this command in full."
_SECOND = "runs/second"
#: Settings that have an option of their own, which people will want to change: --set would win.
_OPTIONS = (
    *("backbone", "network", "image_size", "patch_size", "epochs", "warmup_epochs"),
    *("batch_size", "lr", "seed", "precision", "threads"),
)


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
        train += option_words(manifest)
    else:
        what = "labels"
        train = train_words(out, manifest, {"group_column": manifest.group_column})
    return [
        (f"Look at the suspicious {what} and decide, one by one.", _line("review", str(folder))),
        (
            f"Turn the decisions into a new set of {what}; your own files stay as they are.",
            apply_command(folder, manifest),
        ),
        (_AGAIN, _line(*train, "--out", _SECOND)),
    ]


def train_words(out: str, manifest: Manifest, reading: Mapping[str, Any]) -> list[str]:
    """Words that train on corrected labels, without ``--out``.

    Args:
        out: the labels file.
        manifest: of the audit that they come from.
        reading: what must be said to read it.
    """
    words = ["train", out]
    if manifest.method != "qmix":
        words += ["--method", manifest.method]
    words += option_words(manifest)
    for name in ("group_column", "weight_column"):
        if reading.get(name):
            words += ["--" + name.replace("_", "-"), str(reading[name])]
    if reading.get("class_names"):
        words += ["--classes", join_names(map(str, reading["class_names"]))]
    ordinal = reading.get("ordinal")
    if ordinal is not None or manifest.ordinal:
        words.append("--nominal" if ordinal is False else "--ordinal")
    return words


def option_words(manifest: Manifest) -> list[str]:
    """Words for the same training as before: without them a small network becomes a large one."""
    words = [] if manifest.preset == "default" else ["--preset", manifest.preset]
    others = dict(manifest.options)
    for name in _OPTIONS:
        if others.get(name) is not None:
            words += ["--" + name.replace("_", "-"), str(others.pop(name))]
    return words + setting_words(others)


def train_command(out: Path, manifest: Manifest, reading: Mapping[str, Any]) -> str:
    """The command line that trains on corrected labels; see :func:`train_words`."""
    return _line(*train_words(str(out), manifest, reading), "--out", _SECOND)


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
