"""Images found again, wherever the data set is now."""

from __future__ import annotations

import cv2
import numpy as np
import pandas as pd
import pytest

from audit_folders import write_audit
from mixednoise.audit.located import located_images
from mixednoise.data.unreadable import UnreadableImageError
from mixednoise.errors import RunError


def test_pixels_are_those_of_the_files(tmp_path):
    folder = write_audit(tmp_path / "audit")
    located = located_images(folder)
    image = cv2.imread(str(tmp_path / "audit_data" / "images" / "im002.png"))[..., ::-1]
    np.testing.assert_array_equal(located.read(2), image)
    assert located.ids == folder.read_table()["id"].tolist()
    assert [located.changed(row) for row in range(len(located))] == [""] * 12


def test_pixels_in_an_array_file(tmp_path):
    folder = write_audit(tmp_path / "audit", arrays=True)
    located = located_images(folder)
    pixels = np.load(tmp_path / "audit_data" / "images.npz")
    np.testing.assert_array_equal(located.read(3), pixels["train_images"][3])
    assert [located.changed(row) for row in range(len(located))] == [""] * 12
    assert located.paths == [None] * 12
    (tmp_path / "audit_data").rename(tmp_path / "moved")
    assert len(located_images(folder).missing()) == 12
    with pytest.raises(UnreadableImageError, match="file not found"):
        located_images(folder).read(0)
    for root in (tmp_path / "moved", tmp_path / "moved" / "images.npz"):
        assert located_images(folder, root=root).missing() == []
        assert located_images(folder, root=root).changed(5) == ""


@pytest.mark.parametrize("root", ["moved", "moved/images"])
def test_a_data_set_that_moved(tmp_path, root):
    folder = write_audit(tmp_path / "audit")
    (tmp_path / "audit_data").rename(tmp_path / "moved")
    assert located_images(folder).changed(0) == "file not found"
    located = located_images(folder, root=tmp_path / root)
    assert located.missing() == []
    assert located.changed(0) == ""


def test_a_root_that_holds_something_else(tmp_path):
    folder = write_audit(tmp_path / "audit")
    (tmp_path / "other").mkdir()
    with pytest.raises(RunError, match=r"not below .*other"):
        located_images(folder, root=tmp_path / "other")
    with pytest.raises(RunError, match="no such folder"):
        located_images(folder, root=tmp_path / "nowhere")


def test_a_list_of_images_that_is_not_the_audits(tmp_path):
    folder = write_audit(tmp_path / "audit")
    pd.read_csv(folder.images).iloc[:5].to_csv(folder.images, index=False)
    with pytest.raises(RunError, match="not the list of images"):
        located_images(folder)
