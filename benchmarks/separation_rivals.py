"""How well are wrong labels and unreadable images ranked, beside simpler ways? From a benchmark.

python benchmarks/separation_rivals.py runs/matrix

Reads the finished runs of ``mixednoise benchmark matrix.toml --out runs/matrix`` whose data have
known truth, and prints a row per data, noise and way to rank (mean over the seeds):

- every method's p(correct) and p(mis_l) of the final audit, and where it separates while it
  trains, those of its first separation, after the warm-up;
- ``plain loss`` and ``plain entropy`` of the last epoch of ``cross_entropy``;
- ``self-confidence`` out of fold, cleanlab's ranking, where ``confident_learning`` was run;
- ``kNN``: share of the ten nearest training images (cosine of the features of the first network of
  ``cross_entropy``) that have the same label;
- scores of the images alone: the variance of the Laplacian, our image quality, and where it is
  installed each of CleanVision's scores that varies, and the lowest of them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pandas as pd
import torch
import yaml

from commands import finished_runs, out_of_fold
from image_scores import images_alone
from mixednoise.data.readers import read_dataset
from mixednoise.evaluation.ranking import binary_auc
from mixednoise.models import load_networks
from mixednoise.progress import Silent
from mixednoise.workflow.prepare import prepare

NEIGHBOURS = 10
BLOCK = 256
Array = np.ndarray[Any, Any]
Row = tuple[str, float, float]


def judged(run: Path) -> pd.DataFrame:
    """The training samples of a run's audit, where the truth is known; by id."""
    table = pd.read_csv(run / "samples.csv", dtype={"id": str, "given_label": str})
    if "noise_group" not in table:
        return table.iloc[:0].set_index("id")
    return table[(table["split"] == "train") & table["noise_group"].notna()].set_index("id")


def self_confidence(run: Path, table: pd.DataFrame) -> pd.Series[float]:
    """Probability of the given label by the network that never saw the sample."""
    p = out_of_fold(run)
    labels = table.loc[p.index, "given_label"].map({str(c): k for k, c in enumerate(p.columns)})
    return pd.Series(p.to_numpy()[np.arange(len(p)), labels.to_numpy(int)], index=p.index)


@torch.inference_mode()
def neighbours_agree(run: Path) -> pd.Series[float]:
    """Share of the nearest training images that have the same label, by id."""
    record = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))
    options = SimpleNamespace(**record["options"])
    prepared = prepare(read_dataset(record["data"]), options, int(options.image_size), Silent())
    (network, *_), _ = load_networks(run / "model.safetensors")
    network.eval()
    part = prepared.part("train")
    features = []
    for rows in np.array_split(part.store_rows, -(-len(part) // BLOCK)):
        images = torch.from_numpy(prepared.store.take(rows)).permute(0, 3, 1, 2).float() / 255
        features.append(torch.nn.functional.normalize(network.features(images).float(), dim=1))
    every, labels = torch.cat(features), torch.from_numpy(part.labels)
    agree = []
    for start in range(0, len(every), BLOCK):
        likeness = every[start : start + BLOCK] @ every.T
        likeness[torch.arange(len(likeness)), torch.arange(start, start + len(likeness))] = -2
        nearest = likeness.topk(NEIGHBOURS, dim=1).indices
        same = labels[nearest] == labels[start : start + BLOCK, None]
        agree.append(same.float().mean(dim=1))
    ids = prepared.dataset.table["id"].iloc[prepared.dataset.rows("train")]
    return pd.Series(torch.cat(agree).numpy(), index=ids.astype(str))


def rankings(cell: Path, seed: str) -> Iterator[tuple[str, pd.Series[float], pd.Series[float]]]:
    """(name, high = correct, high = mis_l) of every way that the finished runs offer."""
    for method in sorted(path.name for path in cell.iterdir()):
        run = cell / method / seed
        if not (run / "samples.csv").exists():
            continue
        table = judged(run)
        yield method, table["p_correct"], table["p_mis_l"]
        if method == "cross_entropy":
            yield "plain loss, plain entropy", -table["loss"], table["entropy"]
            agree = neighbours_agree(run)
            yield "kNN", agree, -agree
        if method == "confident_learning":
            sure = self_confidence(run, table)
            yield "self-confidence", sure, -sure


def after_warm_up(run: Path) -> tuple[float, float] | None:
    """AUROC of correct and of mis_l at the first separation; None where there was none."""
    history = pd.read_csv(run / "history.csv")
    if "correct_auroc" not in history or not (history["phase"] == "main").any():
        return None
    first = history[history["phase"] == "main"].iloc[0]
    return float(first["correct_auroc"]), float(first["mis_l_auroc"])


def rows_of_cell(cell: Path, seed: str, truth: pd.Series[str], paths: list[str]) -> Iterator[Row]:
    """(way, AUROC of correct, AUROC of mis_l); ``truth`` by id, files in its order."""
    for name, correct, mis_l in rankings(cell, seed):
        ids = correct.index.intersection(truth.index)
        if len(ids) < len(truth):
            continue  # the oracle has learned from the right ones alone
        group = truth.loc[ids].to_numpy(object)
        yield (
            name,
            binary_auc(group == "correct", correct.loc[ids].to_numpy()),
            binary_auc(group == "mis_l", mis_l.loc[ids].to_numpy()),
        )
        first = after_warm_up(cell / name / seed) if (cell / name).is_dir() else None
        if first is not None:
            yield f"{name}, after the warm-up", *first
    group = truth.to_numpy(object)
    for name, readable in images_alone(paths):
        yield (
            name,
            binary_auc(group == "correct", readable),
            binary_auc(group == "mis_l", -readable),
        )


def compare(out: Path) -> pd.DataFrame:
    """AUROC of every way in every cell and seed."""
    rows = []
    for cell in sorted({run.parents[2] for run in finished_runs(out, "*/*/*/*/samples.csv")}):
        for seed in sorted({path.name for path in cell.glob("*/*") if path.is_dir()}):
            finished = [run.parent for run in sorted(cell.glob(f"*/{seed}/samples.csv"))]
            run = next((run for run in finished if "oracle" not in run.parts[-2]), None)
            table = pd.DataFrame() if run is None else judged(run)
            if table.empty or (truth := table["noise_group"]).nunique() < 2:
                continue
            source = yaml.safe_load((run / "config.yaml").read_text(encoding="utf-8"))["data"]
            files = read_dataset(source).table.set_index("id")["path"]
            for way, correct, mis_l in rows_of_cell(cell, seed, truth, list(files[truth.index])):
                rows.append((cell.parent.name, cell.name, way, seed, correct, mis_l))
    return pd.DataFrame(rows, columns=["data", "noise", "way", "seed", "correct", "mis_l"])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder of a benchmark")
    parser.add_argument("--rows", type=Path, help="keep a row per seed in this CSV as well")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    options = parser.parse_args()
    table = compare(options.out)
    if options.rows:
        table.round(4).to_csv(options.rows, index=False)
    means = table.groupby(["data", "noise", "way"], sort=False)[["correct", "mis_l"]].mean()
    seeds = table.groupby(["data", "noise", "way"]).size().rename("seeds")
    print(means.join(seeds).round(3).to_string())


if __name__ == "__main__":
    main()
