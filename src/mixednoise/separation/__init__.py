"""Sample separation: loss and entropy -> correct, mis_h, mis_l. Knows nothing about training."""

from mixednoise.separation.em import MixtureFit, Prior, fit_mixture, quantile_start
from mixednoise.separation.mixture import Mixture, MixtureFitError
from mixednoise.separation.second_opinion import with_second_opinion
from mixednoise.separation.separate import ClassReport, Separation, separate
from mixednoise.separation.settings import SeparationSettings
from mixednoise.separation.temperature import tempered

__all__ = [
    "ClassReport",
    "Mixture",
    "MixtureFit",
    "MixtureFitError",
    "Prior",
    "Separation",
    "SeparationSettings",
    "fit_mixture",
    "quantile_start",
    "separate",
    "tempered",
    "with_second_opinion",
]
