"""Texts by shared characters and pairs: TF-IDF cosine over hashed grams.

The lexical half of retrieval. Plain TF-IDF cosine lies in 0..1 with 1.0 for the same words, which BM25
does not; on the dev bank it finds 0.875 first where BM25 finds 0.886, and the dense half leads anyway.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse as sparse
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils import murmurhash3_32

from bot.text import grams, normalise, squeeze

BUCKETS = 2**18


def _analyse(text: str) -> list[str]:
    return list(grams(squeeze(normalise(text))))


_counter = HashingVectorizer(n_features=BUCKETS, analyzer=_analyse, norm=None, alternate_sign=False, dtype=np.float32)


@lru_cache(maxsize=64)
def _count(text: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
    """Buckets of a text's grams, ascending, and how often each occurs; the indexes of one question ask for the same."""
    counts = Counter(abs(murmurhash3_32(gram, seed=0)) % BUCKETS for gram in _analyse(text))  # as HashingVectorizer does
    buckets = np.asarray(sorted(counts), dtype=np.int64)
    return buckets, np.asarray([counts[bucket] for bucket in buckets.tolist()], dtype=np.float32)


class LexicalIndex:
    """Unit TF-IDF rows of texts.

    Args:
        weights: idf per bucket, float32, shape (BUCKETS,).
        postings: float32 CSR, shape (BUCKETS, texts).
    """

    def __init__(self, weights: npt.NDArray[np.float32], postings: sparse.csr_matrix) -> None:
        self._weights = weights
        self._postings = postings
        self._rows: sparse.csr_matrix | None = None

    @classmethod
    def build(cls, texts: Sequence[str]) -> LexicalIndex:
        """Count grams, weigh by ln((1+n)/(1+df))+1 and 1+ln(tf), bring rows to length one."""
        counts = _counter.transform(texts).tocsr() if texts else sparse.csr_matrix((0, BUCKETS), dtype=np.float32)
        seen = np.bincount(counts.indices, minlength=BUCKETS)
        weights = (np.log((1 + len(texts)) / (1 + seen)) + 1).astype(np.float32)
        return cls(weights, _unit_rows(counts, weights).T.tocsr())

    def score(self, text: str) -> npt.NDArray[np.float32]:
        """Cosine of a text with every indexed text, float32, shape (texts,), 0..1."""
        buckets, values = self._query(text)
        postings = self._postings
        starts, ends = postings.indptr[buckets], postings.indptr[buckets + 1]
        lengths = ends - starts
        at = np.repeat(starts - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths) + np.arange(lengths.sum())
        weighted = postings.data[at] * np.repeat(values, lengths)
        return np.bincount(postings.indices[at], weights=weighted, minlength=postings.shape[1]).astype(np.float32)

    def score_some(self, text: str, places: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
        """The same for some of the indexed texts, float32, shape (places,)."""
        buckets, values = self._query(text)
        if self._rows is None:
            self._rows = self._postings.T.tocsr()
        picked = self._rows[places]
        found = np.searchsorted(buckets, picked.indices)
        found[found == len(buckets)] = 0
        hits = np.where(buckets[found] == picked.indices, values[found], 0) if len(buckets) else np.zeros(len(picked.indices))
        owners = np.repeat(np.arange(len(places)), np.diff(picked.indptr))
        return np.bincount(owners, weights=picked.data * hits, minlength=len(places)).astype(np.float32)

    def _query(self, text: str) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Buckets of a text's grams, ascending, and their weights, of length one together."""
        buckets, counts = _count(text)
        values = (1 + np.log(counts)) * self._weights[buckets]
        return buckets, values / max(float(np.linalg.norm(values)), 1e-9)

    def save(self, path: Path) -> None:
        """Write one .npz file."""
        matrix = self._postings
        np.savez(path, weights=self._weights, data=matrix.data, indices=matrix.indices, indptr=matrix.indptr, shape=matrix.shape)

    @classmethod
    def load(cls, path: Path) -> LexicalIndex:
        """Read a file written by `save`."""
        with np.load(path, allow_pickle=False) as file:
            postings = sparse.csr_matrix((file["data"], file["indices"], file["indptr"]), shape=tuple(file["shape"]))
            return cls(file["weights"], postings)


def _unit_rows(counts: sparse.csr_matrix, weights: npt.NDArray[np.float32]) -> sparse.csr_matrix:
    rows = counts.copy()
    rows.data = (1 + np.log(rows.data)) * weights[rows.indices]
    lengths = np.sqrt(np.asarray(rows.multiply(rows).sum(axis=1)).ravel())
    lengths[lengths == 0] = 1
    rows.data /= np.repeat(lengths, np.diff(rows.indptr)).astype(np.float32)
    return rows
