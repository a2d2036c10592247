"""How good are predicted masks: Dice, HD95 and ASSD per image and class, and over a set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from mixednoise.errors import DataError
from mixednoise.evaluation.mask_counts import check_masks, dice_from_counts, mask_confusion
from mixednoise.evaluation.mask_surface import (
    EmptyRule,
    UnmatchedRule,
    check_rules,
    hd95_assd,
)
from mixednoise.evaluation.metrics import checked_names
from mixednoise.evaluation.ranking import divide, mean_of_defined
from mixednoise.evaluation.resampling import (
    check_bootstrap,
    percentile_interval,
    resampled_sums,
    unit_codes,
)
from mixednoise.io import as_text

#: What is measured per image and class.
MASK_METRICS = ("dice", "hd95", "assd")
#: Name of the row over all foreground classes.
MACRO = "all classes"


class MaskEvaluator:
    """Scores masks one at a time and keeps the numbers, not the masks.

    Pixels whose truth is :data:`~mixednoise.segmentation.labels.IGNORE` are not looked at: for
    the surfaces they belong to no class, in the prediction as in the truth. Background is not
    scored: its Dice is near one whatever the prediction.

    Args:
        class_names: K names, the background's first.
        spacing: size of a pixel along each axis for HD95 and ASSD; one number for all; None =
            distances in pixels. ``add`` can override it per case.
        empty: where a class is in neither mask: ``nan`` = undefined, left out of means and
            counted as left out; ``one`` = perfect, Dice 1 and distance 0.
        unmatched: HD95 and ASSD where a class is in one mask only: ``nan`` = undefined, or
            ``diagonal`` = the image's diagonal. Its Dice is 0 in any case.
        surface: whether to compute HD95 and ASSD at all.

    Raises:
        DataError: fewer than two names, one twice, or one that is :data:`MACRO`.
        ConfigError: an unknown rule.
    """

    def __init__(
        self,
        class_names: Sequence[str],
        *,
        spacing: Sequence[float] | float | None = None,
        empty: EmptyRule = "nan",
        unmatched: UnmatchedRule = "nan",
        surface: bool = True,
    ) -> None:
        self.class_names = checked_names(class_names, max(2, len(class_names)))
        if MACRO in self.class_names:
            raise DataError(
                f"a class can't be called {MACRO!r}",
                expected="class names that differ from that of the row over all classes",
                found=", ".join(self.class_names),
                fix="rename the class",
            )
        check_rules(empty, unmatched)
        self._spacing, self._empty, self._unmatched = spacing, empty, unmatched
        self._metrics = MASK_METRICS if surface else MASK_METRICS[:1]
        self._groups: dict[str, str | None] = {}
        self._scores: list[NDArray[np.float64]] = []
        self._pixels: list[NDArray[np.int64]] = []

    def __len__(self) -> int:
        return len(self._scores)

    def add(
        self,
        name: str,
        predicted: ArrayLike,
        truth: ArrayLike,
        *,
        spacing: Sequence[float] | float | None = None,
        group: str | None = None,
    ) -> None:
        """Score one case.

        Args:
            name: of the case, each once.
            predicted: class index 0..K-1 (*S); its values where the truth is IGNORE don't matter.
            truth: class index 0..K-1, or IGNORE (*S).
            spacing: of this case; None = that of the evaluator.
            group: patient, the unit of the bootstrap.

        Raises:
            DataError: a name that was there before; masks that differ in size or hold values that
                no class has.
            ConfigError: a spacing that doesn't fit the axes.
        """
        name = as_text(name)  # tables hold nothing else
        if name in self._groups:
            raise DataError(
                f"{name} is scored twice",
                expected="every case once",
                found=f"a second prediction after {len(self)} cases",
                fix="give every case a name of its own",
            )
        classes = len(self.class_names)
        own, other, seen = check_masks(predicted, truth, classes, name=name)
        counts = mask_confusion(own[seen], other[seen], classes)
        scores = np.full((len(self._metrics), classes - 1), np.nan)
        scores[0] = dice_from_counts(counts, empty=self._empty)[1:]
        if len(self._metrics) > 1:
            size = self._spacing if spacing is None else spacing
            for c in range(1, classes):
                scores[1:, c - 1] = hd95_assd(
                    (own == c) & seen,
                    (other == c) & seen,
                    spacing=size,
                    empty=self._empty,
                    unmatched=self._unmatched,
                )
        self._groups[name] = group
        self._scores.append(scores)
        self._pixels.append(np.stack([counts.sum(axis=1)[1:], counts.sum(axis=0)[1:]]))

    def cases(self) -> pd.DataFrame:
        """One row per case and foreground class, in the order added.

        Columns ``name, group, class, dice, hd95, assd, truth_pixels, predicted_pixels``; undefined
        scores are NaN; the distances are not there without ``surface``.
        """
        classes = self.class_names[1:]
        scores, pixels = self._stacked()
        table = pd.DataFrame(
            {
                "name": np.repeat(np.array(list(self._groups), dtype=object), len(classes)),
                "group": np.repeat(
                    np.array(list(self._groups.values()), dtype=object), len(classes)
                ),
                "class": np.tile(np.array(classes, dtype=object), len(self)),
            }
        )
        for m, metric in enumerate(self._metrics):
            table[metric] = scores[:, m].ravel()
        table["truth_pixels"] = pixels[:, 0].ravel()
        table["predicted_pixels"] = pixels[:, 1].ravel()
        return table

    def scores(self, metric: str = "dice", class_name: str | None = None) -> pd.Series[Any]:
        """One number per case, with the case names as index: what methods are compared by.

        Args:
            metric: ``dice``, ``hd95`` or ``assd``.
            class_name: a foreground class; None = the mean over the foreground classes that are
                defined in the case.

        Raises:
            DataError: no such metric or class.
        """
        values = self._stacked()[0][:, self._position(metric, self._metrics, "metric")]
        if class_name is None:
            column = mean_of_defined(values)
        else:
            column = values[:, self._position(class_name, self.class_names[1:], "class")]
        return pd.Series(column, index=pd.Index(list(self._groups), dtype=object), name=metric)

    def table(
        self,
        *,
        rng: np.random.Generator | None = None,
        resamples: int = 1000,
        level: float = 0.95,
    ) -> pd.DataFrame:
        """Mean and spread over the cases, per foreground class and over all of them.

        The row :data:`MACRO` is over the cases' own means over their defined classes.

        Args:
            rng: with it, percentile bootstrap intervals of the means are added, by patient where
                groups were given.
            resamples: number of resamples, at least 2.
            level: share of the resamples inside the interval, in (0, 1).

        Returns:
            One row per class and metric: ``class, metric, mean, sd`` (sample standard deviation,
            NaN below two cases), ``n`` (cases that are defined), ``left_out`` (that are not), and
            with ``rng`` ``low, high``.

        Raises:
            ConfigError: ``resamples`` or ``level`` out of range.
        """
        check_bootstrap(resamples, level)
        keys: list[tuple[str, str]] = []
        columns: list[NDArray[np.float64]] = []
        for name in [*self.class_names[1:], None]:
            for metric in self._metrics:
                keys.append((MACRO if name is None else name, metric))
                columns.append(self.scores(metric, name).to_numpy(np.float64))
        values = np.stack(columns, axis=1)
        defined = ~np.isnan(values)
        n = defined.sum(axis=0)
        filled = np.where(defined, values, 0.0)
        mean = divide(filled.sum(axis=0), n)
        squares = np.where(defined, (filled - np.where(n > 0, mean, 0.0)) ** 2, 0.0).sum(axis=0)
        table = pd.DataFrame(keys, columns=["class", "metric"])
        table["mean"] = mean
        table["sd"] = np.sqrt(divide(squares, np.where(n > 1, n - 1, 0)))
        table["n"] = n
        table["left_out"] = len(self) - n
        if rng is not None:
            both = np.concatenate([filled, defined], axis=1)
            draws = np.full((resamples, values.shape[1]), np.nan)
            groups = np.array(list(self._groups.values()), dtype=object)
            if unit_codes(groups, len(self))[1] > 1:
                sums = resampled_sums(both, rng=rng, resamples=resamples, groups=groups)
                draws = divide(sums[:, : values.shape[1]], sums[:, values.shape[1] :])
            ends = [percentile_interval(column, level) for column in draws.T]
            table["low"], table["high"] = ([end[k] for end in ends] for k in (0, 1))
        return table

    def summary(self) -> dict[str, Any]:
        """The numbers for a JSON file.

        Returns:
            ``cases``: how many; ``empty``, ``unmatched``: the rules; ``macro``: ``{metric: {mean,
            sd, n, left_out}}``; ``per_class``: the same per class name, and ``missed`` (cases in
            which the class is in the truth and not in the prediction) and ``spurious`` (the other
            way round).
        """
        numbers: dict[str, dict[str, Any]] = {}
        for row in self.table().to_dict("records"):
            kept = {key: row[key] for key in ("mean", "sd", "n", "left_out")}
            numbers.setdefault(str(row["class"]), {})[str(row["metric"])] = kept
        macro = numbers.pop(MACRO)
        pixels = self._stacked()[1] > 0
        for c, name in enumerate(self.class_names[1:]):
            in_truth, in_prediction = pixels[:, 0, c], pixels[:, 1, c]
            numbers[name]["missed"] = int((in_truth & ~in_prediction).sum())
            numbers[name]["spurious"] = int((in_prediction & ~in_truth).sum())
        rules = {"empty": self._empty, "unmatched": self._unmatched}
        return {"cases": len(self), **rules, "macro": macro, "per_class": numbers}

    def _stacked(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Scores (N, metrics, K-1) and pixels (N, 2, K-1), also of no case at all."""
        classes = len(self.class_names) - 1
        if not self._scores:
            return np.zeros((0, len(self._metrics), classes)), np.zeros((0, 2, classes), np.int64)
        return np.stack(self._scores), np.stack(self._pixels)

    @staticmethod
    def _position(value: str, known: Sequence[str], kind: str) -> int:
        if value not in known:
            raise DataError(
                f"there is no {kind} {value!r}",
                expected=", ".join(known),
                found=repr(value),
                fix=f"choose a {kind} that was scored",
            )
        return list(known).index(value)
