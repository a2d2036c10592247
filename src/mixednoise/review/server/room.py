"""Everything that one server knows: the audit, its images, and what was decided."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixednoise.audit.commands import apply_command
from mixednoise.audit.folder import AuditFolder, Manifest
from mixednoise.audit.located import LocatedImages, located_images
from mixednoise.errors import ConfigError, DataError, RunError
from mixednoise.progress import Progress
from mixednoise.review.decisions import Action, Decision, Decisions
from mixednoise.review.reviewer_names import checked_name
from mixednoise.review.server.board import Board
from mixednoise.review.server.neighbours import Neighbours
from mixednoise.review.server.originals import Originals
from mixednoise.review.server.pictures import Pictures
from mixednoise.review.server.samples import Samples

#: Files that are looked for when the server starts.
_LOOKED_FOR = 500
LONGEST_NOTE = 2000


@dataclass
class Room:
    """See the module; made by :func:`open_room`.

    Attributes:
        folder: of the audit.
        manifest: of the audit.
        samples: its table.
        decisions: the log.
        board: what stands.
        pictures: of labelled images.
        originals: where they come from.
        layers: of masks; None for labels.
        neighbours: None where there are no features.
        reviewer: name that is proposed, '' = none.
    """

    folder: AuditFolder
    manifest: Manifest
    samples: Samples
    decisions: Decisions
    board: Board
    originals: Originals
    pictures: Pictures
    layers: Any
    neighbours: Neighbours | None
    reviewer: str = ""

    @property
    def is_masks(self) -> bool:
        """Whether masks are reviewed, not labels."""
        return self.manifest.kind == "segmentation"

    @property
    def next_command(self) -> str:
        """What makes a data set of the decisions."""
        return apply_command(self.folder.path, self.manifest)

    def decide(
        self, row: int, reviewer: str, action: Action, *, label: str, note: str, replaces: int
    ) -> Decision:
        """Keep a decision of the page; it is on the disk when this returns.

        Raises:
            ConfigError: a name that is none, a label that is no class, relabel of a mask.
            OvertakenError: the reviewer has decided in another window meanwhile.
            RunError: it can't be kept.
        """
        if action == "relabel" and (self.is_masks or label not in self.manifest.classes):
            raise ConfigError(
                f"{label!r} is no class of this audit" if label else "relabel needs a class",
                expected="none: masks are not relabelled"
                if self.is_masks
                else ", ".join(self.manifest.classes),
                found=label or "none",
                fix="choose one of these",
            )
        made = self.decisions.record(
            self.samples.ids[row],
            checked_name(reviewer),
            action,
            label=label,
            note=note.strip()[:LONGEST_NOTE],
            replaces=replaces,
        )
        self.board.refresh()
        return made

    def undo(self, reviewer: str, number: int) -> Decision | None:
        """Take back the reviewer's newest decision, if that is its number; else None."""
        taken = self.decisions.undo(checked_name(reviewer), number=number)
        self.board.refresh()
        return taken


def open_room(
    path: Path, *, image_root: Path | None = None, reviewer: str = "", progress: Progress
) -> Room:
    """Check everything before a page is served.

    Args:
        path: folder of the audit.
        image_root: where the data set is now, if it has moved.
        reviewer: name that the page proposes.
        progress: warnings go there.

    Raises:
        RunError: no audit, a damaged one; images that have moved; decisions of another set; a
            folder that can't be written.
        ConfigError: a name that is none.
    """
    folder = AuditFolder(path)
    manifest = folder.read_manifest()
    reviewer = checked_name(reviewer) if reviewer else ""
    samples = Samples(folder.read_table(), manifest)
    decisions = Decisions(folder.decisions, manifest.fingerprint)
    located = located_images(folder, root=image_root)
    _must_be_there(located, path, progress)
    originals = Originals(located)
    layers = None
    if manifest.kind == "segmentation":
        # It takes seconds to import what reads masks.
        from mixednoise.review.server.layers import Layers
        from mixednoise.review.server.masks import Masks

        layers = Layers(Masks(manifest, originals), originals.stamp)
    return Room(
        folder,
        manifest,
        samples,
        decisions,
        Board(decisions, samples),
        originals,
        Pictures(originals),
        layers,
        _neighbours(folder, len(samples), progress),
        reviewer,
    )


def _neighbours(folder: AuditFolder, count: int, progress: Progress) -> Neighbours | None:
    if not folder.features.exists():
        return None
    try:
        return Neighbours(folder.features, count)
    except RunError as error:
        progress.warning(f"no similar images are shown: {error.problem}: {error.found}")
        return None


def _must_be_there(located: LocatedImages, path: Path, progress: Progress) -> None:
    """Look for some of the files: a data set that has moved is told of at once.

    Raises:
        DataError: none of them is there.
    """
    if located.array_file is not None:
        files = [located.array_file]
    else:
        step = max(1, len(located) // _LOOKED_FOR)
        files = [some[0] for some in located.files[::step] if some]
    gone = [file for file in files if not file.is_file()]
    if len(gone) == len(files):
        folders = [file.parent for file in gone]
        lost = next((f for f in (*folders[0].parents[::-1], folders[0]) if not f.exists()), None)
        raise DataError(
            "the images are no longer where the audit has seen them",
            expected=f"files such as {gone[0]}",
            found=f"no folder {lost}" if lost else f"none of them in {folders[0]}",
            fix=f"mixednoise review {path} --image-root FOLDER, with the folder where they are now",
        )
    if gone:
        progress.warning(
            f"{len(gone):,} of {len(files):,} images that were looked for are gone, such as "
            f"{gone[0]}: they are shown without a picture"
        )
