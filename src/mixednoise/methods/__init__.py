"""One file per method, readable beside its paper."""

from mixednoise.methods.cross_entropy import CrossEntropyMethod, CrossEntropySingleMethod
from mixednoise.methods.qmix import QMixMethod

__all__ = ["CrossEntropyMethod", "CrossEntropySingleMethod", "QMixMethod"]
