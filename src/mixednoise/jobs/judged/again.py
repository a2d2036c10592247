"""A result of ``segment errors``, opened again: its masks, probabilities and maps."""

from __future__ import annotations

import json
from pathlib import Path

from mixednoise.data.report import examples
from mixednoise.errors import DataError, RunError
from mixednoise.jobs.judged.from_cases import judged_cases
from mixednoise.jobs.judged.from_run import judged_run
from mixednoise.jobs.judged.judged import CASES, ORIGIN, Judged
from mixednoise.progress import Progress
from mixednoise.segmentation.case_file import read_case_file
from mixednoise.segmentation.case_probabilities import CaseProbabilities


def judged_again(folder: Path, progress: Progress) -> Judged:
    """What :func:`.segment_errors.find_errors` was given when it filled a folder.

    Raises:
        RunError: the folder holds no such result, or it is damaged.
        DataError: masks, images or probabilities have moved since.
    """
    try:
        origin = json.loads((folder / ORIGIN).read_text(encoding="utf-8"))
        run, calibrate = origin.get("run"), origin["calibrate"]
        known = origin.get("judges")
        judges = None if known is None else {str(n): str(model) for n, model in known.items()}
        files = {str(name): Path(path) for name, path in origin.get("probabilities", {}).items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(
            f"{folder / ORIGIN} can't be read",
            expected="the folder of a result of `mixednoise segment errors`",
            found=(str(error).splitlines() or [type(error).__name__])[0],
            fix="find the errors again",
        ) from error
    if run is not None:
        return judged_run(Path(run), calibrate=calibrate, progress=progress)
    cases = read_case_file(folder / CASES)
    masks = [path for case in cases.cases if case.mask for path in case.mask.paths]
    gone = [str(path) for path in (*masks, *files.values()) if not path.exists()]
    if gone:
        raise DataError(
            f"masks or probabilities of {folder} have moved",
            expected="the files that were searched, where they were then",
            found=f"{len(gone)} of them gone: {examples(gone, 3)}",
            fix="bring them back, or find the errors again from where they are now",
        )
    source = CaseProbabilities(cases, files, judges=judges)
    return judged_cases(cases, source, calibrate=calibrate, progress=progress)
