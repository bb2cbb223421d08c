"""How entries look to a question, as columns of numbers: what the models of bot.rank are given.

Knows nothing of models, texts, encoders or thresholds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from bot.compare import NAMES
from knowledge.records import Entry

Floats = npt.NDArray[np.float32]

PAIR_NAMES = (*NAMES, "dense")
"""Columns of the pair model: those of `compare`, then the cosine of the two vectors."""
VIEWS = ("same", "same_second", "same_mean", "dense", "dense_second", "centre", "answer", "document", "letters")
"""How an entry looks to a question: the pair model's log-odds for its wordings (best, second, mean of three), the cosines
of its wordings (best, second), of their centre and of its answer, and shared letters (all its words, best wording)."""
ENTRY_NAMES = (*VIEWS, *(f"{name}_lead" for name in VIEWS), "length", "alone")
"""Columns of the entry model: the views, how far each is ahead of the best other entry, the question's length (log)
and whether the entry has a single wording."""
CONTEXT_VIEWS = ("context", "context_mean", "context_centre")
"""The second encoder's cosines: the best of an entry's wordings, the mean of the best three, their centre."""
CONTEXT_NAMES = (*CONTEXT_VIEWS, *(f"{name}_lead" for name in CONTEXT_VIEWS), "scope")
"""Columns that follow ENTRY_NAMES where there is a second encoder; the last is its verdict whether the question is ours."""
PRIOR_NAMES = ("linked", "asked")
"""Columns that end the rows of entries, whatever is asked: how many entries refer to this one, and how many real questions it answered
(`training/priors.py`); both log(1 + count). A vague question rather means what much leads to than a special case."""
NEAR_ENTRIES = 32
"""Entries whose wordings are all measured by their cosine."""
MOST_ENTRIES = 12
"""Entries that are looked at closely for one question."""
MOST_WORDINGS = 2
"""Wordings of each that the pair model compares with the question."""
ABSENT = -8.0
"""Log-odds that stand for a wording or an entry that is not there."""
ALONE_NAMES = ("log_odds", "dense", "dense_lead", "length")
"""Columns that weigh the trees' verdict on an entry with a single wording against nearness by itself, without a second encoder."""
ALONE_IN_CONTEXT_NAMES = ("log_odds", "context", "context_lead", "length")
"""The same with one."""
LINEARS = {
    "several": (*ENTRY_NAMES, *PRIOR_NAMES),
    "in_context": (*ENTRY_NAMES, *CONTEXT_NAMES, *PRIOR_NAMES),
    "alone": ALONE_NAMES,
    "alone_in_context": ALONE_IN_CONTEXT_NAMES,
}
"""Columns of each logistic regression, by the name of its file and of its place in the ranker."""


def choose_entries(
    centre: Floats, answer: Floats, document: Floats, count: int, dense: Floats | None = None, context: Floats | None = None
) -> npt.NDArray[np.int64]:
    """Places of the entries that look nearest, best first.

    Args:
        centre, answer, document: as in VIEWS, each of shape (entries,).
        count: how many.
        dense: best cosine of each entry's wordings, where worked out.
        context: the second encoder's cosine with the centre of each entry's wordings, where there is one.
    """
    rough = centre + 0.5 * answer + 2 * document  # on the dev questions weights within a factor of two do the same
    if dense is not None:
        rough = rough + dense
    if context is not None:
        rough = rough + context
    count = min(count, len(rough))
    top = np.argpartition(-rough, count - 1)[:count] if count < len(rough) else np.arange(count)
    return np.asarray(top[np.argsort(-rough[top], kind="stable")])


