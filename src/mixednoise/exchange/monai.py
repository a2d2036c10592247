"""MONAI: a datalist in the style of the Medical Segmentation Decathlon."""

from __future__ import annotations

from typing import Any

from mixednoise.exchange.export import Export
from mixednoise.exchange.mask_pictures import place_files
from mixednoise.exchange.masks import MaskCase, Masks
from mixednoise.exchange.pictures import FOLDER, Pictures
from mixednoise.exchange.selection import Row
from mixednoise.io import write_json
from mixednoise.segmentation.cases.formats import NIFTI_ENDINGS, ending_of
from mixednoise.segmentation.cases.writing import encode, template_ending

DATALIST, LABELS = "datalist.json", "labels"
_LISTS = {"train": "training", "val": "validation", "test": "test"}


def write(export: Export) -> dict[str, Any]:
    """Write ``OUT/datalist.json``; paths in it are relative to ``OUT``, or absolute.

    Of labels ``label`` is the index of the class; of masks it is a file in ``OUT/labels``, whose
    values are the indices of the classes, 255 = to ignore. ``audit`` of each item holds its id and,
    of labels, the name of its class; ``fold`` of a mask is the fold in which it was judged. A list
    without items is not there: MONAI can't read one.

    Returns:
        ``lists``: name -> number of items; ``next``.
    """
    classes = list(export.manifest.classes) if export.is_masks else export.classes
    names = (DATALIST, FOLDER, *([LABELS] if export.is_masks else []))
    lists: dict[str, list[dict[str, Any]]] = {}
    with export.result(names) as work:
        for name in names[1:]:
            (work / name).mkdir()
        pictures = Pictures(export.located, work, export.images)
        if export.is_masks:
            _masks(export, pictures, lists)
        else:
            for row, file in export.placed(pictures):
                item = {"image": file, "label": classes.index(row.label)}
                # In a dictionary, since MONAI takes text that is the name of a file for a path.
                _add(lists, row, item | {"audit": {"id": row.id, "class": row.label}})
        export.tell_of(pictures)
        head = {
            "name": export.manifest.data,
            "description": f"{export.labels} labels, from an audit of mixednoise",
            "labels": {str(index): name for index, name in enumerate(classes)},
            "numTraining": len(lists.get("training", [])),
            "numTest": len(lists.get("test", [])),
        }
        ordered = {name: lists[name] for name in _LISTS.values() if name in lists}
        write_json(work / DATALIST, head | ordered)
    call = f"load_decathlon_datalist({str(export.out / DATALIST)!r}, {export.is_masks}, 'training')"
    number = {name: len(items) for name, items in lists.items()}
    return {"lists": number, "next": f"{call} (from monai.data import load_decathlon_datalist)"}


def _masks(export: Export, pictures: Pictures, lists: dict[str, list[dict[str, Any]]]) -> None:
    for item in Masks(export, ("val", "test")).read():
        files = place_files(pictures, item)
        label = _write_label(pictures, item)
        export.listed(item.row, files[0])
        told: dict[str, Any] = {"image": files if len(files) > 1 else files[0], "label": label}
        if "fold" in export.table and item.row.number >= 0:
            told["fold"] = int(export.entries[item.row.number]["fold"])
        _add(lists, item.row, told | {"audit": {"id": item.row.id}})


def _write_label(pictures: Pictures, item: MaskCase) -> str:
    """The mask that goes out as a file of class indices, on the grid of the image."""
    ending = template_ending(item.case)
    ending = ".png" if ending not in (*NIFTI_ENDINGS, ".npy") else ending
    files = (*(item.case.mask.paths if item.case.mask else ()), *item.case.images)
    grid = next((path for path in files if ending_of(path) in NIFTI_ENDINGS), None)
    target = pictures.target(item.case.name, ending, LABELS)
    pictures.put(target, encode(item.mask, ending, grid))
    return target


def _add(lists: dict[str, list[dict[str, Any]]], row: Row, item: dict[str, Any]) -> None:
    lists.setdefault(_LISTS.get(row.split, "training"), []).append(item)
