"""The second encoder's run time: a small transformer that reads a text as a sentence; the only ONNX Runtime and tokenizers user.

The first encoder adds up words and does not see how they belong together; this one does, at the price of a
millisecond or two a question. Made by training/context_train.py. Knows nothing of banks, indexes or scores.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from bot.text import normalise

MODEL_FILE, TOKENIZER_FILE = "context.onnx", "tokenizer.json"
LONGEST = 96
"""Tokens read of a text, about 150 characters: what asks stands before that or in a sentence of its own."""
_WORTH_SHARING = 64

Vector = npt.NDArray[np.float32]


class ContextModel:
    """Texts to unit vectors.

    Args:
        folder: holds MODEL_FILE (input `input_ids`, int64 of shape (1, tokens); one output, float32 of shape
            (1, dimension), of length one) and TOKENIZER_FILE.
        threads: how many texts are worked on at once; None takes all cores.

    Raises:
        ValueError: the folder does not hold such a model.
    """

    def __init__(self, folder: Path, threads: int | None = None) -> None:
        options = onnxruntime.SessionOptions()
        # One text is too small to share out; and a session without threads of its own survives the fork of a server.
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            self._session = onnxruntime.InferenceSession(str(folder / MODEL_FILE), options, providers=["CPUExecutionProvider"])
            self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER_FILE))
        except Exception as error:  # both libraries raise their own and plain Exception
            raise ValueError(f"{folder} cannot be read ({type(error).__name__}: {error})") from error
        self._tokenizer.enable_truncation(LONGEST)
        self._threads = threads or os.cpu_count() or 1
        self.dimension = int(self._session.get_outputs()[0].shape[-1])

    def encode(self, texts: Sequence[str]) -> Vector:
        """Unit vectors of raw texts, float32, shape (len(texts), dimension).

        Each text by itself: the integer arithmetic scales numbers by the largest of a batch, so that texts
        worked on together would change each other's vectors.
        """
        vectors = np.empty((len(texts), self.dimension), dtype=np.float32)
        if self._threads > 1 and len(texts) >= _WORTH_SHARING:
            with ThreadPoolExecutor(self._threads) as pool:
                for place, vector in enumerate(pool.map(self._one, texts)):
                    vectors[place] = vector
        else:
            for place, text in enumerate(texts):
                vectors[place] = self._one(text)
        return vectors

    def _one(self, text: str) -> Vector:
        ids = np.asarray([self._tokenizer.encode(normalise(text)).ids], dtype=np.int64)
        return np.asarray(self._session.run(None, {"input_ids": ids})[0][0], dtype=np.float32)
