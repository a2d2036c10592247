"""Which of nnU-Net's folds has judged a case, and what it has learned from.

A training of nnU-Net v2 with ``--npz`` leaves ``MODEL/fold_F/validation/NAME.npz``: what fold F
says of the cases that it was not trained on; with F = ``all``, of the very cases that it was
trained on. ``splits_final.json``, in the data set's folder of ``nnUNet_preprocessed``, lists the
training cases of fold 0, 1, ...; folds beyond its end are drawn by nnU-Net itself and written down
nowhere.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path

from mixednoise.errors import DataError

SPLITS = "splits_final.json"
#: The fold that has learned from all cases.
ALL = "all"
_FOLD = re.compile(r"fold_(\d+|all)")
_PREPROCESSED = "nnUNet_preprocessed"
#: Case -> training cases of the fold that judged it, :data:`ALL`, or None = not known.
Seen = dict[str, set[str] | str | None]


def fold_of(file: Path) -> str | None:
    """``0``, ``1``, ... or ``all`` of a file in ``fold_F/validation``; None of any other."""
    folder = file.resolve().parent
    match = _FOLD.fullmatch(folder.parent.name)
    return match[1] if match and folder.name == "validation" else None


def fold_judges(files: Mapping[str, Path]) -> dict[str, str] | None:
    """The fold that judged each case, by its name; None where some file is of no fold."""
    folds = {name: fold_of(file) for name, file in files.items()}
    known = {name: fold for name, fold in folds.items() if fold is not None}
    return known if len(known) == len(folds) else None


def superfluous(folder: Path) -> list[Path]:
    """Every ``fold_all`` below a folder that stands beside numbered folds with predictions."""
    return [
        path
        for path in sorted(folder.rglob(f"fold_{ALL}"))
        if any(path.parent.glob("fold_[0-9]*/validation/*.np[yz]"))
    ]


def learned_from(files: Mapping[str, Path], seen: Seen | None = None) -> dict[str, str]:
    """Cases whose fold was trained on them: name -> ``fold_0``.

    Args:
        files: of probabilities, by the name of the case.
        seen: of :func:`seen_by_folds`, if that is at hand.

    Raises:
        DataError: a ``splits_final.json`` that can't be read.
    """
    known = (seen_by_folds(files) if seen is None else seen).items()
    return {
        name: f"fold_{fold_of(files[name])}"
        for name, cases in known
        if cases is not None and (cases == ALL or name in cases)
    }


def seen_by_folds(files: Mapping[str, Path]) -> Seen:
    """What the fold that judged each case has learned from; arguments and errors as of
    :func:`learned_from`.
    """
    splits: dict[Path, list[set[str]]] = {}
    found: Seen = {}
    for name, file in files.items():
        found[name] = None
        fold = fold_of(file)
        if fold is None:
            continue
        if fold == ALL:
            found[name] = ALL
            continue
        model = file.resolve().parents[2]
        if model not in splits:
            splits[model] = _training_cases(model)
        if int(fold) < len(splits[model]):
            found[name] = splits[model][int(fold)]
    return found


def _training_cases(model: Path) -> list[set[str]]:
    """The training cases of fold 0, 1, ...; [] where they are not written down."""
    data_set = model.parent
    places = [model, data_set, data_set.parent.parent / _PREPROCESSED / data_set.name]
    if os.environ.get(_PREPROCESSED):
        places.append(Path(os.environ[_PREPROCESSED]) / data_set.name)
    path = next((place / SPLITS for place in places if (place / SPLITS).is_file()), None)
    if path is None:
        return []
    try:
        splits = json.loads(path.read_text(encoding="utf-8"))
        return [{str(name) for name in split["train"]} for split in splits]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DataError(
            f"{path} can't be read",
            expected='nnU-Net\'s list of folds: [{"train": [...], "val": [...]}, ...]',
            found=(str(error).splitlines() or [""])[0] or type(error).__name__,
            fix="bring the file of the training back, or take it away: then what each fold has "
            "learned from is not checked",
        ) from error
