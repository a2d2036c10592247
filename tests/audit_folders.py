"""Finished audits as `mixednoise audit` leaves them, made by hand: no network is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from mixednoise.audit.folder import AuditFolder, Manifest, fingerprint_of
from mixednoise.audit.located import digest_of_files
from mixednoise.audit.table import audit_table
from mixednoise.data.readers import read_dataset
from mixednoise.data.store_sources import hash_array
from mixednoise.data.table import Dataset
from mixednoise.io import write_csv, write_json, write_text

#: Row number -> what it is, again every 12 rows; of a smaller audit what fits into it.
CORRECT, WRONG, UNREADABLE, TEST = (0, 2, 4, 7, 10), (1, 6, 8), (3, 9), (5, 11)


def write_audit(
    path: Path | str,
    n: int = 12,
    classes: Sequence[str] = ("normal", "cataract"),
    *,
    side: int = 32,
    patients: bool = True,
    truth: bool = False,
    features: bool = True,
    arrays: bool = False,
    seed: int = 0,
) -> AuditFolder:
    """Write an audit of ``n`` PNG images in ``PATH_data`` beside it, with ``labels.csv``.

    Rows repeat every 12: see :data:`CORRECT`, :data:`WRONG`, :data:`UNREADABLE` and :data:`TEST`
    (in the test split: scored, not judged). The last training row is a copy of row 0 with another
    label. Ids are ``im000.png``, two images to a patient, one more image is set aside.

    Args:
        path: folder of the audit.
        n: images, 2 or more.
        classes: names, two or more.
        side: of the images, pixels.
        patients: whether there is a column of patients.
        truth: whether true label and noise group are known.
        features: whether ``features.npy`` is there.
        arrays: pixels in an .npz file (MedMNIST) instead of PNG files; no patients then.
        seed: of the pixels and numbers.
    """
    rng = np.random.default_rng(seed)
    folder = AuditFolder(Path(path))
    data = folder.path.parent / f"{folder.path.name}_data"
    place = np.arange(n) % 12
    given = np.arange(n) // 2 % len(classes)
    right = np.where(np.isin(place, WRONG), (given + 1) % len(classes), given)
    pixels = np.stack([_picture(row, side, int(right[row]), rng) for row in range(n)])
    split = np.where(np.isin(place, TEST), "test", "train")
    # The same image twice, with different labels.
    twin = int(np.flatnonzero(split == "train")[-1])
    pixels[twin] = pixels[0]
    given[twin] = (given[0] + 1) % len(classes)
    if arrays:
        source, reading = _write_npz(data, pixels, given, split)
    else:
        source, reading = _write_images(data, pixels, given, split, classes, patients=patients)
    reading["class_names"] = list(classes)
    dataset = read_dataset(source, **reading)
    order = _order(dataset, split)
    if truth:
        named = np.select(
            [np.isin(place, WRONG), np.isin(place, UNREADABLE)],
            ["mis_h", "mis_l"],
            "correct",
        )
        dataset.table["true_label"], dataset.table["noise_group"] = right[order], named[order]
    table = _table(dataset, place[order], rng)
    located = [_location(dataset, row) for row in range(n)]
    _write(folder, dataset, table, located, source, reading, patients=patients and not arrays)
    if features:
        values = rng.normal(0, 0.3, (n, 16)) + np.eye(16)[dataset.labels % 16]
        values /= np.linalg.norm(values, axis=1, keepdims=True)
        np.save(folder.features, values.astype(np.float16))
    return folder


def _picture(row: int, side: int, label: int, rng: np.random.Generator) -> np.ndarray:
    """A disc whose colour is its class, on a dark ground; unreadable ones are nothing but dim."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    disc = np.hypot(y, x)[..., None] < side * 0.45
    colour = np.array([[200, 110, 60], [120, 120, 190], [110, 190, 90]])[label % 3]
    picture = np.where(disc, colour, 0) + rng.normal(0, 12, (side, side, 3)) * disc
    if row % 12 in UNREADABLE:
        picture = cv2.GaussianBlur(picture * 0.3, (0, 0), side / 8)
    return np.clip(picture, 0, 255).astype(np.uint8)


def _write_images(
    data: Path,
    pixels: np.ndarray,
    given: np.ndarray,
    split: np.ndarray,
    classes: Sequence[str],
    *,
    patients: bool,
) -> tuple[Path, dict[str, object]]:
    (data / "images").mkdir(parents=True)
    names = [f"im{row:03d}.png" for row in range(len(pixels))]
    for name, image in zip(names, pixels, strict=True):
        cv2.imwrite(str(data / "images" / name), image[..., ::-1])
    columns = {"image": names, "label": [classes[k] for k in given], "split": split}
    if patients:
        # A patient is in one split: two neighbours where both are in the same one.
        columns["patient"] = [f"p{row // 2}{split[row][1]}" for row in range(len(names))]
    write_csv(data / "labels.csv", pd.DataFrame(columns))
    return data / "labels.csv", {"group_column": "patient"} if patients else {}


def _write_npz(
    data: Path, pixels: np.ndarray, given: np.ndarray, split: np.ndarray
) -> tuple[Path, dict[str, object]]:
    data.mkdir(parents=True)
    parts: dict[str, np.ndarray] = {}
    for name in ("train", "test"):
        parts[f"{name}_images"] = pixels[split == name]
        parts[f"{name}_labels"] = given[split == name]
    np.savez(data / "images.npz", **parts)
    return data / "images.npz", {}


