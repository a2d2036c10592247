"""Why a sample got its verdict, in words that a curator can check against the image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mixednoise.data.table import GROUPS
from mixednoise.quality.reasons import join_reasons

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

#: Below this probability of the group that won, the verdict is a close call.
CLOSE_CALL = 0.6
#: From this share of its maximum on, the entropy alone says that the network is undecided.
UNDECIDED = 0.5
#: A loss or entropy is worth a word when it lies above this share of its class.
REMARKABLE = 0.75


def explain(
    *,
    class_names: Sequence[str],
    given: Integers,
    predicted: Integers,
    probabilities: Floats,
    p: Floats,
    group: Integers,
    loss: Floats,
    entropy: Floats,
    looks: tuple[Integers, Integers] | None,
    views: tuple[Integers, int] | None = None,
    unusual: Floats | None = None,
) -> list[str]:
    """One line per sample, reasons joined by ``"; "``; empty where nothing speaks for a doubt.

    Args:
        class_names: C names.
        given: int (N,), given class codes.
        predicted: int (N,), predicted class codes, -1 = not scored.
        probabilities: float (N, C), NaN rows where not scored.
        p: float (N, 3), group probabilities, NaN rows where not judged.
        group: int (N,), 0 correct, 1 mis_h, 2 mis_l, -1 not judged.
        loss: float (N,), nats, NaN allowed.
        entropy: float (N,), nats, NaN allowed.
        looks: ``(n_agree, n_total)``, int (N,) each: in how many looks at the sample during
            training the prediction was the given label, and of how many.
        views: ``(n_same, total)``: in how many looks of the finished networks, int (N,), the
            prediction is the predicted class, and of how many.
        unusual: float (N,), share of the images that look less unlike the others, NaN allowed.
    """
    # Plain lists: indexing numpy scalars one by one would cost more than the sentences.
    name = [class_names[g] for g in given]
    guess = [class_names[k] if k >= 0 else "" for k in predicted]
    rows = np.arange(len(given))
    of_given: list[float] = probabilities[rows, given].tolist()
    of_guess: list[float] = probabilities[rows, np.maximum(predicted, 0)].tolist()
    share: list[float] = np.minimum(entropy / np.log(len(class_names)), 1.0).tolist()
    judged = group >= 0
    loss_rank: list[float] = share_below(loss, given, judged).tolist()
    entropy_rank: list[float] = share_below(entropy, given, judged).tolist()
    seen = [f" in {same} of {views[1]} looks" for same in views[0].tolist()] if views else None
    agree = looks[0].tolist() if looks else None
    total = looks[1].tolist() if looks else None
    groups, posteriors = group.tolist(), p.tolist()
    strange: list[float] = (
        np.full(len(group), np.nan).tolist() if unusual is None else unusual.tolist()
    )

    lines: list[str] = []
    for i, code in enumerate(groups):
        if not guess[i]:
            lines.append("not scored")
            continue
        differs = guess[i] != name[i]
        conflict = (
            f"predicted {guess[i]} with {_share(of_guess[i])}{seen[i] if seen else ''}, "
            f"given {name[i]} with {_share(of_given[i])}"
        )
        said: list[str] = []
        if code <= 0:
            if differs:
                said.append(f"kept although {conflict}" if code == 0 else conflict)
        elif code == 1:
            said.append(
                conflict
                if differs
                else f"predicted the given {name[i]} all the same, with {_share(of_given[i])}"
            )
            if loss_rank[i] >= REMARKABLE:
                said.append(f"loss above {_percent(loss_rank[i])} of its given class")
        else:
            if strange[i] >= REMARKABLE:
                said.append(f"looks less like the others than {_percent(strange[i])} of the images")
            if share[i] >= UNDECIDED:
                said.append(f"network undecided (entropy {_share(share[i])} of its maximum)")
            elif entropy_rank[i] >= REMARKABLE:
                said.append(f"entropy above {_percent(entropy_rank[i])} of its given class")
            if differs:
                said.append(conflict)
            said = said or ["loss and entropy lie with the unreadable images"]
            said.append("no label suggested for an unreadable image")
        if agree is not None and total is not None and total[i] > 0 and (code > 0 or said):
            said.append(f"agreed with the given label in {agree[i]} of {total[i]} looks")
        if code >= 0 and max(posteriors[i]) < CLOSE_CALL:
            said.append(_close_call(posteriors[i]))
        lines.append(join_reasons(said))
    return lines


def share_below(values: Floats, given: Integers, among: NDArray[np.bool_]) -> Floats:
    """Share of the samples of the same given class that lie strictly lower, float (N,) in [0, 1).

    Only the samples of ``among`` that have a value are ranked; NaN for all others.
    """
    ranked = pd.Series(values).where(among)
    by_class: Any = ranked.groupby(given)
    share: Floats = ((by_class.rank(method="min") - 1) / by_class.transform("count")).to_numpy()
    return share


def _close_call(posterior: Sequence[float]) -> str:
    first, second = sorted(range(3), key=lambda g: -posterior[g])[:2]
    return (
        f"close call: {GROUPS[first]} {_share(posterior[first])}, "
        f"{GROUPS[second]} {_share(posterior[second])}"
    )


def _share(value: float) -> str:
    if value < 0.005:
        return "less than 0.01"
    return f"{value:.2f}"


def _percent(value: float) -> str:
    return f"{int(100 * value)} %"
