"""Options of an export that don't exist, or don't go together."""

from __future__ import annotations

from typing import Any

from mixednoise.audit.folder import Kind
from mixednoise.errors import ConfigError
from mixednoise.exchange.pictures import Images
from mixednoise.exchange.registry import FORMATS, Format
from mixednoise.exchange.selection import LABELS, Labels


def check_options(
    form: Format, kind: Kind, labels: str, images: str | None, options: dict[str, Any]
) -> tuple[Images, Labels]:
    """Refuse what can't be, or would do nothing.

    Args:
        form: the format.
        kind: of the audit.
        labels: which go out.
        images: how they go out; None = the first that the format has.
        options: name -> value of all others, None or False = not given.

    Returns:
        How images, and which labels, go out.

    Raises:
        ConfigError: see above.
    """
    which = next((one for one in LABELS if one == labels), None)
    if which not in form.labels or which is None:
        raise ConfigError(
            f"there are no labels {labels!r}"
            if which is None
            else f"--labels {labels} does not go with --to {form.name}",
            expected=", ".join(form.labels),
            found=labels,
            fix="choose one of these with --labels, or leave it away",
        )
    wanted = images if images is not None else next(iter(form.images), "refer")
    mode = next((one for one in form.images if one == wanted), None)
    if images is not None and mode is None:
        raise ConfigError(
            f"--images {images} does not go with --to {form.name}",
            expected=", ".join(form.images) or f"--to {form.name} without --images",
            found=images,
            fix="choose one of these, or leave it away",
        )
    for name, value in options.items():
        if value is not None and value is not False:
            _check_use(form, kind, which, name)
    return mode or "refer", which


def _check_use(form: Format, kind: Kind, labels: Labels, name: str) -> None:
    """Refuse an option that would do nothing."""
    told, now = "--" + name.replace("_", "-"), f"--to {form.name}"
    where = [f"--to {one.name}" for one in FORMATS.values() if name in one.options]
    used = name in form.options
    if name in ("prefer", "include_test", "allow_new_class"):
        where = ["--labels corrected"]
        used, now = labels == "corrected", f"--labels {labels}"
        if used and name == "include_test" and form.as_decided:
            where, used, now = ["a format whose labels change by it"], False, f"--to {form.name}"
        if used and name == "allow_new_class" and kind == "segmentation":
            where, used, now = ["an audit of labels"], False, "masks"
    if not used:
        raise ConfigError(
            f"{told} does nothing with {now}",
            expected=f"{told} with {' or '.join(where)}",
            found=now,
            fix="leave it away",
        )
