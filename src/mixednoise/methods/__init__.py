"""One file per method, readable beside its paper."""

from mixednoise.methods.cross_entropy import CrossEntropyMethod, CrossEntropySingleMethod
from mixednoise.methods.qmix import QMixMethod
from mixednoise.methods.sscl import SSCLMethod

__all__ = ["CrossEntropyMethod", "CrossEntropySingleMethod", "QMixMethod", "SSCLMethod"]
