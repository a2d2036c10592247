"""The sentences of the summary: for readers who never saw a loss curve."""

from __future__ import annotations

from mixednoise.audit.report.copies import Copies
from mixednoise.audit.report.counts import Confusions, Tally
from mixednoise.audit.report.verdicts import UNREADABLE, WRONG, Verdicts
from mixednoise.data.report import counted
from mixednoise.pages.numbers import share

#: An image quality below this comes with a reason of its own.
POOR = 0.5
#: Classes with fewer judged images are not called the worst.
_FEW = 10


def headline(all_of: Tally, contradicted: int = 0) -> str:
    """The one sentence that a reader in a hurry takes away.

    Args:
        all_of: what was judged.
        contradicted: labels that look right, but a copy of the image has another.
    """
    doubted = sum(all_of.counts[1:]) + contradicted
    if not all_of.judged:
        return "No label was judged."
    if not doubted:
        return f"No label looks wrong in {counted(all_of.judged, 'image')}."
    need = "needs" if doubted == 1 else "need"
    return f"{doubted:,} of {counted(all_of.judged, 'label')} {need} a second look."


def explanation(all_of: Tally, contradicted: int = 0) -> str:
    """What the headline is made of."""
    _, wrong, unreadable = all_of.counts
    if not all_of.judged:
        return (
            "The method tells no verdict on single labels, or none of the images was in the part "
            "of the data that is judged."
        )
    parts = []
    if wrong:
        parts.append(
            f"{wrong:,} {'looks' if wrong == 1 else 'look'} wrong although the image can be read"
        )
    if unreadable:
        verb = "belongs to an image" if unreadable == 1 else "belong to images"
        parts.append(f"{unreadable:,} {verb} that can’t be read well enough to tell")
    if contradicted:
        verb = "looks" if contradicted == 1 else "look"
        parts.append(f"{contradicted:,} {verb} right, but a copy of the image has another label")
    return "; ".join(parts) + ("." if parts else "")


def findings(
    verdicts: Verdicts,
    classes: list[Tally],
    changes: Confusions | None,
    copies: list[Copies],
) -> list[str]:
    """What stands out, a sentence each."""
    said = []
    large = [one for one in classes if one.judged >= _FEW and one.counts[WRONG]]
    if len(classes) > 1 and large:
        worst = max(large, key=lambda one: one.shares[WRONG])
        said.append(
            f"Labels of “{worst.name}” look wrong most often: {worst.counts[WRONG]:,} of "
            f"{worst.judged:,} ({share(worst.shares[WRONG])})."
        )
    if changes is not None and len(changes.classes) > 2:
        given, suggested, count = changes.pairs[0]
        said.append(
            f"The most frequent doubt: labelled “{changes.classes[given]}”, probably "
            f"“{changes.classes[suggested]}” ({counted(count, 'image')})."
        )
    said += _unreadable_but_sharp(verdicts)
    if copies:
        said.append(_repeated(copies))
    return said


def _repeated(copies: list[Copies]) -> str:
    """Pictures with several labels, and of how many it is certain."""
    exact = sum(one.identical for one in copies)
    come = "comes" if len(copies) == 1 else "come"
    told = f"{counted(len(copies), 'picture')} {come} more than once with different labels"
    if not exact:
        return told + "."
    return f"{told}; {exact:,} as exact copies, so that at least one of their labels is wrong."


def _unreadable_but_sharp(verdicts: Verdicts) -> list[str]:
    """Images that the network can't read although nothing is wrong with the picture."""
    quality = verdicts.image_quality[verdicts.state == UNREADABLE]
    quality = quality[quality == quality]
    if not len(quality):
        return []
    poor = int((quality < POOR).sum())
    told = f"Of {counted(len(quality), 'image')} that can’t be read, {poor:,} "
    told += f"{'has' if poor == 1 else 'have'} a measurable fault, such as blur or darkness"
    if poor == len(quality):
        return [told + "."]
    return [
        f"{told}; in the other {len(quality) - poor:,} none was measured: they may be unusual or "
        "difficult rather than spoilt."
    ]


def not_judged(verdicts: Verdicts) -> str:
    """Why some images have no verdict; '' where all have one."""
    rows = verdicts.state < 0
    if not rows.any():
        return ""
    splits = verdicts.text("split")[rows]
    held_out = {"val": "validation", "test": "test"}
    parts = {name: int((splits == name).sum()) for name in held_out}
    told = [f"{n:,} in the {held_out[name]} split" for name, n in parts.items() if n]
    other = int(rows.sum()) - sum(parts.values())
    if other:
        told.append(counted(other, "other") if told else counted(other, "image"))
    why = (
        ": dropping test images that look suspicious would make any model look better than it is"
        if sum(parts.values())
        else ""
    )
    return f"Not judged: {' and '.join(told)}{why}."


def judges(folds: int, verdicts: Verdicts) -> str:
    """Who judged the labels, and whether those of a test split are among them."""
    if folds:
        tests = int(((verdicts.text("split") == "test") & (verdicts.state >= 0)).sum())
        return (
            f"Every label was judged by networks that had not seen its image in training "
            f"(cross-validation in {folds} parts), so no label could be learned by heart."
        ) + (
            f" Those of the test split ({counted(tests, 'image')}) were judged, too: once they "
            "change, figures can't be compared with earlier ones."
            if tests
            else ""
        )
    return (
        "The labels were judged by the networks that learned from them. Networks can learn a wrong "
        "label by heart, so some mistakes may be missing from the list."
    )
