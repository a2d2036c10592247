"""nnU-Net's own library over raw data that was written for it, where it is installed."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

needs_nnunet = [
    pytest.mark.skipif(
        importlib.util.find_spec("nnunetv2") is None, reason="nnunetv2 is not installed"
    ),
    # Warnings of another project's imports.
    pytest.mark.filterwarnings("ignore"),
]


def accepted(root: Path) -> dict[str, np.ndarray]:
    """Labels by case, (H, W) or (D, H, W), as nnU-Net reads them, after its integrity check.

    Args:
        root: ``DatasetNNN_Name``.

    Raises:
        AssertionError, RuntimeError: of the check, and where "ignore" is not what nnU-Net takes for
            its ignore label.
    """
    from nnunetv2.experiment_planning.verify_dataset_integrity import verify_dataset_integrity
    from nnunetv2.imageio.reader_writer_registry import determine_reader_writer_from_dataset_json
    from nnunetv2.utilities.label_handling.label_handling import LabelManager
    from nnunetv2.utilities.utils import get_filenames_of_train_images_and_targets

    verify_dataset_integrity(str(root), num_processes=1)
    described = json.loads((root / "dataset.json").read_text())
    labels = LabelManager(described["labels"], regions_class_order=None)
    assert labels.has_ignore_label
    assert labels.ignore_label == described["labels"]["ignore"]
    assert labels.ignore_label not in labels.foreground_labels
    cases = get_filenames_of_train_images_and_targets(str(root), described)
    image = next(iter(cases.values()))["images"][0]
    reader = determine_reader_writer_from_dataset_json(described, image, verbose=False)()
    # It gives every label a channel, and pictures a depth.
    return {name: np.squeeze(reader.read_seg(case["label"])[0]) for name, case in cases.items()}
