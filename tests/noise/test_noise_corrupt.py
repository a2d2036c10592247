"""A corrupted data set: what is in the folder, what is the same, and what is never lost."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from mixednoise.data.decode import decode_image
from mixednoise.data.readers import read_dataset
from mixednoise.data.table import Dataset, make_table
from mixednoise.errors import ConfigError, DataError, RunError, TrainingError
from mixednoise.noise import corrupt_dataset, corrupt_images, degrade_randomly
from mixednoise.progress import Silent

CLASSES = ("bcc", "mel", "nv")


def write_images(folder: Path, n: int, size: tuple[int, int] = (20, 30)) -> list[str]:
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    names = []
    for i in range(n):
        base = cv2.resize(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8), size[::-1])
        names.append(f"lesion_{i:03d}.jpg")
        cv2.imwrite(str(folder / names[-1]), base)
    return names


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """42 JPEG files, three classes, two images per patient, no split."""
    folder = tmp_path / "clean"
    names = write_images(folder / "images", 42)
    pd.DataFrame(
        {
            "image": names,
            "label": [CLASSES[i % 3] for i in range(42)],
            "patient": [f"p{i // 6}_{i % 3}" for i in range(42)],
        }
    ).to_csv(folder / "labels.csv", index=False)
    return folder


def npz_dataset(n: int = 40) -> Dataset:
    rng = np.random.default_rng(1)
    split = ["train"] * (n - 12) + ["val"] * 6 + ["test"] * 6
    return Dataset(
        table=make_table(
            [f"{s}_{i:05d}" for i, s in enumerate(split)],
            [i % 2 for i in range(n)],
            array_index=range(n),
            split=split,
        ),
        class_names=("0", "1"),
        source=Path("tiny.npz"),
        arrays=rng.integers(0, 256, (n, 12, 12, 3), dtype=np.uint8),
    )


def fingerprint(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def labels_of(folder: Path) -> pd.DataFrame:
    return pd.read_csv(folder / "labels.csv", dtype=str, keep_default_na=False)


def test_the_folder_holds_what_train_reads_and_the_truth(source, tmp_path):
    out = tmp_path / "noisy"
    corrupt_dataset(read_dataset(source / "labels.csv"), out, mis_h=0.4, mis_l=0.2, seed=3)
    assert sorted(path.name for path in out.iterdir()) == [
        "corruption.json",
        "images",
        "labels.csv",
    ]
    table = labels_of(out)
    ours = ["image", "label", "split", "true_label", "noise_group", "group"]
    assert list(table) == [*ours, "patient"], "ours, and the groups under the user's name"
    assert len(table) == 42
    clean = pd.read_csv(source / "labels.csv")
    assert table["image"].str.rsplit(".", n=1).str[0].tolist() == [
        name[:-4] for name in clean["image"]
    ]
    assert table["true_label"].tolist() == clean["label"].tolist()
    assert table["group"].tolist() == clean["patient"].tolist()
    train = table[table["split"] == "train"]
    rest = table[table["split"] != "train"]
    assert (rest["noise_group"] == "correct").all()
    assert (rest["label"] == rest["true_label"]).all()
    assert set(rest["split"]) == {"val", "test"}
    assert (train["noise_group"] == "mis_h").sum() == round(0.4 * len(train))
    assert (train["noise_group"] == "mis_l").sum() == round(0.2 * len(train))
    wrong = train[train["noise_group"] == "mis_h"]
    assert (wrong["label"] != wrong["true_label"]).all()
    assert len(table[["group", "split"]].drop_duplicates()) == table["group"].nunique()


def test_untouched_images_are_the_same_bytes_and_degraded_ones_keep_their_size(source, tmp_path):
    out = tmp_path / "noisy"
    corrupt_dataset(read_dataset(source / "labels.csv"), out, mis_h=0.2, mis_l=0.3, severity=0.9)
    for row in labels_of(out).itertuples():
        written = out / "images" / row.image
        original = source / "images" / f"{row.image[:10]}.jpg"
        if row.noise_group == "mis_l":
            assert written.suffix == ".png"
            image, clean = decode_image(written), decode_image(original)
            assert image.shape == clean.shape == (20, 30, 3)
            assert np.abs(image.astype(int) - clean).mean() > 20
        else:
            assert written.read_bytes() == original.read_bytes()


def test_it_reads_back_as_the_data_set_that_is_returned(source, tmp_path):
    result = corrupt_dataset(
        read_dataset(source / "labels.csv"), tmp_path / "noisy", mis_h=0.3, mis_l=0.2
    )
    again = read_dataset(result.labels_file)
    assert again.class_names == result.dataset.class_names == CLASSES
    columns = ["id", "path", "label", "split", "group", "true_label", "noise_group"]
    pd.testing.assert_frame_equal(again.table[columns], result.dataset.table[columns])
    assert len(again.set_aside) == 0


def test_pixels_of_an_npz_become_png_and_untouched_ones_stay_exact(tmp_path):
    ds = npz_dataset()
    out = tmp_path / "noisy"
    result = corrupt_dataset(ds, out, mis_h=0.25, mis_l=0.25, seed=1)
    again = read_dataset(out)
    assert again.table["id"].tolist() == ds.table["id"].tolist()
    assert again.table["split"].tolist() == ds.table["split"].tolist()
    for row in again.table.itertuples():
        same = (decode_image(row.path) == ds.arrays[row.Index]).all()
        assert same == (row.noise_group != "mis_l")
    assert result.summary["train_groups"] == {"correct": 14, "mis_h": 7, "mis_l": 7}
    assert "group" not in labels_of(out)


def test_degraded_pixels_follow_from_seed_and_row_alone(tmp_path):
    ds = npz_dataset()
    corrupt_dataset(ds, tmp_path / "noisy", mis_h=0, mis_l=1, severity=0.5, seed=7)
    again = read_dataset(tmp_path / "noisy")
    for row in (0, 11, 27):
        expected = degrade_randomly(ds.arrays[row], 0.5, np.random.default_rng([7, 1, row]))
        assert (decode_image(again.table["path"][row]) == expected).all()


@pytest.mark.parametrize(("name", "columns"), [("eye", ["group", "eye"]), ("group", ["group"])])
def test_groups_keep_the_name_that_the_user_gave_them(source, tmp_path, name, columns):
    table = pd.read_csv(source / "labels.csv").rename(columns={"patient": name})
    table.to_csv(source / "labels.csv", index=False)
    clean = read_dataset(source / "labels.csv", group_column=name)
    out = tmp_path / "noisy"
    corrupt_dataset(clean, out, mis_h=0.2, mis_l=0.2)
    written = labels_of(out)
    assert list(written.columns[5:]) == columns
    again = read_dataset(out, group_column=columns[-1])
    assert again.table["group"].tolist() == table[name].tolist()


@pytest.mark.parametrize("kind", ["symmetric", "instance"])
def test_one_seed_one_result_whatever_the_number_of_threads(source, tmp_path, kind):
    ds = read_dataset(source / "labels.csv")
    prints = []
    for i, (seed, workers) in enumerate([(5, 1), (5, 3), (6, 1)]):
        out = tmp_path / f"noisy{i}"
        corrupt_dataset(
            ds, out, mis_h=0.3, mis_l=0.2, kind=kind, severity=0.7, seed=seed, workers=workers
        )
        prints.append(fingerprint(out))
    assert prints[0] == prints[1]
    assert prints[0] != prints[2]


def test_the_source_is_not_touched(source, tmp_path):
    before = fingerprint(source)
    stamps = {path: path.stat() for path in source.rglob("*")}
    corrupt_dataset(read_dataset(source / "labels.csv"), tmp_path / "noisy", mis_h=0.3, mis_l=0.3)
    assert fingerprint(source) == before
    for path, stat in stamps.items():
        now = path.stat()
        assert (now.st_mtime_ns, now.st_ctime_ns) == (stat.st_mtime_ns, stat.st_ctime_ns)


def test_links_take_no_space_where_they_are_wanted(source, tmp_path):
    out = tmp_path / "noisy"
    corrupt_dataset(
        read_dataset(source / "labels.csv"), out, mis_h=0.3, mis_l=0.2, link_images=True
    )
    for row in labels_of(out).itertuples():
        links = (out / "images" / row.image).stat().st_nlink
        assert links == (1 if row.noise_group == "mis_l" else 2)


def test_links_that_can_not_be_made_are_copies(source, tmp_path, monkeypatch):
    def refuse(*_args: object, **_kwargs: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)
    out = tmp_path / "noisy"
    corrupt_dataset(read_dataset(source / "labels.csv"), out, mis_h=0, mis_l=0, link_images=True)
    assert fingerprint(out / "images") == fingerprint(source / "images")


def test_splits_of_the_user_are_kept_and_a_lacking_val_stays_clean(source, tmp_path):
    table = pd.read_csv(source / "labels.csv")
    table["split"] = ["test" if i >= 30 else "train" for i in range(42)]
    table.to_csv(source / "labels.csv", index=False)
    out = tmp_path / "noisy"
    corrupt_dataset(read_dataset(source / "labels.csv"), out, mis_h=1.0, mis_l=0.0)
    noisy = labels_of(out)
    assert (noisy["split"][30:] == "test").all()
    val = noisy[noisy["split"] == "val"]
    assert len(val) > 0
    assert (val["label"] == val["true_label"]).all()
    train = noisy[noisy["split"] == "train"]
    assert (train["label"] != train["true_label"]).all()


def test_identical_images_stay_in_one_split(tmp_path):
    folder = tmp_path / "clean"
    names = write_images(folder / "images", 30)
    for i in range(0, 30, 2):
        copy = (folder / "images" / names[i]).read_bytes()
        (folder / "images" / names[i + 1]).write_bytes(copy)
    labels = [CLASSES[i // 2 % 3] for i in range(30)]
    pd.DataFrame({"image": names, "label": labels}).to_csv(folder / "labels.csv", index=False)
    out = tmp_path / "noisy"
    corrupt_dataset(read_dataset(folder / "labels.csv"), out, mis_h=0.2, mis_l=0.2)
    split = labels_of(out)["split"].to_numpy()
    assert (split[0::2] == split[1::2]).all()
    assert len(set(split)) == 3


def test_class_map_by_name(source, tmp_path):
    out = tmp_path / "noisy"
    result = corrupt_dataset(
        *(read_dataset(source / "labels.csv"), out),
        **{"mis_h": 0.5, "mis_l": 0.0, "kind": "class_map", "class_map": {"mel": "nv"}},
    )
    train = labels_of(out).query("split == 'train'")
    mel = train[train["true_label"] == "mel"]
    assert (mel["label"] == "nv").sum() == round(0.5 * len(mel))
    assert (train["label"] != train["true_label"]).sum() == round(0.5 * len(mel))
    assert result.summary["class_map"] == {"mel": "nv"}


def test_the_summary_counts_what_the_table_holds(source, tmp_path):
    out = tmp_path / "noisy"
    result = corrupt_dataset(
        read_dataset(source / "labels.csv"), out, mis_h=0.4, mis_l=0.2, severity=0.8, seed=9
    )
    told = json.loads((out / "corruption.json").read_text())
    assert told == result.summary
    train = labels_of(out).query("split == 'train'")
    assert told["class_names"] == list(CLASSES)
    assert told["ordinal"] is False
    assert (told["mis_h"], told["mis_l"], told["severity"], told["seed"]) == (0.4, 0.2, 0.8, 9)
    assert told["images"]["train"] == len(train)
    for a, true in enumerate(CLASSES):
        for group in ("correct", "mis_h", "mis_l"):
            n = ((train["true_label"] == true) & (train["noise_group"] == group)).sum()
            assert told["train_groups_per_true_class"][true][group] == n
        for b, given in enumerate(CLASSES):
            n = ((train["true_label"] == true) & (train["label"] == given)).sum()
            assert told["train_labels_true_by_given"][a][b] == n
    degraded = train[train["noise_group"] == "mis_l"]["image"]
    assert told["renamed"] == {name: f"{name[:-4]}.jpg" for name in degraded}


def test_jpeg_keeps_the_user_s_image_values(source, tmp_path):
    out = tmp_path / "noisy"
    corrupt_dataset(
        read_dataset(source / "labels.csv"), out, mis_h=0, mis_l=0.5, image_format="jpeg"
    )
    assert labels_of(out)["image"].tolist() == pd.read_csv(source / "labels.csv")["image"].tolist()


def test_an_image_that_can_not_be_decoded_is_taken_over_and_told(source, tmp_path):
    broken = source / "images" / "lesion_000.jpg"
    broken.write_bytes(b"no image")
    table = pd.read_csv(source / "labels.csv").assign(split=["train"] * 36 + ["val"] * 6)
    table.to_csv(source / "labels.csv", index=False)
    progress, out = Silent(), tmp_path / "noisy"
    result = corrupt_dataset(
        read_dataset(source / "labels.csv"), out, mis_h=0, mis_l=1, progress=progress
    )
    assert result.summary["not_degraded_because_unreadable"] == ["lesion_000.jpg"]
    assert any("lesion_000.jpg" in line for line in progress.warnings)
    row = labels_of(out).iloc[0]
    assert (out / "images" / row["image"]).read_bytes() == b"no image"
    assert row["noise_group"] == "mis_l"
    corrupt_dataset(
        read_dataset(source / "labels.csv"), tmp_path / "b", mis_h=0.3, mis_l=0, kind="instance"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"mis_h": 0.7, "mis_l": 0.5}, "more noise than images"),
        ({"mis_h": -0.2}, "out of range"),
        ({"severity": 1.2}, "severity"),
        ({"kind": "class_map", "class_map": {"mel": "naevus"}}, "naevus"),
        ({"kind": "class_map", "class_map": {"mel": "mel"}}, "mel -> mel"),
        ({"kind": "class_map"}, "needs the map"),
        ({"kind": "random"}, "symmetric, frequency"),
        ({"seed": -1}, "seed"),
        ({"image_format": "gif"}, "image_format"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(source, tmp_path, options, message):
    ds = read_dataset(source / "labels.csv")
    with pytest.raises(ConfigError, match=message) as caught:
        corrupt_dataset(ds, tmp_path / "noisy", **options)
    assert caught.value.fix
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean"]


def test_noise_is_not_put_on_top_of_noise(source, tmp_path):
    result = corrupt_dataset(
        read_dataset(source / "labels.csv"), tmp_path / "noisy", mis_h=0.3, mis_l=0.1
    )
    with pytest.raises(DataError, match="noise in it already"):
        corrupt_dataset(result.dataset, tmp_path / "more")


def test_a_patient_in_two_splits_is_refused(source, tmp_path):
    table = pd.read_csv(source / "labels.csv").assign(split=["train", "test"] * 21)
    table.to_csv(source / "labels.csv", index=False)
    with pytest.raises(DataError, match="in more than one split"):
        corrupt_dataset(read_dataset(source / "labels.csv"), tmp_path / "noisy")
    assert not (tmp_path / "noisy").exists()


def test_missing_files_and_a_missing_train_split_are_refused(source, tmp_path):
    ds = read_dataset(source / "labels.csv")
    (source / "images" / "lesion_007.jpg").unlink()
    with pytest.raises(DataError, match=r"lesion_007\.jpg"):
        corrupt_dataset(ds, tmp_path / "noisy")
    arrays = npz_dataset()
    only_test = arrays.subset(np.flatnonzero(arrays.table["split"] != "train"))
    with pytest.raises(DataError, match="nothing to put noise into"):
        corrupt_dataset(only_test, tmp_path / "noisy")


def test_a_folder_with_something_in_it_is_left_alone(source, tmp_path):
    ds = read_dataset(source / "labels.csv")
    out = tmp_path / "noisy"
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(RunError, match="exists already"):
        corrupt_dataset(ds, out)
    assert fingerprint(out).keys() == {"notes.txt"}
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(RunError, match="is a file"):
        corrupt_dataset(ds, file, overwrite=True)


def test_overwrite_replaces_the_earlier_result_and_nothing_else(source, tmp_path):
    ds = read_dataset(source / "labels.csv")
    out = tmp_path / "noisy"
    corrupt_dataset(ds, out, mis_h=0, mis_l=0.5, seed=1)
    (out / "notes.txt").write_text("mine")
    corrupt_dataset(ds, out, mis_h=0, mis_l=0.5, seed=2, overwrite=True)
    corrupt_dataset(ds, tmp_path / "fresh", mis_h=0, mis_l=0.5, seed=2)
    replaced = fingerprint(out)
    assert (out / "notes.txt").read_text() == "mine"
    del replaced["notes.txt"]
    assert replaced == fingerprint(tmp_path / "fresh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean", "fresh", "noisy"]


def test_overwrite_never_replaces_images_that_are_no_result_of_ours(source, tmp_path):
    ds = read_dataset(source / "labels.csv")
    before = fingerprint(source)
    with pytest.raises(RunError, match="not a result"):
        corrupt_dataset(ds, source, overwrite=True)
    (source / "corruption.json").write_text("{}")
    with pytest.raises(ConfigError, match="the data itself"):
        corrupt_dataset(ds, source, overwrite=True)
    (source / "corruption.json").unlink()
    assert fingerprint(source) == before


class Interrupted(Silent):
    """Ctrl-C after the first image."""

    def track(self, items, description, total=None):
        for i, item in enumerate(items):
            if i == 1 and description.startswith("writing"):
                raise KeyboardInterrupt
            yield item


@pytest.mark.parametrize("earlier", [False, True])
def test_an_interruption_leaves_what_was_there_before(source, tmp_path, earlier):
    ds = read_dataset(source / "labels.csv")
    out = tmp_path / "noisy"
    if earlier:
        corrupt_dataset(ds, out, seed=1)
    before = fingerprint(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        corrupt_dataset(ds, out, seed=2, overwrite=True, progress=Interrupted())
    assert fingerprint(tmp_path) == before
    assert out.exists() == earlier


def test_a_full_disk_is_one_message_and_leaves_nothing(source, tmp_path, monkeypatch):
    def full(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(corrupt_images.shutil, "copyfile", full)
    with pytest.raises(TrainingError, match="No space left"):
        corrupt_dataset(read_dataset(source / "labels.csv"), tmp_path / "deep" / "noisy")
    assert list((tmp_path / "deep").iterdir()) == []


def test_a_failed_swap_puts_the_earlier_result_back(source, tmp_path, monkeypatch):
    ds = read_dataset(source / "labels.csv")
    out = tmp_path / "noisy"
    corrupt_dataset(ds, out, seed=1)
    before = fingerprint(tmp_path)
    rename, calls = Path.rename, []

    def failing(self: Path, target: Path) -> Path:
        calls.append(self.name)
        if len(calls) == 5:  # three moved away, one moved in, then this
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    with pytest.raises(TrainingError, match="Input/output"):
        corrupt_dataset(ds, out, seed=2, overwrite=True)
    monkeypatch.undo()
    assert fingerprint(tmp_path) == before


@pytest.mark.real_data
def test_retinamnist_can_be_corrupted_and_read_back(tmp_path, real_data):
    ds = read_dataset(real_data / "retinamnist" / "retinamnist.npz")
    result = corrupt_dataset(ds, tmp_path / "noisy", mis_h=0.35, mis_l=0.15)
    assert result.summary["train_groups"] == {"correct": 540, "mis_h": 378, "mis_l": 162}
    again = read_dataset(tmp_path / "noisy")
    assert again.class_names == ds.class_names
    assert again.ordinal
    assert (again.table["true_label"].to_numpy() == ds.labels).all()
