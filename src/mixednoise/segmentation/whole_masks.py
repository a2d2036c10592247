"""Masks that are wrong as a whole.

People draw a mask well or badly as a whole: an outline too wide all around, a structure left out.
Pixels don't know of each other in confident learning, masks do: how far a mask agrees with a model
that never saw it tells the two kinds apart much better than any pixel tells whether it is wrong.
In a mask that is wrong as a whole nearly all that the model disagrees with is wrong; in the others
nearly all of it is the model's own fault.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import xlogy

from mixednoise.data.report import counted
from mixednoise.segmentation.error_settings import MOST_DOUBT
from mixednoise.segmentation.labels import IGNORE, Mask, Probabilities
from mixednoise.segmentation.pixel_blocks import blocks, disagreements, own_probability
from mixednoise.separation.confident_joint import TOLERANCE

if TYPE_CHECKING:
    from sklearn.mixture import GaussianMixture

Floats = NDArray[np.float64]

#: Of fewer masks with structures nothing can be said.
FEWEST_MASKS = 20
#: Right masks, wrong ones, and those that have nothing in common with the model.
MOST_KINDS = 3
#: Gain of the Bayesian information criterion from which several kinds are believed in: "very
#: strong" evidence (Kass and Raftery 1995, section 3.2).
EVIDENCE = 10.0
#: Dice of mask and model up to which they have nothing in common.
NOTHING_IN_COMMON = 0.15
#: Dice of 0.98 and better is as good as any other: nobody draws better than that.
_FAIR_MISMATCH = 0.02
#: Loss of one pixel at least; and, as a share of the median, what counts as none of a mask.
_LEAST_LOSS, _FAIR_LOSS = 1e-6, 0.1
#: The quantile of the masks at which the models that judge them are brought in line.
_AGREES_WELL = 0.15
#: Variance that is added in units of the whole set's: masks that are all empty are a single point.
_REGULARISATION = 1e-2
_RESTARTS = 10


@dataclass(frozen=True)
class WholeMasks:
    """What is known of masks as a whole.

    Attributes:
        p_wrong: name -> probability that the mask is wrong as a whole, in [0, 1]; empty where all
            masks are of one kind.
        agreement: name -> Dice of mask and model, and mean loss of the mask, nats.
        evidence: gain of the Bayesian information criterion over one kind of masks; 0 where one
            kind explains them best.
        doubt: mean entropy of right or wrong, nats, 0 to 0.69 = nothing is known.
    """

    p_wrong: dict[str, float] = field(default_factory=dict)
    agreement: dict[str, tuple[float, float]] = field(default_factory=dict, repr=False)
    evidence: float = 0.0
    doubt: float = float(np.log(2))

    def wrong(self, name: str) -> bool:
        """Whether the mask is more likely wrong than right."""
        return self.p_wrong.get(name, 0.0) > 0.5

    @property
    def num_wrong(self) -> int:
        """Masks that are more likely wrong than right."""
        return sum(map(self.wrong, self.p_wrong))

    @property
    def several_kinds(self) -> bool:
        """Whether right masks and wrong ones can be told apart."""
        return bool(self.p_wrong)

    def to_json(self) -> dict[str, Any]:
        """Whether masks are of several kinds, the evidence, and how many are wrong."""
        return {
            "several_kinds": self.several_kinds,
            "evidence": round(self.evidence, 3),
            "doubt": round(self.doubt, 4),
            "wrong": self.num_wrong,
        }


class Kinds(NamedTuple):
    """What the mixtures say.

    Attributes:
        p_wrong: (N,) probability that each mask is wrong, in [0, 1].
        evidence: gain of the criterion over one kind, at least 0.
        doubt: mean entropy of right or wrong, nats, over masks that have something in common with
            the model; log 2 where these are too few, or all masks are the same.
    """

    p_wrong: Floats
    evidence: float
    doubt: float


class MaskAgreement:
    """Takes up masks one by one and tells in the end which of them are wrong as a whole.

    Args:
        judges: name -> number of the model that judged it; None = the same one judged all.
        most_doubt: mean entropy of right or wrong, nats, up to which masks are told apart.
    """

    def __init__(
        self, judges: Mapping[str, int] | None = None, most_doubt: float = MOST_DOUBT
    ) -> None:
        self._judges, self._most_doubt = judges, most_doubt
        self._agreement: dict[str, tuple[float, float]] = {}
        self._empty: set[str] = set()

    def add(
        self,
        name: str,
        mask: Mask,
        probabilities: Probabilities,
        dtype: np.dtype[np.floating],
        temperature: float = 1.0,
    ) -> None:
        """Take up one mask; one without labelled pixels is left out.

        Where neither the mask nor the model knows of any structure, there is nothing to disagree
        about: such a mask is right, and says nothing of the others.

        Args:
            name: of the image.
            mask: uint8 (*S), 255 = left out.
            probabilities: (K, *S) of a model that never saw the image.
            dtype: float32 or float64: what is computed in.
            temperature: see :class:`~mixednoise.segmentation.error_settings.ErrorSettings`.
        """
        classes = len(probabilities)
        confusion = np.zeros((classes, classes), np.int64)
        loss = 0.0
        flat = probabilities.reshape(classes, -1)
        for _, given, block in blocks(mask.reshape(-1), flat, dtype, temperature):
            own = own_probability(given, block)
            places, proposed = disagreements(given, block, TOLERANCE, own)
            counts = [np.count_nonzero(given == k) for k in range(classes)]
            if sum(counts) < given.size:
                own = own[given != IGNORE]
            np.maximum(own, own.dtype.type(_LEAST_LOSS), out=own)
            loss -= float(np.log(own, out=own).sum())
            pairs = given[places].astype(np.intp) * classes + proposed
            moved = np.bincount(pairs, minlength=confusion.size).reshape(confusion.shape)
            confusion += moved + np.diag(counts - moved.sum(axis=1))
        pixels = int(confusion.sum())
        if pixels == 0:
            return
        if confusion[0, 0] == pixels:
            self._empty.add(name)
        self._agreement[name] = (mean_dice(confusion), loss / pixels)

    def judge(self) -> WholeMasks:
        """What the masks that were taken up say together."""
        judged = [name for name in self._agreement if name not in self._empty]
        if len(judged) < FEWEST_MASKS:
            return WholeMasks(agreement=self._agreement)
        dice, loss = np.array([self._agreement[name] for name in judged]).T
        judges = None if self._judges is None else np.array([self._judges[n] for n in judged])
        kinds = probability_wrong(np.stack([1 - dice, loss], axis=1), judges)
        told: dict[str, float] = {}
        if kinds.evidence > EVIDENCE and kinds.doubt <= self._most_doubt:
            told = dict(zip(judged, kinds.p_wrong.tolist(), strict=True))
            told |= dict.fromkeys(self._empty, 0.0)
        return WholeMasks(told, self._agreement, kinds.evidence, kinds.doubt)


def in_words(whole: Mapping[str, Any] | None, images: int) -> str:
    """One sentence for people.

    Args:
        whole: of :meth:`WholeMasks.to_json`; None = was not asked for.
        images: masks that were looked at.

    Returns:
        Empty where it was not asked for.
    """
    if not whole:
        return ""
    if not whole["several_kinds"]:
        return "The masks are of one kind, as far as can be told: pixels were judged one by one."
    return (
        f"{whole['wrong']:,} of {counted(images, 'mask')} are wrong as a whole; nothing is "
        "suspected in the others."
    )


def mean_dice(confusion: NDArray[np.int64]) -> float:
    """Mean Dice of the structures (classes from 1) that are in either; 1 where there are none.

    Args:
        confusion: (K, K) pixels per given and proposed class.
    """
    sizes = (confusion.sum(axis=0) + confusion.sum(axis=1))[1:]
    present = sizes > 0
    if not present.any():
        return 1.0
    return float(np.mean(2 * confusion.diagonal()[1:][present] / sizes[present]))


def probability_wrong(mismatch: Floats, judges: NDArray[np.int64] | None = None) -> Kinds:
    """Probability that each mask is wrong as a whole, from mixtures of Gaussians.

    The axes are the logarithms of both measures, which are ratios: where a good outline is off by a
    hundredth, one of three hundredths is far away. Whether there are kinds at all is asked of up to
    three Gaussians, by the Bayesian information criterion. Who belongs where is asked of two, right
    and wrong, among the masks that have something in common with the model: those that have not
    are a heap of their own, beside which the others would look alike; they are wrong.

    Args:
        mismatch: (N, 2) 1 - Dice and mean loss of each mask, at least 0.
        judges: (N,) number of the model that judged each; None = one judged all.
    """
    judges = np.zeros(len(mismatch), np.int64) if judges is None else judges
    points = _axes(mismatch, judges)
    most = min(MOST_KINDS, len(np.unique(points, axis=0)))
    fits = [_fit(points, kinds) for kinds in range(1, most + 1)]
    criteria = [fit.bic(points) for fit in fits]
    evidence = float(criteria[0] - min(criteria))
    alike = mismatch[:, 0] < 1 - NOTHING_IN_COMMON
    if evidence == 0 or alike.sum() < FEWEST_MASKS:
        return Kinds(np.zeros(len(mismatch)), evidence, float(np.log(2)))
    fit = fits[1]
    if not alike.all():
        points = _axes(mismatch[alike], judges[alike])
        fit = _fit(points, 2)
    right = int(np.argmin(fit.means_.sum(axis=1)))
    p_wrong = np.ones(len(mismatch))
    p_wrong[alike] = 1 - fit.predict_proba(points)[:, right]
    return Kinds(p_wrong, evidence, doubt(p_wrong[alike]))


def _axes(mismatch: Floats, judges: NDArray[np.int64]) -> Floats:
    """Both measures as logarithms, in units of their spread.

    One model is better than another, or surer: masks would fall into heaps by who has judged them.
    So the models are brought in line at the masks that agree well, which most likely are right.
    """
    fair_loss = max(_FAIR_LOSS * float(np.median(mismatch[:, 1])), _LEAST_LOSS)
    points = np.log(mismatch + np.array([_FAIR_MISMATCH, fair_loss]))
    level = np.quantile(points, _AGREES_WELL, axis=0)
    for judge in np.unique(judges):
        mine = judges == judge
        if mine.sum() >= FEWEST_MASKS:
            points[mine] += level - np.quantile(points[mine], _AGREES_WELL, axis=0)
    spread = points.std(axis=0)
    return np.asarray((points - points.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def doubt(p_wrong: Floats) -> float:
    """Mean entropy of right or wrong, nats: 0 = all masks are sure, 0.69 = all are open.

    Args:
        p_wrong: (N,) in [0, 1].
    """
    return float(np.mean(-xlogy(p_wrong, p_wrong) - xlogy(1 - p_wrong, 1 - p_wrong)))


def _fit(points: Floats, kinds: int) -> GaussianMixture:
    # scikit-learn costs a second to load, and only here is it wanted.
    from sklearn.mixture import GaussianMixture

    return GaussianMixture(
        kinds,
        reg_covar=_REGULARISATION,
        n_init=_RESTARTS if kinds > 1 else 1,
        max_iter=500,
        random_state=0,
    ).fit(points)
