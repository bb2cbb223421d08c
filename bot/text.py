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

CLEANUP_VERSION = "1"
"""Recorded in every artifact; raise it whenever `normalise` or `cut` can give another result."""

_INVISIBLE = re.compile(r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_SPACES = re.compile(r"\s+")
_BETWEEN_HAN = re.compile(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])")
_NOT_WORD = re.compile(r"[\W_]+")

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
            _tokenizer = tokenizer


def _ready() -> jieba.Tokenizer:
    if _tokenizer is None:
        prepare()
    assert _tokenizer is not None
    return _tokenizer


@lru_cache(maxsize=1)
def _simplifier() -> opencc.OpenCC:
    return opencc.OpenCC("t2s")


def normalise(text: str) -> str:
    """Bring any spelling of the same words to one form.

    NFKC (full-width to half-width), lower case, traditional to simplified characters, control and
    invisible characters dropped, white space folded, spaces between Chinese characters removed.

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
    return _BETWEEN_HAN.sub("", text)


def squeeze(clean: str) -> str:
    """A normalised text with everything but letters, digits and Chinese characters removed."""
    return _NOT_WORD.sub("", clean)


def cut(text: str) -> list[str]:
    """Words of a normalised text, in order, punctuation dropped."""
    return [word for word in _ready().lcut(text) if not _NOT_WORD.fullmatch(word)]


def cut_fine(text: str) -> list[str]:
    """Words of a normalised text together with the shorter words inside them (jieba's search mode)."""
    return [word for word in _ready().lcut_for_search(text) if not _NOT_WORD.fullmatch(word)]


def grams(text: str) -> Iterator[str]:
    """Every character and every pair of neighbouring characters of a text."""
    yield from text
    for left, right in pairwise(text):
        yield left + right
