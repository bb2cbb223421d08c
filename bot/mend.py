"""Homophone slips mended by what the bank itself says: a character whose two neighbours it never has there, for one it has.

A noisy channel of the plainest kind (Kernighan, Church and Gale 1990, https://aclanthology.org/C90-2036): the slip is
another character of the same sound, the language is the bank's wordings in pairs of characters. Knows no words and no law.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

from pypinyin import lazy_pinyin

START, END = "^", "$"
LONGEST = 80
"""Longer messages are stories: there a strange pair is more likely a name than a slip."""
ONE_SIDE = 20
"""How often the pair with one neighbour must stand in the bank where the pair with the other does not. Between 8 and 30 the
figures of `eval.tolerance` and of the held-out questions differ by less than 0.005."""


class Mender:
    """Pairs of characters and sounds of one bank.

    Args:
        texts: its wordings, normalised, with or without punctuation.
    """

    def __init__(self, texts: Iterable[str]) -> None:
        self._pairs: Counter[str] = Counter()
        for text in texts:
            self._pairs.update(left + right for left, right in pairwise(f"{START}{text}{END}"))
        self._by_sound: defaultdict[str, list[str]] = defaultdict(list)
        self._sounds: dict[str, str] = {}
        for char in sorted({char for pair in self._pairs for char in pair if "一" <= char <= "龥"}):
            self._sounds[char] = lazy_pinyin(char)[0]
            self._by_sound[self._sounds[char]].append(char)

    def mend(self, clean: str) -> str:
        """A normalised text with slips mended; unchanged where the bank knows every pair, or knows nothing better."""
        if len(clean) > LONGEST:
            return clean
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
