"""The sanity table of the specification (section 3), on the chest radiographs that it is from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mixednoise.noise.masks import corrupt_mask
from mixednoise.segmentation.cases.rasters import read_raster

pytestmark = pytest.mark.real_data

#: (organ, radius): for dilate, erode and edge (mean Dice, flipped share, masks emptied), as
#: measured by the specification on the first 60 training masks.
TABLE = {
    ("lung", 20): ((0.657, 1.05, 0), (0.385, 0.76, 0), (0.631, 0.77, 0)),
    ("lung", 30): ((0.573, 1.50, 0), (0.087, 0.95, 1), (0.493, 1.12, 0)),
    ("heart", 14): ((0.716, 0.80, 0), (0.589, 0.58, 0), (0.733, 0.55, 0)),
    ("heart", 20): ((0.624, 1.21, 0), (0.382, 0.76, 0), (0.618, 0.83, 0)),
    ("clavicle", 5): ((0.630, 1.18, 0), (0.214, 0.88, 0), (0.717, 0.58, 0)),
    ("clavicle", 10): ((0.433, 2.64, 0), (0.001, 1.00, 58), (0.427, 1.40, 0)),
}


@pytest.fixture
def jsrt(real_data: Path) -> Path:
    return real_data / "jsrt" / "training"


@pytest.mark.parametrize(("organ", "radius"), list(TABLE))
def test_the_sanity_table(jsrt, organ, radius):
    files = sorted((jsrt / organ).glob("*.png"))[:60]
    assert len(files) == 60
    masks = [(read_raster(file, as_mask=True) > 127).astype(np.uint8) for file in files]
    for kind, expected in zip(("dilate", "erode", "edge"), TABLE[organ, radius], strict=True):
        rng = np.random.default_rng(0)
        noisy = [corrupt_mask(mask, kind, radius, rng) for mask in masks]
        pairs = list(zip(masks, noisy, strict=True))
        dice = np.mean([2.0 * (m & n).sum() / (m.sum() + n.sum()) for m, n in pairs])
        flipped = np.mean([(m != n).sum() / m.sum() for m, n in pairs])
        emptied = sum(not n.any() for n in noisy)
        assert (dice, flipped) == pytest.approx(expected[:2], abs=0.03), kind
        assert emptied == expected[2], kind
