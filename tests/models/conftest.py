"""Networks are built once where a test only looks at them; timm is made importable."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

import pytest
import torch

_LIBRARIES: list[torch.library.Library] = []


def _make_torchvision_importable() -> None:
    """Declare the two operators that a torchvision of another torch build fails to register.

    They belong to object detection; no classification network calls them.
    """
    try:
        import torchvision  # noqa: F401
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            del sys.modules[name]
        library = torch.library.Library("torchvision", "DEF")
        for operator in ("nms", "qnms"):
            library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _LIBRARIES.append(library)  # the operators vanish with it


@pytest.fixture(scope="session")
def torchvision_models() -> ModuleType:
    if find_spec("torchvision") is None:
        pytest.skip("torchvision isn't installed")
    _make_torchvision_importable()
    import torchvision.models

    return torchvision.models


@pytest.fixture(scope="session")
def timm() -> ModuleType:
    if find_spec("timm") is None or find_spec("torchvision") is None:
        pytest.skip("timm isn't installed: pip install 'mixednoise[timm]'")
    _make_torchvision_importable()
    import timm

    return timm
