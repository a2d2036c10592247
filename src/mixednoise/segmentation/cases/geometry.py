"""Do images, masks and true masks lie on each other: sizes, and affines of NIfTI files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mixednoise.data.report import Problem, counted, examples
from mixednoise.segmentation.cases.case import Case
from mixednoise.segmentation.cases.inspection import CaseFacts, differ
from mixednoise.segmentation.cases.picture import size_text

#: Affines that place a voxel within this many mm of each other are the same.
AFFINE_TOLERANCE = 1e-3


def geometry_problems(
    cases: Sequence[Case], facts: Sequence[CaseFacts], tolerance: float = AFFINE_TOLERANCE
) -> Iterable[Problem]:
    """Channels, masks and true masks that don't lie on their image.

    Args:
        cases: with images.
        facts: of each case; those that are None there (unreadable files) are passed over.
        tolerance: by how much (mm) affines may differ.

    Returns:
        Stops, whose ``rows`` are places in ``cases``.
    """
    channels = {row: "; ".join(fact.sizes) for row, fact in enumerate(facts) if fact.sizes}
    yield from _stop(
        channels, "image", "whose channels differ in size",
        "the same size in every file of an image", "bring them onto one grid",
    )  # fmt: skip
    for which, word in (("mask", "mask"), ("truth", "true mask")):
        sizes, places, torn = {}, {}, {}
        for row, fact in enumerate(facts):
            mask = fact.masks.get(which)
            if mask is None:
                continue
            for path, affine in mask.class_affines[1:]:
                first, own = mask.class_affines[0]
                if row not in torn and differ(own, affine, tolerance):
                    torn[row] = affines_text(_with_folder(first), own, _with_folder(path), affine)
            if fact.shape is None:
                continue
            image = cases[row].images[0].name
            if mask.shape != fact.shape:
                sizes[row] = (
                    f"{image} {size_text(fact.shape)}, {mask.path.name} {size_text(mask.shape)}"
                )
            elif fact.affine is not None and differ(fact.affine, mask.affine, tolerance):
                places[row] = affines_text(image, fact.affine, mask.path.name, mask.affine)
        yield from _stop(
            sizes, "image", f"with a {word} of another size",
            f"image and {word} of the same size (height x width)",
            "give each image the mask that was drawn on it",
        )  # fmt: skip
        yield from _stop(
            places, "image", f"with a {word} that lies elsewhere: affines differ",
            f"affines within {tolerance:g} mm",
            f"resample the {word} onto the image, or copy the affine if it was lost",
        )  # fmt: skip
        yield from _stop(
            torn, word, "whose class files lie elsewhere than one another: affines differ",
            f"affines within {tolerance:g} mm",
            "resample the files of all classes onto the image, or copy the affine if it was lost",
        )  # fmt: skip
    others = {
        row: affines_text(cases[row].images[0].name, fact.affine, path.name, affine)
        for row, fact in enumerate(facts)
        for path, affine in fact.other_affines[:1]
    }
    yield from _stop(
        others, "image", "whose channels lie elsewhere: affines differ",
        f"affines within {tolerance:g} mm", "register and resample the channels onto one grid",
    )  # fmt: skip


def _stop(
    found: dict[int, str], thing: str, what: str, expected: str, fix: str
) -> Iterable[Problem]:
    if found:
        yield Problem(
            "stop",
            f"{counted(len(found), thing)} {what}",
            expected=expected,
            found=examples(found.values(), 5, "; "),
            fix=fix,
            rows=tuple(found),
        )


def affines_text(image: str, first: object, mask: str, second: object) -> str:
    """Two files and their affines, for a message."""
    return f"{image} {_matrix(first)}, {mask} {_matrix(second)}"


def _matrix(affine: object) -> str:
    rows = affine.tolist()[:3] if hasattr(affine, "tolist") else []
    return "[" + ", ".join(" ".join(f"{v:.6g}" for v in row) for row in rows) + "]"


def _with_folder(path: Path) -> str:
    """Files of the classes often have one name, in a folder each."""
    return f"{path.parent.name}/{path.name}"
