"""Everything that is wrong with a case set, found in one pass before hours are spent."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from mixednoise.data.report import Problem, Report, Severity, counted, examples
from mixednoise.progress import Progress
from mixednoise.segmentation.cases.case import CaseSet
from mixednoise.segmentation.cases.check_masks import check_masks
from mixednoise.segmentation.cases.geometry import AFFINE_TOLERANCE, geometry_problems
from mixednoise.segmentation.cases.inspection import CaseFacts, inspect_case
from mixednoise.segmentation.cases.threads import in_threads


def check_cases(
    case_set: CaseSet,
    *,
    progress: Progress | None = None,
    workers: int | None = None,
    affine_tolerance: float = AFFINE_TOLERANCE,
    allow_missing: bool = False,
    allow_absent: bool = False,
) -> Report:
    """Read every file once, in threads, and report all that is wrong.

    Args:
        case_set: the cases; masks are expected when at least one case has one.
        progress: a bar over the cases.
        workers: threads; None = one per core, at most 8.
        affine_tolerance: by how much (mm) image and mask may lie apart.
        allow_missing: cases without a mask are set aside; otherwise they stop.
        allow_absent: a class that occurs in no mask is warned of; otherwise it stops.

    Returns:
        The report, with what reading the folders has found. Stops: no case (left), names that
        repeat, a patient in two splits, a missing mask, image and mask or two channels of different
        size, affines that differ (also those of the files of one mask), values that no class has, a
        class that never occurs, images with different numbers of channels or axes. Warnings:
        unreadable files (set aside: the problem's ``rows`` and ``reason``, see :func:`set_aside`),
        empty masks, classes that some masks lack, pixels claimed by several classes.
    """
    facts = in_threads(
        lambda case: inspect_case(case_set, case, affine_tolerance),
        case_set.cases,
        "checking images and masks",
        workers=workers,
        progress=progress,
    )
    problems = [
        *case_set.findings.problems,
        *_names(case_set),
        *_groups(case_set),
        *_missing(case_set, allow_missing),
        *_unreadable(case_set, facts),
        *geometry_problems(case_set.cases, facts, affine_tolerance),
        *_uniform(case_set, facts),
        *check_masks(case_set, facts, allow_absent),
    ]
    report = Report(problems)
    if not report.stopped and not len(set_aside(case_set, report)[0]):
        none_left = Problem(
            "stop",
            f"no case of {case_set.source or 'the set'} can be used",
            expected="images with masks",
            found=examples(p.what for p in problems if p.rows) or "no case at all",
            fix="check the folders",
        )
        report += Report([none_left])
    return report


def set_aside(case_set: CaseSet, report: Report) -> tuple[CaseSet, dict[str, str]]:
    """Leave out the cases that a report says can't be used.

    Args:
        case_set: the set that was checked, unchanged since.
        report: of :func:`check_cases`.

    Returns:
        The set without them, and for each of them (by name) why.
    """
    reasons: dict[int, str] = {}
    for problem in report.problems:
        if problem.reason:
            for row in problem.rows:
                reasons.setdefault(row, problem.reason)
    names = case_set.names
    return case_set.without(reasons), {names[row]: why for row, why in sorted(reasons.items())}


def _names(case_set: CaseSet) -> Iterable[Problem]:
    number = Counter(case_set.names)
    rows = [row for row, name in enumerate(case_set.names) if number[name] > 1]
    if rows:
        files = examples((str(case_set.cases[row].images[0]) for row in rows), 6)
        yield Problem(
            "stop",
            f"{counted(len(rows), 'case')} share a name with another one",
            expected="a different name for each image, its ending aside",
            found=files,
            fix="rename the files, or leave one of each out",
            rows=tuple(rows),
        )


def _groups(case_set: CaseSet) -> Iterable[Problem]:
    splits: dict[str, dict[str, str]] = defaultdict(dict)
    for case in case_set.cases:
        if case.split is not None:
            splits[case.group].setdefault(case.split, case.name)
    torn = {group: there for group, there in splits.items() if len(there) > 1}
    if torn:
        found = [
            f"{group} in " + " and ".join(f"{split} ({name})" for split, name in there.items())
            for group, there in torn.items()
        ]
        yield Problem(
            "stop",
            f"{counted(len(torn), 'patient')} (groups) in more than one split",
            expected="all images of a patient in one split",
            found=examples(found, separator="; "),
            fix="correct the splits, or leave them out: cases are then split by patient",
        )


def _missing(case_set: CaseSet, allowed: bool) -> Iterable[Problem]:
    with_masks = [case.mask is not None for case in case_set.cases]
    rows = [row for row, has in enumerate(with_masks) if not has]
    if rows and any(with_masks):
        yield Problem(
            "warn" if allowed else "stop",
            f"{counted(len(rows), 'image')} of {len(case_set):,} "
            f"{'has' if len(rows) == 1 else 'have'} no mask",
            expected="a mask of the same name for each image",
            found=_some(case_set, rows),
            fix="set aside" if allowed else "add the masks, or take these images out",
            rows=tuple(rows),
            reason="no mask" if allowed else "",
        )


def _unreadable(case_set: CaseSet, facts: Sequence[CaseFacts]) -> Iterable[Problem]:
    by_reason: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for row, fact in enumerate(facts):
        for path, reason in fact.unreadable:
            by_reason[reason].append((row, path))
    broken = {row for places in by_reason.values() for row, _ in places}
    # One finding per reason; which of them stops, all together decide.
    severity: Severity = "stop" if len(broken) == len(case_set) else "warn"
    for reason, places in by_reason.items():
        yield Problem(
            severity,
            f"{counted(len(places), 'file')} can't be read: {reason}",
            expected="whole image and mask files",
            found=examples((path for _, path in places), 5),
            fix="check the folders"
            if severity == "stop"
            else "set aside; to use these cases, replace the files",
            rows=tuple(dict.fromkeys(row for row, _ in places)),
            reason=reason,
        )


def _uniform(case_set: CaseSet, facts: Sequence[CaseFacts]) -> Iterable[Problem]:
    readable = [row for row, fact in enumerate(facts) if fact.shape is not None]
    channels: Callable[[int], str] = lambda row: counted(facts[row].channels, "channel")  # noqa: E731
    axes: Callable[[int], str] = lambda row: f"{len(facts[row].shape or ())} axes"  # noqa: E731
    for of, what in ((channels, "numbers of channels"), (axes, "numbers of axes")):
        kinds: dict[str, list[int]] = defaultdict(list)
        for row in readable:
            kinds[of(row)].append(row)
        if len(kinds) > 1:
            usual = max(kinds, key=lambda kind: len(kinds[kind]))
            found = [
                f"{kind} in {counted(len(rows), 'image')} ({_some(case_set, rows, 3)})"
                for kind, rows in kinds.items()
            ]
            yield Problem(
                "stop",
                f"images with different {what}",
                expected=f"the same in every image, such as {usual}",
                found="; ".join(found),
                fix="convert the images (grey or colour, slice or volume), or leave some out",
                rows=tuple(r for kind, rows in kinds.items() if kind != usual for r in rows),
            )


def _some(case_set: CaseSet, rows: Iterable[int], limit: int = 5) -> str:
    return examples((case_set.cases[row].name for row in rows), limit)
