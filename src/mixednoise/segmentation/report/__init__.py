"""One page about a set of masks: which ones to look at first, what is wrong, what to do next."""

from mixednoise.segmentation.report.inputs import ReportInput
from mixednoise.segmentation.report.overlay import OverlayCase, draw_overlay
from mixednoise.segmentation.report.page import write_report
from mixednoise.segmentation.report.regions import overview

__all__ = ["OverlayCase", "ReportInput", "draw_overlay", "overview", "write_report"]
