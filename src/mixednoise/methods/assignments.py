"""Options as words of a command line, ``--set KEY=VALUE``, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

import yaml

from mixednoise.errors import ConfigError
from mixednoise.methods.config import LearningConfig, TrainingConfig

#: Where a training ran says nothing of what it was.
_OF_THE_MACHINE = ("device",)


def setting_words(options: Mapping[str, Any]) -> list[str]:
    """Words of a command line that set these options, groups in groups."""
    words = []
    for name, value in _flat(options):
        words += ["--set", _assignment(name, value)]
    return words


def _assignment(name: str, value: Any) -> str:
    """``NAME=VALUE`` as ``--set`` reads it back; quotes only where text would not stay text."""
    if value is None:
        return f"{name}=none"
    plain = f"{name}={value}"
    if isinstance(value, str) and parse_assignments([plain]) == parse_assignments(
        [f"{name}={json.dumps(value)}"]
    ):
        return plain
    return f"{name}={json.dumps(value, default=str)}"


def chosen_options(config: LearningConfig, preset: str = "default") -> dict[str, Any]:
    """What must be said beside the preset to train like this again, on any machine.

    Args:
        config: as a run has it, ``auto`` resolved.
        preset: that it came from.

    Returns:
        Names with dots, and values as JSON has them, of all options that are other than the preset
        makes them; the device is left out.
    """
    kind = type(config)
    plain: LearningConfig = kind.from_options(preset, epochs=config.epochs)
    if isinstance(plain, TrainingConfig) and isinstance(config, TrainingConfig):
        size = config.image_size
        if not isinstance(size, str):  # views that nobody set follow the size
            plain = plain.model_copy(update={"views": plain.views.fitted_to(size)})
    usual = dict(_flat(plain.model_dump(mode="json")))
    usual["epochs"] = kind.from_options(preset).epochs
    return {
        name: value
        for name, value in _flat(config.model_dump(mode="json"))
        if value != usual.get(name) and name not in _OF_THE_MACHINE
    }


def parse_assignments(assignments: list[str]) -> dict[str, Any]:
    """Read ``KEY=VALUE`` pairs of ``--set``; dots reach into groups: ``separation.memory=0.5``.

    Values are YAML scalars or lists: ``true``, ``0.5``, ``[1, 2]``, ``none``.

    Raises:
        ConfigError: no ``=`` in it.
    """
    options: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals or not key.strip():
            raise ConfigError(
                f"--set {assignment!r} can't be read",
                expected="KEY=VALUE, for example --set lambda_c=0.3",
                found=assignment,
                fix="put = between name and value",
            )
        try:
            value = None if text.lower() == "none" else yaml.safe_load(text)
        except yaml.YAMLError:
            value = text
        if isinstance(value, str) and value == text:
            # YAML 1.1 reads 1e-3 as text; a user means the number. Text in quotes stays text.
            with suppress(ValueError):
                value = float(value)
        target = options
        *parents, last = key.strip().split(".")
        for parent in parents:
            target = target.setdefault(parent, {})
        target[last] = value
    return options


def _flat(options: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """``separation.memory`` and its value, of groups in groups."""
    for name, value in options.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value
