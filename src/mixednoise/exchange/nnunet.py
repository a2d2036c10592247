"""Raw data for nnU-Net v2: what nobody has settled has the label ``ignore``."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Any

import pandas as pd

from mixednoise.exchange.export import LEFT_OUT, Export
from mixednoise.exchange.masks import Masks
from mixednoise.io import write_csv
from mixednoise.progress import Silent
from mixednoise.segmentation.export import Correction, write_nnunet


def write(export: Export) -> dict[str, Any]:
    """Write ``OUT/DatasetNNN_NAME``, see :func:`.export.write_nnunet`; OUT is ``nnUNet_raw``.

    Agreed cases have the proposed mask, kept ones the given mask; of all others the suspected
    pixels are to be ignored. Cases of the test split that nobody has judged go to ``imagesTs``.

    Returns:
        ``folder`` of the data set, ``ignored_pixels``, ``next``.
    """
    masks = Masks(export, ("val",))

    def corrections() -> Iterator[Correction]:
        for item in masks.read():
            yield item.found._replace(mask=item.mask, flagged=item.doubted(export))

    summary = write_nnunet(
        masks.cases,
        corrections(),
        export.out,
        number=export.options.get("dataset_number") or 1,
        name=export.options.get("dataset_name") or "Corrected",
        link=export.images == "link",
        overwrite=export.overwrite,
        progress=Silent(),
    )
    left = [(name, why) for _, name, why in export.selection.left_out]
    write_csv(summary.folder / LEFT_OUT, pd.DataFrame(left, columns=["id", "reason"]))
    return {
        "folder": str(summary.folder),
        "ignored_pixels": summary.flagged,
        "next": f"nnUNet_raw={shlex.quote(str(export.out))} nnUNetv2_plan_and_preprocess "
        f"-d {int(summary.folder.name[7:10])} --verify_dataset_integrity",
    }
