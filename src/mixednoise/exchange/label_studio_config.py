"""What annotators see in Label Studio: the labeling configuration, and the names in it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from mixednoise.evaluation.colours import BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION, YELLOW
from mixednoise.review.decisions import Action

IMAGE, LABEL, DECISION, NOTE, MASK = "image", "label", "decision", "note", "mask"
#: What can be decided beside a label, in words and as it is kept.
LEAVE_OUT, TAKE, KEEP = "leave this image out", "take the proposed mask", "keep the given mask"
UNSURE = "unsure"
LABEL_DECISIONS: dict[str, Action] = {LEAVE_OUT: "exclude"}
MASK_DECISIONS: dict[str, Action] = {
    TAKE: "agree",
    KEEP: "keep",
    LEAVE_OUT: "exclude",
    UNSURE: "unsure",
}
_HOTKEYS = "123456789"
_COLOURS = (VERMILLION, SKY, YELLOW, GREEN, PURPLE, ORANGE, BLUE)


def label_config(classes: Sequence[str]) -> str:
    """Of an audit of labels: one class per image, or to leave it out, and a note."""
    return _view(
        ["Given: $given_label | Suggested: $suggested_label", "$reasons"],
        [
            f'  <Choices name="{LABEL}" toName="{IMAGE}" choice="single-radio" showInline="true">',
            *_choices(classes, keys=True),
            "  </Choices>",
            f'  <Choices name="{DECISION}" toName="{IMAGE}" choice="multiple">',
            *_choices(LABEL_DECISIONS),
            "  </Choices>",
        ],
    )


def mask_config(classes: Sequence[str]) -> str:
    """Of an audit of masks: given and proposed mask as brush regions, what to do, and a note."""
    return _view(
        ["$reasons"],
        [
            f'  <Choices name="{DECISION}" toName="{IMAGE}" choice="single-radio" '
            'showInline="true">',
            *_choices(MASK_DECISIONS, keys=True),
            "  </Choices>",
            f'  <BrushLabels name="{MASK}" toName="{IMAGE}">',
            *(
                f"    <Label value={quoteattr(name)} "
                f'background="{_COLOURS[index % len(_COLOURS)]}"/>'
                for index, name in enumerate(classes)
            ),
            "  </BrushLabels>",
        ],
    )


def _view(headlines: Sequence[str], controls: Sequence[str]) -> str:
    # A full stop behind a name with $ would be taken for a part of the name.
    lines = [
        "<View>",
        *(f'  <Header size="5" value={quoteattr(text)}/>' for text in headlines),
        *controls,
        f'  <Image name="{IMAGE}" value="$image" zoom="true" zoomControl="true"/>',
        f'  <TextArea name="{NOTE}" toName="{IMAGE}" placeholder="note" maxSubmissions="1"/>',
        "</View>",
    ]
    return "\n".join(lines) + "\n"


def _choices(names: Sequence[str] | dict[str, Action], *, keys: bool = False) -> list[str]:
    hotkeys = [f' hotkey="{key}"' for key in _HOTKEYS] if keys else []
    hotkeys += [""] * len(names)
    return [
        f"    <Choice value={quoteattr(name)}{hotkey}/>"
        for name, hotkey in zip(names, hotkeys, strict=False)
    ]


def mark_of(sample: str, said: str) -> str:
    """The id of a region that says what had been decided before: so that it is told from new ones.

    Args:
        sample: id of the image.
        said: class, or what was decided, in the words of the configuration.
    """
    content = f"{sample}\x1f{said}".encode("utf-8", "backslashreplace")
    return f"decided-{hashlib.blake2b(content, digest_size=6).hexdigest()}"
