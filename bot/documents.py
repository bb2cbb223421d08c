"""Each entry as a whole: the centre of its wordings, its answer, all its words.

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
        answers: a vector for each entry's answer, shape (entries, dimension); zero where there is none.
        grams: the words of each entry.
    """

    def __init__(self, vectors: Vectors, owners: npt.NDArray[np.int64], answers: Vectors, grams: LexicalIndex) -> None:
        count = len(answers)
        self.sizes = np.bincount(owners, minlength=count)
        self.starts = np.concatenate([[0], np.cumsum(self.sizes)[:-1]]).astype(np.int64)
        sums = np.add.reduceat(vectors, self.starts, axis=0) if count else np.zeros_like(answers)
        self._centres = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-9)
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
