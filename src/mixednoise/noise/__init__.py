"""Noise made on purpose: wrong labels, unreadable images, and both as in QMix's protocol."""

from mixednoise.noise.corrupt import Corruption, corrupt_dataset
from mixednoise.noise.images import DEGRADATIONS, Degradation, degrade, degrade_randomly
from mixednoise.noise.instance import image_descriptor, instance_dependent
from mixednoise.noise.labels import by_class_map, by_frequency, symmetric
from mixednoise.noise.mixed import LABEL_NOISES, LabelNoise, MixedNoise, mixed_noise

__all__ = [
    "DEGRADATIONS",
    "LABEL_NOISES",
    "Corruption",
    "Degradation",
    "LabelNoise",
    "MixedNoise",
    "by_class_map",
    "by_frequency",
    "corrupt_dataset",
    "degrade",
    "degrade_randomly",
    "image_descriptor",
    "instance_dependent",
    "mixed_noise",
    "symmetric",
]
