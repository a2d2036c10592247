"""Label Studio: tasks with predictions, and with annotations where reviewers have decided."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mixednoise.audit.order import review_order
from mixednoise.data.report import counted
from mixednoise.errors import ConfigError
from mixednoise.exchange import label_studio_results as results
from mixednoise.exchange.export import Export
from mixednoise.exchange.label_studio_config import label_config, mask_config
from mixednoise.exchange.mask_pictures import pictured
from mixednoise.exchange.masks import Masks
from mixednoise.exchange.pictures import FOLDER, Pictures
from mixednoise.exchange.selection import Row
from mixednoise.io import plain, write_text

TASKS, CONFIG = "tasks.json", "labeling_config.xml"
#: What Label Studio serves from its document root.
_SERVED = "/data/local-files/?d="
#: In words that are no class: a class may well be called "none".
NO_SUGGESTION = "(no label)"
_TEXTS = ("group", "predicted_label", "reasons", "patient", "worst_class")
_NUMBERS = ("p_correct", "p_mis_h", "p_mis_l", "loss", "entropy", "image_quality")


def write(export: Export) -> dict[str, Any]:
    """Write ``OUT/tasks.json``, ``OUT/labeling_config.xml`` and ``OUT/images``.

    Tasks come in the order of review. A prediction is the suggested label (for masks: the given
    and the proposed mask); what can't be read has none. Decisions become annotations, where
    reviewers agree.

    Returns:
        ``annotations``: their number; ``document_root`` and ``storage``: folders for Label Studio;
        ``next``.

    Raises:
        ConfigError: images that can't stay where they are.
        DataError: volumes.
    """
    root, storage = _places(export)
    tasks: dict[int, dict[str, Any]] = {}
    with export.result((TASKS, CONFIG, FOLDER)) as work:
        (work / FOLDER).mkdir()
        pictures = Pictures(export.located, work, export.images, for_browser=True)
        for row, file, found in _found(export, pictures):
            place = file if root is None else _below(root, file)
            tasks[row.number] = {
                "data": {"image": _SERVED + quote(place), **_data(export, row)},
                **found,
            }
        export.tell_of(pictures)
        order = review_order(export.table["is_label_issue"], export.table["label_quality"]).tolist()
        ordered = [tasks[number] for number in order if number in tasks]
        write_text(work / TASKS, json.dumps(plain(ordered), allow_nan=False) + "\n")
        make = mask_config if export.is_masks else label_config
        write_text(work / CONFIG, make(_names(export)))
    served = str(root or export.out.absolute())
    return {
        "annotations": sum(bool(task["annotations"]) for task in tasks.values()),
        "document_root": served,
        "storage": str(storage),
        "next": f"LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true "
        f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={shlex.quote(served)} label-studio, there a "
        f"project with {CONFIG}, local storage {storage} (do not sync it), import {TASKS}",
    }


def _found(export: Export, pictures: Pictures) -> Iterator[tuple[Row, str, dict[str, Any]]]:
    """Each row, its image, and its predictions and annotations."""
    if not export.is_masks:
        version = f"mixednoise {export.manifest.method}"
        for row, file in export.placed(pictures):
            score = _score(export, row)
            yield row, file, results.of_label(row, version, score)
        return
    masks = Masks(export)
    names = masks.cases.class_names
    for item, mask, file in pictured(export, masks, pictures):
        score = export.number(item.row, "label_quality")
        yield item.row, file, results.of_mask(item, mask, names, score)


def _names(export: Export) -> list[str]:
    """Classes to choose from; of masks without the background."""
    return export.manifest.classes[1:] if export.is_masks else export.classes


def _data(export: Export, row: Row) -> dict[str, Any]:
    """What stands beside the image, and what finds its row again."""
    entry = export.entries[row.number]
    told: dict[str, Any] = {
        "sample": row.id,
        "audit": export.manifest.fingerprint,
        "split": row.split,
        "given_label": row.given,
        "suggested_label": row.suggested or NO_SUGGESTION,
        "label_quality": export.number(row, "label_quality"),
        "is_label_issue": bool(entry["is_label_issue"]),
    }
    told |= {name: str(entry[name]) for name in _TEXTS if name in entry}
    told |= {name: export.number(row, name) for name in _NUMBERS if name in entry}
    told["decided"] = results.said(row, masks=export.is_masks)
    told["decided_by"] = ", ".join(row.reviewers)
    return told


def _score(export: Export, row: Row) -> float | None:
    """The probability of the suggested label, None where it is not known."""
    same = row.suggested == str(export.entries[row.number].get("predicted_label", ""))
    return export.number(row, "confidence" if same else "self_confidence")


def _places(export: Export) -> tuple[Path | None, Path]:
    """Document root (None: it is the export) and storage.

    Label Studio serves what lies in a storage folder, which has to be below its document root.
    """
    if export.images != "refer":
        return None, export.out.absolute() / FOLDER
    rows = [row.number for row in export.rows]
    paths = [export.located.paths[number] for number in rows]
    shown = Pictures(export.located, export.out, "refer", for_browser=True)
    stay = [path for path in paths if path is not None and shown.takes(path)]
    if len(stay) < len(paths):
        raise _cant_stay(counted(len(paths) - len(stay), "image"))
    common = Path(os.path.commonpath([path.absolute().parent for path in stay]))
    return common.parent, common


def _below(root: Path, file: str) -> str:
    if not Path(file).is_absolute():  # it was written anew: its channels are files of their own
        raise _cant_stay(file)
    return Path(file).relative_to(root).as_posix()


def _cant_stay(what: str) -> ConfigError:
    return ConfigError(
        "not all images can stay where they are",
        expected="one file each that browsers show: 8-bit PNG, JPEG, BMP, GIF, WebP",
        found=f"{what} in another form",
        fix="choose --images copy: those are written as PNG",
    )
