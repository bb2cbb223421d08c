"""The default encoder's arithmetic in numpy: hashed characters, pairs and words, summed with learned weights.

What a server loads: no torch, no sentence-transformers, so it starts in a few seconds. The same
folder loads through sentence-transformers by bot.hashed_features and gives the same vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zlib import crc32

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file

from bot.text import cut, grams, normalise, squeeze

WEIGHTS_FILE = "model.safetensors"


def hash_features(text: str, rows: int) -> list[int]:
    """Row numbers (0..rows-1) of a raw text's features, each feature as often as it occurs.

    Features are the characters, the character pairs and the jieba words of three or more characters
    of the normalised text without punctuation; words carry a mark so that they do not share a row
    with anything else by meaning. crc32 is fixed by its standard, so rows are the same everywhere.
    """
    clean = normalise(text)
    features = list(grams(squeeze(clean)))
    features.extend(f"w:{word}" for word in cut(clean) if len(word) >= 3)
    if not features:
        features = ["∅"]
    return [crc32(feature.encode()) % rows for feature in features]


class StaticModel:
    """Sum of int8 rows times their scales, normalised to length one.

    Args:
        table: int8, shape (rows, dimension).
        scale: float, shape (rows,); one step of the row's numbers, with the learned weight folded in.

    Raises:
        ValueError: the two do not fit together.
    """

    def __init__(self, table: npt.NDArray[np.int8], scale: npt.NDArray[np.float32]) -> None:
        if table.ndim != 2 or scale.shape != (table.shape[0],):
            raise ValueError(f"table {table.shape} and scale {scale.shape} do not fit together")
        self._table = table
        self._scale = scale
        self.rows, self.dimension = table.shape

    @classmethod
    def load(cls, folder: Path) -> StaticModel:
        """Read a folder written by bot.hashed_features.

        Raises:
            ValueError: the weights cannot be read.
        """
        try:
            tensors = load_file(folder / WEIGHTS_FILE)
            return cls(tensors["table"], tensors["scale"].astype(np.float32))
        except (SafetensorError, KeyError, OSError) as error:
            raise ValueError(f"{folder / WEIGHTS_FILE} cannot be read ({type(error).__name__})") from error

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Unit vectors of raw texts, float32, shape (len(texts), dimension)."""
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        for place, text in enumerate(texts):
            ids = hash_features(text, self.rows)
            summed = self._scale[ids] @ self._table[ids].astype(np.float32)
            vectors[place] = summed / max(float(np.linalg.norm(summed)), 1e-12)
        return vectors
