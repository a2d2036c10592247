"""What can go wrong, as a tree.

::

    MixedNoiseError
    ├── InputError          the user's input is wrong (exit status 2)
    │   ├── DataError       a file, a row, a label, a split
    │   ├── ConfigError     an option or a combination of options
    │   └── RunError        a run folder: exists already, of another version, not one at all
    └── TrainingError       a run that can't go on: NaN, memory, disk (exit status 1)

Every message says what is wrong, what was expected, what was found (file, row, value) and what to
do.
"""

from __future__ import annotations


class MixedNoiseError(Exception):
    """Base of every error that this package raises on purpose.

    Args:
        problem: what is wrong, one sentence.
        expected: what would have been right.
        found: what is there instead: file, row, value.
        fix: what to do next.
    """

    exit_status = 1

    def __init__(
        self,
        problem: str,
        *,
        expected: str | None = None,
        found: str | None = None,
        fix: str | None = None,
    ) -> None:
        self.problem, self.expected, self.found, self.fix = problem, expected, found, fix
        parts = [problem]
        for name, text in (("expected", expected), ("found", found), ("what to do", fix)):
            if text:
                parts.append(f"  {name}: {text}")
        super().__init__("\n".join(parts))


class InputError(MixedNoiseError, ValueError):
    """The user's input is wrong; nothing was started and nothing was written."""

    exit_status = 2


class DataError(InputError):
    """A data set can't be used as it is: missing file, unknown label, leaking split."""


class ConfigError(InputError):
    """An option does not exist, has a value that it can't have, or contradicts another one."""


class RunError(InputError):
    """A run folder can't be used: it exists already, is of another version, or is no run."""


class TrainingError(MixedNoiseError, RuntimeError):
    """Training can't go on; the last checkpoint is whole and can be resumed."""
