"""Images with masks: finding their files, checking, reading and writing them."""

from mixednoise.segmentation.cases.case import Case, CaseSet, MaskFiles
from mixednoise.segmentation.cases.check import check_cases, set_aside
from mixednoise.segmentation.cases.masks import read_mask
from mixednoise.segmentation.cases.nnunet import read_nnunet
from mixednoise.segmentation.cases.picture import Picture, read_image
from mixednoise.segmentation.cases.readers import read_cases
from mixednoise.segmentation.cases.resizing import plane_size, resize_mask, shrink_image
from mixednoise.segmentation.cases.split_folders import read_split_folders
from mixednoise.segmentation.cases.store import CaseStore
from mixednoise.segmentation.cases.unreadable import UnreadableCaseError
from mixednoise.segmentation.cases.writing import write_like

__all__ = [
    "Case",
    "CaseSet",
    "CaseStore",
    "MaskFiles",
    "Picture",
    "UnreadableCaseError",
    "check_cases",
    "plane_size",
    "read_cases",
    "read_image",
    "read_mask",
    "read_nnunet",
    "read_split_folders",
    "resize_mask",
    "set_aside",
    "shrink_image",
    "write_like",
]
