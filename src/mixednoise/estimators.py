"""The methods under their names: a class for Python, a word for ``--method``."""

from __future__ import annotations

from mixednoise.errors import ConfigError
from mixednoise.estimator import Estimator
from mixednoise.methods import (
    ConfidentLearningMethod,
    CoTeachingMethod,
    CrossEntropyMethod,
    CrossEntropySingleMethod,
    DivideMixMethod,
    EarlyLearningMethod,
    GeneralizedCrossEntropyMethod,
    QMixMethod,
    SSCLMethod,
    SymmetricCrossEntropyMethod,
)


class QMix(Estimator):
    """QMix (Hou et al., IEEE TMI 2025): two networks that sort the training samples for each other.

    ``QMix(epochs=30, backbone="resnet18").fit(dataset)``; options in ``docs/options.md``.
    """

    method = QMixMethod


class SSCL(Estimator):
    """SSCL (Chen et al., MICCAI 2023): contrastive learning on pairs that one network believes in.

    ``SSCL(epochs=30, untrusted_share=0.4).fit(dataset)``; options in ``docs/options.md``.
    """

    method = SSCLMethod


class CrossEntropy(Estimator):
    """Plain cross-entropy, two networks averaged: the fair rival of QMix."""

    method = CrossEntropyMethod


class CrossEntropySingle(Estimator):
    """Plain cross-entropy, one network."""

    method = CrossEntropySingleMethod


class SymmetricCrossEntropy(Estimator):
    """Symmetric cross-entropy (Wang et al., ICCV 2019), two networks averaged."""

    method = SymmetricCrossEntropyMethod


class GeneralizedCrossEntropy(Estimator):
    """Generalised cross-entropy (Zhang & Sabuncu, NeurIPS 2018), two networks averaged."""

    method = GeneralizedCrossEntropyMethod


class EarlyLearning(Estimator):
    """ELR, early-learning regularisation (Liu et al., NeurIPS 2020), two networks averaged."""

    method = EarlyLearningMethod


class CoTeaching(Estimator):
    """Co-teaching (Han et al., NeurIPS 2018): two networks that pick samples for each other."""

    method = CoTeachingMethod


class ConfidentLearning(Estimator):
    """Cross-validate, drop suspected labels, retrain (Northcutt et al., JAIR 2021): cleanlab's way.

    Its cost is that of all folds and of the two networks that are averaged in the end.
    """

    method = ConfidentLearningMethod


class DivideMix(Estimator):
    """DivideMix (Li et al., ICLR 2020): QMix's ancestor; two groups, mixed images and labels."""

    method = DivideMixMethod


ESTIMATORS: dict[str, type[Estimator]] = {
    estimator.method.name: estimator
    for estimator in (
        QMix,
        SSCL,
        CrossEntropy,
        CrossEntropySingle,
        SymmetricCrossEntropy,
        GeneralizedCrossEntropy,
        EarlyLearning,
        CoTeaching,
        ConfidentLearning,
        DivideMix,
    )
}


def estimator_named(name: str) -> type[Estimator]:
    """The estimator of a method name.

    Raises:
        ConfigError: there is none.
    """
    if name not in ESTIMATORS:
        raise ConfigError(
            f"there is no method {name!r}",
            expected=", ".join(ESTIMATORS),
            found=name,
            fix="choose one of these with --method",
        )
    return ESTIMATORS[name]
