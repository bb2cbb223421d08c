"""Homophone slips mended by what the bank itself says: strange pairs of characters first, then words that are none.

A noisy channel of the plainest kind (Kernighan, Church and Gale 1990, https://aclanthology.org/C90-2036): the slip is
another character of the same sound. The language is the bank's wordings, in pairs of neighbouring characters and, for what pairs
leave, as the likeliest sequence of words, the dictionary's and the bank's. Knows no law.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

from pypinyin import lazy_pinyin

from bot.text import dictionary_words, share

START, END = "^", "$"
LONGEST = 80
"""Longer messages are stories: there a strange pair is more likely a name than a slip."""
ONE_SIDE = 20
"""How often the pair with one neighbour must stand in the bank where the pair with the other does not. Between 8 and 30 the
figures of `eval.tolerance` and of the held-out questions differ by less than 0.005."""
LONGEST_WORD, SELDOM = 4, 2
"""Characters of the words that slips are mended to; how often one must stand in the bank."""
SLIP_COSTS = 3.0
"""Natural logarithm: a slip is taken for e³ times less likely than none. By a script that was not kept, 2 mends 2 % more of the
questions with two slips and changes 78 of 1,067 real ones where 3 changes 43, mostly names and things of other fields; 4 mends 5 %
fewer and changes 28."""
UNKNOWN = 18.0
"""What a character costs that neither the bank nor the dictionary has."""
_NEGATIONS = frozenset("不没未无非别勿")
"""Never put in or taken out: 补交 is not 不交."""


class Mender:
    """Pairs of characters, words and sounds of one bank.

    Args:
        texts: its wordings, normalised, with or without punctuation.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._pairs: Counter[str] = Counter()
        found: Counter[str] = Counter()
        for text in texts:
            self._pairs.update(left + right for left, right in pairwise(f"{START}{text}{END}"))
            found.update(dictionary_words(text, LONGEST_WORD))
        self._by_sound: defaultdict[str, list[str]] = defaultdict(list)
        self._sounds: dict[str, str] = {}
        for char in sorted({char for pair in self._pairs for char in pair if "一" <= char <= "龥"}):
            self._sounds[char] = lazy_pinyin(char)[0]
            self._by_sound[self._sounds[char]].append(char)
        self._counts = found
        self._all = sum(self._counts.values()) or 1
        self._words: defaultdict[tuple[str, ...], list[str]] = defaultdict(list)
        readings: defaultdict[str, set[str]] = defaultdict(set)
        for word, count in self._counts.items():
            if len(word) > 1 and count >= SELDOM and all("一" <= char <= "龥" for char in word):
                sounds = tuple(lazy_pinyin(word))
                self._words[sounds].append(word)
                for char, sound in zip(word, sounds, strict=True):
                    readings[char].add(sound)
        self._readings = {char: tuple(sorted({sound, *readings[char]})) for char, sound in self._sounds.items()}
        self._starts = frozenset(key[:length] for key in self._words for length in range(1, len(key) + 1))
        self._costs: dict[str, float] = {}

    def mend(self, clean: str) -> str:
        """A normalised text with slips mended; unchanged where the bank knows every pair, or knows nothing better."""
        return clean if len(clean) > LONGEST else self._mend_words(self._mend_pairs(clean))

    def _mend_pairs(self, clean: str) -> str:
        """A character whose two neighbours it never has in the bank, for one of the same sound that has."""
        pairs = self._pairs
        chars = list(f"{START}{clean}{END}")
        for at in range(1, len(chars) - 1):
            before, char, after = chars[at - 1], chars[at], chars[at + 1]
            if not "一" <= char <= "龥" or before + char in pairs or char + after in pairs:
                continue
            best, most = char, (False, 0)
            for other in self._by_sound.get(self._sounds.get(char) or lazy_pinyin(char)[0], ()):
                left, right = pairs.get(before + other, 0), pairs.get(other + after, 0)
                both = left > 0 and right > 0
                if (both or left + right >= ONE_SIDE) and (both, left + right) > most:
                    best, most = other, (both, left + right)
            chars[at] = best
        return "".join(chars[1:-1])

    def _mend_words(self, clean: str) -> str:
        """Single characters for a word of the bank with the same sounds, where that makes a likelier sentence and likelier pairs."""
        mended, belongs = clean, None
        for at, word in self._segment(clean, mend=True):
            said = clean[at : at + len(word)]
            if said == word or self._likely(clean, at, word) <= self._likely(clean, at, said) + 1:
                continue
            if belongs is None:
                belongs = [len(part) > 1 for _, part in self._segment(clean, mend=False) for _ in part]
            changed = [place for place in range(len(word)) if word[place] != said[place]]
            negated = any({word[place], said[place]} & _NEGATIONS for place in changed)
            if not negated and not any(belongs[at + place] for place in changed):
                mended = mended[:at] + word + mended[at + len(word) :]
        return mended

    def _likely(self, clean: str, at: int, word: str) -> float:
        """How often the bank has the pairs that a word makes at a place, sum of log(1 + count)."""
        before, after = clean[at - 1] if at else START, clean[at + len(word)] if at + len(word) < len(clean) else END
        return sum(math.log1p(self._pairs.get(left + right, 0)) for left, right in pairwise(f"{before}{word}{after}"))

    def _segment(self, text: str, *, mend: bool) -> list[tuple[int, str]]:
        """The likeliest words of a text (unigrams, by dynamic programming), each with its place; with slips undone at their cost."""
        best = [0.0] + [math.inf] * len(text)
        back: list[tuple[int, str]] = [(0, "")] * (len(text) + 1)
        for start in range(len(text)):
            for word, slips in self._readable(text, start, mend=mend):
                end, cost = start + len(word), best[start] + self._cost(word) + slips * SLIP_COSTS
                if cost < best[end]:
                    best[end], back[end] = cost, (start, word)
        found = []
        end = len(text)
        while end > 0:
            found.append(back[end])
            end = back[end][0]
        return found[::-1]

    def _readable(self, text: str, start: int, *, mend: bool) -> Iterator[tuple[str, int]]:
        """Words that may stand at a place, each with the number of characters that are not as said."""
        keys: Sequence[tuple[str, ...]] = [()]
        for end in range(start + 1, min(len(text), start + LONGEST_WORD) + 1):
            said = text[start:end]
            if len(said) == 1 or math.isfinite(self._cost(said)):
                yield said, 0
            if not mend or not keys:
                continue
            keys = [(*key, sound) for key in keys for sound in self._read(text[end - 1]) if (*key, sound) in self._starts]
            for word in (word for key in keys for word in self._words.get(key, ()) if word != said):
                yield word, sum(one != other for one, other in zip(word, said, strict=True))

    def _read(self, char: str) -> tuple[str, ...]:
        """Readings of a character without tones: the usual one, and those it has in the bank's words (the rare ones of 喝 mend nothing)."""
        return self._readings.get(char) or ((lazy_pinyin(char)[0],) if "一" <= char <= "龥" else ())

    def _cost(self, word: str) -> float:
        """-log of a word's share, half in the bank and half in the dictionary; infinite where it is no word."""
        known = self._costs.get(word)
        if known is None:
            likely = (self._counts.get(word, 0) / self._all + share(word)) / 2
            known = -math.log(likely) if likely > 0 else (UNKNOWN if len(word) == 1 else math.inf)
            if len(self._costs) < 100_000:
                self._costs[word] = known
        return known
