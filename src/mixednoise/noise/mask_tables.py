"""What corrupted masks say of themselves: the rows of ``corruption.csv``, ``corruption.json``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from mixednoise.noise.mask_files import MaskSet
from mixednoise.noise.mask_values import MaskValues
from mixednoise.noise.masks import ClassNoise
from mixednoise.segmentation.cases.formats import split_ending
from mixednoise.version import __version__


def noise_rows(
    mask_set: MaskSet, row: int, meaning: MaskValues, records: Sequence[ClassNoise]
) -> list[dict[str, Any]]:
    """The rows of a mask that got noise, one per class; columns as :class:`.masks.ClassNoise`."""
    return [
        {
            **_names(mask_set, row, meaning.names[record.label]),
            "touched": True,
            "kind": record.kind,
            "radius": record.radius,
            "outcome": record.outcome,
            "draws": record.draws,
            "clean_pixels": record.clean_pixels,
            "noisy_pixels": record.noisy_pixels,
            "flipped_pixels": record.flipped_pixels,
            "dice": round(record.dice, 6),
            "emptied": record.outcome == "emptied",
        }
        for record in records
    ]


def untouched_rows(
    mask_set: MaskSet,
    row: int,
    meaning: MaskValues,
    labels: Sequence[int],
    counts: Mapping[int, int],
) -> list[dict[str, Any]]:
    """The rows of a mask that was taken over as it is; ``counts``: stored value -> pixels."""
    pixels = [counts.get(meaning.stored[label], 0) for label in labels]
    return [
        {
            **_names(mask_set, row, meaning.names[label]),
            "touched": False,
            "kind": "",
            "radius": 0,
            "outcome": "untouched",
            "draws": 0,
            "clean_pixels": number,
            "noisy_pixels": number,
            "flipped_pixels": 0,
            "dice": 1.0,
            "emptied": False,
        }
        for label, number in zip(labels, pixels, strict=True)
    ]


def _names(mask_set: MaskSet, row: int, class_name: str) -> dict[str, str]:
    file = mask_set.files[row].name
    return {"name": split_ending(file)[0], "class": class_name, "file": mask_set.prefix + file}


def summary(
    truth: Path | Sequence[Path],
    table: pd.DataFrame,
    meanings: Mapping[str, MaskValues],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """The content of ``corruption.json``.

    Args:
        truth: the clean masks: their folder, or the files.
        table: the rows of all masks.
        meanings: folder of masks -> its classes.
        options: what the user has asked for.
    """
    places = [truth] if isinstance(truth, Path) else truth
    absolute = [str(place.absolute()) for place in places]
    return {
        "version": __version__,
        "truth": absolute[0] if isinstance(truth, Path) else absolute,
        **options,
        "values": {
            name: {
                "class_names": list(each.names),
                "label_values": list(each.stored),
                "ignore_value": each.ignore_value,
            }
            for name, each in meanings.items()
        },
        "masks": int(table["file"].nunique()),
        "touched_masks": int(table["file"][table["touched"]].nunique()),
        "per_class": {
            str(name): _class_summary(rows) for name, rows in table.groupby("class", sort=False)
        },
    }


def _class_summary(rows: pd.DataFrame) -> dict[str, Any]:
    """Counts, mean Dice and flipped pixels as a share of the clean ones, of the touched masks."""
    noisy = rows[rows["touched"] & (rows["clean_pixels"] > 0)]
    clean_pixels = int(noisy["clean_pixels"].sum())
    return {
        "masks": len(rows),
        "touched": int(rows["touched"].sum()),
        "kinds": {str(k): int(n) for k, n in noisy["kind"].value_counts().sort_index().items()},
        "outcomes": {
            str(k): int(n) for k, n in rows["outcome"].value_counts().sort_index().items()
        },
        "mean_dice": float(noisy["dice"].mean()) if len(noisy) else None,
        "flipped_pixels": int(noisy["flipped_pixels"].sum()),
        "flipped_share": int(noisy["flipped_pixels"].sum()) / clean_pixels
        if clean_pixels
        else None,
        "emptied": int(noisy["emptied"].sum()),
    }
