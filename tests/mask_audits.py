"""Finished audits of masks, with the run that judged them, made by hand: nothing is trained."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import cv2
import nibabel as nib
import numpy as np
import pandas as pd
import yaml

from mixednoise.audit.folder import AuditFolder, Manifest, fingerprint_of
from mixednoise.audit.located import digest_of_files
from mixednoise.io import write_csv, write_json, write_text
from mixednoise.segmentation.case_file import write_cases
from mixednoise.segmentation.cases import read_cases
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.run import SegmentationRun
from mixednoise.version import __version__

#: Rows and columns of the squares: the one that is right, and the one that is drawn too large.
RIGHT, DRAWN = (slice(8, 16), slice(4, 12)), (slice(8, 16), slice(4, 18))
SIDE = 32
SLICES = 5
#: The slice of a volume that has most of what is suspected.
WORST = 3


def write_mask_audit(
    path: Path | str,
    n: int = 4,
    classes: Sequence[str] = ("background", "heart"),
    *,
    volumes: bool = False,
    upside_down: bool = False,
) -> AuditFolder:
    """Write an audit of ``n`` masks; the masks of even cases are too large to the right.

    What was given, suspected and proposed is known by :func:`truth`. With three classes or more,
    the part that is too large is of the last one.

    Args:
        path: folder of the audit; data in ``PATH_data`` and the run in ``PATH_run`` beside it.
        n: cases.
        classes: the background first.
        volumes: NIfTI of 5 slices instead of PNG.
        upside_down: of volumes, rows of the file go from the back to the front, columns from the
            left to the right.
    """
    folder = AuditFolder(Path(path))
    data, run = (folder.path.with_name(f"{folder.path.name}_{name}") for name in ("data", "run"))
    names = [f"c{number:02d}" for number in range(n)]
    for kind in ("images", "masks"):
        (data / kind).mkdir(parents=True)
    affine = np.diag([1, 1, 1, 1] if upside_down else [-1, -1, 1, 1]).astype(float)
    step = 255 // (len(classes) - 1)
    for row, name in enumerate(names):
        given, _, _ = truth(row, len(classes), volumes=volumes)
        for kind, array in (("images", picture(row, volumes=volumes)), ("masks", given * step)):
            _write(data / kind / name, array, affine)
    cases = read_cases(
        data / "images",
        data / "masks",
        class_names=list(classes),
        label_values=[step * k for k in range(len(classes))],
    )
    _write_run(SegmentationRun(run), cases, len(classes), volumes=volumes, affine=affine)
    rows, located = [], []
    for row, case in enumerate(cases.cases):
        given, suspected, _ = truth(row, len(classes), volumes=volumes)
        count = int(suspected.sum())
        rows.append(
            {
                "id": case.name, "split": "train", "fold": row % 2, "given_label": "given mask",
                "suggested_label": "proposed mask" if count else "given mask", "group": "",
                "is_label_issue": count > 0, "label_quality": 0.2 if count else 0.9,
                "reasons": f"{count} pixels suspected" if count else "",
                "suspected_pixels": count, "suspected_share": count / given.size,
                "worst_class": classes[-1] if count else "",
            }
        )  # fmt: skip
        files = [*case.images, *(case.mask.paths if case.mask else ())]
        digest, size = digest_of_files(files)
        located.append(
            {
                "id": case.name, "path": str(files[0]), "array_index": -1, "bytes": size,
                "digest": digest,
            }
        )  # fmt: skip
    table = pd.DataFrame(rows)
    folder.path.mkdir(parents=True, exist_ok=True)
    write_csv(folder.table, table)
    table.to_parquet(folder.parquet, index=False)
    write_csv(folder.images, pd.DataFrame(located))
    folder.write_manifest(
        Manifest(
            kind="segmentation",
            data=str(run.absolute()),
            run=str(run.absolute()),
            method="confident",
            classes=list(classes),
            images=n,
            fingerprint=fingerprint_of(table, classes),
        )
    )
    return folder


def truth(
    row: int, num_classes: int = 2, *, volumes: bool = False
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Given mask, suspected pixels and proposed mask of a case, (H, W) or (D, H, W)."""
    given, proposed = np.zeros((SIDE, SIDE), np.uint8), np.zeros((SIDE, SIDE), np.uint8)
    proposed[RIGHT] = 1
    if row % 2 == 0:
        given[DRAWN] = num_classes - 1
    given[RIGHT] = 1
    if not volumes:
        return given, given != proposed, proposed
    plain = np.repeat(proposed[None], SLICES, axis=0)
    volume = plain.copy()
    volume[WORST] = given
    # One more pixel in another slice: two slices to go to, one of them the worst.
    volume[1, 20, 20] = num_classes - 1 if row % 2 == 0 else 0
    return volume, volume != plain, plain


def picture(row: int, *, volumes: bool = False) -> np.ndarray:
    """The image of a case: brighter to the right, and in volumes with every slice."""
    plane = np.tile(np.arange(SIDE, dtype=np.uint8) * 6, (SIDE, 1)) + row
    if not volumes:
        return plane
    return np.stack([plane + 4 * place for place in range(SLICES)])


def _write(stem: Path, array: np.ndarray, affine: np.ndarray) -> None:
    if array.ndim == 2:
        assert cv2.imwrite(f"{stem}.png", array.astype(np.uint8))
        return
    image = nib.Nifti1Image(array.astype(np.uint8).transpose(2, 1, 0), affine)
    nib.save(image, f"{stem}.nii.gz")


def _write_run(
    run: SegmentationRun, cases, num_classes: int, *, volumes: bool, affine: np.ndarray
) -> None:
    options = SegmentationConfig(image_size=SIDE, patch_size=SIDE, network="residual_unet_slim")
    record = {
        "format": 1, "version": __version__, "method": "segmentation/confident",
        "preset": "default", "data": cases.source, "classes": list(cases.class_names),
        "options": options.model_dump(mode="json") | {"calibrate": "none", "folds": 2},
    }  # fmt: skip
    write_text(run.config, yaml.safe_dump(record, sort_keys=False))
    write_cases(run.case_file, cases, ("train",) * len(cases))
    names = list(cases.names)
    folds = [row % 2 for row in range(len(names))]
    write_csv(run.folds, pd.DataFrame({"name": names, "group": names, "fold": folds}))
    said, maps = run.path / "probabilities", run.path / "error_maps"
    said.mkdir()
    maps.mkdir()
    for row, name in enumerate(names):
        _, suspected, proposed = truth(row, num_classes, volumes=volumes)
        sure = np.where(np.arange(num_classes).reshape(-1, *[1] * proposed.ndim) == proposed, 8, 1)
        np.save(said / f"{name}.npy", (sure / sure.sum(axis=0)).astype(np.float16))
        _write(maps / name, suspected * 255, affine)
    write_text(said / "state.json", json.dumps({"made_by": "hand", "calibration": {"none": {}}}))
    write_json(maps / "summary.json", {"class_names": list(cases.class_names)})
