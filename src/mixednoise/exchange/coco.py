"""COCO: one JSON for all images; every class of a mask is one annotation, run-length encoded.

This is how COCO keeps regions ("stuff") rather than single objects: one annotation per image and
category, with its area and box, ``iscrowd`` 0.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mixednoise.data.report import counted, examples
from mixednoise.exchange.coco_rle import encode
from mixednoise.exchange.export import Export
from mixednoise.exchange.mask_pictures import pictured
from mixednoise.exchange.masks import Masks
from mixednoise.exchange.pictures import FOLDER, Pictures
from mixednoise.io import write_text
from mixednoise.segmentation.labels import IGNORE

ANNOTATIONS = "annotations.json"


def write(export: Export) -> dict[str, Any]:
    """Write ``OUT/annotations.json`` and ``OUT/images``; names of files are relative to ``OUT``.

    Categories are numbered from 1, the background is none. Pixels to ignore belong to nothing.

    Returns:
        ``annotations``: their number.

    Raises:
        DataError: volumes.
    """
    masks = Masks(export, ("val", "test"))
    names = masks.cases.class_names
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    ignored: list[str] = []
    with export.result((ANNOTATIONS, FOLDER)) as work:
        (work / FOLDER).mkdir()
        pictures = Pictures(export.located, work, export.images)
        for item, mask, file in pictured(export, masks, pictures):
            number = len(images) + 1
            images.append(
                {
                    "id": number,
                    "file_name": file,
                    "height": mask.shape[0],
                    "width": mask.shape[1],
                    "case": item.row.id,
                    "split": item.row.split,
                }
            )
            if (mask == IGNORE).any():
                ignored.append(item.row.id)
            for index in range(1, len(names)):
                inside = mask == index
                if inside.any():
                    annotation = {"id": len(annotations) + 1, "image_id": number}
                    annotations.append(annotation | _region(inside, index))
        export.tell_of(pictures)
        content = {
            "info": {"description": f"masks of {export.manifest.data}, {export.labels}"},
            "licenses": [],
            "images": images,
            "annotations": annotations,
            "categories": [
                {"id": index, "name": name, "supercategory": ""}
                for index, name in enumerate(names)
                if index
            ],
        }
        write_text(work / ANNOTATIONS, json.dumps(content) + "\n")
    if ignored:
        export.progress.warning(
            f"pixels to ignore, for which COCO has no word, in {counted(len(ignored), 'mask')} "
            f"({examples(ignored, 3)}): they belong to no annotation"
        )
    return {"annotations": len(annotations)}


def _region(inside: NDArray[np.bool_], index: int) -> dict[str, Any]:
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    top, left = int(rows[0]), int(columns[0])
    box = [left, top, int(columns[-1]) - left + 1, int(rows[-1]) - top + 1]
    return {
        "category_id": index,
        "segmentation": encode(inside),
        "area": int(np.count_nonzero(inside)),
        "bbox": box,
        "iscrowd": 0,
    }