def _order(dataset: Dataset, split: np.ndarray) -> np.ndarray:
    """Row as made of each row as read: arrays come split by split."""
    if dataset.arrays is None:
        return np.arange(len(split))
    return np.concatenate([np.flatnonzero(split == name) for name in ("train", "test")])


def _table(dataset: Dataset, place: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    n, classes = len(dataset), dataset.num_classes
    group = np.select([np.isin(place, WRONG), np.isin(place, UNREADABLE)], [1, 2], 0)
    judged = ~np.isin(place, TEST)
    sure = rng.uniform(0.75, 0.98, n)
    p = np.full((n, 3), 0.0)
    p[np.arange(n), group] = sure
    p += ((1 - sure) / 2)[:, None] * (np.arange(3) != group[:, None])
    p[~judged] = np.nan
    guess = np.where(group == 1, (dataset.labels + 1) % classes, dataset.labels)
    # By chance the surest of the unreadable images fit their labels best.
    random = 1 / classes + 0.01 + 0.8 * (sure - 0.75)
    trust = np.where(group == 2, random, rng.uniform(0.8, 0.97, n))
    proba = np.repeat(((1 - trust) / (classes - 1))[:, None], classes, axis=1)
    proba[np.arange(n), guess] = trust
    entropy = -(proba * np.log(proba)).sum(axis=1)
    own = proba[np.arange(n), dataset.labels]
    table = audit_table(dataset, p=p, loss=-np.log(own), entropy=entropy, probabilities=proba)
    table["confidence"], table["self_confidence"] = proba.max(axis=1), own
    if dataset.table["group"].notna().any():
        table["patient"] = dataset.table["group"].fillna("")
    quality = np.where(group == 2, 0.2, rng.uniform(0.6, 0.95, n))
    table["image_quality"] = quality
    for name in ("exposure", "evenness", "contrast", "focus", "detail", "noise", "colour"):
        table[name] = quality
    table["field_of_view"] = True
    table["same_as"], table["hash"] = "", [f"{row:016x}" for row in range(n)]
    _tell_of_twins(table, group)
    return table


def _tell_of_twins(table: pd.DataFrame, group: np.ndarray) -> None:
    """Reasons of image quality and of the copy."""
    last = int(np.flatnonzero(table["split"] == "train")[-1])
    first = table.loc[0, "id"]
    for row in np.flatnonzero(group == 2):
        table.loc[row, "reasons"] = _joined(table.loc[row, "reasons"], "dark; out of focus")
    for row, other in ((0, last), (last, 0)):
        told = (
            f"same image as {table.loc[other, 'id']} with another label "
            f"({table.loc[other, 'given_label']})"
        )
        table.loc[row, "reasons"] = _joined(table.loc[row, "reasons"], told)
        table.loc[row, "is_label_issue"] = True
    table.loc[last, "same_as"] = first


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


def _location(dataset: Dataset, row: int) -> dict[str, object]:
    entry = dataset.table.iloc[row]
    if dataset.arrays is not None:
        pixels = dataset.arrays[entry["array_index"]]
        digest, size = hash_array(pixels), pixels.nbytes
    else:
        digest, size = digest_of_files([Path(entry["path"])])
    return {
        "id": entry["id"], "path": entry["path"], "array_index": entry["array_index"],
        "bytes": size, "digest": digest,
    }  # fmt: skip


def _write(
    folder: AuditFolder,
    dataset: Dataset,
    table: pd.DataFrame,
    located: list[dict[str, object]],
    source: Path,
    reading: dict[str, object],
    *,
    patients: bool,
) -> None:
    folder.path.mkdir(parents=True, exist_ok=True)
    write_csv(folder.table, table)
    table.to_parquet(folder.parquet, index=False)
    write_csv(folder.images, pd.DataFrame(located))
    gone = {"id": ["gone.png"], "path": [""], "reason": ["image file not found"]}
    write_csv(folder.set_aside, pd.DataFrame(gone))
    _write_run(folder, dataset)
    folder.write_manifest(
        Manifest(
            data=str(source.absolute()),
            reading=reading,
            run=str(folder.run.absolute()),
            method="qmix",
            classes=list(dataset.class_names),
            group_column="patient" if patients else "",
            images=len(table),
            fingerprint=fingerprint_of(table, dataset.class_names),
        )
    )


def _write_run(folder: AuditFolder, dataset: Dataset) -> None:
    """What a report reads of the run; there is no network."""
    epochs = np.arange(1, 5)
    write_csv(
        folder.run / "history.csv",
        pd.DataFrame(
            {
                "epoch": epochs,
                "phase": ["warmup", "warmup", "main", "main"],
                "loss": 1 / epochs,
                "val_macro_f1": 1 - 0.5 / epochs,
                "seconds": 1.0,
            }
        ),
    )
    write_text(folder.run / "config.yaml", "method: qmix\n")
    matrix = [[3 if i == j else 1 for j in dataset.class_names] for i in dataset.class_names]
    metrics = {"split": "test", "epochs": 4, "confusion": {"last": matrix, "best": matrix}}
    write_json(folder.run / "metrics.json", metrics)
