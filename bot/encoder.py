"""Text to unit vectors; loads every sentence-transformers model, the bundled one by default.

The only module that loads models. Knows nothing of the bank or the index.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from sentence_transformers import SentenceTransformer

from bot.errors import EncoderError
from bot.settings import BUNDLED_ENCODER
from bot.text import normalise

OWN_MODULE = "bot.hashed_features.HashedFeatures"

Vectors = npt.NDArray[np.float32]


def use_one_thread() -> None:
    """One question is too small to share out: threads waiting for each other cost more than they bring."""
    torch.set_num_threads(1)


class Encoder(Protocol):
    """What turns texts into vectors.

    Attributes:
        name: the model as a person would say it (a folder's or hub model's last name part).
        fingerprint: sha256 over weights and settings; equal fingerprints give equal vectors.
        dimension: numbers per vector.
    """

    name: str
    fingerprint: str
    dimension: int

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), dimension)."""
        ...


class SentenceEncoder:
    """Any sentence-transformers folder or hub name.

    Args:
        model: a folder, or the name of a hub model (needs network or a filled cache).

    Raises:
        EncoderError: the model cannot be loaded; says why and what to do.
    """

    def __init__(self, model: str | Path = BUNDLED_ENCODER) -> None:
        folder = Path(model)
        try:
            # Code named by a model folder runs on loading it, so only our own module is trusted.
            self._model = SentenceTransformer(str(model), device="cpu", trust_remote_code=folder.is_dir() and _has_own_module(folder))
        except Exception as error:
            raise EncoderError(
                f"The encoder {model} cannot be loaded ({type(error).__name__}: {error}). "
                "Give a sentence-transformers folder or hub name with NUANXIN_ENCODER or --encoder."
            ) from error
        self._cleans_itself = folder.is_dir() and _has_own_module(folder)
        self.name = folder.name
        self.fingerprint = _fingerprint(folder) if folder.is_dir() else hashlib.sha256(str(model).encode()).hexdigest()
        dimension = self._model.get_embedding_dimension()
        if not dimension:
            raise EncoderError(f"The encoder {model} does not say how many numbers a vector has.")
        self.dimension = int(dimension)

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, float32, shape (len(texts), dimension), of the normalised texts."""
        if not texts:
            return np.zeros((0, self.dimension), dtype=np.float32)
        if len(texts) == 1 and self._cleans_itself and len(self._model) == 1:
            return np.ascontiguousarray(self._model[0].encode_one(texts[0]), dtype=np.float32)
        vectors = self._model.encode(
            list(texts) if self._cleans_itself else [normalise(text) for text in texts],
            batch_size=64,
            show_progress_bar=False,
            convert_to_numpy=True,
            normalize_embeddings=True,
        )
        return np.ascontiguousarray(vectors, dtype=np.float32)


def _has_own_module(folder: Path) -> bool:
    path = folder / "modules.json"
    if not path.is_file():
        return False
    types = {str(module.get("type")) for module in json.loads(path.read_text(encoding="utf-8"))}
    return OWN_MODULE in types and all(kind == OWN_MODULE or kind.startswith("sentence_transformers.") for kind in types)


def _fingerprint(folder: Path) -> str:
    """sha256 over the names and contents of a model folder's files, model cards left out."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() != ".md" and "__pycache__" not in path.parts:
            digest.update(path.relative_to(folder).as_posix().encode() + b"\0")
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