def entry_features(views: Floats, length: int, sizes: npt.NDArray[np.int64]) -> Floats:
    """Columns of the entry model.

    Args:
        views: float32, shape (entries, len(VIEWS)), of the entries that compete for one question.
        length: characters of the question.
        sizes: number of wordings of each entry.

    Returns:
        float32, shape (entries, len(ENTRY_NAMES)).
    """
    leads = np.stack([column - _next_best(column, ABSENT if place < 3 else 0.0) for place, column in enumerate(views.T)], axis=1)
    count = len(views)
    extra = np.stack([np.full(count, np.log1p(length)), sizes == 1], axis=1)
    return np.hstack([views, leads, extra]).astype(np.float32)


def context_features(views: Floats, scope: float = 0.0) -> Floats:
    """Columns CONTEXT_NAMES from the CONTEXT_VIEWS of the entries that compete for one question, and the question's scope."""
    leads = np.stack([column - _next_best(column, 0.0) for column in views.T], axis=1)
    return np.hstack([views, leads, np.full((len(views), 1), scope)]).astype(np.float32)


def contested(rows: Floats) -> npt.NDArray[np.bool_]:
    """For each entry whether the second encoder puts another before it in one of its views; False where there is none.

    An entry is answered only where both ways of looking agree; for that the threshold may lie lower (docs/figures.md).

    Args:
        rows: as for `Ranker.entry_scores`.
    """
    names = LINEARS["in_context"]
    if not has_context(rows):
        return np.zeros(len(rows), dtype=bool)
    return np.asarray((rows[:, [names.index(f"{view}_lead") for view in CONTEXT_VIEWS]] < 0).any(axis=1))


def has_context(rows: Floats) -> bool:
    """Whether rows have the columns of the second encoder, by how many there are."""
    return bool(rows.shape[1] >= len(ENTRY_NAMES) + len(CONTEXT_NAMES))


def priors(entries: Sequence[Entry], asked: Mapping[str, int]) -> Floats:
    """Columns PRIOR_NAMES of all entries of a bank, float32, shape (entries, len(PRIOR_NAMES)).

    Args:
        asked: how many real questions an entry answered, by its id.
    """
    linked = Counter(id_ for entry in entries for id_ in entry.related)
    counts = np.asarray([(linked[entry.id], asked.get(entry.id, 0)) for entry in entries], dtype=np.float32)
    return np.log1p(counts).reshape(len(entries), len(PRIOR_NAMES))


def alone_features(log_odds: Floats, rows: Floats) -> Floats:
    """Columns ALONE_NAMES, or ALONE_IN_CONTEXT_NAMES where the rows have the columns of both encoders, from the trees' log-odds."""
    columns = LINEARS["in_context"]
    names = ALONE_IN_CONTEXT_NAMES if has_context(rows) else ALONE_NAMES
    places = [columns.index(name) for name in names[1:]]
    return np.column_stack([log_odds, *(rows[:, place] for place in places)]).astype(np.float32)


def look_in_context(cosines: Floats, centre: float) -> tuple[float, ...]:
    """The CONTEXT_VIEWS of one entry from the cosines of all its wordings and of their centre."""
    near = np.sort(cosines)[::-1][:3]
    return float(near[0]), float(near.mean()), centre


def look(log_odds: Floats, dense: Floats) -> tuple[float, ...]:
    """The views of one entry that its compared wordings give: same, same_second, same_mean, dense, dense_second.

    Args:
        log_odds, dense: of the compared wordings, shape (wordings,), at least one.
    """
    odds = sorted(log_odds.tolist(), reverse=True)
    near = sorted(dense.tolist(), reverse=True)
    top = (odds + [odds[-1]] * 2)[:3]
    return odds[0], top[1], sum(top) / 3, near[0], near[min(1, len(near) - 1)]


def _next_best(values: Floats, nothing: float) -> Floats:
    """For each value the largest of the others."""
    if len(values) < 2:
        return np.full(len(values), nothing, dtype=np.float32)
    top = np.argsort(-values)[:2]
    others = np.full(len(values), values[top[0]], dtype=np.float32)
    others[top[0]] = values[top[1]]
    return others
