"""Writes ``docs/options.md`` from the options themselves, so that it can't be out of date.

python -m mixednoise.jobs.options_page > docs/options.md
"""

from __future__ import annotations

import inspect
import re
import sys
import typing
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from mixednoise.data.augment import ViewSettings
from mixednoise.estimators import ESTIMATORS
from mixednoise.methods.config import TrainingConfig
from mixednoise.segmentation.config import SegmentationConfig
from mixednoise.segmentation.patch_settings import PatchSettings
from mixednoise.separation import SeparationSettings

INTRODUCTION = """# Options

Made by `python -m mixednoise.jobs.options_page`; a test keeps it up to date.

In Python: keyword arguments, `QMix(epochs=60, separation={"memory": 0.5})`. On the command line:
the options that `mixednoise train --help` lists, and `--set KEY=VALUE` for every other one; dots
reach into groups: `--set separation.memory=0.5 --set views.vertical_flip=false`. An unknown option
is an error. The values of a run stand in its `config.yaml`.

Segmentation, `ConfidentSegmentation(...)` and `mixednoise segment train`, has options of its own:
[below](#mixednoise-segment-train).
"""

SEGMENTATION = """Also those of `mixednoise segment compare` and of
`ConfidentSegmentation(epochs=30, patches={"augment": False})`. `mixednoise segment errors` takes
`rule`, `pool`, `band` and `min_region` with the same meaning."""


def options_page() -> str:
    """The page as Markdown."""
    parts = [INTRODUCTION, "## Every method", _table(TrainingConfig, skip=())]
    for name, estimator in ESTIMATORS.items():
        config = estimator.method.Config
        if name == "cross_entropy_single":
            continue
        title = f"`{name}`" + (" and `cross_entropy_single`" if name == "cross_entropy" else "")
        parts += [f"## {title}", _table(config, skip=tuple(TrainingConfig.model_fields))]
        if name == "cross_entropy":
            parts.append("`cross_entropy_single` is the same with `networks=1`.")
        for preset in config.preset_names()[1:]:
            changes = _changes(config.preset_options(preset), config)
            parts.append(f"Preset `{preset}` changes:\n\n{changes}")
    parts += ["## `views.*`: weak and strong views", _summary(ViewSettings), _table(ViewSettings)]
    parts += ["## `separation.*`: telling the groups apart", _summary(SeparationSettings)]
    parts.append(_table(SeparationSettings))
    parts += ["## `mixednoise segment train`", SEGMENTATION, _table(SegmentationConfig)]
    for preset in SegmentationConfig.preset_names()[1:]:
        changes = _changes(SegmentationConfig.preset_options(preset), SegmentationConfig)
        parts.append(f"Preset `{preset}` changes:\n\n{changes}")
    parts += ["## `patches.*`: windows of images and masks", _summary(PatchSettings)]
    parts.append(_table(PatchSettings))
    return "\n\n".join(parts) + "\n"


def _summary(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().split("\n\n")[0].replace("\n    ", " ")


def _table(model: type[BaseModel], skip: tuple[str, ...] = ()) -> str:
    lines = ["| option | values | default | meaning |", "| --- | --- | --- | --- |"]
    described = _described(model)
    for name, info in model.model_fields.items():
        if name in skip:
            continue
        meaning = (info.description or described.get(name, "")).replace("|", "\\|")
        lines.append(f"| `{name}` | {_values(info)} | {_default(info)} | {meaning} |")
    return "\n".join(lines)


def _described(model: type[BaseModel]) -> dict[str, str]:
    """What the ``Attributes`` section of a docstring says of each field."""
    _, _, section = (inspect.getdoc(model) or "").partition("Attributes:\n")
    found: dict[str, str] = {}
    name = ""
    for line in section.splitlines():
        entry = re.match(r"    (\w+): (.*)", line)
        if entry:
            name, found[entry[1]] = entry[1], entry[2]
        elif name and line.startswith("        "):
            found[name] += " " + line.strip()
    return {
        key: re.sub(r":\w+:`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text) for key, text in found.items()
    }


def _values(info: FieldInfo) -> str:
    bounds = []
    for constraint in info.metadata:
        for name, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            value = getattr(constraint, name, None)
            if value is not None:
                bounds.append(f"{sign} {value:g}")
    text = _type(info.annotation)
    return f"{text} {', '.join(bounds)}".strip()


def _type(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return ", ".join(f"`{value}`" for value in arguments)
    if origin is typing.Annotated:
        return _type(arguments[0])
    if arguments and origin not in (tuple, list, dict):
        return " or ".join(_type(argument) for argument in arguments)
    if annotation is type(None):
        return "none"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "group"
    return {"int": "whole number", "float": "number", "str": "text", "bool": "true, false"}.get(
        getattr(annotation, "__name__", ""),
        getattr(annotation, "__name__", str(annotation)).lower(),
    )


def _default(info: FieldInfo) -> str:
    if info.default_factory is not None:
        return "see below"
    value = info.default
    if isinstance(value, float):
        return f"{value:g}"
    return (
        "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    )


def _changes(changes: dict[str, Any], model: type[BaseModel], prefix: str = "") -> str:
    """One line per option that the preset gives another value than its default."""
    lines = []
    for name, value in changes.items():
        info = model.model_fields[name]
        group = info.annotation
        if isinstance(value, dict) and isinstance(group, type) and issubclass(group, BaseModel):
            lines.append(_changes(value, group, f"{prefix}{name}."))
        elif value != info.default:
            lines.append(f"- `{prefix}{name}={value}`")
    return "\n".join(filter(None, lines))


if __name__ == "__main__":
    sys.stdout.write(options_page())
