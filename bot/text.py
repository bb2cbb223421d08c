"""One clean-up and one segmentation, shared by building and asking; the only jieba user.

Knows nothing of encoders, indexes or the bank.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from threading import Lock

import jieba
import opencc
from pypinyin import lazy_pinyin

from knowledge.words import words

CLEANUP_VERSION = "2"
"""Recorded in every artifact; raise it whenever `normalise` or `cut` can give another result,
the words table included."""

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_BETWEEN_HAN = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_NOT_WORD = re.compile(r"[\W_]+")
_HAN = re.compile(r"[\u4e00-\u9fff]+")
LONGEST_MENDED = 160
"""Longer texts are articles and letters, not typed on a phone."""
SHORTEST_QUESTION = 3
_EVERYDAY = frozenset(
    "不没是但我你他她它的了在有上下要就给会让也这那说去来到和跟被把都还又再很未无非可能多少几怎么什谁哪起家个们里出得着过吗呢吧啊一二三四五六七八九十年月日天"
)
"""Characters that stand alone in good Chinese: a slip seldom has one of them, so a window with one is left as it is (不交 is not 补缴)."""

_ENDS = " ,.!?;:~，。！？；：、…—"
_COURTESY = re.compile(
    r"^(?:(?:在吗|在不在|在么|有人吗|有人在吗|嗨|哎|唉|喂+|亲|哈喽|hello|hi|哈)[呀啊哈]*(?:[,.?!~，。？！]+|$))+"
    r"|^(?:我?(?:想|要|来|就)?(?:咨询|请教|请问|问|打听|了解)(?:一?个|一下|下|点)?(?:事儿?|问题|情况)[哈呀啊]?[,:，：]+)"
    r"|(?<=[\u4e00-\u9fff])(?:[,.?!~，。？！]*(?:谢谢|多谢|感谢|麻烦|辛苦|拜托)(?:您|你|大家|老师|各位|啦|了|哈)*|[呀啊哈哦呗])$"
)
"""Greetings, an announced question, thanks and particles at a message's ends, however they are put together."""
_lock = Lock()
_tokenizer: jieba.Tokenizer | None = None


def _private_folder() -> str:
    """A folder only this user can write: jieba loads its cache with marshal, so a shared /tmp is unsafe."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(base) / "nuanxin"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid == os.getuid() and os.access(folder, os.W_OK):
            folder.chmod(0o700)
            return str(folder)
    except OSError:
        pass
    return tempfile.mkdtemp(prefix="nuanxin-")


def prepare() -> None:
    """Load the dictionary now, so that the first question does not wait for it (about a second)."""
    global _tokenizer
    with _lock:
        if _tokenizer is None:
            jieba.setLogLevel(logging.WARNING)
            tokenizer = jieba.Tokenizer()
            tokenizer.tmp_dir = _private_folder()
            tokenizer.initialize()
            for word in words().vocabulary:
                tokenizer.add_word(word)
            _tokenizer = tokenizer


def _ready() -> jieba.Tokenizer:
    if _tokenizer is None:
        prepare()
    assert _tokenizer is not None
    return _tokenizer


@lru_cache(maxsize=1)
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


@lru_cache(maxsize=32_768)
def normalise(text: str) -> str:
    """Bring any spelling of the same words to one form.

    NFKC (full-width to half-width), lower case, traditional to simplified characters, control and
    invisible characters dropped, white space folded, spaces between Chinese characters removed; then
    dialect to standard words, and homophone slips in words of the field mended (公资 to 工资).

    Returns:
        the cleaned text; normalising it again changes nothing.
    """
    text = _CONTROL.sub(" ", text)
    text = unicodedata.normalize("NFKC", text)
    text = _INVISIBLE.sub("", text)
    text = _simplifier().convert(text.lower())
    # Lower-casing and conversion can leave decomposable characters behind (İ, 兀): one more pass settles them.
    text = unicodedata.normalize("NFKC", text).lower()
    text = _SPACES.sub(" ", text).strip()
    text = _dialect().sub(lambda match: words().dialect[match[0]], _BETWEEN_HAN.sub("", text))
    return _mend(text)


@lru_cache(maxsize=1)
def _dialect() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, words().dialect)))


@lru_cache(maxsize=8192)
def sound(character: str) -> str:
    """A character's most common reading, tones and the pairs people mix up (zh/z, ch/c, sh/s, -ng/-n, l/n) levelled."""
    reading = lazy_pinyin(character)[0]
    reading = re.sub("^(z|c|s)h", r"\1", reading)
    reading = re.sub("^l", "n", reading)
    return re.sub("(?<=[ie])ng$", "n", reading)


