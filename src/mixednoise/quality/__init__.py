"""Image quality without training: exposure, focus, contrast, noise, colour, near-duplicates.

Everything is measured inside the field of view at one size, by fixed formulas: :mod:`.picture`
(where), :mod:`.measures` (how much), :mod:`.scores` (how good, and why not), :mod:`.fingerprint`
and :mod:`.duplicates` (what looks the same), :mod:`.assess` (over many images).
"""

from mixednoise.quality.assess import (
    ImageQuality,
    assess_dataset,
    assess_file,
    assess_files,
    assess_image,
)
from mixednoise.quality.duplicates import find_near_duplicates
from mixednoise.quality.measures import Measures
from mixednoise.quality.scores import Limits, Scores

__all__ = [
    "ImageQuality",
    "Limits",
    "Measures",
    "Scores",
    "assess_dataset",
    "assess_file",
    "assess_files",
    "assess_image",
    "find_near_duplicates",
]
