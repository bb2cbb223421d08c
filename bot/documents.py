"""Each entry as a whole: the centre of its wordings, its answer, all its words; and as the second encoder sees it.

Arithmetic on what the index has read; knows no files and no FAISS.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bot.encoder import Vectors
from bot.lexical import LexicalIndex

Scores = npt.NDArray[np.float32]


class Documents:
    """Each entry as a whole: the centre of its wordings, its answer, all its words.

    Args:
        vectors: of all wordings, those of one entry next to each other, shape (wordings, dimension).
        owners: for each wording the place of its entry.
        central: for each wording whether it counts for the centre; at least one of every entry does.
        answers: a vector for each entry's answer, shape (entries, dimension); zero where there is none.
        grams: the words of each entry.
    """

    def __init__(
        self, vectors: Vectors, owners: npt.NDArray[np.int64], central: npt.NDArray[np.bool_], answers: Vectors, grams: LexicalIndex
    ) -> None:
        self.sizes, self.starts = _spans(owners, len(answers))
        self._centres = _centres(vectors, central, self.starts)
        self._answers = answers
        self._grams = grams

    def centre(self, vector: Vectors) -> Scores:
        """Cosine of a vector with the centre of each entry's wordings."""
        return np.asarray(self._centres @ vector.ravel(), dtype=np.float32)

    def answer(self, vector: Vectors) -> Scores:
        """Cosine of a vector with each entry's answer; an entry without one has 0."""
        return np.asarray(self._answers @ vector.ravel(), dtype=np.float32)

    def lexical(self, text: str) -> Scores:
        """TF-IDF cosine of a text with all words of each entry."""
        return self._grams.score(text)


class Contexts:
    """Entries as the second encoder sees them.

    Args:
        vectors: of all wordings, those of one entry next to each other, half precision, shape (wordings, dimension).
        owners: for each wording the place of its entry.
        central: for each wording whether it counts for the centre.
        count: how many entries there are.
    """

    def __init__(self, vectors: npt.NDArray[np.float16], owners: npt.NDArray[np.int64], central: npt.NDArray[np.bool_], count: int) -> None:
        _, starts = _spans(owners, count)
        self._vectors = vectors
        self._centres = _centres(vectors.astype(np.float32), central, starts)

    def centre(self, vector: Vectors) -> Scores:
        """Cosine of a vector with the centre of each entry's wordings."""
        return np.asarray(self._centres @ vector.ravel(), dtype=np.float32)

    def cosine(self, vector: Vectors, places: npt.NDArray[np.int64]) -> Scores:
        """Cosines of a vector with the wordings at the given places."""
        return np.asarray(self._vectors[places].astype(np.float32) @ vector.ravel(), dtype=np.float32)


def _spans(owners: npt.NDArray[np.int64], count: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """How many wordings each entry has, and the place of its first."""
    sizes = np.bincount(owners, minlength=count)
    return sizes, np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)


def _centres(vectors: Vectors, central: npt.NDArray[np.bool_], starts: npt.NDArray[np.int64]) -> Vectors:
    """Mean directions of the central wordings of each entry."""
    sums = np.add.reduceat(vectors * central[:, None], starts, axis=0) if len(starts) else np.zeros((0, vectors.shape[1]), dtype=np.float32)
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9), dtype=np.float32)