@lru_cache(maxsize=1)
def _by_sound() -> tuple[dict[tuple[str, ...], str], frozenset[tuple[str, ...]]]:
    """Words of the field by their sound, and the first two sounds of each for a quick look."""
    known: dict[tuple[str, ...], str] = {}
    for word in words().vocabulary:
        if len(word) >= 2 and _HAN.fullmatch(word):
            known.setdefault(tuple(map(sound, word)), word)
    return known, frozenset(key[:2] for key in known)


def _mend(text: str) -> str:
    """Replace what sounds like a word of the field and is no word itself by that word."""
    if len(text) > LONGEST_MENDED:
        return text
    known, starts = _by_sound()
    sounds = list(map(sound, text))
    places = [at for at, pair in enumerate(pairwise(sounds)) if pair in starts]
    if not places:
        return text
    ready = _ready()
    real: list[bool] | None = None
    mended = list(text)
    for at in places:
        for length in range(min(6, len(text) - at), 1, -1):
            word = known.get(tuple(sounds[at : at + length]))
            slip = text[at : at + length]
            if word is None or word == slip or not _EVERYDAY.isdisjoint(slip):
                continue
            if length == 2 and lazy_pinyin(slip) != lazy_pinyin(word):  # two characters are little evidence: the same sound exactly
                continue
            if real is None:  # characters that belong to a dictionary word of two or more
                real = [belongs for part in ready.lcut(text, HMM=False) for belongs in [len(part) > 1] * len(part)]
            if not any(real[at : at + length]):
                mended[at : at + length] = word
                break
    return "".join(mended)


def strip_fillers(clean: str) -> str:
    """A normalised text without greetings and the like at its ends; unchanged where little else would be left."""
    text = clean
    changed = True
    while changed:
        changed = False
        bare = text.strip(_ENDS)
        while (shorter := _COURTESY.sub("", bare).strip(_ENDS)) != bare:
            bare, changed = shorter, True
        for filler in words().fillers:
            if bare.startswith(filler):
                bare, changed = bare[len(filler) :], True
            elif bare.endswith(filler):
                bare, changed = bare[: -len(filler)], True
        text = bare
    return text if len(squeeze(text)) >= SHORTEST_QUESTION else clean


@lru_cache(maxsize=1)
def _legal_words() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(words().legal, key=len, reverse=True))))


def legal_terms(clean: str) -> tuple[str, ...]:
    """The legal terms that a normalised text speaks of, in its words or in everyday ones, in order, each once."""
    table = words().legal
    return tuple(dict.fromkeys(table[match[0]] for match in _legal_words().finditer(clean)))


def squeeze(clean: str) -> str:
    """A normalised text with everything but letters, digits and Chinese characters removed."""
    return _NOT_WORD.sub("", clean)


@lru_cache(maxsize=1024)
def cut(text: str) -> tuple[str, ...]:
    """Words of a normalised text, in order, punctuation dropped."""
    return tuple(word for word in _ready().lcut(text) if not _NOT_WORD.fullmatch(word))


def dictionary_words(text: str, longest: int) -> Iterator[str]:
    """Every dictionary word inside a text, and every character, as often as it stands there; words of at most so many characters."""
    known = _ready().FREQ  # holds the beginnings of words, too, with 0
    for start in range(len(text)):
        yield text[start]
        for end in range(start + 2, min(len(text), start + longest) + 1):
            count = known.get(text[start:end])
            if count is None:
                break
            if count:
                yield text[start:end]


def share(word: str) -> float:
    """How often the dictionary has a word, of all words, 0..1; 0 where it is none."""
    ready = _ready()
    return float((ready.FREQ.get(word) or 0) / ready.total)


def cut_fine(text: str) -> list[str]:
    """Words of a normalised text together with the shorter words inside them (jieba's search mode)."""
    return [word for word in _ready().lcut_for_search(text) if not _NOT_WORD.fullmatch(word)]


def grams(text: str) -> Iterator[str]:
    """Every character and every pair of neighbouring characters of a text."""
    yield from text
    for left, right in pairwise(text):
        yield left + right
