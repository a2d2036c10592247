"""FiftyOne: a folder that ``Dataset.from_dir(dataset_type=fo.types.FiftyOneDataset)`` imports.

The form is FiftyOne's serialised samples without a version, which it reads whatever its own
version is, and from which it makes the schema.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixednoise.exchange.export import Export
from mixednoise.exchange.mask_pictures import pictured
from mixednoise.exchange.masks import Masks
from mixednoise.exchange.pictures import FOLDER, Pictures
from mixednoise.exchange.selection import Row
from mixednoise.io import plain, write_text
from mixednoise.quality.reasons import split_reasons
from mixednoise.segmentation.cases.writing import encode

METADATA, SAMPLES, FIELDS = "metadata.json", "samples.json", "fields"
#: The fields that labels or masks are in, and those of them by which a row is found again.
TRUTH, SUGGESTION, GIVEN, SUSPECTED = "ground_truth", "suggestion", "given", "suspected"
AUDIT_ID, AUDIT, EXPORTED = "audit_id", "audit", "audit_label"
_TEXTS = ("given_label", "group", "predicted_label", "patient", "worst_class", "same_as")
_NUMBERS = (
    *("p_correct", "p_mis_h", "p_mis_l", "loss", "entropy", "label_quality", "confidence"),
    *("self_confidence", "image_quality", "exposure", "evenness", "contrast", "focus", "detail"),
    *("noise", "colour", "suspected_pixels", "suspected_share"),
)


def write(export: Export) -> dict[str, Any]:
    """Write ``OUT/metadata.json``, ``OUT/samples.json``, and files that have to come along.

    ``ground_truth`` is the label (or mask) that goes out, ``given`` the given and ``suggestion``
    the suggested one; numbers of the audit are fields, reasons a list of words. What reviewers came
    to stands in ``decision`` (and who they are in ``reviewers``); what they exclude is not left
    out. Tags: the split, and ``label issue``.

    Returns:
        ``next``.

    Raises:
        DataError: volumes.
    """
    names = [METADATA, SAMPLES, FOLDER, *([FIELDS] if export.is_masks else [])]
    samples: list[dict[str, Any]] = []
    with export.result(names) as work:
        for name in names[2:]:
            (work / name).mkdir()
        pictures = Pictures(export.located, work, export.images, for_browser=True)
        for row, file, fields in _fields(export, pictures):
            samples.append({"filepath": file, **_told(export, row), **fields})
        export.tell_of(pictures)
        info: dict[str, Any] = {
            AUDIT: export.manifest.fingerprint,
            "data": export.manifest.data,
            "labels": export.labels,
        }
        if export.is_masks:
            targets = enumerate(export.manifest.classes)
            info["default_mask_targets"] = {str(index): name for index, name in targets}
            info["mask_targets"] = {SUSPECTED: {"1": SUSPECTED}}
        else:
            info["default_classes"] = export.classes
        head = {"name": export.folder.path.absolute().name, "media_type": "image", "info": info}
        write_text(work / METADATA, json.dumps(plain(head)) + "\n")
        write_text(work / SAMPLES, json.dumps({"samples": plain(samples)}) + "\n")
    place = f"dataset_dir={str(export.out)!r}, dataset_type=fo.types.FiftyOneDataset"
    return {"next": f"fo.Dataset.from_dir({place}) (import fiftyone as fo)"}


def _fields(export: Export, pictures: Pictures) -> Iterator[tuple[Row, str, dict[str, Any]]]:
    """Each row, its image, and its labels or masks."""
    if not export.is_masks:
        for row, file in export.placed(pictures):
            same = row.suggested == str(export.entries[row.number].get("predicted_label", ""))
            score = export.number(row, "confidence" if same else "self_confidence")
            known = {AUDIT_ID: row.id, AUDIT: export.manifest.fingerprint, EXPORTED: row.label}
            fields = {
                TRUTH: _classification(row.label) | known,
                GIVEN: _classification(row.given),
            }
            if row.suggested:
                fields[SUGGESTION] = _classification(row.suggested, score)
            yield row, file, fields
        return
    masks = Masks(export)
    for item, mask, file in pictured(export, masks, pictures):
        fields = {
            TRUTH: _segmentation(pictures, item.case.name, mask, TRUTH),
            GIVEN: _segmentation(pictures, item.case.name, item.found.mask, GIVEN),
        }
        if item.found.suspected.any():
            proposed = item.found.corrected
            fields[SUGGESTION] = _segmentation(pictures, item.case.name, proposed, SUGGESTION)
            suspected = item.found.suspected.astype(np.uint8)
            fields[SUSPECTED] = _segmentation(pictures, item.case.name, suspected, SUSPECTED)
        yield item.row, file, fields


def _told(export: Export, row: Row) -> dict[str, Any]:
    """What the audit says of a row; what is not known has no field."""
    entry = export.entries[row.number]
    issue = bool(entry["is_label_issue"])
    told: dict[str, Any] = {
        "tags": [tag for tag in (row.split, "label issue" if issue else "") if tag],
        AUDIT_ID: row.id,
        AUDIT: export.manifest.fingerprint,
        "is_label_issue": issue,
        "reasons": split_reasons(str(entry.get("reasons", ""))),
    }
    told |= {name: str(entry[name]) for name in _TEXTS if str(entry.get(name, ""))}
    numbers = ((name, export.number(row, name)) for name in _NUMBERS)
    told |= {name: value for name, value in numbers if value is not None}
    if row.action:
        told["decision"] = row.label if row.action == "relabel" else row.action
        told["reviewers"] = list(row.reviewers)
    return told


def _classification(label: str, confidence: float | None = None) -> dict[str, Any]:
    made: dict[str, Any] = {"_cls": "Classification", "tags": [], "label": label}
    return made if confidence is None else made | {"confidence": confidence}


def _segmentation(
    pictures: Pictures, name: str, mask: NDArray[np.uint8], field: str
) -> dict[str, Any]:
    # FiftyOne takes paths of masks for relative where a folder is called as their field.
    target = pictures.target(name, ".png", f"{FIELDS}/{field}")
    pictures.put(target, encode(mask, ".png"))
    return {"_cls": "Segmentation", "tags": [], "mask_path": target}
