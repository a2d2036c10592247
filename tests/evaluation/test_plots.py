"""Every figure must be legible: text inside the page, nothing written over anything else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from mixednoise.errors import DataError, TrainingError
from mixednoise.evaluation.colours import GROUP_COLOURS
from mixednoise.evaluation.plots import (
    most_suspicious,
    plot_comparison,
    plot_confusion,
    plot_gallery,
    plot_groups,
    plot_groups_by_class,
    plot_history,
    plot_matrix,
    plot_per_class,
    save_figure,
)
from mixednoise.evaluation.plots.groups import density
from mixednoise.evaluation.plots.text import fit, shorten_middle, spread, text_width

LONG = (
    "actinic keratosis or Bowen's disease",
    "basal cell carcinoma",
    "benign keratosis-like lesions",
    "dermatofibroma",
    "melanoma in situ and invasive melanoma of the skin",
    "$nevus$ with $",
    "Gefäßverletzungen",
)


def words(figure: Figure) -> list[tuple[str, Bbox, float]]:
    """Text, box in pixels and angle of everything that is written when the figure is drawn."""
    written: dict[int, Text] = {}
    draw = Text.draw

    def record(self: Text, *args: object, **options: object) -> None:
        if self.get_visible() and self.get_text().strip():
            written[id(self)] = self
        draw(self, *args, **options)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", record)
        figure.draw_without_rendering()
    return [
        (text.get_text(), Text.get_window_extent(text), text.get_rotation())
        for text in written.values()
    ]


def assert_legible(figure: Figure) -> list[str]:
    assert figure.bbox.width == 1200
    written = words(figure)
    for text, box, _ in written:
        assert box.x0 >= -1, text
        assert box.y0 >= -1, text
        assert box.x1 <= figure.bbox.width + 1, text
        assert box.y1 <= figure.bbox.height + 1, text
    upright = [(text, box) for text, box, angle in written if angle == 0]
    left, low, right, high = np.array([box.extents for _, box in upright]).T
    across = np.minimum.outer(right, right) - np.maximum.outer(left, left)
    along = np.minimum.outer(high, high) - np.maximum.outer(low, low)
    # Boxes hold empty space above and below the letters: a few pixels don't touch.
    clash = np.argwhere(np.triu((across > 1) & (along > 5), k=1))
    assert not len(clash), [(upright[i][0], upright[j][0]) for i, j in clash[:3]]
    return [text for text, _, _ in written]


def audit_rows(groups: list[str], classes: tuple[str, ...] = LONG) -> pd.DataFrame:
    n = len(groups)
    given = [classes[i % len(classes)] for i in range(n)]
    suggested = [classes[(i + 3) % len(classes)] for i in range(n)]
    return pd.DataFrame(
        {
            "id": [f"photographs/patient_{i:04d}/left eye, second visit.jpeg" for i in range(n)],
            "given_label": given,
            "suggested_label": [
                s if g == "mis_h" else "" for s, g in zip(suggested, groups, strict=True)
            ],
            "p_correct": 0.05,
            "p_mis_h": 0.9,
            "p_mis_l": 0.05,
            "group": groups,
            "label_quality": np.linspace(0.4, 0.1, n) if n else np.zeros(0),
            "reasons": "predicted one thing with 0.97, given another with 0.01; loss above 99 % of "
            "its given class; agreed with the given label in 3 of 120 looks",
        }
    )


@pytest.mark.parametrize("classes", [2, 7])
def test_confusion_and_per_class(classes: int) -> None:
    names = LONG[:classes]
    counts = np.random.default_rng(0).integers(0, 2000, size=(classes, classes))
    counts[1] = 0
    shown = assert_legible(plot_confusion(counts, names))
    assert f"{counts[0, 0]:,}" in shown
    share = 100 * counts[0, 0] / counts[0].sum()
    assert f"{share:.0f} %" in shown

    rows = {
        name: {"sensitivity": 0.5, "specificity": 1.0, "f1": float("nan"), "auc": 0.75,
               "support": 1234}
        for name in names
    }  # fmt: skip
    ends = {
        name: dict.fromkeys(("sensitivity", "specificity", "f1", "auc"), (0.4, 0.6))
        for name in names
    }
    shown = assert_legible(plot_per_class(rows, ends))
    assert shown.count("0.75") == classes
    assert shown.count("–") == classes


def test_confusion_of_many_classes() -> None:
    counts = np.full((12, 12), 5)
    shown = assert_legible(plot_confusion(counts, [f"class number {i}" for i in range(12)]))
    assert shown.count("8") == 144  # each cell holds 5 of 60, 8.3 %


@pytest.mark.parametrize("classes", [2, 7])
def test_groups(classes: int) -> None:
    rng = np.random.default_rng(0)
    loss, entropy = rng.gamma(2, size=300), rng.random(300)
    loss[0] = np.nan
    group = rng.integers(3, size=300)
    labels = rng.integers(classes, size=300)
    shown = assert_legible(plot_groups_by_class(loss, entropy, group, labels, LONG[:classes]))
    mine = group[1:][labels[1:] == 0]
    parts = " / ".join(f"{100 * np.mean(mine == g):.0f}" for g in range(3))
    assert f"n = {len(mine)}: {parts} %" in shown


def test_groups_with_and_without_truth() -> None:
    rng = np.random.default_rng(0)
    loss, entropy, group = rng.gamma(2, size=300), rng.random(300), rng.integers(3, size=300)
    names = np.array(["correct", "mis_h", "mis_l"])[group]
    counts = [f"{(group == g).sum()} {name}" for g, name in enumerate(GROUP_COLOURS)]
    alone = assert_legible(plot_groups(loss, entropy, names))
    assert f"found: {', '.join(counts)}" in alone
    assert not any(text.startswith("truth") for text in alone)
    both = assert_legible(plot_groups(loss, entropy, names, noise_group=["correct"] * 300))
    assert "truth: 300 correct, 0 mis_h, 0 mis_l" in both
    unknown = assert_legible(plot_groups(loss, entropy, names, noise_group=[None] * 300))
    assert unknown == alone


def test_groups_of_nothing() -> None:
    assert "no images" in assert_legible(plot_groups([], [], []))
    assert "no images" in assert_legible(plot_groups([np.nan], [0.1], ["correct"]))
    one = assert_legible(plot_groups([0.3], [0.1], ["mis_h"]))
    assert "found: 0 correct, 1 mis_h, 0 mis_l" in one


def history(epochs: int, warmup: int) -> pd.DataFrame:
    epoch = np.arange(1, epochs + 1)
    main = epoch > warmup
    columns = {
        "epoch": epoch,
        "phase": np.where(main, "main", "warmup"),
        "seconds": 12.0,
        "lr": 0.1,
    }
    for part in ("loss", "val_accuracy", "val_balanced_accuracy", "val_macro_f1", "val_macro_auc",
                 "val_qwk"):  # fmt: skip
        columns[part] = 0.5 + 0.001 * epoch  # all lines end in one point
    for part in ("loss_correct", "loss_mis_h", "loss_mis_l", "loss_contrastive",
                 "loss_regularizer", "correct_auroc", "mis_l_auroc"):  # fmt: skip
        columns[part] = np.where(main, 0.5 + 0.001 * epoch, np.nan)
    for part, size in (("size_correct", 700), ("size_mis_h", 300), ("size_mis_l", 0)):
        columns[part] = np.where(main, size, np.nan)
    return pd.DataFrame(columns)


def test_history() -> None:
    shown = assert_legible(plot_history(history(60, 10), best_epoch=41))
    assert "correct 700" in shown
    assert "macro F1 0.56" in shown
    assert "warm-up" in shown
    assert any("epoch 41" in text for text in shown)


def test_history_without_most_columns() -> None:
    figure = plot_history(history(1, 0)[["loss", "val_qwk"]])
    assert_legible(figure)
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["Training loss", "Validation"]
    only_warmup = plot_history(history(3, 3))
    assert len(only_warmup.axes) == 2
    assert "no epoch has been recorded" in assert_legible(plot_history(history(0, 0)))


def test_gallery() -> None:
    rows = audit_rows(["mis_h"] * 5 + ["mis_l"] * 8 + ["correct"])
    images = np.zeros((14, 12, 12, 3), np.uint8)
    figure = plot_gallery(images, rows, totals={"mis_h": 1234, "mis_l": 8})
    shown = assert_legible(figure)
    assert len(figure.axes) == 13  # the correct one is not shown
    assert "Mislabeled, readable (mis_h): 5 of 1,234 shown" in shown
    assert "Mislabeled, unreadable (mis_l): 8" in shown
    assert "p(mis_h) 0.90" in shown
    assert "→ dermatofibroma" in shown


def test_gallery_of_nothing() -> None:
    shown = assert_legible(plot_gallery(np.zeros((0, 4, 4, 3), np.uint8), audit_rows([])))
    assert shown.count("none found") == 2


def test_gallery_shows_the_truth_where_it_is_known() -> None:
    rows = audit_rows(["mis_h", "mis_h"]).assign(true_label=["melanoma", ""])
    shown = assert_legible(plot_gallery(np.zeros((2, 4, 4, 3), np.uint8), rows))
    assert "truth: melanoma" in shown
    assert sum(text.startswith("truth") for text in shown) == 1
    with pytest.raises(DataError, match="n = 2"):
        plot_gallery(np.zeros((3, 4, 4, 3), np.uint8), rows)


def test_gallery_of_a_table_read_back_from_csv(tmp_path: Path) -> None:
    rows = audit_rows(["mis_h", "mis_l"]).assign(true_label=["", ""])
    rows["reasons"] = ""
    rows.to_csv(tmp_path / "audit.csv", index=False)
    again = pd.read_csv(tmp_path / "audit.csv")
    shown = assert_legible(plot_gallery(np.zeros((2, 4, 4, 3), np.uint8), again))
    assert not any("nan" in text for text in shown)
    assert most_suspicious(again).tolist() == [0, 1]


def test_most_suspicious_are_the_least_likely_labels_and_the_surely_unreadable_images() -> None:
    rows = audit_rows(["mis_l", "correct", "mis_h", "mis_l", "mis_h", "", "mis_h"])
    rows.loc[[0, 3], "p_mis_l"] = [0.9, 0.5]
    assert most_suspicious(rows, 2).tolist() == [6, 4, 0, 3]
    assert most_suspicious(audit_rows(["correct"])).tolist() == []


def comparison() -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"method": method, "seed": seed, "macro_f1_last": score + 0.02 * seed,
             "macro_f1_best": score + 0.1, "qwk_last": -0.05, "accuracy_last": np.nan}
            for method, score in (("cross_entropy", 0.3), ("qmix", 0.5), ("oracle", 0.6))
            for seed in range(2)
        ]
    )  # fmt: skip


def test_comparison() -> None:
    figure = plot_comparison(comparison(), metrics=("accuracy", "macro_f1", "qwk"))
    shown = assert_legible(figure)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["macro F1", "weighted kappa"]  # accuracy holds nothing
    assert {"cross_entropy", "qmix", "oracle"} <= set(shown)
    assert "0.510" in shown  # mean of 0.50 and 0.52
    assert shown.count("-0.050") == 3
    assert any("Mean of 2 runs" in text for text in shown)


def test_comparison_of_several_cells_never_averages_over_them() -> None:
    rows = comparison()
    other = rows.assign(noise="class map", macro_f1_last=0.9)
    figure = plot_comparison(pd.concat([rows.assign(noise="symmetric"), other]))
    shown = assert_legible(figure)
    assert {"symmetric", "class map"} <= set(shown)
    assert shown.count("0.900") == 3
    assert shown.count("0.510") == 1
    with pytest.raises(DataError, match="nothing to compare"):
        plot_comparison(rows, metrics=("ece",))


def leads_of(data: list[str], noises: list[str]) -> pd.DataFrame:
    columns = pd.MultiIndex.from_product([data, noises], names=["data", "noise"])
    values = np.arange(2.0 * len(columns)).reshape(2, -1) - 3
    return pd.DataFrame(values, index=["oracle", "a method with a very long name"], columns=columns)


def test_matrix_has_a_number_and_a_colour_per_cell() -> None:
    leads = leads_of(["skin", "eyes"], ["none", "symmetric", "class map"])
    leads.iloc[0, 0] = np.nan  # not run
    figure = plot_matrix(leads, baseline="cross_entropy")
    shown = assert_legible(figure)
    assert {"skin", "eyes", "oracle", "–", "+0.0", "-2.0", "+8.0"} <= set(shown)
    assert shown.count("symmetric") == 2
    (axes,) = figure.axes
    (image,) = axes.images
    drawn = image.get_array()
    assert drawn is not None
    assert drawn.mask[0, 0]
    assert drawn[1, 5] == 8
    ahead, level, behind = image.cmap(image.norm([15.0, 0.0, -15.0]))[:, :3]
    assert level.min() > 0.99  # white
    assert ahead[2] > ahead[0]  # blue
    assert behind[0] > behind[2]  # orange


def test_a_wide_matrix_goes_on_in_another_line_and_keeps_data_sets_whole() -> None:
    noises = ["none", "symmetric", "structured", "instance", "unreadable"]
    figure = plot_matrix(leads_of([f"set {k}" for k in range(5)], noises), baseline="plain")
    shown = assert_legible(figure)
    assert [axes.images[0].get_array().shape[1] for axes in figure.axes] == [15, 10]
    assert shown.count("oracle") == 2
    boxes = [axes.get_position() for axes in figure.axes]
    assert boxes[0].y0 > boxes[1].y1  # above each other
    one_set = plot_matrix(leads_of(["set"], [f"noise {k}" for k in range(20)]), baseline="plain")
    assert [axes.images[0].get_array().shape[1] for axes in one_set.axes] == [16, 4]
    with pytest.raises(DataError, match="nothing to compare"):
        plot_matrix(pd.DataFrame(), baseline="plain")


def test_saved_figure_is_whole_and_1200_pixels_wide(tmp_path: Path) -> None:
    path = tmp_path / "plots" / "confusion.png"
    save_figure(plot_confusion(np.eye(2), ["no", "中文"]), path)
    head = path.read_bytes()[:24]
    assert head.startswith(b"\x89PNG\r\n\x1a\n")
    assert int.from_bytes(head[16:20], "big") == 1200
    before = path.read_bytes()

    class Broken(Figure):
        def savefig(self, *_args: object, **_kwargs: object) -> None:
            raise OSError(28, "No space left on device")

    with pytest.raises(TrainingError, match="No space left"):
        save_figure(Broken(), path)
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["confusion.png"]


def test_the_users_own_style_is_neither_followed_nor_changed() -> None:
    with mpl.rc_context({"font.size": 30, "axes.grid": True}):
        assert_legible(plot_confusion(np.eye(3), ["a", "b", "c"]))
        assert mpl.rcParams["font.size"] == 30


@pytest.mark.slow
def test_no_display_and_no_pyplot_is_needed() -> None:
    code = (
        "import sys, mixednoise.evaluation.plots as p; p.plot_confusion([[1, 0], [0, 1]], 'ab');"
        "sys.exit('matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_density_against_a_direct_sum() -> None:
    points = np.linspace(0, 1, 201)
    values = np.round(np.random.default_rng(0).beta(2, 5, size=80) * 200) / 200
    lower, upper = np.quantile(values, [0.25, 0.75])
    width = 0.9 * min(values.std(), (upper - lower) / 1.34) * 80**-0.2
    direct = np.zeros(201)
    for value in values:
        for mirror in (-value, value, 2 - value):
            direct += np.exp(-0.5 * ((points - mirror) / width) ** 2)
    np.testing.assert_allclose(density(values, points), direct / direct.max(), atol=0.03)
    assert density(np.array([0.5]), points).argmax() == 100
    assert not density(np.array([]), points).any()


def test_text_is_broken_between_words_and_cut_where_there_is_no_room() -> None:
    text = "benign keratosis-like lesions"
    width = text_width("keratosis-like", 9) + 0.5
    assert fit(text, width, 9, lines=3) == ["benign", "keratosis-like", "lesions"]
    assert fit(text, 1000, 9) == [text]
    for lines in (1, 2):
        for line in fit(text, width, 9, lines=lines):
            assert text_width(line, 9) <= width
    assert fit(text, width, 9, lines=2)[-1].endswith("…")
    assert fit("", 100, 9) == [""]
    assert fit("a\tb\n c", 100, 9) == ["a b c"]


def test_file_names_keep_their_end() -> None:
    short = shorten_middle("train/photographs/image_00017.jpeg", 90, 9)
    assert short.endswith("17.jpeg")
    assert short.startswith("tr")
    assert text_width(short, 9) <= 90


def test_labels_are_spread_in_order_and_within_bounds() -> None:
    placed = spread([0.5, 0.5, 0.51, 0.95], 0.1, 0.0, 1.0)
    assert placed == pytest.approx([0.5, 0.6, 0.7, 0.95])
    crowded = spread([0.99, 0.98, 0.97], 0.2, 0.0, 1.0)
    assert crowded == pytest.approx([1.0, 0.8, 0.6])
    assert spread([0.5] * 11, 0.5, 0.0, 1.0) == pytest.approx(np.linspace(0, 1, 11))
