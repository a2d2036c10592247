"""Corrected masks for other tools: hard, soft, and for nnU-Net with an ``ignore`` label."""

from mixednoise.segmentation.export.corrected import write_corrected
from mixednoise.segmentation.export.corrections import Correction, ExportSummary
from mixednoise.segmentation.export.nnunet import nnunet_labels, write_nnunet
from mixednoise.segmentation.export.soft import soft_targets, write_soft

__all__ = [
    "Correction",
    "ExportSummary",
    "nnunet_labels",
    "soft_targets",
    "write_corrected",
    "write_nnunet",
    "write_soft",
]
