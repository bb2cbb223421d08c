"""A text to ranked entries and articles, each with the parts of its score.

The agents' lookup, the worker's question and the evaluation all come through here. Knows nothing of
thresholds or sessions.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from bot.compare import compare, contradicts, weigh
from bot.encoder import Encoder
from bot.index import Index
from bot.mend import Mender
from bot.parts import WHOLE_COUNTS, Part, halves, join, sentences
from bot.rank import Ranker
from bot.reading import Reading, read
from bot.text import cut, normalise, squeeze, strip_fillers
from bot.values import ArticleHit, Candidate, Matched, Parts
from bot.views import (
    LINEARS,
    MOST_ENTRIES,
    MOST_WORDINGS,
    NEAR_ENTRIES,
    choose_entries,
    contested,
    context_features,
    entry_features,
    look,
    look_in_context,
    priors,
)
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
_FOREIGN, _HOME = 0.08, 0.22
"""Share of the bank's own laws among the articles whose text fits: below the first the question is of another field of
law and entries have no vote, above the second they have it all (AUC 0.965 between the labour and the other dev questions)."""
_ARTICLE_POOL = 100
SURELY_WORK = 1.0
"""Log-odds of scope above which a sentence that only tells is about work; any value from -1 to 3 gives the same."""
_PRIORITIES = {"in_force": 0, "revised": 1, "repealed": 2}


@dataclass(frozen=True, slots=True)
class _Look:
    """Entries looked at closely; `cuts` says which of the compared wordings belong to each, `near` holds the best cosine
    of all that were measured."""

    owners: npt.NDArray[np.int64]
    features: npt.NDArray[np.float32]
    pool: npt.NDArray[np.int64]
    cuts: tuple[tuple[int, int], ...]
    log_odds: npt.NDArray[np.float32]
    dense: npt.NDArray[np.float32]
    letters: npt.NDArray[np.float32]
    apart: npt.NDArray[np.float32]
    bare: str
    near: dict[int, float]


class Matcher:
    """Finds entries and articles in one index.

    Args:
        context: the second encoder, where the index was built with one.
    """

    def __init__(self, index: Index, encoder: Encoder, ranker: Ranker, context: Encoder | None = None) -> None:
        self.index = index
        self._encoder = encoder
        self._context = context
        self._ranker = ranker
        self._short_names = _short_names(index.laws)
        self._mender = Mender(reading.bare for reading in index.wordings.readings)
        self._known = frozenset(reading.bare for reading in index.wordings.readings)
        self._masses = [weigh(reading, ranker.weights) for reading in index.wordings.readings]
        self._priors = priors(index.entries, ranker.asked)
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
        clean = self._mender.mend(strip_fillers(normalise(text)))
        if not squeeze(clean):
            return Matched(text)
        vector = self._encoder.encode([clean])
        near, ranked = self._find(clean, vector, entries, today) if self.index.entries else ({}, ())
        if ranked and ranked[0].score < 1.0:
            told = self._read(sentences(clean), entries, today)
            ranked = join(ranked, told, entries, WHOLE_COUNTS) if told else join(ranked, self._read(halves(clean), entries, today), entries)
        hits = self._rank_articles(clean, vector, near, articles) if articles else ()
        return Matched(text, ranked, hits)

    def _read(self, parts: Iterable[Part], count: int, today: date | None) -> list[tuple[Part, tuple[Candidate, ...]]]:
        """Parts of a message that are worth reading by themselves, each with its candidates."""
        found = ((part, self._find(part.text, self._encoder.encode([part.text]), count, today, told=part.told)[1]) for part in parts)
        return [(part, candidates) for part, candidates in found if candidates]

    def _find(
        self, clean: str, vector: npt.NDArray[np.float32], count: int, today: date | None, *, told: bool = False
    ) -> tuple[dict[int, float], tuple[Candidate, ...]]:
        """How near entries are, and the best of them; none for what only tells and is not surely about work.

        The very words of an entry need no second encoder, so that what is clicked is answered in half the time; where these words
        may not be answered (an entry out of date) all others are scored as usual, for thresholds are fitted to such scores.
        """
        here = read(clean)
        if self._context is None or here.bare in self._known:
            if told and here.bare not in self._known:
                return {}, ()  # without a second encoder nobody says whether it is about work
            seen = self._look(clean, here, vector)
            ranked = self._rank_entries(seen, count, today)
            if self._context is None or (ranked and ranked[0].score == 1.0):
                return seen.near, ranked
        meant = self._context.encode([clean])
        if told and self._scope(meant) <= SURELY_WORK:
            return {}, ()
        seen = self._look(clean, here, vector, meant)
        return seen.near, self._rank_entries(seen, count, today)

    def _look(self, clean: str, here: Reading, vector: npt.NDArray[np.float32], meant: npt.NDArray[np.float32] | None = None) -> _Look:
        """The entries worth a close look, with everything that speaks for them.

        Args:
            clean, here: a cleaned text, and what is read off it.
            vector, meant: of the first encoder, and of the second where it is asked.
        """
        side, documents = self.index.wordings, self.index.documents
        centre, answer, words = documents.centre(vector), documents.answer(vector), documents.lexical(clean)
        contexts = self.index.contexts
        meant_centre = contexts.centre(meant) if contexts is not None and meant is not None else None
        near = choose_entries(centre, answer, words, NEAR_ENTRIES, context=meant_centre)
        spans = [np.arange(documents.starts[owner], documents.starts[owner] + documents.sizes[owner]) for owner in near]
        cosines = np.split(side.cosine(vector, np.concatenate(spans)), np.cumsum([len(span) for span in spans])[:-1])
        closest = np.asarray([found.max() for found in cosines], dtype=np.float32)
        order = choose_entries(
            centre[near], answer[near], words[near], MOST_ENTRIES, closest, meant_centre[near] if meant_centre is not None else None
        )
        owners = near[order]
        tops = [np.argsort(-cosines[place], kind="stable")[:MOST_WORDINGS] for place in order]
        places = [spans[place][top] for place, top in zip(order, tops, strict=True)]
        pool = np.concatenate(places)
        dense = np.clip(np.concatenate([cosines[place][top] for place, top in zip(order, tops, strict=True)]), 0, 1)
        letters = side.lexical_some(clean, pool)
        masses = [self._masses[place] for place in pool]
        apart = compare(here, [side.readings[place] for place in pool], self._ranker.weights, masses)
        log_odds = self._ranker.pair_log_odds(np.column_stack([apart, dense]))
        cuts = [0, *np.cumsum([len(found) for found in places]).tolist()]
        views = np.asarray(
            [
                (*look(log_odds[start:end], dense[start:end]), centre[owner], answer[owner], words[owner], letters[start:end].max())
                for owner, (start, end) in zip(owners, pairwise(cuts), strict=True)
            ],
            dtype=np.float32,
        )
        features = entry_features(views, len(here.bare), documents.sizes[owners])
        if contexts is not None and meant is not None and meant_centre is not None:
            seen = [
                look_in_context(contexts.cosine(meant, spans[place]), float(meant_centre[owner]))
                for place, owner in zip(order, owners, strict=True)
            ]
            features = np.hstack([features, context_features(np.asarray(seen, dtype=np.float32), self._scope(meant))])
        features = np.hstack([features, self._priors[owners]])
        voters = dict(zip(near.tolist(), closest.tolist(), strict=True))
        return _Look(owners, features, pool, tuple(pairwise(cuts)), log_odds, dense, letters, apart, here.bare, voters)

    def _scope(self, meant: npt.NDArray[np.float32]) -> float:
        """Log-odds that a text is about work, from its vector of the second encoder."""
        return self._ranker.scope.log_odds(meant) if self._ranker.scope is not None else 0.0

    def entry_features(self, text: str) -> tuple[tuple[str, ...], npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
        """What `eval.fit` learns from: ids of the entries looked at, the entry model's columns for each, and which may not be answered
        because something clashes."""
        clean = self._mender.mend(strip_fillers(normalise(text)))
        if not squeeze(clean) or not self.index.entries:
            width = len(LINEARS["several" if self._context is None else "in_context"])
            return (), np.zeros((0, width), dtype=np.float32), np.zeros(0, dtype=bool)
        found = self._look(clean, read(clean), self._encoder.encode([clean]), self._context.encode([clean]) if self._context else None)
        best = [start + int(np.argmax(found.log_odds[start:end])) for start, end in found.cuts]
        clash = contradicts(found.apart)[best] | contested(found.features) | is_topic(found.bare)
        return tuple(self.index.entries[owner].id for owner in found.owners), found.features, clash

    def _rank_entries(self, seen: _Look, count: int, today: date | None) -> tuple[Candidate, ...]:
        side = self.index.wordings
        ranked = []
        scores, doubts = self._ranker.entry_scores(seen.features), contested(seen.features) | is_topic(seen.bare)
        for owner, score, doubt, (start, end) in zip(seen.owners, scores, doubts, seen.cuts, strict=True):
            entry = self.index.entries[owner]
            if today is not None and not is_valid(entry, today):
                continue
            very_words = [place for place in range(start, end) if side.readings[seen.pool[place]].bare == seen.bare]
            right = 1.0 if very_words else min(round(float(score), 6), _BELOW_ONE)
            ranked.append((-right, entry.id, entry, very_words, bool(doubt) and not very_words, start, end))
        clashes = contradicts(seen.apart)
        found = []
        for less, _, entry, very_words, doubt, start, end in sorted(ranked, key=lambda row: row[:2])[:count]:
            best = very_words[0] if very_words else start + int(np.argmax(seen.log_odds[start:end]))
            parts = Parts(
                wording=side.texts[seen.pool[best]],
                dense=round(float(seen.dense[best]), 6),
                lexical=round(min(float(seen.letters[best]), 1.0), 6),
                fuzzy=round(float(seen.apart[best, 0]), 6),
                same=round(float(1 / (1 + np.exp(-seen.log_odds[best]))), 6),
                clash=bool(clashes[best]) or doubt,
            )
            found.append(Candidate(entry, -less, parts))
        return tuple(found)

    def _rank_articles(
        self, clean: str, vector: npt.NDArray[np.float32], near_entries: dict[int, float], count: int
    ) -> tuple[ArticleHit, ...]:
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
            votes = self._votes(near_entries)
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

    def _votes(self, near: dict[int, float]) -> npt.NDArray[np.float32]:
        """Near entries vote for the articles they cite, the nearer the more; shape (articles,), sum about 1 to 3."""
        votes = np.zeros(len(self.index.articles), dtype=np.float32)
        closest = dict(sorted(near.items(), key=lambda pair: -pair[1])[:_VOTERS])
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


def is_topic(bare: str) -> bool:
    """Whether a squeezed text is a single word (加班, 年假): it names a topic and asks nothing, so there is a choice to offer."""
    return len(cut(bare)) < 2


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
