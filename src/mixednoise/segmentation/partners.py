"""Masks and probabilities that belong together by their names."""

from __future__ import annotations

from collections.abc import Collection

from mixednoise.data.report import Problem, Report, counted, examples
from mixednoise.errors import DataError


def partners(masks: Collection[str], probabilities: Collection[str]) -> Report:
    """Warnings of masks without probabilities, and of probabilities without a mask.

    Args:
        masks: names of the masks.
        probabilities: names of the files of probabilities.

    Raises:
        DataError: no name is in both.
    """
    there, said = set(masks), set(probabilities)
    if not there & said:
        raise DataError(
            "no mask has probabilities of the same name",
            expected="a file NAME.npy or NAME.npz for each mask",
            found=f"masks {examples(sorted(there))}; probabilities {examples(sorted(said))}",
            fix="rename the files",
        )
    problems = []
    for alone, what, plural, lacking in (
        (there - said, "mask", "masks", "probabilities"),
        (said - there, "file of probabilities", "files of probabilities", "mask"),
    ):
        if alone:
            verb = "has" if len(alone) == 1 else "have"
            problems.append(
                Problem(
                    "warn",
                    f"{counted(len(alone), what, plural)} {verb} no {lacking}: set aside",
                    expected="one file of probabilities per mask, of its name",
                    found=examples(sorted(alone)),
                    fix="add what is missing, or go on without these images",
                )
            )
    return Report(problems)
