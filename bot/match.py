"""A text to ranked entries and articles, each with the parts of its score.

The agents' lookup, the worker's question and the evaluation all come through here. Knows nothing of
thresholds or sessions.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import numpy as np
import numpy.typing as npt

from bot.compare import compare
from bot.encoder import Encoder
from bot.index import Index
from bot.rank import Ranker, entry_features
from bot.reading import read
from bot.text import normalise, squeeze, strip_fillers
from bot.values import ArticleHit, Candidate, Matched, Parts
from knowledge.citations import find_numbers
from knowledge.law_names import short_names, spoken_names
from knowledge.records import Article, Citation, Entry

LEXICAL = 0.2
"""Share of the lexical cosine, added to the dense one, in choosing which wordings are compared closely."""
ARTICLE_DENSE, ARTICLE_LEXICAL = 0.6, 0.4
_POOL = 40
"""Wordings compared closely for each question; the trained ranker saw as many."""
_LETTERS_POOL = 20
"""Wordings that come in by their letters alone, whatever their vectors say."""
_ARTICLE_POOL = 200
_CITED = 1.0
"""An article named by the worker is what he wants to see."""
_THROUGH_ENTRY = 0.9
"""Lay words and statute words hardly meet: an entry that fits lends its score to the articles it cites."""
_PRIORITIES = {"in_force": 0, "revised": 1, "repealed": 2}


class Matcher:
    """Finds entries and articles in one index."""

    def __init__(self, index: Index, encoder: Encoder, ranker: Ranker) -> None:
        self.index = index
        self._encoder = encoder
        self._ranker = ranker
        self._short_names = _short_names(index.laws)

    def match(self, text: str, entries: int = 10, articles: int = 10, today: date | None = None) -> Matched:
        """The best entries and articles for a text, best first.

        Args:
            text: what somebody typed, as typed.
            entries, articles: how many of each at most.
            today: leaves out entries not valid on that day; None leaves out nothing.
        """
        clean = strip_fillers(normalise(text))
        if not squeeze(clean):
            return Matched(text)
        vector = self._encoder.encode([clean])
        ranked = self._rank_entries(clean, vector, max(entries, 20), today)
        hits = self._rank_articles(clean, vector, ranked, articles) if articles else ()
        return Matched(text, ranked[:entries], hits)

    def _rank_entries(self, clean: str, vector: npt.NDArray[np.float32], count: int, today: date | None) -> tuple[Candidate, ...]:
        side = self.index.wordings
        if not side.texts:
            return ()
        lexical = side.lexical(clean)
        near, _ = side.nearest(vector, _POOL)
        pool = np.union1d(near, _top(lexical, _LETTERS_POOL))
        dense = np.clip(side.cosine(vector, pool), 0, 1)
        chosen = np.argsort(-(dense + LEXICAL * lexical[pool]), kind="stable")[:_POOL]
        pool, dense, letters = pool[chosen], dense[chosen], np.clip(lexical[pool[chosen]], 0, 1)
        here = read(clean)
        apart = compare(here, [side.readings[place] for place in pool], self._ranker.weights)
        log_odds = self._ranker.pair_log_odds(np.column_stack([apart, dense]))
        owners, features, best = entry_features(log_odds, dense, letters, side.owners[pool], len(here.bare))
        found = []
        for owner, score, place in zip(owners, self._ranker.entry_scores(features), best, strict=True):
            entry = self.index.entries[owner]
            if today is None or is_valid(entry, today):
                parts = Parts(
                    wording=side.texts[pool[place]],
                    dense=round(float(dense[place]), 6),
                    lexical=round(float(letters[place]), 6),
                    fuzzy=round(float(apart[place, 0]), 6),
                    same=round(float(1 / (1 + np.exp(-log_odds[place]))), 6),
                )
                found.append(Candidate(entry, round(float(score), 6), parts))
        found.sort(key=lambda candidate: (-candidate.score, candidate.entry.id))
        return tuple(found[:count])

    def _rank_articles(
        self, clean: str, vector: npt.NDArray[np.float32], ranked: tuple[Candidate, ...], count: int
    ) -> tuple[ArticleHit, ...]:
        scores: dict[str, ArticleHit] = {}

        def offer(article: Article, score: float) -> None:
            had = scores.get(article.id)
            if had is None or score > had.score:
                scores[article.id] = ArticleHit(article, round(score, 6))

        side = self.index.passages
        if side.texts:
            lexical = side.lexical(clean)
            near, _ = side.nearest(vector, _ARTICLE_POOL)
            pool = np.union1d(near, _top(lexical, _ARTICLE_POOL))
            dense = np.clip(side.cosine(vector, pool), 0, 1)
            mixed = ARTICLE_DENSE * dense + ARTICLE_LEXICAL * np.clip(lexical[pool], 0, 1)
            for place in np.argsort(-mixed, kind="stable")[: 2 * count]:  # an article may stand there twice
                offer(self.index.articles[int(side.owners[pool[place]])], float(mixed[place]))
        for candidate in ranked[:10]:
            for order, citation in enumerate(candidate.entry.basis):
                article = self.index.article(citation)
                if article is not None:
                    offer(article, _THROUGH_ENTRY * candidate.score * 0.98**order)
        for article in self._cited(clean):
            offer(article, _CITED)
        # The current version of an article stands before older ones, whatever their scores; repealed texts stand last.
        hits = sorted(
            scores.values(),
            key=lambda hit: (_PRIORITIES[hit.article.status] > 0, -hit.score, hit.article.id),
        )
        return tuple(hits[:count])

    def _cited(self, clean: str) -> Iterable[Article]:
        """Articles that the text names: 劳动合同法47条, 第四十七条 after a title, a title in short."""
        for at, number in find_numbers(clean):
            before = clean[:at].rstrip("《》 \"'的")
            law = max(
                (name for name in self._short_names if before.endswith(name)),
                key=len,
                default="",
            )
            if law:
                article = self.index.article(Citation(self._short_names[law], number))
                if article is not None:
                    yield article


def is_valid(entry: Entry, today: date) -> bool:
    """Whether an entry may be answered on that day; a date given to the month or year covers all of it."""
    day = today.isoformat()
    return entry.valid_from[: len(day)] <= day and (not entry.valid_to or day[: len(entry.valid_to)] <= entry.valid_to)


def _short_names(laws: Iterable[str]) -> dict[str, str]:
    known = set(laws)
    names = {normalise(law): law for law in known}
    for table in (short_names(), spoken_names()):
        for short, law in table.items():
            if law in known:
                names.setdefault(normalise(short), law)
    return names


def _top(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    """Places of the highest scores above zero."""
    count = min(count, len(scores))
    places = np.argpartition(scores, len(scores) - count)[len(scores) - count :]
    return places[scores[places] > 0]
