"""What the values of masks tell: unknown ones, empty masks, classes that don't occur."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mixednoise.data.report import Problem, counted, examples
from mixednoise.segmentation.cases.case import CaseSet
from mixednoise.segmentation.cases.inspection import CaseFacts, MaskFacts, labelled_pixels
from mixednoise.segmentation.cases.masks import expected_values

_WORDS = {"mask": "mask", "truth": "true mask"}


def check_masks(
    case_set: CaseSet, facts: Sequence[CaseFacts], allow_absent: bool
) -> Iterable[Problem]:
    """The findings that masks give rise to; see :func:`.check.check_cases`."""
    for which in ("mask", "truth"):
        masks = {row: fact.masks[which] for row, fact in enumerate(facts) if which in fact.masks}
        if masks:
            yield from _unknown(case_set, masks, _WORDS[which])
            yield from _overlaps(case_set, masks, _WORDS[which])
            yield from _empty(case_set, masks, _WORDS[which])
    given = {row: fact.masks["mask"] for row, fact in enumerate(facts) if "mask" in fact.masks}
    if given:
        yield from _classes(case_set, given, allow_absent)


def _unknown(case_set: CaseSet, masks: dict[int, MaskFacts], word: str) -> Iterable[Problem]:
    wrong = {row: mask for row, mask in masks.items() if mask.unknown}
    if wrong:
        found = []
        for mask in wrong.values():
            path, value, pixels = max(mask.unknown, key=lambda one: one[2])
            more = f" and {counted(len(mask.unknown) - 1, 'other value')}"
            found.append(
                f"{path}: {value:g} in {counted(pixels, 'pixel')}"
                + (more if len(mask.unknown) > 1 else "")
            )
        yield Problem(
            "stop",
            f"{counted(len(wrong), word)} with values that no class has",
            expected=expected_values(case_set),
            found=examples(found, 5, "; "),
            fix="correct the masks (resize them without interpolation, never save them as JPEG), "
            "or name the value of each class with --label-values",
            rows=tuple(wrong),
        )


def _overlaps(case_set: CaseSet, masks: dict[int, MaskFacts], word: str) -> Iterable[Problem]:
    overlaps = {row: mask.overlap for row, mask in masks.items() if mask.overlap}
    if overlaps:
        order = ", ".join(case_set.class_names[1:])
        yield Problem(
            "warn",
            f"{sum(overlaps.values()):,} pixels of {counted(len(overlaps), word)} "
            "belong to more than one class",
            expected="one class per pixel",
            found=examples(f"{case_set.cases[row].name}: {n:,}" for row, n in overlaps.items()),
            fix=f"the class that is later in this order has them: {order}; change the order, or "
            "examine one class at a time",
        )


def _empty(case_set: CaseSet, masks: dict[int, MaskFacts], word: str) -> Iterable[Problem]:
    unlabelled = [row for row, mask in masks.items() if labelled_pixels(mask) == 0]
    empty = [
        row
        for row, mask in masks.items()
        if row not in unlabelled and mask.counts.get(0, 0) == labelled_pixels(mask)
    ]
    if empty:
        yield Problem(
            "warn",
            f"{counted(len(empty), word)} of {len(masks):,} "
            f"{'is' if len(empty) == 1 else 'are'} empty: background alone",
            expected="a mask with a structure in it, unless the image has none",
            found=examples(case_set.cases[row].name for row in empty),
            fix="check them: an empty mask may be one that was never drawn",
        )
    if unlabelled:
        yield Problem(
            "warn",
            f"{counted(len(unlabelled), word)} of {len(masks):,} without a labelled pixel",
            expected="pixels that are not to be ignored",
            found=examples(case_set.cases[row].name for row in unlabelled),
            fix="nothing is learned from them, and no error found in them",
        )


def _classes(
    case_set: CaseSet, masks: dict[int, MaskFacts], allow_absent: bool
) -> Iterable[Problem]:
    occurs = [
        sum(mask.counts.get(index, 0) > 0 for mask in masks.values())
        for index in range(case_set.num_classes)
    ]
    names = case_set.class_names
    absent = [name for name, number in zip(names, occurs, strict=True) if number == 0]
    if absent:
        yield Problem(
            "warn" if allow_absent else "stop",
            f"{counted(len(absent), 'class', 'classes')} "
            f"{'occurs' if len(absent) == 1 else 'occur'} in no mask",
            expected="every class in at least one mask",
            found=f"{examples(absent, 8)}, by {expected_values(case_set)}",
            fix="leave the class out of the names and values, or add masks that have it",
        )
    # With two classes, masks without the one are the empty masks, which have been told.
    some = {
        name: number
        for name, number in zip(names[1:], occurs[1:], strict=True)
        if 0 < number < len(masks)
    }
    if some and case_set.num_classes > 2:
        yield Problem(
            "warn",
            f"{counted(len(some), 'class', 'classes')} missing from some masks",
            expected="every class in every mask, where the images show it",
            found=examples(
                (f"{name} in {number:,} of {len(masks):,}" for name, number in some.items()), 8
            ),
            fix="check whether these masks are complete; where they are, nothing is to be done",
        )
