"""One file per method, readable beside its paper."""

from mixednoise.methods.co_teaching import CoTeachingMethod
from mixednoise.methods.confident_learning import ConfidentLearningMethod
from mixednoise.methods.cross_entropy import CrossEntropyMethod, CrossEntropySingleMethod
from mixednoise.methods.dividemix import DivideMixMethod
from mixednoise.methods.early_learning import EarlyLearningMethod
from mixednoise.methods.generalized_cross_entropy import GeneralizedCrossEntropyMethod
from mixednoise.methods.qmix import QMixMethod
from mixednoise.methods.sscl import SSCLMethod
from mixednoise.methods.symmetric_cross_entropy import SymmetricCrossEntropyMethod

__all__ = [
    "CoTeachingMethod",
    "ConfidentLearningMethod",
    "CrossEntropyMethod",
    "CrossEntropySingleMethod",
    "DivideMixMethod",
    "EarlyLearningMethod",
    "GeneralizedCrossEntropyMethod",
    "QMixMethod",
    "SSCLMethod",
    "SymmetricCrossEntropyMethod",
]
