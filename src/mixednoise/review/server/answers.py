"""What the page is told, as plain values for JSON."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from mixednoise.evaluation.colours import GROUP_COLOURS, GROUP_PLAIN
from mixednoise.review.decisions import Decision
from mixednoise.review.server.filters import Filter, window
from mixednoise.review.server.room import Room
from mixednoise.version import __version__


def about(room: Room) -> dict[str, Any]:
    """What is reviewed; asked for once."""
    samples = room.samples
    return {
        "version": __version__,
        "kind": room.manifest.kind,
        "fingerprint": room.manifest.fingerprint,
        "data": room.manifest.data,
        "next": room.next_command,
        "method": room.manifest.method,
        "classes": room.manifest.classes,
        "ordinal": room.manifest.ordinal,
        "group_column": room.manifest.group_column,
        "samples": len(samples),
        "issues": int(samples.is_issue.sum()),
        "facets": samples.facets(),
        "groups": {
            name: {"words": GROUP_PLAIN[name], "colour": colour}
            for name, colour in GROUP_COLOURS.items()
        },
        "colours": layer_colours(room),
        "reviewer": room.reviewer,
        "neighbours": room.neighbours is not None,
        "revision": room.board.refresh(),
    }


def layer_colours(room: Room) -> dict[str, str]:
    """The colour of each mark on a mask; {} for labels."""
    if room.layers is None:
        return {}
    from mixednoise.review.server.layers import COLOURS

    return {str(name): colour for name, colour in COLOURS.items()}


def queue(
    room: Room, chosen: Filter, reviewer: str, around: int | None, before: int, after: int
) -> dict[str, Any]:
    """A stretch of the list around a sample."""
    room.board.refresh()
    found = window(
        room.samples,
        chosen.listed(room.samples, room.board, reviewer),
        around=around,
        before=before,
        after=after,
    )
    return {
        "samples": [room.samples.brief(row) | decided(room, row) for row in found.rows],
        "first": found.first,
        "total": found.total,
        "at": found.at,
        "listed": found.listed,
        "progress": room.board.progress(chosen.among(room.samples), reviewer),
        "last": last(room, reviewer),
        "revision": room.board.revision,
    }


def next_row(room: Room, chosen: Filter, reviewer: str, row: int) -> int | None:
    """The sample that follows in the list; where the undecided ones are listed, all of them."""
    mask = replace(chosen, since=None).listed(room.samples, room.board, reviewer)
    mask[row] = False
    for around in (row, None) if chosen.status == "open" else (row,):
        found = window(room.samples, mask, around=around, before=0, after=1).rows
        if found:
            return found[0]
    return None


def sample(room: Room, row: int) -> dict[str, Any]:
    """Everything about one sample but its image."""
    room.board.refresh()
    told = room.samples.full(row)
    for name in ("same_patient", "same_image"):
        told[name] = [other | decided(room, other["row"]) for other in told[name]]
    return told | decided(room, row)


def neighbours(room: Room, row: int, count: int) -> list[dict[str, Any]]:
    """The samples that look most alike."""
    if room.neighbours is None:
        return []
    return [
        room.samples.brief(other) | decided(room, other) | {"similarity": round(similarity, 4)}
        for other, similarity in room.neighbours.of(row, count)
    ]


def changes(room: Room, since: int, chosen: Filter, reviewer: str) -> dict[str, Any]:
    """What was decided after that revision, by whomever, and how far everybody is."""
    revision = room.board.refresh()
    rows = room.board.changed_since(since) if revision > since else []
    return {
        "revision": revision,
        "samples": [{"row": row} | decided(room, row) for row in rows],
        "progress": room.board.progress(chosen.among(room.samples), reviewer),
        "last": last(room, reviewer),
    }


def decided(room: Room, row: int) -> dict[str, Any]:
    """What stands decided on a sample."""
    return {
        "decisions": [plain(entry) for entry in room.board.standing(row)],
        "differs": room.board.differs(row),
    }


def last(room: Room, reviewer: str) -> dict[str, Any] | None:
    """What undo would take back."""
    entry = room.board.last(reviewer)
    return None if entry is None else plain(entry) | {"row": room.samples.rows[entry.id]}


def plain(entry: Decision) -> dict[str, Any]:
    """A decision."""
    return {
        "number": entry.number,
        "reviewer": entry.reviewer,
        "action": entry.action,
        "label": entry.label,
        "note": entry.note,
        "source": entry.source,
        "at": entry.at,
    }


def mask(room: Room, row: int) -> dict[str, Any]:
    """What is known of a mask before its layers are drawn; errors as :meth:`.Masks.read`."""
    from mixednoise.review.server.layers import classes_in, suspected_per_slice

    case = room.layers.masks.read(row)
    names = room.layers.masks.class_names
    return {
        "slices": len(case.given),
        "shown": case.shown,
        "suspected": suspected_per_slice(case),
        "changes": list(case.changes),
        "classes": [{"index": index, "name": names[index]} for index in classes_in(case)],
        "changed": case.changed,
    }
