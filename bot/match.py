"""A text to ranked entries and articles, each with the parts of its score.

The agents' lookup, the worker's question and the evaluation all come through here. Knows nothing of
thresholds or sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import numpy as np
import numpy.typing as npt

from bot.compare import compare
from bot.encoder import Encoder
from bot.index import Index
from bot.rank import MOST_WORDINGS, Ranker, choose_entries, entry_features, look
from bot.reading import read
from bot.text import normalise, squeeze, strip_fillers
from bot.values import ArticleHit, Candidate, Matched, Parts
from knowledge.citations import find_numbers
from knowledge.law_names import short_names, spoken_names
from knowledge.records import Article, Citation, Entry

_BELOW_ONE = 0.999999
"""Only the very words of an entry score 1."""
ARTICLE_DENSE, ARTICLE_LEXICAL = 0.6, 0.4
"""Weights of meaning and letters in how well an article's own text fits."""
OWN_TEXT, POPULAR, FADING, SPREAD = 0.3, 0.06, 0.7, 0.08
"""How much the article's own text counts beside the votes of entries; how much it counts that many entries cite it;
how much less the next citation of an entry counts; how far behind the best an entry still votes (of cosine). On the
dev questions any value within a factor of two gives article R@10 within 0.02."""
_VOTERS = 40
_VOTING_WORDINGS = 160
_FOREIGN, _HOME = 0.08, 0.22
"""Share of the bank's own laws among the articles whose text fits: below the first the question is of another field of
law and entries have no vote, above the second they have it all (AUC 0.965 between the labour and the other dev questions)."""
_ARTICLE_POOL = 100
_PRIORITIES = {"in_force": 0, "revised": 1, "repealed": 2}


