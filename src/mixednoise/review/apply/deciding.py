"""From the log of an audit to rulings, with what the user should know of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pandas as pd

from mixednoise.audit.folder import AuditFolder, Manifest
from mixednoise.audit.located import LocatedImages
from mixednoise.data.report import counted, examples
from mixednoise.errors import RunError
from mixednoise.progress import Progress
from mixednoise.review.apply.plan import AUDIT, Action, Ruling, make_plan, say_disagreement
from mixednoise.review.apply.undo import Selection, meant_decisions
from mixednoise.review.apply.wishes import Wishes
from mixednoise.review.decisions import Decision, Decisions
from mixednoise.review.outcome import Outcome, outcomes

#: What an action is called in the answer.
_NAMES: dict[Action, str] = {
    "relabel": "relabelled",
    "exclude": "excluded",
    "keep": "kept",
    "unsure": "unsure",
    "disagreement": "disagreements",
    "withheld": "withheld",
    "changed": "image_changed",
}


def choose_decisions(
    folder: AuditFolder, manifest: Manifest, selection: Selection | None
) -> list[Decision]:
    """The decisions of an audit that are to be taken back; nothing is done yet.

    Raises:
        RunError: nothing is decided, or the log belongs to another audit or can't be written.
        ConfigError: no decision is meant.
    """
    if selection is None:
        return []
    _must_be_decided(folder)
    return meant_decisions(Decisions(folder.decisions, manifest.fingerprint), selection)


def take_back_decisions(
    folder: AuditFolder, manifest: Manifest, chosen: Sequence[Decision], progress: Progress
) -> int:
    """Take decisions back in the log of an audit; how many. Nothing is deleted.

    What an earlier decision of the same reviewer had said stands again, unless it is taken back as
    well.

    Raises:
        RunError: the log can't be written.
    """
    if not chosen:
        return 0
    log = Decisions(folder.decisions, manifest.fingerprint)
    taken = log.take_back(one.number for one in chosen)
    named = examples(f"{one.id} ({one.reviewer}: {one.label or one.action})" for one in taken)
    progress.message(f"took back {counted(len(taken), 'decision')}: {named}")
    return len(taken)


def rule(
    folder: AuditFolder,
    manifest: Manifest,
    table: pd.DataFrame,
    located: LocatedImages,
    wishes: Wishes,
    progress: Progress,
    *,
    without: Sequence[Decision] = (),
) -> tuple[list[Ruling], dict[str, Any]]:
    """What becomes of each sample, and the figures of it.

    Args:
        folder: the audit.
        manifest: of it.
        table: of it.
        located: its images where they are now.
        wishes: whose decisions count, and what may change.
        progress: is told what was left as it is, and what should better not have changed.
        without: decisions that count as if they had been taken back.

    Raises:
        RunError: nothing is decided, or the log belongs to another audit.
        ConfigError: there is no such reviewer.
    """
    decided = _decided(folder, manifest, table, wishes, without)
    rulings = make_plan(
        table,
        decided,
        include_test=wishes.include_test,
        trust_audit=wishes.trust_audit,
        changed=located.changed,
    )
    for line in _warnings(rulings, decided):
        progress.warning(line)
    number = Counter(one.action for one in rulings)
    told: dict[str, Any] = {name: number[action] for action, name in _NAMES.items()}
    return rulings, told | {"by_audit": sum(one.source == AUDIT and one.changes for one in rulings)}


def _warnings(rulings: list[Ruling], decided: dict[str, Outcome]) -> list[str]:
    def those(action: Action) -> list[Ruling]:
        return [one for one in rulings if one.action == action]

    lines = []
    if split := those("disagreement"):
        told = [say_disagreement(one, decided[one.id]) for one in split]
        lines.append(
            f"left as they are, {counted(len(told), 'disagreement')}: {examples(told, 3)}; "
            "--prefer NAME says who decides"
        )
    if withheld := those("withheld"):
        lines.append(
            f"left as they are, {counted(len(withheld), 'sample')} of the test split: "
            f"{_ids(withheld)}; with --include-test they change, too"
        )
    if tests := [one for one in rulings if one.changes and one.split == "test"]:
        lines.append(
            f"{counted(len(tests), 'sample')} of the test split changed: figures measured on it "
            "before can't be compared with new ones"
        )
    if changed := those("changed"):
        lines.append(
            f"left as they are, {counted(len(changed), 'sample')} whose image is another one than "
            f"at the audit: {_ids(changed)}; audit and review them again"
        )
    return lines


def _ids(rulings: list[Ruling]) -> str:
    return examples((one.id for one in rulings), 3)


def _decided(
    folder: AuditFolder,
    manifest: Manifest,
    table: pd.DataFrame,
    wishes: Wishes,
    without: Sequence[Decision],
) -> dict[str, Outcome]:
    """What the reviewers want, by id."""
    standing: list[Decision] = []
    if wishes.trust_audit is None or folder.decisions.is_file():
        _must_be_decided(folder)
        log = Decisions(folder.decisions, manifest.fingerprint, read_only=True)
        gone = [one.number for one in without]
        standing = log.standing(wishes.reviewer, without=gone)
        if wishes.trust_audit is None and not log.log():
            raise _nothing_decided(folder, "an empty log")
        wishes.check_reviewers(one.reviewer for one in log.standing(without=gone))
    given = dict(zip(table["id"], table["given_label"], strict=True))
    suggested = dict(zip(table["id"], table["suggested_label"], strict=True))
    return outcomes(standing, given=given, suggested=suggested, prefer=wishes.prefer)


def _must_be_decided(folder: AuditFolder) -> None:
    if not folder.decisions.is_file():
        raise _nothing_decided(folder, f"no {folder.decisions.name}")


def _nothing_decided(folder: AuditFolder, found: str) -> RunError:
    manifest = folder.read_manifest()
    unseen = (
        "take the audit's own word, unseen: --trust-audit 0.95"
        if manifest.kind == "classification"
        else f"take all proposed masks, unseen: mixednoise segment export {manifest.run} --to masks"
    )
    return RunError(
        f"nothing is decided in {folder.path}",
        expected="decisions of a reviewer",
        found=found,
        fix=f"decide first: mixednoise review {folder.path} (or {unseen})",
    )