class Matcher:
    """Finds entries and articles in one index."""

    def __init__(self, index: Index, encoder: Encoder, ranker: Ranker) -> None:
        self.index = index
        self._encoder = encoder
        self._ranker = ranker
        self._short_names = _short_names(index.laws)
        self._place = {article.id: place for place, article in enumerate(index.articles)}
        self._citations = [self._cites(entry) for entry in index.entries]
        cited = np.zeros(len(index.articles), dtype=np.float32)
        for places, fading in self._citations:
            cited[places] += fading
        self._popular = np.log1p(cited)
        self._affinity = _affinity(index.articles, cited)

    def _cites(self, entry: Entry) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Places of the articles an entry cites, and how much each citation counts."""
        found: dict[int, float] = {}
        for order, citation in enumerate(entry.basis):
            article = self.index.article(citation)
            if article is not None:
                found.setdefault(self._place[article.id], FADING**order)
        return np.asarray(list(found), dtype=np.int64), np.asarray(list(found.values()), dtype=np.float32)

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
        ranked = self._rank_entries(clean, vector, entries, today)
        hits = self._rank_articles(clean, vector, articles) if articles else ()
        return Matched(text, ranked, hits)

    def _rank_entries(self, clean: str, vector: npt.NDArray[np.float32], count: int, today: date | None) -> tuple[Candidate, ...]:
        side = self.index.wordings
        if not side.texts:
            return ()
        documents = self.index.documents
        cosines = side.cosines(vector)
        letters = side.lexical(clean)
        here = read(clean)
        centre, answer, words = documents.centre(vector), documents.answer(vector), documents.lexical(clean)
        chosen = choose_entries(documents.best(cosines), centre, answer, words)
        places = [self._nearest_wordings(int(owner), cosines) for owner in chosen]
        pool = np.concatenate(places)
        apart = compare(here, [side.readings[place] for place in pool], self._ranker.weights)
        dense = np.clip(cosines[pool], 0, 1)
        log_odds = self._ranker.pair_log_odds(np.column_stack([apart, dense]))
        cuts = np.cumsum([0, *map(len, places)])
        views = np.asarray(
            [
                (*look(log_odds[start:end], dense[start:end]), centre[owner], answer[owner], words[owner], letters[pool[start:end]].max())
                for owner, start, end in zip(chosen, cuts, cuts[1:], strict=False)
            ],
            dtype=np.float32,
        )
        scores = self._ranker.entry_scores(entry_features(views, len(here.bare), documents.sizes[chosen]))
        found = []
        for owner, score, start, end in zip(chosen, scores, cuts, cuts[1:], strict=False):
            entry = self.index.entries[owner]
            if today is not None and not is_valid(entry, today):
                continue
            best = start + int(np.argmax(log_odds[start:end]))
            very_words = [place for place in range(start, end) if side.readings[pool[place]].bare == here.bare]
            best = very_words[0] if very_words else best
            parts = Parts(
                wording=side.texts[pool[best]],
                dense=round(float(dense[best]), 6),
                lexical=round(min(float(letters[pool[best]]), 1.0), 6),
                fuzzy=round(float(apart[best, 0]), 6),
                same=round(float(1 / (1 + np.exp(-log_odds[best]))), 6),
            )
            found.append(Candidate(entry, 1.0 if very_words else min(round(float(score), 6), _BELOW_ONE), parts))
        found.sort(key=lambda candidate: (-candidate.score, candidate.entry.id))
        return tuple(found[:count])

    def _nearest_wordings(self, owner: int, cosines: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
        """Places of an entry's wordings that are nearest."""
        start, size = int(self.index.documents.starts[owner]), int(self.index.documents.sizes[owner])
        own = cosines[start : start + size]
        return start + np.argsort(-own, kind="stable")[:MOST_WORDINGS]

    def _rank_articles(self, clean: str, vector: npt.NDArray[np.float32], count: int) -> tuple[ArticleHit, ...]:
        """Articles by their own text and by the votes of entries: lay words and statute words hardly meet."""
        side = self.index.passages
        if not side.texts:
            return ()
        lexical = side.lexical(clean)
        near, _ = side.nearest(vector, _ARTICLE_POOL)
        pool = np.union1d(near, _top(lexical, _ARTICLE_POOL))
        dense = np.clip(side.cosine(vector, pool), 0, 1)
        fits = np.zeros(len(self.index.articles), dtype=np.float32)  # an article may stand there twice: text and digest
        np.maximum.at(fits, side.owners[pool], ARTICLE_DENSE * dense + ARTICLE_LEXICAL * np.clip(lexical[pool], 0, 1))
        scores = OWN_TEXT * fits
        home = self._at_home(side.owners[pool], dense)
        if home > 0:
            votes = self._votes(vector)
            scores += home * (votes + POPULAR * self._popular * (votes > 0))
        scores = 1 - np.exp(-3 * scores)  # to 0..1, the order kept
        cited = [self._place[article.id] for article in self._cited(clean)]
        scores[cited] = 1.0
        # The current version of an article stands before older ones, whatever their scores; repealed texts stand last.
        best = _top(scores, 3 * count + len(cited))
        hits = sorted(
            (ArticleHit(self.index.articles[place], round(float(scores[place]), 6)) for place in best),
            key=lambda hit: (_PRIORITIES[hit.article.status] > 0, -hit.score, hit.article.id),
        )
        return tuple(hits[:count])

    def _at_home(self, places: npt.NDArray[np.int64], dense: npt.NDArray[np.float32]) -> float:
        """How much of what fits belongs to laws that the bank cites, 0..1; see _FOREIGN and _HOME."""
        top = np.argsort(-dense)[:50]
        weight = dense[top]
        share = float(weight @ self._affinity[places[top]]) / max(float(weight.sum()), 1e-9)
        return min(max((share - _FOREIGN) / (_HOME - _FOREIGN), 0.0), 1.0)

    def _votes(self, vector: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Near entries vote for the articles they cite, the nearer the more; shape (articles,), sum about 1 to 3."""
        side = self.index.wordings
        votes = np.zeros(len(self.index.articles), dtype=np.float32)
        near, cosines = side.nearest(vector, _VOTING_WORDINGS)
        closest: dict[int, float] = {}
        for owner, cosine in zip(side.owners[near].tolist(), cosines.tolist(), strict=True):
            closest.setdefault(owner, cosine)  # best first
            if len(closest) == _VOTERS:
                break
        if not closest:
            return votes
        power = np.exp((np.asarray(list(closest.values())) - max(closest.values())) / SPREAD)
        for owner, weight in zip(closest, power / power.sum(), strict=True):
            places, fading = self._citations[owner]
            votes[places] += weight * fading
        return votes

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


def _affinity(articles: Sequence[Article], cited: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """For each article how often its law is cited, per article of that law, at most 1."""
    sizes: dict[str, int] = {}
    sums: dict[str, float] = {}
    for article, weight in zip(articles, cited.tolist(), strict=True):
        sizes[article.law] = sizes.get(article.law, 0) + 1
        sums[article.law] = sums.get(article.law, 0.0) + weight
    return np.asarray([min(1.0, sums[article.law] / sizes[article.law]) for article in articles], dtype=np.float32)


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
